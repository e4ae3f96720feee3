//! Families of names: one name a line.

use proptest::prelude::*;

use super::*;
use crate::iam::pattern;

fn check(name: &str, expected: &str) {
    assert_eq!(family(name), expected, "{name}");
}

#[test]
fn what_counts_dates_and_identifies_varies() {
    check("deploy-1234", "deploy-*");
    check("report-2026-11-01", "report-*");
    check("report_2026-11-01T03.00", "report_*");
    check("worker12", "worker*");
    check("worker-7-blue", "worker-*-blue");
    check("botocore-session-1699456147", "botocore-session-*");
    check("build-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", "build-*");
    check("release-deadbeef", "release-*");
    check("release-ab12cd3", "release-*");
    check("42-nightly", "*-nightly");
}

#[test]
fn words_stay_and_so_do_names_with_a_digit_that_counts_nothing() {
    check("terraform", "terraform");
    check("terraform-apply", "terraform-apply");
    check("s3-sync", "s3-sync");
    check("k8s-backup-17", "k8s-backup-*");
    check("deploy", "deploy");
    check("deploy-", "deploy-");
}

#[test]
fn people_of_one_host_are_one_family() {
    check("jane.doe@example.com", "*@example.com");
    check("john@example.com", "*@example.com");
}

#[test]
fn a_name_that_only_varies_is_no_family() {
    for name in ["1699456147945229070", "i-0abc", "0f-1e", "--", "a"] {
        let told = family(name);
        assert!(told.is_empty() || name == "i-0abc", "{name}: {told}");
    }
    check("i-0abcdef0123456789", "i-*");
}

#[test]
fn what_sts_would_refuse_is_no_family() {
    for name in [
        "",
        "de ploy-1",
        "deploy-*",
        "deploy-\u{202e}1",
        "<script>",
        "a/b",
        "é-1",
    ] {
        check(name, "");
    }
    check(&"a".repeat(65), "");
}

proptest! {
    /// A family is a pattern that matches its name, and the family of a family's like is the same.
    #[test]
    fn a_family_matches_its_names(name in "[a-fm-z0-9_+=,.@-]{0,70}") {
        let told = family(&name);
        prop_assert!(told.is_empty() || pattern::matches(&told, &name), "{name}: {told}");
        prop_assert!(told.len() <= 66);
    }

    /// Numbers may be others: the family stays.
    #[test]
    fn another_number_is_of_the_same_family(start in "[g-z]{3,8}", one in 0u32..1_000_000, other in 0u32..1_000_000) {
        prop_assert_eq!(family(&format!("{start}-{one}")), family(&format!("{start}-{other}")));
        prop_assert_eq!(family(&format!("{start}-{one}")), format!("{start}-*"));
    }
}
