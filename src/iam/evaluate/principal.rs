//! Whether a statement's Principal names the caller, and how: by its own ARN, by its role, or by its account.

use crate::iam::Answer;
use crate::iam::PrincipalPart;
use crate::iam::arn::Arn;
use crate::iam::condition::holds::not;
use crate::iam::policy::Principal;
use crate::iam::request::Caller;

/// How a statement names the caller. It decides which other policies limit an Allow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Match {
    /// By account: the account's identity policies decide.
    Account,
    /// By role, or by the user behind a federated session: grants, within boundary and session policies.
    Role,
    /// As everybody: grants whatever boundary and session policies leave out ("AWS JSON policy elements: Principal",
    /// "IAM role principals").
    Everyone,
    /// By the ARN of the user or session, or as the service: grants whatever boundary and session policies leave out.
    Direct,
}

/// The ways in which `part` names `caller`, each with whether it surely does; none if it does not.
pub(super) fn concerns(part: &PrincipalPart, caller: &str) -> Vec<(Match, Answer)> {
    match part {
        // Policies that are attached to the caller name nobody.
        PrincipalPart::None => vec![(Match::Everyone, Answer::Yes)],
        PrincipalPart::Principal(principals) => principals
            .iter()
            .filter_map(|principal| names(principal, caller))
            .collect(),
        PrincipalPart::NotPrincipal(principals) => {
            let named: Vec<(Match, Answer)> = principals
                .iter()
                .filter_map(|principal| names(principal, caller))
                .collect();
            let as_any = |kinds: &[Match]| kinds.iter().all(|kind| named.contains(&(*kind, Answer::Yes)));
            // Everything above the caller has to be excepted with it, the account and the role of a session
            // ("IAM JSON policy elements: NotPrincipal"); with a part of that, what happens is not written down.
            let excepted = match Caller::of(caller) {
                _whoever if named.is_empty() => Answer::No,
                _whoever if as_any(&[Match::Everyone]) => Answer::Yes,
                Caller::Session { .. } => yes_if_or_unknown(as_any(&[Match::Account, Match::Role, Match::Direct])),
                Caller::Role { .. } => yes_if_or_unknown(as_any(&[Match::Account, Match::Role])),
                Caller::Identity { .. } | Caller::FederatedUser { .. } => {
                    yes_if_or_unknown(as_any(&[Match::Account, Match::Direct]))
                }
                Caller::Root { .. } | Caller::Outside => {
                    yes_if_or_unknown(named.iter().any(|(_, answer)| *answer == Answer::Yes))
                }
            };
            match not(excepted) {
                Answer::No => Vec::new(),
                concerned @ (Answer::Yes | Answer::Unknown) => vec![(Match::Everyone, concerned)],
            }
        }
    }
}

fn yes_if_or_unknown(sure: bool) -> Answer {
    if sure { Answer::Yes } else { Answer::Unknown }
}

fn names(principal: &Principal, caller: &str) -> Option<(Match, Answer)> {
    let surely = |kind: Option<Match>| kind.map(|kind| (kind, Answer::Yes));
    match principal {
        Principal::Everyone => surely(Some(Match::Everyone)),
        Principal::Aws(text) => names_identity(text, caller),
        Principal::Service(text) | Principal::Federated(text) => surely((text == caller).then_some(Match::Direct)),
        // It stands for an account, and no ARN says which ("Finding the canonical user ID").
        Principal::CanonicalUser(text) => match Caller::of(caller) {
            Caller::Outside => surely((text == caller).then_some(Match::Direct)),
            Caller::Root { .. }
            | Caller::Role { .. }
            | Caller::Session { .. }
            | Caller::Identity { .. }
            | Caller::FederatedUser { .. } => Some((Match::Account, Answer::Unknown)),
        },
    }
}

fn names_identity(text: &str, caller: &str) -> Option<(Match, Answer)> {
    let of = Caller::of(caller);
    let account = of.account()?;
    if text == account {
        return Some((Match::Account, Answer::Yes));
    }
    let named = Arn::parse(text)?;
    let partition = Arn::parse(caller)?.partition;
    if named.partition != partition || named.account != account {
        return None;
    }
    if named.service == "iam" && named.resource == "root" {
        return Some((Match::Account, Answer::Yes));
    }
    let kind = match of {
        Caller::Role { .. } => (text == caller).then_some(Match::Role),
        // Role names are unique in an account whatever their path, and the session's ARN does not show the path.
        Caller::Session { role, .. } => match Caller::of(text) {
            Caller::Role { name, .. } => (name == role).then_some(Match::Role),
            Caller::Session { .. } => (text == caller).then_some(Match::Direct),
            Caller::Root { .. } | Caller::Identity { .. } | Caller::FederatedUser { .. } | Caller::Outside => None,
        },
        Caller::FederatedUser { .. } => {
            let by_user = named.service == "iam" && named.resource.starts_with("user/");
            if by_user {
                return Some((Match::Role, Answer::Unknown));
            }
            (text == caller).then_some(Match::Direct)
        }
        Caller::Root { .. } | Caller::Identity { .. } | Caller::Outside => (text == caller).then_some(Match::Direct),
    };
    kind.map(|kind| (kind, Answer::Yes))
}
