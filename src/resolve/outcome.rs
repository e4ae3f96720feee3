//! What became of a call: allowed, denied, or nobody can tell.
//!
//! Only a denial says that a permission was not used, and only of the action that its message names; whatever is
//! unclear counts as use, so that a wrong guess keeps a permission.

use std::borrow::Cow;

use super::denial::{Sentence, message_of};
use crate::catalog::Catalog;
use crate::decode::Event;

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// AWS allowed it, whatever happened afterwards.
    Authorised,
    /// AWS denied it.
    Denied,
    /// Throttled, malformed, failed inside: the permission may have been asked for.
    Indeterminate,
}

impl Outcome {
    /// The outcome as `resolve` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Authorised => "authorised",
            Outcome::Denied => "denied",
            Outcome::Indeterminate => "indeterminate",
        }
    }
}

/// The outcome, and what a denial names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict<'e> {
    /// What became of the call.
    pub outcome: Outcome,
    /// Whether it is the caller who was denied. Services act under roles of their own as well, and pass on what those were
    /// denied.
    pub of_caller: bool,
    /// `service:Action` from the error message, as AWS wrote it.
    pub denied_action: Option<Cow<'e, str>>,
    /// The resource on which it was denied, as AWS wrote it.
    pub denied_resource: Option<Cow<'e, str>>,
    /// The id by which IAM explains the denial.
    pub authorization_id: Option<Cow<'e, str>>,
}

/// What became of the event's call.
pub fn outcome<'e>(event: &'e Event<'_>) -> Verdict<'e> {
    let outcome = of_code(event.error_code.as_deref().unwrap_or(""));
    let message = match event.error_message.as_deref() {
        Some(message) if !message.is_empty() => Some(Cow::Borrowed(message)),
        // Only a denial's response is read: what a response says otherwise may be anybody's text.
        Some(_) | None if outcome == Outcome::Denied => event.response_elements.json().and_then(message_of),
        Some(_) | None => None,
    };
    match message {
        Some(Cow::Borrowed(message)) => told(event, outcome, message, Cow::Borrowed),
        Some(Cow::Owned(message)) => told(event, outcome, &message, |text| Cow::Owned(text.to_owned())),
        None => told(event, outcome, "", Cow::Borrowed),
    }
}

/// What a message makes of the outcome that a code stands for.
fn told<'e, 'm>(
    event: &Event<'_>,
    of_code: Outcome,
    message: &'m str,
    kept: fn(&'m str) -> Cow<'e, str>,
) -> Verdict<'e> {
    let code = plain(event.error_code.as_deref().unwrap_or(""));
    let is_denial = |sentence: &Sentence<'_>| {
        of_code == Outcome::Denied || sentence.whole && may_deny(code, &event.source, sentence.action)
    };
    let sentence = Sentence::read(message).filter(is_denial);
    let of_caller = sentence
        .as_ref()
        .map(|sentence| sentence.is_of(event.identity.as_deref()));
    let sentence = sentence.unwrap_or_default();
    Verdict {
        outcome: if of_caller == Some(true) {
            Outcome::Denied
        } else {
            of_code
        },
        of_caller: of_caller.unwrap_or(true),
        denied_action: sentence.action.map(kept),
        denied_resource: sentence.resource.map(kept),
        authorization_id: sentence.authorization_id.map(kept),
    }
}

/// An error code without what it is called in front: `Client.UnauthorizedOperation`,
/// `com.amazonaws.x#AccessDeniedException`.
fn plain(code: &str) -> &str {
    match code.rsplit_once('#').map_or(code, |(_, code)| code) {
        code if code.starts_with("Client.") || code.starts_with("Server.") => &code["Client.".len()..],
        code => code,
    }
}

/// Whether AWS's sentence about this action, under a code that is no denial of its own, is one: the code is about
/// authorization, or the action is another service's. Services ask others in the caller's name, and wrap the others'
/// denials in codes of their own, such as `ValidationException`; their own they do not.
fn may_deny(code: &str, source: &str, action: Option<&str>) -> bool {
    let asks = ["uthoriz", "orbidden", "ermission", "rivilege"];
    let prefix = action
        .and_then(|action| action.split_once(':'))
        .map(|(prefix, _)| prefix);
    code.is_empty()
        || asks.iter().any(|part| code.contains(part))
        || prefix.is_some_and(|prefix| {
            let service = source.split('.').next().unwrap_or("");
            let own = Catalog::embedded().prefixes_of(source);
            let mut own = own.iter().map(String::as_str).chain([service]);
            !own.any(|own| own.eq_ignore_ascii_case(prefix))
        })
}

/// The outcome that an error code stands for. A code that is no denial of its own may still be one by its message, see
/// [`outcome`].
pub fn of_code(code: &str) -> Outcome {
    match plain(code) {
        "" => Outcome::Authorised,
        // EC2's and SNS's own codes. Cognito's NotAuthorizedException is a wrong password, so it is not one of them.
        "UnauthorizedOperation"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "UnauthorizedAccess"
        | "NotAuthorized"
        | "InsufficientPrivilegesException" => Outcome::Denied,
        // AccessDeniedException, VpceAccessDenied, KMSAccessDeniedException, AccessDeniedForDependencyException, …
        code if code.contains("AccessDenied") => Outcome::Denied,
        // "You have the required permissions" (EC2 API reference, DryRun).
        "DryRunOperation" | "DryRunOperationException" => Outcome::Authorised,
        code if is_state_error(code) => Outcome::Authorised,
        _ => Outcome::Indeterminate,
    }
}

/// Errors about the state of a resource come after the permission was checked, as a rule.
fn is_state_error(code: &str) -> bool {
    [
        "NotFound",
        "NoSuch",
        "AlreadyExists",
        "InUse",
        "Conflict",
        "DoesNotExist",
        "NotEmpty",
        "LimitExceeded",
    ]
    .iter()
    .any(|part| code.contains(part))
        && !code.starts_with("RequestLimitExceeded")
}

#[cfg(test)]
mod tests;
