//! Log files against CloudTrail's digest files: what is as it was delivered, and what is missing, changed or unsigned.
//!
//! Each digest names the log files of about an hour with their hashes, the digest before it with its hash and
//! signature, and is signed itself. So from the newest digest on, everything that it reaches is proved, and the signature
//! of every digest but the newest stands in the one that follows it (CloudTrail user guide, "Validating CloudTrail log
//! file integrity"). Names are compared without their folders, so that copies of an archive can be checked.

mod digest;
mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::decode;
use crate::progress::Progress;
use crate::source::{self, Source};

use digest::{Digest, Stream, base, delivery};
use keys::Check;

pub use keys::{Error, PublicKeys, Signatures};

/// Bytes at the front of a file in which a digest shows itself.
const HEAD: usize = 4 << 10;
/// Most bytes of a digest: 100,000 log files of 400 bytes each.
const LARGEST_DIGEST: usize = 40 << 20;
/// Under which name S3 keeps a digest's signature.
const SIGNATURE: &str = "signature";
/// Most bytes of a file that lies beside a digest.
const LARGEST_SIGNATURE: u64 = 64 << 10;

/// What there is to check signatures with.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Signatures that are known apart from the archive.
    pub signatures: Signatures,
    /// AWS's public keys; `None` where none were given.
    pub keys: Option<PublicKeys>,
}

/// What the archive's digest files prove of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Integrity {
    /// Digest files.
    pub digests: u64,
    /// Those that a signature proves, their own or that of a digest that follows.
    pub digests_proved: u64,
    /// Log files that digests name and whose content is the one delivered.
    pub intact: u64,
    /// Those of them that stand in a proved digest.
    pub intact_proved: u64,
    /// What nobody should pass over: missing, changed, forged, unreadable, unnamed. Sorted by name.
    pub wrong: Vec<Finding>,
    /// What is not proved, and why.
    pub open: Vec<Finding>,
    /// Log files that no digest answers for, by account and region.
    pub uncovered: BTreeMap<(String, String), u64>,
    /// Periods in which a trail delivered no log file, as (account, region, trail) → seconds from and to.
    pub empty: BTreeMap<(String, String, String), Vec<(i64, i64)>>,
}

/// Something about one file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The file.
    pub what: String,
    /// What is to be said of it.
    pub why: String,
}

/// What reading one file gave.
struct Content {
    /// SHA-256 of the uncompressed content in hexadecimal, or why there is none.
    hash: Result<String, String>,
    /// The digest that it is, or why it is none although it looks like one.
    digest: Option<Result<Digest, String>>,
    /// The text of a file beside a digest.
    beside: Option<String>,
}

/// A digest of the archive.
struct Link<'a> {
    name: String,
    source: &'a Source,
    digest: &'a Digest,
    hash: &'a str,
    proved: bool,
}

/// Checks every log file that the sources' digest files name; one that inflates to more than `max_output` bytes counts as
/// changed.
pub fn validate(sources: &[Source], evidence: &Evidence, max_output: u64, progress: &Progress) -> Integrity {
    progress.expect(sources.len(), sources.iter().map(Source::bytes).sum());
    source::expect(sources);
    // One after another, as they were announced, and then in their order again.
    let mut contents: Vec<(usize, Content)> = sources
        .iter()
        .enumerate()
        .par_bridge()
        .map(|(at, source)| {
            let content = read(source, max_output);
            progress.advance(source.bytes());
            (at, content)
        })
        .collect();
    contents.sort_unstable_by_key(|(at, _)| *at);
    progress.finish();

    let mut integrity = Integrity::default();
    let mut signatures = evidence.signatures.clone();
    let mut logs: BTreeMap<String, Vec<(String, &Content)>> = BTreeMap::new();
    let mut links = Vec::new();
    for (source, (_, content)) in sources.iter().zip(&contents) {
        let name = source.name();
        match (&content.digest, &content.hash) {
            (Some(Ok(digest)), Ok(hash)) => links.push(Link {
                name,
                source,
                digest,
                hash,
                proved: false,
            }),
            (Some(Err(why)), _) => integrity.wrong(&name, &format!("no digest file that can be read: {why}")),
            (Some(Ok(_)), Err(why)) => integrity.wrong(&name, why),
            (None, _) => {
                if let Some(text) = &content.beside {
                    signatures.beside(name.trim_end_matches(".sig"), text);
                } else {
                    logs.entry(base(&name).to_owned()).or_default().push((name, content));
                }
            }
        }
    }
    integrity.digests = links.len() as u64;
    integrity.chain(&mut links, &mut signatures, evidence);
    integrity.log_files(&links, &logs);
    integrity.unnamed(&links, &logs);
    integrity.empty_periods(&links);
    integrity.wrong.sort();
    integrity.wrong.dedup();
    integrity.open.sort();
    integrity
}

fn read(source: &Source, max_output: u64) -> Content {
    let failed = |why: String| Content {
        hash: Err(why),
        digest: None,
        beside: None,
    };
    let stream = match source.open() {
        Ok(stream) => stream,
        Err(error) => return failed(format!("cannot be opened: {error}")),
    };
    if source.name().ends_with(".sig") {
        let mut text = String::new();
        let read = stream.take(LARGEST_SIGNATURE).read_to_string(&mut text);
        return Content {
            beside: read.ok().map(|_| text),
            ..failed(String::new())
        };
    }
    let mut stream = match decode::plain(stream) {
        Ok(stream) => stream,
        Err(why) => return failed(why.to_string()),
    };
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    // What has been read, as long as it may be a digest.
    let mut held = Some(Vec::new());
    let mut left = max_output;
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) if count as u64 > left => return failed(decode::Why::OutputTooLarge.to_string()),
            Ok(count) => {
                left -= count as u64;
                hasher.update(&chunk[..count]);
                if let Some(text) = &mut held {
                    text.extend_from_slice(&chunk[..count]);
                    let enough = text.len() >= HEAD;
                    if enough && !looks_like_digest(text) || text.len() > LARGEST_DIGEST {
                        held = None;
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return failed(format!("cannot be read to its end: {error}")),
        }
    }
    let hash = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let digest = held
        .filter(|text| looks_like_digest(text))
        .map(|text| Digest::parse(&text));
    Content {
        hash: Ok(hash),
        digest,
        beside: None,
    }
}

fn looks_like_digest(text: &[u8]) -> bool {
    let head = &text[..text.len().min(HEAD)];
    memchr::memmem::find(head, b"\"digestStartTime\"").is_some()
}

impl Integrity {
    fn wrong(&mut self, what: &str, why: &str) {
        self.wrong.push(Finding {
            what: what.to_owned(),
            why: why.to_owned(),
        });
    }

    fn open(&mut self, what: &str, why: &str) {
        self.open.push(Finding {
            what: what.to_owned(),
            why: why.to_owned(),
        });
    }

    /// Follows each digest to the one before it, newest first, and checks signatures and hashes on the way.
    fn chain(&mut self, links: &mut [Link<'_>], signatures: &mut Signatures, evidence: &Evidence) {
        links.sort_by(|a, b| {
            let key = |link: &Link<'_>| (link.digest.period().map(|(_, end)| end), link.name.clone());
            key(b).cmp(&key(a))
        });
        let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, link) in links.iter().enumerate() {
            named
                .entry(base(&link.digest.digest_s3_object).to_owned())
                .or_default()
                .push(index);
        }
        for index in 0..links.len() {
            let (name, digest, hash) = (links[index].name.clone(), links[index].digest, links[index].hash);
            let given = signatures.of(&digest.digest_s3_object).map(str::to_owned);
            // The object itself carries its signature in hexadecimal as `x-amz-meta-signature` (CloudTrail user guide,
            // "Custom implementations of CloudTrail log file integrity validation"). Only that of the newest digest of a
            // chain has to be asked for.
            let asked = match given {
                Some(_) => Ok(given),
                None => links[index].source.metadata(SIGNATURE),
            };
            let (signature, trouble) = match asked {
                Ok(signature) => (signature, None),
                Err(error) => (None, Some(error)),
            };
            let check = match (&evidence.keys, &signature) {
                (_, None) => None,
                (None, Some(_)) => Some(Check::NoKey),
                (Some(keys), Some(signature)) => {
                    let text = digest.signing_string(hash);
                    Some(keys.check(&digest.digest_public_key_fingerprint, &text, signature))
                }
            };
            match check {
                Some(Check::Valid) => links[index].proved = true,
                Some(Check::Invalid) => {
                    links[index].proved = false;
                    self.wrong(
                        &name,
                        "the signature does not fit: the digest file was changed, or is not AWS's",
                    );
                }
                _ if links[index].proved => {}
                None => match trouble {
                    Some(error) => self.open(&name, &format!("unsigned: its metadata cannot be read: {error}")),
                    None => self.open(&name, "unsigned: signature not given"),
                },
                Some(Check::NoKey) if evidence.keys.is_none() => {
                    self.open(&name, "signed, not checked: no public keys given");
                }
                Some(Check::NoKey) => {
                    let why = format!(
                        "signed, not checked: no public key {} among those given",
                        digest.digest_public_key_fingerprint
                    );
                    self.open(&name, &why);
                }
            }
            let Some(previous) = &digest.previous_digest_s3_object else {
                continue;
            };
            if let Some(signature) = &digest.previous_digest_signature {
                signatures.beside(previous, signature);
            }
            let wanted = digest.previous_digest_hash_value.as_deref().unwrap_or("");
            match named.get(base(previous)) {
                Some(found) => {
                    for before in found.clone() {
                        if links[before].hash.eq_ignore_ascii_case(wanted) {
                            links[before].proved |= links[index].proved;
                        } else {
                            let before = links[before].name.clone();
                            self.wrong(&before, &format!("changed: {name} has another hash of it"));
                        }
                    }
                }
                None if links.iter().any(|link| is_before(link.digest, digest)) => {
                    self.wrong(previous, &format!("missing: {name} follows this digest file"));
                }
                None => self.open(&name, "the digest file before this one is not in the archive"),
            }
        }
        self.digests_proved = links.iter().filter(|link| link.proved).count() as u64;
    }

    /// Compares the log files that digests name with those that are there.
    fn log_files(&mut self, links: &[Link<'_>], logs: &BTreeMap<String, Vec<(String, &Content)>>) {
        for link in links {
            for file in &link.digest.log_files {
                let Some(copies) = logs.get(base(&file.s3_object)) else {
                    self.wrong(&file.s3_object, &format!("missing: {} names this log file", link.name));
                    continue;
                };
                for (name, content) in copies {
                    match &content.hash {
                        Ok(hash) if hash.eq_ignore_ascii_case(&file.hash_value) => {
                            self.intact += 1;
                            self.intact_proved += u64::from(link.proved);
                        }
                        Ok(_) => self.wrong(name, &format!("changed: {} has another hash of it", link.name)),
                        Err(why) => self.wrong(name, &format!("changed: {why}")),
                    }
                }
            }
        }
    }

    /// Log files that no digest names: odd where one answers for the time of their delivery, and unproved elsewhere.
    fn unnamed(&mut self, links: &[Link<'_>], logs: &BTreeMap<String, Vec<(String, &Content)>>) {
        let named: BTreeSet<&str> = links
            .iter()
            .flat_map(|link| link.digest.log_files.iter().map(|file| base(&file.s3_object)))
            .collect();
        for (base, copies) in logs.iter().filter(|(base, _)| !named.contains(base.as_str())) {
            let Some((account, region, time)) = delivery(base) else {
                continue;
            };
            // The name has no seconds, so a file at a period's edge may belong to the next digest.
            let inside = |digest: &Digest| {
                digest.aws_account_id == account
                    && digest.region() == region
                    && digest
                        .period()
                        .is_some_and(|(start, end)| start <= time && time + 60 < end)
            };
            match links.iter().find(|link| inside(link.digest)) {
                Some(link) => {
                    for (name, _) in copies {
                        let why = format!("in no digest file, although {} answers for its time", link.name);
                        self.wrong(name, &why);
                    }
                }
                None => {
                    *self
                        .uncovered
                        .entry((account.to_owned(), region.to_owned()))
                        .or_default() += 1
                }
            }
        }
    }

    /// Periods whose digests name no file, joined where they touch.
    fn empty_periods(&mut self, links: &[Link<'_>]) {
        let late: Vec<(Stream, (i64, i64))> = links
            .iter()
            .filter(|link| !link.digest.log_files.is_empty())
            .filter_map(|link| Some((link.digest.stream(), link.digest.period()?)))
            .filter(|(stream, _)| stream.backfill)
            .collect();
        let mut empty: BTreeMap<(String, String, String), BTreeSet<(i64, i64)>> = BTreeMap::new();
        for link in links.iter().filter(|link| link.digest.log_files.is_empty()) {
            let Some((start, end)) = link.digest.period() else {
                continue;
            };
            let Stream {
                account,
                region,
                trail,
                backfill,
            } = link.digest.stream();
            let filled = late.iter().any(|(other, (from, to))| {
                (&other.account, &other.region, &other.trail) == (&account, &region, &trail)
                    && *from < end
                    && start < *to
            });
            if !backfill && !filled {
                empty.entry((account, region, trail)).or_default().insert((start, end));
            }
        }
        for (stream, periods) in empty {
            let mut joined: Vec<(i64, i64)> = Vec::new();
            for (start, end) in periods {
                match joined.last_mut() {
                    Some((_, last)) if start <= *last => *last = end.max(*last),
                    _ => joined.push((start, end)),
                }
            }
            self.empty.insert(stream, joined);
        }
    }
}

/// Whether `a` is of the same chain as `b` and ends no later than `b` starts.
fn is_before(a: &Digest, b: &Digest) -> bool {
    let (Some((_, end)), Some((start, _))) = (a.period(), b.period()) else {
        return false;
    };
    a.stream() == b.stream() && end <= start
}

#[cfg(test)]
mod tests;
