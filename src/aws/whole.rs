//! Holds answers in XML to their end: the SDK takes what came before a tear for the whole, and a listing that lost its
//! second half is one of fewer objects.

use aws_sdk_sts::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;

/// An interceptor for the clients of services that answer in XML (S3, IAM).
#[derive(Debug)]
pub(crate) struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The body of an object is a stream, and no text of ours.
        match context.response().body().bytes() {
            Some(body) if is_torn(body) => Err("it breaks off in the middle".into()),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a text begins an XML element and does not close it at its end.
fn is_torn(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    if text.first() != Some(&b'<') {
        return false;
    }
    let Some(name) = first_element(text) else { return true };
    let closed = text
        .strip_suffix(b">")
        .map(<[u8]>::trim_ascii_end)
        .and_then(|text| text.strip_suffix(name))
        .is_some_and(|text| text.ends_with(b"</"));
    let empty = text.ends_with(b"/>") && text.iter().filter(|byte| **byte == b'<').count() <= 2;
    !closed && !empty
}

/// The name of the first element; what begins with `?` or `!` is none.
fn first_element(text: &[u8]) -> Option<&[u8]> {
    text.windows(2)
        .position(|pair| pair[0] == b'<' && !matches!(pair[1], b'?' | b'!' | b'/'))
        .and_then(|at| {
            let rest = &text[at + 1..];
            let end = rest
                .iter()
                .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))?;
            Some(&rest[..end])
        })
}

#[cfg(test)]
mod tests {
    use super::is_torn;

    #[track_caller]
    fn check(text: &str, torn: bool) {
        assert_eq!(is_torn(text.as_bytes()), torn, "{text}");
    }

    #[test]
    fn what_closes_is_whole() {
        check("", false);
        check("{\"not\": \"xml\"", false);
        check("<A><B>1</B></A>", false);
        check("<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><B/></A >\n", false);
        check("<?xml version=\"1.0\"?><A/>", false);
    }

    #[test]
    fn what_does_not_close_is_torn() {
        check("<A><B>1</B>", true);
        check("<?xml version=\"1.0\"?><A><B>1</B><B/>", true);
        check("<?xml version=\"1.0\"?>", true);
        check("<A><B>1</B></A", true);
        check("<A><B>1</B></", true);
        check("<A", true);
    }
}
