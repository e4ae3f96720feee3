//! That both files say what they should, about actions that exist.

use super::*;
use crate::catalog::Catalog;

/// Actions of services that AWS closed, or that the catalog's sources do not list.
const NOT_IN_THE_CATALOG: [&str; 9] = [
    "codestar:AssociateTeamMember",
    "codestar:CreateProject",
    "codestar:DeleteProject",
    "codestar:DisassociateTeamMember",
    "codestar:UpdateTeamMember",
    "deeplens:AssociateServiceRoleToAccount",
    "sso:DeletePermissionsPolicy",
    "sso:UpdateDirectoryAssociation",
    "workmail:ResetUserPassword",
];

#[test]
fn every_line_of_the_paths_is_read() {
    let lines = rows(include_str!("../data/escalation.tsv")).count();
    assert_eq!(lines, 65);
    assert_eq!(escalation_paths().len(), lines);
    assert!(escalation_paths().is_sorted_by_key(|path| path.id));
}

#[test]
fn every_action_of_a_path_exists() {
    let catalog = Catalog::embedded();
    let actions = escalation_paths().iter().flat_map(|path| &path.actions);
    let unknown: Vec<&&str> = actions.filter(|action| catalog.id(action).is_none()).collect();
    assert_eq!(unknown, Vec::<&&str>::new());
}

#[test]
fn a_role_is_passed_exactly_where_the_path_says_to_whom() {
    for path in escalation_paths() {
        let passes = path.actions.contains(&"iam:PassRole");
        assert_eq!(passes, path.passed_to.is_some(), "{}", path.id);
        assert_eq!(passes, path.target == Target::PassedRole, "{}", path.id);
        let about_somebody = path
            .actions
            .iter()
            .any(|action| action.starts_with("iam:") || *action == "sts:AssumeRole");
        assert_eq!(about_somebody, path.target != Target::Nobody, "{}", path.id);
    }
}

#[test]
fn every_line_of_the_sensitive_actions_is_read_and_known() {
    let catalog = Catalog::embedded();
    let mut unknown = Vec::new();
    let mut last = String::new();
    for row in rows(include_str!("../data/sensitive.tsv")) {
        assert_eq!(row.len(), 2, "{row:?}");
        assert!(sensitive(row[0]).is_some(), "{row:?}");
        let lower = row[0].to_ascii_lowercase();
        assert!(last < lower, "{last} before {lower}");
        last = lower;
        if catalog.id(row[0]).is_none() {
            unknown.push(row[0]);
        }
    }
    assert_eq!(unknown, NOT_IN_THE_CATALOG);
}

#[test]
fn a_secret_is_a_credential_and_an_object_is_data() {
    assert_eq!(
        sensitive("secretsmanager:getsecretvalue"),
        Some(Sensitive::CredentialExposure)
    );
    assert_eq!(sensitive("s3:GetObject"), Some(Sensitive::DataAccess));
    assert_eq!(sensitive("iam:PutRolePolicy"), Some(Sensitive::PrivilegeEscalation));
    assert_eq!(sensitive("ec2:DescribeInstances"), None);
}
