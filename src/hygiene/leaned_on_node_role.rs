//! Leaned-on node role: an EKS node's role that programs other than the node's own call AWS with.
//!
//! A pod that finds no role of its own falls back to the instance's (EKS user guide, "IAM roles for service accounts").
//! What is called tells: the node's own programs need what the policies grant that AWS publishes for nodes, and no more.
//! The client tells too, and is only what the caller says of itself.

use std::collections::BTreeSet;

use super::{About, Check, Find, Found, Practice, Severity, Subject, day, retire};
use crate::attribute::WorkloadKind;
use crate::catalog::Catalog;
use crate::gap::{ActionSet, Evidence};
use crate::iam::{ActionPart, Policy};

/// Clients of what AWS runs on a node: kubelet, its credential providers, the network plugin and the agents.
const OWN: [&str; 11] = [
    "amazon-cloudwatch-agent",
    "amazon-ssm-agent",
    "amazon-vpc-cni-k8s",
    "aws-node",
    "ecr-credential-provider",
    "eks-node-monitoring-agent",
    "eks-pod-identity-agent",
    "kube-proxy",
    "kubelet",
    "kubernetes",
    "nodeadm",
];
/// Clients that run on Kubernetes nodes alone.
const NODES_ALONE: [&str; 6] = [
    "amazon-vpc-cni-k8s",
    "aws-node",
    "eks-node-monitoring-agent",
    "eks-pod-identity-agent",
    "kubelet",
    "nodeadm",
];
/// What shows that a role is an EKS node's.
const NODE_POLICIES: [&str; 3] = [
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKS_CNI_Policy",
];
/// What a node's own programs need, as AWS publishes it (EKS user guide, "Amazon EKS node IAM role"): kubelet, the network
/// plugin, pulls of images, the agent of Systems Manager.
const NEEDS: [&str; 6] = [
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
];
/// The same of agents that run on a node only where its owner attaches their policy.
const NEEDS_IF_ATTACHED: [&str; 1] = ["CloudWatchAgentServerPolicy"];
/// Needs that no published policy grants: of the network plugin with IPv6 (EKS user guide, "Configure Amazon VPC CNI plugin
/// to use IRSA", where customers make that policy), and of pulls from the public registry (ECR Public user guide,
/// "Registry authentication").
const NEEDS_BESIDE: [&str; 4] = [
    "ec2:AssignIpv6Addresses",
    "ec2:UnassignIpv6Addresses",
    "ecr-public:GetAuthorizationToken",
    "sts:GetServiceBearerToken",
];
/// Most actions that are listed.
const LISTED: usize = 12;

pub(super) const CHECK: Check = Check {
    id: "leaned-on-node-role",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Programs in pods call AWS with the role of the node that they run on: calls that no program of the node itself needs.",
        abuse: "Every pod on the node can take these credentials from the instance's metadata, so one bad image has them all.",
        instead: "A role of the workload's own by EKS Pod Identity or IRSA; then a hop limit of 1 keeps pods from the node's metadata, except those with hostNetwork.",
        page: "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    if role.id.is_empty() {
        return None;
    }
    let known_by = node(subject)?;
    let beyond = beyond_needs(subject);
    let clients = strange_clients(subject);
    if beyond.is_empty() && clients.is_empty() {
        return None;
    }
    let severity = if beyond.is_empty() {
        Severity::Medium
    } else {
        Severity::High
    };
    let more = beyond.len().saturating_sub(LISTED);
    let mut evidence: Vec<String> = beyond.into_iter().take(LISTED).collect();
    if more > 0 {
        evidence.push(format!("and {more} more actions that no node needs"));
    }
    evidence.extend(clients);
    evidence.push(known_by);
    evidence.push(
        "pods with hostNetwork and programs of the node itself look the same: no log tells them apart".to_owned(),
    );
    Some(Found {
        about: String::new(),
        commands: vec![
            "aws eks create-pod-identity-association --cluster-name CLUSTER --namespace NAMESPACE --service-account NAME --role-arn NEW_ROLE  # undo: aws eks delete-pod-identity-association --cluster-name CLUSTER --association-id ID".to_owned(),
            "aws ec2 modify-instance-metadata-options --instance-id ID --http-tokens required --http-put-response-hop-limit 1, for each node, and the same in their launch template  # undo: the same with --http-put-response-hop-limit 2".to_owned(),
            format!("look for denied calls of {} for two weeks, then take out of its policies what no node needs", retire::shell(&role.name)),
        ],
        severity,
        title: format!("programs on the nodes use the node role {}", role.name),
        why: "every pod on the node has what this role has, and nobody can tell whose call it was".to_owned(),
        fix: "give the workload a role by Pod Identity or IRSA, then keep pods from the node's metadata (IMDSv2, hop limit 1)"
            .to_owned(),
        evidence,
    })
}

/// How a role is known to be an EKS node's, if it is.
fn node(subject: &Subject<'_>) -> Option<String> {
    let policies = subject.ground.grants.policies_of(subject.gap.principal);
    let names = policies
        .iter()
        .map(|policy| subject.ground.grants.policies[*policy].name.as_str());
    if let Some(name) = names.into_iter().find(|name| NODE_POLICIES.contains(name)) {
        return Some(format!("it is a node's role: it has the policy {name}"));
    }
    if let Some(kind) = subject.ground.grants.supplements.eks.node_entry(&subject.principal.arn) {
        return Some(format!("it is a node's role: it has an access entry of type {kind}"));
    }
    if !by_instances(subject) {
        return None;
    }
    let clients = subject.ground.coverage.instance_clients.get(&subject.principal.id);
    let own = clients
        .into_iter()
        .flatten()
        .find(|(client, _)| NODES_ALONE.contains(&client.as_str()));
    if let Some((client, _)) = own {
        return Some(format!("it is a node's role: {client} calls with it"));
    }
    let pods = subject.catalog.id("eks-auth:AssumeRoleForPodIdentity")?;
    if subject.gap.activity.used.contains_key(&pods) {
        return Some("it is a node's role: it takes the roles of pods".to_owned());
    }
    is_copy(subject)
        .then(|| "it is a node's role: its policies grant what AmazonEKSWorkerNodePolicy does, and pulls".to_owned())
}

fn by_instances(subject: &Subject<'_>) -> bool {
    let services = &subject.gap.trust.services;
    services
        .iter()
        .any(|service| service.strip_suffix(".cn").unwrap_or(service) == "ec2.amazonaws.com")
}

/// Whether statements that name their services grant what nodes need: a copy of the published policies.
fn is_copy(subject: &Subject<'_>) -> bool {
    let mut granted = ActionSet::none();
    for slice in &subject.gap.slices {
        let Ok(document) = &subject.ground.grants.policies[slice.policy].policy else {
            continue;
        };
        let named = document
            .statements
            .get(slice.statement)
            .is_some_and(|statement| match &statement.action {
                ActionPart::Action(patterns) => patterns.iter().all(|pattern| !pattern.lower().starts_with('*')),
                ActionPart::NotAction(_) => false,
            });
        if named {
            granted.extend(&slice.granted);
        }
    }
    // Copies from before Pod Identity lack its action.
    let mut wanted = published(subject.catalog, "AmazonEKSWorkerNodePolicy");
    if let Some(newer) = subject.catalog.id("eks-auth:AssumeRoleForPodIdentity") {
        if granted.contains(newer) {
            return true;
        }
        wanted.remove(newer);
    }
    for action in [
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ] {
        wanted.extend(&ActionSet::of_pattern(subject.catalog, action));
    }
    !wanted.is_empty() && wanted.difference(&granted).is_empty()
}

/// What a policy of AWS's allows today.
fn published(catalog: &Catalog, name: &str) -> ActionSet {
    let text = catalog.managed_policy(&format!("arn:aws:iam::aws:policy/{name}"));
    let policy = text.and_then(|text| Policy::parse(&text).ok());
    ActionSet::allowed_by(catalog, policy.iter().flat_map(|policy| &policy.statements))
}

/// Actions that calls from instances used and no program of a node needs.
fn beyond_needs(subject: &Subject<'_>) -> Vec<String> {
    let catalog = subject.catalog;
    let mut needs = ActionSet::none();
    for name in NEEDS {
        needs.extend(&published(catalog, name));
    }
    let policies = subject.ground.grants.policies_of(subject.gap.principal);
    let attached: BTreeSet<&str> = policies
        .iter()
        .map(|policy| subject.ground.grants.policies[*policy].name.as_str())
        .collect();
    for name in NEEDS_IF_ATTACHED.iter().filter(|name| attached.contains(*name)) {
        needs.extend(&published(catalog, name));
    }
    for action in NEEDS_BESIDE {
        needs.extend(&ActionSet::of_pattern(catalog, action));
    }
    let used = subject
        .gap
        .activity
        .used
        .iter()
        .filter(|(action, _)| !needs.contains(**action));
    let told = used.filter_map(|(action, evidence)| {
        let calls = from_instances(subject, evidence);
        let last = evidence.last.as_ref().map_or(0, |witness| witness.time);
        (calls > 0).then(|| {
            let name = catalog.name(*action);
            format!("{name}, which no node needs: {calls} calls, the last on {}", day(last))
        })
    });
    told.collect()
}

/// Calls of instances, and of sessions that nobody but an instance can open.
fn from_instances(subject: &Subject<'_>, evidence: &Evidence) -> u64 {
    let trust = &subject.gap.trust;
    let only_instances = !trust.others && by_instances(subject) && trust.services.len() == 1;
    let by = evidence.behind.iter().filter(|(place, calls)| {
        let Some(actor) = subject.table.behind.get(**place).and_then(|behind| behind.actor()) else {
            return only_instances;
        };
        match subject.gap.users.user(actor, **calls).workload {
            Some(workload) => workload.kind == WorkloadKind::Ec2,
            None => only_instances,
        }
    });
    by.map(|(_, calls)| calls).sum()
}

/// Clients that no node runs, as they call themselves.
fn strange_clients(subject: &Subject<'_>) -> Vec<String> {
    let clients = subject.ground.coverage.instance_clients.get(&subject.principal.id);
    // Programs of AWS's own SDK name the SDK; the node's own ones do too, so those tell nothing.
    let tells = |client: &str| !client.is_empty() && !client.to_ascii_lowercase().starts_with("aws-sdk");
    let is_service = |client: &str| client.ends_with(".amazonaws.com") || client == "AWS Internal";
    let strange = clients
        .into_iter()
        .flatten()
        .filter(|(client, _)| tells(client) && !is_service(client) && !OWN.contains(&client.as_str()));
    strange
        .map(|(client, calls)| format!("{client}: {} calls, the last on {}", calls.calls, day(calls.last)))
        .collect()
}
