//! Each path with what opens it and what closes it.

use serde_json::{Value, json};

use super::super::Graph;
use super::*;
use crate::catalog::{Catalog, escalation_paths};
use crate::grants::{self, Grants};

const ACCOUNT: &str = "111122223333";

fn allow(actions: &[&str]) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// An account with a strong role that services and the account may take, another user and another group. `boss` is the
/// one who is asked about: it has one inline and one managed policy, of a group where it is a user.
fn account(user: bool, inline: &[Value], managed: &[Value], boundary: Option<&[Value]>) -> Grants {
    let arn = |what: &str| format!("arn:aws:iam::{ACCOUNT}:{what}");
    let policy = |name: &str, statements: &[Value]| {
        json!({"Arn": arn(&format!("policy/{name}")), "PolicyName": name, "AttachmentCount": 1, "DefaultVersionId": "v1",
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": document(statements)}]})
    };
    let attached = |name: &str| json!([{"PolicyName": name, "PolicyArn": arn(&format!("policy/{name}"))}]);
    let services: Vec<&str> = escalation_paths().iter().filter_map(|path| path.passed_to).collect();
    let trusts = |who: Value| document(&[json!({"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"})]);
    let strong = json!({"Arn": arn("role/strong"), "RoleName": "strong", "RoleId": "AROASTRONG", "Path": "/",
        "AssumeRolePolicyDocument": trusts(json!({"Service": services, "AWS": ACCOUNT})),
        "RolePolicyList": [{"PolicyName": "all", "PolicyDocument": document(&[allow(&["*"])])}],
        "AttachedManagedPolicies": attached("of-strong")});
    let mut boss = json!({"Path": "/", "AttachedManagedPolicies": []});
    if boundary.is_some() {
        boss["PermissionsBoundary"] = json!({"PermissionsBoundaryArn": arn("policy/boundary")});
    }
    let mut policies = vec![
        policy("of-strong", &[allow(&["s3:GetObject"])]),
        policy("managed", managed),
        // A boundary that holds whoever is under it.
        policy("b", &[allow(&["s3:*"])]),
    ];
    policies.extend(boundary.map(|statements| policy("boundary", statements)));
    let inline = json!([{"PolicyName": "inline", "PolicyDocument": document(inline)}]);
    let (mut users, mut roles) = (
        vec![json!({"Arn": arn("user/other"), "UserName": "other", "UserId": "AIDAOTHER", "Path": "/"})],
        vec![strong],
    );
    let mut groups =
        vec![json!({"Arn": arn("group/other"), "GroupName": "other", "GroupId": "AGPAOTHER", "Path": "/"})];
    if user {
        boss["Arn"] = json!(arn("user/boss"));
        boss["UserName"] = json!("boss");
        boss["UserPolicyList"] = inline;
        boss["GroupList"] = json!(["own"]);
        users.push(boss);
        groups.push(
            json!({"Arn": arn("group/own"), "GroupName": "own", "GroupId": "AGPAOWN", "Path": "/",
            "AttachedManagedPolicies": attached("managed")}),
        );
    } else {
        boss["Arn"] = json!(arn("role/boss"));
        boss["RoleName"] = json!("boss");
        boss["AssumeRolePolicyDocument"] = trusts(json!({"Service": "nobody.amazonaws.com"}));
        boss["RolePolicyList"] = inline;
        boss["AttachedManagedPolicies"] = attached("managed");
        roles.push(boss);
    }
    let export =
        json!({"UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": policies});
    grants::read(&[("g".to_owned(), export.to_string())]).expect("grants")
}

fn open(id: &str, grants: &Grants) -> Option<Open> {
    let path = escalation_paths().iter().find(|path| path.id == id).expect(id);
    let graph = Graph::new(Catalog::embedded(), grants);
    let mut boss = grants.principals.iter().enumerate();
    let (index, _) = boss.find(|(_, principal)| principal.name == "boss").expect("boss");
    let mut held = graph.held(index, &Default::default());
    held.open(path)
}

/// Paths that only a user can take.
const OF_USERS: [&str; 5] = ["iam-007", "iam-008", "iam-010", "iam-011", "iam-013"];

fn check(name: &str, actions: &[&str]) {
    let id = name.replace('_', "-");
    let user = OF_USERS.contains(&id.as_str());
    let (first, rest) = actions.split_at(1);
    let harmless = allow(&["s3:ListAllMyBuckets"]);
    let managed = if rest.is_empty() { harmless.clone() } else { allow(rest) };
    let with = |more: &Value, boundary: Option<&[Value]>| {
        let inline = [allow(first), more.clone()];
        open(&id, &account(user, &inline, std::slice::from_ref(&managed), boundary))
    };

    let found = with(&harmless, None).unwrap_or_else(|| panic!("{id} is closed"));
    assert!(found.is_sure(), "{found:?}");
    assert_eq!(found.by.len(), actions.len().min(2), "{found:?}");
    for without in actions {
        let fewer: Vec<&str> = actions.iter().copied().filter(|action| action != without).collect();
        let statements: Vec<Value> = if fewer.is_empty() {
            vec![harmless.clone()]
        } else {
            vec![allow(&fewer)]
        };
        let left = open(&id, &account(user, &statements, std::slice::from_ref(&harmless), None));
        assert_eq!(left, None, "without {without}");

        let denied = json!({"Effect": "Deny", "Action": without, "Resource": "*"});
        assert_eq!(with(&denied, None), None, "denied {without}");
        let unless_never = json!({"Effect": "Deny", "Action": without, "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
        assert_eq!(
            with(&unless_never, None),
            Some(found.clone()),
            "denied without TLS alone"
        );

        let all_but = json!({"Effect": "Allow", "NotAction": without, "Resource": "*"});
        assert_eq!(with(&harmless, Some(&[all_but])), None, "boundary without {without}");
    }
    assert!(
        with(&harmless, Some(&[allow(&["*"])])).is_some_and(|open| open.is_sure()),
        "a boundary that bounds nothing"
    );

    // A condition that no request of whoever wants more can meet.
    let mut bound = allow(first);
    let (operator, key, closing) = match actions[0] {
        "iam:PassRole" => ("StringEquals", "iam:PassedToService", "nobody.amazonaws.com"),
        action if action.starts_with("iam:") => (
            "ArnEquals",
            "iam:PermissionsBoundary",
            "arn:aws:iam::111122223333:policy/b",
        ),
        _ => ("Bool", "aws:ViaAWSService", "true"),
    };
    bound["Condition"] = json!({operator: {key: closing}});
    let closed = open(
        &id,
        &account(user, &[bound.clone()], std::slice::from_ref(&managed), None),
    );
    assert_eq!(closed, None, "{key}");
    // One that nobody can judge leaves it in doubt.
    bound["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let doubtful = open(&id, &account(user, &[bound], &[managed], None)).expect("it may be open");
    assert!(
        doubtful
            .under
            .iter()
            .any(|key| key.eq_ignore_ascii_case("aws:MultiFactorAuthPresent")),
        "{doubtful:?}"
    );
}

macro_rules! paths {
    ($($name:ident: $($action:literal),+;)*) => {
        $(#[test] fn $name() { check(stringify!($name), &[$($action),+]); })*

        #[test]
        fn every_path_has_a_test() {
            let named = [$(stringify!($name)),*].map(|name| name.replace('_', "-"));
            let known: Vec<&str> = escalation_paths().iter().map(|path| path.id).collect();
            assert_eq!(named.to_vec(), known);
        }
    };
}

paths! {
    apprunner_001: "iam:PassRole", "apprunner:CreateService";
    apprunner_002: "apprunner:UpdateService";
    bedrock_001: "iam:PassRole", "bedrock-agentcore:CreateCodeInterpreter", "bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter";
    bedrock_002: "bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter";
    cloudformation_001: "iam:PassRole", "cloudformation:CreateStack";
    cloudformation_002: "cloudformation:UpdateStack";
    cloudformation_003: "iam:PassRole", "cloudformation:CreateStackSet", "cloudformation:CreateStackInstances";
    cloudformation_004: "iam:PassRole", "cloudformation:UpdateStackSet";
    cloudformation_005: "cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet";
    codebuild_001: "iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild";
    codebuild_002: "codebuild:StartBuild";
    codebuild_003: "codebuild:StartBuildBatch";
    codebuild_004: "iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuildBatch";
    datapipeline_001: "iam:PassRole", "datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline";
    ec2_001: "iam:PassRole", "ec2:RunInstances";
    ec2_002: "ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances";
    ec2_003: "iam:PassRole", "ec2:RequestSpotInstances";
    ec2_004: "ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate";
    ec2instanceconnect_003: "ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances";
    ecs_001: "iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService";
    ecs_002: "iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:RunTask";
    ecs_003: "iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService";
    ecs_004: "iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask";
    ecs_005: "iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask";
    glue_001: "iam:PassRole", "glue:CreateDevEndpoint";
    glue_002: "glue:UpdateDevEndpoint";
    glue_003: "iam:PassRole", "glue:CreateJob", "glue:StartJobRun";
    glue_004: "iam:PassRole", "glue:CreateJob", "glue:CreateTrigger";
    glue_005: "iam:PassRole", "glue:UpdateJob", "glue:StartJobRun";
    glue_006: "iam:PassRole", "glue:UpdateJob", "glue:CreateTrigger";
    iam_001: "iam:CreatePolicyVersion";
    iam_002: "iam:CreateAccessKey";
    iam_003: "iam:CreateAccessKey", "iam:DeleteAccessKey";
    iam_004: "iam:CreateLoginProfile";
    iam_005: "iam:PutRolePolicy";
    iam_006: "iam:UpdateLoginProfile";
    iam_007: "iam:PutUserPolicy";
    iam_008: "iam:AttachUserPolicy";
    iam_009: "iam:AttachRolePolicy";
    iam_010: "iam:AttachGroupPolicy";
    iam_011: "iam:PutGroupPolicy";
    iam_012: "iam:UpdateAssumeRolePolicy";
    iam_013: "iam:AddUserToGroup";
    iam_014: "iam:AttachRolePolicy", "sts:AssumeRole";
    iam_015: "iam:AttachUserPolicy", "iam:CreateAccessKey";
    iam_016: "iam:CreatePolicyVersion", "sts:AssumeRole";
    iam_017: "iam:PutRolePolicy", "sts:AssumeRole";
    iam_018: "iam:PutUserPolicy", "iam:CreateAccessKey";
    iam_019: "iam:AttachRolePolicy", "iam:UpdateAssumeRolePolicy";
    iam_020: "iam:CreatePolicyVersion", "iam:UpdateAssumeRolePolicy";
    iam_021: "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy";
    lambda_001: "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction";
    lambda_002: "iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping";
    lambda_003: "lambda:UpdateFunctionCode";
    lambda_004: "lambda:UpdateFunctionCode", "lambda:InvokeFunction";
    lambda_005: "lambda:UpdateFunctionCode", "lambda:AddPermission";
    lambda_006: "iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission";
    sagemaker_001: "iam:PassRole", "sagemaker:CreateNotebookInstance";
    sagemaker_002: "iam:PassRole", "sagemaker:CreateTrainingJob";
    sagemaker_003: "iam:PassRole", "sagemaker:CreateProcessingJob";
    sagemaker_004: "sagemaker:CreatePresignedNotebookInstanceUrl";
    sagemaker_005: "sagemaker:CreateNotebookInstanceLifecycleConfig", "sagemaker:StopNotebookInstance", "sagemaker:UpdateNotebookInstance", "sagemaker:StartNotebookInstance";
    ssm_001: "ssm:StartSession";
    ssm_002: "ssm:SendCommand";
    sts_001: "sts:AssumeRole";
}

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/boundary";

/// A grant of an action where the boundary is a given one.
fn under(action: &str, boundary: &str) -> Value {
    let mut allowed = allow(&[action]);
    allowed["Condition"] = json!({"StringEquals": {"iam:PermissionsBoundary": boundary}});
    allowed
}

/// How open a path is: `Yes`, or `Unknown` where only on things that are not there, or with a doubt.
fn check_bounded(id: &str, grants: &[Value], boundary: Option<&[Value]>, expected: Answer) {
    let harmless = [allow(&["s3:ListAllMyBuckets"])];
    let found = open(id, &account(OF_USERS.contains(&id), grants, &harmless, boundary));
    let told = match &found {
        Some(open) if open.is_sure() => Answer::Yes,
        Some(_) => Answer::Unknown,
        None => Answer::No,
    };
    assert_eq!(told, expected, "{id}: {grants:?} under {boundary:?}: {found:?}");
}

/// Paths of one step that AWS has `iam:PermissionsBoundary` for, of whoever changes itself.
const CONDITIONED: [(&str, &str); 4] = [
    ("iam-005", "iam:PutRolePolicy"),
    ("iam-007", "iam:PutUserPolicy"),
    ("iam-008", "iam:AttachUserPolicy"),
    ("iam-009", "iam:AttachRolePolicy"),
];

#[test]
fn a_boundary_that_allows_everything_closes_nothing() {
    for (id, action) in CONDITIONED {
        let own = [under(action, BOUNDARY)];
        check_bounded(id, &own, Some(&[allow(&["*"])]), Answer::Yes);
        check_bounded(id, &own, Some(&[allow(&["*:*"])]), Answer::Yes);
        check_bounded(id, &own, Some(&[allow(&["iam:*", "s3:*"])]), Answer::Yes);
        check_bounded(id, &own, Some(&[allow(&[action])]), Answer::Yes);
        // It may do so to whoever is under the same boundary, and no more.
        check_bounded(id, &own, Some(&[allow(&["s3:*"]), under(action, BOUNDARY)]), Answer::No);
        // Without the action in the boundary the engine says no before.
        check_bounded(id, &own, Some(&[allow(&["s3:*"])]), Answer::No);
        let not_iam = json!({"Effect": "Allow", "NotAction": ["iam:*", "lambda:*"], "Resource": "*"});
        let strict = [not_iam, under(action, BOUNDARY)];
        check_bounded(id, &own, Some(&strict), Answer::No);
    }
}

#[test]
fn a_boundary_that_is_not_ones_own_is_a_way_over_others() {
    for (id, action) in CONDITIONED {
        let of = |boundary: &str, expected| check_bounded(id, &[under(action, boundary)], None, expected);
        of("arn:aws:iam::aws:policy/AdministratorAccess", Answer::Unknown);
        of("arn:aws:iam::aws:policy/IAMFullAccess", Answer::Unknown);
        of("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", Answer::No);
        of("arn:aws:iam::111122223333:policy/b", Answer::No);
        of("arn:aws:iam::111122223333:policy/managed", Answer::No);
        // Groups take none, so that AWS never carries the key.
        let group = under("iam:PutGroupPolicy", "arn:aws:iam::aws:policy/AdministratorAccess");
        check_bounded("iam-011", &[group], None, Answer::No);
    }
}

#[test]
fn a_boundary_whose_document_nobody_has_read_is_told_as_a_doubt() {
    let gone = "arn:aws:iam::111122223333:policy/gone";
    for (id, action) in CONDITIONED {
        let user = OF_USERS.contains(&id);
        let harmless = [allow(&["s3:ListAllMyBuckets"])];
        let found = open(id, &account(user, &[under(action, gone)], &harmless, None)).expect("it may be open");
        assert_eq!(found.boundaries, BTreeSet::from([gone.to_owned()]));
        let why = format!("the permissions boundary {gone}, whose document is not known,");
        assert_eq!(found.under, BTreeSet::from([why]));
        // Under a pattern that matches what is there nothing else is looked for.
        check_bounded(id, &[under_like(action, "arn:aws:iam::*:policy/b*")], None, Answer::No);
        check_bounded(
            id,
            &[under_like(action, "arn:aws:iam::*:policy/none-*")],
            None,
            Answer::Unknown,
        );
        let writes = allow(&["iam:CreatePolicy"]);
        check_bounded(
            id,
            &[under_like(action, "arn:aws:iam::*:policy/b*"), writes],
            None,
            Answer::Unknown,
        );
    }
}

fn under_like(action: &str, boundary: &str) -> Value {
    let mut allowed = allow(&[action]);
    allowed["Condition"] = json!({"StringLike": {"iam:PermissionsBoundary": boundary}});
    allowed
}

#[test]
fn a_boundary_that_may_be_taken_off_or_changed_closes_nothing() {
    let strict = |action: &str| [allow(&["s3:*"]), under(action, BOUNDARY)];
    let action = "iam:PutRolePolicy";
    let own = under(action, BOUNDARY);
    check_bounded("iam-005", std::slice::from_ref(&own), Some(&strict(action)), Answer::No);
    // The one who is asked about has no boundary here; the boundary is that of others.
    let others = |more: Value| {
        check_bounded(
            "iam-005",
            &[under(action, "arn:aws:iam::111122223333:policy/b"), more],
            None,
            Answer::Unknown,
        );
    };
    others(allow(&["iam:DeleteRolePermissionsBoundary"]));
    others(allow(&["iam:CreatePolicyVersion"]));
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let both = ["iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"].map(|action| under(action, admin));
    check_bounded("iam-005", &both, None, Answer::Yes);
}

/// The guardrail as AWS's guide writes it: a denial unless the boundary is there.
#[test]
fn a_denial_without_a_boundary_closes_as_far_as_the_boundary_bounds() {
    let unless = |boundary: &str| {
        json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": boundary}}})
    };
    let allowed = allow(&["iam:PutRolePolicy"]);
    let of = |boundary: &str| [allowed.clone(), unless(boundary)];
    check_bounded("iam-005", &of("arn:aws:iam::111122223333:policy/b"), None, Answer::No);
    check_bounded(
        "iam-005",
        &of("arn:aws:iam::aws:policy/AdministratorAccess"),
        None,
        Answer::Unknown,
    );
    check_bounded("iam-005", &of(BOUNDARY), Some(&[allow(&["*"])]), Answer::Yes);
}

#[test]
fn a_passed_role_needs_a_role_that_the_service_may_take() {
    let path = escalation_paths()
        .iter()
        .find(|path| path.id == "lambda-001")
        .expect("lambda-001");
    let policy = document(&[allow(&path.actions)]);
    let export = json!({"RoleDetailList": [{"Arn": "arn:aws:iam::111122223333:role/boss", "RoleName": "boss",
        "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy}]}]});
    let grants = grants::read(&[("g".to_owned(), export.to_string())]).expect("grants");
    let found = open("lambda-001", &grants).expect("open once there is one");
    assert!(!found.is_there && found.under.is_empty(), "{found:?}");
}

#[test]
fn a_grant_on_other_names_is_no_way_to_oneself() {
    let on = |resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": resource});
        open(
            "iam-005",
            &account(false, &[statement], &[allow(&["s3:GetObject"])], None),
        )
    };
    assert!(on("arn:aws:iam::111122223333:role/boss").is_some_and(|open| open.is_sure()));
    assert!(on("arn:aws:iam::111122223333:role/app-*").is_some_and(|open| !open.is_sure()));
    assert_eq!(on("arn:aws:iam::444455556666:role/*"), None);
}

#[test]
fn a_service_control_policy_closes_a_path() {
    let mut grants = account(
        false,
        &[allow(&["iam:PutRolePolicy"])],
        &[allow(&["s3:GetObject"])],
        None,
    );
    assert!(open("iam-005", &grants).is_some());
    let levels = [
        allow(&["*"]),
        json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
    ];
    let policy = crate::iam::Policy::from_value(&document(&levels)).expect("a policy");
    let of_account = grants::OrganizationPolicies {
        service_control: vec![vec![policy]],
        ..Default::default()
    };
    grants.supplements.organization = Some([(ACCOUNT.to_owned(), of_account)].into());
    assert_eq!(open("iam-005", &grants), None);
}

/// Each policy is denied by itself alone: whoever wants more attaches the next one.
#[test]
fn a_denial_of_one_policy_to_attach_leaves_others() {
    let attach = |denied: &[&str]| {
        let mut allowed = allow(&["iam:AttachRolePolicy"]);
        let denied: Vec<String> = denied
            .iter()
            .map(|name| format!("arn:aws:iam::aws:policy/{name}"))
            .collect();
        allowed["Condition"] = json!({"ArnNotEquals": {"iam:PolicyARN": denied}});
        open(
            "iam-009",
            &account(false, &[allowed], &[allow(&["s3:ListAllMyBuckets"])], None),
        )
    };
    assert!(attach(&["AdministratorAccess"]).is_some_and(|open| open.is_sure()));
    assert!(attach(&["AdministratorAccess", "IAMFullAccess"]).is_some_and(|open| open.is_sure()));
    let all = ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"];
    assert_eq!(attach(&all), None);
}

/// The strong role lies in another account, whose trust lets this one in; the condition asks for that account.
#[test]
fn a_strong_role_of_another_account_is_a_way() {
    let far = "arn:aws:iam::444455556666:role/far";
    let all = document(&[allow(&["*"])]);
    let take = |trusted: &str, account: &str| {
        let own = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": far,
            "Condition": {"StringEquals": {"aws:ResourceAccount": account}}})]);
        let trust = document(&[json!({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"})]);
        let role = |arn: &str, name: &str, policy: &Value, trust: &Value| {
            json!({"Arn": arn, "RoleName": name, "RoleId": format!("AROA{name}"), "Path": "/", "AttachedManagedPolicies": [],
                "AssumeRolePolicyDocument": trust, "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy}]})
        };
        let nobody = document(&[
            json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        ]);
        let boss = role("arn:aws:iam::111122223333:role/boss", "boss", &own, &nobody);
        let page = json!({"RoleDetailList": [boss, role(far, "far", &all, &trust)]});
        let grants = grants::read(&[("g".to_owned(), page.to_string())]).expect("grants");
        open("sts-001", &grants).and_then(|open| open.over)
    };
    assert_eq!(take(ACCOUNT, "444455556666").as_deref(), Some(far));
    assert_eq!(
        take("777788889999", "444455556666"),
        None,
        "its trust names somebody else"
    );
    assert_eq!(take(ACCOUNT, ACCOUNT), None, "the condition asks for another account");
}
