//! What a principal's own creates will take: whoever makes or attaches a kind of thing will change it and end it, although
//! this archive does not show that yet.
//!
//! A grant stays for it where its statement could mean a thing of that kind in an account where such things were made.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::actions::ActionSet;
use super::evidence::{Activity, Evidence};
use crate::catalog::{AccessLevel, ActionId, Catalog};
use crate::iam::condition::Comparison;
use crate::iam::{Resource, ResourcePart, Statement, Version, arn, pattern};
use crate::time;

/// How a reason begins that rests on a life cycle.
pub const LIFE_CYCLE: &str = "life cycle of";
/// The condition key that names the service of a service-linked role.
const SERVICE_NAME: &str = "iam:awsservicename";

/// Actions that a principal will need for what it makes, each with its reason.
#[derive(Clone, Debug, Default)]
pub struct LifeCycles(BTreeMap<ActionId, Stay>);

/// Why an action stays, and where.
#[derive(Clone, Debug)]
pub struct Stay {
    /// Patterns of the things that were made; `*` where their kind has none.
    pub resources: BTreeMap<Arc<str>, Arc<Resource>>,
    /// The services whose service-linked role is meant; empty where none is.
    pub services: BTreeSet<String>,
    /// The service-linked roles of which no table tells who makes them.
    linked: Option<Linked>,
    /// Begins with `life cycle of`.
    pub why: String,
}

/// Service-linked roles that a call may have to make although no table says so: tables of them always lack some.
#[derive(Clone, Debug, Default)]
struct Linked {
    /// Services of which the principal writes something, by prefix.
    written: BTreeSet<String>,
    /// The services whose makers the table tells.
    known: Arc<BTreeSet<String>>,
    /// A pattern of all such roles of the account.
    roles: String,
}

impl Linked {
    /// Whether a statement is for the role of one service alone, and that may be one that the principal writes to: by
    /// its name, or because nobody knows whose it is.
    fn may_be_meant(&self, statement: &Statement) -> bool {
        self.named(statement).iter().any(|name| {
            let name = name.to_ascii_lowercase();
            let mut labels = name.split(['.', '-', '*', '?']);
            let whole = name.split('.').next().unwrap_or("");
            self.written.contains(whole)
                || labels.any(|label| self.written.contains(label))
                || !name.contains(['*', '?']) && !self.known.contains(&name)
        })
    }

    /// The services that a statement names.
    fn named(&self, statement: &Statement) -> Vec<String> {
        let mut names = Vec::new();
        let conditions = statement.conditions.iter();
        for condition in conditions.filter(|condition| condition.key.eq_ignore_ascii_case(SERVICE_NAME)) {
            let like = condition.operator.comparison == Comparison::StringLike;
            let equal = matches!(
                condition.operator.comparison,
                Comparison::StringEquals | Comparison::StringEqualsIgnoreCase
            );
            let values = condition.values.iter().map(String::as_str);
            names.extend(
                values
                    .filter(|value| like || equal && !value.contains(['*', '?']))
                    .map(str::to_owned),
            );
        }
        if let (true, ResourcePart::Resource(resources)) = (names.is_empty(), &statement.resource) {
            let texts = resources.iter().map(Resource::text);
            let services = texts.filter_map(|text| text.split_once("role/aws-service-role/")?.1.split('/').next());
            names.extend(services.map(str::to_owned));
        }
        names
    }
}

/// Patterns of the things that were made, parsed once for all principals: thousands make the same kinds.
#[derive(Debug, Default)]
pub(super) struct Patterns(Mutex<HashMap<Arc<str>, Arc<Resource>>>);

impl LifeCycles {
    /// What the authorised calls of a principal of this account made or attached.
    pub(super) fn of(catalog: &Catalog, account: &str, activity: &Activity, known: &Patterns) -> LifeCycles {
        let mut stays = BTreeMap::new();
        // Two services may log under one source: of PutScalingPolicy under `autoscaling` nobody can tell whose it was.
        let bare = |action: ActionId| catalog.name(action).split_once(':').map_or("", |(_, name)| name);
        let names: BTreeSet<&str> = activity.used.keys().map(|action| bare(*action)).collect();
        let twins = activity.may_need.iter();
        let twins = twins.filter(|(action, _)| !activity.used.contains_key(action) && names.contains(bare(**action)));
        let twins: Vec<(&ActionId, &Evidence)> = twins.collect();
        let made = || {
            let used = activity.used.iter().chain(twins.iter().copied());
            used.filter(|(_, evidence)| evidence.calls > evidence.indeterminate)
        };
        // What is made comes before what is tied to it: of two reasons the stronger is told.
        for tied in [false, true] {
            for (action, evidence) in made() {
                let accounts = accounts(account, evidence);
                let cycles = catalog.life_cycles(*action).iter();
                for cycle in cycles.filter(|cycle| cycle.attaches == tied) {
                    let call = call(catalog, *action, evidence);
                    let why = if tied {
                        format!(
                            "{LIFE_CYCLE} {}: it called {call}, so it will look at that and undo it",
                            cycle.kind
                        )
                    } else {
                        format!(
                            "{LIFE_CYCLE} {}: it makes them ({call}), so it will change and delete them",
                            cycle.kind
                        )
                    };
                    for stage in &cycle.keeps {
                        let stay = entry(&mut stays, stage.action, || why.clone());
                        stay.made(patterns(&stage.resources, &accounts), known);
                    }
                }
            }
        }
        linked_roles(
            catalog,
            account,
            &made().map(|(action, evidence)| (*action, evidence)).collect::<Vec<_>>(),
            known,
            &mut stays,
        );
        LifeCycles(stays)
    }

    /// The actions of a statement that stay for it.
    pub(super) fn of_statement(&self, statement: &Statement, granted: &ActionSet) -> ActionSet {
        let mut set = ActionSet::none();
        for (action, stay) in &self.0 {
            if granted.contains(*action) && stay.may_be_meant(statement) {
                set.insert(*action);
            }
        }
        set.shrunk()
    }

    /// Each action with where and why it stays.
    pub fn iter(&self) -> impl Iterator<Item = (ActionId, &Stay)> {
        self.0.iter().map(|(action, stay)| (*action, stay))
    }

    /// Why an action stays.
    pub fn why(&self, action: ActionId) -> Option<&str> {
        self.0.get(&action).map(|stay| stay.why.as_str())
    }
}

impl Stay {
    /// Whether a statement could allow the action on what was made.
    pub fn may_be_meant(&self, statement: &Statement) -> bool {
        let named = match &statement.resource {
            ResourcePart::Resource(resources) => resources.iter().any(|resource| {
                let mut made = self.resources.values();
                resource.is_everything() || made.any(|made| arn::overlaps_in_segments(resource, made))
            }),
            ResourcePart::NotResource(_) | ResourcePart::None => true,
        };
        if let Some(linked) = &self.linked
            && linked.may_be_meant(statement)
        {
            return true;
        }
        let of_services = self.linked.is_some() || !self.services.is_empty();
        named && (!of_services || self.service_may_be_meant(statement))
    }

    /// Patterns of what it stays on.
    pub fn on(&self) -> impl Iterator<Item = &str> {
        let linked = self.linked.iter().map(|linked| linked.roles.as_str());
        self.resources.keys().map(|text| &**text).chain(linked)
    }

    fn made(&mut self, patterns: impl IntoIterator<Item = String>, known: &Patterns) {
        self.resources
            .extend(patterns.into_iter().map(|pattern| known.parsed(pattern)));
    }

    /// Whether no condition of the statement says that it is for the roles of other services.
    fn service_may_be_meant(&self, statement: &Statement) -> bool {
        if self.services.is_empty() {
            return false;
        }
        let conditions = statement.conditions.iter();
        let mut conditions = conditions.filter(|condition| condition.key.eq_ignore_ascii_case(SERVICE_NAME));
        conditions.all(|condition| match condition.operator.comparison {
            Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => {
                let mut values = condition.values.iter();
                values.any(|value| self.services.iter().any(|service| service.eq_ignore_ascii_case(value)))
            }
            Comparison::StringLike => {
                let mut values = condition.values.iter();
                values.any(|value| self.services.iter().any(|service| pattern::matches(value, service)))
            }
            // Of any other comparison no service is told apart.
            _ => true,
        })
    }
}

impl Patterns {
    fn parsed(&self, text: String) -> (Arc<str>, Arc<Resource>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, parsed)) = known.get_key_value(text.as_str()) {
            return (Arc::clone(text), Arc::clone(parsed));
        }
        let parsed = Arc::new(Resource::new(arn::of_shape(&text), Version::V2012));
        let text = Arc::from(text);
        known.insert(Arc::clone(&text), Arc::clone(&parsed));
        (text, parsed)
    }
}

/// `iam:CreateServiceLinkedRole`, for the roles that these calls may have to make.
fn linked_roles(
    catalog: &Catalog,
    account: &str,
    made: &[(ActionId, &Evidence)],
    known: &Patterns,
    stays: &mut BTreeMap<ActionId, Stay>,
) {
    let Some(create) = catalog.id("iam:CreateServiceLinkedRole") else {
        return;
    };
    let reads = |action: ActionId| matches!(catalog.access_level(action), AccessLevel::List | AccessLevel::Read);
    let written = || made.iter().filter(|(action, _)| !reads(*action));
    for (action, evidence) in made {
        for role in catalog.linked_roles(*action) {
            let service = &role.service;
            let why = || {
                format!(
                    "{LIFE_CYCLE} the service-linked role of {service}: the first such call makes it ({})",
                    call(catalog, *action, evidence)
                )
            };
            let stay = entry(stays, create, why);
            stay.services.insert(service.clone());
            let roles = format!("arn:*:iam::{account}:role/aws-service-role/{service}/*");
            stay.made([roles], known);
        }
    }
    // Of the services that have such a role, those that the principal writes to, whoever makes it.
    let services = catalog.linked_services();
    for (action, evidence) in written() {
        for service in services
            .iter()
            .filter(|service| is_of(service, catalog.service(*action)))
        {
            let why = || {
                format!(
                    "{LIFE_CYCLE} the service-linked role of {service}: the first such call may make it ({})",
                    call(catalog, *action, evidence)
                )
            };
            let stay = entry(stays, create, why);
            if stay.services.insert(service.clone()) {
                stay.made(
                    [format!("arn:*:iam::{account}:role/aws-service-role/{service}/*")],
                    known,
                );
            }
        }
    }
    if let Some((action, evidence)) = written().next() {
        let why = || {
            format!(
                "{LIFE_CYCLE} service-linked roles: the first call that changes something of a service may make \
                 its role ({})",
                call(catalog, *action, evidence)
            )
        };
        entry(stays, create, why).linked = Some(Linked {
            written: written()
                .map(|(action, _)| catalog.service(*action).to_owned())
                .collect(),
            known: catalog.linked_services(),
            roles: format!("arn:*:iam::{account}:role/aws-service-role/*"),
        });
    }
}

fn entry(stays: &mut BTreeMap<ActionId, Stay>, action: ActionId, why: impl FnOnce() -> String) -> &mut Stay {
    stays.entry(action).or_insert_with(|| Stay {
        resources: BTreeMap::new(),
        services: BTreeSet::new(),
        linked: None,
        why: why(),
    })
}

/// Whether a service-linked role is of the service with this prefix, as far as its name says: `events.workmail.…`,
/// `eks-connector.…`. Those of Application Auto Scaling are made by its own calls.
fn is_of(service: &str, prefix: &str) -> bool {
    let name = service.strip_suffix(".amazonaws.com").unwrap_or(service);
    let owner = name.rsplit('.').next().unwrap_or(name);
    let plain = |text: &str| text.replace('-', "");
    let same = plain(owner) == plain(prefix);
    owner != "application-autoscaling" && (same || owner.split('-').any(|word| word == prefix))
}

/// `ec2:CreateVolume, 2026-10-06`
fn call(catalog: &Catalog, action: ActionId, evidence: &Evidence) -> String {
    let name = catalog.name(action);
    match &evidence.last {
        Some(last) => format!("{name}, {}", time::date_of(last.time)),
        None => name.to_owned(),
    }
}

/// The principal's account, and those whose things the calls show.
fn accounts(own: &str, evidence: &Evidence) -> BTreeSet<String> {
    let shown = evidence.resources.iter().filter_map(|shape| shape.split(':').nth(4));
    let shown = shown.filter(|account| !account.is_empty());
    shown.chain([own]).map(str::to_owned).collect()
}

/// ARN formats of a kind in some accounts, as patterns.
fn patterns(formats: &[String], accounts: &BTreeSet<String>) -> BTreeSet<String> {
    if formats.is_empty() {
        return BTreeSet::from(["*".to_owned()]);
    }
    let of = |format: &String| -> Vec<String> {
        accounts
            .iter()
            .map(|account| format.replace("${Account}", account))
            .collect()
    };
    formats.iter().flat_map(of).collect()
}
