//! How to take something out of service: commands in a safe order, each with what undoes it.

use crate::grants::{Grants, Kind, PolicyKind, Principal, PrincipalIndex};
use crate::iam::policy::Principal as Named;
use crate::iam::{Effect, PrincipalPart};

/// Denies everything, under a name that can be found again.
const DENIAL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
/// The inline policy of the waiting time.
const NAME: &str = "trimtrail-out-of-service";

/// First nobody can use it, then time passes, then it goes piece by piece.
pub(super) fn principal(grants: &Grants, index: PrincipalIndex) -> Vec<String> {
    let principal = &grants.principals[index];
    let (kind, name) = (principal.kind.name(), shell(&principal.name));
    let own = format!("--{kind}-name {name}");
    let mut steps = Vec::new();
    let mut step = |does: String, undo: String| steps.push(format!("{does}  # undo: {undo}"));
    step(
        format!(
            "aws iam put-{kind}-policy {own} --policy-name {NAME} --policy-document {}",
            shell(DENIAL)
        ),
        format!("aws iam delete-{kind}-policy {own} --policy-name {NAME}"),
    );
    if principal.kind == Kind::User {
        step(
            format!(
                "aws iam update-access-key {own} --status Inactive --access-key-id KEY, for each of aws iam list-access-keys {own}"
            ),
            format!("aws iam update-access-key {own} --status Active --access-key-id KEY"),
        );
    }
    step(
        "wait 14 days, and look for denied calls of it".to_owned(),
        "the commands above".to_owned(),
    );
    let policies = principal.policies.iter().map(|policy| &grants.policies[*policy]);
    for (at, policy) in policies.enumerate() {
        match policy.kind {
            PolicyKind::Managed | PolicyKind::AwsManaged => {
                let arn = shell(&policy.arn);
                step(
                    format!("aws iam detach-{kind}-policy {own} --policy-arn {arn}"),
                    format!("aws iam attach-{kind}-policy {own} --policy-arn {arn}"),
                );
            }
            PolicyKind::Inline => {
                let policy = shell(&policy.name);
                step(
                    format!(
                        "aws iam get-{kind}-policy {own} --policy-name {policy} > saved-{at}.json && aws iam delete-{kind}-policy {own} --policy-name {policy}"
                    ),
                    format!(
                        "aws iam put-{kind}-policy {own} --policy-name {policy} --policy-document, with PolicyDocument of saved-{at}.json"
                    ),
                );
            }
        }
    }
    for group in principal
        .groups
        .iter()
        .map(|group| shell(&grants.principals[*group].name))
    {
        step(
            format!("aws iam remove-user-from-group {own} --group-name {group}"),
            format!("aws iam add-user-to-group {own} --group-name {group}"),
        );
    }
    for profile in principal.instance_profiles.iter().map(|profile| shell(profile)) {
        step(
            format!("aws iam remove-role-from-instance-profile {own} --instance-profile-name {profile}"),
            format!("aws iam add-role-to-instance-profile {own} --instance-profile-name {profile}"),
        );
    }
    steps.push(format!("aws iam delete-{kind}-policy {own} --policy-name {NAME}"));
    steps.push(last(principal, &own));
    steps
}

/// Where to look for services that have an idle role, as its trust policy names them: commands that only read.
pub(super) fn looks(role: &Principal) -> Vec<String> {
    let arn = shell(&role.arn);
    let of_service = |service: &str| {
        match service.strip_suffix(".cn").unwrap_or(service) {
        "ec2.amazonaws.com" => role
            .instance_profiles
            .iter()
            .map(|profile| {
                format!(
                    "aws ec2 describe-instances --filters {} --query 'Reservations[].Instances[].InstanceId'  # in each region: does one have it?",
                    shell(&format!("Name=iam-instance-profile.arn,Values=*/{profile}"))
                )
            })
            .collect(),
        "lambda.amazonaws.com" => vec![format!(
            "aws lambda list-functions --query {}  # in each region: does one have it?",
            shell(&format!("Functions[?Role=='{}'].FunctionName", role.arn))
        )],
        "ecs-tasks.amazonaws.com" => vec![format!(
            "aws ecs describe-task-definition --task-definition NAME --query 'taskDefinition.[taskRoleArn,executionRoleArn]'  # for each of aws ecs list-task-definitions: is one of them {arn}?"
        )],
        _ => Vec::new(),
    }
    };
    let mut services: Vec<&str> = Vec::new();
    for statement in role.trust_statements() {
        let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) else {
            continue;
        };
        services.extend(named.iter().filter_map(|who| match who {
            Named::Service(service) => Some(service.as_str()),
            Named::Everyone | Named::Aws(_) | Named::Federated(_) | Named::CanonicalUser(_) => None,
        }));
    }
    services.sort_unstable();
    services.dedup();
    services.into_iter().flat_map(of_service).collect()
}

/// A permission set's assignments in one account: Identity Center makes its roles, and alone may change them (IAM Identity
/// Center user guide, "Referencing permission sets in resource policies").
pub(super) fn assignments(set: &str, account: &str) -> Vec<String> {
    let of_set = "--instance-arn INSTANCE --permission-set-arn SET";
    let target = "--target-type AWS_ACCOUNT --principal-type TYPE --principal-id ID";
    vec![
        format!(
            "aws sso-admin list-permission-sets --instance-arn INSTANCE  # INSTANCE of aws sso-admin list-instances; SET is the one whose Name is {}",
            shell(set)
        ),
        format!("aws sso-admin list-account-assignments {of_set} --account-id {account}  # who has it here"),
        format!(
            "aws sso-admin delete-account-assignment {of_set} --target-id {account} {target}, for each of them  # undo: aws sso-admin create-account-assignment {of_set} --target-id {account} {target}"
        ),
    ]
}

/// A group without members: its policies are saved and taken off, then it goes.
pub(super) fn group(grants: &Grants, index: PrincipalIndex) -> Vec<String> {
    let group = &grants.principals[index];
    let own = format!("--group-name {}", shell(&group.name));
    let mut steps: Vec<String> = Vec::new();
    let policies = group.policies.iter().map(|policy| &grants.policies[*policy]);
    for (at, policy) in policies.enumerate() {
        steps.push(match policy.kind {
            PolicyKind::Managed | PolicyKind::AwsManaged => {
                let arn = shell(&policy.arn);
                format!(
                    "aws iam detach-group-policy {own} --policy-arn {arn}  # undo: aws iam attach-group-policy {own} --policy-arn {arn}"
                )
            }
            PolicyKind::Inline => {
                let policy = shell(&policy.name);
                format!(
                    "aws iam get-group-policy {own} --policy-name {policy} > saved-{at}.json && aws iam delete-group-policy {own} --policy-name {policy}  # undo: aws iam put-group-policy {own} --policy-name {policy} --policy-document, with PolicyDocument of saved-{at}.json"
                )
            }
        });
    }
    steps.push(last(group, &own));
    steps
}

/// The step that nothing undoes.
fn last(principal: &Principal, own: &str) -> String {
    match principal.kind {
        Kind::Role => format!("aws iam delete-role {own}  # no undo: a new role of the name has another id"),
        Kind::User => format!(
            "aws iam delete-login-profile {own}; aws iam delete-access-key {own} --access-key-id KEY; aws iam delete-user {own}  # no undo"
        ),
        Kind::Group => format!("aws iam delete-group {own}  # no undo: make it again"),
    }
}

/// A word as a shell takes it. Names are other people's.
pub(super) fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-_/:".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        let printable: String = word.chars().filter(|c| !c.is_control()).collect();
        format!("'{}'", printable.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
