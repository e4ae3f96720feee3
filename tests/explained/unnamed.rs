//! Calls that nobody can name: they keep every pattern that may name them.

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::iam::Policy;
use trimtrail::inside::rightsize::EvidenceLevel;
use trimtrail::inside::verify;

use super::{Archive, conservative, options, policy, statement};
use crate::journey::{allow, call, role};

/// An action that the catalog does not know.
pub(super) const NEW: &str = "GetRequestAuthorizationDetails";

/// What of a document goes beside one call that the catalog does not know; it also reads an account's summary.
#[track_caller]
fn check_unnamed(source: &str, name: &str, statements: &[Value], expected: &[&str]) {
    let known = call(2, "iam", "GetAccountSummary", json!({"awsRegion": "us-east-1"}));
    let unnamed = call(3, source, name, json!({}));
    let archive = Archive::new(&[known, unnamed], &role(&policy(statements)));
    assert_eq!(archive.removed(&conservative()), expected, "{source}/{name}");
}

#[test]
fn an_unmapped_call_keeps_every_pattern_that_matches_its_name() {
    let idle = statement("ec2:TerminateInstances", "*");
    let goes = ["ec2:TerminateInstances"];
    for pattern in [
        "iam:Get*",
        "iam:GetRequest*",
        "iam:*Details",
        "iam:GetRequestAuthorizationDetails",
    ] {
        check_unnamed("newthing", NEW, &[statement(pattern, "*"), idle.clone()], &goes);
        check_unnamed("sts", NEW, &[statement(pattern, "*"), idle.clone()], &goes);
    }
    check_unnamed("newthing", NEW, &[statement("*", "*"), idle.clone()], &[]);
    let all_but = json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"});
    check_unnamed("newthing", NEW, &[all_but], &[]);
    // What does not match its name is none of its business.
    check_unnamed(
        "newthing",
        NEW,
        &[
            statement("iam:GetAccountSummary", "*"),
            statement("iam:ListAccessKeys", "*"),
        ],
        &["iam:ListAccessKeys"],
    );
}

/// `sqs:*` says nothing of the name: the name stays, spelled out, and a call that nobody can name does not save the other
/// actions of each service that its principal is granted whole.
#[test]
fn of_a_whole_service_the_name_of_an_unmapped_call_stays_spelled_out() {
    let calls = [
        call(2, "sqs", "CreateQueue", json!({"queueName": "q"})),
        call(3, "newthing", NEW, json!({})),
    ];
    let document = allow(&json!(["sqs:*", "iam:Get*"]), &json!("*"));
    for evidence in [EvidenceLevel::Conservative, EvidenceLevel::Aggressive] {
        let after = crate::journey::suggested(&calls, &document, &options(evidence)).expect("something goes");
        let text = after.to_string();
        for stays in ["sqs:CreateQueue", "sqs:GetRequestAuthorizationDetails", "iam:Get*"] {
            assert!(text.contains(&format!("\"{stays}\"")), "{stays}: {text}");
        }
        for goes in ["sqs:*", "sqs:AddPermission", "sqs:RemovePermission"] {
            assert!(!text.contains(&format!("\"{goes}\"")), "{goes}: {text}");
        }
        assert_eq!(
            crate::journey::suggested(&calls, &after, &options(evidence)),
            None,
            "a second run finds nothing"
        );
    }
    // Of a service that the catalog knows, the whole service stays.
    let of_sqs = [call(2, "sqs", "ListQueues", json!({})), call(3, "sqs", NEW, json!({}))];
    let document = allow(&json!("sqs:*"), &json!("*"));
    assert_eq!(
        crate::journey::suggested(&of_sqs, &document, &options(EvidenceLevel::Conservative)),
        None
    );
}

#[test]
fn an_unmapped_call_keeps_patterns_of_its_name_without_date_or_version() {
    for name in ["GetThing20200101", "GetThingV2", "GetThing2020_05_31", "BatchGetThing"] {
        let grants = [statement("iam:GetThing", "*"), statement("ec2:TerminateInstances", "*")];
        check_unnamed("newthing", name, &grants, &["ec2:TerminateInstances"]);
    }
}

#[test]
fn an_action_that_the_catalog_does_not_know_stays_where_a_policy_names_it() {
    let known = call(2, "iam", "GetAccountSummary", json!({"awsRegion": "us-east-1"}));
    for evidence in [EvidenceLevel::Conservative, EvidenceLevel::Aggressive] {
        let document = allow(
            &json!(["iam:GetBrandNewThing", "newthing:Do", "ec2:TerminateInstances"]),
            &json!("*"),
        );
        let after = crate::journey::suggested(std::slice::from_ref(&known), &document, &options(evidence));
        assert_eq!(
            after,
            Some(allow(&json!(["iam:GetBrandNewThing", "newthing:Do"]), &json!("*")))
        );
    }
}

/// The Batch rule leads this call to `deadline:GetJob`; it may be a newer action of its own.
#[test]
fn a_call_that_only_a_guess_explains_keeps_its_own_name_too() {
    let calls = [call(3, "deadline", "BatchGetJob", json!({"farmId": "farm-1"}))];
    for evidence in [EvidenceLevel::Conservative, EvidenceLevel::Aggressive] {
        for pattern in ["deadline:*", "deadline:Batch*"] {
            let document = allow(&json!([pattern, "ec2:TerminateInstances"]), &json!("*"));
            let after = crate::journey::suggested(&calls, &document, &options(evidence)).expect("something goes");
            let after = Policy::from_value(&after).expect("a policy");
            let allows = |action: &str| {
                let patterns = after.statements.iter().flat_map(|statement| match &statement.action {
                    trimtrail::inside::iam::ActionPart::Action(patterns) => &patterns[..],
                    trimtrail::inside::iam::ActionPart::NotAction(_) => panic!("a list"),
                });
                patterns.into_iter().any(|pattern| pattern.matches(action))
            };
            assert!(allows("deadline:BatchGetJob"), "{pattern}: {after:?}");
            assert!(!allows("ec2:TerminateInstances"), "{pattern}: {after:?}");
            assert!(!allows("deadline:DeleteFarm"), "{pattern}: {after:?}");
        }
    }
    // What would lose it is not proved.
    let archive = Archive::new(&calls, &role(&allow(&json!("deadline:*"), &json!("*"))));
    let parse = |action: &Value| Policy::from_value(&allow(action, &json!("*"))).expect("a policy");
    let (old, new) = (parse(&json!("deadline:*")), parse(&json!("deadline:GetJob")));
    let (lost, _) = verify::losses(Catalog::embedded(), &old, &new, &archive.gaps()[0]);
    assert_eq!(
        lost.iter().map(|loss| &*loss.action).collect::<Vec<_>>(),
        ["deadline:BatchGetJob"]
    );
}

/// What replacing one list of actions by another loses for a call that the catalog does not know.
fn lost(source: &str, old: &Value, new: &Value) -> Vec<String> {
    let archive = Archive::new(&[call(3, source, NEW, json!({}))], &role(&allow(old, &json!("*"))));
    let parse = |action: &Value| Policy::from_value(&allow(action, &json!("*"))).expect("a policy");
    let (lost, _) = verify::losses(Catalog::embedded(), &parse(old), &parse(new), &archive.gaps()[0]);
    lost.into_iter().map(|loss| loss.action).collect()
}

#[test]
fn a_lost_pattern_of_an_unmapped_call_is_named_once() {
    let old = json!(["iam:Get*", "iam:List*"]);
    let new = json!(["iam:GetAccountSummary", "iam:ListRoles"]);
    let name = "iam:GetRequestAuthorizationDetails";
    // Of an unknown source, and of a service that the catalog knows.
    assert_eq!(lost("newthing", &old, &new), [name]);
    assert_eq!(lost("iam", &old, &new), [name]);
    assert_eq!(
        lost("newthing", &old, &json!(["iam:Get*", "iam:ListRoles"])),
        Vec::<String>::new()
    );
    assert_eq!(
        lost("newthing", &json!("*"), &json!(["iam:*", "newthing:*"])),
        ["*:GetRequestAuthorizationDetails"]
    );
    assert_eq!(lost("newthing", &json!("*"), &json!("*")), Vec::<String>::new());
}
