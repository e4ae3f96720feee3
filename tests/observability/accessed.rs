//! What IAM's last-accessed data adds to an archive.

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::gap::Grade;
use trimtrail::inside::rightsize::EvidenceLevel;

use super::{Case, ROLE, background, basic, by_app, event, everything, full, statement, trail};

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
    // Much of what `*` grants goes; EC2, of which it uses some, may stay whole for room.
    let (removed, _) = balanced(&[everything()], &json!([]));
    assert!(removed.len() > 1_000, "{}", removed.len());
    assert!(!removed.contains(&"sqs:SendMessage".to_owned()));
}

// ---- what IAM saw no attempt of

/// The same, with the moment at which it was asked for.
fn asked(moment: &str, services: &Value) -> Vec<Value> {
    let mut data = accessed(services);
    data[0]["JobCreationDate"] = json!(moment);
    data[0]["JobCompletionDate"] = json!(moment);
    data
}

/// Six days after the last event.
const AFTER: &str = "2026-10-20T12:00:00Z";

fn never(service: &str) -> Value {
    json!([{"ServiceNamespace": service}])
}

#[test]
fn what_iam_saw_no_attempt_of_is_unused_however_it_is_granted() {
    for granted in ["sqs:*", "sqs:SendMessage", "sqs:Send*", "*"] {
        let mut case = Case::of(full(), granted, "*");
        case.check("sqs:SendMessage", Grade::Unobservable);
        case.last_accessed = asked(AFTER, &never("sqs"));
        let (grade, why) = case.grade("sqs:SendMessage");
        assert_eq!(
            (grade, why.as_str()),
            (Grade::Unused, "IAM saw no attempt since 2025-09-15"),
            "{granted}"
        );
    }
}

#[test]
fn what_iam_saw_no_attempt_of_is_unused_in_regions_that_the_archive_lacks() {
    let mut case = Case::of(full(), "sqs:*", "arn:aws:sqs:ap-south-1:111122223333:q");
    case.check("sqs:CreateQueue", Grade::OutsideCoverage);
    case.last_accessed = asked(AFTER, &never("sqs"));
    case.check("sqs:CreateQueue", Grade::Unused);
    assert!(case.grade("sqs:CreateQueue").1.starts_with("IAM saw no attempt"));
    // What the archive would have shown keeps its own reason.
    let mut case = Case::of(full(), "sqs:*", "*");
    case.last_accessed = asked(AFTER, &never("sqs"));
    assert!(case.grade("sqs:CreateQueue").1.starts_with("no logged use"));
}

#[test]
fn iams_silence_says_nothing_of_regions_that_it_does_not_track() {
    for (heard, granted, grade) in [
        ("eu-central-2", "*", Grade::Unused),
        ("ca-west-1", "*", Grade::Unobservable),
        ("mx-central-1", "*", Grade::Unobservable),
        ("us-east-1", "arn:aws:sqs:ca-west-1:111122223333:q", Grade::Unobservable),
        ("us-east-1", "arn:aws:sqs:us-east-1:111122223333:q", Grade::Unused),
    ] {
        let mut case = Case::of(full(), "sqs:SendMessage", granted);
        let mut there = by_app(event(5, "ec2", "DescribeVpcs", true, &json!({})));
        there["awsRegion"] = json!(heard);
        case.events.push(there);
        case.last_accessed = asked(AFTER, &never("sqs"));
        assert_eq!(case.grade("sqs:SendMessage").0, grade, "{heard} {granted}");
    }
}

#[test]
fn iams_silence_counts_only_where_it_covers_the_window() {
    let stays = |data: Vec<Value>| {
        let mut case = Case::of(full(), "sqs:*", "*");
        case.last_accessed = data;
        let (grade, why) = case.grade("sqs:SendMessage");
        assert_eq!(grade, Grade::Unobservable, "{why}");
    };
    // Nobody knows when it was asked for; too early for the last hours; too late for the first days.
    stays(accessed(&never("sqs")));
    stays(asked("2026-10-14T15:59:00Z", &never("sqs")));
    stays(asked("2027-11-20T12:00:00Z", &never("sqs")));
    // Another service; a use inside the window; one before it.
    stays(asked(AFTER, &never("sns")));
    stays(asked(
        AFTER,
        &json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-10-05T12:00:00Z"}]),
    ));
    stays(asked(
        AFTER,
        &json!([{"ServiceNamespace": "sqs", "LastAuthenticated": "2026-05-05T12:00:00Z"}]),
    ));
    // The first moment that is late enough.
    let mut case = Case::of(full(), "sqs:*", "*");
    case.last_accessed = asked("2026-10-14T16:00:01Z", &never("sqs"));
    case.check("sqs:SendMessage", Grade::Unused);
}

#[test]
fn iams_silence_says_nothing_of_a_principal_younger_than_the_window() {
    let mut case = Case::of(full(), "sqs:*", "*");
    case.last_accessed = asked(AFTER, &never("sqs"));
    case.created = Some("2026-10-02T00:00:00Z");
    case.check("sqs:SendMessage", Grade::Unobservable);
    case.created = Some("2026-10-01T00:00:00Z");
    case.check("sqs:SendMessage", Grade::Unused);
}

#[test]
fn iams_silence_says_nothing_of_what_services_or_connections_do() {
    let check = |service: &str, action: &str, calls: &[(&str, &str)], expected: Grade| {
        let mut case = Case::of(full(), "*", "*");
        for (source, name) in calls {
            case.events.push(by_app(event(3, source, name, false, &json!({}))));
        }
        case.last_accessed = asked(AFTER, &never(service));
        let (grade, why) = case.grade(action);
        assert_eq!(grade, expected, "{action}: {why}");
    };
    check("iam", "iam:PassRole", &[], Grade::Unobservable);
    check("sts", "sts:TagSession", &[], Grade::Unobservable);
    check("execute-api", "execute-api:Invoke", &[], Grade::Unobservable);
    check("rds-db", "rds-db:connect", &[], Grade::Unobservable);
    check("kafka-cluster", "kafka-cluster:Connect", &[], Grade::Unobservable);
    check("iot", "iot:Publish", &[], Grade::Unobservable);
    check("iot", "iot:GetThingShadow", &[], Grade::Unused);
    check("bedrock", "bedrock:CallWithBearerToken", &[], Grade::Unobservable);
    check("s3", "s3:GetObject", &[], Grade::Unused);
    // Athena reads objects in its caller's name, CloudFormation does anything.
    check(
        "s3",
        "s3:GetObject",
        &[("athena", "StartQueryExecution")],
        Grade::Unobservable,
    );
    check(
        "sqs",
        "sqs:SendMessage",
        &[("athena", "StartQueryExecution")],
        Grade::Unused,
    );
    check(
        "sqs",
        "sqs:SendMessage",
        &[("cloudformation", "CreateStack")],
        Grade::Unobservable,
    );
    // The archive shows a call that IAM does not know of: its silence is worth nothing there.
    check("sqs", "sqs:SendMessage", &[("sqs", "CreateQueue")], Grade::Unobservable);
    check(
        "sqs",
        "sqs:SendMessage",
        &[("sqs", "SomethingNew")],
        Grade::Unobservable,
    );
}

#[test]
fn kms_is_called_in_everybodys_name() {
    let mut case = Case::of(background(1..=14, false), "*", "*");
    case.trail_config = trail(&basic("WriteOnly", &[], &[]));
    case.last_accessed = asked(AFTER, &never("kms"));
    case.check("kms:Decrypt", Grade::Unobservable);
}

#[test]
fn an_action_that_iam_tracks_and_never_saw_is_unused() {
    let tracked = |action: Value| {
        let mut case = Case::of(full(), "lambda:*", "*");
        case.last_accessed = asked(
            AFTER,
            &json!([{"ServiceNamespace": "lambda", "LastAuthenticated": "2026-10-05T12:00:00Z", "TrackedActionsLastAccessed": [action]}]),
        );
        case
    };
    tracked(json!({"ActionName": "ListLayers"})).check("lambda:ListLayers", Grade::Unused);
    tracked(json!({"ActionName": "GetAccountSettings"})).check("lambda:ListLayers", Grade::Unobservable);
    let seen = json!({"ActionName": "ListLayers", "LastAccessedTime": "2026-10-05T12:00:00Z"});
    tracked(seen).check("lambda:ListLayers", Grade::Inferred);
}

#[test]
fn what_iam_saw_no_attempt_of_goes_by_default_and_says_so() {
    let mut case = Case::of(full(), "unused", "*");
    case.statements = vec![statement(
        &json!(["sqs:SendMessage", "sns:Publish", "ec2:RunInstances"]),
        &json!("*"),
    )];
    case.events
        .push(by_app(event(3, "ec2", "RunInstances", false, &json!({}))));
    assert!(case.run().suggestions.is_empty());
    case.last_accessed = asked(AFTER, &never("sqs"));
    let report = case.run();
    let suggestion = report
        .suggestions
        .iter()
        .find(|one| one.step == "actions")
        .expect("a suggestion");
    let removed: Vec<String> = suggestion.removed.iter().map(ToString::to_string).collect();
    assert_eq!(removed, ["sqs:SendMessage"]);
    let said = "IAM saw no attempt since 2025-09-15 of sqs, and counts every one";
    assert!(
        suggestion.assumptions.iter().any(|line| line == said),
        "{:?}",
        suggestion.assumptions
    );
}
