//! A document as its text, for those who hold thousands: as JSON values they take ten times the room.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{Error, Policy};

/// A document as compact JSON, its elements in the order in which they were written. Copies share one text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyText(Arc<str>);

impl PolicyText {
    /// The compact JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document as a JSON value.
    pub fn value(&self) -> Value {
        // The text was printed from a value, so it is JSON.
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The document, understood.
    ///
    /// # Errors
    /// What a policy cannot say.
    pub fn policy(&self) -> Result<Policy, Error> {
        Policy::from_value(&self.value())
    }
}

impl From<&Value> for PolicyText {
    fn from(document: &Value) -> Self {
        Self(document.to_string().into())
    }
}

impl Default for PolicyText {
    fn default() -> Self {
        Self::from(&Value::Null)
    }
}

impl fmt::Display for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PolicyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Part of the JSON around it, not a string.
impl Serialize for PolicyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PolicyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|document| Self::from(&document))
    }
}

impl JsonSchema for PolicyText {
    fn inline_schema() -> bool {
        Value::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Value::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}
