//! Public keys and signatures, as AWS hands them out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;

use super::digest::base;
use crate::help::Help;

/// Why a file of keys or signatures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not what the AWS CLI prints.
    #[error("not the output of `aws cloudtrail list-public-keys`: {0}")]
    Keys(String),
    /// Not a map from digest files to signatures.
    #[error("not a JSON object from digest file to signature: {0}")]
    Signatures(String),
}

impl Help for Error {
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Error::Keys(_) => {
                "run `aws cloudtrail list-public-keys --start-time … --region REGION > keys.json`, once a region"
            }
            Error::Signatures(_) => {
                "write {\"digest file\": \"x-amz-meta-signature of that object\", …}, or keep `aws s3api head-object` output beside each digest as FILE.sig"
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyList {
    public_key_list: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    value: String,
    fingerprint: String,
}

/// Public keys by their fingerprints; each region has its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PublicKeys(BTreeMap<String, Vec<u8>>);

/// What became of a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Check {
    Valid,
    Invalid,
    NoKey,
}

impl PublicKeys {
    /// Adds the keys of one output of `aws cloudtrail list-public-keys`: base64 of an RSA key in PKCS #1 form.
    ///
    /// # Errors
    /// A text that is no such output.
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        let list: KeyList = serde_json::from_str(text).map_err(|error| Error::Keys(error.to_string()))?;
        for key in list.public_key_list {
            let der = STANDARD
                .decode(key.value.trim())
                .map_err(|error| Error::Keys(error.to_string()))?;
            self.0.insert(key.fingerprint.to_ascii_lowercase(), der);
        }
        Ok(())
    }

    /// Whether `signature`, in hexadecimal, is that of `text` under the key of this fingerprint.
    pub(super) fn check(&self, fingerprint: &str, text: &str, signature: &str) -> Check {
        let Some(der) = self.0.get(&fingerprint.to_ascii_lowercase()) else {
            return Check::NoKey;
        };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der);
        let holds = unhex(signature).is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok());
        if holds { Check::Valid } else { Check::Invalid }
    }
}

/// Signatures of digest files by the files' own names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signatures(BTreeMap<String, String>);

impl Signatures {
    /// A JSON object from digest files (a path, key or URL; the last part counts) to signatures in hexadecimal.
    ///
    /// # Errors
    /// A text that is no such object.
    pub fn parse(text: &str) -> Result<Signatures, Error> {
        let map: BTreeMap<String, String> =
            serde_json::from_str(text).map_err(|error| Error::Signatures(error.to_string()))?;
        let named = map
            .into_iter()
            .map(|(name, signature)| (base(&name).to_owned(), signature));
        Ok(Signatures(named.collect()))
    }

    /// Adds what a file beside a digest says: the signature alone, or the output of `aws s3api head-object`.
    pub(super) fn beside(&mut self, digest: &str, text: &str) {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Head {
            metadata: BTreeMap<String, String>,
        }
        let signature = match serde_json::from_str::<Head>(text) {
            Ok(mut head) => head.metadata.remove("signature"),
            Err(_) => unhex(text.trim()).map(|_| text.trim().to_owned()),
        };
        if let Some(signature) = signature {
            self.0.entry(base(digest).to_owned()).or_insert(signature);
        }
    }

    /// The signature of a digest file of this name.
    pub(super) fn of(&self, digest: &str) -> Option<&str> {
        self.0.get(base(digest)).map(String::as_str)
    }
}

/// Bytes from hexadecimal.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    // `from_str_radix` takes a sign.
    if text.is_empty() || !digits.remainder().is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
