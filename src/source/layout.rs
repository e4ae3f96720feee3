//! What is asked of an archive, and what AWS's key layout says of a file before it is opened:
//! `…AWSLogs/[ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE`.

use std::collections::BTreeSet;

/// What is asked of an archive. Empty sets take all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// First second.
    pub since: Option<i64>,
    /// First second that no longer counts.
    pub until: Option<i64>,
    /// Accounts that received the events.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
}

/// Account and delivery date of a file, where its name follows the layout; both empty elsewhere.
pub(super) fn part(name: &str) -> (String, String) {
    let segments: Vec<&str> = name.split(['/', '\\']).collect();
    let [.., account, _kind, _region, year, month, day, _file] = segments[..] else {
        return (String::new(), String::new());
    };
    if digits(account, 12) && digits(year, 4) && digits(month, 2) && digits(day, 2) {
        (account.to_owned(), format!("{year}-{month}-{day}"))
    } else {
        (String::new(), String::new())
    }
}

pub(super) fn digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
