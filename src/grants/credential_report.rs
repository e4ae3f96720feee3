//! The credential report: what IAM knows of each user's password and access keys (IAM user guide, "Getting credential
//! reports").

use std::cell::Cell;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::Value;

use super::supplements::moment;
use crate::coverage::member;

/// One access key as the report tells; it does not name the key's id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessKey {
    /// 1 or 2.
    pub number: u8,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made, or put in another's place.
    pub rotated: Option<Timestamp>,
    /// Its last use.
    pub last_used: Option<Timestamp>,
    /// The service of its last use, as IAM names it.
    pub last_service: Option<String>,
}

/// What one line of the report says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Credentials {
    /// Whether it is the account's root user.
    pub is_root: bool,
    /// Whether there is a console password; the report does not tell of the root user.
    pub password: bool,
    /// The password's last use.
    pub password_last_used: Option<Timestamp>,
    /// Whether a second factor is asked for.
    pub mfa: bool,
    /// The keys that exist, or existed.
    pub keys: Vec<AccessKey>,
    /// When IAM made the report; a bare CSV does not say.
    pub generated: Option<Timestamp>,
    /// Whether a date of it cannot be read, so that it does not tell whether something was used.
    pub unreadable: bool,
}

/// Reads a report, as CSV or as `get-credential-report` prints it (`Content` in base64), by ARN. Nobody may be in it.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, Credentials>, String> {
    let mut generated = None;
    let decoded = if text.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        generated = member(&value, "GeneratedTime").and_then(moment);
        let content = member(&value, "Content").and_then(Value::as_str);
        let content = content.ok_or("Content is not in it")?;
        let content: String = content.split_whitespace().collect();
        let bytes = BASE64.decode(content).map_err(|_| "Content is no base64")?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    } else {
        None
    };
    let mut table = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(decoded.as_deref().unwrap_or(text).as_bytes());
    let header = table.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| header.iter().position(|known| known == name);
    let (Some(user), Some(arn)) = (column("user"), column("arn")) else {
        return Err("it has no columns `user` and `arn`".to_owned());
    };
    let mut lines = BTreeMap::new();
    for row in table.records() {
        let row = row.map_err(|error| error.to_string())?;
        let text = |name: &str| column(name).and_then(|at| row.get(at)).unwrap_or("");
        let unreadable = Cell::new(false);
        let time = |name: &str| {
            let time = text(name).parse::<Timestamp>().ok();
            let does_not_apply = matches!(text(name), "" | "N/A" | "no_information" | "not_supported");
            unreadable.set(unreadable.get() || time.is_none() && !does_not_apply);
            time
        };
        let keys = [1, 2].into_iter().filter_map(|number| {
            let field = |name: &str| format!("access_key_{number}_{name}");
            let key = AccessKey {
                number,
                active: text(&field("active")).eq_ignore_ascii_case("true"),
                rotated: time(&field("last_rotated")),
                last_used: time(&field("last_used_date")),
                last_service: Some(text(&field("last_used_service")))
                    .filter(|service| !matches!(*service, "" | "N/A" | "no_information" | "not_supported"))
                    .map(str::to_owned),
            };
            (key.active || key.rotated.is_some() || key.last_used.is_some()).then_some(key)
        });
        let credentials = Credentials {
            is_root: row.get(user) == Some("<root_account>"),
            password: text("password_enabled").eq_ignore_ascii_case("true"),
            password_last_used: time("password_last_used"),
            mfa: text("mfa_active").eq_ignore_ascii_case("true"),
            keys: keys.collect(),
            generated,
            unreadable: unreadable.get(),
        };
        if let Some(arn) = row.get(arn).filter(|arn| arn.starts_with("arn:")) {
            lines.insert(arn.to_owned(), credentials);
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
