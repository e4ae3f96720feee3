//! How dangerous an action is in the wrong hands; suggestions are ranked by the risk that they remove.

use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::gap::ActionSet;

/// Actions by which somebody can get more permissions than they have (after Rhino Security Labs' list of AWS privilege
/// escalation methods, 2019, each checked against the catalog by a test).
pub const ESCALATION: [&str; 33] = [
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "codestar:CreateProject",
    "datapipeline:CreatePipeline",
    "ec2:RunInstances",
    "glue:CreateDevEndpoint",
    "glue:CreateJob",
    "glue:UpdateDevEndpoint",
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PassRole",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:UpdateFunctionCode",
    "sagemaker:CreateNotebookInstance",
    "ssm:SendCommand",
    "ssm:StartSession",
    "sts:AssumeRole",
];

/// The weight of one action.
pub fn weight(catalog: &Catalog, action: ActionId) -> u64 {
    if ESCALATION.binary_search(&catalog.name(action)).is_ok() {
        return 100;
    }
    match catalog.access_level(action) {
        AccessLevel::PermissionsManagement => 20,
        AccessLevel::Write => 3,
        AccessLevel::Read | AccessLevel::Tagging => 1,
        AccessLevel::List => 0,
    }
}

/// Of some actions the most dangerous, at most `most`, none that only writes data.
pub fn riskiest(catalog: &Catalog, actions: &ActionSet, most: usize) -> Vec<ActionId> {
    let mut risky: Vec<ActionId> = actions.iter().filter(|action| weight(catalog, *action) >= 20).collect();
    let iam_first = |action: ActionId| catalog.service(action) != "iam";
    risky.sort_by_key(|action| (std::cmp::Reverse(weight(catalog, *action)), iam_first(*action), *action));
    risky.truncate(most);
    risky
}
