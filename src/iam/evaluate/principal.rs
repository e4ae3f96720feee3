//! Whether a statement's Principal names the caller, and how: by its own ARN, by its role, or by its account.

use crate::iam::Answer;
use crate::iam::PrincipalPart;
use crate::iam::arn::Arn;
use crate::iam::condition::holds::{not, yes_if};
use crate::iam::policy::Principal;
use crate::iam::request::Caller;

/// How a statement names the caller. It decides which other policies limit an Allow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Match {
    /// By account: the account's identity policies decide.
    Account,
    /// By role: grants, within boundary and session policies.
    Role,
    /// As everybody: grants; whether past boundary and session policies too is written nowhere.
    Everyone,
    /// By the ARN of the user or session, or as the service: grants whatever boundary and session policies leave out.
    Direct,
}

/// How `part` names `caller`, and whether it does.
pub(super) fn concerns(part: &PrincipalPart, caller: &str) -> (Match, Answer) {
    match part {
        // Policies that are attached to the caller name nobody.
        PrincipalPart::None => (Match::Everyone, Answer::Yes),
        PrincipalPart::Principal(principals) => {
            let closest = principals.iter().filter_map(|principal| names(principal, caller)).max();
            (closest.unwrap_or(Match::Account), yes_if(closest.is_some()))
        }
        PrincipalPart::NotPrincipal(principals) => {
            let named: Vec<Match> = principals
                .iter()
                .filter_map(|principal| names(principal, caller))
                .collect();
            // Everything above the caller has to be excepted with it, the account and the role of a session
            // ("IAM JSON policy elements: NotPrincipal"); with a part of that, what happens is not written down.
            let excepted = match (Caller::of(caller), named.as_slice()) {
                (_, []) => Answer::No,
                (_, named) if named.contains(&Match::Everyone) => Answer::Yes,
                (Caller::Session { .. }, named) => yes_if_or_unknown(
                    [Match::Account, Match::Role, Match::Direct]
                        .iter()
                        .all(|kind| named.contains(kind)),
                ),
                (Caller::Role { .. }, named) => {
                    yes_if_or_unknown([Match::Account, Match::Role].iter().all(|kind| named.contains(kind)))
                }
                (Caller::Identity { .. }, named) => {
                    yes_if_or_unknown([Match::Account, Match::Direct].iter().all(|kind| named.contains(kind)))
                }
                (Caller::Root { .. } | Caller::Outside, _) => Answer::Yes,
            };
            (Match::Everyone, not(excepted))
        }
    }
}

fn yes_if_or_unknown(sure: bool) -> Answer {
    if sure { Answer::Yes } else { Answer::Unknown }
}

fn names(principal: &Principal, caller: &str) -> Option<Match> {
    match principal {
        Principal::Everyone => Some(Match::Everyone),
        Principal::Aws(text) => names_identity(text, caller),
        Principal::Service(text) | Principal::Federated(text) | Principal::CanonicalUser(text) => {
            (text == caller).then_some(Match::Direct)
        }
    }
}

fn names_identity(text: &str, caller: &str) -> Option<Match> {
    let of = Caller::of(caller);
    let account = of.account()?;
    if text == account {
        return Some(Match::Account);
    }
    let named = Arn::parse(text)?;
    let partition = Arn::parse(caller)?.partition;
    if named.partition != partition || named.account != account {
        return None;
    }
    if named.service == "iam" && named.resource == "root" {
        return Some(Match::Account);
    }
    match of {
        Caller::Role { .. } => (text == caller).then_some(Match::Role),
        // Role names are unique in an account whatever their path, and the session's ARN does not show the path.
        Caller::Session { role, .. } => match Caller::of(text) {
            Caller::Role { name, .. } => (name == role).then_some(Match::Role),
            Caller::Session { .. } => (text == caller).then_some(Match::Direct),
            Caller::Root { .. } | Caller::Identity { .. } | Caller::Outside => None,
        },
        Caller::Root { .. } | Caller::Identity { .. } | Caller::Outside => (text == caller).then_some(Match::Direct),
    }
}
