//! Calls of which two parameters name resources of one type: each belongs to the actions of its role, or to all, and then
//! the call counts as incomplete.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use trimtrail::inside::catalog::{Catalog, Mapping};
use trimtrail::inside::resolve::Call;

use super::resolved::{call_of, of_request as resolved};

fn on(name: &str, source: &str, request: &Value, resources: &Value, action: &str) -> (Vec<String>, bool) {
    let Call {
        resources, complete, ..
    } = call_of(&resolved(source, name, request, resources), action).clone();
    (resources, complete)
}

fn told(arn: &str) -> (Vec<String>, bool) {
    (vec![arn.to_owned()], true)
}

#[test]
fn source_and_target_of_a_copy_belong_to_their_own_actions() {
    let request = json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "from/k2"});
    let listed = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::from/k2"},
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::to/k"}]);
    for name in ["CopyObject", "UploadPartCopy"] {
        for resources in [&Value::Null, &listed] {
            let on = |action| on(name, "s3", &request, resources, action);
            assert_eq!(on("s3:GetObject"), told("arn:aws:s3:::from/k2"), "{name}");
            assert_eq!(on("s3:PutObject"), told("arn:aws:s3:::to/k"), "{name}");
        }
    }
}

#[test]
fn a_copy_onto_itself_needs_both_on_one_object() {
    let request = json!({"bucketName": "b", "key": "k", "x-amz-copy-source": "b/k"});
    for action in ["s3:GetObject", "s3:PutObject"] {
        assert_eq!(
            on("CopyObject", "s3", &request, &Value::Null, action),
            told("arn:aws:s3:::b/k")
        );
    }
}

#[test]
fn a_key_is_encrypted_from_or_to() {
    let key = |name: &str| format!("arn:aws:kms:eu-west-1:111122223333:key/{name}");
    let listed = json!([{"ARN": key("a"), "type": "AWS::KMS::Key"}, {"ARN": key("b"), "type": "AWS::KMS::Key"}]);
    for (from, to) in [("a".to_owned(), "b".to_owned()), (key("a"), key("b"))] {
        let request = json!({"sourceKeyId": from, "destinationKeyId": to});
        for resources in [&Value::Null, &listed] {
            let on = |action| on("ReEncrypt", "kms", &request, resources, action);
            assert_eq!(on("kms:ReEncryptFrom"), told(&key("a")));
            assert_eq!(on("kms:ReEncryptTo"), told(&key("b")));
        }
    }
    // An alias does not tell the key: what the event lists may be either.
    let request = json!({"sourceKeyId": "alias/x", "destinationKeyId": key("b")});
    let (keys, complete) = on("ReEncrypt", "kms", &request, &listed, "kms:ReEncryptFrom");
    assert!(keys.contains(&key("a")) && !complete, "{keys:?}");
    assert_eq!(
        on("ReEncrypt", "kms", &request, &listed, "kms:ReEncryptTo"),
        told(&key("b"))
    );
}

#[test]
fn a_restored_table_is_written_and_its_source_is_not() {
    let table = |name: &str| format!("arn:aws:dynamodb:eu-west-1:111122223333:table/{name}");
    let request = json!({"sourceTableName": "old", "targetTableName": "new"});
    let written = on(
        "RestoreTableToPointInTime",
        "dynamodb",
        &request,
        &Value::Null,
        "dynamodb:PutItem",
    );
    assert_eq!(written, told(&table("new")));
    let (tables, _) = on(
        "RestoreTableToPointInTime",
        "dynamodb",
        &request,
        &Value::Null,
        "dynamodb:RestoreTableToPointInTime",
    );
    assert!(tables.contains(&table("old")), "{tables:?}");
}

#[test]
fn no_action_on_buckets_is_on_objects_and_none_on_objects_is_on_buckets() {
    let catalog = Catalog::embedded();
    let object = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}, {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/p/"}]);
    let bucket = json!([{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}]);
    let mut seen = 0;
    for (source, name) in catalog
        .every_operation()
        .into_iter()
        .filter(|(source, _)| source == "s3")
    {
        let Mapping::Actions(needs) = catalog.mapping("s3.amazonaws.com", &name) else {
            continue;
        };
        for need in &needs {
            let types = catalog.resource_types(need.action);
            let only = |wanted: &str| {
                !types.is_empty()
                    && types
                        .iter()
                        .all(|kind| kind.name == wanted || kind.name.starts_with("accesspoint"))
            };
            let action = catalog.name(need.action);
            let request = json!({"bucketName": "b", "key": "k", "fetch-owner": "true", "prefix": "p/"});
            let (on_object, _) = on(&name, &source, &request, &object, action);
            let (on_bucket, _) = on(&name, &source, &json!({"bucketName": "b"}), &bucket, action);
            if only("bucket") {
                assert!(
                    !on_object.iter().any(|arn| arn.starts_with("arn:aws:s3:::b/")),
                    "{name} {action}: {on_object:?}"
                );
                seen += 1;
            } else if only("object") {
                assert!(
                    !on_bucket.iter().any(|arn| arn == "arn:aws:s3:::b"),
                    "{name} {action}: {on_bucket:?}"
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 100);
}

#[test]
fn every_operation_with_two_resources_of_one_type_says_how_they_are_told_apart() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog/data/two_sided.tsv");
    let text = fs::read_to_string(path).unwrap();
    let catalog = Catalog::embedded();
    let (mut apart, mut open) = (0, 0);
    for row in text.lines().filter(|line| !line.starts_with('#')) {
        let [prefix, name, kind, parameters, how] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        assert!(parameters.contains(' '), "{row}");
        let Mapping::Actions(needs) = catalog.mapping(&format!("{prefix}.amazonaws.com"), name) else {
            panic!("{row}")
        };
        let takes = needs.iter().filter(|need| {
            need.certain
                && catalog
                    .resource_types(need.action)
                    .iter()
                    .any(|known| known.name == kind)
        });
        for need in takes {
            if how.contains("incomplete") {
                let request: Value = parameters
                    .split(' ')
                    .map(|path| (path.to_owned(), json!("x")))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
                if need.open {
                    let (_, complete) = on(name, prefix, &request, &Value::Null, catalog.name(need.action));
                    assert!(!complete, "{row}");
                    open += 1;
                }
            } else if how.contains(" on ") && need.apart {
                assert!(!need.resources.is_empty(), "{row}");
                apart += 1;
            }
        }
    }
    assert!(apart > 1 && open > 100, "{apart} told apart, {open} kept whole");
}
