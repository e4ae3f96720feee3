//! Reads the tables written by hand that compiling needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::table::rows;
use super::Error;

/// A row of `bindings.tsv`.
pub(super) struct HandBinding {
    pub(super) prefix: String,
    pub(super) resource_type: String,
    pub(super) members: Vec<String>,
    pub(super) template: String,
}

/// The tables written by hand that compiling needs.
pub(super) struct HandTables {
    pub(super) hand: BTreeMap<(String, String), String>,
    pub(super) aliases: BTreeMap<String, Vec<String>>,
    pub(super) clients: BTreeMap<String, (String, Vec<String>)>,
    /// Prefix → member → the name that CloudTrail logs.
    pub(super) parameters: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) bindings: Vec<HandBinding>,
}

impl HandTables {
    pub(super) fn read(to: &Path) -> Result<Self, Error> {
        let text = |name: &str| {
            let path = to.join(format!("{name}.tsv"));
            fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
        };
        let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut tables = Self {
            hand: BTreeMap::new(),
            aliases: BTreeMap::new(),
            clients: BTreeMap::new(),
            parameters: BTreeMap::new(),
            bindings: Vec::new(),
        };
        for row in rows(&text("hand")?) {
            if let [source, event, needs, ..] = row.as_slice() {
                tables.hand.insert(
                    (source.to_ascii_lowercase(), event.to_ascii_lowercase()),
                    (*needs).to_owned(),
                );
            }
        }
        for row in rows(&text("aliases")?) {
            if let [source, prefixes, ..] = row.as_slice() {
                tables.aliases.insert((*source).to_owned(), words(prefixes));
            }
        }
        for row in rows(&text("clients")?) {
            if let [client, source, prefixes, ..] = row.as_slice() {
                tables
                    .clients
                    .insert((*client).to_owned(), ((*source).to_owned(), words(prefixes)));
            }
        }
        for row in rows(&text("parameters")?) {
            if let [prefix, member, logged, ..] = row.as_slice() {
                let names = tables.parameters.entry((*prefix).to_owned()).or_default();
                names.insert((*member).to_owned(), (*logged).to_owned());
            }
        }
        for row in rows(&text("bindings")?) {
            if let [prefix, resource_type, members, template, ..] = row.as_slice() {
                tables.bindings.push(HandBinding {
                    prefix: (*prefix).to_owned(),
                    resource_type: (*resource_type).to_owned(),
                    members: members.split(',').map(str::to_owned).collect(),
                    template: (*template).to_owned(),
                });
            }
        }
        Ok(tables)
    }

    /// The row for a call, by its source or one of its prefixes.
    pub(super) fn row(&self, source: &str, prefixes: &[String], event: &str) -> Option<&str> {
        let event = event.to_ascii_lowercase();
        std::iter::once(source)
            .chain(prefixes.iter().map(String::as_str))
            .find_map(|source| {
                let get = |event: &str| self.hand.get(&(source.to_owned(), event.to_owned()));
                get(&event).or_else(|| get("*")).map(String::as_str)
            })
    }
}
