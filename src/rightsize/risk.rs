//! How dangerous an action is in the wrong hands; suggestions are ranked by the risk that they remove.

use std::cmp::Reverse;

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

/// What every action of the catalog weighs, looked up once for thousands of suggestions.
#[derive(Clone, Debug)]
pub struct Risks {
    /// By action.
    weights: Vec<u64>,
    /// Actions that do more than write data, the most dangerous first.
    dangerous: Vec<ActionId>,
}

impl Risks {
    /// The weights of all actions.
    pub fn new(catalog: &Catalog) -> Risks {
        let weights: Vec<u64> = catalog.ids().map(|action| weight(catalog, action)).collect();
        let mut dangerous: Vec<ActionId> = catalog.ids().filter(|action| weights[action.index()] >= 20).collect();
        let iam_first = |action: ActionId| catalog.service(action) != "iam";
        dangerous.sort_by_key(|action| (Reverse(weights[action.index()]), iam_first(*action), *action));
        Risks { weights, dangerous }
    }

    /// The weight of one action.
    pub fn weight(&self, action: ActionId) -> u64 {
        self.weights[action.index()]
    }

    /// The weight of some actions together.
    pub fn sum(&self, actions: &ActionSet) -> u64 {
        actions.iter().map(|action| self.weight(action)).sum()
    }

    /// Of some actions the most dangerous, at most `most`, none that only writes data.
    pub fn riskiest(&self, actions: &ActionSet, most: usize) -> Vec<ActionId> {
        let risky = self.dangerous.iter().copied();
        risky.filter(|action| actions.contains(*action)).take(most).collect()
    }
}
