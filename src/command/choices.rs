//! What people decided, as `--choices` gives it.

use std::path::Path;

use anyhow::{Context, anyhow};

use crate::rightsize::Choices;
use crate::time::{date, day_of};

/// The choices of a file; what was to be asked again by today is open.
pub(super) fn load(file: Option<&Path>) -> anyhow::Result<Choices> {
    let Some(path) = file else {
        return Ok(Choices::default());
    };
    let text = read(path)?;
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

/// The text of a file of choices.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let named = || format!("choices file `{}`", path.display());
    let bytes = std::fs::read(path).with_context(named)?;
    let text = String::from_utf8(bytes);
    text.map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        anyhow!("{}: line {line}: this is no UTF-8; save the file as UTF-8", named())
    })
}
