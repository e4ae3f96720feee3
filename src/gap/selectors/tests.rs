//! What selectors take, hide, and leave in doubt.

use serde_json::{Value, json};

use super::*;

/// What is asked: an action, the type of its data events, a resource, a caller.
struct Question(&'static str, Option<&'static str>, bool, &'static str);

const OBJECT: Option<&str> = Some("AWS::S3::Object");
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/app/*";

#[track_caller]
fn check(selectors: &Value, Question(action, data_type, reads, resource): Question, expected: &str) {
    let catalog = Catalog::embedded();
    let selectors = Selectors::read(selectors).expect("selectors");
    let takes = takes(
        catalog,
        &selectors,
        &Asked {
            data_type,
            reads: Some(reads),
            action: catalog.id(action).expect("an action"),
            resources: &[resource.to_owned()],
            callers: &[ROLE.to_owned()],
        },
    );
    let takes = match takes {
        Takes::All => "all".to_owned(),
        Takes::None => "none".to_owned(),
        Takes::Some(field) => field,
    };
    assert_eq!(takes, expected);
}

fn basic(read_write: &str, excluded: &[&str], s3: &[&str]) -> Value {
    json!({"EventSelectors": [{"ReadWriteType": read_write, "IncludeManagementEvents": true, "ExcludeManagementEventSources": excluded,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": s3}]}]})
}

fn data(more: &Value) -> Value {
    let mut fields = vec![
        json!({"Field": "eventCategory", "Equals": ["Data"]}),
        json!({"Field": "resources.type", "Equals": ["AWS::S3::Object"]}),
    ];
    fields.extend(more.as_array().expect("a list").iter().cloned());
    json!({"AdvancedEventSelectors": [{"Name": "n", "FieldSelectors": fields}]})
}

#[test]
fn management_events_by_direction() {
    let read = || Question("ec2:DescribeVpcs", None, true, "*");
    check(&basic("All", &[], &[]), read(), "all");
    check(&basic("ReadOnly", &[], &[]), read(), "all");
    check(&basic("WriteOnly", &[], &[]), read(), "none");
}

#[test]
fn an_excluded_source_hides_its_services_alone() {
    let without_kms = basic("All", &["kms.amazonaws.com"], &[]);
    check(&without_kms, Question("kms:Decrypt", None, true, "*"), "eventSource");
    check(&without_kms, Question("ec2:DescribeVpcs", None, true, "*"), "all");
}

#[test]
fn data_events_of_one_bucket() {
    let bucket_a = basic("All", &[], &["arn:aws:s3:::a/"]);
    check(
        &bucket_a,
        Question("s3:GetObject", OBJECT, true, "arn:aws:s3:::a/*"),
        "all",
    );
    check(
        &bucket_a,
        Question("s3:GetObject", OBJECT, true, "arn:aws:s3:::a/x/${aws:username}/*"),
        "all",
    );
    check(
        &bucket_a,
        Question("s3:GetObject", OBJECT, true, "arn:aws:s3:::b/*"),
        "none",
    );
    check(
        &bucket_a,
        Question("s3:GetObject", OBJECT, true, "arn:aws:s3:::a*"),
        "resources.ARN",
    );
    check(&bucket_a, Question("s3:GetObject", OBJECT, true, "*"), "resources.ARN");
    check(
        &basic("All", &[], &["arn:aws:s3"]),
        Question("s3:GetObject", OBJECT, true, "arn:aws:s3:::b/*"),
        "all",
    );
    check(
        &basic("All", &[], &[]),
        Question("s3:GetObject", OBJECT, true, "arn:aws:s3:::a/*"),
        "none",
    );
}

#[test]
fn advanced_selectors_by_their_fields() {
    let get = |resource| Question("s3:GetObject", OBJECT, true, resource);
    check(&data(&json!([])), get("*"), "all");
    check(
        &data(&json!([{"Field": "readOnly", "Equals": ["false"]}])),
        get("*"),
        "none",
    );
    let not_logs = json!([{"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::logs/"]}]);
    check(&data(&not_logs), get("arn:aws:s3:::a/*"), "all");
    check(&data(&not_logs), get("arn:aws:s3:::logs/x"), "none");
    check(&data(&not_logs), get("*"), "resources.ARN");
    let parquet = json!([{"Field": "resources.ARN", "EndsWith": [".parquet"]}]);
    check(&data(&parquet), get("arn:aws:s3:::a/*.parquet"), "all");
    check(&data(&parquet), get("arn:aws:s3:::a/*"), "resources.ARN");
    let not_logs = json!([{"Field": "resources.ARN", "NotEndsWith": [".log"]}]);
    check(&data(&not_logs), get("arn:aws:s3:::a/*.csv"), "all");
    check(&data(&not_logs), get("arn:aws:s3:::a/*"), "resources.ARN");
}

#[test]
fn a_filter_by_caller_hides_that_caller() {
    let get = || Question("s3:GetObject", OBJECT, true, "*");
    let hidden =
        json!([{"Field": "userIdentity.arn", "NotStartsWith": ["arn:aws:sts::111122223333:assumed-role/app/"]}]);
    check(&data(&hidden), get(), "userIdentity.arn");
    let other = json!([{"Field": "userIdentity.arn", "NotEquals": ["arn:aws:sts::111122223333:assumed-role/other/s"]}]);
    check(&data(&other), get(), "all");
    let only = json!([{"Field": "userIdentity.arn", "StartsWith": ["arn:aws:sts::111122223333:assumed-role/"]}]);
    check(&data(&only), get(), "all");
}

#[test]
fn a_filter_by_name_hides_what_the_name_may_need() {
    let names = |operator: &str, names: &[&str]| data(&json!([{"Field": "eventName", operator: names}]));
    let get = || Question("s3:GetObject", OBJECT, true, "*");
    check(&names("NotEquals", &["GetObject"]), get(), "eventName");
    check(&names("NotEquals", &["HeadObject"]), get(), "eventName");
    check(&names("NotEquals", &["DeleteObject"]), get(), "all");
    check(&names("NotStartsWith", &["Delete"]), get(), "eventName");
    // An object is also read by names that this list lacks.
    check(&names("Equals", &["GetObject"]), get(), "eventName");
}

#[test]
fn one_selector_must_take_all() {
    let two = json!({"EventSelectors": [
        {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": true}, {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}]});
    check(&two, Question("ec2:DescribeVpcs", None, true, "*"), "all");
    check(&two, Question("ec2:CreateVpc", None, false, "*"), "all");
}

#[test]
fn an_unknown_field_leaves_doubt() {
    check(
        &data(&json!([{"Field": "sessionCredentialFromConsole", "NotEquals": ["true"]}])),
        Question("s3:GetObject", OBJECT, true, "*"),
        "sessionCredentialFromConsole",
    );
}
