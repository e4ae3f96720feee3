//! What is left alone, what accounts show, and how a finding is explained.

use super::*;

/// Two weeks in which somebody else works.
fn elsewhere() -> Vec<Value> {
    let days = 1..=14;
    days.map(|day| event(day, "ec2", "DescribeVpcs", &json!({}))).collect()
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
fn who_is_kept_is_told_to_lose_nothing() {
    let keep = Keep(vec![KeepRule {
        principal: "app".to_owned(),
        action: None,
        reason: "break glass".to_owned(),
        expires: None,
        own: false,
    }]);
    let foreign = json!({"Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"});
    let grants = role(&trust(&foreign), &json!("*"), &["AdministratorAccess"]);
    let of = |options: &Options| {
        let told = told(&used(&[]), &grants, None, options).into_iter();
        told.map(|told| (told.finding.id, told.finding.severity, told.finding.fix))
            .collect::<Vec<_>>()
    };
    let ids: Vec<&str> = of(&options(7)).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(
        ids,
        ["wide-aws-managed-policy", "escalation", "unused-cross-account-trust"]
    );
    let kept = of(&Options { keep, ..options(7) });
    let fix = "nothing: arn:aws:iam::111122223333:role/app is on the keep-list: break glass".to_owned();
    assert_eq!(kept, [("escalation", hygiene::Severity::Low, fix)]);
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

#[test]
fn the_sample_has_a_path_that_two_policies_open_together() {
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    run.args([
        "-q",
        "analyze",
        "--logs",
        "sample-logs/AWSLogs",
        "--grants",
        "sample-logs/grants",
    ]);
    let output = run
        .args(["--min-window", "7d", "--format", "json"])
        .output()
        .expect("it runs");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let principals = result["principals"].as_array().expect("a list");
    let mut of_jonas = principals
        .iter()
        .filter(|principal| {
            principal["arn"]
                .as_str()
                .is_some_and(|arn| arn.ends_with(":user/jonas"))
        })
        .filter_map(|principal| principal["findings"].as_array())
        .flatten()
        .filter(|finding| finding["id"] == "escalation");
    let evidence = of_jonas.next().expect("an escalation")["evidence"][0]
        .as_str()
        .expect("a text")
        .to_owned();
    let together = "lambda-001: iam:PassRole + lambda:CreateFunction + lambda:InvokeFunction, over role/thumbnailer; \
                    by policies hackathon and shop-developers together";
    assert!(
        evidence.contains("hackathon") && evidence.starts_with(&together[..90]),
        "{evidence}"
    );
    assert!(evidence.contains(" together"), "{evidence}");
}

#[test]
fn practices_are_judged_with_logs_and_without() {
    let states = |more: &[&str]| {
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_trimtrail"));
        run.args(["-q", "practices", "--grants", "sample-logs/grants", "--format", "json"]);
        let output = run.args(more).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let card: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(card["schema"], "trimtrail.practices/1");
        let lines = card["practices"].as_array().expect("a list");
        lines
            .iter()
            .map(|line| line["state"].as_str().expect("a state").to_owned())
            .collect::<Vec<String>>()
    };
    let (to_do, unknown) = ("to do", "cannot be judged from this input");
    let with_logs = states(&["--logs", "sample-logs/AWSLogs", "--min-window", "7d"]);
    assert_eq!([&with_logs[0], &with_logs[1], &with_logs[4]], [to_do; 3]);
    let without = states(&[]);
    // Escalation is read off the grants; who is idle is not.
    assert_eq!([&without[2], &without[4], &without[11]], [to_do, unknown, unknown]);
}
