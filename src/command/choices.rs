//! What people decided, as `--choices` gives it.

use std::path::Path;

use anyhow::Context;

use crate::rightsize::Choices;
use crate::time::{date, day_of};

/// The choices of a file; what was to be asked again by today is open.
pub(super) fn load(file: Option<&Path>) -> anyhow::Result<Choices> {
    let Some(path) = file else {
        return Ok(Choices::default());
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("choices file `{}`", path.display()))?;
    let mut choices = parse(path, &text)?;
    wake(&mut choices);
    Ok(choices)
}

/// Opens what was to be asked again by today.
pub(super) fn wake(choices: &mut Choices) {
    choices.wake(&date(day_of(jiff::Timestamp::now().as_second())));
}

/// The choices of a file's text.
pub(super) fn parse(path: &Path, text: &str) -> anyhow::Result<Choices> {
    Choices::parse(text).with_context(|| format!("choices file `{}`", path.display()))
}
