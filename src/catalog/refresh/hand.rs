//! Reads the tables written by hand that compiling needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::super::table::rows;
use super::Error;

/// A row of `bindings.tsv`.
pub(super) struct HandBinding {
    pub(super) prefix: String,
    pub(super) resource_type: String,
    pub(super) members: Vec<String>,
    pub(super) templates: Vec<String>,
}

/// A row of `forms.tsv`: how requests spell a parameter, or the variable of an ARN.
pub(super) struct HandForm {
    pub(super) prefix: String,
    /// A member of the API's input, or a `{Variable}`; `*` at either end stands for anything.
    pub(super) what: String,
    /// A form, or `-`: as the ARN has it. A `?` behind it: by no means always.
    pub(super) form: String,
}

/// The tables written by hand that compiling needs.
pub(super) struct HandTables {
    pub(super) hand: BTreeMap<(String, String), String>,
    pub(super) aliases: BTreeMap<String, Vec<String>>,
    pub(super) clients: BTreeMap<String, (String, Vec<String>)>,
    /// Prefix → member → the name that CloudTrail logs.
    pub(super) parameters: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) bindings: Vec<HandBinding>,
    pub(super) forms: Vec<HandForm>,
    /// Members of the API's input that name the account which owns the resource, by prefix.
    pub(super) owners: BTreeMap<String, Vec<String>>,
    /// (prefix, member) → the operations, all in lower case, of which some example, denial or trail shows that the member
    /// holds what the ARN has.
    pub(super) shown: BTreeMap<(String, String), BTreeSet<String>>,
    /// Action → further actions that it needs or may need.
    pub(super) further: BTreeMap<String, Vec<String>>,
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
            forms: Vec::new(),
            owners: BTreeMap::new(),
            shown: BTreeMap::new(),
            further: BTreeMap::new(),
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
                    templates: words(template),
                });
            }
        }
        for row in rows(&text("forms")?) {
            match row.as_slice() {
                [prefix, "{Account}", members, ..] => {
                    tables.owners.insert((*prefix).to_owned(), words(members));
                }
                [prefix, what, form, ..] => tables.forms.push(HandForm {
                    prefix: (*prefix).to_owned(),
                    what: (*what).to_owned(),
                    form: (*form).to_owned(),
                }),
                _ => {}
            }
        }
        for row in rows(&text("spellings")?) {
            if let [prefix, operation, member, ..] = row.as_slice() {
                let key = ((*prefix).to_owned(), member.to_ascii_lowercase());
                let operations = tables.shown.entry(key).or_default();
                operations.insert(operation.to_ascii_lowercase());
            }
        }
        for row in rows(&text("further")?) {
            if let [action, further, ..] = row.as_slice() {
                tables.further.insert((*action).to_owned(), words(further));
            }
        }
        Ok(tables)
    }

    /// How requests spell the parameter behind the variable of an ARN, and whether somebody has shown it: a row for the
    /// variable, one for the parameter, then what examples, denials and trails show: of any operation of the service, but
    /// for names that say nothing (`Name`, `Id`), which may be of anything there.
    pub(super) fn form(&self, action: &str, variable: &str, member: &str) -> (Option<&str>, bool) {
        let (prefix, operation) = action.split_once(':').unwrap_or((action, ""));
        let of = |name: &str| {
            let rows = self
                .forms
                .iter()
                .filter(|row| row.prefix == prefix && fits(&row.what, name));
            rows.max_by_key(|row| row.what.len())
        };
        match of(&format!("{{{variable}}}")).or_else(|| of(member)) {
            Some(row) => {
                let form = row.form.trim_end_matches('?');
                (Some(form).filter(|form| *form != "-"), !row.form.ends_with('?'))
            }
            None => {
                let member = member.to_ascii_lowercase();
                let says_nothing = matches!(member.as_str(), "name" | "names" | "id" | "ids" | "identifier");
                let shown = self
                    .shown
                    .get(&(prefix.to_owned(), member))
                    .is_some_and(|operations| !says_nothing || operations.contains(&operation.to_ascii_lowercase()));
                (None, shown)
            }
        }
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

/// Whether a name is what a row speaks of.
fn fits(what: &str, name: &str) -> bool {
    let bare = |text: &str| text.trim_matches(['{', '}']).to_ascii_lowercase();
    if what.starts_with('{') != name.starts_with('{') {
        return false;
    }
    let (what, name) = (bare(what), bare(name));
    match (what.strip_prefix('*'), what.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == what,
    }
}
