//! `catalog logged`: the calls that logs hold as management events, as a table of the catalog.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::catalog::{Catalog, Logging};
use crate::decode::{Item, Limits, Reader};
use crate::{resolve, source};

/// (eventSource, eventName) → read or write, action.
type Calls = BTreeMap<(String, String), (String, String)>;

/// Adds what the logs hold to the table; how many calls stood in it, and stand in it now.
pub(super) fn run(logs: &[String], to: &Path) -> anyhow::Result<(usize, usize)> {
    let mut calls = known(to)?;
    let before = calls.len();
    let catalog = Catalog::embedded();
    let mut reader = Reader::new();
    for source in source::find(logs)? {
        // What cannot be read shows nothing.
        let Ok(bytes) = source.open() else { continue };
        reader.read(bytes, &Limits::default(), &mut |item| {
            let Item::Event(event) = item else { return };
            if !resolve::is_management(event) {
                return;
            }
            let Some(action) = catalog.named_action(&event.source, &event.name) else {
                return;
            };
            let by_level = matches!(catalog.as_management(action), Logging::Management { read_only: true });
            let reads = event.read_only.unwrap_or(by_level);
            let reads = if reads { "read" } else { "write" };
            calls
                .entry((event.source.to_string(), event.name.to_string()))
                .or_insert_with(|| (reads.to_owned(), catalog.name(action).to_owned()));
        });
    }
    let mut text = format!(
        "# Calls that some archive held as management events, as the events say themselves; made by `trimtrail catalog logged` \
         on {}.\n# eventSource\teventName\tread|write\taction that the call is named after\n",
        jiff::Timestamp::now().strftime("%Y-%m-%d")
    );
    for ((source, name), (reads, action)) in &calls {
        let _ = writeln!(text, "{source}\t{name}\t{reads}\t{action}");
    }
    fs::write(to, text).with_context(|| format!("cannot write `{}`", to.display()))?;
    Ok((before, calls.len()))
}

fn known(table: &Path) -> anyhow::Result<Calls> {
    let text = match fs::read_to_string(table) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", table.display())),
    };
    let mut calls = Calls::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let [source, name, reads, action] = line.split('\t').collect::<Vec<_>>()[..] {
            calls.insert(
                (source.to_owned(), name.to_owned()),
                (reads.to_owned(), action.to_owned()),
            );
        }
    }
    Ok(calls)
}
