//! What must stay, as a keep file and `--own` say.

use std::path::Path;

use anyhow::Context;

use crate::rightsize::{Keep, KeepRule};
use crate::time::{DAY, midnight};

/// The rules of a keep file that have not expired, and one for each principal that runs this program.
pub(super) fn load(file: Option<&Path>, own: &[String]) -> anyhow::Result<Keep> {
    let mut standing: Vec<KeepRule> = own.iter().map(|named| KeepRule::own(named)).collect();
    let Some(path) = file else {
        return Ok(Keep(standing));
    };
    let named = || format!("keep file `{}`", path.display());
    let text = std::fs::read_to_string(path).with_context(named)?;
    let rules: Vec<KeepRule> = serde_json::from_str(&text).with_context(named)?;
    let now = jiff::Timestamp::now().as_second();
    for rule in rules {
        let expires = rule
            .expires
            .as_deref()
            .map(str::parse::<jiff::civil::Date>)
            .transpose()
            .with_context(named)?;
        if expires.is_none_or(|last_day| now < midnight(last_day) + DAY) {
            standing.push(rule);
        }
    }
    Ok(Keep(standing))
}
