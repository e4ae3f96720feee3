//! What is given beside the grants, in the shapes that the commands print.

use super::*;

fn trails(text: &str) -> Result<Vec<TrailConfig>, Error> {
    let mut trails = BTreeMap::new();
    read_trails("t", text, &mut trails)?;
    Ok(trails.into_values().collect())
}

const TRAIL: &str = r#"{"Name": "main", "S3BucketName": "b", "IncludeGlobalServiceEvents": true, "IsMultiRegionTrail": true,
    "HomeRegion": "eu-west-1", "TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "LogFileValidationEnabled": true,
    "HasCustomEventSelectors": true, "IsOrganizationTrail": false}"#;
const SELECTORS: &str = r#"{"TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "EventSelectors": [
    {"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []}]}"#;

#[test]
fn a_trail_and_its_selectors_join_by_arn_however_they_come() {
    let expected = vec![TrailConfig {
        account: "111122223333".to_owned(),
        name: "main".to_owned(),
        home_region: "eu-west-1".to_owned(),
        multi_region: Some(true),
        global_events: Some(true),
        organization: false,
        validation: Some(true),
        logging: None,
        selectors: Some(Selectors::management()),
    }];
    for text in [
        format!("{{\"trailList\": [{TRAIL}]}}\n{SELECTORS}"),
        format!("[{SELECTORS}, {{\"Trail\": {TRAIL}}}]"),
        format!("{TRAIL}{SELECTORS}"),
        format!("{{\"Trail\": {TRAIL}, \"EventSelectors\": [{{\"IncludeManagementEvents\": true}}]}}"),
    ] {
        assert_eq!(trails(&text).expect("a trail"), expected, "{text}");
    }
}

#[test]
fn a_trail_alone_leaves_its_selectors_unknown() {
    assert_eq!(trails(TRAIL).expect("a trail")[0].selectors, None);
}

#[test]
fn what_is_no_trail_is_refused() {
    for text in [
        "{}",
        "7",
        "[",
        r#"{"EventSelectors": []}"#,
        r#"{"TrailARN": "arn:aws:cloudtrail:eu-west-1:1:trail/t", "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "x", "Like": ["y"]}]}]}"#,
    ] {
        assert!(trails(text).is_err(), "{text}");
    }
}

fn last_accessed(path: &str, text: &str) -> Result<BTreeMap<String, LastAccessed>, Error> {
    let mut known = BTreeMap::new();
    let stem = Path::new(path).file_stem().expect("a name").to_string_lossy();
    let of_file = percent_decode_str(&stem).decode_utf8_lossy();
    read_last_accessed(path, &of_file, &values(path, text, LAST_ACCESSED)?, &mut known)?;
    Ok(known)
}

const DETAILS: &str = r#""JobStatus": "COMPLETED", "JobType": "ACTION_LEVEL", "ServicesLastAccessed": [
    {"ServiceName": "Amazon S3", "ServiceNamespace": "s3", "LastAuthenticated": "2026-10-05T10:00:00+00:00", "TotalAuthenticatedEntities": 1,
     "TrackedActionsLastAccessed": [{"ActionName": "GetBucketAcl", "LastAccessedTime": "2026-10-04T09:00:00Z"}, {"ActionName": "PutBucketAcl"}]},
    {"ServiceName": "Amazon SNS", "ServiceNamespace": "sns", "TotalAuthenticatedEntities": 0}], "IsTruncated": false"#;

#[test]
fn last_accessed_data_by_arn_within_and_by_file_name() {
    let arn = "arn:aws:iam::111122223333:role/a/app";
    for (path, text) in [
        ("x.json", format!("{{\"Arn\": \"{arn}\", {DETAILS}}}")),
        ("x.json", format!("{{\"Arn\": \"{arn}\", \"Details\": {{{DETAILS}}}}}")),
        (
            "d/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fa%2Fapp.json",
            format!("{{{DETAILS}}}"),
        ),
    ] {
        let known = last_accessed(path, &text).expect("last-accessed data");
        let data = &known[arn];
        assert_eq!(data.services["s3"], "2026-10-05T10:00:00Z".parse().ok());
        assert_eq!(data.services["sns"], None);
        assert_eq!(data.actions["s3:GetBucketAcl"], "2026-10-04T09:00:00Z".parse().ok());
        assert_eq!(data.actions["s3:PutBucketAcl"], None);
        assert_eq!(data.asked, None);
    }
}

#[test]
fn last_accessed_data_is_as_old_as_the_oldest_of_its_reports() {
    let report = |dates: &str| format!("{{\"Arn\": \"arn:aws:iam::1:user/u\", {dates} \"ServicesLastAccessed\": []}}");
    let check = |text: String, expected: Option<&str>| {
        let known = last_accessed("x", &text).expect("last-accessed data");
        let expected = expected.map(|text| text.parse().expect("a moment"));
        assert_eq!(known["arn:aws:iam::1:user/u"].asked, expected, "{text}");
    };
    let october = report(r#""JobCreationDate": "2026-10-20T10:00:00Z", "JobCompletionDate": "2026-10-20T10:00:05Z","#);
    let september = report(r#""JobCompletionDate": "2026-09-20T10:00:05Z","#);
    check(october.clone(), Some("2026-10-20T10:00:00Z"));
    check(format!("{october}{september}"), Some("2026-09-20T10:00:05Z"));
    check(format!("{october}{}", report("")), None);
}

#[test]
fn a_date_that_cannot_be_read_is_a_use_all_the_same() {
    let text = r#"{"Arn": "arn:aws:iam::1:user/u", "ServicesLastAccessed": [{"ServiceNamespace": "s3", "LastAuthenticated": "soon"}]}"#;
    let known = last_accessed("x", text).expect("last-accessed data");
    assert_eq!(known["arn:aws:iam::1:user/u"].services["s3"], Some(Timestamp::MAX));
}

#[test]
fn last_accessed_data_of_nobody_or_of_an_unfinished_job_is_refused() {
    assert!(last_accessed("x.json", &format!("{{{DETAILS}}}")).is_err());
    let unfinished = r#"{"Arn": "arn:aws:iam::1:user/u", "JobStatus": "IN_PROGRESS"}"#;
    assert!(last_accessed("x.json", unfinished).is_err());
}

#[test]
fn organization_policies_by_account_and_level() {
    let allow = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let inner = format!(
        "{{\"111122223333\": {{\"service_control_policies\": [[{allow}], [{{\"Name\": \"n\", \"Content\": {}}}]]}}}}",
        serde_json::Value::from(allow)
    );
    for text in [
        inner.clone(),
        format!("{{\"schema\": \"trimtrail.grants/1\", \"organization_policies\": {inner}}}"),
    ] {
        let read = read_organization("o", &serde_json::from_str(&text).expect("JSON")).expect("policies");
        assert_eq!(read["111122223333"].service_control.len(), 2);
        assert_eq!(read["111122223333"].resource_control.len(), 0);
    }
    for text in [
        "[]",
        r#"{"x": {}}"#,
        r#"{"111122223333": {"service_control_policies": [{}]}}"#,
    ] {
        let value = serde_json::from_str(text).expect("JSON");
        assert!(read_organization("o", &value).is_err(), "{text}");
    }
}

#[test]
fn what_came_after_a_moment_is_forgotten_and_what_never_was_stays_known() {
    let text = r#"{"Arn": "arn:aws:iam::111122223333:role/app", "JobStatus": "COMPLETED", "ServicesLastAccessed": [
        {"ServiceNamespace": "s3", "LastAuthenticated": "2026-07-01T00:00:00Z", "TrackedActionsLastAccessed": [
            {"ActionName": "ListAllMyBuckets", "LastAccessedTime": "2026-06-01T00:00:00Z"},
            {"ActionName": "CreateBucket", "LastAccessedTime": "2026-07-01T00:00:00Z"}]},
        {"ServiceNamespace": "sqs", "LastAuthenticated": "2026-06-01T00:00:00Z"},
        {"ServiceNamespace": "glue"}]}"#;
    let value = serde_json::from_str(text).expect("JSON");
    let mut supplements = Supplements::default();
    read_last_accessed("t", "", &[value], &mut supplements.last_accessed).expect("last-accessed data");
    let cut: Timestamp = "2026-06-15T00:00:00Z".parse().expect("a moment");
    supplements.forget_after(cut.as_second());
    let left = &supplements.last_accessed["arn:aws:iam::111122223333:role/app"];
    assert_eq!(left.actions.keys().collect::<Vec<_>>(), ["s3:ListAllMyBuckets"]);
    // Nobody knew at the cut when S3 had been used before; that Glue never was held then too.
    assert_eq!(left.services.keys().collect::<Vec<_>>(), ["glue", "sqs"]);
}
