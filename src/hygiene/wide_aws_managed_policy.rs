//! Wide AWS-managed policy: a policy that AWS wrote for everybody, of which this principal uses little.

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::gap::Grade;
use crate::grants::PolicyKind;
use crate::rightsize;

/// Actions from which on a policy is wide.
const WIDE: usize = 100;

pub(super) const CHECK: Check = Check {
    id: "wide-aws-managed-policy",
    practice: Practice::ManagedPolicies,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A policy that AWS wrote for everybody: it grants what any customer might need, and grows when AWS extends it.",
        abuse: "Whoever takes over the principal has all of it, used or not, on every resource of the account.",
        instead: "The same role with a customer-managed policy that holds what it uses.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    let kept = rightsize::kept_whole(principal, subject.ground.options).is_some();
    if !subject.acts_as_granted() || kept {
        return None;
    }
    let mut evidence = Vec::new();
    let mut administrator = false;
    for index in subject.ground.grants.policies_of(subject.gap.principal) {
        let policy = &subject.ground.grants.policies[index];
        if policy.kind != PolicyKind::AwsManaged || policy.arn.contains(":policy/service-role/") {
            continue;
        }
        let slices = || subject.gap.slices.iter().filter(|slice| slice.policy == index);
        let granted: usize = slices().map(|slice| slice.granted.len()).max().unwrap_or(0);
        let used: usize = slices().map(|slice| slice.with_grade(Grade::Used).len()).sum();
        if granted >= WIDE {
            administrator |= policy.name == "AdministratorAccess";
            evidence.push(format!("{}: {granted} actions, {used} of them used", policy.name));
        }
    }
    let first = evidence.first()?.clone();
    Some(Found {
        about: String::new(),
        commands: Vec::new(),
        severity: if administrator {
            Severity::High
        } else {
            Severity::Medium
        },
        title: format!(
            "{} {} holds a policy written for everybody",
            principal.kind.name(),
            principal.name
        ),
        why: first,
        fix: match subject.ground.keeps(principal) {
            true => {
                "attach a customer-managed policy with what it uses and what the keep-list keeps, then detach this one"
            }
            false => "attach a customer-managed policy with what it uses, then detach this one",
        }
        .to_owned(),
        evidence,
    })
}
