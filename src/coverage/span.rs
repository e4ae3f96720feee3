//! A window as the ledger writes it: its first and its last second.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Window;

pub(super) fn serialize<S: Serializer>(span: &Option<Window>, serializer: S) -> Result<S::Ok, S::Error> {
    span.map(|span| (span.first, span.last())).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Window>, D::Error> {
    let span = Option::<(i64, i64)>::deserialize(deserializer)?;
    Ok(span.map(|(first, last)| Window::of(first, last)))
}
