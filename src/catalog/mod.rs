//! What AWS publishes, embedded: every IAM action, what each API call needs, what a trail logs, managed policies.
//!
//! The data is sorted text under `data/`, derived by [`refresh`] from packages of the public registries and packed by
//! `pack.rs`. Sections unpack when first asked for. Dense [`ActionId`]s live inside one run only: never store them.

pub mod folder;
mod form;
mod lifecycle;
mod logging;
mod mapping;
mod policies;
pub mod refresh;
mod risk;
mod row;
mod sections;
mod spelling;
mod table;
mod template;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

pub use form::{Elsewhere, Form, Name, Reach, Slot, decoded_object, is_account, is_bucket_alias};
pub use logging::Logging;
pub use mapping::{How, Mapping, Need, RoleParameter};
pub use risk::{EscalationPath, Sensitive, Target, escalation_paths, sensitive};
pub use row::{ALWAYS_LOGGED, When};
pub use spelling::spellings;
use table::{Table, rows, unpack_text};
pub use template::{ArnTemplate, Head, Part};

macro_rules! embedded {
    ($file:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/catalog/", $file)).as_slice()
    };
}
use embedded;

/// One IAM action, dense and sorted by full lower-case name. Lives inside one run: store names, not ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ActionId(u32);

impl ActionId {
    /// The id's place in the sorted list of all actions.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The id at a place in the sorted list of all actions, which must be below [`Catalog::len`].
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// AWS's classification of what an action does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum AccessLevel {
    /// Lists resources.
    List,
    /// Reads contents or attributes.
    Read,
    /// Creates, changes or deletes.
    Write,
    /// Changes who may do what.
    PermissionsManagement,
    /// Changes tags only.
    Tagging,
}

/// A resource type that an action may be limited to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceType<'a> {
    /// AWS's name of the type, such as `object`; a space in it stands as `_`.
    pub name: &'a str,
    /// Whether a statement that allows the action must name a resource of this type.
    pub required: bool,
    /// ARN formats, such as `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
    pub arns: Vec<&'a str>,
}

/// A package that the catalog was derived from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The package's name in its registry.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
}

static OF_THIS_RUN: OnceLock<Catalog> = OnceLock::new();

/// All that is known of actions and operations.
#[derive(Debug)]
pub struct Catalog {
    actions: Table,
    services: Table,
    /// The ids of each service's actions.
    ranges: OnceLock<Vec<Range<u32>>>,
    date: String,
    sources: Vec<Source>,
    details: OnceLock<Table>,
    arns: OnceLock<Table>,
    operations: OnceLock<Table>,
    /// Each action's dependents, read when first asked for.
    dependents: OnceLock<Vec<OnceLock<Box<[ActionId]>>>>,
    prefixes: OnceLock<HashMap<String, Vec<String>>>,
    global: OnceLock<Vec<String>>,
    hand: OnceLock<mapping::Hand>,
    bindings: OnceLock<HashMap<(String, String), Vec<String>>>,
    lifecycles: OnceLock<lifecycle::LifeCycles>,
    logging: OnceLock<Vec<logging::Class>>,
    policies: OnceLock<Table>,
    /// Whom each service hands roles to.
    passed_to: OnceLock<HashMap<String, String>>,
}

impl Catalog {
    /// The catalog of this run: the one that this build carries, unless another took its place before anybody asked. There
    /// is one a run, as ids of two would be mixed. Loaded once, its larger sections when first asked for.
    pub fn embedded() -> &'static Self {
        OF_THIS_RUN.get_or_init(|| {
            let (date, sources) = read_sources(&unpack_text(embedded!("sources.z")));
            let (actions, services) = (embedded!("actions.z"), embedded!("services.z"));
            Self::of(Table::unpack(actions), Table::unpack(services), date, sources)
        })
    }

    /// Puts this catalog in the place of the one that the build carries, for the whole run.
    ///
    /// # Errors
    /// One is in use already.
    pub fn install(self) -> Result<(), folder::Error> {
        OF_THIS_RUN.set(self).map_err(|_| folder::Error::InUse)
    }

    fn of(actions: Table, services: Table, date: String, sources: Vec<Source>) -> Self {
        Self {
            actions,
            services,
            ranges: OnceLock::new(),
            date,
            sources,
            details: OnceLock::new(),
            arns: OnceLock::new(),
            operations: OnceLock::new(),
            dependents: OnceLock::new(),
            prefixes: OnceLock::new(),
            global: OnceLock::new(),
            hand: OnceLock::new(),
            bindings: OnceLock::new(),
            lifecycles: OnceLock::new(),
            logging: OnceLock::new(),
            policies: OnceLock::new(),
            passed_to: OnceLock::new(),
        }
    }

    /// The day (UTC) of the action list, as `2026-10-27`.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// The packages that the catalog was derived from.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// How many actions there are.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there are no actions at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every service prefix, in lower case and sorted, with the service's display name.
    pub fn services(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.services.len()).map(|index| (self.services.field(index, 0), self.services.field(index, 1)))
    }

    /// The action of a full name such as `s3:GetObject`, ignoring ASCII case.
    pub fn id(&self, name: &str) -> Option<ActionId> {
        self.actions.find(name).map(ActionId::from_index)
    }

    /// All actions, sorted.
    pub fn ids(&self) -> impl Iterator<Item = ActionId> + use<> {
        (0..self.len()).map(ActionId::from_index)
    }

    /// The action's full name as AWS writes it, such as `s3:GetObject`.
    pub fn name(&self, id: ActionId) -> &str {
        self.actions.field(id.index(), 0)
    }

    /// The action's service prefix, such as `s3`.
    pub fn service(&self, id: ActionId) -> &str {
        self.name(id).split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// What kind of thing the action does. The more privileged of two opinions: "Permissions management" where either
    /// source says so.
    pub fn access_level(&self, id: ActionId) -> AccessLevel {
        match self.actions.field(id.index(), 1) {
            "List" => AccessLevel::List,
            "Read" => AccessLevel::Read,
            "Permissions" => AccessLevel::PermissionsManagement,
            "Tagging" => AccessLevel::Tagging,
            _ => AccessLevel::Write,
        }
    }

    /// Whether some published API operation is authorised by this action in its own right.
    pub(crate) fn has_operation(&self, id: ActionId) -> bool {
        self.actions.field(id.index(), 2) == "api"
    }

    /// The resource types that the action may be limited to; empty: no resource-level support, only `*` works.
    pub fn resource_types(&self, id: ActionId) -> Vec<ResourceType<'_>> {
        let prefix = self.service(id);
        let types = self.details().field(id.index(), 0);
        types
            .split_ascii_whitespace()
            .map(|name| {
                let (name, required) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
                ResourceType {
                    name,
                    required,
                    arns: self.arn_formats(prefix, name),
                }
            })
            .collect()
    }

    /// The condition keys that the action's requests may carry.
    pub fn condition_keys(&self, id: ActionId) -> Vec<&str> {
        self.details().field(id.index(), 1).split_ascii_whitespace().collect()
    }

    /// Actions that a caller may need beside this one, such as `iam:PassRole`.
    pub fn dependents(&self, id: ActionId) -> &[ActionId] {
        let all = self.dependents.get_or_init(|| vec![OnceLock::new(); self.len()]);
        let Some(own) = all.get(id.index()) else { return &[] };
        own.get_or_init(|| {
            let names = self.details().field(id.index(), 2).split_ascii_whitespace();
            names.filter_map(|name| self.id(name)).collect()
        })
    }

    /// The actions that an IAM action pattern (`s3:Get*`, `*`) names, ignoring ASCII case.
    pub fn expand(&self, pattern: &str) -> Vec<ActionId> {
        self.matching(pattern).collect()
    }

    /// Whether an IAM action pattern names an action that the catalog knows.
    pub fn knows(&self, pattern: &str) -> bool {
        self.matching(pattern).next().is_some()
    }

    fn matching(&self, pattern: &str) -> impl Iterator<Item = ActionId> {
        let pattern = pattern.to_ascii_lowercase();
        let (one, candidates, from) = match pattern.find(['*', '?']) {
            None => (self.id(&pattern), 0..0, 0),
            Some(from) => (None, self.actions.starting_with(&pattern[..from]), from),
        };
        let named = candidates.map(ActionId::from_index).filter(move |id| {
            let rest = &pattern[from..];
            rest == "*" || crate::iam::pattern::matches(rest, &self.name(*id)[from..].to_ascii_lowercase())
        });
        one.into_iter().chain(named)
    }

    /// Every service prefix with the ids of its actions, in the order of [`Catalog::services`].
    pub fn service_ranges(&self) -> impl Iterator<Item = (&str, Range<u32>)> {
        let prefixes = self.services().map(|(prefix, _)| prefix);
        prefixes.zip(self.ranges().iter().cloned())
    }

    /// The ids of a service's actions; empty for an unknown prefix.
    pub fn service_range(&self, prefix: &str) -> Range<u32> {
        let known = self.services.find(prefix);
        known.map_or(0..0, |at| self.ranges()[at].clone())
    }

    fn ranges(&self) -> &[Range<u32>] {
        self.ranges.get_or_init(|| {
            let prefixes = self.services().map(|(prefix, _)| prefix);
            prefixes
                .map(|prefix| self.starting_with(&format!("{prefix}:")))
                .collect()
        })
    }

    /// The ids of the actions whose full name starts like this, ignoring ASCII case.
    pub fn starting_with(&self, start: &str) -> Range<u32> {
        let range = self.actions.starting_with(start);
        range.start as u32..range.end as u32
    }

    /// The IAM prefixes that calls to an event source are authorised under: `monitoring.amazonaws.com` → `cloudwatch`.
    /// An unknown source whose first label is a known prefix has that prefix; any other has none.
    pub fn prefixes_of(&self, event_source: &str) -> &[String] {
        self.prefixes().get(&stem(event_source)).map_or(&[], Vec::as_slice)
    }

    fn prefixes(&self) -> &HashMap<String, Vec<String>> {
        self.prefixes.get_or_init(|| {
            let own = self
                .services()
                .map(|(prefix, _)| (prefix.to_owned(), vec![prefix.to_owned()]));
            let mut map: HashMap<String, Vec<String>> = own.collect();
            for row in rows(&unpack_text(embedded!("aliases.z"))) {
                if let [source, prefixes, ..] = row.as_slice() {
                    let known = prefixes
                        .split_ascii_whitespace()
                        .filter(|prefix| self.services.find(prefix).is_some());
                    map.insert((*source).to_owned(), known.map(str::to_owned).collect());
                }
            }
            map
        })
    }

    /// Whether a service's management events are delivered in one region (`us-east-1`, for a few `us-west-2`) wherever
    /// the call came from, so that no other region's files could show them. `sts` counts through its global endpoint
    /// only; its regional endpoints log in their region.
    pub fn is_global_service(&self, prefix: &str) -> bool {
        let global = self.global.get_or_init(|| {
            let text = unpack_text(embedded!("global.z"));
            rows(&text)
                .filter_map(|row| row.first().map(|prefix| (*prefix).to_owned()))
                .collect()
        });
        global.iter().any(|known| known.eq_ignore_ascii_case(prefix))
    }

    fn details(&self) -> &Table {
        self.details.get_or_init(|| Table::unpack(embedded!("details.z")))
    }

    fn arns(&self) -> &Table {
        self.arns.get_or_init(|| Table::unpack(embedded!("arns.z")))
    }

    fn operations(&self) -> &Table {
        self.operations.get_or_init(|| Table::unpack(embedded!("operations.z")))
    }

    fn arn_formats(&self, prefix: &str, resource_type: &str) -> Vec<&str> {
        let arns = self.arns();
        match arns.find(&format!("{prefix}:{resource_type}")) {
            Some(index) => arns.field(index, 1).split_ascii_whitespace().collect(),
            None => Vec::new(),
        }
    }
}

/// `monitoring.amazonaws.com` → `monitoring`, in lower case.
fn stem(event_source: &str) -> String {
    let lower = event_source.to_ascii_lowercase();
    let stem = lower.strip_suffix(".cn").unwrap_or(&lower);
    stem.strip_suffix(".amazonaws.com").unwrap_or(stem).to_owned()
}

fn read_sources(text: &str) -> (String, Vec<Source>) {
    let mut date = String::new();
    let mut sources = Vec::new();
    for row in rows(text) {
        match row.as_slice() {
            ["date", day] => date = (*day).to_owned(),
            ["package", name, version, licence] => sources.push(Source {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                licence: (*licence).to_owned(),
            }),
            _ => {}
        }
    }
    (date, sources)
}

#[cfg(test)]
mod tests;
