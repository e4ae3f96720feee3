//! Sessions of one caller by the families of their names, and the roles that they should be.

use super::*;

/// A session that a role opened under this name, and a call in it.
pub(super) fn session_of(caller: &str, name: &str, service: &str, operation: &str) -> [Value; 2] {
    let name_as_hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("ASIA{caller}{name_as_hex}");
    let id = format!("AROA{}", caller.to_uppercase());
    let request = json!({"roleArn": ROLE, "roleSessionName": name});
    let seed = opened(&key, "AssumeRole", session(&id, caller, caller), request, json!({}));
    let mut event = at(call(3, service, operation, json!({})), "2026-10-03T10:00:00Z");
    event["userIdentity"]["accessKeyId"] = json!(key);
    [seed, event]
}

/// `CALLER CALLS [FAMILY CALLS, …]` of each user of the role, and `PART: ACTIONS` of each role that it should be.
#[track_caller]
fn check(events: &[[Value; 2]], users: &[&str], parts: &[&str]) {
    let mut grants = role(&allow(&json!(["ec2:Describe*", "sqs:List*", "sns:List*"]), &json!("*")));
    grants["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"] = json!([trusts_account()]);
    let report = analyze(&[background(), events.concat()].concat(), &grants, &options(), 1);
    let principal = report.principals.iter().find(|one| one.arn == ROLE).expect("the role");
    let found: Vec<String> = principal
        .workloads
        .iter()
        .map(|one| {
            let families = one
                .sessions
                .iter()
                .map(|family| format!("{} {}", family.named, family.calls));
            let caller = one.name.rsplit('/').next().unwrap_or_default();
            format!("{caller} {} {:?}", one.calls, families.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(found, users);
    let splits = report.alternatives.iter().filter_map(|one| one.split.as_ref());
    let found: Vec<String> = splits
        .flat_map(|split| &split.parts)
        .map(|part| format!("{}: {}", part.name, part.uses.join(", ")))
        .collect();
    assert_eq!(found, parts);
}

#[test]
fn a_caller_is_parted_by_the_families_of_its_sessions() {
    check(
        &[
            session_of("ci", "deploy-1234", "ec2", "DescribeInstances"),
            session_of("ci", "deploy-1235", "ec2", "DescribeVpcs"),
            session_of("ci", "report-2026-10-03", "sqs", "ListQueues"),
        ],
        &[r#"ci 3 ["deploy-* 2", "report-* 1"]"#],
        &[
            "app-deploy: ec2:DescribeInstances, ec2:DescribeVpcs",
            "app-report: sqs:ListQueues",
        ],
    );
}

#[test]
fn sessions_of_one_family_are_one_workload() {
    check(
        &[
            session_of("ci", "deploy-1234", "ec2", "DescribeInstances"),
            session_of("ci", "deploy-1235", "sqs", "ListQueues"),
        ],
        &[r#"ci 2 ["deploy-* 2"]"#],
        &[],
    );
}

#[test]
fn callers_that_name_their_sessions_alike_stay_two() {
    check(
        &[
            session_of("ci", "deploy-1", "ec2", "DescribeInstances"),
            session_of("cron", "deploy-2", "sqs", "ListQueues"),
        ],
        &[r#"ci 1 ["deploy-* 1"]"#, r#"cron 1 ["deploy-* 1"]"#],
        &["app-ci: ec2:DescribeInstances", "app-cron: sqs:ListQueues"],
    );
}

#[test]
fn one_session_whose_name_tells_nothing_may_be_of_any_family() {
    for name in ["1699456147945229070", "de*ploy-1", "<script>", "x"] {
        check(
            &[
                session_of("ci", "deploy-1234", "ec2", "DescribeInstances"),
                session_of("ci", "report-1", "sqs", "ListQueues"),
                session_of("ci", name, "sns", "ListTopics"),
            ],
            &["ci 3 []"],
            &[],
        );
    }
}

#[test]
fn too_many_families_are_one_workload() {
    let named = |count: u8| -> Vec<[Value; 2]> {
        let letters = (b'g'..).take(usize::from(count)).map(char::from);
        let sessions = letters.map(|letter| session_of("ci", &format!("job{letter}-1"), "ec2", "DescribeVpcs"));
        sessions.collect()
    };
    check(&named(17), &["ci 17 []"], &[]);
    let most: Vec<String> = (b'g'..)
        .take(16)
        .map(|letter| format!("job{}-* 1", char::from(letter)))
        .collect();
    let parts: Vec<String> = (b'g'..)
        .take(16)
        .map(|letter| format!("app-job{}: ec2:DescribeVpcs", char::from(letter)))
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    check(&named(16), &[&format!("ci 16 {most:?}")], &parts);
}
