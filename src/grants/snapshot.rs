//! `trimtrail.grants/1`: what `grants -o` wrote, read back as the pages it holds.

use serde_json::Value;

use super::Error;

/// What a snapshot names itself.
pub(super) const SCHEMA: &str = "trimtrail.grants/1";

/// A file as the exports it stands for, each with a name: the pages of a snapshot, and any other text as it is.
///
/// # Errors
/// A snapshot of a newer form, or one without accounts.
pub(super) fn exports(name: String, text: String) -> Result<Vec<(String, String)>, Error> {
    // An export does not say "trimtrail"; it may be large, so that it is not read twice for nothing.
    if !text.contains("\"trimtrail.grants/") {
        return Ok(vec![(name, text)]);
    }
    let refuse = |why: String| Error::Snapshot {
        name: name.clone(),
        why,
    };
    let snapshot: Value = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    match snapshot["schema"].as_str() {
        Some(SCHEMA) => {}
        Some(schema) if schema.starts_with("trimtrail.grants/") => {
            return Err(refuse(format!(
                "it is of the form `{schema}`, and this program reads `{SCHEMA}`"
            )));
        }
        Some(_) | None => return Ok(vec![(name, text)]),
    }
    let accounts = snapshot["accounts"]
        .as_array()
        .ok_or_else(|| refuse("it holds no accounts".to_owned()))?;
    let mut exports = Vec::new();
    for account in accounts {
        let id = account["account"].as_str().unwrap_or("");
        for (index, page) in account["pages"].as_array().into_iter().flatten().enumerate() {
            exports.push((format!("{name} {id} page {}", index + 1), page.to_string()));
        }
    }
    Ok(exports)
}
