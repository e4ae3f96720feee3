//! Unused instance profile: a role that instances may have, and whose calls all come from elsewhere.

use super::{About, Check, Find, Found, Practice, Severity, Subject, retire};

pub(super) const CHECK: Check = Check {
    id: "unused-instance-profile",
    practice: Practice::RemoveUnused,
    find: Find::OfPrincipal(check),
    about: About {
        what: "A role sits in an instance profile, works, and no EC2 instance used it in the window.",
        abuse: "Whoever may start an instance with that profile reads the role's credentials from its metadata.",
        instead: "The credentials that its real users take already.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let role = subject.principal;
    let by_instances = subject.ground.coverage.instance_clients.contains_key(&role.id);
    // An idle role is a finding of its own. Where no role is known by its instances, nobody looked.
    let looked = !subject.ground.coverage.instance_clients.is_empty();
    if role.instance_profiles.is_empty()
        || role.id.is_empty()
        || subject.gap.activity.calls == 0
        || by_instances
        || !looked
    {
        return None;
    }
    let ground = subject.ground;
    if ground.spared(subject.gap.principal).is_some() || ground.is_out_of_sight(subject.gap) {
        return None;
    }
    let wait = ground.wait_for_days(subject.gap).or_else(|| ground.handed(role));
    let own = format!("--role-name {}", retire::shell(&role.name));
    let profiles = role.instance_profiles.iter();
    Some(Found {
        about: String::new(),
        severity: Severity::Low,
        title: format!("no instance used role {} through its instance profile", role.name),
        why: "its calls came from elsewhere, so the way through an instance is open for nobody".to_owned(),
        fix: match &wait {
            Some(why) => format!("nothing yet: {why}"),
            None => "take the role out of the instance profile, after a look for instances that still have it".to_owned(),
        },
        commands: profiles
            .clone()
            .filter(|_| wait.is_none())
            .map(|profile| {
                let profile = retire::shell(profile);
                format!(
                    "aws iam remove-role-from-instance-profile {own} --instance-profile-name {profile}  # undo: aws iam add-role-to-instance-profile {own} --instance-profile-name {profile}"
                )
            })
            .collect(),
        evidence: profiles.map(|profile| format!("instance profile {profile}")).collect(),
    })
}
