//! A policy as a file holds it: bare, URL-encoded, or inside what the AWS CLI prints around it.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::place::locate;
use super::{Error, Policy, json};

/// Where the CLI's answers keep a policy: `get-policy-version`, `get-role-policy` and its like, `get-role`, `get-bucket-policy`
/// and the other services' `get-…-policy`, `describe-policy` of Organizations, `get-queue-attributes`.
const WRAPPERS: [&[&str]; 12] = [
    &["PolicyVersion", "Document"],
    &["PolicyDocument"],
    &["Document"],
    &["Role", "AssumeRolePolicyDocument"],
    &["AssumeRolePolicyDocument"],
    &["Policy", "Content"],
    &["Policy"],
    &["ResourcePolicy"],
    &["policyText"],
    &["policy"],
    &["resourcePolicy", "policyDocument"],
    &["Attributes", "Policy"],
];

impl Policy {
    /// Parses the policy that a file holds: its text, its text in URL encoding, or one of the AWS CLI's answers with the
    /// policy in it.
    ///
    /// ```
    /// use trimtrail::Policy;
    /// let answer = r#"{"PolicyVersion": {"VersionId": "v2", "Document": {"Statement": []}}}"#;
    /// assert!(Policy::parse_wrapped(answer).unwrap().statements.is_empty());
    /// ```
    ///
    /// # Errors
    /// As [`Policy::parse`]; the position is that in the file.
    pub fn parse_wrapped(text: &str) -> Result<Self, Error> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('%') {
            return encoded(text.trim());
        }
        let value = json::strict(text)?;
        let (place, inner) = inside(&value);
        let parsed = match inner {
            Value::String(text) => from_string(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Self::from_value(inner)
            }
        };
        parsed.map_err(|error| {
            let error = error.under(&place);
            let at = locate(text, error.place());
            error.at(at)
        })
    }
}

/// The policy in an answer, and the way to it; the whole where it is no known answer.
fn inside(value: &Value) -> (String, &Value) {
    if value.get("Statement").is_some() {
        return (String::new(), value);
    }
    let found = WRAPPERS.iter().find_map(|path| {
        let inner = path.iter().try_fold(value, |value, key| value.get(key))?;
        // What `get-policy` prints under `Policy` describes the policy and does not hold it.
        let holds = inner.is_string() || inner.get("Statement").is_some();
        holds.then(|| (path.join("."), inner))
    });
    found.unwrap_or((String::new(), value))
}

/// Parses a policy that stands in a JSON string, in URL encoding or not.
pub(in crate::iam) fn from_string(text: &str) -> Result<Policy, Error> {
    if text.trim_start().starts_with('%') {
        encoded(text.trim())
    } else {
        Policy::parse(text)
    }
}

/// RFC 3986, in which `+` is a plus sign ("GetPolicyVersion" of the IAM API reference).
fn encoded(text: &str) -> Result<Policy, Error> {
    let plain = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| super::wrong("policy", "is in URL encoding, but not of UTF-8 text"))?;
    Policy::parse(&plain)
}
