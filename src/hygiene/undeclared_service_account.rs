//! Undeclared service account: a role is annotated in manifests, and a service account took it that none of them annotates.

use super::graph::pods::admits;
use super::untrusted_service_account::named;
use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::attribute::WorkloadKind;
use crate::gap::How;
use crate::iam::Answer;

pub(super) const CHECK: Check = Check {
    id: "undeclared-service-account",
    practice: Practice::ServiceAccounts,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The manifests say which service accounts have the role, and one that they do not name took it in the window.",
        abuse: "A service account made by hand in a namespace that the trust policy's pattern lets in has the role, and no review saw it.",
        instead: "A trust policy that names each service account by StringEquals on sub, as the manifests do.",
        page: "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    let declared: Vec<_> = subject.ground.grants.supplements.manifests.of_role(&role.arn).collect();
    if declared.is_empty() {
        return None;
    }
    let eks = &subject.ground.grants.supplements.eks;
    let pods = subject.gap.users.all.iter().filter(|user| user.how == How::Seen);
    let strangers = pods.filter_map(|user| {
        let pod = user
            .workload
            .as_ref()
            .filter(|pod| pod.kind == WorkloadKind::ServiceAccount)?;
        let namespace = pod.namespace.as_deref()?;
        let known = declared.iter().any(|one| one.may_be(namespace, &pod.name));
        // One that today's trust policy does not let in is a finding of its own.
        (!known && admits(role, pod) != Answer::No).then(|| format!("{}: {} calls", named(pod, eks), user.calls))
    });
    let mut evidence: Vec<String> = strangers.collect();
    if evidence.is_empty() {
        return None;
    }
    let shown = declared.iter().take(10);
    evidence.extend(shown.map(|one| format!("{} annotates {}", one.place, one.label())));
    Some(Found {
        about: String::new(),
        severity: Severity::Medium,
        title: format!(
            "role {} was taken by a service account that no manifest annotates",
            role.name
        ),
        why:
            "either the manifests that were given are not all, or somebody made a way to the role that nobody reviewed"
                .to_owned(),
        fix: "find the manifest, or who made the service account; then name each service account in the trust policy"
            .to_owned(),
        commands: Vec::new(),
        evidence,
    })
}
