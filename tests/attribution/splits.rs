//! What a role is beside its policies, in the roles that it should be: its tags, and its name in others' policies.

use trimtrail::inside::report::RoleSplit;

use super::families::session_of;
use super::*;

/// Two callers use the role, one of them to take another one.
fn split(change: impl Fn(&mut Value)) -> Option<RoleSplit> {
    let mut grants = role(&allow(
        &json!(["ec2:Describe*", "sqs:List*", "sts:AssumeRole"]),
        &json!("*"),
    ));
    grants["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"] = json!([trusts_account()]);
    change(&mut grants);
    let events = [
        session_of("ci", "deploy", "ec2", "DescribeInstances"),
        session_of("cd", "report", "sts", "AssumeRole"),
    ];
    let report = analyze(&[background(), events.concat()].concat(), &grants, &options(), 1);
    report.alternatives.into_iter().find_map(|one| one.split)
}

fn condition(key: &str) -> impl Fn(&mut Value) {
    move |grants| {
        let policy = &mut grants["RoleDetailList"][0]["RolePolicyList"][0]["PolicyDocument"];
        policy["Statement"][0]["Condition"] = json!({"StringLike": {key: "x*"}});
    }
}

#[test]
fn the_roles_of_a_split_have_the_shared_ones_tags() {
    let split = split(|grants| {
        condition("aws:PrincipalTag/Team")(grants);
        grants["RoleDetailList"][0]["Tags"] = json!([{"Key": "team", "Value": "x${y}\"z"}, {"Key": "a", "Value": ""},
            {"Key": "aws:cloudformation:stack-name", "Value": "s"}]);
    });
    let parts = split.expect("a split").parts;
    assert_eq!(parts.len(), 2);
    for part in parts {
        let lines = "  tags = {\n    \"a\"    = \"\"\n    \"team\" = \"x$${y}\\\"z\"\n  }\n";
        assert!(part.terraform.contains(lines), "{}", part.terraform);
        assert_eq!(json!(part.tags), json!({"a": "", "team": "x${y}\"z"}));
    }
}

#[test]
fn a_role_whose_policies_ask_for_what_only_it_has_is_not_split() {
    let none = |key: &str| assert_eq!(split(condition(key)), None, "{key}");
    none("aws:PrincipalTag/team");
    none("aws:principaltag/aws:cloudformation:stack-name");
    none("aws:PrincipalArn");
    none("aws:userid");
    for key in ["aws:PrincipalTag/kubernetes-namespace", "aws:PrincipalAccount"] {
        assert!(split(condition(key)).is_some(), "{key}");
    }
}

#[test]
fn a_role_that_trusts_the_shared_one_by_name_has_to_trust_the_part_that_takes_it() {
    let named_by = |principal: Value, condition: Value| -> Vec<String> {
        let split = split(|grants| {
            let mut other = grants["RoleDetailList"][0].clone();
            (other["Arn"], other["RoleName"]) = (json!("arn:aws:iam::111122223333:role/b"), json!("b"));
            other["RoleId"] = json!("AROAB");
            other["AssumeRolePolicyDocument"]["Statement"] = json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": principal}, "Condition": condition}]);
            grants["RoleDetailList"].as_array_mut().expect("roles").push(other);
        });
        let told = split.expect("a split").parts.into_iter().map(|part| {
            assert_eq!(part.verdict.keeps == "proved", part.named_by.is_empty());
            format!("{} {}", part.name, part.named_by.join(" "))
        });
        told.collect()
    };
    let by_cd = ["app-cd arn:aws:iam::111122223333:role/b", "app-ci "];
    assert_eq!(named_by(json!(ROLE), json!({})), by_cd);
    let root = "arn:aws:iam::111122223333:root";
    assert_eq!(
        named_by(json!(root), json!({"ArnEquals": {"aws:PrincipalArn": ROLE}})),
        by_cd
    );
    assert_eq!(
        named_by(json!(root), json!({"StringLike": {"aws:userid": "AROAAPP:*"}})),
        by_cd
    );
    let neither = ["app-cd ", "app-ci "];
    assert_eq!(named_by(json!(root), json!({})), neither);
    assert_eq!(
        named_by(
            json!(root),
            json!({"ArnLike": {"aws:PrincipalArn": format!("{ROLE}*")}})
        ),
        neither
    );
}
