//! `catalog spelt`: the request parameters that logs and AWS's own examples show to hold what an ARN has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::catalog::{Catalog, refresh};
use crate::decode::{Item, Limits, Reader};
use crate::resolve::{self, Operation};
use crate::source;

/// (prefix, operation, parameter) → what showed it.
type Shown = BTreeMap<(String, String, String), String>;

/// Adds to the table what logs and the SDK's examples show; how many rows stood in it, and stand in it now.
pub(super) fn run(logs: &[String], packages: Option<&Path>, to: &Path) -> anyhow::Result<(usize, usize)> {
    let mut shown = known(to)?;
    let before = shown.len();
    let mut reader = Reader::new();
    if let Some(packages) = packages {
        let events = refresh::examples(packages)?;
        reader.read_slice(events.as_bytes(), &Limits::default(), &mut |item| {
            note(item, "example of the SDK", &mut shown);
        });
    }
    for source in source::find(logs)? {
        // What cannot be read shows nothing.
        let Ok(bytes) = source.open() else { continue };
        reader.read(bytes, &Limits::default(), &mut |item| note(item, "trail", &mut shown));
    }
    let mut text = format!(
        "# Request parameters that an example, a denial or a trail shows to hold what the ARN of the resource has; made by \
         `trimtrail catalog spelt` on {}.\n# prefix\toperation\tparameter\tshown by\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d")
    );
    for ((prefix, name, parameter), by) in &shown {
        let _ = writeln!(text, "{prefix}\t{name}\t{parameter}\t{by}");
    }
    fs::write(to, text).with_context(|| format!("cannot write `{}`", to.display()))?;
    Ok((before, shown.len()))
}

fn note(item: Item<'_>, by: &str, shown: &mut Shown) {
    let Item::Event(event) = item else { return };
    let catalog = Catalog::embedded();
    let Some(prefix) = catalog.prefixes_of(&event.source).first() else {
        return;
    };
    let operation = Operation::of(catalog, &event.source, &event.name);
    for parameter in resolve::shown(event, &operation) {
        shown
            .entry((prefix.clone(), event.name.to_string(), parameter))
            .or_insert_with(|| by.to_owned());
    }
}

fn known(table: &Path) -> anyhow::Result<Shown> {
    let text = match fs::read_to_string(table) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", table.display())),
    };
    let mut shown = Shown::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let [prefix, name, parameter, by] = line.split('\t').collect::<Vec<_>>()[..] {
            shown.insert(
                (prefix.to_owned(), name.to_owned(), parameter.to_owned()),
                by.to_owned(),
            );
        }
    }
    Ok(shown)
}
