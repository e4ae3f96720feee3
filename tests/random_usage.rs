//! Random usage and random grants: every suggestion keeps all that was used and adds nothing, by brute force over calls
//! and requests, whatever the proofs say.

use proptest::prelude::*;
use serde_json::{Value, json};
use trimtrail::inside::iam::evaluate::{Policies, evaluate};
use trimtrail::inside::iam::{Answer, Policy, Request};
use trimtrail::inside::rightsize::{EvidenceLevel, Options, Resources, Step};

use crate::pipeline::{background, call, run_with};

/// An operation, and what it needs: source, name, parameters, action, resource.
fn operations() -> Vec<(&'static str, &'static str, Value, &'static str, &'static str)> {
    vec![
        (
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf"}),
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf",
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            json!({"secretId": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:web-AbCdEf"}),
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:web-AbCdEf",
        ),
        (
            "secretsmanager",
            "ListSecrets",
            json!({}),
            "secretsmanager:ListSecrets",
            "*",
        ),
        ("ec2", "DescribeInstances", json!({}), "ec2:DescribeInstances", "*"),
        ("s3", "ListBuckets", json!({}), "s3:ListAllMyBuckets", "*"),
        (
            "s3",
            "GetBucketPolicy",
            json!({"bucketName": "b"}),
            "s3:GetBucketPolicy",
            "arn:aws:s3:::b",
        ),
        (
            "iam",
            "GetRole",
            json!({"roleName": "r"}),
            "iam:GetRole",
            "arn:aws:iam::111122223333:role/r",
        ),
    ]
}

const ACTIONS: [&str; 14] = [
    "*",
    "secretsmanager:*",
    "secretsmanager:Get*",
    "secretsmanager:GetSecretValue",
    "secretsmanager:DeleteSecret",
    "SecretsManager:listsecrets",
    "ec2:Describe*",
    "ec2:TerminateInstances",
    "s3:*",
    "s3:ListAllMyBuckets",
    "s3:Get*",
    "iam:Get*",
    "iam:CreateRole",
    "sqs:*",
];
const RESOURCES: [&str; 7] = [
    "*",
    "arn:aws:secretsmanager:*:*:secret:*",
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-??????",
    "arn:aws:s3:::b",
    "arn:aws:s3:::*",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:s3:::${aws:username}",
];

fn statement() -> impl Strategy<Value = Value> {
    (
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.85),
        prop::collection::vec(prop::sample::select(&ACTIONS[..]), 1..4),
        prop::collection::vec(prop::sample::select(&RESOURCES[..]), 1..3),
        prop::option::weighted(0.25, prop::sample::select(vec!["a", "b"])),
    )
        .prop_map(|(allow, action, actions, resources, tag)| {
            let mut out = json!({"Effect": if allow { "Allow" } else { "Deny" }, "Resource": resources});
            out[if action { "Action" } else { "NotAction" }] = json!(actions);
            if let Some(tag) = tag {
                out["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/t": tag}});
            }
            out
        })
}

fn document() -> impl Strategy<Value = Value> {
    (prop::collection::vec(statement(), 1..4), any::<bool>()).prop_map(|(statements, dated)| {
        let mut out = json!({"Statement": statements});
        if dated {
            out["Version"] = json!("2012-10-17");
        }
        out
    })
}

fn under(document: &Value) -> Policies {
    Policies {
        identity: vec![Policy::from_value(document).expect("a policy")],
        ..Policies::default()
    }
}

fn request(action: &str, resource: &str, tag: Option<&str>) -> Request {
    let mut request = Request {
        principal: "arn:aws:sts::111122223333:assumed-role/app/s".to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        resource_account: Some("111122223333".to_owned()),
        context: Default::default(),
    };
    if let Some(tag) = tag {
        request.context.set("aws:PrincipalTag/t", vec![tag.to_owned()]);
    }
    request
}

const TAGS: [Option<&str>; 3] = [None, Some("a"), Some("b")];

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_suggestion_keeps_all_that_was_used_and_adds_nothing(
        document in document(),
        used in prop::collection::vec((0..7_usize, 1..14_u32), 0..6),
        evidence in prop::sample::select(vec![EvidenceLevel::Conservative, EvidenceLevel::Balanced, EvidenceLevel::Aggressive]),
        resources in prop::sample::select(vec![Resources::Keep, Resources::Narrow]),
    ) {
        let operations = operations();
        let mut events = background();
        for (at, day) in &used {
            let (source, name, parameters, _, _) = &operations[*at];
            events.push(call(*day, source, name, json!({"requestParameters": parameters})));
        }
        let options = Options { evidence, resources, min_window: 7, ..Options::default() };
        let run = run_with(&events, &document, &options);
        let before = under(&document);
        for (proposal, proof) in run.proposals {
            let proved = match proof {
                Ok(proved) => proved,
                // A narrowing may be refused; what is suggested may not.
                Err(_) if proposal.step == Step::Resources => continue,
                Err(why) => return Err(TestCaseError::fail(format!("not proved: {why}\n{document}"))),
            };
            let after = under(&proved.after().value());
            for (at, _) in &used {
                let (_, _, _, action, resource) = &operations[*at];
                for tag in TAGS {
                    let request = request(action, resource, tag);
                    prop_assert_eq!(
                        evaluate(&request, &before).outcome, evaluate(&request, &after).outcome,
                        "{:?}\n{}\n{}", request, document, proved.after()
                    );
                }
            }
            let asked = operations.iter().map(|(_, _, _, action, resource)| (*action, *resource));
            let others = ["secretsmanager:DeleteSecret", "ec2:TerminateInstances", "iam:CreateRole", "sqs:SendMessage", "zz:x"];
            let others = others.iter().flat_map(|action| ["*", "arn:aws:s3:::b"].map(|resource| (*action, resource)));
            for (action, resource) in asked.chain(others) {
                for tag in TAGS {
                    let request = request(action, resource, tag);
                    if evaluate(&request, &after).allows != Answer::No {
                        prop_assert!(
                            evaluate(&request, &before).allows != Answer::No,
                            "{request:?}\n{document}\n{}", proved.after()
                        );
                    }
                }
            }
        }
    }
}
