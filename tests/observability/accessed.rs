//! What IAM's last-accessed data adds to an archive.

use serde_json::{Value, json};
use trimtrail::catalog::Catalog;
use trimtrail::gap::Grade;
use trimtrail::rightsize::EvidenceLevel;

use super::{Case, ROLE, by_app, event, everything, full, statement};

fn accessed(services: &Value) -> Vec<Value> {
    vec![json!({"Arn": ROLE, "JobStatus": "COMPLETED", "ServicesLastAccessed": services})]
}

#[test]
fn an_action_that_iam_saw_and_the_archive_does_not_is_inferred() {
    let mut case = Case::of(full(), "sqs:*", "*");
    case.check("sqs:CreateQueue", Grade::Unused);
    case.last_accessed = accessed(
        &json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-10-05T00:00:00Z",
        "TrackedActionsLastAccessed": [{"ActionName": "CreateQueue", "LastAccessedTime": "2026-10-05T00:00:00Z"}, {"ActionName": "DeleteQueue", "LastAccessedTime": "2025-10-05T00:00:00Z"}]}]),
    );
    case.check("sqs:CreateQueue", Grade::Inferred);
    case.check("sqs:DeleteQueue", Grade::Unused);
}

#[test]
fn a_service_that_iam_saw_and_nothing_explains_stays_whole() {
    let mut case = Case::of(full(), "ecr:Describe*", "*");
    let at = |time: &str| accessed(&json!([{"ServiceNamespace": "ecr", "LastAuthenticated": time}]));
    case.check("ecr:DescribeRepositories", Grade::Unused);
    case.last_accessed = at("2026-10-05T00:00:00Z");
    case.check("ecr:DescribeRepositories", Grade::OutsideCoverage);
    // Before the window, nobody asks.
    case.last_accessed = at("2026-05-05T00:00:00Z");
    case.check("ecr:DescribeRepositories", Grade::Unused);
    // A call that the archive shows explains it.
    case.events
        .push(by_app(event(5, "ecr", "DescribeImages", true, &json!({}))));
    case.last_accessed = at("2026-10-05T13:00:00Z");
    case.check("ecr:DescribeRepositories", Grade::Unused);
    // So does an action that no such archive could have shown.
    let mut case = Case::of(full(), "sqs:*", "*");
    case.last_accessed = accessed(&json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-10-05T00:00:00Z"}]));
    case.check("sqs:CreateQueue", Grade::Unused);
}

/// What `balanced` removes of one statement, and on what assumptions.
fn balanced(statements: &[Value], services: &Value) -> (Vec<String>, Vec<String>) {
    let mut case = Case {
        events: full(),
        statements: statements.to_vec(),
        last_accessed: accessed(services),
        evidence: EvidenceLevel::Balanced,
        ..Case::default()
    };
    case.events
        .push(by_app(event(3, "ec2", "RunInstances", false, &json!({}))));
    let outcome = case.run();
    let catalog = Catalog::embedded();
    let of_actions = outcome
        .suggestions
        .iter()
        .find(|suggestion| suggestion.step == "actions");
    let Some(suggestion) = of_actions else {
        return (Vec::new(), Vec::new());
    };
    let mut removed: Vec<String> = suggestion
        .removed
        .iter()
        .flat_map(|pattern| catalog.expand(pattern))
        .map(|action| catalog.name(action).to_owned())
        .collect();
    removed.sort();
    (removed, suggestion.assumptions.clone())
}

#[test]
fn balanced_removes_unobservable_actions_of_untouched_services_that_a_star_grants() {
    let never = json!([{"ServiceNamespace": "sqs"}, {"ServiceNamespace": "execute-api"}, {"ServiceNamespace": "iam"}, {"ServiceNamespace": "sts"}]);
    let (removed, assumptions) = balanced(&[everything()], &never);
    let goes = |action: &str| removed.iter().any(|known| known == action);
    assert!(goes("sqs:SendMessage"));
    assert!(
        assumptions.iter().any(|text| text.contains("AWS::SQS::Queue")),
        "{assumptions:?}"
    );
    // Nothing is known of SNS; connections and what other calls may need stay whatever IAM says.
    for kept in ["sns:Publish", "execute-api:Invoke", "iam:PassRole", "sts:TagSession"] {
        assert!(!goes(kept), "{kept}");
    }
    // Granted by its service or by name, or touched: it stays.
    let by_service = [statement(&json!("sqs:*"), &json!("*"))];
    assert!(!balanced(&by_service, &never).0.contains(&"sqs:SendMessage".to_owned()));
    let by_both = [statement(&json!(["*", "sqs:Send*"]), &json!("*"))];
    assert!(!balanced(&by_both, &never).0.contains(&"sqs:SendMessage".to_owned()));
    let touched = json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-01-01T00:00:00Z"}]);
    assert!(
        !balanced(&[everything()], &touched)
            .0
            .contains(&"sqs:SendMessage".to_owned())
    );
}

#[test]
fn balanced_without_last_accessed_data_is_conservative() {
    let (removed, _) = balanced(&[everything()], &json!([]));
    assert!(removed.contains(&"ec2:DeleteVpc".to_owned()));
    assert!(!removed.contains(&"sqs:SendMessage".to_owned()));
}
