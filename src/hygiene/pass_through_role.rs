//! Pass-through role: a role that does nothing itself but take the next one.

use super::{About, Check, Find, Found, Practice, Severity, Subject};
use crate::gap::{ActionSet, Grade};
use crate::grants::Kind;
use crate::rightsize;

/// Most roles on either side that are listed.
const LISTED: usize = 6;
/// What taking a role needs, and what says who one is.
const STEPS: [&str; 4] = [
    "sts:AssumeRole",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "sts:GetCallerIdentity",
];

pub(super) const CHECK: Check = Check {
    id: "pass-through-role",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A role that only takes other roles: nothing else is granted to it, or nothing else of it was seen.",
        abuse: "It is a corridor. Whoever comes in at its near end stands at its far end, where the trail names the corridor and not who came.",
        instead: "The last role directly, for those who are meant; or the corridor with a source identity, which stays in every event behind it.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    if role.kind != Kind::Role || !subject.acts_as_granted() {
        return None;
    }
    if rightsize::kept_whole(role, subject.ground.options).is_some() {
        return None;
    }
    let assume = subject.catalog.id("sts:AssumeRole")?;
    let steps = STEPS.map(|action| subject.catalog.id(action));
    let is_step = |action| steps.contains(&Some(action));
    let slices = &subject.gap.slices;
    let takes_roles = slices.iter().any(|slice| slice.granted.contains(assume));
    let may_more = slices.iter().any(|slice| !slice.granted.iter().all(is_step));
    let mut used = ActionSet::none();
    for slice in slices {
        used.extend(&slice.with_grade(Grade::Used));
    }
    let only_took = used.contains(assume) && used.iter().all(is_step);
    if !takes_roles || (may_more && !only_took) {
        return None;
    }
    let takes = subject.graph.takes();
    let principal = |index: usize| &subject.ground.grants.principals[index];
    let name = |index: usize| {
        let one = principal(index);
        let across = if one.account == role.account {
            String::new()
        } else {
            format!(" of account {}", one.account)
        };
        format!("{} {}{across}", one.kind.name(), one.name)
    };
    let list = |what: &str, names: Vec<String>| {
        let more = names.len().saturating_sub(LISTED);
        let rest = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let shown = &names[..names.len().min(LISTED)];
        (!names.is_empty()).then(|| format!("{what} {}{rest}", shown.join(", ")))
    };
    let next = takes.of(subject.gap.principal).map(|take| name(take.role)).collect();
    let before = takes.into(subject.gap.principal).map(|take| name(take.by)).collect();
    let said = if may_more {
        "no call of it was seen but those that take a role; it is granted more"
    } else {
        "nothing is granted to it but to take roles"
    };
    let mut evidence = vec![said.to_owned()];
    evidence.extend(list("it can be taken by", before));
    evidence.extend(list("it can take", next));
    Some(Found {
        about: String::new(),
        severity: Severity::Low,
        title: format!("role {} only leads to other roles", role.name),
        why: "each step between who acts and what is done makes it harder to see who acted".to_owned(),
        fix: "name those who take it in the trust policy of the next role, and delete this one; where it must stay, require sts:SourceIdentity in its trust policy"
            .to_owned(),
        commands: Vec::new(),
        evidence,
    })
}
