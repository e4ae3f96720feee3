//! What a principal makes, it will change and delete: what stays for that, and what is held or stays whole beside it.

mod beside;
mod controllers;
mod linked_roles;

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::iam::Policy;
use trimtrail::inside::report::Report;
use trimtrail::inside::rightsize::{EvidenceLevel, Options, Resources};
use trimtrail::inside::{gap, verify};

use super::journey::{ROLE, allow, analyze, background, call, grade, options, role};
use super::pipeline;

fn event(day: u32, source: &str, name: &str, parameters: &Value) -> Value {
    call(
        day,
        source,
        name,
        json!({"requestParameters": parameters, "readOnly": false}),
    )
}

fn group() -> Value {
    event(
        6,
        "ec2",
        "CreateSecurityGroup",
        &json!({"groupName": "web", "groupDescription": "web", "vpcId": "vpc-0a1"}),
    )
}

fn report(events: &[Value], document: &Value, options: &Options) -> Report {
    analyze(&[background(), events.to_vec()].concat(), &role(document), options, 1)
}

fn past_alone() -> Options {
    Options {
        life_cycles: false,
        ..options()
    }
}

/// The policy after the first-class suggestion; the one before where none is made.
fn after(events: &[Value], document: &Value) -> Value {
    let report = report(events, document, &options());
    let mut steps = report
        .suggestions
        .iter()
        .filter(|suggestion| suggestion.step == "actions");
    steps
        .next()
        .map_or_else(|| document.clone(), |suggestion| suggestion.after().value())
}

fn held(events: &[Value], document: &Value) -> Option<String> {
    let options = Options {
        wait_for_rhythm: false,
        ..options()
    };
    let report = report(events, document, &options);
    let mut steps = report
        .suggestions
        .iter()
        .filter(|suggestion| suggestion.step == "actions");
    steps.next().expect("a suggestion").held.clone()
}

fn why(report: &Report, action: &str) -> String {
    let principal = report.principals.iter().find(|one| one.arn == ROLE).expect("the role");
    let line = principal.actions.iter().find(|one| one.action == action);
    line.expect("a line of its own").why.clone()
}

fn statement(actions: &[&str], resource: &Value, condition: &Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    if condition.is_object() {
        statement["Condition"] = condition.clone();
    }
    statement
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[test]
fn who_makes_a_kind_of_thing_keeps_what_deletes_it() {
    let document = allow(
        &json!(["ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup", "ec2:DeleteVpc"]),
        &json!("*"),
    );
    let report = report(&[group()], &document, &options());
    assert_eq!(grade(&report, "ec2:DeleteSecurityGroup"), "inferred");
    assert_eq!(grade(&report, "ec2:DeleteVpc"), "unused");
    assert_eq!(
        why(&report, "ec2:DeleteSecurityGroup"),
        "life cycle of AWS::EC2::SecurityGroup: it makes them (ec2:CreateSecurityGroup, 2026-10-06), so it will change \
         and delete them"
    );
    let totals = report.totals.life_cycles.expect("asked for");
    assert_eq!((totals.on, totals.actions), (true, 1));
}

/// API Gateway's actions of their own name (Service Authorization Reference, "API operations defined by Amazon API Gateway
/// Management V2"): what was called stays, and what a portal takes beside it.
#[test]
fn api_gateway_s_own_actions_stay_with_what_a_portal_shows() {
    let own = [
        "apigateway:CreateRoutingRule",
        "apigateway:CreatePortal",
        "apigateway:DisablePortal",
        "apigateway:GetPortalProduct",
    ];
    let document = allow(
        &json!([own[0], own[1], own[2], own[3], "apigateway:DeletePortalProduct"]),
        &json!("*"),
    );
    let seen = [
        event(
            6,
            "apigateway",
            "CreateRoutingRule",
            &json!({"domainName": "o.example", "priority": 10}),
        ),
        event(6, "apigateway", "CreatePortal", &json!({})),
        event(6, "apigateway", "DisablePortal", &json!({"portalId": "p"})),
    ];
    let granted = report(&seen, &document, &options());
    let grades = own.map(|action| grade(&granted, action));
    assert_eq!(grades, ["used", "used", "used", "inferred"]);
    assert_eq!(grade(&granted, "apigateway:DeletePortalProduct"), "unused");
    assert_eq!(grade(&report(&seen[..1], &document, &options()), own[3]), "unused");
}

#[test]
fn who_attaches_keeps_what_detaches() {
    let attach = event(
        6,
        "ec2",
        "AttachVolume",
        &json!({"volumeId": "vol-0a1", "instanceId": "i-0a1", "device": "/dev/xvda"}),
    );
    let document = allow(
        &json!(["ec2:AttachVolume", "ec2:DetachVolume", "ec2:DeleteVolume"]),
        &json!("*"),
    );
    let report = report(&[attach], &document, &options());
    assert_eq!(grade(&report, "ec2:DetachVolume"), "inferred");
    assert_eq!(grade(&report, "ec2:DeleteVolume"), "unused");
}

#[test]
fn off_asks_the_past_alone_and_says_so() {
    let document = allow(
        &json!(["ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup"]),
        &json!("*"),
    );
    let report = report(&[group()], &document, &past_alone());
    assert_eq!(grade(&report, "ec2:DeleteSecurityGroup"), "unused");
    assert!(!report.totals.life_cycles.expect("a note").on);
    let said = "life cycles are off: what was made is not changed or deleted by who made it";
    assert!(report.suggestions[0].assumptions.iter().any(|line| line == said));
}

#[test]
fn a_denied_create_makes_nothing() {
    let mut denied = group();
    denied["errorCode"] = json!("Client.UnauthorizedOperation");
    denied["errorMessage"] = json!("You are not authorized to perform this operation.");
    let document = allow(
        &json!(["ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup"]),
        &json!("*"),
    );
    assert_eq!(
        grade(&report(&[denied], &document, &options()), "ec2:DeleteSecurityGroup"),
        "unused"
    );
}

#[test]
fn somebody_elses_creates_keep_nothing() {
    let mut other = group();
    other["userIdentity"] = json!({"type": "IAMUser", "principalId": "AIDAX", "accountId": "111122223333",
        "arn": "arn:aws:iam::111122223333:user/x"});
    let seen = event(5, "ec2", "CreateVpc", &json!({"cidrBlock": "10.0.0.0/16"}));
    let document = allow(&json!(["ec2:CreateVpc", "ec2:DeleteSecurityGroup"]), &json!("*"));
    assert_eq!(
        grade(
            &report(&[other, seen], &document, &options()),
            "ec2:DeleteSecurityGroup"
        ),
        "unused"
    );
}

#[test]
fn it_stays_on_things_of_that_kind_only() {
    let volume = event(6, "ec2", "CreateVolume", &json!({"size": "8", "zone": "eu-west-1a"}));
    let document = policy(&[
        statement(&["ec2:CreateVolume"], &json!("*"), &Value::Null),
        statement(&["ec2:DeleteTags"], &json!("arn:aws:ec2:*:*:volume/*"), &Value::Null),
        statement(&["ec2:DeleteTags"], &json!("arn:aws:ec2:*:*:vpc/*"), &Value::Null),
        statement(
            &["ec2:DeleteVolume"],
            &json!("arn:aws:ec2:*:444455556666:volume/*"),
            &Value::Null,
        ),
        statement(
            &["ec2:DeleteVolume"],
            &json!("arn:aws:ec2:eu-west-1:111122223333:volume/vol-0a1"),
            &Value::Null,
        ),
    ]);
    let expected = policy(&[
        statement(&["ec2:CreateVolume"], &json!("*"), &Value::Null),
        statement(&["ec2:DeleteTags"], &json!("arn:aws:ec2:*:*:volume/*"), &Value::Null),
        statement(
            &["ec2:DeleteVolume"],
            &json!("arn:aws:ec2:eu-west-1:111122223333:volume/vol-0a1"),
            &Value::Null,
        ),
    ]);
    let after = after(&[volume], &document);
    assert_eq!(
        Policy::from_value(&after).unwrap().to_value(),
        Policy::from_value(&expected).unwrap().to_value()
    );
}

#[test]
fn no_level_of_evidence_takes_it() {
    let document = allow(&json!("ec2:*"), &json!("*"));
    let options = Options {
        evidence: EvidenceLevel::Aggressive,
        ..options()
    };
    let report = report(&[group()], &document, &options);
    let after = report
        .suggestions
        .last()
        .expect("a suggestion")
        .after()
        .value()
        .to_string();
    assert!(
        after.contains("ec2:DeleteSecurityGroup") && !after.contains("ec2:DeleteVpc\""),
        "{after}"
    );
}

fn balancer() -> Value {
    event(
        7,
        "elasticloadbalancing",
        "CreateLoadBalancer",
        &json!({"name": "web", "type": "network"}),
    )
}

#[test]
fn a_first_create_may_have_to_make_the_service_linked_role() {
    let of = |service: &str| {
        let only = json!({"StringEquals": {"iam:AWSServiceName": service}});
        statement(&["iam:CreateServiceLinkedRole"], &json!("*"), &only)
    };
    let make = || statement(&["elasticloadbalancing:CreateLoadBalancer"], &json!("*"), &Value::Null);
    let own = policy(&[make(), of("elasticloadbalancing.amazonaws.com")]);
    let graded = |document: &Value| {
        grade(
            &report(&[balancer(), iam_read()], document, &options()),
            "iam:CreateServiceLinkedRole",
        )
    };
    assert_eq!(graded(&own), "inferred");
    assert_eq!(graded(&policy(&[make(), of("*.amazonaws.com")])), "unused");
    assert_eq!(graded(&policy(&[make(), of("spot.amazonaws.com")])), "unused");
    let like = json!({"StringLike": {"iam:AWSServiceName": "*.amazonaws.com"}});
    let like = statement(&["iam:CreateServiceLinkedRole"], &json!("*"), &like);
    assert_eq!(graded(&policy(&[make(), like])), "inferred");
    let resource = json!("arn:aws:iam::*:role/aws-service-role/spot.amazonaws.com/*");
    let other = statement(&["iam:CreateServiceLinkedRole"], &resource, &Value::Null);
    assert_eq!(graded(&policy(&[make(), other])), "unused");
    let any = statement(&["iam:CreateServiceLinkedRole"], &json!("*"), &Value::Null);
    assert_eq!(graded(&policy(&[make(), any])), "inferred");
}

/// IAM events are delivered in one region; one shows that the trail has them.
fn iam_read() -> Value {
    call(
        8,
        "iam",
        "GetRole",
        json!({"awsRegion": "us-east-1", "requestParameters": {"roleName": "app"}}),
    )
}

#[test]
fn a_policy_is_held_that_would_lose_its_last_write_of_a_service_that_it_reads() {
    let reads = [call(3, "route53", "ListHostedZones", json!({"awsRegion": "us-east-1"}))];
    let dns = allow(
        &json!(["route53:ListHostedZones", "route53:ChangeResourceRecordSets"]),
        &json!("*"),
    );
    let why = held(&reads, &dns).expect("held");
    let begins = "it would lose its last write of route53 (route53:ChangeResourceRecordSets), whose reads are used";
    assert!(why.starts_with(begins), "{why}");
}

#[test]
fn a_wildcard_over_a_service_names_no_last_write() {
    let reads = [call(3, "route53", "ListHostedZones", json!({"awsRegion": "us-east-1"}))];
    assert_eq!(held(&reads, &allow(&json!("route53:*"), &json!("*"))), None);
}

#[test]
fn a_policy_that_keeps_one_write_of_the_service_is_not_held() {
    let calls = [
        call(3, "sqs", "ListQueues", json!({})),
        event(
            4,
            "sqs",
            "PurgeQueue",
            &json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/q"}),
        ),
    ];
    let document = allow(
        &json!(["sqs:ListQueues", "sqs:PurgeQueue", "sqs:AddPermission"]),
        &json!("*"),
    );
    assert_eq!(held(&calls, &document), None);
}

#[test]
fn a_policy_whose_reads_of_the_service_are_not_used_is_not_held() {
    let calls = [call(3, "sqs", "ListQueues", json!({}))];
    let document = allow(
        &json!(["sqs:ListQueues", "sns:ListTopics", "sns:CreateTopic"]),
        &json!("*"),
    );
    assert_eq!(held(&calls, &document), None);
}

#[test]
fn a_statement_for_tags_that_own_creates_set_stays_or_goes_whole() {
    let request = json!({"StringEquals": {"aws:RequestTag/owner": "app"}});
    let owned = json!({"StringEquals": {"ec2:ResourceTag/owner": "app"}});
    let elses = json!({"StringEquals": {"aws:ResourceTag/team": "x"}});
    let document = policy(&[
        statement(&["ec2:CreateVpc"], &json!("*"), &request),
        statement(
            &["ec2:ModifyVpcAttribute", "ec2:CreateFlowLogs", "ec2:DeleteSubnet"],
            &json!("*"),
            &owned,
        ),
        statement(&["ec2:CreateFlowLogs", "ec2:DeleteNatGateway"], &json!("*"), &owned),
        statement(&["ec2:ModifyVpcAttribute", "ec2:DeleteSubnet"], &json!("*"), &elses),
    ]);
    let vpc = [
        event(6, "ec2", "CreateVpc", &json!({"cidrBlock": "10.0.0.0/16"})),
        event(7, "ec2", "ModifyVpcAttribute", &json!({"vpcId": "vpc-0a1"})),
    ];
    let after = after(&vpc, &document);
    let expected = policy(&[
        statement(&["ec2:CreateVpc"], &json!("*"), &request),
        statement(
            &["ec2:ModifyVpcAttribute", "ec2:CreateFlowLogs", "ec2:DeleteSubnet"],
            &json!("*"),
            &owned,
        ),
        statement(&["ec2:ModifyVpcAttribute"], &json!("*"), &elses),
    ]);
    assert_eq!(sorted(&after), sorted(&expected));
}

/// The statements with their actions in order.
fn sorted(document: &Value) -> Vec<(Vec<String>, String)> {
    let statements = document["Statement"].as_array().expect("statements").iter();
    let one = |statement: &Value| {
        let mut actions: Vec<String> = match &statement["Action"] {
            Value::String(action) => vec![action.clone()],
            list => serde_json::from_value(list.clone()).expect("actions"),
        };
        actions.sort();
        (actions, statement["Condition"].to_string())
    };
    statements.map(one).collect()
}

#[test]
fn the_proof_asks_for_what_was_made() {
    let catalog = Catalog::embedded();
    let before = allow(
        &json!(["ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup"]),
        &json!("*"),
    );
    let run = pipeline::run_with(&[background(), vec![group()]].concat(), &before, &options());
    let gap = run
        .gaps
        .iter()
        .find(|gap| run.grants.principals[gap.principal].arn == ROLE)
        .expect("a gap");
    let parse = |document: &Value| Policy::from_value(document).expect("a policy");
    let lost = |after: &Value| -> Vec<String> {
        let lost = verify::life_cycle_losses(catalog, &parse(&before), &parse(after), gap);
        lost.into_iter().map(|loss| loss.action).collect()
    };
    assert_eq!(
        lost(&allow(&json!("ec2:CreateSecurityGroup"), &json!("*"))),
        ["ec2:DeleteSecurityGroup"]
    );
    assert_eq!(lost(&before), [""; 0]);
    let elsewhere = json!("arn:aws:ec2:*:444455556666:*");
    let narrowed = policy(&[
        statement(&["ec2:CreateSecurityGroup"], &json!("*"), &Value::Null),
        statement(&["ec2:DeleteSecurityGroup"], &elsewhere, &Value::Null),
    ]);
    assert_eq!(lost(&narrowed), ["ec2:DeleteSecurityGroup"]);
}

#[test]
fn narrowing_leaves_what_was_made_its_resources() {
    let document = allow(
        &json!(["ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup", "ec2:DeleteVpc"]),
        &json!("*"),
    );
    let options = Options {
        resources: Resources::Narrow,
        ..options()
    };
    let report = report(&[group()], &document, &options);
    assert!(
        report.refused.is_empty(),
        "{:?}",
        report.refused.iter().map(|one| &one.witness).collect::<Vec<_>>()
    );
    for suggestion in &report.suggestions {
        assert!(
            suggestion.after().as_str().contains("ec2:DeleteSecurityGroup"),
            "{}",
            suggestion.after().as_str()
        );
    }
}

/// A controller of queues and their alarms: it makes, changes and tags in these weeks, and never deletes.
fn controller() -> (Value, Vec<Value>) {
    let made = json!({"Null": {"aws:RequestTag/made-by": "false"}});
    let own = json!({"Null": {"aws:ResourceTag/made-by": "false"}});
    let document = policy(&[
        statement(&["rds:CreateDBInstance", "rds:AddTagsToResource"], &json!("*"), &made),
        statement(
            &[
                "rds:ModifyDBInstance",
                "rds:DeleteDBInstance",
                "rds:RemoveTagsFromResource",
            ],
            &json!("*"),
            &own,
        ),
        statement(
            &[
                "rds:DescribeDBInstances",
                "rds:DescribeDBProxies",
                "rds:CreateDBProxy",
                "rds:DeleteDBProxy",
            ],
            &json!("*"),
            &Value::Null,
        ),
        statement(
            &["ec2:CreateSecurityGroup", "ec2:AuthorizeSecurityGroupIngress"],
            &json!("*"),
            &Value::Null,
        ),
        statement(
            &["ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"],
            &json!("*"),
            &Value::Null,
        ),
        statement(
            &[
                "route53:ChangeResourceRecordSets",
                "wafv2:AssociateWebACL",
                "shield:CreateProtection",
            ],
            &json!("*"),
            &Value::Null,
        ),
    ]);
    let mut events = Vec::new();
    for day in 1..=14 {
        events.push(event(
            day,
            "rds",
            "CreateDBInstance",
            &json!({"dBInstanceIdentifier": format!("db{day}")}),
        ));
        events.push(call(day, "rds", "DescribeDBInstances", json!({})));
        events.push(event(
            day,
            "ec2",
            "CreateSecurityGroup",
            &json!({"groupName": "db", "vpcId": "vpc-0a1"}),
        ));
        events.push(event(
            day,
            "ec2",
            "AuthorizeSecurityGroupIngress",
            &json!({"groupId": "sg-0a1"}),
        ));
        events.push(iam_read());
    }
    (document, events)
}

#[test]
fn a_controller_that_only_made_things_keeps_all_that_cleaning_up_needs() {
    let (document, events) = controller();
    let after = after(&events, &document).to_string();
    for needed in [
        "rds:ModifyDBInstance",
        "rds:DeleteDBInstance",
        "rds:RemoveTagsFromResource",
        "ec2:RevokeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
    ] {
        assert!(after.contains(needed), "{needed} went: {after}");
    }
    for untouched in [
        "rds:CreateDBProxy",
        "rds:DeleteDBProxy",
        "wafv2:",
        "shield:",
        "route53:",
    ] {
        assert!(!after.contains(untouched), "{untouched} stayed: {after}");
    }
}

#[test]
fn what_was_not_used_is_no_use_that_lapsed() {
    let document = allow(
        &json!(["ec2:CreateSecurityGroup", "ec2:DeleteSecurityGroup"]),
        &json!("*"),
    );
    let (before, later) = (
        report(&[group()], &document, &options()),
        report(&[group()], &document, &past_alone()),
    );
    assert_eq!(grade(&before, "ec2:DeleteSecurityGroup"), "inferred");
    assert_eq!(grade(&later, "ec2:DeleteSecurityGroup"), "unused");
    let changes = trimtrail::inside::report::changes(Catalog::embedded(), &before, &later, None);
    assert!(changes.newly_unused.is_empty(), "{:?}", changes.newly_unused);
    assert_eq!(gap::LIFE_CYCLE, "life cycle of");
}
