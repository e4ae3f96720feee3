//! What single requests needed: actions, resources, and whether the log tells them all.

use super::*;

#[test]
fn get_function_with_version_suffix_is_get_function() {
    let event = call(
        3,
        "lambda",
        "GetFunction20150331v2",
        json!({"requestParameters": {"functionName": "f"}}),
    );
    check_needs(
        &event,
        &[
            "lambda:GetFunction on arn:aws:lambda:eu-west-1:111122223333:function:f, arn:aws:lambda:eu-west-1:111122223333:function:f:*",
        ],
    );
    check_may_need(&event, "lambda:ListTags");
}

#[test]
fn real_action_that_ends_in_a_version_is_not_stripped() {
    let event = call(3, "securityhub", "DescribeSecurityHubV2", json!({}));
    let catalog = Catalog::embedded();
    assert_eq!(
        catalog.name(resolved(&event).needs[0].action),
        "securityhub:DescribeSecurityHubV2"
    );
}

#[test]
fn get_object_with_version_id_needs_the_version_action_instead() {
    check_needs(
        &get_object(json!({"versionId": "1"})),
        &["s3:GetObjectVersion on arn:aws:s3:::b/k"],
    );
    check_needs(&get_object(json!({})), &["s3:GetObject on arn:aws:s3:::b/k"]);
}

#[test]
fn put_object_with_an_acl_header_as_list_or_string_needs_put_object_acl() {
    for acl in [json!(["bucket-owner-full-control"]), json!("bucket-owner-full-control")] {
        let parameters = json!({"bucketName": "b", "key": "k", "x-amz-acl": acl});
        let event = call(3, "s3", "PutObject", json!({"requestParameters": parameters}));
        check_needs(
            &event,
            &[
                "s3:PutObject on arn:aws:s3:::b/k",
                "s3:PutObjectAcl on arn:aws:s3:::b/k",
            ],
        );
    }
}

#[test]
fn tags_lock_and_hold_of_an_object_need_their_own_actions() {
    let parameters = json!({"bucketName": "b", "key": "k", "x-amz-tagging": "a=b", "x-amz-object-lock-mode": ["GOVERNANCE"],
        "x-amz-object-lock-legal-hold": "ON"});
    let event = call(3, "s3", "PutObject", json!({"requestParameters": parameters}));
    let on = |action: &str| format!("{action} on arn:aws:s3:::b/k");
    let expected = [
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
    ]
    .map(on);
    check_needs(&event, &expected.each_ref().map(String::as_str));
}

#[test]
fn key_of_an_encrypted_put_may_be_needed() {
    let parameters = json!({"bucketName": "b", "key": "k", "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "0b9f3c1e-5a1d-4f0e-9c55-1d2e3f4a5b6c"});
    let event = call(3, "s3", "PutObject", json!({"requestParameters": parameters}));
    let catalog = Catalog::embedded();
    let may_need = resolved(&event).may_need;
    let key = may_need
        .iter()
        .find(|call| catalog.name(call.action) == "kms:GenerateDataKey")
        .expect("the key");
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/0b9f3c1e-5a1d-4f0e-9c55-1d2e3f4a5b6c";
    assert_eq!(
        (key.resources.as_slice(), key.complete),
        ([arn.to_owned()].as_slice(), true)
    );
}

#[test]
fn copy_reads_its_source_and_writes_its_target() {
    let parameters = json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "/from/a%20b"});
    let event = call(3, "s3", "CopyObject", json!({"requestParameters": parameters}));
    check_needs(
        &event,
        &[
            "s3:GetObject on arn:aws:s3:::from/a b",
            "s3:PutObject on arn:aws:s3:::to/k",
        ],
    );
    let granted = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::from/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::to/*"}]});
    assert_eq!(suggested(&[event], &granted, &options()), None);
}

#[test]
fn copy_of_a_version_reads_the_version() {
    let parameters = json!({"bucketName": "to", "key": "k", "x-amz-copy-source": ["from/a?versionId=1"]});
    let event = call(3, "s3", "CopyObject", json!({"requestParameters": parameters}));
    check_needs(
        &event,
        &[
            "s3:GetObjectVersion on arn:aws:s3:::from/a",
            "s3:PutObject on arn:aws:s3:::to/k",
        ],
    );
}

#[test]
fn copy_whose_source_the_log_left_out_does_not_tell_all() {
    let resources = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::to/k"}]);
    let event = call(
        3,
        "s3",
        "CopyObject",
        json!({"requestParameters": {"bucketName": "to", "key": "k"}, "resources": resources}),
    );
    check_needs(
        &event,
        &[
            "s3:GetObject on arn:aws:s3:::to/k …",
            "s3:PutObject on arn:aws:s3:::to/k",
        ],
    );
}

#[test]
fn object_behind_an_access_point_does_not_tell_all() {
    for bucket in [
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap",
        "ap-0123456789abcdef-s3alias",
    ] {
        let event = get_object(json!({"bucketName": bucket}));
        let needs = resolved(&event).needs;
        assert!(!needs[0].complete, "{bucket}");
    }
}

#[test]
fn each_object_of_delete_objects_is_in_its_bucket() {
    let event = call(
        3,
        "s3",
        "DeleteObjects",
        json!({"requestParameters": {"bucketName": "b", "delete": [""]}}),
    );
    check_needs(&event, &["s3:DeleteObject on arn:aws:s3:::b/*"]);
    check_may_need(&event, "s3:DeleteObjectVersion");
}

#[test]
fn record_of_each_object_that_delete_objects_deleted_is_no_call() {
    let mut event = call(
        3,
        "s3",
        "DeleteObject",
        json!({"eventType": "AwsServiceEvent", "requestParameters": {"bucketName": "b", "key": "k"}}),
    );
    event["userIdentity"] = json!({"accountId": ACCOUNT, "invokedBy": "s3.amazonaws.com"});
    assert_eq!(billed(&event), None);
}

const FUNCTION_ROLE: &str = "arn:aws:iam::111122223333:role/service/L";

fn create_function() -> Value {
    let parameters = json!({"functionName": "f", "role": FUNCTION_ROLE});
    call(
        3,
        "lambda",
        "CreateFunction20150331",
        json!({"readOnly": false, "requestParameters": parameters}),
    )
}

#[test]
fn role_of_a_function_is_passed_and_its_condition_stays() {
    check_needs(
        &create_function(),
        &[
            "lambda:CreateFunction on arn:aws:lambda:eu-west-1:111122223333:function:f, arn:aws:lambda:eu-west-1:111122223333:function:f:*",
            &format!("iam:PassRole on {FUNCTION_ROLE}"),
        ],
    );
    let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/service/*",
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}});
    let granted = json!({"Version": "2012-10-17", "Statement": [pass,
        {"Effect": "Allow", "Action": ["ec2:TerminateInstances", "lambda:CreateFunction"], "Resource": "*"}]});
    let after = suggested(&[create_function()], &granted, &options()).expect("a suggestion");
    assert_eq!(after["Statement"][0], pass);
    assert_eq!(after["Statement"][1]["Action"], json!(["lambda:CreateFunction"]));
}

#[test]
fn role_passed_without_a_grant_is_not_added() {
    let granted = allow(&json!(["ec2:TerminateInstances", "lambda:CreateFunction"]), &json!("*"));
    let after = suggested(&[create_function()], &granted, &options()).expect("a suggestion");
    assert_eq!(after, allow(&json!(["lambda:CreateFunction"]), &json!("*")));
}

#[test]
fn role_in_an_assume_role_call_is_not_passed() {
    let event = call(
        3,
        "sts",
        "AssumeRole",
        json!({"requestParameters": {"roleArn": ROLE, "sourceIdentity": "ann"}}),
    );
    check_needs(
        &event,
        &[
            &format!("sts:AssumeRole on {ROLE}"),
            &format!("sts:SetSourceIdentity on {ROLE}"),
        ],
    );
}

fn run_instances(parameters: Value) -> Value {
    call(
        3,
        "ec2",
        "RunInstances",
        json!({"readOnly": false, "requestParameters": parameters}),
    )
}

#[test]
fn launch_template_may_bring_tags_and_a_profile() {
    let event = run_instances(json!({"launchTemplate": {"launchTemplateId": "lt-0123456789abcdef0"}}));
    check_may_need(&event, "iam:PassRole");
    let condition = json!({"StringEquals": {"ec2:CreateAction": "RunInstances"}});
    let granted = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:RunInstances", "ec2:CreateVpc"], "Resource": "*"},
        {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*", "Condition": condition}]});
    let after = suggested(&[event], &granted, &options()).expect("a suggestion");
    assert_eq!(after["Statement"][1], granted["Statement"][1]);
    assert_eq!(after["Statement"][0]["Action"], json!(["ec2:RunInstances"]));
}

#[test]
fn tags_of_a_new_instance_need_create_tags() {
    let tags = json!({"items": [{"resourceType": "instance", "tags": [{"key": "a", "value": "b"}]}]});
    let needs = resolved(&run_instances(json!({"tagSpecificationSet": tags}))).needs;
    let catalog = Catalog::embedded();
    let names: Vec<&str> = needs.iter().map(|call| catalog.name(call.action)).collect();
    assert_eq!(names, ["ec2:RunInstances", "ec2:CreateTags"]);
}

#[test]
fn roles_of_a_passed_instance_profile_come_from_the_grants() {
    let event = run_instances(json!({"iamInstanceProfile": {"name": "web"}}));
    let mut grants = role(&allow(&json!(["iam:PassRole", "ec2:RunInstances"]), &json!("*")));
    let mut other = grants["RoleDetailList"][0].clone();
    other["Arn"] = json!("arn:aws:iam::111122223333:role/web-role");
    other["RoleName"] = json!("web-role");
    other["RoleId"] = json!("AROAWEB");
    other["InstanceProfileList"] =
        json!([{"InstanceProfileName": "web", "Arn": "arn:aws:iam::111122223333:instance-profile/web"}]);
    grants["RoleDetailList"].as_array_mut().expect("roles").push(other);
    let report = analyze(
        &[crate::journey::background(), vec![event]].concat(),
        &grants,
        &options(),
        1,
    );
    let app = report
        .principals
        .iter()
        .find(|principal| principal.arn == ROLE)
        .expect("the role");
    let pass = app
        .actions
        .iter()
        .find(|line| line.action == "iam:PassRole")
        .expect("PassRole");
    assert_eq!(pass.resources, ["arn:aws:iam::111122223333:role/web-role"]);
}

#[test]
fn key_of_an_alias_is_the_one_that_the_event_lists() {
    let key = "arn:aws:kms:eu-west-1:111122223333:key/0b9f3c1e-5a1d-4f0e-9c55-1d2e3f4a5b6c";
    let more = json!({"requestParameters": {"keyId": "alias/x"}, "resources": [{"type": "AWS::KMS::Key", "ARN": key}]});
    check_needs(&call(3, "kms", "Encrypt", more), &[&format!("kms:Encrypt on {key}")]);
}

#[test]
fn alias_alone_does_not_tell_the_key() {
    check_needs(
        &call(3, "kms", "Encrypt", json!({"requestParameters": {"keyId": "alias/x"}})),
        &["kms:Encrypt on  …"],
    );
}

#[test]
fn request_parameters_that_were_left_out_keep_every_resource() {
    let mut event = secret();
    event.as_object_mut().expect("an object").remove("requestParameters");
    let resource = json!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:other-??????");
    check_grade(
        &[event],
        &json!("secretsmanager:*"),
        &resource,
        "secretsmanager:GetSecretValue",
        "used",
    );
}

#[test]
fn unknown_event_keeps_its_service_and_is_reported() {
    let unknown = call(3, "secretsmanager", "FrobnicateSecret", json!({}));
    let events = [crate::journey::background(), vec![unknown]].concat();
    let report = analyze(
        &events,
        &role(&allow(&json!("secretsmanager:*"), &json!("*"))),
        &options(),
        1,
    );
    assert_eq!(grade(&report, "secretsmanager:DeleteSecret"), "unobservable");
    assert_eq!(report.coverage.events_unmapped, 1);
    assert!(report.suggestions.is_empty());
}

#[test]
fn action_in_another_case_is_the_same_action() {
    check_grade(
        &[secret()],
        &json!("SecretsManager:getsecretvalue"),
        &json!("*"),
        "secretsmanager:GetSecretValue",
        "used",
    );
}

#[test]
fn resource_in_another_case_is_another_resource() {
    // It does not explain the call, and stays because nothing does.
    let resource = json!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:DB-AbCdEf");
    check_grade(
        &[secret()],
        &json!("secretsmanager:*"),
        &resource,
        "secretsmanager:GetSecretValue",
        "inferred",
    );
}

// Requests in their odder forms

#[test]
fn transaction_needs_an_action_for_each_kind_of_item() {
    let items = json!([{"operation": "Put", "tableName": "a"}, {"operation": "ConditionCheck", "TableName": "b"}]);
    let event = call(
        3,
        "dynamodb",
        "TransactWriteItems",
        json!({"requestParameters": {"requestItems": items}}),
    );
    let tables = "arn:aws:dynamodb:eu-west-1:111122223333:table/a, arn:aws:dynamodb:eu-west-1:111122223333:table/b";
    check_needs(
        &event,
        &[
            &format!("dynamodb:PutItem on {tables}"),
            &format!("dynamodb:ConditionCheckItem on {tables}"),
        ],
    );
    check_may_need(&event, "dynamodb:DeleteItem");
}

#[test]
fn statement_needs_the_action_of_its_verb() {
    let table = "arn:aws:dynamodb:eu-west-1:111122223333:table/Music";
    let more = json!({"requestParameters": {"statement": "select * from Music"}, "resources": [{"ARN": table}]});
    let event = call(3, "dynamodb", "ExecuteStatement", more);
    let catalog = Catalog::embedded();
    let needs = resolved(&event).needs;
    assert_eq!(needs.len(), 1);
    assert_eq!(catalog.name(needs[0].action), "dynamodb:PartiQLSelect");
    assert_eq!(needs[0].resources, [table]);
}

#[test]
fn newer_ec2_requests_are_read_inside_their_wrapper() {
    let parameters = json!({"DeleteNatGatewayRequest": {"NatGatewayId": "nat-0123456789abcdef0"}});
    check_needs(
        &call(3, "ec2", "DeleteNatGateway", json!({"requestParameters": parameters})),
        &["ec2:DeleteNatGateway on arn:aws:ec2:eu-west-1:111122223333:natgateway/nat-0123456789abcdef0"],
    );
    let parameters =
        json!({"DeleteFlowLogsRequest": {"FlowLogId": [{"tag": 1, "content": "fl-1"}, {"tag": 2, "content": "fl-2"}]}});
    let flow_log = |id: &str| format!("arn:aws:ec2:eu-west-1:111122223333:vpc-flow-log/{id}");
    check_needs(
        &call(3, "ec2", "DeleteFlowLogs", json!({"requestParameters": parameters})),
        &[&format!(
            "ec2:DeleteFlowLogs on {}, {}",
            flow_log("fl-1"),
            flow_log("fl-2")
        )],
    );
}

#[test]
fn lists_of_ec2_are_read_item_by_item() {
    let parameters = json!({"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}});
    let instance = |id: &str| format!("arn:aws:ec2:eu-west-1:111122223333:instance/{id}");
    check_needs(
        &call(3, "ec2", "TerminateInstances", json!({"requestParameters": parameters})),
        &[&format!(
            "ec2:TerminateInstances on {}, {}",
            instance("i-1"),
            instance("i-2")
        )],
    );
}

#[test]
fn identifier_that_rds_folds_stands_in_both_spellings() {
    let event = call(
        3,
        "rds",
        "DeleteDBInstance",
        json!({"requestParameters": {"dBInstanceIdentifier": "Orders"}}),
    );
    let db = |name: &str| format!("arn:aws:rds:eu-west-1:111122223333:db:{name}");
    check_needs(
        &event,
        &[&format!("rds:DeleteDBInstance on {}, {}", db("Orders"), db("orders"))],
    );
}

#[test]
fn call_on_a_user_that_names_none_is_on_the_caller() {
    let user = "arn:aws:iam::111122223333:user/ann";
    let caller = json!({"type": "IAMUser", "principalId": "AIDAANN", "arn": user, "accountId": ACCOUNT});
    check_needs(
        &identity(&call(3, "iam", "ListAccessKeys", json!({})), caller.clone()),
        &[&format!("iam:ListAccessKeys on {user}")],
    );
    let named = call(
        3,
        "iam",
        "ListAccessKeys",
        json!({"requestParameters": {"userName": "bob"}}),
    );
    check_needs(
        &identity(&named, caller),
        &["iam:ListAccessKeys on arn:aws:iam::111122223333:user/bob, arn:aws:iam::111122223333:user/*/bob"],
    );
}

#[test]
fn secret_without_its_random_end_stands_for_both_forms() {
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:my-secret";
    let event = call(
        3,
        "secretsmanager",
        "GetSecretValue",
        json!({"requestParameters": {"secretId": arn}}),
    );
    check_needs(
        &event,
        &[&format!("secretsmanager:GetSecretValue on {arn}, {arn}-??????")],
    );
}

#[test]
fn function_named_by_account_and_qualifier_is_that_function() {
    let event = call(
        3,
        "lambda",
        "Invoke",
        json!({"requestParameters": {"functionName": "111122223333:function:f:live"}}),
    );
    check_needs(
        &event,
        &[
            "lambda:InvokeFunction on arn:aws:lambda:eu-west-1:111122223333:function:f, arn:aws:lambda:eu-west-1:111122223333:function:f:*",
        ],
    );
}

#[test]
fn partition_and_region_come_from_the_event() {
    let mut event = call(
        3,
        "sqs",
        "DeleteQueue",
        json!({"awsRegion": "apiso-northsouth-3r",
        "requestParameters": {"queueUrl": "https://sqs.example/111122223333/q"}}),
    );
    event["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!("arn:aws-iso-x:iam::111122223333:role/app");
    check_needs(
        &event,
        &["sqs:DeleteQueue on arn:aws-iso-x:sqs:apiso-northsouth-3r:111122223333:q"],
    );
}

#[test]
fn api_gateway_call_is_its_verb_on_its_path() {
    let event = call(
        3,
        "apigateway",
        "DeleteStage",
        json!({"requestParameters": {"restApiId": "a1", "stageName": "prod"}}),
    );
    check_needs(
        &event,
        &["apigateway:DELETE on arn:aws:apigateway:eu-west-1::/restapis/a1/stages/prod"],
    );
}
