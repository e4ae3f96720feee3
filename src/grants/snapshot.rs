//! `trimtrail.grants/1`: what `grants -o` wrote, read back as the pages it holds and what it knows beside them.

use serde_json::Value;

use super::files::Exports;
use super::{Error, Supplements};

/// What a snapshot names itself.
pub(super) const SCHEMA: &str = "trimtrail.grants/1";

/// Adds a file: the pages of a snapshot, and any other text as it is.
///
/// # Errors
/// A snapshot of a newer form, or one without accounts.
pub(super) fn read(name: String, text: String, exports: &mut Exports) -> Result<(), Error> {
    // An export does not say "trimtrail"; it may be large, so that it is not read twice for nothing.
    if !text.contains("\"trimtrail.grants/") {
        exports.pages.push((name, text));
        return Ok(());
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
        Some(_) | None => {
            exports.pages.push((name, text));
            return Ok(());
        }
    }
    let accounts = snapshot["accounts"]
        .as_array()
        .ok_or_else(|| refuse("it holds no accounts".to_owned()))?;
    for account in accounts {
        let id = account["account"].as_str().unwrap_or("");
        for (index, page) in account["pages"].as_array().into_iter().flatten().enumerate() {
            let page_name = format!("{name} {id} page {}", index + 1);
            exports.pages.push((page_name, page.to_string()));
        }
    }
    exports.beside.extend(Supplements::of_snapshot(&name, &snapshot)?);
    Ok(())
}
