//! The names that one operation goes by: with and without dates and versions, alone and in batches.

use super::mapping::{single_forms, without_date};

/// An event's name as it stands, and as an action that authorises it may be spelled: without Lambda's and CloudFront's
/// dates, without a version, as the single call of a batch.
pub fn spellings(event_name: &str) -> Vec<String> {
    let mut names = vec![event_name.to_owned()];
    for shorten in [without_date, without_version] {
        let shorter: Vec<String> = names
            .iter()
            .filter_map(|name| shorten(name))
            .map(str::to_owned)
            .collect();
        names.extend(shorter);
    }
    let single: Vec<String> = names.iter().flat_map(|name| single_forms(name)).collect();
    names.extend(single);
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

/// `GetFooV2` → `GetFoo`: Comprehend, Lex and others number their operations, and not always their actions.
fn without_version(name: &str) -> Option<&str> {
    let without_digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = without_digits.strip_suffix(['V', 'v'])?;
    (without_digits.len() < name.len() && !stem.is_empty()).then_some(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &[&str]) {
        assert_eq!(spellings(name), expected, "{name}");
    }

    #[test]
    fn a_name_is_also_spelled_without_date_version_and_batch() {
        check("GetFoo", &["GetFoo"]);
        check("GetFoo20200101", &["GetFoo", "GetFoo20200101"]);
        check("GetFoo2020_05_31", &["GetFoo", "GetFoo2020_05_31"]);
        check("GetFoo20150331v2", &["GetFoo", "GetFoo20150331", "GetFoo20150331v2"]);
        check("GetFooV2", &["GetFoo", "GetFooV2"]);
        check("BatchGetJobs", &["BatchGetJobs", "GetJob", "GetJobs"]);
        check("V2", &["V2"]);
        check("", &[]);
    }
}
