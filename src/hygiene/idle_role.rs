//! Idle role: a role that is granted something and made no call in the window.

use super::{About, Check, Find, Found, Practice, Severity, Subject, day, pod_role_never_taken, retire};
use crate::grants::Kind;
use crate::time::DAY;

pub(super) const CHECK: Check = Check {
    id: "idle-role",
    practice: Practice::RemoveUnused,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A role that is granted something and made no call in the window.",
        abuse: "Nobody watches what nobody uses: whoever gets into it works unseen with all that it was ever granted.",
        instead: "Nothing, if nobody misses it. Else a new role with what the one task needs.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    // A service-linked role belongs to its service, and goes with it.
    if subject.principal.kind != Kind::Role
        || subject.principal.path.starts_with("/aws-service-role/")
        || pod_role_never_taken::speaks_of(subject)
    {
        return None;
    }
    idle(
        subject,
        "deny its use for two weeks by an inline policy, then delete it",
    )
}

/// What is found of a principal that made no call, unless it is kept, too young to tell, out of the archive's sight, or seen in
/// use elsewhere.
pub(super) fn idle(subject: &Subject<'_>, fix: &str) -> Option<Found> {
    let (principal, window, gap) = (subject.principal, subject.ground.window, subject.gap);
    let grants_something = gap.slices.iter().any(|slice| !slice.granted.is_empty());
    if gap.activity.calls > 0 || !grants_something {
        return None;
    }
    let ground = subject.ground;
    let spared = ground.spared(gap.principal).is_some() && principal.created.is_some();
    if spared || ground.is_out_of_sight(gap) || ground.is_seen_elsewhere(gap) || has_new_key(subject) {
        return None;
    }
    let (from, to) = (window.first, window.last());
    let mut evidence = vec![format!("no call from {} to {}", day(from), day(to))];
    if let Some(used) = principal.last_used.map(|time| time.as_second()) {
        evidence.push(format!("IAM saw its last use on {}", day(used)));
    }
    if let Some(last) = subject.ground.coverage.taken.get(&principal.id) {
        evidence.push(format!("it was taken, the last time on {}", day(*last)));
    }
    // Whoever cannot be judged yet is not taken out of service yet.
    let (severity, fix, commands) = match (ground.wait(gap), principal.permission_set()) {
        (Some(why), _) => (Severity::Low, format!("nothing yet: {why}"), Vec::new()),
        (None, Some(set)) => (
            Severity::Medium,
            format!(
                "take the assignments of permission set {set} to this account away in IAM Identity Center: IAM refuses changes to its roles"
            ),
            retire::assignments(set, &principal.account),
        ),
        (None, None) => {
            let looks = retire::looks(principal);
            let steps = retire::principal(subject.ground.grants, gap.principal);
            (
                Severity::Medium,
                fix.to_owned(),
                looks.into_iter().chain(steps).collect(),
            )
        }
    };
    Some(Found {
        about: String::new(),
        severity,
        title: format!(
            "{} {} made no call in the window",
            principal.kind.name(),
            principal.name
        ),
        why: "what nobody uses is only of use to an attacker".to_owned(),
        fix,
        commands,
        evidence,
    })
}

/// Whether somebody was given an access key within `--grace`, which waits for its first use.
fn has_new_key(subject: &Subject<'_>) -> bool {
    let (end, grace) = (subject.ground.window.end, subject.ground.options.grace);
    let keys = subject.credentials().into_iter().flat_map(|known| &known.keys);
    let mut made = keys.filter(|key| key.active).filter_map(|key| key.rotated);
    made.any(|made| end - made.as_second() < i64::from(grace) * DAY)
}
