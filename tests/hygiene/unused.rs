//! Nothing that may be in use is told to go: what the archive cannot show, what IAM saw, what is kept, young, changed, taken or
//! in a service's hands.

use super::*;

/// Two weeks of somebody's calls.
pub(super) fn weeks() -> Vec<Value> {
    (1..=14)
        .map(|day| event(day, "ec2", "DescribeVpcs", &json!({})))
        .collect()
}

pub(super) fn with(more: &[Value]) -> Vec<Value> {
    [&weeks()[..], more].concat()
}

/// The fix and commands of the one finding of this id, if there is one.
pub(super) fn advice(
    id: &str,
    events: &[Value],
    grants: &Value,
    beside: Option<&str>,
    options: &Options,
) -> Option<(String, Vec<String>)> {
    let told = told(events, grants, beside, options);
    let mut found = told.into_iter().filter(|told| told.finding.id == id);
    let one = found.next()?.finding;
    assert!(found.next().is_none(), "{id} twice");
    Some((one.fix, one.commands))
}

pub(super) fn options() -> Options {
    Options {
        min_window: 7,
        ..Options::default()
    }
}

/// Whether somebody is told to go, with these events and these reports beside the grants.
#[track_caller]
pub(super) fn goes(id: &str, events: &[Value], grants: &Value, beside: Option<&str>) -> bool {
    advice(id, events, grants, beside, &options()).is_some_and(|(fix, commands)| {
        assert_eq!(
            fix.starts_with("nothing yet"),
            commands.is_empty(),
            "{fix}: {commands:?}"
        );
        !commands.is_empty()
    })
}

/// The role `app` of the other tests, which makes no call here.
pub(super) fn idle() -> Value {
    role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[])
}

/// The same with something else about it.
pub(super) fn idle_with(field: &str, value: Value) -> Value {
    let mut grants = idle();
    grants["RoleDetailList"][0][field] = value;
    grants
}

#[test]
fn a_user_whose_credentials_were_used_is_not_idle() {
    let grants = json!({"UserDetailList": [{"Arn": "arn:aws:iam::111122223333:user/y", "UserName": "y", "UserId": "AIDAY", "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z", "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": allow(&json!("ec2:*"))}]}]});
    let report = |password: &str, key: &str| {
        format!(
            "user,arn,password_enabled,password_last_used,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date\n\
             y,arn:aws:iam::111122223333:user/y,true,{password},true,true,2026-09-01T00:00:00Z,{key}\n"
        )
    };
    let goes = |events: &[Value], beside: Option<&str>| goes("idle-user", events, &grants, beside);
    assert!(goes(&weeks(), None));
    assert!(goes(&weeks(), Some(&report("2025-03-01T00:00:00Z", "N/A"))));
    for (password, key) in [
        ("N/A", "2026-10-05T00:00:00Z"),
        ("no_information", "2026-11-20T00:00:00Z"),
        ("2026-10-05T00:00:00Z", "N/A"),
        ("2026-11-20T00:00:00Z", "2025-01-01T00:00:00Z"),
    ] {
        assert!(!goes(&weeks(), Some(&report(password, key))), "{password} {key}");
        assert_eq!(
            advice("idle-user", &weeks(), &grants, Some(&report(password, key)), &options()),
            None
        );
    }
    let signs_in = |success: &str| {
        event(
            5,
            "signin",
            "ConsoleLogin",
            &json!({"eventType": "AwsConsoleSignIn", "responseElements": {"ConsoleLogin": success},
                "userIdentity": {"type": "IAMUser", "principalId": "AIDAY", "arn": "arn:aws:iam::111122223333:user/y",
                    "accountId": ACCOUNT, "userName": "y"}}),
        )
    };
    assert!(!goes(&with(&[signs_in("Success")]), None));
    assert!(goes(&with(&[signs_in("Failure")]), None));
}

#[test]
fn a_key_that_was_used_in_a_long_archive_or_that_the_archive_shows_is_not_unused() {
    let key = |used: &str| report("x", "false", "false", "2026-08-01T00:00:00Z", used);
    let session = |day: u32, month: u32| {
        let mut event = event(
            day,
            "ec2",
            "DescribeVpcs",
            &json!({"userIdentity": {"type": "IAMUser", "principalId": "AIDAX", "arn": "arn:aws:iam::111122223333:user/x",
                "accountId": ACCOUNT, "accessKeyId": "ASIAX"}}),
        );
        event["eventTime"] = json!(format!("2026-{month:02}-{day:02}T12:00:00Z"));
        event
    };
    let finds = |events: &[Value], used: &str| goes("unused-key", events, &user(), Some(&key(used)));
    let short = [session(1, 10), session(14, 10)];
    assert!(finds(&short, "N/A"));
    assert!(finds(&short, "2026-05-01T00:00:00Z"));
    // A call under some key of the user, of which the report does not know yet.
    assert!(!finds(&weeks(), "N/A"));
    let long = [session(1, 1), session(14, 10)];
    assert!(!finds(&long, "2026-05-01T00:00:00Z"), "the next run may come");
    assert!(finds(&long, "2025-05-01T00:00:00Z"));
}

#[test]
fn iam_refuses_changes_to_roles_of_permission_sets() {
    let name = "AWSReservedSSO_Admin_0123456789abcdef";
    let of = |path: &str| {
        let mut grants = idle_with("Path", json!(path));
        grants["RoleDetailList"][0]["RoleName"] = json!(name);
        grants["RoleDetailList"][0]["Arn"] = json!(format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"));
        advice("idle-role", &weeks(), &grants, None, &options()).expect("it is idle")
    };
    let (fix, commands) = of("/aws-reserved/sso.amazonaws.com/eu-west-1/");
    assert!(fix.contains("permission set Admin"), "{fix}");
    assert!(
        commands.iter().all(|command| command.starts_with("aws sso-admin ")),
        "{commands:?}"
    );
    let (_, commands) = of("/");
    assert!(
        commands.iter().any(|command| command.contains("aws iam delete-role")),
        "{commands:?}"
    );
}

#[test]
fn of_an_account_or_region_without_a_log_nothing_is_said() {
    let told = |grants: &Value| advice("idle-role", &weeks(), grants, None, &options()).is_some();
    assert!(told(&idle()));
    let elsewhere: Value =
        serde_json::from_str(&idle().to_string().replace(ACCOUNT, "999988887777")).expect("the same grants");
    assert!(!told(&elsewhere));
    let on = |statement: Value| {
        let mut statement = statement;
        statement["Effect"] = json!("Allow");
        statement["Action"] = json!("sqs:SendMessage");
        idle_with(
            "RolePolicyList",
            json!([{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}]),
        )
    };
    assert!(told(&on(json!({"Resource": "arn:aws:sqs:eu-west-1:111122223333:q"}))));
    assert!(!told(&on(
        json!({"Resource": "arn:aws:sqs:eu-central-1:111122223333:q"})
    )));
    let only =
        |operator: &str| on(json!({"Resource": "*", "Condition": {operator: {"aws:RequestedRegion": "eu-central-1"}}}));
    assert!(!told(&only("StringEquals")));
    assert!(told(&only("StringNotEquals")));
}

#[test]
fn who_is_kept_in_part_or_changed_a_short_time_ago_is_left_alone() {
    let told = |events: &[Value], grants: &Value, options: &Options| {
        advice("idle-role", events, grants, None, options).map(|(fix, _)| fix)
    };
    assert!(told(&weeks(), &idle(), &options()).is_some());
    let keep = Keep(vec![KeepRule {
        principal: "app".to_owned(),
        action: Some("ec2:DescribeVpcs".to_owned()),
        reason: "once a year".to_owned(),
        expires: None,
        own: false,
    }]);
    assert_eq!(told(&weeks(), &idle(), &Options { keep, ..options() }), None);
    for name in ["PutRolePolicy", "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary"] {
        let change = event(
            13,
            "iam",
            name,
            &json!({"readOnly": false, "requestParameters": {"roleName": "app"}}),
        );
        assert_eq!(
            told(&with(std::slice::from_ref(&change)), &idle(), &options()),
            None,
            "{name}"
        );
        let mut denied = change;
        denied["errorCode"] = json!("AccessDenied");
        assert!(told(&with(&[denied]), &idle(), &options()).is_some());
    }
    let mut attached = idle_with(
        "AttachedManagedPolicies",
        json!([{"PolicyName": "m", "PolicyArn": "arn:aws:iam::111122223333:policy/m"}]),
    );
    attached["Policies"] = json!([{"Arn": "arn:aws:iam::111122223333:policy/m", "PolicyName": "m", "AttachmentCount": 1,
        "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true,
            "CreateDate": "2026-10-10T00:00:00Z", "Document": allow(&json!("s3:*"))}]}]);
    assert_eq!(told(&weeks(), &attached, &options()), None);
    let no_grace = Options { grace: 0, ..options() };
    let young = idle_with("CreateDate", json!("2026-10-03T00:00:00Z"));
    let fix = told(&weeks(), &young, &no_grace).expect("it is told");
    assert!(
        fix.starts_with("nothing yet") && fix.contains("younger than the archive"),
        "{fix}"
    );
    // Most of the days are missing.
    let holed: Vec<Value> = weeks()
        .into_iter()
        .filter(|event| {
            let time = event["eventTime"].as_str().unwrap_or_default();
            !("2026-10-02"..="2026-10-14").contains(&time)
        })
        .collect();
    let fix = told(&holed, &idle(), &options()).expect("it is told");
    assert!(fix.starts_with("nothing yet: the archive covers"), "{fix}");
}

#[test]
fn a_role_that_iam_saw_or_that_a_service_has_is_not_told_to_go() {
    let goes = |events: &[Value], grants: &Value, beside: Option<&str>| goes("idle-role", events, grants, beside);
    let used = |date: &str| idle_with("RoleLastUsed", json!({"LastUsedDate": date, "Region": "eu-west-1"}));
    assert!(goes(&weeks(), &used("2026-01-05T00:00:00Z"), None));
    for (date, hole) in [("2026-10-05T00:00:00Z", true), ("2026-11-05T00:00:00Z", false)] {
        let ids = found(&weeks(), &used(date), None);
        assert!(!ids.contains(&"idle-role".to_owned()), "{date}: {ids:?}");
        assert_eq!(ids.contains(&"unseen-use".to_owned()), hole, "{date}: {ids:?}");
    }
    let accessed = |time: &str| {
        json!({"Arn": "arn:aws:iam::111122223333:role/app",
            "ServicesLastAccessed": [{"ServiceNamespace": "ec2", "LastAuthenticated": time}]})
        .to_string()
    };
    assert!(goes(&weeks(), &idle(), Some(&accessed("2026-01-05T00:00:00Z"))));
    assert!(!goes(&weeks(), &idle(), Some(&accessed("2026-11-05T00:00:00Z"))));

    let arn = "arn:aws:iam::111122223333:role/app";
    let hands = |source: &str, name: &str, request: Value, response: Value| {
        event(
            5,
            source,
            name,
            &json!({"readOnly": false, "requestParameters": request, "responseElements": response}),
        )
    };
    let in_profile = idle_with(
        "InstanceProfileList",
        json!([{"InstanceProfileName": "web", "Arn": "arn:aws:iam::111122223333:instance-profile/web"}]),
    );
    for event in [
        hands(
            "ec2",
            "RunInstances",
            json!({"iamInstanceProfile": {"name": "web"}}),
            json!(null),
        ),
        hands(
            "lambda",
            "CreateFunction20150331",
            json!({"functionName": "f", "role": arn}),
            json!(null),
        ),
        hands(
            "lambda",
            "UpdateFunctionConfiguration20150331v2",
            json!({"functionName": "f", "timeout": 3}),
            json!({"functionName": "f", "role": arn}),
        ),
        hands(
            "ecs",
            "RegisterTaskDefinition",
            json!({"family": "t", "taskRoleArn": arn, "containerDefinitions": []}),
            json!(null),
        ),
    ] {
        let (fix, commands) = advice(
            "idle-role",
            &with(std::slice::from_ref(&event)),
            &in_profile,
            None,
            &options(),
        )
        .expect("it is told");
        assert!(
            fix.starts_with("nothing yet: it was handed to a service") && commands.is_empty(),
            "{}: {fix}",
            event["eventName"]
        );
        let mut denied = event;
        denied["errorCode"] = json!("AccessDenied");
        assert!(goes(&with(&[denied]), &in_profile, None));
    }
    let (_, commands) = advice("idle-role", &weeks(), &in_profile, None, &options()).expect("it is told");
    assert!(commands[0].starts_with("aws ec2 describe-instances "), "{commands:?}");
}

#[test]
fn a_role_of_a_service_is_told_to_go_only_where_iam_saw_its_last_use() {
    let of = |service: &str, used: Value| {
        let mut grants = idle_with("RoleLastUsed", used);
        grants["RoleDetailList"][0]["AssumeRolePolicyDocument"] =
            trust(&json!({"Principal": {"Service": service}, "Action": "sts:AssumeRole"}));
        goes("idle-role", &weeks(), &grants, None)
    };
    let before = || json!({"LastUsedDate": "2026-01-05T00:00:00Z"});
    assert!(!of("monitoring.rds.amazonaws.com", json!({})));
    assert!(of("monitoring.rds.amazonaws.com", before()));
    assert!(of("lambda.amazonaws.com", json!({})));
}

#[test]
fn whoever_may_have_made_a_call_that_names_nobody_is_not_told_to_go() {
    let by_nobody = |name: &str| event(5, "ec2", name, &json!({"userIdentity": {"type": "Unknown"}}));
    let goes = |name: &str| goes("idle-role", &with(&[by_nobody(name)]), &idle(), None);
    assert!(!goes("DescribeVpcs"));
    assert!(goes("DescribeSubnets"), "it may not do that");
}

#[test]
fn a_provider_whose_token_opened_a_session_is_not_unused() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/ci.example.com";
    let statement = json!({"Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"ci.example.com:sub": "deploy", "ci.example.com:aud": "sts.amazonaws.com"}}});
    let grants = role(&trust(&statement), &json!("ec2:DescribeVpcs"), &[]);
    let goes = |more: &[Value]| goes("unused-identity-provider", &with(more), &grants, None);
    assert!(goes(&[]));
    // For another role, which is not among the grants; what it opened is not in the event.
    let opens = |named: &str| {
        event(
            3,
            "sts",
            "AssumeRoleWithWebIdentity",
            &json!({"userIdentity": {"type": "WebIdentityUser", "identityProvider": named, "userName": "deploy"}}),
        )
    };
    assert!(!goes(&[opens(provider)]));
    assert!(!goes(&[opens("ci.example.com")]));
    assert!(goes(&[opens(
        "arn:aws:iam::111122223333:oidc-provider/other.example.com"
    )]));
    let mut denied = opens(provider);
    denied["errorCode"] = json!("AccessDenied");
    assert!(goes(&[denied]));
    // Only the calls of its sessions say so, with a key or without.
    let mut call = by_role(5, "DescribeVpcs", "s", &json!({}));
    call["userIdentity"]["principalId"] = json!("AROAGONE:s");
    let session = &mut call["userIdentity"]["sessionContext"];
    session["sessionIssuer"]["principalId"] = json!("AROAGONE");
    session["sessionIssuer"]["arn"] = json!("arn:aws:iam::111122223333:role/gone");
    session["webIdFederationData"] = json!({"federatedProvider": provider});
    assert!(!goes(&[call.clone()]));
    call["userIdentity"]
        .as_object_mut()
        .expect("an identity")
        .remove("accessKeyId");
    assert!(!goes(&[call]));
}

#[test]
fn a_policy_that_sessions_or_boundaries_need_is_not_told_to_go() {
    let arn = "arn:aws:iam::111122223333:policy/spare";
    let spare = |mut grants: Value| {
        grants["Policies"] = json!([{"Arn": arn, "PolicyName": "spare", "AttachmentCount": 0, "DefaultVersionId": "v1",
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2025-01-01T00:00:00Z",
                "Document": allow(&json!("s3:*"))}]}]);
        grants
    };
    let goes = |events: &[Value], grants: &Value| goes("unattached-policy", events, grants, None);
    assert!(goes(&weeks(), &spare(idle())));
    let passed = event(
        5,
        "sts",
        "AssumeRole",
        &json!({"requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/app", "policyArns": [{"arn": arn}]}}),
    );
    assert!(!goes(&with(&[passed]), &spare(idle())));
    for value in [
        arn,
        "arn:aws:iam::*:policy/sp*",
        "arn:aws:iam::${aws:PrincipalAccount}:policy/spare",
    ] {
        let creates = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*",
            "Condition": {"StringLike": {"iam:PermissionsBoundary": value}}}]});
        let grants = idle_with(
            "RolePolicyList",
            json!([{"PolicyName": "p", "PolicyDocument": creates}]),
        );
        assert!(!goes(&weeks(), &spare(grants)), "{value}");
    }
    let written = event(
        5,
        "iam",
        "SetDefaultPolicyVersion",
        &json!({"readOnly": false, "requestParameters": {"policyArn": arn, "versionId": "v1"}}),
    );
    assert!(!goes(&with(&[written]), &spare(idle())), "somebody works on it");
}

#[test]
fn the_older_way_goes_for_the_cluster_that_moved_and_for_nobody_else() {
    use super::pods::{VPCS, app, by_service, calls, eks_takes, irsa, takes};
    let cart = json!("system:serviceaccount:shop:cart");
    let at = |mut event: Value, time: &str| {
        event["eventTime"] = json!(time);
        if event["responseElements"]["credentials"].is_object() {
            event["responseElements"]["credentials"]["expiration"] = json!(time.replace("T10", "T20"));
        }
        event
    };
    let days: Vec<Value> = (0..60)
        .map(|day| {
            let (month, day) = if day < 30 { (9, day + 1) } else { (10, day - 29) };
            at(
                event(1, "ec2", "DescribeVpcs", &json!({})),
                &format!("2026-{month:02}-{day:02}T12:00:00Z"),
            )
        })
        .collect();
    let by_irsa = |cluster: &str, key: &str, day: &str| {
        [
            at(
                takes(cluster, "shop:cart", "app", key),
                &format!("2026-{day}T10:00:00Z"),
            ),
            at(calls("app", key, VPCS), &format!("2026-{day}T11:00:00Z")),
        ]
    };
    let by_pods = [
        at(
            eks_takes("prod", ("shop", "cart"), "app", "ASIA9"),
            "2026-10-29T10:00:00Z",
        ),
        at(calls("app", "ASIA9", VPCS), "2026-10-29T11:00:00Z"),
    ];
    let github = json!({"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}});
    let known = |name: &str, id: &str| {
        json!({"cluster": {"name": name, "arn": format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{name}"),
            "identity": {"oidc": {"issuer": format!("https://oidc.eks.eu-west-1.amazonaws.com/id/{id}")}}}})
        .to_string()
    };
    let of = |statements: &[Value], more: &[Value], eks: Option<&str>| {
        let events = [&days[..], &by_pods, more].concat();
        let id = "between-irsa-and-pod-identity";
        advice(id, &events, &app(statements), eks, &options()).expect("it is told")
    };
    let eks = by_service("pods.eks.amazonaws.com");
    let one = [irsa("AAAA", &cart), github.clone(), eks.clone()];
    let (_, commands) = of(&one, &by_irsa("AAAA", "ASIA1", "09-02"), None);
    let change = commands.last().expect("a change of the trust policy");
    assert!(
        change.contains("token.actions.githubusercontent.com") && change.contains("pods.eks.amazonaws.com"),
        "{change}"
    );
    assert!(!change.contains("id/AAAA"), "{change}");

    // It moved on cluster A; on cluster B it comes by IRSA, once in two months.
    let two = [irsa("AAAA", &cart), irsa("BBBB", &cart), eks];
    let both = [by_irsa("AAAA", "ASIA1", "09-02"), by_irsa("BBBB", "ASIA2", "09-03")].concat();
    let (_, commands) = of(&two, &both, None);
    assert_eq!(commands, [""; 0], "which of them is prod nobody knows");
    let (_, commands) = of(&two, &both, Some(&known("prod", "AAAA")));
    let change = commands.last().expect("a change of the trust policy");
    assert!(!change.contains("id/AAAA") && change.contains("id/BBBB"), "{change}");
}
