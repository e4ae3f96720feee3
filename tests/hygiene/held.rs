//! Advice that rests on what nobody could have seen, or that is for whoever waits for a rare day, is a question and no command.

use super::unused::{advice, goes, idle, idle_with, options, weeks};
use super::*;

/// A user `y` that made no call, with these actions.
fn quiet_user(actions: &Value) -> Value {
    json!({"UserDetailList": [{"Arn": "arn:aws:iam::111122223333:user/y", "UserName": "y", "UserId": "AIDAY", "Path": "/",
        "CreateDate": "2025-01-01T00:00:00Z", "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": allow(actions)}]}]})
}

#[test]
fn a_user_whose_use_no_log_would_show_is_asked_about() {
    let unused = "user,arn,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date\n\
        y,arn:aws:iam::111122223333:user/y,false,false,true,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z\n";
    for (actions, with_report, without) in [
        (json!(["s3:GetObject", "s3:PutObject"]), true, false),
        (json!("ses:SendRawEmail"), true, false),
        (json!("cassandra:Select"), true, false),
        // What it does all day is in no log, what it does not do would be.
        (json!("s3:*"), true, false),
        (json!("*"), true, false),
        (json!("ec2:*"), true, true),
        (json!("ec2:DescribeVpcs"), true, true),
        // Its region has no log.
        (json!("iam:GetUser"), true, false),
    ] {
        let user = quiet_user(&actions);
        assert_eq!(
            goes("idle-user", &weeks(), &user, Some(unused)),
            with_report,
            "{actions}"
        );
        assert_eq!(goes("idle-user", &weeks(), &user, None), without, "{actions}");
    }
    // A session of a role does not begin unseen.
    let reads = idle_with(
        "RolePolicyList",
        json!([{"PolicyName": "p", "PolicyDocument": allow(&json!("s3:GetObject"))}]),
    );
    assert!(goes("idle-role", &weeks(), &reads, None));
}

#[test]
fn whoever_waits_for_a_rare_day_is_asked_about() {
    let named = |name: &str, tags: Value| {
        let mut grants = idle_with("RoleName", json!(name));
        grants["RoleDetailList"][0]["Arn"] = json!(format!("arn:aws:iam::{ACCOUNT}:role/{name}"));
        grants["RoleDetailList"][0]["Tags"] = tags;
        goes("idle-role", &weeks(), &grants, None)
    };
    for name in [
        "OrganizationAccountAccessRole",
        "AWSControlTowerExecution",
        "AWSCloudFormationStackSetExecutionRole",
        "stacksets-exec-0123456789abcdef",
        "break-glass",
        "BreakGlassAdmin",
        "emergency_admin",
    ] {
        assert!(!named(name, json!([])), "{name}");
    }
    assert!(!named("app", json!([{"Key": "purpose", "Value": "break-glass"}])));
    assert!(!named("app", json!([{"Key": "BreakGlass", "Value": "true"}])));
    assert!(named(
        "app",
        json!([{"Key": "aws:cloudformation:stack-name", "Value": "StackSet-baseline-1"}])
    ));
    assert!(named("glass-shop", json!([])));
    let of_stack_sets = json!({"Principal": {"AWS": "arn:aws:iam::111122223333:role/AWSCloudFormationStackSetAdministrationRole"},
        "Action": "sts:AssumeRole"});
    let grants = idle_with("AssumeRolePolicyDocument", trust(&of_stack_sets));
    assert!(!goes("idle-role", &weeks(), &grants, None));

    let mut user = quiet_user(&json!("ec2:*"));
    user["UserDetailList"][0]["Path"] = json!("/break-glass/");
    assert!(!goes("idle-user", &weeks(), &user, None));
}

#[test]
fn a_trust_stays_while_iam_saw_a_use_that_the_archive_lacks() {
    let foreign = json!({"Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"});
    let fix = |name: &str, used: Value| {
        let mut grants = idle();
        let role = &mut grants["RoleDetailList"][0];
        role["AssumeRolePolicyDocument"] = trust(&foreign);
        role["RoleName"] = json!(name);
        role["RoleLastUsed"] = used;
        let (fix, commands) =
            advice("unused-cross-account-trust", &weeks(), &grants, None, &options()).expect("it is told");
        assert_eq!(commands, [""; 0]);
        fix
    };
    let used = |date: &str| json!({"LastUsedDate": date, "Region": "eu-west-1"});
    assert!(fix("app", json!({})).starts_with("take "));
    assert!(fix("app", used("2025-01-05T00:00:00Z")).starts_with("take "));
    for date in ["2026-10-05T00:00:00Z", "2026-11-05T00:00:00Z"] {
        let fix = fix("app", used(date));
        assert!(fix.starts_with("nothing yet: IAM saw its last use on "), "{fix}");
    }
    let fix = fix("OrganizationAccountAccessRole", json!({}));
    assert!(fix.starts_with("nothing yet: the organization's"), "{fix}");
}

/// A credential report as AWS prints it, made on a day.
fn report_of(line: &str, made: &str) -> String {
    use base64::Engine as _;
    let text = format!(
        "user,arn,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date\n{line}\n"
    );
    let content = base64::engine::general_purpose::STANDARD.encode(text);
    json!({"Content": content, "GeneratedTime": made, "ReportFormat": "text/csv"}).to_string()
}

#[test]
fn a_credential_report_of_another_time_or_unreadable_ends_no_key() {
    let line = |made: &str, used: &str| format!("y,arn:aws:iam::111122223333:user/y,false,false,true,{made},{used}");
    let (s3, ec2) = (quiet_user(&json!("s3:*")), quiet_user(&json!("ec2:*")));
    let of = |id: &str, user: &Value, line: &str, made: &str| goes(id, &weeks(), user, Some(&report_of(line, made)));
    let never = line("2025-01-01T00:00:00Z", "N/A");
    let (today, old) = ("2026-10-15T08:00:00Z", "2025-03-01T00:00:00Z");
    for id in ["unused-key", "idle-user"] {
        assert!(of(id, &s3, &never, today), "{id}");
        assert!(!of(id, &s3, &never, old), "{id}");
    }
    for line in [line("garbage", "garbage"), line("2025-01-01T00:00:00Z", "03/10/2026")] {
        assert!(!of("unused-key", &ec2, &line, today), "{line}");
        assert!(!of("idle-user", &ec2, &line, today), "{line}");
    }
    // A key that was made a week ago waits for its first use.
    let new = line("2026-10-08T00:00:00Z", "N/A");
    let advised = advice("idle-user", &weeks(), &ec2, Some(&report_of(&new, today)), &options());
    assert_eq!(advised, None);
}
