//! Wildcard trust: a role that strangers may take: any account, any token of a provider, another repository.

use super::graph::strangers::{Far, guests};
use super::{About, Check, Find, Found, Practice, Severity, Subject};

pub(super) const CHECK: Check = Check {
    id: "wildcard-trust",
    practice: Practice::Hierarchy,
    find: Find::OfPrincipal(check),
    about: About {
        what: "The role's trust policy lets in somebody whom its owner did not name: any account, any token of an identity provider, or a repository of somebody else.",
        abuse: "Anybody can open an account or a repository, get a token of the same provider, and ask for the role. AWS checks nothing but the trust policy.",
        instead: "The same temporary credentials, for a trust policy that names the one subject and its audience.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
    },
};

fn check(subject: &Subject<'_>) -> Option<Found> {
    let principal = subject.principal;
    let guests = guests(principal);
    let mut severity = Severity::Low;
    let mut evidence = Vec::new();
    for guest in &guests {
        let under: Vec<&str> = guest.under.iter().map(String::as_str).collect();
        let own = match (guest.far, under.is_empty()) {
            (Far::Anybody, true) => Severity::High,
            (Far::Anybody, false) => Severity::Medium,
            (Far::Neighbour | Far::Audience, _) => Severity::Low,
        };
        severity = severity.max(own);
        evidence.push(if under.is_empty() {
            format!("{} may assume it", guest.who)
        } else {
            format!("{} may assume it under a condition on {}", guest.who, under.join(", "))
        });
    }
    let farthest = guests.iter().map(|guest| guest.far).max()?;
    let (title, fix) = match farthest {
        Far::Anybody => (
            format!("role {} trusts whoever comes", principal.name),
            "name the accounts, roles or subjects in the trust policy (StringEquals on the provider's :sub and :aud)",
        ),
        Far::Neighbour => (
            format!("role {} trusts repositories that it does not name", principal.name),
            "name the repository in the condition on :sub, or write down that all of them are meant",
        ),
        Far::Audience => (
            format!("role {} takes tokens that were made for somebody else", principal.name),
            "add StringEquals on the provider's :aud to the condition",
        ),
    };
    Some(Found {
        about: String::new(),
        severity,
        title,
        why: "what the role may do, they may do".to_owned(),
        fix: fix.to_owned(),
        commands: Vec::new(),
        evidence,
    })
}
