//! What weighs more than what.

use super::*;

fn of(action: &str) -> u64 {
    let catalog = Catalog::embedded();
    weight(catalog, catalog.id(action).expect(action))
}

#[test]
fn what_changes_permissions_alone_weighs_most() {
    for action in [
        "iam:PutRolePolicy",
        "iam:PassRole",
        "iam:CreateAccessKey",
        "ssm:SendCommand",
        "cloudformation:CreateStack",
    ] {
        assert_eq!(of(action), 100, "{action}");
    }
}

#[test]
fn a_step_of_a_path_weighs_its_share() {
    assert_eq!(of("datapipeline:ActivatePipeline"), 33);
    assert_eq!(of("ec2:DescribeInstances"), 0);
}

#[test]
fn a_secret_weighs_more_than_data_and_data_more_than_a_setting() {
    assert!(of("secretsmanager:GetSecretValue") > of("s3:GetObject"));
    assert!(of("s3:GetObject") > of("s3:GetBucketLocation"));
}
