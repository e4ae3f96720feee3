//! Each finding where it should be, and not where it should not.

mod alone;
mod chains;
mod eks;
mod held;
mod manifests;
mod moves;
mod pods;
mod unused;

use std::fs;

use serde_json::{Value, json};
use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::grants::{self, SupplementFiles};
use trimtrail::inside::progress::Progress;
use trimtrail::inside::rightsize::{Keep, KeepRule, Options};
use trimtrail::inside::{hygiene, source, usage};

const ACCOUNT: &str = "111122223333";

fn event(day: u32, source: &str, name: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.09", "eventTime": format!("2026-10-{day:02}T12:00:00Z"), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "eu-west-1", "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true,
        "recipientAccountId": ACCOUNT, "readOnly": true, "requestParameters": null, "responseElements": null,
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT, "accessKeyId": "AKIAX"}});
    for (key, value) in more.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

/// A call of a session of the role `app`.
fn by_role(day: u32, name: &str, session: &str, more: &Value) -> Value {
    let mut event = event(day, "ec2", name, more);
    event["userIdentity"] = json!({"type": "AssumedRole", "principalId": format!("AROAAPP:{session}"), "accountId": ACCOUNT, "accessKeyId": "ASIAAPP",
        "arn": format!("arn:aws:sts::111122223333:assumed-role/app/{session}"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROAAPP", "arn": "arn:aws:iam::111122223333:role/app", "accountId": ACCOUNT, "userName": "app"}}});
    event
}

fn allow(actions: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

fn trust(statement: &Value) -> Value {
    let mut statement = statement.clone();
    statement["Effect"] = json!("Allow");
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn role(trust: &Value, actions: &Value, attached: &[&str]) -> Value {
    let attached: Vec<Value> = attached
        .iter()
        .map(|name| json!({"PolicyName": name, "PolicyArn": format!("arn:aws:iam::aws:policy/{name}")}))
        .collect();
    json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app", "RoleId": "AROAAPP", "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z", "AssumeRolePolicyDocument": trust,
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": allow(actions)}], "AttachedManagedPolicies": attached}]})
}

fn user() -> Value {
    json!({"UserDetailList": [{"Arn": "arn:aws:iam::111122223333:user/x", "UserName": "x", "UserId": "AIDAX", "Path": "/",
        "CreateDate": "2026-09-01T00:00:00Z", "UserPolicyList": [], "GroupList": [], "AttachedManagedPolicies": []}]})
}

fn plain_trust() -> Value {
    trust(&json!({"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}))
}

/// The ids of all findings about principals and accounts; `beside` is a credential report or last-accessed data.
fn found(events: &[Value], grants: &Value, beside: Option<&str>) -> Vec<String> {
    let finding = |finding: Told| match finding.account {
        Some(account) => format!("{account}: {}", finding.finding.id),
        None => finding.finding.id.to_owned(),
    };
    let told = told(events, grants, beside, &Options::default());
    told.into_iter().map(finding).collect()
}

/// A finding, and its account where it is about one.
struct Told {
    account: Option<String>,
    finding: hygiene::Finding,
}

fn told(events: &[Value], grants: &Value, beside: Option<&str>, options: &Options) -> Vec<Told> {
    let folder = std::env::temp_dir().join(format!(
        "trimtrail-hygiene-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let log = folder.join("log.json");
    fs::write(&log, json!({"Records": events}).to_string()).expect("a file");
    let sources = source::find(&[log.display().to_string()]).expect("a file");
    let (table, coverage) = usage::collect(&sources, &usage::Options::default(), &Progress::silent()).expect("threads");
    let mut grants = grants::read(&[("g".to_owned(), grants.to_string())]).expect("grants");
    if let Some(text) = beside {
        let path = folder.join("beside");
        fs::write(&path, text).expect("a file");
        let is_report = text.contains("\"GeneratedTime\"");
        let (is_json, is_trail) = (text.starts_with('{') && !is_report, text.contains("TrailARN"));
        let (is_eks, is_manifest) = (text.contains("arn:aws:eks:"), text.contains("kind: ServiceAccount"));
        let files = SupplementFiles {
            credential_report: if is_json || is_manifest {
                Vec::new()
            } else {
                vec![path.clone()]
            },
            manifests: if is_manifest { vec![path.clone()] } else { Vec::new() },
            eks: if is_eks { vec![path.clone()] } else { Vec::new() },
            last_accessed: if is_json && !is_trail && !is_eks {
                vec![path.clone()]
            } else {
                Vec::new()
            },
            trail_config: if is_trail { vec![path] } else { Vec::new() },
            ..SupplementFiles::default()
        };
        grants.supplements = files.load().expect("a report");
    }
    let _ = fs::remove_dir_all(&folder);
    let catalog = Catalog::embedded();
    let archive = Archive::new(&table, &coverage);
    assert!(archive.window.is_some(), "no event");
    let analysis = analysis::analyse(catalog, &archive, &grants, &analysis::Options::of(options));
    let mut told: Vec<Told> = analysis
        .findings
        .into_iter()
        .flatten()
        .inspect(|finding| assert!(!finding.evidence.is_empty() && !finding.fix.is_empty(), "{finding:?}"))
        .map(|finding| Told { account: None, finding })
        .collect();
    let of_accounts = analysis.account_findings.into_iter();
    told.extend(of_accounts.map(|found| Told {
        account: Some(found.account),
        finding: found.finding,
    }));
    told
}

#[track_caller]
fn check(events: &[Value], grants: &Value, beside: Option<&str>, expected: &[&str]) {
    assert_eq!(found(events, grants, beside), expected);
}

fn used(more: &[Value]) -> Vec<Value> {
    let mut events = vec![
        by_role(1, "DescribeVpcs", "s", &json!({})),
        by_role(14, "DescribeVpcs", "s", &json!({})),
    ];
    events.extend_from_slice(more);
    events
}

/// A line of the report: active first key made and used then, password, second factor.
fn report(user: &str, password: &str, mfa: &str, rotated: &str, used: &str) -> String {
    let arn = if user == "<root_account>" { "root" } else { "user/x" };
    format!(
        "user,arn,password_enabled,password_last_used,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_service\n\
         {user},arn:aws:iam::111122223333:{arn},{password},N/A,{mfa},true,{rotated},{used},s3\n"
    )
}

const YOUNG: &str = "2026-09-20T00:00:00Z";

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    check(
        &used(&[]),
        &role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]),
        None,
        &[],
    );
    let of_user = [
        event(1, "ec2", "DescribeVpcs", &json!({})),
        event(14, "ec2", "DescribeVpcs", &json!({})),
    ];
    let good = report("x", "true", "true", YOUNG, "2026-10-14T12:15:00Z");
    check(&of_user, &user(), Some(&good), &[]);
}

#[test]
fn an_idle_role() {
    let events = [
        event(1, "ec2", "DescribeVpcs", &json!({})),
        event(14, "ec2", "DescribeVpcs", &json!({})),
    ];
    check(
        &events,
        &role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]),
        None,
        &["idle-role"],
    );
}

#[test]
fn keys_that_are_old_unused_or_used_elsewhere() {
    let events = [
        event(1, "ec2", "DescribeVpcs", &json!({})),
        event(14, "ec2", "DescribeVpcs", &json!({})),
    ];
    let old = report("x", "false", "false", "2021-01-01T00:00:00Z", "2026-10-14T12:15:00Z");
    check(&events, &user(), Some(&old), &["old-key"]);
    // Last seen on the 1st, last used on the 9th: that use is not in the archive.
    let by_session = json!({"userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT, "accessKeyId": "ASIAX"}});
    let events = [
        event(1, "ec2", "DescribeVpcs", &json!({})),
        event(14, "ec2", "DescribeVpcs", &by_session),
    ];
    // One that was made three weeks ago waits for its first use.
    let new = report("x", "false", "false", YOUNG, "N/A");
    check(&events[1..], &user(), Some(&new), &[]);
    let elsewhere = report("x", "false", "false", YOUNG, "2026-10-09T12:15:00Z");
    check(&events, &user(), Some(&elsewhere), &["unseen-key"]);
}

#[test]
fn a_password_without_a_second_factor() {
    let events = [
        event(1, "ec2", "DescribeVpcs", &json!({})),
        event(14, "ec2", "DescribeVpcs", &json!({})),
    ];
    let bare = report("x", "true", "false", YOUNG, "2026-10-14T12:15:00Z");
    check(&events, &user(), Some(&bare), &["password-without-mfa"]);
}

#[test]
fn the_root_user() {
    let root = json!({"userIdentity": {"type": "Root", "principalId": ACCOUNT, "arn": "arn:aws:iam::111122223333:root", "accountId": ACCOUNT}});
    let events = used(&[event(5, "iam", "ListUsers", &root)]);
    let grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    check(&events, &grants, None, &["111122223333: root-use"]);
    let keys = report(
        "<root_account>",
        "not_supported",
        "false",
        "2021-01-01T00:00:00Z",
        "N/A",
    );
    check(
        &used(&[]),
        &grants,
        Some(&keys),
        &["111122223333: root-key", "111122223333: root-without-mfa"],
    );
}

#[test]
fn a_node_role_that_programs_lean_on() {
    let grants = role(&plain_trust(), &json!("ec2:Describe*"), &["AmazonEKSWorkerNodePolicy"]);
    let by = |client: &str| {
        used(&[by_role(
            5,
            "DescribeVpcs",
            "i-0123456789abcdef0",
            &json!({"userAgent": client}),
        )])
    };
    check(&by("kubelet/v1.33 (linux/amd64)"), &grants, None, &[]);
    check(&by("aws-sdk-go/1.44"), &grants, None, &[]);
    check(
        &by("recommender/2.3 Botocore/1.40"),
        &grants,
        None,
        &["leaned-on-node-role"],
    );
    // Of another role of an instance it is what it is for.
    let other = role(&plain_trust(), &json!("ec2:Describe*"), &[]);
    check(&by("recommender/2.3"), &other, None, &[]);
}

#[test]
fn a_role_of_several_service_accounts() {
    let of = |subjects: Value| {
        let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A";
        let statement = json!({"Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/A:sub": subjects,
                "oidc.eks.eu-west-1.amazonaws.com/id/A:aud": "sts.amazonaws.com"}}});
        role(&trust(&statement), &json!("ec2:DescribeVpcs"), &[])
    };
    check(&used(&[]), &of(json!("system:serviceaccount:a:b")), None, &[]);
    let two = json!(["system:serviceaccount:a:b", "system:serviceaccount:a:c"]);
    check(&used(&[]), &of(two), None, &["shared-role"]);
}

#[test]
fn trust_in_whoever_comes() {
    let of = |statement: &Value| role(&trust(statement), &json!("ec2:DescribeVpcs"), &[]);
    let anybody = json!({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"});
    check(&used(&[]), &of(&anybody), None, &["wildcard-trust"]);
    let any_token = json!({"Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}});
    check(&used(&[]), &of(&any_token), None, &["wildcard-trust"]);
    let mut named = any_token;
    named["Condition"]["StringLike"] = json!({"token.actions.githubusercontent.com:sub": "repo:o/r:*"});
    check(&used(&[]), &of(&named), None, &[]);
}

#[test]
fn trust_in_another_account_that_does_not_use_it() {
    let statement = json!({"Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"});
    let grants = role(&trust(&statement), &json!("ec2:DescribeVpcs"), &[]);
    check(&used(&[]), &grants, None, &["unused-cross-account-trust"]);
    let assumed = event(
        3,
        "sts",
        "AssumeRole",
        &json!({"userIdentity": {"type": "AWSAccount", "principalId": "AIDAY", "accountId": "444455556666"},
            "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/app", "roleSessionName": "s"},
            "resources": [{"ARN": "arn:aws:iam::111122223333:role/app", "type": "AWS::IAM::Role", "accountId": ACCOUNT}]}),
    );
    check(
        &used(std::slice::from_ref(&assumed)),
        &grants,
        None,
        &["unconditional-cross-account-trust"],
    );
    let mut guarded = statement;
    guarded["Condition"] = json!({"StringEquals": {"sts:ExternalId": "shop-4711"}});
    let grants = role(&trust(&guarded), &json!("ec2:DescribeVpcs"), &[]);
    check(&used(&[assumed]), &grants, None, &[]);
}

#[test]
fn escalation_that_nobody_used() {
    let grants = role(&plain_trust(), &json!(["ec2:DescribeVpcs", "iam:PutRolePolicy"]), &[]);
    check(&used(&[]), &grants, None, &["escalation"]);
}

#[test]
fn denials_again_and_again() {
    let grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    let denied = |day: u32| {
        let message = "User: x is not authorized to perform: ec2:DeleteVpc because no identity-based policy allows the ec2:DeleteVpc action";
        by_role(
            day,
            "DeleteVpc",
            "s",
            &json!({"errorCode": "Client.UnauthorizedOperation", "errorMessage": message}),
        )
    };
    let few: Vec<Value> = (2..5).map(denied).collect();
    check(&used(&few), &grants, None, &[]);
    let many: Vec<Value> = (2..14).map(denied).collect();
    check(&used(&many), &grants, None, &["repeated-denials"]);
    // Many messages name no action.
    let unnamed = |day: u32, name: &str| {
        let more = json!({"errorCode": "Client.UnauthorizedOperation", "errorMessage": "You are not authorized to perform this operation."});
        by_role(day, name, "s", &more)
    };
    let many: Vec<Value> = (2..14).map(|day| unnamed(day, "DeleteVpc")).collect();
    check(&used(&many), &grants, None, &["repeated-denials"]);
    // It has that at other times.
    let many: Vec<Value> = (2..14).map(|day| unnamed(day, "DescribeVpcs")).collect();
    check(&used(&many), &grants, None, &[]);
    // Somebody tries doors for an hour.
    let doors = |count: usize| -> Vec<Value> {
        let names = [
            "DeleteVpc",
            "DeleteSubnet",
            "DeleteKeyPair",
            "DeleteVolume",
            "DeleteSnapshot",
            "DeleteTags",
            "DeleteRoute",
            "DeleteNatGateway",
            "DeleteFleets",
            "DeleteFlowLogs",
            "DeleteDhcpOptions",
        ];
        names[..count].iter().map(|name| unnamed(5, name)).collect()
    };
    check(&used(&doors(9)), &grants, None, &[]);
    check(&used(&doors(11)), &grants, None, &["repeated-denials"]);
    let one: Vec<Value> = (0..120)
        .map(|at| {
            let mut event = unnamed(5, "DeleteVpc");
            event["eventTime"] = json!(format!("2026-10-05T10:{:02}:{:02}Z", at / 60, at % 60));
            event
        })
        .collect();
    check(&used(&one), &grants, None, &["repeated-denials"]);
}

#[test]
fn use_that_iam_saw_and_the_archive_does_not_show() {
    let grants = role(&plain_trust(), &json!(["ec2:DescribeVpcs", "ecr:DescribeImages"]), &[]);
    let at = |time: &str| {
        let services = json!([{"ServiceNamespace": "ecr", "LastAuthenticated": time}]);
        json!({"Arn": "arn:aws:iam::111122223333:role/app", "ServicesLastAccessed": services}).to_string()
    };
    // The days without events between are a hole already: only a full archive shows what a gap would be.
    let busy: Vec<Value> = (1..=14)
        .flat_map(|day| {
            ["eu-west-1", "us-east-1"].map(|region| event(day, "ec2", "DescribeVpcs", &json!({"awsRegion": region})))
        })
        .collect();
    check(
        &used(&busy),
        &grants,
        Some(&at("2026-10-05T00:00:00Z")),
        &["unseen-use"],
    );
    check(&used(&busy), &grants, Some(&at("2025-10-05T00:00:00Z")), &[]);
}

/// The page that lists all findings, as `trimtrail explain ID` tells them.
fn page() -> String {
    let mut page =
        "# Every finding\n\nWhat `trimtrail explain ID` prints of each, in the order in which they are looked for. \
        Made by `TRIMTRAIL_UPDATE=1 cargo test every_finding`.\n"
            .to_owned();
    for check in hygiene::checks() {
        let about = &check.about;
        page += &format!(
            "\n## {}\n\n{}\n\n* How it is abused: {}\n* Instead: {}\n* Practice {}: {}\n* AWS: <{}>\n",
            check.id,
            about.what,
            about.abuse,
            about.instead,
            check.practice.number(),
            check.practice.title(),
            about.page
        );
    }
    page
}

#[test]
fn every_finding_has_its_place_on_the_page() {
    const PAGE: &str = "docs/findings.md";
    let page = page();
    if std::env::var_os("TRIMTRAIL_UPDATE").is_some() {
        fs::write(PAGE, &page).expect("the page");
    }
    let found = fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        found == page,
        "{PAGE}: TRIMTRAIL_UPDATE=1 cargo test every_finding writes it anew"
    );
}
