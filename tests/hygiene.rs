//! Each finding where it should be, and not where it should not.

use std::fs;

use serde_json::{Value, json};
use trimtrail::analysis::{self, Archive};
use trimtrail::catalog::Catalog;
use trimtrail::grants::{self, SupplementFiles};
use trimtrail::progress::Progress;
use trimtrail::rightsize::{Keep, KeepRule, Options};
use trimtrail::{hygiene, source, usage};

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
        let (is_json, is_trail) = (text.starts_with('{'), text.contains("TrailARN"));
        let files = SupplementFiles {
            credential_report: if is_json { Vec::new() } else { vec![path.clone()] },
            last_accessed: if is_json && !is_trail {
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
    let never = report("x", "false", "false", "2026-08-01T00:00:00Z", "N/A");
    check(&events, &user(), Some(&never), &["unused-key"]);
    // One that was made three weeks ago waits for its first use.
    let new = report("x", "false", "false", YOUNG, "N/A");
    check(&events, &user(), Some(&new), &[]);
    // Last seen on the 1st, last used on the 9th: that use is not in the archive.
    let by_session = json!({"userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x", "accountId": ACCOUNT, "accessKeyId": "ASIAX"}});
    let events = [
        event(1, "ec2", "DescribeVpcs", &json!({})),
        event(14, "ec2", "DescribeVpcs", &by_session),
    ];
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

/// Two weeks in which somebody else works.
fn elsewhere() -> [Value; 2] {
    [1, 14].map(|day| event(day, "ec2", "DescribeVpcs", &json!({})))
}

/// The fix of the one finding of this id, if there is one.
fn fix_of(id: &str, grants: &Value, options: &Options) -> Option<String> {
    let told = told(&elsewhere(), grants, None, options);
    told.into_iter()
        .find(|told| told.finding.id == id)
        .map(|told| told.finding.fix)
}

fn options(min_window: u16) -> Options {
    Options {
        min_window,
        ..Options::default()
    }
}

#[test]
fn a_role_is_deleted_only_once_it_is_old_enough_and_not_kept() {
    let mut grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    let fix = |grants: &Value, options: &Options| fix_of("idle-role", grants, options);
    assert!(fix(&grants, &options(7)).is_some_and(|fix| fix.contains("delete it")));
    // The archive is too short to say so.
    assert!(fix(&grants, &options(90)).is_some_and(|fix| fix.starts_with("nothing yet")));

    let rule = |principal: &str, action: Option<&str>| KeepRule {
        principal: principal.to_owned(),
        action: action.map(str::to_owned),
        reason: "break glass".to_owned(),
        expires: None,
        own: false,
    };
    let keeping = |rule: KeepRule| Options {
        keep: Keep(vec![rule]),
        ..options(7)
    };
    assert_eq!(fix(&grants, &keeping(rule("app", None))), None);
    assert!(fix(&grants, &keeping(rule("other", None))).is_some_and(|fix| fix.contains("delete it")));

    let mut born = |date: Value| {
        grants["RoleDetailList"][0]["CreateDate"] = date;
        fix(&grants, &options(7))
    };
    assert_eq!(born(json!("2026-10-13T00:00:00Z")), None, "one day old");
    assert_eq!(born(json!("2026-10-01T00:00:00Z")), None, "within --grace");
    assert!(born(json!("2026-09-01T00:00:00Z")).is_some_and(|fix| fix.contains("delete it")));
    assert!(born(json!("some day")).is_some_and(|fix| fix.starts_with("nothing yet: age unknown")));
}

#[test]
fn a_service_linked_role_is_never_idle() {
    let mut grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    grants["RoleDetailList"][0]["Path"] = json!("/aws-service-role/autoscaling.amazonaws.com/");
    assert_eq!(fix_of("idle-role", &grants, &options(7)), None);
}

#[test]
fn a_user_with_temporary_keys_alone_has_no_old_key() {
    let of = |key: &str, date: &str| {
        let mut user = user();
        user["UserDetailList"][0]["CreateDate"] = json!(date);
        let identity = json!({"userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x",
            "accountId": ACCOUNT, "accessKeyId": key, "sessionContext": {"attributes": {"mfaAuthenticated": "true"}}}});
        found(
            &[1, 14].map(|day| event(day, "ec2", "DescribeVpcs", &identity)),
            &user,
            None,
        )
    };
    assert_eq!(of("ASIAX", "2020-01-01T00:00:00Z"), Vec::<String>::new());
    assert_eq!(of("AKIAX", "2020-01-01T00:00:00Z"), ["old-key"]);
    assert_eq!(of("AKIAX", "2026-10-01T00:00:00Z"), Vec::<String>::new());
}

#[test]
fn what_nobody_has_is_found_and_what_is_new_is_not() {
    let of = |date: &str, count: u64| {
        let mut grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
        grants["Policies"] = json!([{"Arn": "arn:aws:iam::111122223333:policy/spare", "PolicyName": "spare", "AttachmentCount": count,
            "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": date,
                "Document": allow(&json!("s3:*"))}]}]);
        found(&used(&[]), &grants, None)
    };
    assert_eq!(of("2025-01-01T00:00:00Z", 0), ["111122223333: unattached-policy"]);
    assert_eq!(of("2026-10-10T00:00:00Z", 0), Vec::<String>::new());
    assert_eq!(of("2025-01-01T00:00:00Z", 1), Vec::<String>::new());

    let group = |members: &Value| {
        let mut grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
        grants["GroupDetailList"] = json!([{"Arn": "arn:aws:iam::111122223333:group/g", "GroupName": "g", "GroupId": "AGPAG", "Path": "/",
            "CreateDate": "2025-01-01T00:00:00Z", "GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": allow(&json!("s3:*"))}]}]);
        grants["UserDetailList"] = json!([{"Arn": "arn:aws:iam::111122223333:user/y", "UserName": "y", "UserId": "AIDAY", "GroupList": members}]);
        let all = found(&used(&[]), &grants, None);
        all.contains(&"empty-group".to_owned())
    };
    assert!(group(&json!([])));
    assert!(!group(&json!(["g"])));
}

#[test]
fn an_identity_provider_whose_roles_all_stand_idle() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";
    let statement = json!({"Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"ci.example.com:sub": "deploy", "ci.example.com:aud": "sts.amazonaws.com"}}});
    let grants = role(&trust(&statement), &json!("ec2:DescribeVpcs"), &[]);
    check(&used(&[]), &grants, None, &[]);
    check(
        &elsewhere(),
        &grants,
        None,
        &["idle-role", "111122223333: unused-identity-provider"],
    );
}

#[test]
fn a_trail_that_was_stopped() {
    let grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    let arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main";
    let call = |day: u32, name: &str| {
        event(
            day,
            "cloudtrail",
            name,
            &json!({"readOnly": false, "requestParameters": {"name": arn}}),
        )
    };
    let severity = |events: &[Value]| {
        let told = told(&used(events), &grants, None, &Options::default());
        let stops: Vec<hygiene::Finding> = told
            .into_iter()
            .map(|told| told.finding)
            .filter(|found| found.id == "trail-stopped")
            .collect();
        stops
            .into_iter()
            .map(|found| (found.severity, found.key))
            .collect::<Vec<_>>()
    };
    let key = "trail-stopped:111122223333:main:StopLogging:2026-10-05".to_owned();
    assert_eq!(severity(&[]), []);
    assert_eq!(
        severity(&[call(5, "StopLogging")]),
        [(hygiene::Severity::High, key.clone())]
    );
    assert_eq!(
        severity(&[call(5, "StopLogging"), call(6, "StartLogging")]),
        [(hygiene::Severity::Medium, key)]
    );
    let mut denied = call(5, "StopLogging");
    denied["errorCode"] = json!("AccessDenied");
    assert_eq!(severity(&[denied]), []);
}

#[test]
fn a_trail_that_leaves_something_out() {
    let grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    let of = |trail: Value, selectors: Value| {
        let mut whole = json!({"TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "HomeRegion": "eu-west-1",
            "IsMultiRegionTrail": true, "LogFileValidationEnabled": true});
        for (key, value) in trail.as_object().expect("an object") {
            whole[key] = value.clone();
        }
        if !selectors.is_null() {
            whole["EventSelectors"] = selectors;
        }
        let found = found(&used(&[]), &grants, Some(&whole.to_string()));
        found
            .into_iter()
            .filter_map(|id| Some(id.strip_prefix("111122223333: ")?.to_owned()))
            .collect::<Vec<String>>()
    };
    let selector = |kind: &str, excluded: &[&str]| json!([{"ReadWriteType": kind, "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": excluded}]);
    assert_eq!(of(json!({}), selector("All", &[])), Vec::<String>::new());
    assert_eq!(
        of(json!({"LogFileValidationEnabled": false}), selector("All", &[])),
        ["trail-without-validation"]
    );
    assert_eq!(
        of(json!({"IsMultiRegionTrail": false}), selector("All", &[])),
        ["trail-leaves-out"]
    );
    assert_eq!(of(json!({}), selector("WriteOnly", &[])), ["trail-leaves-out"]);
    assert_eq!(
        of(json!({}), selector("All", &["kms.amazonaws.com"])),
        ["trail-leaves-out"]
    );
}

#[test]
fn one_that_may_do_everything_is_told_so_once() {
    let grants = role(&plain_trust(), &json!("*"), &[]);
    let told = told(&used(&[]), &grants, None, &Options::default());
    let found: Vec<&hygiene::Finding> = told
        .iter()
        .map(|told| &told.finding)
        .filter(|found| found.id == "escalation")
        .collect();
    let [found] = found[..] else {
        panic!("{} findings", found.len())
    };
    assert_eq!(found.evidence, ["it is allowed every action on every resource"]);
    assert_eq!(found.key, "escalation:arn:aws:iam::111122223333:role/app");
}

#[test]
fn a_path_that_a_suggestion_closes_names_it() {
    let folder = std::env::temp_dir().join(format!("trimtrail-closing-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let (log, grants) = (folder.join("log.json"), folder.join("grants.json"));
    let days: Vec<Value> = (1..=14)
        .flat_map(|day| {
            [
                by_role(day, "DescribeVpcs", "s", &json!({})),
                event(day, "ec2", "CreateTags", &json!({"readOnly": false})),
                event(day, "iam", "GetUser", &json!({"awsRegion": "us-east-1"})),
                event(
                    day,
                    "iam",
                    "TagUser",
                    &json!({"awsRegion": "us-east-1", "readOnly": false}),
                ),
            ]
        })
        .collect();
    fs::write(&log, json!({"Records": days}).to_string()).expect("a file");
    let both = role(&plain_trust(), &json!(["ec2:DescribeVpcs", "iam:PutRolePolicy"]), &[]);
    fs::write(&grants, both.to_string()).expect("a file");
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    run.args([
        "-q",
        "analyze",
        "--min-window",
        "7d",
        "--grace",
        "0d",
        "--format",
        "json",
        "--logs",
    ]);
    let output = run.arg(&log).arg("--grants").arg(&grants).output().expect("it runs");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let finding = &result["principals"][0]["findings"][0];
    let suggestions = result["suggestions"].as_array().expect("a list");
    let ids: Vec<&str> = suggestions.iter().filter_map(|one| one["id"].as_str()).collect();
    let evidence = finding["evidence"][0].as_str().expect("a text");
    assert!(
        ids.iter()
            .any(|id| evidence.ends_with(&format!("suggestion {id} closes it"))),
        "{evidence}: {ids:?}"
    );
    // What it is stands beside it.
    let result_file = folder.join("result.json");
    fs::write(&result_file, &output.stdout).expect("a file");
    let explained = |args: &[&str]| {
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_trimtrail"));
        let output = run.arg("explain").args(args).output().expect("it runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let of_result = explained(&[&result_file.display().to_string(), "escalation"]);
    assert!(
        of_result.contains(evidence) && of_result.contains("how abused"),
        "{of_result}"
    );
    let of_kind = explained(&["escalation"]);
    assert!(
        of_result.ends_with(&of_kind) && of_kind.contains("https://docs.aws.amazon.com/"),
        "{of_kind}"
    );
    let _ = fs::remove_dir_all(&folder);
}
