//! Findings about pods and the roles that they take: each where it should be, and its neighbours where it should not.

use super::*;

const EKS: &str = "oidc.eks.eu-west-1.amazonaws.com/id";

pub(super) fn provider(cluster: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{EKS}/{cluster}")
}

/// A statement that lets service accounts of a cluster in.
pub(super) fn irsa(cluster: &str, subjects: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": {"Federated": provider(cluster)}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {format!("{EKS}/{cluster}:sub"): subjects, format!("{EKS}/{cluster}:aud"): "sts.amazonaws.com"}}})
}

pub(super) fn by_service(service: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]})
}

/// Roles by name, trust statements and actions.
pub(super) fn roles(all: &[(&str, Vec<Value>, Value)]) -> Value {
    let one = |(name, statements, actions): &(&str, Vec<Value>, Value)| {
        json!({"Arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"), "RoleName": name, "RoleId": format!("AROA{name}"), "Path": "/",
            "CreateDate": "2025-01-01T00:00:00Z", "AssumeRolePolicyDocument": {"Statement": statements},
            "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": allow(actions)}], "AttachedManagedPolicies": []})
    };
    json!({"RoleDetailList": all.iter().map(one).collect::<Vec<_>>()})
}

pub(super) fn app(statements: &[Value]) -> Value {
    roles(&[("app", statements.to_vec(), json!("ec2:DescribeVpcs"))])
}

/// What STS answers to whoever opens a session of a role.
fn opened(role: &str, key: &str) -> Value {
    json!({"credentials": {"accessKeyId": key, "expiration": "Oct 20, 2026, 10:00:00 PM"},
        "assumedRoleUser": {"assumedRoleId": format!("AROA{role}:s"), "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s")}})
}

/// A service account of a cluster takes a role by IRSA.
pub(super) fn takes(cluster: &str, subject: &str, role: &str, key: &str) -> Value {
    let subject = format!("system:serviceaccount:{subject}");
    let mut event = event(2, "sts", "AssumeRoleWithWebIdentity", &json!({}));
    event["userIdentity"] = json!({"type": "WebIdentityUser", "userName": subject, "identityProvider": provider(cluster),
        "principalId": format!("{}:sts.amazonaws.com:{subject}", provider(cluster))});
    event["requestParameters"] =
        json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "roleSessionName": "s"});
    event["responseElements"] = opened(role, key);
    event
}

/// EKS takes a role for a service account.
pub(super) fn eks_takes(cluster: &str, (namespace, name): (&str, &str), role: &str, key: &str) -> Value {
    let mut event = event(2, "sts", "AssumeRole", &json!({}));
    event["userIdentity"] = json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
    let tag = |key: &str, value: &str| json!({"key": key, "value": value});
    event["requestParameters"] = json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "roleSessionName": "s",
        "tags": [tag("eks-cluster-name", cluster), tag("eks-cluster-arn", &format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{cluster}")),
            tag("kubernetes-namespace", namespace), tag("kubernetes-service-account", name)]});
    event["responseElements"] = opened(role, key);
    event
}

/// A call under a key of a role, on a later day.
pub(super) fn calls(role: &str, key: &str, (source, name): (&str, &str)) -> Value {
    let mut event = event(2, source, name, &json!({"userAgent": "aws-sdk-go-v2/1.30.0"}));
    event["userIdentity"] = json!({"type": "AssumedRole", "principalId": format!("AROA{role}:s"), "accountId": ACCOUNT, "accessKeyId": key,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s"),
        "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": format!("AROA{role}"), "accountId": ACCOUNT, "userName": role,
            "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}")}}});
    event
}

pub(super) const VPCS: (&str, &str) = ("ec2", "DescribeVpcs");

/// A call of an instance that holds a role.
pub(super) fn on_node(role: &str, what: (&str, &str), client: &str) -> Value {
    let mut event = calls(role, "ASIANODE", what);
    let session = "i-0123456789abcdef0";
    event["userIdentity"]["principalId"] = json!(format!("AROA{role}:{session}"));
    event["userIdentity"]["arn"] = json!(format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"));
    event["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    event["userAgent"] = json!(client);
    event
}

/// Findings of ids, with their evidence.
#[track_caller]
fn evidence(events: &[Value], grants: &Value, id: &str) -> (hygiene::Severity, String) {
    let told = told(
        events,
        grants,
        None,
        &Options {
            min_window: 0,
            ..Options::default()
        },
    );
    let one = told.into_iter().find(|told| told.finding.id == id).expect("a finding");
    (one.finding.severity, one.finding.evidence.join("\n"))
}

#[test]
fn one_role_in_two_clusters() {
    let cart = json!("system:serviceaccount:shop:cart");
    let two = app(&[irsa("AAAA", &cart), irsa("BBBB", &cart)]);
    let a = [takes("AAAA", "shop:cart", "app", "ASIAA"), calls("app", "ASIAA", VPCS)];
    let b = [takes("BBBB", "shop:cart", "app", "ASIAB"), calls("app", "ASIAB", VPCS)];
    let both: Vec<Value> = a.iter().chain(&b).cloned().collect();
    check(&both, &two, None, &["role-in-several-clusters"]);
    assert_eq!(
        evidence(&both, &two, "role-in-several-clusters").0,
        hygiene::Severity::Medium
    );
    // Only one of them came.
    let (severity, text) = evidence(&a, &two, "role-in-several-clusters");
    assert_eq!(severity, hygiene::Severity::Low);
    assert!(text.contains("cluster BBBB is trusted, and did not come"), "{text}");
    check(&a, &app(&[irsa("AAAA", &cart)]), None, &[]);

    // Pod Identity tells clusters by name; the trust policy names none.
    let eks = app(&[by_service("pods.eks.amazonaws.com")]);
    let of = |cluster: &str, key: &str| {
        [
            eks_takes(cluster, ("shop", "cart"), "app", key),
            calls("app", key, VPCS),
        ]
    };
    check(&of("prod", "ASIAA"), &eks, None, &[]);
    check(
        &[of("prod", "ASIAA"), of("test", "ASIAB")].concat(),
        &eks,
        None,
        &["role-in-several-clusters"],
    );

    // One that moves from IRSA to Pod Identity: the id and the name may be of one cluster.
    let moving = app(&[irsa("AAAA", &cart), by_service("pods.eks.amazonaws.com")]);
    let events = [a, of("prod", "ASIAB")].concat();
    check(
        &events,
        &moving,
        None,
        &[&format!("{ACCOUNT}: between-irsa-and-pod-identity")],
    );
}

#[test]
fn pods_that_come_without_tags_came_by_pod_identity() {
    let id = "between-irsa-and-pod-identity";
    let ways = app(&[
        irsa("AAAA", &json!("system:serviceaccount:shop:cart")),
        by_service("pods.eks.amazonaws.com"),
    ]);
    let mut opening = eks_takes("prod", ("shop", "cart"), "app", "ASIAA");
    opening["requestParameters"]["tags"] = json!(null);
    let (_, text) = evidence(&[opening, calls("app", "ASIAA", VPCS)], &ways, id);
    assert!(
        text.contains("Pod Identity until 2026-10-02 by sessions without tags"),
        "{text}"
    );
    assert!(!text.contains("no pod came"), "{text}");
    let (_, text) = evidence(&[calls("app", "ASIAB", VPCS)], &ways, id);
    assert!(
        text.contains("sessions that nobody can be named for") && !text.contains("no pod came"),
        "{text}"
    );
    let (_, text) = evidence(&used(&[]), &ways, id);
    assert!(text.contains("no pod came by either way"), "{text}");
}

#[test]
fn one_service_account_with_two_roles() {
    let id = format!("{ACCOUNT}: service-account-with-several-roles");
    let cart = json!("system:serviceaccount:shop:cart");
    let vpcs = || json!("ec2:DescribeVpcs");
    let two = roles(&[
        ("r1", vec![irsa("AAAA", &cart)], vpcs()),
        ("r2", vec![irsa("AAAA", &cart)], vpcs()),
    ]);
    let of = |cluster: &str, role: &str, key: &str| [takes(cluster, "shop:cart", role, key), calls(role, key, VPCS)];
    let events = [of("AAAA", "r1", "ASIA1"), of("AAAA", "r2", "ASIA2")].concat();
    check(&events, &two, None, &[&id]);
    let (_, text) = evidence(&events, &two, "service-account-with-several-roles");
    assert!(text.contains("role/r1") && text.contains("role/r2"), "{text}");

    // One of that name in another cluster is another.
    let apart = roles(&[
        ("r1", vec![irsa("AAAA", &cart)], vpcs()),
        ("r2", vec![irsa("BBBB", &cart)], vpcs()),
    ]);
    let events = [of("AAAA", "r1", "ASIA1"), of("BBBB", "r2", "ASIA2")].concat();
    check(&events, &apart, None, &[]);

    // A role that EKS takes first, and the target role that it takes with it: one association.
    let first = json!(["sts:AssumeRole", "sts:TagSession", "ec2:DescribeVpcs"]);
    let taken_by = json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/r1")},
        "Action": ["sts:AssumeRole", "sts:TagSession"]});
    let chain = roles(&[
        ("r1", vec![by_service("pods.eks.amazonaws.com")], first),
        ("r2", vec![taken_by], vpcs()),
    ]);
    let mut hop = calls("r1", "ASIA1", ("sts", "AssumeRole"));
    hop["requestParameters"] = json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/r2"), "roleSessionName": "s",
        "externalId": format!("eu-west-1/{ACCOUNT}/prod/shop/cart")});
    hop["responseElements"] = opened("r2", "ASIA2");
    hop["resources"] =
        json!([{"ARN": format!("arn:aws:iam::{ACCOUNT}:role/r2"), "type": "AWS::IAM::Role", "accountId": ACCOUNT}]);
    let events = [
        eks_takes("prod", ("shop", "cart"), "r1", "ASIA1"),
        hop,
        calls("r2", "ASIA2", VPCS),
    ];
    let found = found(&events, &chain, None);
    assert!(!found.contains(&id), "{found:?}");
}

#[test]
fn a_service_account_that_the_trust_policy_does_not_allow() {
    let id = "untrusted-service-account";
    let cart = app(&[irsa("AAAA", &json!("system:serviceaccount:shop:cart"))]);
    let gone = [takes("AAAA", "old:gone", "app", "ASIAA"), calls("app", "ASIAA", VPCS)];
    check(&gone, &cart, None, &[id]);
    let (_, text) = evidence(&gone, &cart, id);
    assert!(text.contains("old/gone of cluster AAAA (IRSA): 1 calls"), "{text}");
    assert!(text.contains("does not show who changed"), "{text}");
    let mut changed = event(3, "iam", "UpdateAssumeRolePolicy", &json!({"awsRegion": "us-east-1"}));
    changed["requestParameters"] = json!({"roleName": "app", "policyDocument": "{}"});
    let (_, text) = evidence(&[gone.to_vec(), vec![changed]].concat(), &cart, id);
    assert!(text.contains("was changed on 2026-10-03"), "{text}");
    // The same name of another cluster.
    check(
        &[takes("BBBB", "shop:cart", "app", "ASIAA"), calls("app", "ASIAA", VPCS)],
        &cart,
        None,
        &["role-in-several-clusters", id],
    );
    // Pod Identity, where the policy asks for another namespace.
    let mut statement = by_service("pods.eks.amazonaws.com");
    let events = [
        eks_takes("prod", ("shop", "cart"), "app", "ASIAA"),
        calls("app", "ASIAA", VPCS),
    ];
    check(&events, &app(&[statement.clone()]), None, &[]);
    statement["Condition"] = json!({"StringEquals": {"aws:RequestTag/kubernetes-namespace": "bank"}});
    check(&events, &app(&[statement]), None, &[id]);
}

#[test]
fn a_role_that_no_pod_took() {
    let somebody: Vec<Value> = (1..=14)
        .map(|day| event(day, "ec2", "DescribeVpcs", &json!({})))
        .collect();
    let provider = format!("{ACCOUNT}: unused-identity-provider");
    let cart = json!("system:serviceaccount:shop:cart");
    check(
        &somebody,
        &app(&[irsa("AAAA", &cart)]),
        None,
        &["pod-role-never-taken", &provider],
    );
    check(
        &somebody,
        &app(&[by_service("pods.eks.amazonaws.com")]),
        None,
        &["pod-role-never-taken"],
    );
    // Fargate takes the pod execution role, and no pod does: an idle role like any.
    check(
        &somebody,
        &app(&[by_service("eks-fargate-pods.amazonaws.com")]),
        None,
        &["idle-role"],
    );
    let others = [irsa("AAAA", &cart), by_service("ec2.amazonaws.com")];
    check(&somebody, &app(&others), None, &["idle-role", &provider]);

    // It was taken, and what its sessions did is in no log: nothing says that it may go.
    let taken = [&somebody[..], &[takes("AAAA", "shop:cart", "app", "ASIAA")]].concat();
    let grants = app(&[irsa("AAAA", &cart)]);
    check(&taken, &grants, None, &["idle-role"]);
    let options = Options {
        min_window: 7,
        ..Options::default()
    };
    let idle = told(&taken, &grants, None, &options)
        .into_iter()
        .find(|told| told.finding.id == "idle-role");
    let idle = idle.expect("a finding").finding;
    assert!(
        idle.fix
            .starts_with("nothing yet: sessions of it were opened until 2026-10-02"),
        "{}",
        idle.fix
    );
    assert!(idle.commands.is_empty());
    let never = told(&somebody, &grants, None, &options)
        .into_iter()
        .find(|told| told.finding.id == "pod-role-never-taken");
    let never = never.expect("a finding").finding;
    assert!(
        never.commands[0].starts_with("kubectl get serviceaccount cart --namespace shop"),
        "{:?}",
        never.commands
    );
    assert!(
        never
            .commands
            .last()
            .is_some_and(|command| command.contains("delete-role")),
        "{:?}",
        never.commands
    );
}

#[test]
fn a_node_role_is_leaned_on_by_what_is_called() {
    const ID: &str = "leaned-on-node-role";
    let node = |policies: &[&str], actions: Value| role(&plain_trust(), &actions, policies);
    let sdk = "aws-sdk-go-v2/1.30.3 os/linux";
    let call = |source: &str, name: &str| vec![on_node("APP", (source, name), sdk)];
    let of_app = |mut events: Vec<Value>| {
        for event in &mut events {
            event["userIdentity"]["arn"] =
                json!(format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/i-0123456789abcdef0"));
            event["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] =
                json!(format!("arn:aws:iam::{ACCOUNT}:role/app"));
        }
        used(&events)
    };
    let worker = node(
        &["AmazonEKSWorkerNodePolicy"],
        json!(["ec2:Describe*", "dynamodb:Describe*"]),
    );
    check(&of_app(call("dynamodb", "DescribeTable")), &worker, None, &[ID]);
    // What kubelet, the network plugin, pulls and the agent of Systems Manager call, whoever they say they are.
    for (source, name) in [
        ("ec2", "AssignPrivateIpAddresses"),
        ("ec2", "AssignIpv6Addresses"),
        ("ec2", "DescribeInstances"),
        ("ecr", "GetAuthorizationToken"),
        ("ecr", "BatchGetImage"),
        ("ssm", "UpdateInstanceInformation"),
    ] {
        check(&of_app(call(source, name)), &worker, None, &[]);
    }
    // An agent whose policy its owner attached to the node belongs to the node.
    check(&of_app(call("logs", "CreateLogStream")), &worker, None, &[ID]);
    let with_agent = node(
        &["AmazonEKSWorkerNodePolicy", "CloudWatchAgentServerPolicy"],
        json!("ec2:DescribeVpcs"),
    );
    check(&of_app(call("logs", "CreateLogStream")), &with_agent, None, &[]);

    // Copies of the node policies; one that never heard of Pod Identity; a role of an instance that is no node.
    let copy = json!(["ec2:Describe*", "eks:DescribeCluster", "ecr:*", "dynamodb:*"]);
    check(
        &of_app(call("dynamodb", "DescribeTable")),
        &node(&[], copy),
        None,
        &[ID],
    );
    let newer = json!(["eks-auth:AssumeRoleForPodIdentity", "dynamodb:*"]);
    check(
        &of_app(call("dynamodb", "DescribeTable")),
        &node(&[], newer),
        None,
        &[ID],
    );
    check(
        &of_app(call("dynamodb", "DescribeTable")),
        &node(&[], json!(["ec2:Describe*", "dynamodb:*"])),
        None,
        &[],
    );
    let by_kubelet = vec![
        on_node("APP", ("ec2", "DescribeInstances"), "kubelet/v1.33"),
        call("dynamodb", "DescribeTable").remove(0),
    ];
    check(
        &of_app(by_kubelet),
        &node(&[], json!(["ec2:Describe*", "dynamodb:*"])),
        None,
        &[ID],
    );

    let (severity, text) = evidence(&of_app(call("dynamodb", "DescribeTable")), &worker, ID);
    assert_eq!(severity, hygiene::Severity::High);
    assert!(
        text.contains("dynamodb:DescribeTable, which no node needs: 1 calls"),
        "{text}"
    );
    assert!(text.contains("hostNetwork"), "{text}");
}

#[test]
fn a_function_with_the_nodes_role_is_no_pod() {
    let statements = vec![by_service("ec2.amazonaws.com"), by_service("lambda.amazonaws.com")];
    let both = roles(&[(
        "app",
        statements,
        json!(["eks-auth:AssumeRoleForPodIdentity", "ec2:Describe*", "dynamodb:*"]),
    )]);
    let mut opens = event(2, "sts", "AssumeRole", &json!({}));
    opens["userIdentity"] = json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"});
    opens["requestParameters"] =
        json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/app"), "roleSessionName": "thumbnailer"});
    opens["responseElements"] = opened("app", "ASIAF");
    opens["responseElements"]["assumedRoleUser"]["assumedRoleId"] = json!("AROAapp:thumbnailer");
    let by_function = calls("app", "ASIAF", ("dynamodb", "DescribeTable"));
    let by_node = on_node("app", ("ec2", "DescribeInstances"), "kubelet/v1.33");
    let events = [opens, by_function, by_node];
    check(&events, &both, None, &["shared-role"]);
    let (_, text) = evidence(&events, &both, "shared-role");
    assert_eq!(text, "EC2 instances\nfunction thumbnailer");
    let leaning = [
        &events[..],
        &[on_node("app", ("dynamodb", "DescribeTable"), "aws-sdk-java/2.20")],
    ]
    .concat();
    check(&leaning, &both, None, &["shared-role", "leaned-on-node-role"]);
    let (_, text) = evidence(&leaning, &both, "leaned-on-node-role");
    assert!(
        text.contains("dynamodb:DescribeTable, which no node needs: 1 calls"),
        "{text}"
    );
}

#[test]
fn a_wide_role_with_narrow_sessions() {
    let github = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com");
    let statement = json!({"Effect": "Allow", "Principal": {"Federated": github}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": ["repo:o/a:ref:refs/heads/main", "repo:o/b:ref:refs/heads/main"]}}});
    let ci = roles(&[("app", vec![statement], json!("ec2:Describe*"))]);
    let by = |subject: &str, key: &str, names: &[&str]| -> Vec<Value> {
        let mut opens = takes("A", "x:y", "app", key);
        opens["userIdentity"] = json!({"type": "WebIdentityUser", "userName": subject, "identityProvider": github,
            "principalId": format!("{github}:sts.amazonaws.com:{subject}")});
        let made = names.iter().map(|name| calls("app", key, ("ec2", name)));
        [opens].into_iter().chain(made).collect()
    };
    let wide = by(
        "repo:o/a:ref:refs/heads/main",
        "ASIAA",
        &["DescribeVpcs", "DescribeSubnets", "DescribeInstances", "DescribeImages"],
    );
    let narrow = by("repo:o/b:ref:refs/heads/main", "ASIAB", &["DescribeVpcs"]);
    check(
        &[wide.clone(), narrow.clone()].concat(),
        &ci,
        None,
        &["wide-role-narrow-sessions"],
    );
    let (_, text) = evidence(&[wide.clone(), narrow].concat(), &ci, "wide-role-narrow-sessions");
    assert_eq!(
        text,
        "repo:o/b:ref:refs/heads/main uses 1 of 4 actions: ec2:DescribeVpcs"
    );
    // One caller is no crowd, and two who do the same need no policy each.
    check(&wide, &ci, None, &[]);
    let same = by(
        "repo:o/b:ref:refs/heads/main",
        "ASIAB",
        &["DescribeVpcs", "DescribeSubnets", "DescribeInstances", "DescribeImages"],
    );
    check(&[wide, same].concat(), &ci, None, &[]);
}

const BOUND: &str = "arn:aws:iam::111122223333:policy/bound";

/// What is found of a role with one more statement, where a boundary of these actions is among the grants.
fn found_with(statement: Value, boundary: Option<Value>) -> Vec<String> {
    let mut grants = role(&plain_trust(), &json!("ec2:DescribeVpcs"), &[]);
    grants["RoleDetailList"][0]["RolePolicyList"][0]["PolicyDocument"]["Statement"] = json!([
        {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}, statement]);
    if let Some(actions) = boundary {
        let document =
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}});
        grants["Policies"] = json!([{"Arn": BOUND, "PolicyName": "bound", "DefaultVersionId": "v1", "AttachmentCount": 0,
            "PermissionsBoundaryUsageCount": 1,
            "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true, "Document": document}]}]);
    }
    found(&used(&[]), &grants, None)
}

#[test]
fn a_path_that_asks_for_a_boundary_is_closed_unless_the_boundary_is_known_to_leave_it_open() {
    let attaches = json!({"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": BOUND}}});
    let told = |boundary| found_with(attaches.clone(), boundary).contains(&"escalation".to_owned());
    assert!(!told(None), "nobody has read it");
    assert!(!told(Some(json!(["s3:*"]))));
    assert!(told(Some(json!("*"))));
}

#[test]
fn whoever_creates_roles_without_a_boundary() {
    const ID: &str = "roles-without-boundary";
    let (bound, with) = (BOUND, found_with);
    let of = |statement: Value| with(statement, None);
    let creates = |condition: Value| json!({"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*", "Condition": condition});
    assert_eq!(of(creates(json!({}))), [ID]);
    let bound_by = |arn: &str| creates(json!({"StringEquals": {"iam:PermissionsBoundary": arn}}));
    assert!(with(bound_by(bound), Some(json!(["s3:*", "sqs:*"]))).is_empty());
    for open in [json!("*"), json!(["s3:*", "iam:*"]), json!(["iam:PutRolePolicy"])] {
        assert_eq!(with(bound_by(bound), Some(open)), [ID]);
    }
    assert_eq!(of(bound_by("arn:aws:iam::aws:policy/AdministratorAccess")), [ID]);
    assert!(of(bound_by("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")).is_empty());
    // Nobody has read it.
    assert_eq!(of(bound_by(bound)), [ID]);
    assert!(of(json!({"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*"})).is_empty());
    // Whoever may do everything is told so once.
    assert!(!of(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})).contains(&ID.to_owned()));
}
