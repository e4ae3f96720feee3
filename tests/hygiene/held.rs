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
