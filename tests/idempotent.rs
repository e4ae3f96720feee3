//! Random accounts: what is suggested is applied, and asked again nothing more is suggested; nothing that is proposed is
//! refused.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{EvidenceLevel, Options, Resources};

use crate::journey::{ACCOUNT, analyze, background, call};

/// Operations: source, name, parameters.
fn operations() -> Vec<(&'static str, &'static str, Value)> {
    let queue = json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"});
    vec![
        (
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"}),
        ),
        ("secretsmanager", "ListSecrets", json!({})),
        ("ec2", "DescribeInstances", json!({})),
        ("s3", "ListBuckets", json!({})),
        ("s3", "GetBucketPolicy", json!({"bucketName": "b"})),
        ("iam", "GetRole", json!({"roleName": "r"})),
        ("dynamodb", "DescribeTable", json!({"tableName": "orders"})),
        ("sqs", "GetQueueAttributes", queue),
        ("lambda", "GetFunction20150331v2", json!({"functionName": "f"})),
        ("logs", "DescribeLogStreams", json!({"logGroupName": "/a/b"})),
        ("newthing", "GetSecretThing", json!({})),
        ("ssm", "DescribeParameters", json!({})),
    ]
}

const ACTIONS: [&str; 18] = [
    "*",
    "secretsmanager:*",
    "secretsmanager:Get*",
    "secretsmanager:DeleteSecret",
    "SecretsManager:listsecrets",
    "ec2:*",
    "ec2:Describe*",
    "ec2:TerminateInstances",
    "s3:*",
    "s3:Get*",
    "iam:*",
    "iam:CreateRole",
    "dynamodb:*",
    "dynamodb:Describe*",
    "sqs:*",
    "lambda:Get*",
    "logs:Describe*",
    "zz:NoSuchThing",
];
const RESOURCES: [&str; 9] = [
    "*",
    "arn:aws:secretsmanager:*:*:secret:*",
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-??????",
    "arn:aws:s3:::*",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:dynamodb:eu-*:111122223333:table/*",
    "arn:aws:dynamodb:??-*-1:111122223333:tabl*?",
    "arn:*:sqs:eu-west-1:111122223333:*",
    "arn:aws:lambda:*:*:function:f*",
];

fn statement() -> impl Strategy<Value = Value> {
    (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
        prop::collection::vec(prop::sample::select(&ACTIONS[..]), 1..5),
        prop::collection::vec(prop::sample::select(&RESOURCES[..]), 1..3),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(allow, listed, actions, resources, tagged)| {
            let mut out = json!({"Effect": if allow { "Allow" } else { "Deny" }, "Resource": resources});
            out[if listed { "Action" } else { "NotAction" }] = json!(actions);
            if tagged {
                out["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/t": "a"}});
            }
            out
        })
}

fn document() -> impl Strategy<Value = Value> {
    prop::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}))
}

/// Inline policies of a role and of a user, and a managed policy of both.
fn account(role: &[Value], user: &[Value], managed: &Value) -> Value {
    let inline = |documents: &[Value]| -> Vec<Value> {
        let named = documents.iter().enumerate();
        named
            .map(|(at, document)| json!({"PolicyName": format!("p{at}"), "PolicyDocument": document}))
            .collect()
    };
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/shared");
    let attached = json!([{"PolicyName": "shared", "PolicyArn": arn}]);
    json!({
        "RoleDetailList": [{
            "Arn": format!("arn:aws:iam::{ACCOUNT}:role/app"), "RoleName": "app", "RoleId": "AROAAPP", "Path": "/",
            "CreateDate": "2025-01-01T00:00:00Z", "AttachedManagedPolicies": attached, "RolePolicyList": inline(role),
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}}],
        "UserDetailList": [{
            "Arn": format!("arn:aws:iam::{ACCOUNT}:user/bob"), "UserName": "bob", "UserId": "AIDABOB", "Path": "/",
            "CreateDate": "2025-01-01T00:00:00Z", "AttachedManagedPolicies": attached, "UserPolicyList": inline(user), "GroupList": []}],
        "GroupDetailList": [],
        "Policies": [{
            "PolicyName": "shared", "PolicyId": "ANPASHARED", "Arn": arn, "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": 2,
            "IsAttachable": true, "CreateDate": "2025-01-01T00:00:00Z", "UpdateDate": "2025-01-01T00:00:00Z",
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2025-01-01T00:00:00Z", "Document": managed}]}]})
}

/// The account with each policy's last step in its place.
fn applied(account: &Value, report: &Report) -> Value {
    let order = |step: &str| {
        ["services", "actions", "resources"]
            .iter()
            .position(|known| *known == step)
    };
    let mut last: BTreeMap<(String, String), (Option<usize>, Value)> = BTreeMap::new();
    for suggestion in &report.suggestions {
        let key = (suggestion.policy_arn.clone(), suggestion.policy.clone());
        let step = order(&suggestion.step);
        if last.get(&key).is_none_or(|(known, _)| *known < step) {
            last.insert(key, (step, suggestion.after().value()));
        }
    }
    let after = |arn: &str, name: &str| {
        last.get(&(arn.to_owned(), name.to_owned()))
            .map(|(_, document)| document.clone())
    };
    let mut account = account.clone();
    for (list, policies) in [
        ("RoleDetailList", "RolePolicyList"),
        ("UserDetailList", "UserPolicyList"),
    ] {
        for owner in account[list].as_array_mut().expect("owners") {
            let arn = owner["Arn"].as_str().expect("an ARN").to_owned();
            for policy in owner[policies].as_array_mut().expect("policies") {
                if let Some(document) = after(&arn, policy["PolicyName"].as_str().expect("a name")) {
                    policy["PolicyDocument"] = document;
                }
            }
            // A policy without statements is none.
            owner[policies]
                .as_array_mut()
                .expect("policies")
                .retain(|policy| policy["PolicyDocument"]["Statement"] != json!([]));
        }
    }
    let arn = account["Policies"][0]["Arn"].as_str().expect("an ARN").to_owned();
    if let Some(document) = after(&arn, "shared") {
        if document["Statement"] == json!([]) {
            account["Policies"] = json!([]);
            account["RoleDetailList"][0]["AttachedManagedPolicies"] = json!([]);
            account["UserDetailList"][0]["AttachedManagedPolicies"] = json!([]);
        } else {
            account["Policies"][0]["PolicyVersionList"][0]["Document"] = document;
        }
    }
    account
}

fn sizes(account: &Value, list: &str, policies: &str) -> u64 {
    let all = account[list][0][policies].as_array().expect("policies");
    all.iter()
        .map(|policy| trimtrail::inside::rightsize::characters(&policy["PolicyDocument"]))
        .sum()
}

/// Few by day; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default().cases,
        None => 2,
    }
}

/// Policies that take about the room that there is: services whole, of which much stays, beside a long denial.
fn tight() -> impl Strategy<Value = Value> {
    let services = [
        "*",
        "ec2:*",
        "iam:*",
        "s3:*",
        "sagemaker:*",
        "glue:*",
        "rds:*",
        "ssm:*",
        "lambda:*",
        "sqs:*",
        "states:*",
        "redshift:*",
        "batch:*",
        "ecs:Describe*",
        "firehose:Create*",
        "logs:*",
    ];
    let long = format!("arn:aws:*:*:{ACCOUNT}:{}*", "x".repeat(200));
    let resources = ["*".to_owned(), "*".to_owned(), format!("arn:aws:*:*:{ACCOUNT}:*"), long];
    let statement = (
        prop::bool::weighted(0.9),
        prop::collection::vec(prop::sample::select(services.to_vec()), 1..5),
        prop::sample::select(resources.to_vec()),
        prop::bool::weighted(0.2),
    );
    let statement = statement.prop_map(|(listed, actions, resource, secure)| {
        let mut out = json!({"Effect": "Allow", "Resource": resource});
        out[if listed { "Action" } else { "NotAction" }] = json!(actions);
        if secure {
            out["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
        }
        out
    });
    (prop::collection::vec(statement, 1..4), 0..4_000_usize).prop_map(|(mut statements, length)| {
        let queue = format!("arn:aws:sqs:*:*:{}", "y".repeat(length));
        statements.push(json!({"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": queue}));
        json!({"Version": "2012-10-17", "Statement": statements})
    })
}

/// Calls: which operation, whether the role makes it, and on which day.
fn used() -> impl Strategy<Value = Vec<(usize, bool, u32)>> {
    prop::collection::vec((0..12_usize, any::<bool>(), 1..14_u32), 0..8)
}

fn options() -> impl Strategy<Value = Options> {
    let evidence = vec![
        EvidenceLevel::Conservative,
        EvidenceLevel::Balanced,
        EvidenceLevel::Aggressive,
    ];
    (
        prop::sample::select(evidence),
        prop::sample::select(vec![Resources::Keep, Resources::Narrow]),
        prop::sample::select(vec![1_usize, 2, 4, 1_000]),
    )
        .prop_map(|(evidence, resources, compact)| Options {
            evidence,
            resources,
            compact,
            min_window: 7,
            ..Options::default()
        })
}

/// Applies what is suggested, and asks again.
fn check(used: &[(usize, bool, u32)], before: &Value, options: &Options) -> Result<(), TestCaseError> {
    let operations = operations();
    let bob = json!({"type": "IAMUser", "principalId": "AIDABOB", "arn": format!("arn:aws:iam::{ACCOUNT}:user/bob"),
        "accountId": ACCOUNT, "userName": "bob"});
    let mut events = background();
    for (at, by_role, day) in used {
        let (source, name, parameters) = &operations[*at];
        let mut event = call(*day, source, name, json!({"requestParameters": parameters}));
        if !by_role {
            event["userIdentity"] = bob.clone();
        }
        events.push(event);
    }
    let report = analyze(&events, before, options, 1);
    let after = applied(before, &report);
    for (list, policies, quota) in [
        ("RoleDetailList", "RolePolicyList", 10_240),
        ("UserDetailList", "UserPolicyList", 2_048),
    ] {
        let was = sizes(before, list, policies);
        prop_assert!(sizes(&after, list, policies) <= was.max(quota), "{after:#}");
    }
    let again = analyze(&events, &after, options, 1);
    for suggestion in &again.suggestions {
        prop_assert!(
            false,
            "{:?} {} {} {:?}\nfirst {}\nthen {}\nlast {}",
            options,
            suggestion.policy,
            suggestion.step,
            suggestion.removed,
            before,
            suggestion.before(),
            suggestion.after()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_run_on_the_answer_suggests_nothing(
        role in prop::collection::vec(document(), 1..4),
        user in prop::collection::vec(document(), 0..3),
        managed in document(),
        used in used(),
        options in options(),
    ) {
        check(&used, &account(&role, &user, &managed), &options)?;
    }

    #[test]
    fn policies_that_share_too_little_room_leave_nothing_to_a_second_run(
        role in prop::collection::vec(tight(), 2..6),
        user in prop::collection::vec(tight(), 1..3),
        managed in tight(),
        used in used(),
        options in options(),
    ) {
        check(&used, &account(&role, &user, &managed), &options)?;
    }
}

/// A role and a user with inline policies, and a managed policy that grants nothing to speak of.
#[track_caller]
fn check_role(used: &[(usize, bool, u32)], role: &[Value], resources: Resources) {
    let options = Options {
        resources,
        min_window: 7,
        ..Options::default()
    };
    let nothing = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"}]});
    check(used, &account(role, &[], &nothing), &options).expect("nothing more");
}

fn allow(elements: &Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Resource": "*"});
    for (name, value) in elements.as_object().expect("elements") {
        statement[name] = value.clone();
    }
    statement
}

#[test]
fn the_room_of_a_policy_that_goes_is_its_siblings_from_the_start() {
    let policy = |action: &str| json!({"Version": "2012-10-17", "Statement": [allow(&json!({"Action": [action]}))]});
    check_role(&[], &[policy("*"), policy("firehose:Create*")], Resources::Keep);
}

#[test]
fn what_stays_as_it_is_takes_the_room_that_it_took() {
    let first = json!({"Version": "2012-10-17", "Statement": [allow(&json!({"Action": "ssm:DescribeParameters"})), allow(&json!({"Action": "states:*"}))]});
    let second = json!({"Version": "2012-10-17", "Statement": [allow(&json!({"NotAction": ["dynamodb:*"]}))]});
    check_role(&[(11, true, 2)], &[first, second], Resources::Narrow);
}

#[test]
fn what_was_packed_is_cut_again_with_seen_and_unseen_apart() {
    // Together 388 unused actions would stay for room; apart, wildcards of the unseen may name what was seen.
    let queue = format!("arn:aws:sqs:*:*:{}", "x".repeat(800));
    let parameter = |name: &str| format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/{name}");
    let before = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["sagemaker:*"], "Resource": ["*"], "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}},
        {"Effect": "Allow", "Action": "ssm:Get*", "Resource": [parameter("a")]},
        {"Effect": "Allow", "Action": ["ssm:Get*"], "Resource": parameter("b*")},
        {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": queue}]});
    let user = |document: &Value| {
        json!({"RoleDetailList": [], "GroupDetailList": [], "Policies": [], "UserDetailList": [{
            "Arn": format!("arn:aws:iam::{ACCOUNT}:user/bob"), "UserName": "bob", "UserId": "AIDABOB", "Path": "/", "GroupList": [],
            "CreateDate": "2025-01-01T00:00:00Z", "AttachedManagedPolicies": [],
            "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": document}]}]})
    };
    let options = Options {
        min_window: 7,
        ..Options::default()
    };
    let report = analyze(&background(), &user(&before), &options, 1);
    let step = report
        .suggestions
        .iter()
        .find(|one| one.step == "actions")
        .expect("a step");
    assert!(step.statements.iter().any(|one| one.from.len() > 1), "{}", step.after());
    assert!(step.room.is_none(), "{:?} of {:?}", step.room, step.characters);
    assert!(step.characters.after <= 2_048, "{:?}", step.characters);
    let again = analyze(&background(), &user(&step.after().value()), &options, 1);
    assert!(again.suggestions.is_empty(), "{}", again.suggestions[0].after());
}
