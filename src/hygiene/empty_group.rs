//! Empty group: a group that grants something to nobody.

use super::{About, Check, Find, Found, Practice, Severity, Subject, retire};
use crate::grants::Kind;

pub(super) const CHECK: Check = Check {
    id: "empty-group",
    practice: Practice::RemoveUnused,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A group of IAM users that has no member, and grants something all the same.",
        abuse: "Whoever may add users to groups can fill it and has what it grants; nobody looks at a group that serves nobody.",
        instead: "A permission set of IAM Identity Center, where people still need what it grants.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let (group, index) = (subject.principal, subject.gap.principal);
    if group.kind != Kind::Group {
        return None;
    }
    let has_members = subject
        .ground
        .grants
        .principals
        .iter()
        .any(|user| user.groups.contains(&index));
    // Users may be in an export of their own: a group is empty only where its account's users are known.
    let users_known = subject
        .ground
        .grants
        .principals
        .iter()
        .any(|user| user.kind == Kind::User && user.account == group.account);
    let spared = subject.ground.spared(index);
    if has_members || !users_known || group.policies.is_empty() || spared.is_some() {
        return None;
    }
    Some(Found {
        about: String::new(),
        severity: Severity::Low,
        title: format!("group {} has no member", group.name),
        why: "what it grants serves nobody, and is one call away from whoever may add users to groups".to_owned(),
        fix: "detach its policies, then delete it".to_owned(),
        commands: retire::group(subject.ground.grants, index),
        evidence: vec![format!(
            "none of the users in the grants belongs to it, and it has {} policies",
            group.policies.len()
        )],
    })
}
