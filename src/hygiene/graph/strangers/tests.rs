//! Who may take a role that never was meant to.

use serde_json::{Value, json};

use super::*;

const GITHUB: &str = "token.actions.githubusercontent.com";
const EKS: &str = "oidc.eks.eu-west-1.amazonaws.com/id/AAAA1111";

fn of(statements: &Value) -> Vec<Guest> {
    let export = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/app", "RoleName": "app",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": statements}}]});
    let grants = crate::grants::read(&[("g".to_owned(), export.to_string())]).expect("grants");
    assert!(
        matches!(grants.principals[0].trust, Some(Ok(_))),
        "{:?}",
        grants.principals[0].trust
    );
    guests(&grants.principals[0])
}

fn web(provider: &str, condition: &Value) -> Value {
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{provider}");
    json!({"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition})
}

fn aws(condition: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition})
}

/// How far the farthest guest is, and whether a condition stands before all of those.
#[track_caller]
fn check(statement: &Value, expected: Option<(Far, bool)>) {
    let guests = of(statement);
    let far = guests.iter().map(|guest| guest.far).max();
    let found = far.map(|far| {
        (
            far,
            guests
                .iter()
                .filter(|guest| guest.far == far)
                .all(|guest| !guest.under.is_empty()),
        )
    });
    assert_eq!(found, expected, "{guests:?}");
}

const ANYBODY: Option<(Far, bool)> = Some((Far::Anybody, false));

fn sub(operator: &str, value: &Value) -> Value {
    let subject = format!("{GITHUB}:sub");
    let audience = format!("{GITHUB}:aud");
    let mut condition = json!({"StringEquals": {audience: "sts.amazonaws.com"}});
    condition[operator][subject] = value.clone();
    condition
}

#[test]
fn a_subject_that_is_named_lets_nobody_else_in() {
    check(
        &web(GITHUB, &sub("StringEquals", &json!("repo:o/r:ref:refs/heads/main"))),
        None,
    );
    check(&web(GITHUB, &sub("StringLike", &json!("repo:o/r:*"))), None);
    check(
        &web(
            GITHUB,
            &sub("StringLike", &json!(["repo:o/r:*", "repo:o/s:environment:prod"])),
        ),
        None,
    );
    check(
        &web(
            GITHUB,
            &sub("ForAnyValue:StringEquals", &json!("repo:o/r:ref:refs/heads/main")),
        ),
        None,
    );
}

#[test]
fn a_subject_that_is_anything_lets_anybody_in() {
    for value in ["*", "?*", "repo:*", "*:*", "repo:*/*:*", "repo:*:ref:refs/heads/main"] {
        check(&web(GITHUB, &sub("StringLike", &json!(value))), ANYBODY);
    }
    check(&web(GITHUB, &sub("StringLike", &json!(["repo:o/r:*", "*"]))), ANYBODY);
}

#[test]
fn a_subject_that_is_only_excepted_lets_everybody_else_in() {
    check(&web(GITHUB, &sub("StringNotEquals", &json!("x"))), ANYBODY);
    check(&web(GITHUB, &sub("StringNotLike", &json!("repo:bad/*"))), ANYBODY);
}

#[test]
fn operators_that_hold_of_a_missing_claim_bind_nothing() {
    check(
        &web(
            GITHUB,
            &sub("ForAllValues:StringEquals", &json!("repo:o/r:ref:refs/heads/main")),
        ),
        ANYBODY,
    );
    check(
        &web(
            GITHUB,
            &sub("StringEqualsIfExists", &json!("repo:o/r:ref:refs/heads/main")),
        ),
        ANYBODY,
    );
}

#[test]
fn no_condition_on_the_subject_lets_anybody_in() {
    let audience = format!("{GITHUB}:aud");
    check(
        &web(GITHUB, &json!({"StringEquals": {audience: "sts.amazonaws.com"}})),
        ANYBODY,
    );
    check(&web(GITHUB, &json!({})), ANYBODY);
    // The session's name and the region are the caller's to choose.
    check(
        &web(
            GITHUB,
            &json!({"StringLike": {"sts:RoleSessionName": "ci-*"}, "StringEquals": {"aws:RequestedRegion": "eu-west-1"}}),
        ),
        ANYBODY,
    );
}

#[test]
fn another_claim_may_bind_the_repository() {
    let (audience, owner) = (format!("{GITHUB}:aud"), format!("{GITHUB}:repository_id"));
    check(
        &web(
            GITHUB,
            &json!({"StringEquals": {audience: "sts.amazonaws.com", owner: "1234"}}),
        ),
        None,
    );
}

#[test]
fn a_wildcard_in_the_organization_lets_other_organizations_in() {
    check(&web(GITHUB, &sub("StringLike", &json!("repo:acme*"))), ANYBODY);
    check(&web(GITHUB, &sub("StringLike", &json!("repo:acme*/deploy:*"))), ANYBODY);
    check(
        &web(GITHUB, &sub("StringLike", &json!("repo:acme/*"))),
        Some((Far::Neighbour, false)),
    );
    check(
        &web(GITHUB, &sub("StringLike", &json!("repo:acme/deploy*"))),
        Some((Far::Neighbour, false)),
    );
}

#[test]
fn a_wildcard_in_the_owners_place_lets_other_owners_in() {
    for subject in [
        "*:environment:prod",
        "*:ref:refs/heads/main",
        "repo:*/deploy:*",
        "*/deploy:ref:*",
        "*:pull_request",
    ] {
        check(&web(GITHUB, &sub("StringLike", &json!(subject))), ANYBODY);
    }
    for subject in ["repo:acme/deploy:*:prod", "repo:acme/deploy:environment:*"] {
        check(&web(GITHUB, &sub("StringLike", &json!(subject))), None);
    }
}

#[test]
fn a_denial_of_everybody_else_closes_the_door() {
    let subject = format!("{GITHUB}:sub");
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{GITHUB}");
    let denial = json!({"Effect": "Deny", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringNotLike": {subject: "repo:o/r:*"}}});
    check(&json!([web(GITHUB, &sub("StringLike", &json!("*"))), denial]), None);
}

#[test]
fn a_token_for_another_audience_is_told() {
    let subject = format!("{GITHUB}:sub");
    check(
        &web(
            GITHUB,
            &json!({"StringEquals": {subject: "repo:o/r:ref:refs/heads/main"}}),
        ),
        Some((Far::Audience, false)),
    );
    let (subject, audience) = (format!("{EKS}:sub"), format!("{EKS}:aud"));
    let one = json!("system:serviceaccount:shop:cart");
    check(
        &web(EKS, &json!({"StringEquals": {subject.clone(): one}})),
        Some((Far::Audience, false)),
    );
    check(
        &web(
            EKS,
            &json!({"StringEquals": {subject: one, audience: "sts.amazonaws.com"}}),
        ),
        None,
    );
}

#[test]
fn service_accounts_of_all_namespaces_are_anybody_of_the_cluster() {
    let (subject, audience) = (format!("{EKS}:sub"), format!("{EKS}:aud"));
    let with = |value: &str| {
        web(
            EKS,
            &json!({"StringLike": {subject.clone(): value, audience.clone(): "sts.amazonaws.com"}}),
        )
    };
    check(&with("system:serviceaccount:*:*"), ANYBODY);
    check(&with("system:serviceaccount:*"), ANYBODY);
    check(&with("*"), ANYBODY);
    check(&with("system:serviceaccount:shop:*"), None);
    check(
        &web(EKS, &json!({"StringEquals": {audience.clone(): "sts.amazonaws.com"}})),
        ANYBODY,
    );
}

#[test]
fn an_identity_pool_is_named_by_its_audience() {
    let with = |condition: &Value| {
        json!({"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"},
            "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition})
    };
    let authenticated = json!({"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}});
    check(&with(&authenticated), ANYBODY);
    let mut bound = authenticated;
    bound["StringEquals"] = json!({"cognito-identity.amazonaws.com:aud": "us-east-1:12345678-corner-cafe-123456790ab"});
    check(&with(&bound), None);
    check(
        &with(&json!({"StringLike": {"cognito-identity.amazonaws.com:aud": "us-east-1:*"}})),
        ANYBODY,
    );
}

#[test]
fn everybody_is_bound_by_what_a_stranger_cannot_choose() {
    check(&aws(&json!({})), ANYBODY);
    check(
        &aws(&json!({"StringEquals": {"aws:PrincipalOrgID": "o-example1"}})),
        None,
    );
    check(
        &aws(&json!({"StringEquals": {"aws:PrincipalAccount": ["111122223333", "444455556666"]}})),
        None,
    );
    check(
        &aws(&json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ops-*"}})),
        None,
    );
    check(
        &aws(&json!({"StringEquals": {"sts:ExternalId": "s3cret"}})),
        Some((Far::Anybody, true)),
    );
    check(
        &aws(&json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
        Some((Far::Anybody, true)),
    );
}

#[test]
fn everybody_is_not_bound_by_what_a_stranger_chooses() {
    for condition in [
        json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ops-*"}}),
        json!({"StringEquals": {"aws:PrincipalTag/team": "ops"}}),
        json!({"StringLike": {"sts:RoleSessionName": "ops-*"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"StringLike": {"aws:UserAgent": "*ops*"}}),
        json!({"StringNotEquals": {"aws:PrincipalAccount": "444455556666"}}),
        json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-example1"}}),
        json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-example1/r-1/"}}),
        json!({"StringLike": {"aws:PrincipalOrgID": "*"}}),
        json!({"StringLike": {"aws:userid": "*:ops"}}),
    ] {
        check(&aws(&condition), ANYBODY);
    }
    check(&aws(&json!({"StringLike": {"aws:userid": "AROAOWN:*"}})), None);
}

#[test]
fn everybody_but_somebody_is_everybody() {
    let but = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"});
    check(&but, ANYBODY);
}

#[test]
fn everybody_may_come_by_a_pool_of_their_own() {
    let any = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity"});
    check(&any, ANYBODY);
}

#[test]
fn subjects_of_other_systems_are_read_in_their_own_form() {
    let with = |host: &str, value: &str| {
        let (subject, audience) = (format!("{host}:sub"), format!("{host}:aud"));
        web(
            host,
            &json!({"StringLike": {subject: value}, "StringEquals": {audience: "aws"}}),
        )
    };
    check(&with("gitlab.com", "project_path:*"), ANYBODY);
    check(
        &with("gitlab.com", "project_path:*/site:ref_type:branch:ref:main"),
        ANYBODY,
    );
    check(&with("app.terraform.io", "*:run_phase:apply"), ANYBODY);
    check(
        &with("gitlab.com", "project_path:group/project:ref_type:branch:ref:main"),
        None,
    );
    check(&with("app.terraform.io", "organization:*:project:*"), ANYBODY);
    check(
        &with(
            "app.terraform.io",
            "organization:acme:project:*:workspace:*:run_phase:*",
        ),
        None,
    );
    check(&with("github.example.com/_services/token", "repo:*"), ANYBODY);
    check(
        &with("s3.amazonaws.com/own-cluster", "system:serviceaccount:*:*"),
        ANYBODY,
    );
}

#[test]
fn services_accounts_and_company_directories_are_no_strangers() {
    let saml = json!({"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"},
        "Action": "sts:AssumeRoleWithSAML", "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}});
    check(&saml, None);
    check(
        &json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        None,
    );
    check(
        &json!({"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}),
        None,
    );
}
