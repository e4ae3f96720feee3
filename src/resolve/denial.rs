//! AWS's own sentence about a denial: which action, on what, and the id under which IAM explains it.
//!
//! `User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy allows the ACTION
//! action` (IAM user guide, "Troubleshoot access denied error messages"), and what single services make of it. Whoever
//! calls can put text into an error message, so a sentence counts only where it is the whole message, or where the error
//! code says that this is a denial.

use std::borrow::Cow;

use crate::decode::{Identity, Issuer, json};

/// Longest id of an authorization that is believed. AWS writes letters and digits.
const LONGEST_ID: usize = 128;

/// What the sentence says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Sentence<'m> {
    /// Who was denied, by an ARN or an id; `None` where it is only the caller.
    pub(super) who: Option<&'m str>,
    /// `service:Action`, as AWS wrote it.
    pub(super) action: Option<&'m str>,
    /// The resource, as AWS wrote it.
    pub(super) resource: Option<&'m str>,
    /// What IAM's `GetRequestAuthorizationDetails` explains the denial by (IAM user guide, "Troubleshoot access denied
    /// error messages with authorization ID").
    pub(super) authorization_id: Option<&'m str>,
    /// Nothing stands before it but who was denied, and nothing behind it but why.
    pub(super) whole: bool,
}

/// What stands in front of the action, in the words of one service or another; what may stand before it is who was
/// denied. STS writes no colon.
const BEFORE: [&str; 4] = [
    "ot authorized to perform: ",
    "ot authorized to perform `",
    "ot authorized to perform ",
    // Elastic Beanstalk.
    "o not have permission to perform the '",
];

impl<'m> Sentence<'m> {
    /// Reads the sentence; `None` where the message holds none.
    pub(super) fn read(message: &'m str) -> Option<Self> {
        let (before, rest) = BEFORE.iter().find_map(|words| message.split_once(words))?;
        let action_end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_')))
            .unwrap_or(rest.len());
        let action = Some(&rest[..action_end]).filter(|action| is_action(action));
        let tail = rest[action_end..].trim_start_matches(['\'', '`', '"']);
        let (resource, tail) = resource(tail);
        Some(Self {
            who: who(before),
            action,
            resource,
            authorization_id: authorization_id(message),
            whole: action.is_some() && names_somebody(before) && is_reason(tail),
        })
    }

    /// Whether AWS says so of this caller. Services act under roles of their own as well, and pass on what those were
    /// denied; whoever cannot be compared is somebody else, so that a wrong guess keeps a permission.
    pub(super) fn is_of(&self, caller: Option<&Identity>) -> bool {
        self.who
            .is_none_or(|who| caller.is_some_and(|caller| is_called(caller, who)))
    }
}

/// `arn:aws:iam::111122223333:user/ana` of `User: arn:aws:iam::111122223333:user/ana is n`; nobody of `You are n` and of
/// `User is n`.
fn who(before: &str) -> Option<&str> {
    let named = before.strip_suffix(" is n")?;
    let (said, who) = named.rsplit_once(' ').unwrap_or(("", named));
    let announced = ["User:", "User", "Role:", "Role"]
        .iter()
        .any(|word| said.ends_with(word));
    (announced || who.contains(':')).then(|| who.trim_matches(['`', '\'', '"']))
}

/// Whether a caller goes by this ARN or id.
fn is_called(caller: &Identity, who: &str) -> bool {
    let issuer = caller.session_issuer.as_ref();
    let issuers = |of: fn(&Issuer) -> &Option<Box<str>>| issuer.and_then(|issuer| of(issuer).as_deref());
    let (id, issuer_id) = (caller.principal_id.as_deref(), issuers(|issuer| &issuer.principal_id));
    if !who.starts_with("arn:") {
        let own = [id, issuer_id].into_iter().flatten();
        return own
            .map(without_session)
            .any(|id| !id.is_empty() && id == without_session(who));
    }
    let (arn, issuer_arn) = (caller.arn.as_deref(), issuers(|issuer| &issuer.arn));
    let account = issuers(|issuer| &issuer.account_id).or(caller.account_id.as_deref());
    let (name, issuer_name) = (caller.user_name.as_deref(), issuers(|issuer| &issuer.user_name));
    let names = [
        arn.and_then(name_of),
        issuer_arn.and_then(name_of),
        account.zip(name).map(|(account, name)| (account, "user", name)),
        account.zip(issuer_name).map(|(account, name)| (account, "role", name)),
    ];
    // Of a caller from another account its owner's log tells the account alone.
    let is_account = caller.kind.as_deref() == Some("AWSAccount");
    name_of(who).is_some_and(|(account, kind, name)| {
        if is_account && caller.account_id.as_deref() == Some(account) {
            return true;
        }
        let same =
            |(own, its, called): (&str, &str, &str)| own == account && its == kind && called.eq_ignore_ascii_case(name);
        names.into_iter().flatten().any(same)
    })
}

/// The `AROA…` of `AROA…:session`.
fn without_session(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}

/// Account, kind and name of a user, role or root. A session's ARN lacks its role's path, and a role has many sessions.
fn name_of(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let (account, resource) = (parts.next()?, parts.next()?);
    let mut path = resource.split('/');
    match path.next()? {
        "assumed-role" => Some((account, "role", path.next()?)),
        kind => Some((account, kind, path.next_back().unwrap_or(""))),
    }
}

/// `sqs:DeleteQueue`
fn is_action(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty() && !name.contains(':'))
}

/// `User: arn:aws:iam::111122223333:user/ana is n`, `You are n`, `N`: nothing in it could be quoted text.
fn names_somebody(before: &str) -> bool {
    // EC2 says it twice.
    let before = before
        .strip_prefix("You are not authorized to perform this operation. ")
        .unwrap_or(before);
    if matches!(before, "N" | "n" | "You are n" | "User is n" | "Caller is n") {
        return true;
    }
    let Some(who) = before.strip_suffix(" is n") else {
        return false;
    };
    let who = ["User: ", "User `", "User ", "Role: ", "Role "]
        .iter()
        .find_map(|word| who.strip_prefix(word));
    who.is_some_and(|who| !who.is_empty() && !who.contains([' ', '"']))
}

/// ` on resource: ARN`, where the tail starts with one, and what follows it.
fn resource(tail: &str) -> (Option<&str>, &str) {
    let starts = [
        (" on resource: \"", "\""),
        (" on resource: ", ""),
        (" on resource(s): ", ""),
        (" on resource `", "'"),
        (" on resource ", ""),
    ];
    let found = starts
        .iter()
        .find_map(|(start, quote)| Some((tail.strip_prefix(start)?, *quote)));
    let Some((rest, quote)) = found else {
        return (None, tail);
    };
    let (resource, behind) = if quote.is_empty() {
        // An object's key may hold spaces.
        let end = REASONS
            .iter()
            .filter_map(|reason| rest.find(reason))
            .min()
            .unwrap_or(rest.len());
        let (resource, behind) = rest.split_at(end);
        (resource.trim_end_matches('.'), behind)
    } else {
        rest.split_once(quote).unwrap_or((rest, ""))
    };
    if resource == "*" || resource.starts_with("arn:") {
        (Some(resource), behind)
    } else {
        (None, tail)
    }
}

/// How what follows the resource starts: which kind of policy denied, or where to read more.
const REASONS: [&str; 3] = [" because ", " with an explicit deny ", ". Go to https://"];

/// Whether nothing but a reason follows.
fn is_reason(tail: &str) -> bool {
    matches!(tail, "" | ".") || REASONS.iter().any(|reason| tail.starts_with(reason))
}

/// `… with the following authorization id: abc123`
fn authorization_id(message: &str) -> Option<&str> {
    let (_, rest) = message.rsplit_once("authorization id: ")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|id| (1..=LONGEST_ID).contains(&id.len()))
}

/// The message that a response carries itself: GuardDuty, EKS, AppSync and Security Hub leave `errorMessage` out and
/// answer `{"message": "User: … is not authorized …"}`.
pub(super) fn message_of(response: &str) -> Option<Cow<'_, str>> {
    let mut found = None;
    for (name, value) in json::members(response) {
        if json::same_name(&name, "message") || json::same_name(&name, "errorMessage") {
            found = found.or(match json::parse(value) {
                Some(json::Value::String(text)) => Some(text),
                _ => None,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests;
