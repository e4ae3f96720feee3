//! Selectors in both spellings, and whose trail a call changed.

use serde_json::json;

use super::*;

#[track_caller]
fn check(value: &serde_json::Value, expected: Option<&[&[&str]]>) {
    let read = Selectors::read(value).map(|selectors| {
        let field = |field: &FieldSelector| {
            let texts = |list: &[(Comparison, String)]| {
                list.iter()
                    .map(|(comparison, value)| match comparison {
                        Comparison::Equals => value.clone(),
                        Comparison::StartsWith => format!("{value}…"),
                        Comparison::EndsWith => format!("…{value}"),
                    })
                    .collect::<Vec<_>>()
                    .join("|")
            };
            match (&field.any[..], &field.none[..]) {
                (any, []) => format!("{}={}", field.field, texts(any)),
                ([], none) => format!("{}!={}", field.field, texts(none)),
                (any, none) => format!("{}={}!={}", field.field, texts(any), texts(none)),
            }
        };
        let selector = |selector: &Selector| selector.fields.iter().map(field).collect::<Vec<_>>();
        selectors.0.iter().map(selector).collect::<Vec<_>>()
    });
    let expected = expected.map(|selectors| {
        let texts = |texts: &&[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        selectors.iter().map(texts).collect::<Vec<_>>()
    });
    assert_eq!(read, expected);
}

#[test]
fn basic_selectors_as_the_command_prints_them() {
    check(
        &json!({"TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "EventSelectors": [{
            "ReadWriteType": "WriteOnly", "IncludeManagementEvents": true,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::a/"]}, {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}],
            "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]}),
        Some(&[
            &[
                "eventCategory=Management",
                "readOnly=false",
                "eventSource!=kms.amazonaws.com",
            ],
            &[
                "eventCategory=Data",
                "resources.type=AWS::S3::Object",
                "readOnly=false",
                "resources.ARN=arn:aws:s3:::a/…",
            ],
            &[
                "eventCategory=Data",
                "resources.type=AWS::Lambda::Function",
                "readOnly=false",
                "resources.ARN=arn:aws:lambda…",
            ],
        ]),
    );
}

#[test]
fn a_function_by_its_arn_is_that_function_alone() {
    check(
        &json!({"eventSelectors": [{"includeManagementEvents": false, "dataResources": [
            {"type": "AWS::Lambda::Function", "values": ["arn:aws:lambda:eu-west-1:1:function:f"]}]}]}),
        Some(&[&[
            "eventCategory=Data",
            "resources.type=AWS::Lambda::Function",
            "resources.ARN=arn:aws:lambda:eu-west-1:1:function:f:…|arn:aws:lambda:eu-west-1:1:function:f/…|arn:aws:lambda:eu-west-1:1:function:f",
        ]]),
    );
}

#[test]
fn data_resources_without_values_log_nothing() {
    check(
        &json!({"eventSelectors": [{"readWriteType": "ReadOnly", "includeManagementEvents": false,
            "dataResources": [{"type": "AWS::S3::Object", "values": []}], "excludeManagementEventSources": []}]}),
        Some(&[]),
    );
}

#[test]
fn advanced_selectors_as_events_hold_them() {
    check(
        &json!({"advancedEventSelectors": [{"name": "n", "fieldSelectors": [
            {"field": "eventCategory", "equals": ["Data"], "startsWith": null, "notEquals": []},
            {"field": "resources.ARN", "startsWith": ["arn:aws:s3:::a/"], "notEndsWith": [".log"]}]}]}),
        Some(&[&["eventCategory=Data", "resources.ARN=arn:aws:s3:::a/…!=….log"]]),
    );
}

#[test]
fn an_unknown_operator_makes_all_unknown() {
    check(
        &json!({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Resembles": ["Data"]}]}]}),
        None,
    );
    check(
        &json!({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory"}]}]}),
        None,
    );
    check(&json!(null), None);
}

#[test]
fn a_change_names_the_trail_by_its_arn_or_its_name() {
    let change = |request: &str, response: Option<&str>| {
        let change = TrailChange::read(7, "1", "eu-west-1", "StopLogging", Some(request), response);
        (change.account, change.region, change.trail)
    };
    let of = |account: &str, region: &str, trail: &str| (account.to_owned(), region.to_owned(), trail.to_owned());
    assert_eq!(change(r#"{"name":"t"}"#, None), of("1", "eu-west-1", "t"));
    assert_eq!(
        change(r#"{"name":"arn:aws:cloudtrail:us-east-1:2:trail/t"}"#, None),
        of("2", "us-east-1", "t")
    );
    assert_eq!(
        change(
            r#"{"name":"t"}"#,
            Some(r#"{"trailARN":"arn:aws:cloudtrail:us-east-1:1:trail/t"}"#)
        ),
        of("1", "us-east-1", "t")
    );
    assert_eq!(change("[", None), of("1", "eu-west-1", ""));
}
