//! Untrusted service account: a pod took the role in the window, and today's trust policy does not let it in.

use super::graph::pods::admits;
use super::{About, Check, Find, Found, Practice, Severity, Subject, day, retire};
use crate::attribute::{Workload, WorkloadKind};
use crate::gap::How;
use crate::grants::Eks;
use crate::iam::{Answer, pattern};

pub(super) const CHECK: Check = Check {
    id: "untrusted-service-account",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A Kubernetes service account took the role in the window, and the role's trust policy of today does not name it.",
        abuse: "Somebody may have opened the trust policy for a moment, taken the role, and closed it again. If it was closed on purpose, the pod fails once its session ends.",
        instead: "A role of its own for that service account, by EKS Pod Identity or IRSA.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    let eks = &subject.ground.grants.supplements.eks;
    let users = subject.gap.users.all.iter().filter(|user| user.how == How::Seen);
    let mut evidence: Vec<String> = users
        .filter_map(|user| Some((user.workload.as_ref()?, user.calls)))
        .filter(|(pod, _)| is_pod(pod) && admits(role, pod) == Answer::No)
        .map(|(pod, calls)| format!("{}: {calls} calls", named(pod, eks)))
        .collect();
    if evidence.is_empty() {
        return None;
    }
    let changed = subject.table.rows.iter().filter(|row| {
        let signature = &subject.table.signatures[row.signature].signature;
        let changes = &*signature.event_name == "UpdateAssumeRolePolicy" && signature.error_code.is_empty();
        changes
            && *signature.account == *role.account
            && row
                .resources
                .iter()
                .any(|resource| pattern::matches(resource, &role.arn))
    });
    evidence.push(match changed.map(|row| row.last).max() {
        Some(last) => format!("the trust policy was changed on {}", day(last)),
        None => "the archive does not show who changed the trust policy, or when".to_owned(),
    });
    Some(Found {
        about: String::new(),
        severity: Severity::Medium,
        title: format!("role {} was taken by a service account that its trust policy does not allow", role.name),
        why: "either the trust policy was narrowed since, and the pod will fail, or it was open for a while to whom it should not have been"
            .to_owned(),
        fix: "find out who changed the trust policy; then give the service account a role of its own, or end its sessions"
            .to_owned(),
        commands: vec![format!(
            "aws cloudtrail lookup-events --region us-east-1 --lookup-attributes AttributeKey=ResourceName,AttributeValue={}",
            retire::shell(&role.name)
        )],
        evidence,
    })
}

/// Whether a workload is a pod's.
pub(super) fn is_pod(workload: &Workload) -> bool {
    matches!(workload.kind, WorkloadKind::ServiceAccount | WorkloadKind::PodIdentity)
}

/// `old/gone of cluster AAAA (IRSA)`
pub(super) fn named(pod: &Workload, eks: &Eks) -> String {
    let kind = if pod.kind == WorkloadKind::PodIdentity {
        "Pod Identity"
    } else {
        "IRSA"
    };
    let cluster = pod
        .cluster
        .as_ref()
        .map_or_else(String::new, |cluster| format!(" of cluster {}", eks.name_of(cluster)));
    format!(
        "{}/{}{cluster} ({kind})",
        pod.namespace.as_deref().unwrap_or("?"),
        pod.name
    )
}
