//! What one API call needs: from the event's source and name to IAM actions.
//!
//! Order: the hand table, then the compiled operation (the same name, the published map, a documentation link), then the
//! catalog's own name, then the Batch rules; what is left is unmapped, and its whole service is to be kept.

use std::collections::{BTreeSet, HashMap};

use super::row::{Binding, RowNeed, no_permission, read};
use super::template::{ArnTemplate, same_parameter, substitute};
use super::{ActionId, Catalog, When, embedded, rows, stem, unpack_text};

/// What a call needs.
#[derive(Clone, PartialEq, Debug)]
pub enum Mapping {
    /// The call proves no permission.
    NoPermission {
        /// Why.
        why: &'static str,
    },
    /// The call needs these, each under its own condition.
    Actions(Vec<Need>),
    /// Nobody says what the call needs: keep everything under these prefixes.
    Unmapped {
        /// The source's prefixes; empty: unknown source, it may be any service.
        prefixes: Vec<String>,
        /// Why.
        why: String,
    },
}

/// One action that a call needs or may need.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// The action.
    pub action: ActionId,
    /// How the call leads to it.
    pub how: How,
    /// In which requests.
    pub when: When,
    /// On which resources, so far as the request tells. Empty: the request does not tell.
    pub resources: Vec<ArnTemplate>,
    /// Whether `resources`, if all could be filled in, are everything that the call touches under this action.
    pub complete: bool,
    /// Whether the call's resources of the same type that stand elsewhere in the event belong to another action: only
    /// `resources` tell what this one is needed on, and empty ones tell nothing.
    pub apart: bool,
    /// Whether two parameters name resources of one type and nobody says which action is on which: never all is seen.
    pub open: bool,
    /// Whether nobody has shown that requests spell `resources` so: they are hints, and do not tell all.
    pub hint: bool,
    /// Whether the call surely needs it where `when` holds; else it may need it.
    pub certain: bool,
}

/// How a call leads to an action.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum How {
    /// The action has the call's name.
    Named,
    /// The action has another name, and authorises the call.
    Renamed,
    /// The action is checked beside the call's own: PassRole, tags on create, a Version twin.
    Inferred,
}

/// A request parameter that hands a role to a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleParameter {
    /// Where in the request parameters; holds a role's ARN, a role's name, or an instance profile.
    pub path: String,
    /// Whether handing it surely needs `iam:PassRole`; else it may.
    pub certain: bool,
    /// The service principal that receives the role, where known.
    pub passed_to: Option<String>,
}

/// The hand table, by source stem (or prefix) and event name in lower case.
#[derive(Debug)]
pub(super) struct Hand(HashMap<(String, String), String>);

impl Hand {
    fn embedded() -> Self {
        let text = unpack_text(embedded!("hand.z"));
        let mut map = HashMap::new();
        for row in rows(&text) {
            if let [source, event, needs, ..] = row.as_slice() {
                map.insert(
                    (source.to_ascii_lowercase(), event.to_ascii_lowercase()),
                    (*needs).to_owned(),
                );
            }
        }
        Self(map)
    }

    fn get(&self, source: &str, event: &str) -> Option<&str> {
        let key = |event: &str| (source.to_owned(), event.to_owned());
        self.0
            .get(&key(event))
            .or_else(|| self.0.get(&key("*")))
            .map(String::as_str)
    }
}

/// Most resource types of an action whose parameters are guessed; what tags anything is not worth the search.
const LIKELY_TYPES: usize = 8;

impl Catalog {
    /// What a call needs, by its event source (`s3.amazonaws.com`) and event name (`HeadObject`).
    pub fn mapping(&self, event_source: &str, event_name: &str) -> Mapping {
        let stem = stem(event_source);
        let prefixes = self.prefixes_of(event_source);
        let mut names = vec![event_name.to_owned()];
        names.extend(without_date(event_name).map(str::to_owned));
        for name in &names {
            if let Some(mapping) = self.resolve(&stem, prefixes, name) {
                return mapping;
            }
        }
        for name in names.iter().flat_map(|name| single_forms(name)) {
            if let Some(Mapping::Actions(mut needs)) = self.resolve(&stem, prefixes, &name) {
                for need in &mut needs {
                    if need.how == How::Named {
                        need.how = How::Renamed;
                    }
                }
                return Mapping::Actions(needs);
            }
        }
        let why = match prefixes {
            [] => format!("no service of the catalog has the event source {stem}"),
            [..] => format!(
                "{} has no action, operation or rule for {event_name}",
                prefixes.join(", ")
            ),
        };
        Mapping::Unmapped {
            prefixes: prefixes.to_vec(),
            why,
        }
    }

    /// Every operation that an SDK or a row written by hand knows, as event source (without its domain) and name.
    pub fn every_operation(&self) -> Vec<(String, String)> {
        let compiled = (0..self.operations().len()).map(|at| self.operations().field(at, 0).to_owned());
        let named = self.ids().map(|id| self.name(id).to_owned());
        let mut all: Vec<(String, String)> = compiled
            .chain(named)
            .filter_map(|full| {
                full.split_once(':')
                    .map(|(prefix, name)| (prefix.to_owned(), name.to_owned()))
            })
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// The request parameters of a call that hand roles to services.
    pub fn role_parameters(&self, event_source: &str, event_name: &str) -> Vec<RoleParameter> {
        let Some(pass_role) = self.id("iam:PassRole") else {
            return Vec::new();
        };
        let Mapping::Actions(needs) = self.mapping(event_source, event_name) else {
            return Vec::new();
        };
        let passed_to = self.roles_go_to(event_source);
        let mut out: Vec<RoleParameter> = Vec::new();
        for need in needs.iter().filter(|need| need.action == pass_role) {
            let paths = match &need.when {
                When::Present(paths) => paths.clone(),
                When::Always | When::Absent(_) | When::Equals { .. } => Vec::new(),
            };
            for path in paths {
                out.push(RoleParameter {
                    path,
                    certain: need.certain,
                    passed_to: passed_to.clone(),
                });
            }
        }
        out
    }

    /// The service principal to which calls to an event source hand roles, as a rule; it is what `iam:PassedToService`
    /// holds then.
    pub fn roles_go_to(&self, event_source: &str) -> Option<String> {
        let prefix = self.prefixes_of(event_source).first()?;
        // Asked for each operation of an archive, and unpacked once.
        let passed_to = self.passed_to.get_or_init(|| {
            let text = unpack_text(embedded!("passed_to.z"));
            let mut passed_to = HashMap::new();
            for row in rows(&text) {
                if let [prefix, principal, ..] = row.as_slice() {
                    let principal = || (*principal).to_owned();
                    passed_to.entry((*prefix).to_owned()).or_insert_with(principal);
                }
            }
            passed_to
        });
        passed_to.get(prefix).cloned()
    }

    fn hand(&self) -> &Hand {
        self.hand.get_or_init(Hand::embedded)
    }

    /// The row written by hand for a call, where there is one.
    fn by_hand(&self, stem: &str, prefixes: &[String], event: &str) -> Option<&str> {
        let lower = event.to_ascii_lowercase();
        std::iter::once(stem)
            .chain(prefixes.iter().map(String::as_str))
            .find_map(|source| self.hand().get(source, &lower))
    }

    /// Names under which a newer catalog than this one may know what authorises a call: those that its row names and
    /// that no service here has; and the call's own, where none has it and only a guess leads to other actions (the
    /// Batch rule, or needs none of which is sure). Where AWS or the published map says what authorises it, none.
    pub fn perhaps_newer(&self, event_source: &str, event_name: &str) -> BTreeSet<String> {
        let mut newer = BTreeSet::new();
        let Mapping::Actions(needs) = self.mapping(event_source, event_name) else {
            return newer;
        };
        let (stem, prefixes) = (stem(event_source), self.prefixes_of(event_source));
        let names: Vec<&str> = std::iter::once(event_name).chain(without_date(event_name)).collect();
        let rows = names.iter().filter_map(|name| self.by_hand(&stem, prefixes, name));
        let by_hand = rows.filter(|row| no_permission(row).is_none());
        let by_hand: Vec<&str> = by_hand.collect();
        let named = by_hand.iter().flat_map(|row| read(row.trim_start_matches("+ ")));
        newer.extend(named.map(|need| need.action).filter(|action| self.id(action).is_none()));
        let own: Vec<String> = names
            .iter()
            .flat_map(|name| prefixes.iter().map(move |prefix| format!("{prefix}:{name}")))
            .collect();
        let step = own.iter().find_map(|name| self.operations().find(name));
        let told = match step.map(|at| self.operations().field(at, 1)) {
            Some(step) => step != "batch",
            None => by_hand.iter().any(|row| !row.starts_with("+ ")),
        };
        let sure = needs.iter().any(|need| need.certain && need.how != How::Inferred);
        if own.iter().all(|name| self.id(name).is_none()) && !(told && sure) {
            newer.extend(own);
        }
        newer
    }

    fn resolve(&self, stem: &str, prefixes: &[String], event: &str) -> Option<Mapping> {
        let by_hand = self.by_hand(stem, prefixes, event);
        let mut needs: Vec<Need> = Vec::new();
        let mut beside: Vec<Need> = Vec::new();
        if let Some(text) = by_hand {
            if let Some(why) = no_permission(text) {
                return Some(Mapping::NoPermission { why });
            }
            match text.strip_prefix("+ ") {
                Some(text) => beside = self.needs(read(text), event),
                None => add(&mut needs, self.needs(read(text), event)),
            }
        }
        let mut compiled = false;
        for (rank, prefix) in prefixes.iter().enumerate() {
            let found = match self.operations().find(&format!("{prefix}:{event}")) {
                Some(at) => {
                    compiled = true;
                    let text = self.operations().field(at, 2);
                    if let Some(why) = no_permission(text) {
                        if rank == 0 && needs.is_empty() {
                            return Some(Mapping::NoPermission { why });
                        }
                        continue;
                    }
                    self.needs(read(text), event)
                }
                None => match self.id(&format!("{prefix}:{event}")) {
                    Some(action) => vec![self.named(action)],
                    None => continue,
                },
            };
            // The first place that knows the call decides; others with the same name only keep.
            let decided = !needs.is_empty();
            add(
                &mut needs,
                found
                    .into_iter()
                    .map(|need| if decided { Need { certain: false, ..need } } else { need })
                    .collect(),
            );
        }
        if needs.is_empty() {
            return None;
        }
        if !compiled {
            for need in needs.iter_mut().filter(|need| need.resources.is_empty() && !need.apart) {
                (need.resources, need.hint) = self.likely_templates(need.action);
            }
        }
        add(&mut needs, beside);
        self.add_dependents(&mut needs);
        Some(Mapping::Actions(needs))
    }

    fn named(&self, action: ActionId) -> Need {
        Need {
            action,
            how: How::Named,
            when: When::Always,
            resources: Vec::new(),
            complete: false,
            apart: false,
            open: false,
            hint: false,
            certain: true,
        }
    }

    fn needs(&self, needs: Vec<RowNeed>, event: &str) -> Vec<Need> {
        needs.into_iter().filter_map(|need| self.need(need, event)).collect()
    }

    fn need(&self, row: RowNeed, event: &str) -> Option<Need> {
        let action = self.id(&row.action)?;
        let (prefix, name) = row.action.split_once(':')?;
        let how = match (&row.when, row.certain) {
            _ if name.eq_ignore_ascii_case(event) => How::Named,
            (When::Present(_) | When::Equals { .. }, _) | (_, false) => How::Inferred,
            (When::Always | When::Absent(_), true) => How::Renamed,
        };
        let resources = row
            .bindings
            .iter()
            .flat_map(|binding| self.templates(prefix, binding))
            .collect();
        Some(Need {
            action,
            how,
            when: row.when,
            resources,
            complete: row.complete,
            apart: row.apart,
            open: row.open,
            hint: row.hint,
            certain: row.certain,
        })
    }

    fn templates(&self, prefix: &str, binding: &Binding) -> Vec<ArnTemplate> {
        let (name, variables) = match binding {
            Binding::Template(template) => return vec![ArnTemplate::new(template.clone())],
            Binding::Type { name, variables } => (name, variables),
        };
        let bind = |variable: &str| {
            let bound = variables.iter().find(|(known, _)| same_parameter(known, variable));
            match variable {
                "Partition" | "Region" => return None,
                "Account" => {
                    return bound.map(|(_, paths)| match paths.as_str() {
                        "*" => "*".to_owned(),
                        paths => format!("${{Account|{paths}}}"),
                    });
                }
                _ => {}
            }
            let path = bound.map_or(variable, |(_, path)| path);
            Some(if path == "*" {
                "*".to_owned()
            } else {
                format!("${{{path}}}")
            })
        };
        let formats = self.arn_formats(prefix, name).into_iter();
        formats
            .filter_map(|format| substitute(format, bind))
            .map(ArnTemplate::new)
            .collect()
    }

    /// What the request of a call that no SDK knows may tell of its resources: parameters named like the variables; and
    /// whether they are but a guess.
    fn likely_templates(&self, action: ActionId) -> (Vec<ArnTemplate>, bool) {
        let types = self.resource_types(action);
        if types.len() > LIKELY_TYPES || self.name(action) == "iam:PassRole" {
            return (Vec::new(), false);
        }
        let prefix = self.service(action);
        let bindings = self.bindings();
        let mut templates = Vec::new();
        let mut guessed = false;
        for kind in &types {
            match bindings.get(&(prefix.to_owned(), kind.name.to_owned())) {
                Some(by_hand) => templates.extend(by_hand.iter().cloned().map(ArnTemplate::new)),
                None => {
                    let formats = kind.arns.iter().filter_map(|format| substitute(format, likely));
                    templates.extend(formats.map(ArnTemplate::new));
                    guessed = true;
                }
            }
        }
        (templates, guessed)
    }

    /// `bindings.tsv`: templates by prefix and resource type.
    fn bindings(&self) -> &HashMap<(String, String), Vec<String>> {
        self.bindings.get_or_init(|| {
            let mut map: HashMap<(String, String), Vec<String>> = HashMap::new();
            for row in rows(&unpack_text(embedded!("bindings.z"))) {
                if let [prefix, kind, _, template, ..] = row.as_slice() {
                    let key = ((*prefix).to_owned(), (*kind).to_owned());
                    let templates = template.split(' ').map(str::to_owned);
                    map.entry(key).or_default().extend(templates);
                }
            }
            map
        })
    }

    fn add_dependents(&self, needs: &mut Vec<Need>) {
        let certain: Vec<ActionId> = needs
            .iter()
            .filter(|need| need.certain)
            .map(|need| need.action)
            .collect();
        for dependent in certain.iter().flat_map(|action| self.dependents(*action)) {
            if needs.iter().all(|need| need.action != *dependent) {
                needs.push(Need {
                    how: How::Inferred,
                    certain: false,
                    ..self.named(*dependent)
                });
            }
        }
    }
}

/// The parameter of a variable's name; none for what the call itself tells.
fn likely(variable: &str) -> Option<String> {
    (!matches!(variable, "Partition" | "Region" | "Account")).then(|| format!("${{{variable}|id}}"))
}

/// Adds needs. One whose action stands there already lends it its resources and adds nothing else, unless another
/// parameter brings it (each role that is handed over needs PassRole).
fn add(needs: &mut Vec<Need>, more: Vec<Need>) {
    let known: Vec<(ActionId, When)> = needs.iter().map(|need| (need.action, need.when.clone())).collect();
    for need in more {
        let same = known
            .iter()
            .any(|(action, when)| *action == need.action && *when == need.when);
        let brought = matches!(need.when, When::Present(_)) && !same;
        if brought || known.iter().all(|(action, _)| *action != need.action) {
            needs.push(need);
            continue;
        }
        let lends = |old: &&mut Need| {
            old.action == need.action && old.when == need.when && old.resources.is_empty() && !old.apart
        };
        for old in needs.iter_mut().filter(lends) {
            old.resources.clone_from(&need.resources);
            old.complete |= need.complete;
            old.hint = need.hint;
        }
    }
}

/// The name without Lambda's (`GetFunction20150331v2`) or CloudFront's (`CreateFunction2020_05_31`) version suffix.
pub(super) fn without_date(name: &str) -> Option<&str> {
    let year = |at: usize| name.is_char_boundary(at) && name[at..].starts_with("20");
    for start in (1..name.len()).rev().filter(|at| year(*at)) {
        let rest = &name.as_bytes()[start..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let lambda = digits == 8
            && match &rest[8..] {
                [] => true,
                [b'v', version @ ..] => !version.is_empty() && version.iter().all(u8::is_ascii_digit),
                [..] => false,
            };
        let cloudfront = rest.len() == 10
            && rest.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'_' || *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if lambda || cloudfront {
            return Some(&name[..start]);
        }
    }
    None
}

/// What the single call of a batch call may be named: `BatchGetJobs` → `GetJobs`, `GetJob`; `PublishBatch` → `Publish`.
pub(super) fn single_forms(name: &str) -> Vec<String> {
    let (base, plural) = match (name.strip_prefix("Batch"), name.strip_suffix("Batch")) {
        (Some(base), _) => (base, true),
        (None, Some(base)) => (base, false),
        (None, None) => return Vec::new(),
    };
    let mut forms = vec![base.to_owned()];
    if plural {
        if let Some(stem) = base.strip_suffix("ies") {
            forms.push(format!("{stem}y"));
        }
        forms.extend(base.strip_suffix("es").map(str::to_owned));
        forms.extend(base.strip_suffix('s').map(str::to_owned));
    }
    forms
}

#[cfg(test)]
mod tests;
