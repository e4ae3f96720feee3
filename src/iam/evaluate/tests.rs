//! Decisions: one case, one expected outcome, each with the rule of IAM's guide that it follows.

use crate::iam::simulate;
use serde_json::{Value, json};

const USER: &str = "arn:aws:iam::111122223333:user/ana";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/s1";
const OBJECT: &str = "arn:aws:s3:::b/k";

fn line(case: &Value) -> Value {
    simulate::decide(case)
}

#[track_caller]
fn check(case: Value, expected: &str) {
    let line = line(&case);
    assert_eq!(line["decision"], expected, "{case}\n{line}");
    assert_eq!(line.get("error"), None, "{case}\n{line}");
}

fn request(principal: &str, action: &str, resource: &str) -> Value {
    json!({"principal": principal, "action": action, "resource": resource, "context": {}})
}

fn get(principal: &str) -> Value {
    request(principal, "s3:GetObject", OBJECT)
}

fn allow(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Allow", "Action": action, "Resource": "*"}]})
}

fn deny(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "D", "Effect": "Deny", "Action": action, "Resource": "*"}]})
}

/// A resource policy that lets `principal` do everything.
fn lets(principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}]})
}

fn refuses(principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": principal, "Action": "*", "Resource": "*"}]})
}

#[test]
fn nothing_allows_by_itself() {
    check(json!({"request": get(USER)}), "implicitly_denied");
    check(
        json!({"request": get(USER), "identity_policies": []}),
        "implicitly_denied",
    );
    check(
        json!({"request": get(USER), "identity_policies": [{"Statement": []}]}),
        "implicitly_denied",
    );
    check(
        json!({"request": get(USER), "identity_policies": [allow("ec2:*")]}),
        "implicitly_denied",
    );
}

#[test]
fn an_identity_policy_allows_and_a_denial_wins() {
    check(
        json!({"request": get(USER), "identity_policies": [allow("s3:*")]}),
        "allowed",
    );
    check(
        json!({"request": get(USER), "identity_policies": [allow("S3:getobject")]}),
        "allowed",
    );
    check(
        json!({"request": get(USER), "identity_policies": [allow("s3:*"), deny("s3:Get*")]}),
        "explicitly_denied",
    );
    check(
        json!({"request": get(USER), "identity_policies": [deny("s3:Get*")]}),
        "explicitly_denied",
    );
    check(
        json!({"request": get(USER), "identity_policies": [allow("s3:*"), deny("s3:Put*")]}),
        "allowed",
    );
}

#[test]
fn the_answer_names_its_statements() {
    let answer =
        line(&json!({"name": "n", "request": get(USER), "identity_policies": [allow("s3:*"), deny("s3:Get*")]}));
    assert_eq!(
        answer,
        json!({"name": "n", "decision": "explicitly_denied", "missing_keys": [],
               "because": [{"policy": "identity_policies[1]", "statement": "D", "effect": "Deny"}]})
    );
    let unnamed = json!({"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}, {"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let answer = line(&json!({"request": get(USER), "identity_policies": [unnamed]}));
    assert_eq!(
        answer["because"],
        json!([{"policy": "identity_policies[0]", "statement": "1", "effect": "Allow"}])
    );
}

#[test]
fn resources_keep_their_case_and_actions_do_not() {
    let policy = json!({"Statement": {"Effect": "Allow", "Action": "S3:GETOBJECT", "Resource": "arn:aws:s3:::b/*"}});
    check(json!({"request": get(USER), "identity_policies": [policy]}), "allowed");
    check(
        json!({"request": request(USER, "s3:GetObject", "arn:aws:s3:::B/k"), "identity_policies": [policy]}),
        "implicitly_denied",
    );
}

#[test]
fn not_action_and_not_resource() {
    let policy =
        json!({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}});
    check(json!({"request": get(USER), "identity_policies": [policy]}), "allowed");
    check(
        json!({"request": request(USER, "IAM:GetRole", ROLE), "identity_policies": [policy]}),
        "implicitly_denied",
    );
    let secret = request(USER, "s3:GetObject", "arn:aws:s3:::secret/k");
    check(
        json!({"request": secret, "identity_policies": [policy]}),
        "implicitly_denied",
    );
}

#[test]
fn a_star_inside_that_would_cross_a_colon_leaves_it_open() {
    let on = |resource: &str| json!({"Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": resource}});
    let call = request(
        USER,
        "ec2:StartInstances",
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-1",
    );
    check(
        json!({"request": call, "identity_policies": [on("arn:aws:ec2:*:*:instance/*")]}),
        "allowed",
    );
    check(
        json!({"request": call, "identity_policies": [on("arn:aws:ec2:*:instance/*")]}),
        "unknown",
    );
    check(
        json!({"request": call, "identity_policies": [on("arn:aws:ec2:*:volume/*")]}),
        "implicitly_denied",
    );
}

#[test]
fn policy_variables_come_from_the_context() {
    let home = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}/*"}});
    let call = |context: Value| {
        json!({"request": {"principal": USER, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/ana/x", "context": context},
               "identity_policies": [home]})
    };
    check(call(json!({"aws:username": "ana"})), "allowed");
    check(call(json!({"AWS:UserName": ["ana"]})), "allowed");
    check(call(json!({"aws:username": "bo"})), "implicitly_denied");
    check(call(json!({"aws:username": "*"})), "implicitly_denied");
    check(call(json!({})), "implicitly_denied");
    let open = line(&call(json!({"aws:username": null})));
    assert_eq!(
        (&open["decision"], &open["missing_keys"]),
        (&json!("unknown"), &json!(["aws:username"]))
    );
}

#[test]
fn without_a_version_a_variable_is_text() {
    let home =
        json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}"}});
    let call = |resource: &str| {
        json!({"request": {"principal": USER, "action": "s3:GetObject", "resource": resource, "context": {"aws:username": "ana"}},
               "identity_policies": [home]})
    };
    check(call("arn:aws:s3:::b/${aws:username}"), "allowed");
    check(call("arn:aws:s3:::b/ana"), "implicitly_denied");
}

#[test]
fn a_resource_with_wildcards_is_taken_literally() {
    let on = |resource: &str| json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": resource}});
    let call = request(USER, "s3:GetObject", "arn:aws:s3:::b/*");
    check(
        json!({"request": call, "identity_policies": [on("arn:aws:s3:::b/${*}")]}),
        "allowed",
    );
    check(
        json!({"request": call, "identity_policies": [on("arn:aws:s3:::b/k")]}),
        "implicitly_denied",
    );
    let any = request(USER, "s3:ListAllMyBuckets", "*");
    check(json!({"request": any, "identity_policies": [on("*")]}), "allowed");
    check(
        json!({"request": any, "identity_policies": [on("arn:aws:s3:::*")]}),
        "implicitly_denied",
    );
}

#[test]
fn what_a_variable_without_value_excepts_is_open() {
    let but = |effect: &str| json!({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": "*", "NotResource": "arn:aws:s3:::${aws:username}"}});
    check(
        json!({"request": get(USER), "identity_policies": [but("Allow")]}),
        "unknown",
    );
    check(
        json!({"request": get(USER), "identity_policies": [allow("*"), but("Deny")]}),
        "unknown",
    );
}

#[test]
fn a_variable_outside_the_last_segment_leaves_it_open() {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:${aws:RequestedRegion}:111122223333:q"}});
    let case = |region: &str| {
        json!({"request": {"principal": USER, "action": "sqs:SendMessage", "resource": "arn:aws:sqs:eu-west-1:111122223333:q", "context": {"aws:RequestedRegion": region}},
               "identity_policies": [policy]})
    };
    check(case("eu-west-1"), "unknown");
    check(case("us-east-1"), "implicitly_denied");
}

#[test]
fn everybody_may_ask_who_they_are() {
    let case = |principal: &str| json!({"request": request(principal, "sts:GetCallerIdentity", "*"), "identity_policies": [deny("*")]});
    check(case(USER), "allowed");
    check(case(SESSION), "allowed");
    check(case("*"), "implicitly_denied");
}

// ---- what is unknown

fn if_tagged(effect: &str) -> Value {
    json!({"Statement": [{"Sid": "C", "Effect": effect, "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/t": "1"}}}]})
}

#[test]
fn an_unknown_key_matters_only_where_it_decides() {
    let call = json!({"principal": USER, "action": "s3:GetObject", "resource": OBJECT, "context": {"aws:PrincipalTag/t": null}});
    let check = |policies: Value, decision: &str, missing: Value| {
        let line = line(&json!({"request": call, "identity_policies": policies}));
        assert_eq!(
            (&line["decision"], &line["missing_keys"]),
            (&json!(decision), &missing),
            "{policies}"
        );
    };
    check(json!([if_tagged("Allow")]), "unknown", json!(["aws:PrincipalTag/t"]));
    check(json!([allow("*"), if_tagged("Allow")]), "allowed", json!([]));
    check(
        json!([allow("*"), if_tagged("Deny")]),
        "unknown",
        json!(["aws:PrincipalTag/t"]),
    );
    check(json!([deny("*"), if_tagged("Allow")]), "explicitly_denied", json!([]));
    check(json!([deny("*"), if_tagged("Deny")]), "explicitly_denied", json!([]));
    // Denied in any case, but nobody knows which way.
    check(json!([if_tagged("Deny")]), "unknown", json!(["aws:PrincipalTag/t"]));
}

// ---- boundary, session and Organizations' policies

#[test]
fn a_boundary_limits_and_never_grants() {
    let case = |boundaries: Value| json!({"request": get(USER), "identity_policies": [allow("s3:*")], "permission_boundaries": boundaries});
    check(case(json!([allow("s3:Get*")])), "allowed");
    check(case(json!([allow("ec2:*")])), "implicitly_denied");
    check(case(json!([deny("s3:*")])), "explicitly_denied");
    check(case(json!([])), "allowed");
    check(
        json!({"request": get(USER), "permission_boundaries": [allow("*")]}),
        "implicitly_denied",
    );
}

#[test]
fn a_session_policy_limits_and_never_grants() {
    let case = |session: Value| json!({"request": get(SESSION), "identity_policies": [allow("s3:*")], "session_policies": session});
    check(case(json!([allow("s3:Get*")])), "allowed");
    check(case(json!([allow("ec2:*")])), "implicitly_denied");
    check(case(json!([allow("ec2:*"), allow("s3:*")])), "allowed");
    check(case(json!([deny("s3:*")])), "explicitly_denied");
    check(
        json!({"request": get(SESSION), "session_policies": [allow("*")]}),
        "implicitly_denied",
    );
}

#[test]
fn every_level_of_service_control_policies_must_allow() {
    let case = |levels: Value| json!({"request": get(USER), "identity_policies": [allow("s3:*")], "service_control_policies": levels});
    check(case(json!([])), "allowed");
    check(case(json!([[allow("*")], [allow("s3:*")]])), "allowed");
    check(case(json!([[allow("*")], [allow("ec2:*")]])), "implicitly_denied");
    check(case(json!([[allow("*")], []])), "implicitly_denied");
    check(
        case(json!([[allow("*"), deny("s3:Get*")], [allow("*")]])),
        "explicitly_denied",
    );
    check(
        json!({"request": get(USER), "service_control_policies": [[allow("*")]]}),
        "implicitly_denied",
    );
}

#[test]
fn organizations_policies_do_not_reach_service_linked_roles() {
    let slr = "arn:aws:iam::111122223333:role/aws-service-role/es.amazonaws.com/AWSServiceRoleForX";
    check(
        json!({"request": get(slr), "identity_policies": [allow("s3:*")], "service_control_policies": [[deny("*")]]}),
        "allowed",
    );
}

#[test]
fn every_level_of_resource_control_policies_must_allow() {
    let case = |levels: Value| json!({"request": get(USER), "identity_policies": [allow("s3:*")], "resource_control_policies": levels});
    check(case(json!([[lets(json!("*"))]])), "allowed");
    check(case(json!([[lets(json!("*"))], []])), "implicitly_denied");
    check(
        case(json!([[lets(json!("*")), refuses(json!("*"))]])),
        "explicitly_denied",
    );
}

#[test]
fn resource_control_policies_bear_on_the_resource_whoever_calls() {
    let denies = json!([[lets(json!("*")), refuses(json!("*"))]]);
    let root = "arn:aws:iam::111122223333:root";
    for caller in [
        USER,
        SESSION,
        root,
        "lambda.amazonaws.com",
        "*",
        "arn:aws:iam::999999999999:user/bo",
    ] {
        let call = json!({"principal": caller, "action": "s3:GetObject", "resource": OBJECT, "resource_account": "111122223333", "context": {}});
        let mut case = json!({"request": call, "identity_policies": [allow("*")], "resource_policy": lets(json!("*"))});
        if caller == "lambda.amazonaws.com" {
            case["resource_policy"] = lets(json!({"Service": caller}));
        }
        check(case.clone(), "allowed");
        case["resource_control_policies"] = denies.clone();
        check(case, "explicitly_denied");
    }
}

#[test]
fn resource_control_policies_bear_on_some_services_and_never_on_service_linked_roles() {
    let case = |caller: &str, action: &str, resource: &str| {
        json!({"request": request(caller, action, resource), "identity_policies": [allow("*")],
               "resource_control_policies": [[lets(json!("*")), refuses(json!("*"))]]})
    };
    let slr = "arn:aws:iam::111122223333:role/aws-service-role/es.amazonaws.com/AWSServiceRoleForX";
    check(
        case(USER, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
        "explicitly_denied",
    );
    check(case(USER, "ec2:DescribeInstances", "*"), "allowed");
    check(case(slr, "s3:GetObject", OBJECT), "allowed");
    check(case(USER, "KMS:RetireGrant", "*"), "allowed");
    let mut assumed = case("es.amazonaws.com", "sts:AssumeRole", slr);
    assumed["resource_policy"] = json!({"Statement": {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    check(assumed, "allowed");
}

#[test]
fn a_perimeter_lets_the_organization_and_services_in() {
    let perimeter = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}]});
    let case = |context: Value| {
        json!({"request": {"principal": USER, "action": "s3:GetObject", "resource": OBJECT, "context": context}, "identity_policies": [allow("*")],
               "resource_control_policies": [[lets(json!("*"))], [lets(json!("*")), perimeter]]})
    };
    check(case(json!({"aws:PrincipalOrgID": "o-1"})), "allowed");
    check(case(json!({"aws:PrincipalOrgID": "o-2"})), "explicitly_denied");
    check(
        case(json!({"aws:PrincipalOrgID": "o-2", "aws:PrincipalIsAWSService": "true"})),
        "allowed",
    );
    check(case(json!({"aws:PrincipalOrgID": null})), "unknown");
}

#[test]
fn service_control_policies_do_not_reach_callers_without_an_account() {
    for (caller, principal) in [
        ("lambda.amazonaws.com", json!({"Service": "lambda.amazonaws.com"})),
        ("*", json!("*")),
    ] {
        check(
            json!({"request": get(caller), "service_control_policies": [[deny("*")]], "resource_policy": lets(principal)}),
            "allowed",
        );
    }
}

#[test]
fn the_root_user_needs_no_policy_and_obeys_service_control() {
    let root = "arn:aws:iam::111122223333:root";
    check(json!({"request": get(root)}), "allowed");
    check(
        json!({"request": get(root), "service_control_policies": [[allow("*"), deny("s3:*")]]}),
        "explicitly_denied",
    );
    check(
        json!({"request": get(root), "resource_policy": refuses(json!("*"))}),
        "explicitly_denied",
    );
}

// ---- resource policies, same account

#[test]
fn a_resource_policy_that_names_the_user_reaches_past_the_boundary() {
    let case = |principal: Value| json!({"request": get(USER), "permission_boundaries": [allow("ec2:*")], "resource_policy": lets(principal)});
    check(case(json!({"AWS": USER})), "allowed");
    check(
        case(json!({"AWS": "arn:aws:iam::111122223333:user/other"})),
        "implicitly_denied",
    );
    check(case(json!({"AWS": "111122223333"})), "implicitly_denied");
    check(
        json!({"request": get(USER), "permission_boundaries": [deny("s3:*")], "resource_policy": lets(json!({"AWS": USER}))}),
        "explicitly_denied",
    );
}

#[test]
fn a_resource_policy_that_names_the_session_reaches_past_boundary_and_session_policy() {
    let case = |caller: &str, principal: Value| {
        json!({"request": get(caller), "permission_boundaries": [allow("ec2:*")], "session_policies": [allow("ec2:*")],
               "resource_policy": lets(principal)})
    };
    check(case(SESSION, json!({"AWS": SESSION})), "allowed");
    check(case(SESSION, json!({"AWS": ROLE})), "implicitly_denied");
    check(
        case(SESSION, json!({"AWS": "arn:aws:sts::111122223333:assumed-role/app/s2"})),
        "implicitly_denied",
    );
    check(case(ROLE, json!({"AWS": ROLE})), "implicitly_denied");
}

#[test]
fn a_resource_policy_for_everybody_reaches_past_boundary_and_session_policy() {
    for principal in [json!("*"), json!({"AWS": "*"})] {
        let case = json!({"request": get(SESSION), "permission_boundaries": [allow("ec2:*")], "session_policies": [allow("ec2:*")],
                          "resource_policy": lets(principal)});
        check(case, "allowed");
    }
}

#[test]
fn a_federated_user_has_what_its_session_policy_leaves_of_the_users() {
    let federated = "arn:aws:sts::111122223333:federated-user/bo";
    let case = |more: Value| {
        let mut case = json!({"request": get(federated), "identity_policies": [allow("s3:*")]});
        for (key, value) in more.as_object().unwrap() {
            case[key] = value.clone();
        }
        case
    };
    check(case(json!({})), "implicitly_denied");
    check(case(json!({"session_policies": [allow("s3:*")]})), "allowed");
    check(case(json!({"session_policies": [allow("ec2:*")]})), "implicitly_denied");
    check(
        case(json!({"resource_policy": lets(json!({"AWS": federated}))})),
        "allowed",
    );
    // Whether this user federated it, the session's ARN does not say.
    let named = lets(json!({"AWS": USER}));
    check(
        json!({"request": get(federated), "session_policies": [allow("s3:*")], "resource_policy": named}),
        "unknown",
    );
    check(case(json!({"resource_policy": named})), "implicitly_denied");
}

#[test]
fn a_canonical_user_is_some_account() {
    let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    let policy = lets(json!({"CanonicalUser": id}));
    check(json!({"request": get(id), "resource_policy": policy}), "allowed");
    let foreign = json!({"principal": USER, "action": "s3:GetObject", "resource": OBJECT, "resource_account": "999999999999", "context": {}});
    check(
        json!({"request": foreign, "identity_policies": [allow("s3:*")], "resource_policy": policy}),
        "unknown",
    );
    check(
        json!({"request": foreign, "identity_policies": [allow("ec2:*")], "resource_policy": policy}),
        "implicitly_denied",
    );
}

#[test]
fn a_resource_policy_that_names_the_role_grants_within_the_limits() {
    let case = |principal: Value| json!({"request": get(SESSION), "resource_policy": lets(principal)});
    check(case(json!({"AWS": ROLE})), "allowed");
    check(case(json!({"AWS": "arn:aws:iam::111122223333:role/app"})), "allowed");
    check(
        case(json!({"AWS": "arn:aws:iam::111122223333:role/other"})),
        "implicitly_denied",
    );
    check(
        case(json!({"AWS": "arn:aws:iam::999999999999:role/app"})),
        "implicitly_denied",
    );
    check(case(json!("*")), "allowed");
    check(case(json!({"AWS": "*"})), "allowed");
}

#[test]
fn a_resource_policy_that_names_the_account_leaves_it_to_identity_policies() {
    for account in ["111122223333", "arn:aws:iam::111122223333:root"] {
        let principal = json!({"AWS": account});
        check(
            json!({"request": get(USER), "resource_policy": lets(principal.clone())}),
            "implicitly_denied",
        );
        check(
            json!({"request": get(USER), "identity_policies": [allow("s3:*")], "resource_policy": lets(principal.clone())}),
            "allowed",
        );
        check(
            json!({"request": get(USER), "identity_policies": [allow("s3:*")], "resource_policy": refuses(principal)}),
            "explicitly_denied",
        );
    }
}

#[test]
fn a_denial_in_a_resource_policy_reaches_a_session_by_its_role() {
    for principal in [
        json!({"AWS": ROLE}),
        json!({"AWS": SESSION}),
        json!("*"),
        json!({"AWS": "111122223333"}),
    ] {
        let case =
            json!({"request": get(SESSION), "identity_policies": [allow("*")], "resource_policy": refuses(principal)});
        check(case, "explicitly_denied");
    }
}

#[test]
fn not_principal_excepts_only_who_is_named_with_its_account() {
    let case = |caller: &str, excepted: Value| {
        let policy = json!({"Statement": [{"Effect": "Deny", "NotPrincipal": {"AWS": excepted}, "Action": "*", "Resource": "*"}]});
        json!({"request": get(caller), "identity_policies": [allow("*")], "resource_policy": policy})
    };
    let root = "arn:aws:iam::111122223333:root";
    check(case(USER, json!([USER, root])), "allowed");
    check(case(USER, json!([USER])), "unknown");
    check(
        case(USER, json!(["arn:aws:iam::111122223333:user/bo"])),
        "explicitly_denied",
    );
    check(case(SESSION, json!([SESSION, ROLE, root])), "allowed");
    check(case(SESSION, json!([ROLE, root])), "unknown");
    let mut bounded = case(USER, json!([USER, root]));
    bounded["permission_boundaries"] = json!([allow("*")]);
    check(bounded, "explicitly_denied");
}

#[test]
fn services_and_providers_need_the_resource_policy_only() {
    let service = "lambda.amazonaws.com";
    check(
        json!({"request": get(service), "resource_policy": lets(json!({"Service": service}))}),
        "allowed",
    );
    check(
        json!({"request": get(service), "resource_policy": lets(json!({"Service": "ec2.amazonaws.com"}))}),
        "implicitly_denied",
    );
    check(
        json!({"request": get(service), "identity_policies": [allow("*")]}),
        "implicitly_denied",
    );
    check(
        json!({"request": get("*"), "resource_policy": lets(json!("*"))}),
        "allowed",
    );
    let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    let assume = request(provider, "sts:AssumeRoleWithWebIdentity", ROLE);
    check(
        json!({"request": assume, "resource_policy": lets(json!({"Federated": provider}))}),
        "allowed",
    );
    check(
        json!({"request": assume, "resource_policy": lets(json!({"Federated": "cognito-identity.amazonaws.com"}))}),
        "implicitly_denied",
    );
}

// ---- trust and key policies, which must allow

#[test]
fn a_role_is_assumed_only_if_its_trust_policy_allows() {
    let trust = |principal: Value| json!({"Statement": {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}});
    let case = |action: &str, principal: Value, identity: Value| json!({"request": request(USER, action, ROLE), "identity_policies": identity, "resource_policy": trust(principal)});
    check(case("sts:AssumeRole", json!({"AWS": USER}), json!([])), "allowed");
    check(
        case("sts:AssumeRole", json!({"AWS": "111122223333"}), json!([])),
        "implicitly_denied",
    );
    check(
        case(
            "sts:AssumeRole",
            json!({"AWS": "111122223333"}),
            json!([allow("sts:*")]),
        ),
        "allowed",
    );
    check(
        case(
            "sts:AssumeRole",
            json!({"AWS": "999999999999"}),
            json!([allow("sts:*")]),
        ),
        "implicitly_denied",
    );
    check(
        case("sts:SetSourceIdentity", json!({"AWS": USER}), json!([allow("sts:*")])),
        "implicitly_denied",
    );
    check(
        json!({"request": request(USER, "sts:AssumeRole", ROLE), "identity_policies": [allow("*")]}),
        "implicitly_denied",
    );
    // Other calls on the role are IAM's and obey identity policies.
    check(
        json!({"request": request(USER, "iam:GetRole", ROLE), "identity_policies": [allow("*")]}),
        "allowed",
    );
}

#[test]
fn a_key_is_used_only_if_its_policy_allows() {
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
    let case = |policy: Value, identity: Value| json!({"request": request(USER, "kms:Decrypt", key), "identity_policies": identity, "resource_policy": policy});
    check(case(Value::Null, json!([allow("kms:*")])), "implicitly_denied");
    check(
        case(
            lets(json!({"AWS": "arn:aws:iam::111122223333:root"})),
            json!([allow("kms:*")]),
        ),
        "allowed",
    );
    check(
        case(lets(json!({"AWS": "arn:aws:iam::111122223333:root"})), json!([])),
        "implicitly_denied",
    );
    check(case(lets(json!({"AWS": USER})), json!([])), "allowed");
    check(
        json!({"request": request(USER, "kms:ListKeys", "*"), "identity_policies": [allow("kms:*")]}),
        "allowed",
    );
}

// ---- cross-account

#[test]
fn across_accounts_both_sides_must_allow() {
    let queue = "arn:aws:sqs:eu-west-1:999999999999:q";
    let case = |identity: Value, policy: Value| json!({"request": request(USER, "sqs:SendMessage", queue), "identity_policies": identity, "resource_policy": policy});
    check(case(json!([allow("sqs:*")]), Value::Null), "implicitly_denied");
    check(case(json!([]), lets(json!({"AWS": USER}))), "implicitly_denied");
    check(case(json!([allow("sqs:*")]), lets(json!({"AWS": USER}))), "allowed");
    check(
        case(json!([allow("sqs:*")]), lets(json!({"AWS": "111122223333"}))),
        "allowed",
    );
    check(
        case(json!([allow("sqs:*")]), lets(json!({"AWS": "999999999999"}))),
        "implicitly_denied",
    );
    check(case(json!([allow("sqs:*")]), lets(json!("*"))), "allowed");
}

#[test]
fn a_bucket_is_foreign_where_the_case_says_so() {
    let call = json!({"principal": USER, "action": "s3:GetObject", "resource": OBJECT, "resource_account": "999999999999", "context": {}});
    check(
        json!({"request": call, "identity_policies": [allow("s3:*")]}),
        "implicitly_denied",
    );
    check(
        json!({"request": call, "identity_policies": [allow("s3:*")], "resource_policy": lets(json!({"AWS": USER}))}),
        "allowed",
    );
    check(
        json!({"request": call, "identity_policies": [allow("s3:*")], "permission_boundaries": [allow("ec2:*")],
               "resource_policy": lets(json!({"AWS": USER}))}),
        "implicitly_denied",
    );
}
