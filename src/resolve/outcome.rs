//! What became of a call: allowed, denied, or nobody can tell.
//!
//! Only a denial says that a permission was not used, and only of the action that its message names; whatever is
//! unclear counts as use, so that a wrong guess keeps a permission.

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

/// The outcome, and the action that a denial names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// What became of the call.
    pub outcome: Outcome,
    /// `service:Action` from the error message, as AWS wrote it.
    pub denied_action: Option<String>,
}

/// What became of the event's call.
pub fn outcome(event: &Event<'_>) -> Verdict {
    let code = event.error_code.as_deref().unwrap_or("");
    let message = event.error_message.as_deref().unwrap_or("");
    let outcome = of_code(code, message);
    Verdict {
        outcome,
        denied_action: if outcome == Outcome::Denied {
            denied_action(message)
        } else {
            None
        },
    }
}

/// The outcome that an error code stands for; the message decides where the code is no denial of its own.
pub fn of_code(code: &str, message: &str) -> Outcome {
    let plain = code
        .strip_prefix("Client.")
        .or_else(|| code.strip_prefix("Server."))
        .unwrap_or(code);
    match plain {
        "" if message.contains("is not authorized to perform") => Outcome::Denied,
        "" => Outcome::Authorised,
        // "User: … is not authorized to perform" (IAM user guide, "Troubleshoot access denied error messages") and
        // EC2's and SNS's own codes. Cognito's NotAuthorizedException is a wrong password, so it is not one of them.
        "AccessDenied"
        | "AccessDeniedException"
        | "AccessDeniedFault"
        | "UnauthorizedOperation"
        | "VpceAccessDenied"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "UnauthorizedAccess" => Outcome::Denied,
        // "You have the required permissions" (EC2 API reference, DryRun).
        "DryRunOperation" | "DryRunOperationException" => Outcome::Authorised,
        _ if message.contains("is not authorized to perform") => Outcome::Denied,
        _ if is_state_error(plain) => Outcome::Authorised,
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

/// `… is not authorized to perform: s3:GetObject on resource: …`
fn denied_action(message: &str) -> Option<String> {
    let rest = message.split_once("to perform: ")?.1;
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-' || c == '_'))
        .unwrap_or(rest.len());
    let action = &rest[..end];
    let (prefix, name) = action.split_once(':')?;
    (!prefix.is_empty() && !name.is_empty() && !name.contains(':')).then(|| action.to_owned())
}
