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

#[test]
fn the_key_that_an_alias_had_is_in_no_request() {
    let request = json!({"aliasName": "alias/n", "targetKeyId": "11111111-2222-3333-4444-555555555555"});
    let (resources, _) = on("UpdateAlias", "kms", &request, &Value::Null, "kms:UpdateAlias");
    let own = "arn:aws:kms:eu-west-1:111122223333:";
    let expected = ["alias/n", "key/*", "key/11111111-2222-3333-4444-555555555555"];
    assert_eq!(resources, expected.map(|resource| format!("{own}{resource}")));
}

#[test]
fn a_subscription_does_not_stand_for_its_topic() {
    let request =
        json!({"subscriptionArn": "arn:aws:sns:eu-west-1:111122223333:t:5be8f5b9-6b6b-4a8b-9d7c-8f8c1b1c2d3e"});
    for name in ["GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe"] {
        let (_, complete) = on(name, "sns", &request, &Value::Null, &format!("sns:{name}"));
        assert!(!complete, "{name}");
    }
}

#[test]
fn through_an_access_point_the_bucket_is_never_all() {
    let request = json!({"bucketName": "b", "key": "k"});
    let object = json!({"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"});
    let complete = |through: &str| {
        let listed = json!([object, {"type": "AWS::S3::AccessPoint", "ARN": through}]);
        on("GetObject", "s3", &request, &listed, "s3:GetObject").1
    };
    assert!(!complete("arn:aws:s3:eu-west-1:111122223333:accesspoint/ap1"));
    assert!(!complete("arn:aws:s3::111122223333:accesspoint/m.mrap"));
    assert!(!complete(
        "arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/ol"
    ));
    assert!(!complete(
        "arn:aws:s3-outposts:eu-west-1:111122223333:outpost/op-1/accesspoint/ap1"
    ));
    // A bucket of that name is none.
    assert!(complete("arn:aws:s3:::accesspoint/k"));
}

#[test]
fn what_a_secret_needs_beside_its_own_action() {
    let may_need = |name: &str, request: &Value| -> Vec<String> {
        let resolved = resolved("secretsmanager", name, request, &Value::Null);
        let calls = resolved.may_need.iter();
        calls
            .map(|call| Catalog::embedded().name(call.action).to_owned())
            .collect()
    };
    let rotation = json!({"secretId": "s"});
    assert!(may_need("RotateSecret", &rotation).contains(&"lambda:InvokeFunction".to_owned()));
    let replicated = json!({"name": "s", "addReplicaRegions": [{"region": "eu-central-1"}]});
    let replicates = "secretsmanager:ReplicateSecretToRegions".to_owned();
    assert!(may_need("CreateSecret", &replicated).contains(&replicates));
}

#[test]
fn what_is_scaled_is_what_the_request_names() {
    let request = json!({"serviceNamespace": "ecs", "resourceId": "service/c/s", "scalableDimension": "ecs:service:DesiredCount"});
    let resolved = resolved(
        "application-autoscaling",
        "RegisterScalableTarget",
        &request,
        &Value::Null,
    );
    let may_need: Vec<&str> = resolved
        .may_need
        .iter()
        .map(|call| Catalog::embedded().name(call.action))
        .collect();
    for needed in ["ecs:UpdateService", "ecs:DescribeServices", "cloudwatch:PutMetricAlarm"] {
        assert!(may_need.contains(&needed), "{needed}: {may_need:?}");
    }
    assert!(!may_need.contains(&"rds:CreateDBInstance"), "{may_need:?}");
}

#[test]
fn a_list_of_names_and_arns_is_never_all() {
    let task = "arn:aws:ecs:eu-west-1:111122223333:service/c/s2";
    let complete = |services: &Value| {
        let request = json!({"cluster": "c", "services": services});
        on(
            "DescribeServices",
            "ecs",
            &request,
            &Value::Null,
            "ecs:DescribeServices",
        )
        .1
    };
    assert!(complete(&json!([task])));
    assert!(!complete(&json!(["s1", task])));
}

#[test]
fn tags_of_load_balancers_are_on_all_that_the_list_names() {
    let own = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:";
    let all = ["listener/app/lb/1/2", "loadbalancer/app/lb/1", "targetgroup/t/1"].map(|one| format!("{own}{one}"));
    for name in ["AddTags", "RemoveTags"] {
        let request = json!({ "resourceArns": all });
        let action = format!("elasticloadbalancing:{name}");
        let (resources, _) = on(name, "elasticloadbalancing", &request, &Value::Null, &action);
        assert_eq!(resources, all, "{name}");
    }
}

#[test]
fn a_batch_names_tables_of_another_account_by_their_arns() {
    let table = "arn:aws:dynamodb:eu-west-1:444455556666:table/t2";
    let request = json!({"requestItems": {table: {"keys": []}}});
    for name in ["BatchGetItem", "BatchWriteItem"] {
        let (resources, _) = on(name, "dynamodb", &request, &Value::Null, &format!("dynamodb:{name}"));
        assert!(resources.contains(&table.to_owned()), "{resources:?}");
    }
}

#[test]
fn a_new_name_is_asked_for_as_well() {
    for (kind, parameter) in [
        ("user", "UserName"),
        ("group", "GroupName"),
        ("server-certificate", "ServerCertificateName"),
    ] {
        let old = format!("{}{}", parameter[..1].to_lowercase(), &parameter[1..]);
        let request = json!({old: "a", format!("new{parameter}"): "b"});
        let name = format!("Update{}", parameter.trim_end_matches("Name"));
        let (resources, _) = on(&name, "iam", &request, &Value::Null, &format!("iam:{name}"));
        for asked in ["a", "b"] {
            let arn = format!("arn:aws:iam::111122223333:{kind}/{asked}");
            assert!(resources.contains(&arn), "{name}: {resources:?}");
        }
    }
}

#[test]
fn root_is_assumed_in_the_account_that_is_named() {
    let request = json!({"targetPrincipal": "444455556666"});
    let (resources, _) = on("AssumeRoot", "sts", &request, &Value::Null, "sts:AssumeRoot");
    assert_eq!(resources, ["arn:aws:iam::444455556666:root"]);
}

#[test]
fn a_copy_job_is_on_the_recovery_point_and_not_on_the_vault() {
    let vault = "arn:aws:backup:eu-central-1:111122223333:backup-vault:v";
    let point = "arn:aws:backup:eu-west-1:111122223333:recovery-point:1";
    let request = json!({"recoveryPointArn": point, "sourceBackupVaultName": "w", "destinationBackupVaultArn": vault,
        "iamRoleArn": "arn:aws:iam::111122223333:role/b"});
    let (resources, _) = on("StartCopyJob", "backup", &request, &Value::Null, "backup:StartCopyJob");
    assert_eq!(resources, [point]);
}

#[test]
fn an_alias_is_made_on_the_state_machine_of_its_versions() {
    let machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:m";
    let request = json!({"name": "live", "routingConfiguration": [{"stateMachineVersionArn": format!("{machine}:1"), "weight": 100}]});
    let (resources, _) = on(
        "CreateStateMachineAlias",
        "states",
        &request,
        &Value::Null,
        "states:CreateStateMachineAlias",
    );
    assert_eq!(resources, [machine]);
}

#[test]
fn a_function_is_told_in_every_part_of_its_arn() {
    let of = |name: &str| {
        let request = json!({ "functionName": name });
        on(
            "GetFunction20150331v2",
            "lambda",
            &request,
            &Value::Null,
            "lambda:GetFunction",
        )
        .0
    };
    let arn = |region: &str, account: &str| format!("arn:aws:lambda:{region}:{account}:function:f");
    for (name, region, account) in [
        ("f", "eu-west-1", "111122223333"),
        ("f:live", "eu-west-1", "111122223333"),
        ("function:f:live", "eu-west-1", "111122223333"),
        ("444455556666:f", "eu-west-1", "444455556666"),
        ("444455556666:function:f", "eu-west-1", "444455556666"),
        (
            "eu-central-1:444455556666:function:f:live",
            "eu-central-1",
            "444455556666",
        ),
    ] {
        assert!(of(name).contains(&arn(region, account)), "{name}: {:?}", of(name));
    }
}
