//! What the catalog says of one (eventSource, eventName), prepared once for all its events.

use std::collections::{BTreeMap, BTreeSet};

use super::observe::{Facts, top};
use super::templates::{Template, apart, spelt_out, template_concerns};
use super::{Call, PASSED_ROLE};
use crate::catalog::{AccessLevel, ActionId, ArnTemplate, Catalog, Logging, Mapping, Need, RoleParameter, When};
use crate::decode::json;
use crate::iam::pattern;

/// A resource type that an operation may touch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Kind {
    /// `s3:object`
    pub(super) name: String,
    /// ARN patterns, the variables of AWS's format as `*`.
    pub(super) patterns: Vec<String>,
}

/// The patterns of all kinds by a token that an ARN must have to fit, so that few patterns are tried.
#[derive(Clone, Debug, Default)]
struct Formats {
    /// Token → patterns, as (how many characters are no wildcard, kind, pattern).
    by_token: BTreeMap<String, Vec<(usize, usize, usize)>>,
    /// Those that need none.
    others: Vec<(usize, usize, usize)>,
}

impl Formats {
    fn of(kinds: &[Kind]) -> Formats {
        let mut formats = Formats::default();
        for (kind_at, kind) in kinds.iter().enumerate() {
            for (at, pattern) in kind.patterns.iter().enumerate() {
                let literal = pattern.bytes().filter(|byte| *byte != b'*').count();
                let list = match token_of(pattern) {
                    Some(token) => formats.by_token.entry(token.to_owned()).or_default(),
                    None => &mut formats.others,
                };
                list.push((literal, kind_at, at));
            }
        }
        formats
    }

    /// The kind of an ARN: of those that fit, the one whose pattern says most, the last of several.
    fn find<'k>(&self, arn: &str, kinds: &'k [Kind]) -> Option<&'k Kind> {
        let candidates = arn
            .split([':', '/'])
            .filter_map(|token| self.by_token.get(token))
            .flatten();
        let fits = |(_, kind, at): &&(usize, usize, usize)| pattern::matches(&kinds[*kind].patterns[*at], arn);
        let found = candidates.chain(&self.others).filter(fits).max();
        found.map(|(_, kind, _)| &kinds[*kind])
    }
}

/// The last token between two colons or slashes that a pattern spells out: what fits has it between such, too.
fn token_of(pattern: &str) -> Option<&str> {
    let mut tokens = pattern.split([':', '/']);
    tokens.rfind(|token| !token.is_empty() && !token.contains(['*', '?']))
}

/// An operation, prepared.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it needs.
    pub mapping: Mapping,
    /// Names that it may have in a newer catalog, beside what it needs.
    pub newer: Vec<String>,
    /// The resource type of the data events that show it, where it is a data operation.
    pub data_type: Option<String>,
    /// Whether the catalog does not say that it is logged as a management event: seeing it as one says more.
    pub unsaid: bool,
    /// Whether it only reads, by the access level of its first action.
    pub reads: bool,
    /// Whether roles in its parameters are handed over; IAM's and STS's own operations act on them instead.
    pub(super) takes_roles: bool,
    /// Paths whose presence decides.
    pub(super) paths: BTreeSet<String>,
    /// Paths whose value decides.
    pub(super) value_paths: BTreeSet<String>,
    /// Parameters that hand over roles.
    pub(super) role_parameters: Vec<RoleParameter>,
    /// The resource types of its actions.
    pub(super) kinds: Vec<Kind>,
    /// Their patterns.
    formats: Formats,
    /// The templates of its needs, each once; none where no resource of its could have a kind.
    pub(super) templates: Vec<Template>,
    /// The first steps of all paths above and in the templates, and what is read of the values under them.
    first_steps: Vec<(String, Concern)>,
    /// What the patterns spell out between colons and slashes, sorted; `None` where a pattern could tell one plain name
    /// from another.
    tokens: Option<Vec<String>>,
}

/// What is read of the value of a parameter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Concern {
    /// Nothing but whether it carries something.
    None,
    /// Names, each of which may be replaced by another one: it then stands in the resources instead.
    Names,
    /// ARNs, and the names in them; all else as it is written.
    Arns,
    /// The same of S3's objects alone, whose buckets count.
    Objects,
    /// All as it is written.
    Whole,
}

impl Operation {
    /// What the catalog says of an event's source and name.
    pub fn of(catalog: &Catalog, event_source: &str, event_name: &str) -> Operation {
        let mapping = catalog.mapping(event_source, event_name);
        let needs: &[Need] = match &mapping {
            Mapping::Actions(needs) => needs,
            Mapping::NoPermission { .. } | Mapping::Unmapped { .. } => &[],
        };
        let mut paths = BTreeSet::new();
        let mut value_paths = BTreeSet::new();
        for need in needs {
            match &need.when {
                When::Always => {}
                When::Present(wanted) | When::Absent(wanted) => paths.extend(wanted.iter().cloned()),
                When::Equals { path, .. } => {
                    value_paths.insert(path.clone());
                }
            }
        }
        let main = needs.iter().find(|need| need.certain).map(|need| need.action);
        let data_type = needs
            .iter()
            .filter(|need| need.certain)
            .find_map(|need| match catalog.logging(need.action) {
                Logging::Data { resource_type } => Some(resource_type),
                Logging::Management { .. } | Logging::Never { .. } | Logging::Unknown { .. } => None,
            });
        let role_parameters = catalog.role_parameters(event_source, event_name);
        let kinds = kinds(catalog, needs);
        let mut templates: BTreeMap<&ArnTemplate, (bool, bool)> = BTreeMap::new();
        for need in needs {
            let wanted = need.resources.iter();
            for template in wanted.filter(|template| !kinds.is_empty() || template.as_str().contains(":iam:")) {
                let (apart, known) = templates.entry(template).or_insert((true, false));
                *apart &= need.apart;
                *known |= !need.hint;
            }
        }
        let mut first_steps: BTreeMap<String, Concern> = BTreeMap::new();
        let mut concern = |path: &str, concern: Concern| {
            let known = first_steps.entry(top(path).to_owned()).or_insert(concern);
            *known = concern.max(*known);
        };
        for template in templates.keys() {
            template_concerns(template, &mut concern);
        }
        // A colon asks for a part of the text.
        for path in &paths {
            concern(
                path,
                if path.contains(':') {
                    Concern::Whole
                } else {
                    Concern::Names
                },
            );
        }
        let roles = role_parameters.iter().map(|parameter| &parameter.path);
        value_paths
            .iter()
            .chain(roles)
            .for_each(|path| concern(path, Concern::Whole));
        let first_steps = first_steps.into_iter().collect();
        let templates: Vec<Template> = templates
            .into_iter()
            .map(|(template, (apart, known))| Template::new(template, role_of(template).filter(|_| apart), known))
            .collect();
        let tokens = tokens(&kinds).map(|mut tokens| {
            tokens.extend(spelt_out(&templates));
            tokens
        });
        let takes_roles = !matches!(event_source, "iam.amazonaws.com" | "sts.amazonaws.com");
        Operation {
            data_type,
            newer: catalog.perhaps_newer(event_source, event_name).into_iter().collect(),
            unsaid: catalog.unsaid_action(event_source, event_name).is_some(),
            reads: main
                .is_some_and(|action| matches!(catalog.access_level(action), AccessLevel::List | AccessLevel::Read)),
            takes_roles,
            paths,
            value_paths,
            role_parameters,
            formats: Formats::of(&kinds),
            tokens,
            kinds,
            templates,
            first_steps,
            mapping,
        }
    }

    /// What is read of the value of a parameter: whatever may decide, or name a resource. A list may be wrapped into a
    /// member of its own, and newer EC2 calls wrap what they ask for into `content`.
    pub(super) fn concern(&self, parameter: &str) -> Concern {
        if matches!(parameter, "items" | "member") || json::same_name(parameter, "content") {
            return Concern::Whole;
        }
        let mut found = Concern::None;
        for (step, concern) in &self.first_steps {
            if step.is_empty() {
                return Concern::Whole;
            }
            if json::same_name(step, parameter) {
                found = found.max(*concern);
            }
        }
        found
    }

    /// Whether its resource types are told without regard to plain names.
    pub(super) fn takes_names(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whether a pattern of its resource types spells this out.
    pub(super) fn knows_token(&self, name: &str) -> bool {
        // Few tokens are as long as a name.
        let tokens = self.tokens.iter().flatten();
        tokens.into_iter().any(|token| token == name)
    }

    /// Whether a denial that names `action` shows that the mapping lacks it.
    pub fn disagrees(&self, catalog: &Catalog, action: &str) -> bool {
        match (&self.mapping, catalog.id(action)) {
            (Mapping::Actions(needs), Some(action)) => needs.iter().all(|need| need.action != action),
            (Mapping::NoPermission { .. }, Some(_)) => true,
            (Mapping::Unmapped { .. }, _) | (_, None) => false,
        }
    }

    /// The need on the resources of its types.
    pub(super) fn call(&self, catalog: &Catalog, need: &Need, facts: &Facts, resources: &[String]) -> Call {
        let types = catalog.resource_types(need.action);
        if types.is_empty() {
            return Call {
                action: need.action,
                resources: vec!["*".to_owned()],
                complete: true,
                how: need.how,
            };
        }
        let service = catalog.service(need.action);
        let names: Vec<String> = types.iter().map(|kind| format!("{service}:{}", kind.name)).collect();
        let roles: Vec<String> = need
            .resources
            .iter()
            .filter(|_| need.apart)
            .filter_map(role_of)
            .collect();
        let resources = resources.iter().map(|resource| apart(resource));
        let of_role = |role: Option<&str>| role.is_some_and(|role| roles.iter().any(|known| known == role));
        let (own, others): (Vec<_>, Vec<_>) = resources
            .filter(|(role, arn)| (role.is_none() || of_role(*role)) && self.fits(arn, &names))
            .partition(|(role, _)| role.is_some());
        let told = !own.is_empty();
        let mine: Vec<String> = if told { own } else { others }
            .into_iter()
            .map(|(_, arn)| arn.to_owned())
            .collect();
        // All is seen where the event shows a resource of the only type there is. Of several types, where it shows one,
        // and each required one, and the request would have named the others. Where what else the event names belongs to
        // another action, only what the request names counts.
        let seen = |name: &String| facts.has_kind(name);
        let all_seen = match &names[..] {
            _ if need.open => false,
            _ if need.apart => told,
            [only] => seen(only),
            [..] => {
                let mut required = types.iter().zip(&names).filter(|(kind, _)| kind.required);
                facts.known && need.complete && names.iter().any(seen) && required.all(|(_, name)| seen(name))
            }
        };
        let passes = catalog.name(need.action) == "iam:PassRole";
        Call {
            action: need.action,
            complete: !facts.cut && !mine.is_empty() && if passes { facts.has_kind(PASSED_ROLE) } else { all_seen },
            resources: mine,
            how: need.how,
        }
    }

    /// Whether an ARN is of one of these types; whether a shape may stand for some that are.
    fn fits(&self, arn: &str, names: &[String]) -> bool {
        let known = self.kind_of(arn).is_some_and(|kind| names.contains(&kind.name));
        if known || !arn.ends_with('*') {
            return known;
        }
        let mut kinds = self.kinds.iter().filter(|kind| names.contains(&kind.name));
        kinds.any(|kind| {
            let mut formats = kind.patterns.iter();
            may_be(&kind.name, arn) && formats.any(|format| may_be_one(format, arn))
        })
    }

    /// The resource type of an ARN: of the types that fit, the one whose format says most.
    pub(super) fn kind_of(&self, arn: &str) -> Option<&Kind> {
        self.formats
            .find(arn, &self.kinds)
            .filter(|kind| may_be(&kind.name, arn))
    }
}

/// Whether an ARN or shape may be of this type beside what its format says: no bucket's name has a slash, so what has one
/// is an object, also where a call's actions take no objects (S3 user guide, "Bucket naming rules").
fn may_be(kind: &str, arn: &str) -> bool {
    kind != "s3:bucket" || !arn.contains('/')
}

/// The parameter that resources of a template stand apart for, where they do.
fn role_of(template: &ArnTemplate) -> Option<String> {
    template.parameters().first().map(|path| path.to_string())
}

/// What the patterns of some kinds spell out between colons and slashes, sorted. `None` where whether an ARN fits could
/// depend on a name in it that is none of these: each run of text between two wildcards has to start and end with a
/// colon or slash, or be the pattern's start or end. Then a run that is found in an ARN either leaves a name between two
/// separators alone, or spells it out.
fn tokens(kinds: &[Kind]) -> Option<Vec<String>> {
    let is_separator = |c: char| c == ':' || c == '/';
    let mut tokens = BTreeSet::new();
    for pattern in kinds.iter().flat_map(|kind| &kind.patterns) {
        if pattern.contains('?') {
            return None;
        }
        let runs: Vec<&str> = pattern.split('*').collect();
        for (at, run) in runs.iter().enumerate().filter(|(_, run)| !run.is_empty()) {
            let starts = at == 0 || run.starts_with(is_separator);
            let ends = at + 1 == runs.len() || run.ends_with(is_separator);
            if !starts || !ends {
                return None;
            }
            tokens.extend(
                run.split(is_separator)
                    .filter(|token| !token.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    Some(tokens.into_iter().collect())
}

/// Whether two ARNs or patterns may stand for one resource. No colon stands in their first segments, so that wildcards
/// there reach no further.
fn may_be_one(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.splitn(6, ':'), b.splitn(6, ':'));
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if pattern::overlaps(a, b) => {}
            (None, None) => return true,
            (Some(_), _) | (_, Some(_)) => return false,
        }
    }
}

fn kinds(catalog: &Catalog, needs: &[Need]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut known: BTreeSet<ActionId> = BTreeSet::new();
    for need in needs.iter().filter(|need| known.insert(need.action)) {
        let service = catalog.service(need.action);
        for resource_type in catalog.resource_types(need.action) {
            let name = format!("{service}:{}", resource_type.name);
            if kinds.iter().all(|kind| kind.name != name) {
                let patterns = resource_type.arns.iter().map(|format| wild(format)).collect();
                kinds.push(Kind { name, patterns });
            }
        }
    }
    kinds
}

/// AWS's ARN format with each variable as `*`.
fn wild(format: &str) -> String {
    let mut out = String::with_capacity(format.len());
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}
