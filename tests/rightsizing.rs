//! Smaller policies: what is written, what fits, what else is offered, and how far it may be trusted.

use serde_json::{Value, json};
use trimtrail::inside::catalog::{Catalog, Mapping};
use trimtrail::inside::iam::PolicyText;
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{self, Basis, EvidenceLevel, Level, Options, Proposal, Resources, Step};
use trimtrail::inside::verify;

use super::journey::{ROLE, allow, analyze, background, call, object_event, options, role, secret};
use super::pipeline::run_with;

fn run(events: &[Value], document: &Value, options: &Options) -> Report {
    analyze(&[background(), events.to_vec()].concat(), &role(document), options, 1)
}

/// The document of a step; `None` where it is not suggested.
fn after(report: &Report, step: &str) -> Option<Value> {
    let mut steps = report.suggestions.iter().filter(|suggestion| suggestion.step == step);
    steps.next().map(|suggestion| suggestion.after().value())
}

fn aggressive() -> Options {
    Options {
        evidence: EvidenceLevel::Aggressive,
        ..options()
    }
}

fn narrow() -> Options {
    Options {
        resources: Resources::Narrow,
        ..options()
    }
}

fn event(day: u32, source: &str, name: &str, parameters: &Value) -> Value {
    call(day, source, name, json!({"requestParameters": parameters}))
}

// How statements are rewritten: the cases of the same numbers stand in the semantics memo.

#[test]
fn case_32_allow_not_action_becomes_the_actions_seen() {
    let document =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]});
    let seen = call(3, "s3", "ListBuckets", json!({}));
    let expected = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]});
    assert_eq!(
        after(&run(&[seen], &document, &aggressive()), "actions"),
        Some(expected)
    );
}

#[test]
fn no_wildcard_reaches_what_not_action_excepts() {
    let statement = |excepted: &Value| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotAction": excepted, "Resource": "*"}]});
    let seen = [
        secret(),
        event(4, "secretsmanager", "GetResourcePolicy", &json!({"secretId": "db"})),
        event(4, "secretsmanager", "GetRandomPassword", &json!({})),
    ];
    let options = Options {
        compact: 2,
        ..aggressive()
    };
    let listed = |excepted: Value| {
        after(&run(&seen, &statement(&excepted), &options), "actions").expect("something goes")["Statement"][0]["Action"].clone()
    };
    // Secrets Manager decrypts for the caller, so the key stays.
    assert_eq!(listed(json!(["iam:*"])), json!(["kms:Decrypt", "secretsmanager:Get*"]));
    // The catalog does not know `GetBrandNew`, and yet a wildcard would grant it.
    assert_eq!(
        listed(json!(["iam:*", "secretsmanager:GetBrandNew"])),
        json!([
            "kms:Decrypt",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:GetResourcePolicy",
            "secretsmanager:GetSecretValue"
        ])
    );
}

#[test]
fn case_33_names_are_not_packed_into_a_wildcard_that_nobody_wrote() {
    let document = allow(
        &json!([
            "secretsmanager:GetSecretValue",
            "secretsmanager:GetResourcePolicy",
            "secretsmanager:GetRandomPassword",
            "ec2:TerminateInstances"
        ]),
        &json!("*"),
    );
    let seen = [
        secret(),
        event(4, "secretsmanager", "GetResourcePolicy", &json!({"secretId": "db"})),
        event(4, "secretsmanager", "GetRandomPassword", &json!({})),
    ];
    let options = Options {
        compact: 2,
        ..options()
    };
    let expected = allow(
        &json!([
            "secretsmanager:GetRandomPassword",
            "secretsmanager:GetResourcePolicy",
            "secretsmanager:GetSecretValue"
        ]),
        &json!("*"),
    );
    assert_eq!(after(&run(&seen, &document, &options), "actions"), Some(expected));
}

#[test]
fn case_34_two_statements_never_become_their_product() {
    let statement = |action: &Value, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
    let secrets = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:*";
    let document = json!({"Version": "2012-10-17", "Statement": [
        statement(&json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]), secrets),
        statement(&json!(["sqs:GetQueueAttributes", "sqs:DeleteQueue"]), queue)]});
    let expected = json!({"Version": "2012-10-17", "Statement": [
        statement(&json!(["secretsmanager:GetSecretValue"]), secrets),
        statement(&json!(["sqs:GetQueueAttributes"]), queue)]});
    let url = json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/q"});
    let seen = [secret(), event(4, "sqs", "GetQueueAttributes", &url)];
    assert_eq!(after(&run(&seen, &document, &options()), "actions"), Some(expected));
}

#[test]
fn case_36_what_knows_no_resources_keeps_the_star() {
    let document = allow(
        &json!(["ec2:DescribeInstances", "secretsmanager:GetSecretValue"]),
        &json!("*"),
    );
    let seen = [secret(), event(3, "ec2", "DescribeInstances", &json!({}))];
    let after = after(&run(&seen, &document, &narrow()), "resources").expect("the secret is narrowed");
    assert_eq!(
        after["Statement"],
        json!([
            {"Effect": "Allow", "Action": ["ec2:DescribeInstances"], "Resource": "*"},
            {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": "arn:aws:secretsmanager:*:111122223333:secret:db-??????"}
        ])
    );
}

#[test]
fn what_is_rewritten_is_sorted_by_service_and_action() {
    let document = allow(
        &json!([
            "sqs:ListQueues",
            "ec2:TerminateInstances",
            "secretsmanager:GetSecretValue",
            "ec2:DescribeInstances",
            "s3:ListAllMyBuckets"
        ]),
        &json!("*"),
    );
    let seen = [
        secret(),
        call(3, "sqs", "ListQueues", json!({})),
        call(3, "ec2", "DescribeInstances", json!({})),
        call(3, "s3", "ListBuckets", json!({})),
    ];
    let expected = json!([
        "ec2:DescribeInstances",
        "s3:ListAllMyBuckets",
        "secretsmanager:GetSecretValue",
        "sqs:ListQueues"
    ]);
    let after = after(&run(&seen, &document, &options()), "actions").expect("something goes");
    assert_eq!(after["Statement"][0]["Action"], expected);
}

// Narrower resources.

fn secret_value() -> Value {
    allow(&json!("secretsmanager:GetSecretValue"), &json!("*"))
}

#[test]
fn resources_become_narrower_in_a_suggestion_of_their_own() {
    let document = allow(
        &json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]),
        &json!("*"),
    );
    let report = run(&[secret()], &document, &narrow());
    assert_eq!(
        after(&report, "actions"),
        Some(allow(&json!(["secretsmanager:GetSecretValue"]), &json!("*")))
    );
    let step = report
        .suggestions
        .iter()
        .find(|one| one.step == "resources")
        .expect("a second step");
    let to = "arn:aws:secretsmanager:*:111122223333:secret:db-??????";
    assert_eq!(
        step.after().value(),
        allow(&json!(["secretsmanager:GetSecretValue"]), &json!(to))
    );
    assert_eq!(
        serde_json::to_value(&step.narrowed).expect("JSON"),
        json!([{"statement": "0", "from": ["*"], "to": [to]}])
    );
    assert_eq!(step.removed.iter().collect::<Vec<_>>(), ["secretsmanager:DeleteSecret"]);
}

#[test]
fn resources_stay_unless_asked_for() {
    assert_eq!(after(&run(&[secret()], &secret_value(), &options()), "resources"), None);
}

#[test]
fn narrowing_again_changes_nothing() {
    let narrowed = after(&run(&[secret()], &secret_value(), &narrow()), "resources").expect("narrower");
    assert!(run(&[secret()], &narrowed, &narrow()).suggestions.is_empty());
}

#[test]
fn a_new_name_in_the_last_third_keeps_the_resource() {
    let late = event(
        12,
        "secretsmanager",
        "GetSecretValue",
        &json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:new-AbCdEf"}),
    );
    assert_eq!(
        after(&run(&[secret(), late], &secret_value(), &narrow()), "resources"),
        None
    );
}

#[test]
fn a_call_that_hides_its_resource_keeps_it() {
    let mut hidden = secret();
    hidden["requestParameters"] = Value::Null;
    hidden["errorCode"] = json!("ThrottlingException");
    assert_eq!(
        after(&run(&[secret(), hidden], &secret_value(), &narrow()), "resources"),
        None
    );
}

#[test]
fn what_makes_things_is_never_narrowed() {
    let document = allow(&json!("sqs:CreateQueue"), &json!("*"));
    let seen = event(3, "sqs", "CreateQueue", &json!({"queueName": "q"}));
    assert_eq!(after(&run(&[seen], &document, &narrow()), "resources"), None);
}

#[test]
fn a_refused_narrowing_is_tried_without_each_statement_then_with_each_alone() {
    let reads = [
        ("A", "GetSecretValue"),
        ("B", "DescribeSecret"),
        ("C", "GetResourcePolicy"),
    ];
    let statements = reads.map(|(sid, name)| {
        json!({"Sid": sid, "Effect": "Allow", "Action": format!("secretsmanager:{name}"), "Resource": "*"})
    });
    let secret_id = json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"});
    let mut events = background();
    events.extend(reads.map(|(_, name)| event(3, "secretsmanager", name, &secret_id)));
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let run = run_with(&events, &document, &narrow());
    let (proposals, _) = rightsize::propose(&Basis {
        catalog: Catalog::embedded(),
        table: &run.table,
        grants: &run.grants,
        gaps: &run.gaps,
        window: run.coverage.span.expect("events"),
        options: &narrow(),
    });
    let mut proposals = proposals.into_iter();
    let proposal = proposals.find(|one| one.step == Step::Resources).expect("narrower");
    let narrowed: Vec<String> = proposal
        .candidates
        .iter()
        .map(|candidate| candidate.narrowed.iter().map(|one| one.statement.as_str()).collect())
        .collect();
    assert_eq!(narrowed, ["ABC", "AB", "AC", "BC", "A", "B", "C"]);
    assert_eq!(proposal.candidates[5].after.value()["Statement"][0], statements[0]);
    assert_eq!(proposal.candidates[5].after.value()["Statement"][2], statements[2]);
    let prove = |proposal: &Proposal| verify::prove(Catalog::embedded(), &run.grants, &run.gaps, proposal);
    let mut refused = proposal.clone();
    for (at, candidate) in proposal.candidates.iter().enumerate() {
        let proved = prove(&refused).expect("the first that keeps what was used");
        assert_eq!(proved.candidate, *candidate, "{}", narrowed[at]);
        refused.candidates[at].after = PolicyText::from(&json!({"Version": "2012-10-17", "Statement": []}));
    }
    assert_eq!(prove(&refused).expect_err("none keeps it").len(), narrowed.len());
}

/// Reads of two objects by the role itself, as data events.
fn objects() -> Vec<Value> {
    let keys = [(3, "in/2026/a.csv"), (5, "in/2026/b.csv")];
    let read = |(day, key): (u32, &str)| {
        let mut event = object_event();
        event["eventTime"] = json!(format!("2026-10-{day:02}T12:00:00Z"));
        event["eventID"] = json!(format!("object-{day}"));
        event["userIdentity"] = call(day, "s3", "GetObject", json!({}))["userIdentity"].clone();
        event["requestParameters"] = json!({"bucketName": "a", "key": key});
        event["resources"] = json!([{"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::a/{key}")},
            {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::a", "accountId": "111122223333"}]);
        event
    };
    keys.into_iter().map(read).collect()
}

#[test]
fn objects_are_narrowed_to_folders_where_data_events_show_the_bucket() {
    let document = allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::a/*"));
    let expected = allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::a/in/*"));
    assert_eq!(
        after(&run(&objects(), &document, &narrow()), "resources"),
        Some(expected)
    );
}

#[test]
fn an_object_that_is_read_alone_is_named() {
    let mut reads = objects();
    for read in &mut reads {
        read["requestParameters"]["key"] = json!("app/config.json");
        read["resources"][0]["ARN"] = json!("arn:aws:s3:::a/app/config.json");
    }
    let document = allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::a/*"));
    let expected = allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::a/app/config.json"));
    assert_eq!(after(&run(&reads, &document, &narrow()), "resources"), Some(expected));
}

#[test]
fn an_object_whose_key_holds_a_star_is_no_folder() {
    let mut reads = objects();
    for read in &mut reads {
        read["requestParameters"]["key"] = json!("app/*");
        read["resources"][0]["ARN"] = json!("arn:aws:s3:::a/app/*");
    }
    let document = allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::a/*"));
    let expected = allow(&json!("s3:GetObject"), &json!("arn:aws:s3:::a/app/${*}"));
    assert_eq!(after(&run(&reads, &document, &narrow()), "resources"), Some(expected));
}

#[test]
fn a_function_is_narrowed_to_itself_and_no_longer_name() {
    let read = event(3, "lambda", "GetFunction20150331v2", &json!({"functionName": "f"}));
    let functions = "arn:aws:lambda:eu-west-1:111122223333:function:";
    let document = allow(&json!("lambda:GetFunction"), &json!(format!("{functions}*")));
    let expected = allow(
        &json!("lambda:GetFunction"),
        &json!([format!("{functions}f"), format!("{functions}f:*")]),
    );
    assert_eq!(after(&run(&[read], &document, &narrow()), "resources"), Some(expected));
}

#[test]
fn a_wildcard_of_used_actions_is_narrowed_under_their_names() {
    let id = json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"});
    let read = event(3, "secretsmanager", "DescribeSecret", &id);
    let secrets = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:";
    let document = allow(&json!("secretsmanager:DescribeS*"), &json!(format!("{secrets}*")));
    let expected = allow(
        &json!("secretsmanager:DescribeSecret"),
        &json!(format!("{secrets}db-??????")),
    );
    assert_eq!(
        after(&run(std::slice::from_ref(&read), &document, &narrow()), "resources"),
        Some(expected)
    );
    // It may have granted what no catalog knows.
    let unknown = event(3, "newthing", "DescribeSecretThings", &json!({}));
    let seen = [read, unknown];
    assert_eq!(after(&run(&seen, &document, &narrow()), "resources"), None);
}

#[test]
fn a_source_with_wildcards_inside_its_region_is_narrowed() {
    let seen = event(3, "dynamodb", "DescribeTable", &json!({"tableName": "orders"}));
    let document = allow(
        &json!(["dynamodb:DescribeTable"]),
        &json!(["arn:aws:dynamodb:??-*-1:111122223333:tabl*?"]),
    );
    let table = "arn:aws:dynamodb:??-*-1:111122223333:table/orders";
    let expected = allow(
        &json!(["dynamodb:DescribeTable"]),
        &json!([table, format!("{table}/index/*")]),
    );
    assert_eq!(after(&run(&[seen], &document, &narrow()), "resources"), Some(expected));
}

#[test]
fn action_as_text_and_as_list_are_narrowed_alike() {
    let seen = event(3, "dynamodb", "DescribeTable", &json!({"tableName": "orders"}));
    let narrowed = |action: Value, resource: Value| {
        let document = after(
            &run(std::slice::from_ref(&seen), &allow(&action, &resource), &narrow()),
            "resources",
        );
        let statement = &document.expect("narrower")["Statement"][0];
        let list = |value: &Value| {
            if value.is_array() {
                value.clone()
            } else {
                json!([value])
            }
        };
        (list(&statement["Action"]), list(&statement["Resource"]))
    };
    let (action, resource) = (
        "dynamodb:DescribeTable",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/*",
    );
    let expected = narrowed(json!(action), json!(resource));
    assert_eq!(narrowed(json!([action]), json!(resource)), expected);
    assert_eq!(narrowed(json!(action), json!([resource])), expected);
    assert_eq!(narrowed(json!([action]), json!([resource])), expected);
}

#[test]
fn a_statement_that_another_one_holds_is_no_suggestion() {
    let table = "arn:aws:dynamodb:us-east-1:111122223333:table/t";
    let unseen = json!({"Effect": "Allow", "Action": "dynamodb:*", "Resource": ["arn:aws:dynamodb:us-*:111122223333:table/t", "arn:*:dynamodb:us-east-1:111122223333:table/t"]});
    let held = json!({"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": table});
    let document = json!({"Version": "2012-10-17", "Statement": [unseen, held]});
    let report = run(&[], &document, &options());
    let removed: Vec<u64> = report.suggestions.iter().map(|one| one.removed_actions).collect();
    assert!(!removed.contains(&0), "{removed:?}");
}

#[test]
fn objects_keep_their_resource_where_other_buckets_would_not_show() {
    let document = allow(&json!("s3:GetObject"), &json!("*"));
    assert_eq!(after(&run(&objects(), &document, &narrow()), "resources"), None);
}

// What fits.

/// The role becomes a user, whose inline policies have 2,048 characters of room.
fn user(document: &Value) -> Value {
    json!({"RoleDetailList": [], "GroupDetailList": [], "Policies": [], "UserDetailList": [{
        "Arn": "arn:aws:iam::111122223333:user/app", "UserName": "app", "UserId": "AIDAAPP", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
        "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": document}], "AttachedManagedPolicies": []}]})
}

#[test]
fn what_does_not_fit_says_why() {
    let events = background();
    let report = analyze(&events, &user(&allow(&json!("*"), &json!("*"))), &options(), 1);
    assert!(report.suggestions.is_empty());
    let why: Vec<&str> = report.refused.iter().map(|refused| refused.witness.as_str()).collect();
    assert!(
        why.iter().all(|why| why.contains("2048 are allowed")) && why.len() == 2,
        "{why:?}"
    );
}

#[test]
fn services_stay_whole_where_room_is_scarce() {
    let report = run(&[secret()], &allow(&json!("*"), &json!("*")), &options());
    let step = report
        .suggestions
        .iter()
        .find(|one| one.step == "actions")
        .expect("a step");
    assert!(step.characters.after <= step.characters.quota, "{:?}", step.characters);
    assert!(step.removed_actions > 5_000, "{}", step.removed_actions);
    // Once more with what was suggested: nothing more goes.
    assert!(
        run(&[secret()], &step.after().value(), &options())
            .suggestions
            .is_empty()
    );
}

#[test]
fn inline_policies_of_one_owner_fit_together() {
    let mut grants = role(&allow(&json!("ec2:*"), &json!("*")));
    grants["RoleDetailList"][0]["RolePolicyList"] = json!([
        {"PolicyName": "a", "PolicyDocument": allow(&json!(["c*:*", "e*:*", "r*:*"]), &json!("*"))},
        {"PolicyName": "b", "PolicyDocument": allow(&json!(["i*:*", "s*:*"]), &json!("*"))}]);
    let report = analyze(&background(), &grants, &options(), 1);
    let sizes: Vec<u64> = report
        .suggestions
        .iter()
        .filter(|one| one.step == "actions")
        .map(|one| one.characters.after)
        .collect();
    assert!(sizes.len() == 2 && sizes.iter().sum::<u64>() <= 10_240, "{sizes:?}");
}

#[test]
fn inline_policies_of_one_owner_grow_into_the_room_that_others_leave() {
    let ec2 = Catalog::embedded().expand("ec2:describe*");
    let names: Vec<String> = ec2
        .into_iter()
        .map(|action| Catalog::embedded().name(action).to_owned())
        .filter(|name| {
            matches!(
                Catalog::embedded().mapping("ec2.amazonaws.com", &name["ec2:".len()..]),
                Mapping::Actions(_)
            )
        })
        .collect();
    let called = names.iter().step_by(3).take(20);
    let calls = called
        .clone()
        .map(|name| event(3, "ec2", &name["ec2:".len()..], &json!({})));
    let mut events: Vec<Value> = background();
    events.extend(calls);
    for event in &mut events {
        if event["userIdentity"]["type"] == "AssumedRole" {
            event["userIdentity"] = json!({"type": "IAMUser", "principalId": "AIDAAPP", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:user/app", "userName": "app"});
        }
    }
    let unused: Vec<&String> = names.iter().skip(1).step_by(3).take(45).collect();
    let mut grants = user(&allow(&json!("ec2:*"), &json!("*")));
    grants["UserDetailList"][0]["UserPolicyList"] = json!([
        {"PolicyName": "grows", "PolicyDocument": allow(&json!("ec2:*"), &json!("*"))},
        {"PolicyName": "shrinks", "PolicyDocument": allow(&json!(unused), &json!("*"))}]);
    let report = analyze(&events, &grants, &options(), 1);
    assert!(report.refused.is_empty(), "{:?}", report.refused);
    let grows = report
        .suggestions
        .iter()
        .find(|one| one.policy == "grows")
        .expect("it shrinks");
    // More than an even share of the room that both leave today.
    let now: u64 = report.suggestions.iter().map(|one| one.characters.before).sum();
    assert!(
        grows.characters.after > grows.characters.before + (2_048 - now) / 2,
        "{:?}",
        grows.characters
    );
    assert!(grows.room.is_none(), "{:?}", grows.room);
    let order = "there is room for it once what is suggested for shrinks is in place";
    assert!(
        grows.assumptions.iter().any(|line| line == order),
        "{:?}",
        grows.assumptions
    );
    let sizes: u64 = report.suggestions.iter().map(|one| one.characters.after).sum();
    assert!(sizes <= 2_048, "{sizes}");
}

/// The role with `*` in a managed policy, which has less room than an inline one.
fn administrator(document: &Value) -> Value {
    let arn = "arn:aws:iam::111122223333:policy/all";
    let mut grants = role(document);
    grants["RoleDetailList"][0]["RolePolicyList"] = json!([]);
    grants["RoleDetailList"][0]["AttachedManagedPolicies"] = json!([{"PolicyName": "all", "PolicyArn": arn}]);
    grants["Policies"] = json!([{"PolicyName": "all", "PolicyId": "ANPAALL", "Arn": arn, "Path": "/", "DefaultVersionId": "v1",
        "AttachmentCount": 1, "IsAttachable": true, "CreateDate": "2025-01-01T00:00:00Z", "UpdateDate": "2025-01-01T00:00:00Z",
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2025-01-01T00:00:00Z", "Document": document}]}]);
    grants
}

#[test]
fn what_stays_for_room_is_counted_and_nothing_stays_that_fits() {
    let mut events = background();
    events.push(secret());
    let run = |document: &Value| analyze(&events, &administrator(document), &options(), 1);
    let report = run(&allow(&json!("*"), &json!("*")));
    let step = report
        .suggestions
        .iter()
        .find(|one| one.step == "actions")
        .expect("a step");
    assert!(step.characters.after <= 6_144, "{:?}", step.characters);
    let room = step.room.as_ref().expect("6,144 characters are too few");
    let granted = |pattern: &str| Catalog::embedded().expand(&pattern.to_lowercase()).len() as u64;
    assert_eq!(room.actions, room.patterns.iter().map(granted).sum::<u64>());
    assert!(
        room.note
            .starts_with(&format!("{} unused actions stay for room: split over ", room.actions)),
        "{}",
        room.note
    );
    assert!(run(&step.after().value()).suggestions.is_empty());
}

#[test]
fn what_a_wider_statement_grants_is_not_written_twice_where_room_is_short() {
    let all = json!({"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"});
    let here = json!({"Sid": "Here", "Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:*:111122223333:*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}});
    let run = |statements: [&Value; 2]| {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        let events = [background(), vec![secret()]].concat();
        analyze(&events, &administrator(&document), &options(), 1)
    };
    let sids = |report: &Report| -> Vec<String> {
        let after = after(report, "actions").expect("a form fits");
        let statements = after["Statement"].as_array().expect("statements");
        statements
            .iter()
            .map(|one| one["Sid"].as_str().expect("a Sid").to_owned())
            .collect()
    };
    for statements in [[&all, &here], [&here, &all], [&all, &all]] {
        let report = run(statements);
        assert_eq!(sids(&report), ["All"], "{statements:?}");
        let step = report
            .suggestions
            .iter()
            .find(|one| one.step == "actions")
            .expect("a step");
        assert!(step.characters.after <= 6_144, "{:?}", step.characters);
    }
    // At other times, or elsewhere, it is another grant.
    let mut now_and_then = all.clone();
    now_and_then["Condition"] = json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}});
    let report = run([&now_and_then, &here]);
    let kept = report.suggestions.iter().map(|one| one.after().value());
    assert!(
        kept.clone()
            .all(|after| after["Statement"].as_array().is_some_and(|all| all.len() == 2)),
        "{:?}",
        kept.collect::<Vec<_>>()
    );
}

#[test]
fn what_a_wider_statement_grants_stays_where_there_is_room() {
    let wide = json!({"Sid": "Wide", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"});
    let here = json!({"Sid": "Here", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "arn:aws:secretsmanager:*:111122223333:*"});
    let document = json!({"Version": "2012-10-17", "Statement": [wide, here]});
    let after = after(&run(&[secret()], &document, &options()), "actions").expect("something goes");
    assert_eq!(after["Statement"][0]["Action"], after["Statement"][1]["Action"]);
}

#[test]
fn a_permission_set_is_judged_over_its_accounts() {
    let role = |account: &str, id: &str| {
        json!({"Arn": format!("arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Reader_{id}"), "RoleId": format!("AROA{id}"),
            "RoleName": format!("AWSReservedSSO_Reader_{id}"), "Path": "/aws-reserved/sso.amazonaws.com/", "CreateDate": "2025-01-01T00:00:00Z",
            "RolePolicyList": [{"PolicyName": "AwsSSOInlinePolicy", "PolicyDocument": allow(&json!(["secretsmanager:GetSecretValue", "secretsmanager:DeleteSecret"]), &json!("*"))}]})
    };
    let grants =
        json!({"RoleDetailList": [role("111122223333", "0123456789abcdef"), role("111122223333", "fedcba9876543210")]});
    let mut used = secret();
    used["userIdentity"]["principalId"] = json!("AROAfedcba9876543210:ada");
    used["userIdentity"]["sessionContext"]["sessionIssuer"]["principalId"] = json!("AROAfedcba9876543210");
    let report = analyze(&[background(), vec![used]].concat(), &grants, &options(), 1);
    let [suggestion] = &report.suggestions[..] else {
        panic!("one suggestion")
    };
    assert_eq!(
        (suggestion.kind.as_str(), suggestion.affects.len()),
        ("permission_set", 2)
    );
    assert_eq!(
        suggestion.removed.iter().collect::<Vec<_>>(),
        ["secretsmanager:DeleteSecret"]
    );
    assert_eq!(suggestion.characters.quota, 32_768);
    assert!(
        suggestion
            .held
            .as_deref()
            .is_some_and(|why| why.contains("IAM Identity Center"))
    );
}

#[test]
fn a_wildcard_stands_for_as_many_actions_as_asked() {
    let document = allow(&json!("secretsmanager:*"), &json!("*"));
    let seen = [
        secret(),
        event(3, "secretsmanager", "ListSecrets", &json!({})),
        event(3, "secretsmanager", "ListSecretVersionIds", &json!({"secretId": "db"})),
    ];
    let listed = |compact: usize| {
        let options = Options { compact, ..options() };
        after(&run(&seen, &document, &options), "actions").expect("something goes")["Statement"][0]["Action"].clone()
    };
    let names = |list: &Value| {
        list.as_array()
            .expect("a list")
            .iter()
            .filter(|one| one.as_str().expect("text").contains("List"))
            .count()
    };
    assert_eq!((names(&listed(2)), names(&listed(4))), (1, 2));
}

// How far it may be trusted.

fn every_day() -> Vec<Value> {
    (1..=14)
        .map(|day| {
            event(
                day,
                "secretsmanager",
                "GetSecretValue",
                &json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"}),
            )
        })
        .collect()
}

#[track_caller]
fn check_confidence(events: &[Value], options: &Options, expected: &str, why: &str) {
    let report = run(events, &allow(&json!("secretsmanager:*"), &json!("*")), options);
    let suggestion = &report.suggestions[0];
    assert_eq!(suggestion.confidence, expected, "{:?}", suggestion.confidence_why);
    assert!(
        suggestion.confidence_why.iter().any(|reason| reason.contains(why)),
        "{:?}",
        suggestion.confidence_why
    );
}

#[test]
fn two_weeks_of_daily_calls_give_medium_confidence() {
    check_confidence(&every_day(), &options(), "medium", "the archive covers 14 days");
}

#[test]
fn one_active_day_gives_low_confidence() {
    check_confidence(&[secret()], &options(), "low", "active on 1 of 14 days");
}

#[test]
fn a_rhythm_slower_than_the_window_gives_low_confidence() {
    let weekly: Vec<Value> = every_day()
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at.is_multiple_of(6))
        .map(|(_, event)| event)
        .collect();
    check_confidence(
        &weekly,
        &options(),
        "low",
        "seen about every 6 days, and the window holds 14",
    );
}

#[test]
fn less_than_conservative_evidence_caps_confidence() {
    check_confidence(&every_day(), &aggressive(), "medium", "less than conservative");
}

#[test]
fn too_little_confidence_holds() {
    let options = Options {
        min_confidence: Level::Medium,
        wait_for_rhythm: false,
        ..options()
    };
    let report = run(&[secret()], &allow(&json!("secretsmanager:*"), &json!("*")), &options);
    let held = report.suggestions[0].held.clone().expect("held");
    assert!(held.contains("--min-confidence medium"), "{held}");
}

#[test]
fn an_action_says_on_how_many_days_and_how_often() {
    let report = run(&every_day(), &secret_value(), &options());
    let action = &report
        .principals
        .iter()
        .find(|one| one.arn == ROLE)
        .expect("the role")
        .actions[0];
    assert_eq!(
        (action.calls, action.days_active, action.typical_gap_days),
        (14, 14, Some(1.0))
    );
}

#[test]
fn a_grant_names_policy_statement_and_file() {
    let report = run(&[secret()], &secret_value(), &options());
    let principal = report.principals.iter().find(|one| one.arn == ROLE).expect("the role");
    assert_eq!(principal.policies[0].file, "grants");
    let by = &principal.actions[0].granted_by[0];
    assert_eq!(
        (by.policy.as_str(), by.statement.as_str(), by.index),
        ("inline:p", "0", 0)
    );
    assert!(Catalog::embedded().id(&principal.actions[0].action).is_some());
}

#[test]
fn what_time_alone_holds_says_until_when() {
    let until = |unused: &str, options: &Options, used: &[Value]| {
        let document = allow(&json!(["secretsmanager:GetSecretValue", unused]), &json!("*"));
        let report = run(used, &document, options);
        let [suggestion] = &report.suggestions[..] else {
            panic!("{} suggestions", report.suggestions.len());
        };
        assert_eq!(
            suggestion.held_until.is_some(),
            suggestion.held_until.is_some() && suggestion.held.is_some()
        );
        suggestion.held_until.as_deref().map(|moment| moment[..10].to_owned())
    };
    let ninety = Options {
        min_window: 90,
        ..options()
    };
    // The archive's first day is the first of October, its ninetieth the twenty-ninth of December.
    let (reads, writes) = ("secretsmanager:ListSecrets", "secretsmanager:DeleteSecret");
    assert_eq!(until(reads, &ninety, &[secret()]), Some("2026-12-29".to_owned()));
    // No day ends what somebody has to look at as well: the last write of a service in use.
    assert_eq!(until(writes, &ninety, &[secret()]), None);
    // Nobody but its owner knows whether a role without a call is needed, however young.
    assert_eq!(until(writes, &options(), &[]), None);
    assert_eq!(until(reads, &ninety, &[]), None);
    let every_day: Vec<Value> = (1..=14)
        .map(|day| {
            let mut one = secret();
            one["eventTime"] = json!(format!("2026-10-{day:02}T12:00:00Z"));
            one["eventID"] = json!(format!("secret-{day}"));
            one
        })
        .collect();
    assert_eq!(until(writes, &options(), &every_day), None);
}
