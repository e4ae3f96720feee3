//! Commands as a shell takes them.

use super::*;

#[test]
fn names_of_strangers_stay_one_word() {
    assert_eq!(shell("ci-deploy"), "ci-deploy");
    assert_eq!(shell("a; rm -rf /"), "'a; rm -rf /'");
    assert_eq!(shell("it's $(x)"), r"'it'\''s $(x)'");
    assert_eq!(shell(""), "''");
    assert_eq!(shell("a\nb"), "'ab'");
}

#[test]
fn a_user_is_denied_before_it_is_deleted() {
    let export = serde_json::json!({"UserDetailList": [{"Arn": "arn:aws:iam::111122223333:user/x", "UserName": "x",
        "GroupList": ["g"], "UserPolicyList": [{"PolicyName": "p", "PolicyDocument":
            {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]}],
        "GroupDetailList": [{"Arn": "arn:aws:iam::111122223333:group/g", "GroupName": "g"}]});
    let grants = crate::grants::read(&[("g".to_owned(), export.to_string())]).expect("grants");
    let commands = principal(&grants, 1);
    let first_words: Vec<&str> = commands.iter().filter_map(|line| line.split(" --").next()).collect();
    assert_eq!(
        first_words,
        [
            "aws iam put-user-policy",
            "aws iam update-access-key",
            "wait 14 days, and look for denied calls of it  # undo: the commands above",
            "aws iam get-user-policy",
            "aws iam remove-user-from-group",
            "aws iam delete-user-policy",
            "aws iam delete-login-profile",
        ]
    );
    let undone = commands.iter().take(5).all(|line| line.contains("# undo: "));
    assert!(undone, "{commands:?}");
}
