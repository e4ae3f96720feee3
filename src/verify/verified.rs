//! What was proved, sealed: the two documents that a proof is about, and what is said of them beside it.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::iam::PolicyText;

/// Two documents of which it is proved that the second allows no more than the first. Only [`prove`](super::prove) and
/// [`again`](super::again) make one, and nobody changes it; what decorates it stands beside the documents.
///
/// ```
/// use serde_json::json;
/// use trimtrail::inside::{iam::PolicyText, verify};
///
/// let allow = |action: &str| PolicyText::from(&json!({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}));
/// let proved = verify::again(allow("s3:*"), allow("s3:GetObject"), "decoration").unwrap();
/// assert_eq!(proved.after(), &allow("s3:GetObject"));
/// assert!(verify::again(allow("s3:GetObject"), allow("s3:*"), "decoration").is_err());
/// ```
///
/// Its documents cannot be written to, and it cannot be made of its parts:
///
/// ```compile_fail
/// use serde_json::json;
/// use trimtrail::inside::{iam::PolicyText, verify};
///
/// let allow = |action: &str| PolicyText::from(&json!({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}));
/// let mut proved = verify::again(allow("s3:*"), allow("s3:GetObject"), "decoration").unwrap();
/// proved.after = allow("*");
/// ```
///
/// ```compile_fail
/// use serde_json::json;
/// use trimtrail::inside::{iam::PolicyText, verify};
///
/// let allow = |action: &str| PolicyText::from(&json!({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}));
/// let forged = verify::Verified { before: allow("s3:*"), after: allow("*"), beside: "decoration" };
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Verified<T> {
    before: PolicyText,
    after: PolicyText,
    beside: T,
}

impl<T> Verified<T> {
    /// Whoever calls this has proved it.
    pub(super) fn new(before: PolicyText, after: PolicyText, beside: T) -> Verified<T> {
        Verified { before, after, beside }
    }

    /// The document as it stands.
    pub fn before(&self) -> &PolicyText {
        &self.before
    }

    /// The document to put in its place.
    pub fn after(&self) -> &PolicyText {
        &self.after
    }

    /// Lets the document as it stands share the room of an equal one: of thousands of policies many say what another says.
    pub(crate) fn share(&mut self, known: &Mutex<HashSet<PolicyText>>) {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&self.before) {
            Some(equal) => self.before = equal.clone(),
            None => {
                known.insert(self.before.clone());
            }
        }
    }

    /// The same documents with something else beside them.
    pub fn with<U>(self, beside: U) -> Verified<U> {
        Verified {
            before: self.before,
            after: self.after,
            beside,
        }
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.beside
    }
}

/// Documents among the fields of what stands beside them.
#[derive(Serialize, JsonSchema)]
struct Fields<T> {
    #[serde(flatten)]
    beside: T,
    /// The document as it stands.
    before: PolicyText,
    /// The document to put in its place; no statement for `detach` and `delete`.
    after: PolicyText,
}

impl<T: Serialize> Serialize for Verified<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            beside: &self.beside,
            before: self.before.clone(),
            after: self.after.clone(),
        };
        fields.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for Verified<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Fields::<T>::json_schema(generator)
    }
}
