//! Leaned-on node role: an EKS node's role that programs other than the node's own call AWS with.
//!
//! A pod that finds no role of its own falls back to the instance's (EKS user guide, "IAM roles for service accounts").
//! The calls look like the node's; only the client tells.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day};

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
/// What shows that a role is an EKS node's.
const NODE_POLICIES: [&str; 3] = [
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKS_CNI_Policy",
];

pub(super) const CHECK: Check = Check {
    id: "leaned-on-node-role",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "Programs in pods call AWS with the role of the node that they run on.",
        abuse: "Every pod on the node can take these credentials from the instance's metadata, so one bad image has them all.",
        instead: "A role of the workload's own by EKS Pod Identity or IRSA; then a hop limit of 1 keeps pods from the node's metadata.",
        page: "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    let is_node = subject
        .grants
        .policies_of(subject.gap.principal)
        .into_iter()
        .any(|policy| NODE_POLICIES.contains(&subject.grants.policies[policy].name.as_str()));
    if !is_node || principal.id.is_empty() {
        return None;
    }
    let clients = subject.coverage.instance_clients.get(&principal.id)?;
    // Programs of AWS's own SDK name the SDK; the node's own ones do too, so those tell nothing.
    let tells = |client: &str| !client.is_empty() && !client.to_ascii_lowercase().starts_with("aws-sdk");
    let is_service = |client: &str| client.ends_with(".amazonaws.com") || client == "AWS Internal";
    let evidence: Vec<String> = clients
        .iter()
        .filter(|(client, _)| tells(client) && !is_service(client) && !OWN.contains(&client.as_str()))
        .map(|(client, calls)| format!("{client}: {} calls, the last on {}", calls.calls, day(calls.last)))
        .collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: Severity::High,
        title: format!("programs on the nodes use the node role {}", principal.name),
        why: "every pod on the node has what this role has, and nobody can tell whose call it was".to_owned(),
        fix: "give the workload a role by Pod Identity or IRSA, then keep pods from the node's metadata (IMDSv2, hop limit 1)"
            .to_owned(),
        evidence,
    })
}
