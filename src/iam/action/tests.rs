//! Actions ignore case; patterns are globs over the whole `service:Name`.

use super::*;

fn check(pattern: &str, action: &str, expected: bool) {
    assert_eq!(
        ActionPattern::new(pattern).matches(action),
        expected,
        "{pattern} on {action}"
    );
}

#[test]
fn case_never_matters_for_actions() {
    check("S3:getobject", "s3:GetObject", true);
    check("s3:GETObject*", "S3:getObjectAcl", true);
    check("s3:Get*", "s3:PutObject", false);
    check("*", "anything:AtAll", true);
    check("s3:*", "s3-object-lambda:GetObject", false);
    check("ec2:Describe?nstances", "ec2:DescribeInstances", true);
}

#[test]
fn the_original_spelling_is_kept() {
    let pattern = ActionPattern::new("S3:getObject");
    assert_eq!(pattern.text(), "S3:getObject");
    assert_eq!(pattern, ActionPattern::new("s3:GetObject"));
}
