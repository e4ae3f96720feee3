//! What the SDK calls an error, as a sentence for whoever runs the program.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::help::Help;

/// What kind of trouble it is, so that callers may go around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// No credentials were found.
    NoCredentials,
    /// Credentials, or a session of IAM Identity Center, that have run out.
    Expired,
    /// Who we are may not do this.
    Denied,
    /// No such bucket, object, role, …
    Missing,
    /// The bucket lies in another region; which one, if the answer says so.
    Elsewhere(Option<String>),
    /// An object in an archive class that nobody restored.
    Archived,
    /// The object is no longer what was listed.
    Changed,
    /// A page token that is no longer taken.
    StaleToken,
    /// Too many requests.
    Throttled,
    /// No answer in time, no connection, or a broken one.
    Unreachable,
    /// The other side failed (5xx).
    Server,
    /// Anything else.
    Other,
}

/// Why a request came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// What kind of trouble.
    pub kind: Kind,
    /// A lower-case fragment. It may quote what the other side said.
    pub sentence: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl StdError for Trouble {}

impl Trouble {
    /// Trouble of a kind.
    pub fn new(kind: Kind, sentence: impl Into<String>) -> Trouble {
        Trouble {
            kind,
            sentence: sentence.into(),
        }
    }

    /// An object in an archive class that nobody restored.
    pub(crate) fn archived() -> Trouble {
        Trouble::new(Kind::Archived, "archived (Glacier) and not restored")
    }

    /// How long to wait before the same request is made again, after so many repetitions; `None` where that is of no
    /// use (any more). The client has made its own attempts by then.
    pub fn pause(&self, again: u32) -> Option<Duration> {
        let most = match self.kind {
            Kind::Throttled | Kind::Server => 5,
            Kind::Unreachable => 2,
            Kind::NoCredentials
            | Kind::Expired
            | Kind::Denied
            | Kind::Missing
            | Kind::Elsewhere(_)
            | Kind::Archived
            | Kind::Changed
            | Kind::StaleToken
            | Kind::Other => 0,
        };
        (again < most).then(|| Duration::from_millis(200 << again))
    }

    /// The way out.
    pub fn help(&self) -> &'static str {
        match self.kind {
            Kind::NoCredentials => "give --profile, or set AWS_PROFILE or AWS_ACCESS_KEY_ID as for the AWS CLI",
            Kind::Expired => "sign in again: aws sso login --profile NAME, or renew the keys",
            Kind::Denied => "`trimtrail doctor` prints the policy that this needs",
            Kind::Missing => "look at the name, the account and the region: aws s3 ls, aws sts get-caller-identity",
            Kind::Elsewhere(_) => "give --aws-region with the bucket's region",
            Kind::Archived => "restore the objects (aws s3api restore-object), then run again",
            Kind::Changed => "run again",
            Kind::Throttled => "run again later, or with fewer requests at once (--in-flight)",
            Kind::Unreachable | Kind::Server => "look at the network, HTTPS_PROXY and --endpoint-url, then run again",
            Kind::StaleToken | Kind::Other => "`trimtrail doctor` tries each step on its own",
        }
    }
}

impl Help for Trouble {
    fn help(&self) -> Option<&'static str> {
        Some(Trouble::help(self))
    }
}

/// An SDK error, understood.
pub fn explain<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let (raw, source) = (context.raw(), context.err());
            let region = raw.headers().get("x-amz-bucket-region").map(str::to_owned);
            answered(raw.status().as_u16(), source.code(), source.message(), region)
        }
        SdkError::TimeoutError(_) => Trouble::new(Kind::Unreachable, "no answer in time"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            Trouble::new(Kind::Unreachable, "no answer in time")
        }
        SdkError::ResponseError(context) => {
            let status = context.raw().status().as_u16();
            Trouble::new(
                Kind::Unreachable,
                format!("the answer (status {status}) cannot be read: {}", chain(error)),
            )
        }
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            Trouble::new(Kind::Unreachable, format!("cannot be reached: {}", chain(error)))
        }
        _ => before_sending(&chain(error)),
    }
}

/// What stood in the way before anything was sent: nearly always credentials. The SDK has no types for these cases, so
/// the words of its errors are looked at.
fn before_sending(chain: &str) -> Trouble {
    let lower = chain.to_lowercase();
    let has = |word: &str| lower.contains(word);
    if has("expired") || has("sso") && (has("token") || has("login") || has("cached")) {
        return Trouble::new(Kind::Expired, format!("the credentials have expired: {chain}"));
    }
    if has("assume") && has("denied") {
        return Trouble::new(Kind::Denied, format!("the role cannot be assumed: {chain}"));
    }
    if has("timed out") || has("timeout") || has("connect") {
        return Trouble::new(Kind::Unreachable, format!("cannot be reached: {chain}"));
    }
    if has("credential") || has("identity") || has("profile") {
        return Trouble::new(Kind::NoCredentials, format!("no AWS credentials: {chain}"));
    }
    Trouble::new(Kind::Other, chain.to_owned())
}

/// What an answer says.
fn answered(status: u16, code: Option<&str>, message: Option<&str>, region: Option<String>) -> Trouble {
    let code = code.unwrap_or("");
    let said = match (code, message.unwrap_or("").trim()) {
        ("", "") => format!("status {status}"),
        ("", said) => format!("{said} (status {status})"),
        (code, "") => code.to_owned(),
        (code, said) => format!("{said} ({code})"),
    };
    match (status, code) {
        (_, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired") => {
            Trouble::new(Kind::Expired, format!("the credentials have expired: {said}"))
        }
        (_, "InvalidNextTokenException" | "InvalidNextToken" | "ExpiredNextTokenException") => {
            Trouble::new(Kind::StaleToken, said)
        }
        (301 | 307, _) | (_, "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed") => {
            let region = region.or_else(|| expected_region(message.unwrap_or("")));
            let sentence = match &region {
                Some(region) => format!("the bucket lies in {region}"),
                None => format!("the bucket lies in another region: {said}"),
            };
            Trouble::new(Kind::Elsewhere(region), sentence)
        }
        (_, "InvalidObjectState") => Trouble::archived(),
        (412, _) | (_, "PreconditionFailed") => Trouble::new(Kind::Changed, "changed after it was listed"),
        (_, "NoSuchKey") => Trouble::new(Kind::Changed, "gone: deleted after it was listed"),
        (404, _) | (_, "NoSuchBucket" | "NoSuchEntity") => Trouble::new(Kind::Missing, said),
        (429, _)
        | (
            _,
            "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "BandwidthLimitExceeded",
        ) => Trouble::new(Kind::Throttled, format!("too many requests: {said}")),
        (_, "RequestTimeTooSkewed" | "RequestInTheFuture") => {
            Trouble::new(Kind::Other, format!("this machine's clock is wrong: {said}"))
        }
        (
            _,
            "InvalidClientTokenId" | "InvalidAccessKeyId" | "UnrecognizedClientException" | "SignatureDoesNotMatch",
        ) => Trouble::new(
            Kind::NoCredentials,
            format!("AWS does not take these credentials: {said}"),
        ),
        // S3 passes on what KMS says of a key that is disabled, waits for its deletion, or is gone.
        (_, code) if code.starts_with("KMS.") => Trouble::new(
            Kind::Denied,
            format!("the key it is encrypted with cannot be used: {said}"),
        ),
        (401 | 403, _) | (_, "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation") => {
            Trouble::new(Kind::Denied, format!("access denied: {said}"))
        }
        (500.., _) => Trouble::new(Kind::Server, format!("the other side failed: {said}")),
        _ => Trouble::new(Kind::Other, said),
    }
}

/// `… the region 'us-east-1' is wrong; expecting 'eu-west-1'`
fn expected_region(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("expecting '")?;
    let (region, _) = rest.split_once('\'')?;
    (!region.is_empty()).then(|| region.to_owned())
}

/// The error and its causes, each said once.
fn chain(error: &dyn StdError) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !text.is_empty() && !said.iter().any(|known| known.contains(&text)) {
            said.push(text);
        }
        next = cause.source();
    }
    if said.is_empty() {
        return error.to_string();
    }
    said.join(": ")
}

#[cfg(test)]
mod tests;
