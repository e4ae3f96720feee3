//! Normal forms of resources, one a line.

use super::*;

#[track_caller]
fn check(shape: &str, source: &str, expected: &[&str]) {
    let resources = [Resource::new(source, Version::V2012)];
    let forms = forms_of_shape(shape, &resources, Version::V2012);
    let expected: BTreeSet<String> = expected.iter().map(|form| (*form).to_owned()).collect();
    assert_eq!(forms, Some(expected), "{shape} in {source}");
}

#[test]
fn a_log_group_stands_with_and_without_its_streams() {
    let both = [
        "arn:aws:logs:eu-west-1:1:log-group:/a/b",
        "arn:aws:logs:eu-west-1:1:log-group:/a/b:*",
    ];
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/a/b",
        "arn:aws:logs:eu-west-1:1:*",
        &both,
    );
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/a/b:*",
        "arn:aws:logs:eu-west-1:1:*",
        &both,
    );
    check(
        "arn:aws:logs:eu-west-1:1:log-group:/a/b:log-stream:*",
        "arn:aws:logs:eu-west-1:1:*",
        &both,
    );
    // Narrowed before, it stays as it is.
    check("arn:aws:logs:eu-west-1:1:log-group:/a/b", both[1], &both[1..]);
}

#[test]
fn a_secret_ends_in_six_characters_of_aws() {
    let region = "arn:aws:secretsmanager:eu-west-1:1:secret:*";
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCd12",
        region,
        &["arn:aws:secretsmanager:eu-west-1:1:secret:db-??????"],
    );
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db",
        region,
        &[
            "arn:aws:secretsmanager:eu-west-1:1:secret:db",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????",
        ],
    );
    check(
        "arn:aws:secretsmanager:eu-west-1:1:secret:db-config",
        region,
        &[
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????",
            "arn:aws:secretsmanager:eu-west-1:1:secret:db-config-??????",
        ],
    );
}

#[test]
fn a_function_stands_with_and_without_a_qualifier() {
    let both = [
        "arn:aws:lambda:eu-west-1:1:function:f",
        "arn:aws:lambda:eu-west-1:1:function:f:*",
    ];
    check(
        "arn:aws:lambda:eu-west-1:1:function:f:prod",
        "arn:aws:lambda:eu-west-1:1:function:*",
        &both,
    );
    check(
        "arn:aws:lambda:eu-west-1:1:function:f",
        "arn:aws:lambda:eu-west-1:1:function:*",
        &both,
    );
}

#[test]
fn a_task_definition_loses_its_revision() {
    check(
        "arn:aws:ecs:eu-west-1:1:task-definition/web:12",
        "*",
        &["arn:aws:ecs:*:1:task-definition/web:*"],
    );
}

#[test]
fn a_table_stands_with_its_indexes() {
    let both = [
        "arn:aws:dynamodb:eu-west-1:1:table/t",
        "arn:aws:dynamodb:eu-west-1:1:table/t/index/*",
    ];
    check(
        "arn:aws:dynamodb:eu-west-1:1:table/t/index/i",
        "arn:aws:dynamodb:eu-west-1:1:table/*",
        &both,
    );
    check(
        "arn:aws:dynamodb:eu-west-1:1:table/t",
        "arn:aws:dynamodb:eu-west-1:1:table/*",
        &both,
    );
}

#[test]
fn a_key_is_named_by_its_id_and_never_by_an_alias() {
    let key = "arn:aws:kms:eu-west-1:1:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    check(key, "arn:aws:kms:eu-west-1:1:key/*", &[key]);
    let resources = [Resource::new("*", Version::V2012)];
    assert_eq!(
        forms_of_shape("arn:aws:kms:eu-west-1:1:alias/a", &resources, Version::V2012),
        None
    );
}

#[test]
fn objects_are_named_by_bucket_and_folder() {
    check("arn:aws:s3:::b/x/k.txt", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/x/*"]);
    check("arn:aws:s3:::b/x/y/*", "arn:aws:s3:::b*", &["arn:aws:s3:::b/x/y/*"]);
    check("arn:aws:s3:::b", "*", &["arn:aws:s3:::b"]);
    check("arn:aws:s3:::b/x/*/*", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/x/*"]);
    check("arn:aws:s3:::b/*/*/*", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/*"]);
    // Never out of the bucket, never wider than the source.
    check("arn:aws:s3:::b/k.txt", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/*"]);
    check(
        "arn:aws:s3:::b/x/k.txt",
        "arn:aws:s3:::b/x/k*",
        &["arn:aws:s3:::b/x/k*"],
    );
    check("arn:aws:s3:::b/x/k.txt", "arn:aws:s3:::c/*", &[]);
}

#[test]
fn the_source_keeps_its_region() {
    check("arn:aws:sqs:eu-west-1:1:q", "*", &["arn:aws:sqs:*:1:q"]);
    check("arn:aws:sqs:eu-west-1:1:q", "arn:aws:sqs:*:1:*", &["arn:aws:sqs:*:1:q"]);
    check(
        "arn:aws:sqs:eu-west-1:1:q",
        "arn:aws:sqs:eu-*:1:*",
        &["arn:aws:sqs:eu-*:1:q"],
    );
    check(
        "arn:aws:sqs:eu-west-1:1:q",
        "arn:aws:sqs:eu-west-1:1:*",
        &["arn:aws:sqs:eu-west-1:1:q"],
    );
}

#[test]
fn literals_are_escaped_where_the_version_knows_how() {
    check("arn:aws:s3:::b/a$b/k", "arn:aws:s3:::b/*", &["arn:aws:s3:::b/a${$}b/*"]);
    let old = [Resource::new("arn:aws:s3:::b/*", Version::V2008)];
    assert_eq!(forms_of_shape("arn:aws:s3:::b/a$b/k", &old, Version::V2008), None);
    let new = [Resource::new("arn:aws:s3:::b/*", Version::V2012)];
    assert_eq!(forms_of_shape("arn:aws:s3:::b/\u{4e2d}/k", &new, Version::V2012), None);
}

#[test]
fn wildcards_of_templates_stay_wildcards() {
    let secret = "arn:aws:secretsmanager:eu-west-1:1:secret:db-??????";
    check(secret, "*", &["arn:aws:secretsmanager:*:1:secret:db-??????"]);
    let forms = ["arn:aws:lambda:*:1:function:f*", "arn:aws:lambda:*:1:function:f*:*"];
    let forms = forms.into_iter().map(str::to_owned).collect();
    assert_eq!(
        widest(forms, Version::V2012),
        BTreeSet::from(["arn:aws:lambda:*:1:function:f*".to_owned()])
    );
}

#[test]
fn what_people_do_not_name_is_not_narrowed() {
    let resources = [Resource::new("*", Version::V2012)];
    let instance = "arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0";
    assert_eq!(forms_of_shape(instance, &resources, Version::V2012), None);
}
