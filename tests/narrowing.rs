//! Narrower resources, all at once: what the first run leaves wide the second would not narrow, and no proof refuses it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trimtrail::inside::gap::Reason;
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{Choice, Choices, Decision, Options, Resources, characters};

use super::journey::{ACCOUNT, allow, analyze, background, call, options, role, secret};

const BOB: &str = "arn:aws:iam::111122223333:user/bob";

fn narrow() -> Options {
    Options {
        resources: Resources::Narrow,
        ..options()
    }
}

fn event(source: &str, name: &str, parameters: &Value) -> Value {
    call(3, source, name, json!({"requestParameters": parameters}))
}

/// The same event of the user `bob`.
fn by_bob(mut event: Value) -> Value {
    event["userIdentity"] =
        json!({"type": "IAMUser", "principalId": "AIDABOB", "arn": BOB, "accountId": ACCOUNT, "userName": "bob"});
    event
}

/// The user `bob`, whose inline policies share 2,048 characters.
fn bob(policies: &[(&str, Value)]) -> Value {
    let inline: Vec<Value> = policies
        .iter()
        .map(|(name, document)| json!({"PolicyName": name, "PolicyDocument": document}))
        .collect();
    json!({"UserDetailList": [{"Arn": BOB, "UserName": "bob", "UserId": "AIDABOB", "Path": "/", "CreateDate": "2025-01-01T00:00:00Z",
        "UserPolicyList": inline, "AttachedManagedPolicies": [], "GroupList": []}],
        "RoleDetailList": [], "GroupDetailList": [], "Policies": []})
}

fn run(events: &[Value], grants: &Value, options: &Options) -> Report {
    let report = analyze(&[background(), events.to_vec()].concat(), grants, options, 1);
    // Where there was no room there is no document: that is the quota's doing.
    let refused: Vec<_> = report.refused.iter().filter(|one| !one.after.is_null()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    report
}

/// The statements of a policy's narrower form without their Sids; `None` where there is none.
fn narrower(report: &Report, policy: &str) -> Option<Vec<Value>> {
    let mut steps = report
        .suggestions
        .iter()
        .filter(|one| one.step == "resources" && one.policy == policy);
    let mut document = steps.next()?.after().value();
    let statements = document["Statement"].as_array_mut().expect("statements");
    for statement in statements.iter_mut() {
        statement.as_object_mut().expect("an object").remove("Sid");
    }
    Some(statements.clone())
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn may(actions: &Value, resources: &Value) -> Value {
    allow(actions, resources)["Statement"][0].clone()
}

/// A denial of so many characters, which stays as it is.
fn padding(characters: usize) -> Value {
    let around = json!({"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "arn:aws:sqs:*:*:"}).to_string();
    let queue = format!("arn:aws:sqs:*:*:{}", "x".repeat(characters - around.len()));
    json!({"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": queue})
}

fn parameter(name: &str) -> String {
    format!("arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/{name}")
}

#[test]
fn an_action_is_narrowed_in_both_statements_that_a_wildcard_became() {
    let machine = format!("arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:m");
    let seen = event("states", "StartExecution", &json!({"stateMachineArn": machine}));
    let before = allow(&json!(["states:Start*", "ec2:TerminateInstances"]), &json!("*"));
    let report = run(std::slice::from_ref(&seen), &role(&before), &narrow());
    // Seen and unseen stand apart, and the wildcard of the unseen one names what was seen as well.
    let step = report
        .suggestions
        .iter()
        .find(|one| one.step == "actions")
        .expect("a step");
    assert_eq!(step.after().value()["Statement"][1]["Action"], json!(["states:Start*"]));
    let after = narrower(&report, "p").expect("narrower");
    let machine = machine.replace("eu-west-1", "*");
    assert_eq!(
        after,
        [
            json!({"Effect": "Allow", "Action": ["states:StartExecution"], "Resource": [machine, format!("{machine}:*")]}),
            json!({"Effect": "Allow", "Action": ["states:StartSyncExecution"], "Resource": "*"}),
        ]
    );
    assert!(run(&[seen], &role(&document(&after)), &narrow()).suggestions.is_empty());
}

#[test]
fn what_packing_put_into_one_statement_is_narrowed() {
    let seen = [
        event("s3", "PutBucketCors", &json!({"bucketName": "b"})),
        event("codepipeline", "GetPipelineState", &json!({"name": "p"})),
    ]
    .map(by_bob);
    let before = document(&[
        may(&json!("logs:*"), &json!("*")),
        may(&json!("codepipeline:GetPipelineState"), &json!("*")),
        json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}),
        may(&json!(["s3:PutBucketCORS", "s3:CreateBucket"]), &json!("*")),
        padding(1_000),
    ]);
    let report = run(&seen, &bob(&[("p", before)]), &narrow());
    let step = report
        .suggestions
        .iter()
        .find(|one| one.step == "actions")
        .expect("a step");
    assert!(
        step.statements.iter().any(|one| one.from.len() > 1),
        "nothing was packed: {}",
        step.after()
    );
    let after = narrower(&report, "p").expect("narrower");
    let bucket = after
        .iter()
        .find(|one| one["Action"].to_string().contains("s3:PutBucketCORS"));
    assert!(
        bucket.expect("a statement")["Resource"]
            .to_string()
            .contains("arn:aws:s3:::b"),
        "{after:#?}"
    );
    let again = run(&seen, &bob(&[("p", document(&after))]), &narrow());
    assert!(again.suggestions.is_empty(), "{}", again.suggestions[0].after());
}

/// A managed policy of the role `app` and the user `bob`.
fn shared(document: &Value) -> Value {
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/shared");
    let attached = json!([{"PolicyName": "shared", "PolicyArn": arn}]);
    let (mut grants, user) = (role(document), bob(&[]));
    grants["RoleDetailList"][0]["RolePolicyList"] = json!([]);
    grants["RoleDetailList"][0]["AttachedManagedPolicies"] = attached.clone();
    grants["UserDetailList"] = user["UserDetailList"].clone();
    grants["UserDetailList"][0]["AttachedManagedPolicies"] = attached;
    grants["Policies"] = json!([{"PolicyName": "shared", "PolicyId": "ANPASHARED", "Arn": arn, "Path": "/", "DefaultVersionId": "v1",
        "AttachmentCount": 2, "IsAttachable": true, "CreateDate": "2025-01-01T00:00:00Z", "UpdateDate": "2025-01-01T00:00:00Z",
        "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2025-01-01T00:00:00Z", "Document": document}]}]);
    grants
}

#[test]
fn what_one_holder_uses_stays_wide_for_the_life_cycle_of_another_s_things() {
    let policy = format!("arn:aws:iam::{ACCOUNT}:policy/x");
    let seen = [
        event("iam", "CreatePolicy", &json!({"policyName": "x"})),
        by_bob(event(
            "iam",
            "AttachRolePolicy",
            &json!({"roleName": "app", "policyArn": policy}),
        )),
    ];
    let before = allow(
        &json!(["iam:AttachRolePolicy", "iam:CreatePolicy", "ec2:TerminateInstances"]),
        &json!("*"),
    );
    assert_eq!(narrower(&run(&seen, &shared(&before), &narrow()), "shared"), None);
    let past_alone = Options {
        life_cycles: false,
        ..narrow()
    };
    let after = narrower(&run(&seen, &shared(&before), &past_alone), "shared").expect("narrower");
    assert!(
        after.iter().any(|one| one["Resource"].to_string().contains("role/app")),
        "{after:#?}"
    );
}

#[test]
fn what_somebody_chose_to_keep_is_kept_everywhere() {
    let before = allow(&json!("secretsmanager:GetSecretValue"), &json!("*"));
    assert!(narrower(&run(&[secret()], &role(&before), &narrow()), "p").is_some());
    for decision in [Decision::Keep, Decision::Later("2027-01-01".to_owned())] {
        let choice = Choice {
            principal: "app".to_owned(),
            exact: false,
            service: "secretsmanager".to_owned(),
            reason: Reason::DataEvents,
            actions: vec!["secretsmanager:GetSecretValue".to_owned()],
            decision,
            who: "Ana".to_owned(),
            why: "more secrets come".to_owned(),
        };
        let options = Options {
            choices: Choices(vec![choice]),
            ..narrow()
        };
        assert_eq!(narrower(&run(&[secret()], &role(&before), &options), "p"), None);
    }
}

#[test]
fn room_that_one_policy_leaves_is_another_s() {
    let names: Vec<String> = (0..6).map(|at| format!("{at}-{}", "n".repeat(60))).collect();
    let mut seen: Vec<Value> = names
        .iter()
        .map(|name| by_bob(event("ssm", "GetParameter", &json!({"name": name}))))
        .collect();
    let secret = format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-AbCdEf");
    seen.push(by_bob(event(
        "secretsmanager",
        "DescribeSecret",
        &json!({"secretId": secret}),
    )));
    let secrets: Vec<String> = (0..12)
        .map(|at| format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:s{at}-??????"))
        .chain([format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-??????")])
        .collect();
    let grows = allow(&json!("ssm:GetParameter"), &json!("*"));
    let shrinks = document(&[
        may(&json!("secretsmanager:DescribeSecret"), &json!(secrets)),
        padding(850),
    ]);
    let report = run(&seen, &bob(&[("grows", grows), ("shrinks", shrinks)]), &narrow());
    let shrunk = narrower(&report, "shrinks").expect("one secret is left");
    let grown = narrower(&report, "grows").expect("there is room for the parameters then");
    let resources: BTreeSet<&str> = grown[0]["Resource"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let expected: Vec<String> = names
        .iter()
        .map(|name| parameter(name).replace("eu-west-1", "*"))
        .collect();
    assert_eq!(resources, expected.iter().map(String::as_str).collect());
    let after = bob(&[("grows", document(&grown)), ("shrinks", document(&shrunk))]);
    assert!(run(&seen, &after, &narrow()).suggestions.is_empty());
}

#[test]
fn as_much_is_narrowed_as_there_is_room_for() {
    let long: Vec<String> = (0..5).map(|at| format!("{at}-{}", "n".repeat(60))).collect();
    let mut seen: Vec<Value> = long
        .iter()
        .map(|name| by_bob(event("ssm", "GetParameter", &json!({"name": name}))))
        .collect();
    let short = ["DescribeSecret", "GetResourcePolicy"];
    let secret = format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-AbCdEf");
    seen.extend(short.map(|name| by_bob(event("secretsmanager", name, &json!({"secretId": secret})))));
    let before = document(&[
        may(&json!("ssm:GetParameter"), &json!("*")),
        may(&json!("secretsmanager:DescribeSecret"), &json!("*")),
        may(&json!("secretsmanager:GetResourcePolicy"), &json!("*")),
        padding(1_400),
    ]);
    let report = run(&seen, &bob(&[("p", before.clone())]), &narrow());
    let after = narrower(&report, "p").expect("two of three");
    assert_eq!(after[0], before["Statement"][0]);
    for statement in &after[1..3] {
        assert_eq!(
            statement["Resource"],
            json!(format!("arn:aws:secretsmanager:*:{ACCOUNT}:secret:db-??????"))
        );
    }
    assert_eq!(after.len(), 4);
    assert!(
        run(&seen, &bob(&[("p", document(&after))]), &narrow())
            .suggestions
            .is_empty()
    );
    // With room for all, all of it.
    let roomy = document(&before["Statement"].as_array().expect("statements")[..3]);
    let after = narrower(&run(&seen, &bob(&[("p", roomy)]), &narrow()), "p").expect("all three");
    assert!(after.iter().all(|one| one["Resource"] != json!("*")), "{after:#?}");
}

/// Thirteen secrets, of which one is described: narrower, they leave some 800 characters.
fn secrets() -> (Value, Value) {
    let secret = |name: &str| format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{name}");
    let names = (0..12).map(|at| secret(&format!("s{at}-??????")));
    let all: Vec<String> = names.chain([secret("db-??????")]).collect();
    let described = event(
        "secretsmanager",
        "DescribeSecret",
        &json!({"secretId": secret("db-AbCdEf")}),
    );
    (
        may(&json!("secretsmanager:DescribeSecret"), &json!(all)),
        by_bob(described),
    )
}

/// What stays of a service that nobody used takes more room than its wildcard.
fn unused_service() -> Value {
    let mut statement = may(&json!("sagemaker:*"), &json!("*"));
    statement["Condition"] = json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}});
    statement
}

/// The furthest document of a policy.
fn furthest(report: &Report, policy: &str) -> Value {
    let steps = report.suggestions.iter().filter(|one| one.policy == policy);
    let last = steps.max_by_key(|one| one.step == "resources");
    last.expect("a suggestion").after().value()
}

#[test]
fn room_that_narrower_resources_leave_lets_more_actions_go() {
    let (described, seen) = secrets();
    let before = document(&[unused_service(), described, padding(540)]);
    let report = run(std::slice::from_ref(&seen), &bob(&[("p", before)]), &narrow());
    assert!(
        report.suggestions.iter().all(|one| one.step == "resources"),
        "without narrower secrets there is no room"
    );
    let after = furthest(&report, "p");
    assert!(!after.to_string().contains("\"sagemaker:*\""), "{after:#}");
    assert!(report.suggestions[0].characters.after <= 2_048);
    let again = run(&[seen], &bob(&[("p", after)]), &narrow());
    assert!(again.suggestions.is_empty(), "{}", again.suggestions[0].after());
}

#[test]
fn room_that_narrower_resources_leave_lets_actions_of_another_policy_go() {
    let (described, seen) = secrets();
    let (wide, secrets) = (document(&[unused_service()]), document(&[described, padding(540)]));
    let report = run(
        std::slice::from_ref(&seen),
        &bob(&[("wide", wide), ("secrets", secrets)]),
        &narrow(),
    );
    let (wide, secrets) = (furthest(&report, "wide"), furthest(&report, "secrets"));
    assert!(!wide.to_string().contains("\"sagemaker:*\""), "{wide:#}");
    assert!(characters(&wide) + characters(&secrets) <= 2_048);
    let step = report.suggestions.iter().find(|one| one.policy == "wide");
    assert!(
        step.expect("a step")
            .assumptions
            .iter()
            .any(|one| one.contains("secrets")),
        "which one goes first is told"
    );
    let again = run(&[seen], &bob(&[("wide", wide), ("secrets", secrets)]), &narrow());
    assert!(again.suggestions.is_empty(), "{}", again.suggestions[0].after());
}

fn alarm(name: &str) -> Value {
    let parameters = json!({"alarmName": name, "stateValue": "OK", "stateReason": "test"});
    event("monitoring", "SetAlarmState", &parameters)
}

#[test]
fn a_name_that_holds_a_star_is_narrowed_to_itself_alone() {
    let document = document(&[may(&json!("cloudwatch:SetAlarmState"), &json!("*"))]);
    for (name, written) in [
        ("cpu*", "cpu${*}"),
        ("x?", "x${?}"),
        ("*", "${*}"),
        ("a$b", "a${$}b"),
        ("${*}", "${$}{${*}}"),
    ] {
        let report = run(&[alarm(name)], &role(&document), &narrow());
        let expected = may(
            &json!("cloudwatch:SetAlarmState"),
            &json!(format!("arn:aws:cloudwatch:*:{ACCOUNT}:alarm:{written}")),
        );
        assert_eq!(narrower(&report, "p"), Some(vec![expected]), "{name}");
    }
    // A name with a colon is not cut, and what looks like a policy variable is none.
    let report = run(&[alarm("${aws:username}")], &role(&document), &narrow());
    assert_eq!(narrower(&report, "p"), None);
}

#[test]
fn a_policy_of_before_2012_keeps_its_resource_where_a_name_holds_a_star() {
    let mut document = document(&[may(&json!("cloudwatch:SetAlarmState"), &json!("*"))]);
    document["Version"] = json!("2008-10-17");
    let report = run(&[alarm("cpu*")], &role(&document), &narrow());
    assert_eq!(narrower(&report, "p"), None);
    let report = run(&[alarm("cpu")], &role(&document), &narrow());
    assert!(narrower(&report, "p").is_some());
}

#[test]
fn a_role_that_calls_by_a_starred_name_may_still_do_so_and_no_more() {
    let stays = format!("arn:aws:cloudwatch:*:{ACCOUNT}:alarm:cpu*");
    let document = document(&[may(
        &json!("cloudwatch:SetAlarmState"),
        &json!([stays, "arn:aws:cloudwatch:*:*:alarm:disk"]),
    )]);
    let report = run(&[alarm("cpu*")], &role(&document), &narrow());
    let expected = may(
        &json!("cloudwatch:SetAlarmState"),
        &json!([format!("arn:aws:cloudwatch:*:{ACCOUNT}:alarm:cpu${{*}}")]),
    );
    assert_eq!(narrower(&report, "p"), Some(vec![expected]));
}

#[test]
fn a_queue_is_narrowed_in_the_account_that_its_url_names() {
    let document = document(&[may(&json!("sqs:SetQueueAttributes"), &json!("*"))]);
    for (url, account) in [
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/jobs", "111122223333"),
        ("https://sqs.eu-west-1.amazonaws.com/999988887777/jobs", "999988887777"),
        (
            "https://eu-west-1.queue.amazonaws.com/111122223333/jobs",
            "111122223333",
        ),
        ("https://queue.example.com/jobs", "*"),
    ] {
        let seen = event("sqs", "SetQueueAttributes", &json!({"queueUrl": url, "attributes": {}}));
        let report = run(&[seen], &role(&document), &narrow());
        let expected = may(
            &json!("sqs:SetQueueAttributes"),
            &json!(format!("arn:aws:sqs:*:{account}:jobs")),
        );
        assert_eq!(narrower(&report, "p"), Some(vec![expected]), "{url}");
    }
}
