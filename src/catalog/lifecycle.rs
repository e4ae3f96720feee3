//! Life cycles: what somebody who makes or attaches a kind of thing will need to change it, look at it and end it.
//!
//! Four sources: CloudFormation's handlers (`data/lifecycles.tsv`, derived), identifiers that a response tells and another
//! operation takes (`data/handles.tsv`, derived), exceptions that AWS documents (`data/lifecycles_by_hand.tsv`), and, for
//! what none of them names, the opposite verbs of the same noun in the same service.

pub(super) mod name;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::table::{rows, unpack_text};
use super::{AccessLevel, ActionId, Catalog, Logging, embedded};
use name::{Name, letters, version_of};

/// The tables, by the name of their file.
const TABLES: [(&str, &[u8]); 3] = [
    ("lifecycles", embedded!("lifecycles.z")),
    ("handles", embedded!("handles.z")),
    ("lifecycles_by_hand", embedded!("lifecycles_by_hand.z")),
];

/// One kind of thing that an action makes or attaches, and what its life cycle takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LifeCycle {
    /// CloudFormation's name of the kind, such as `AWS::EC2::SecurityGroup`; where it has none, `ec2 snapshot`.
    pub kind: String,
    /// Whether the action ties the kind to another thing, and makes none.
    pub attaches: bool,
    /// What changes, reads, tags, unties and ends it.
    pub keeps: Vec<Stage>,
}

/// One action of a life cycle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stage {
    /// The action.
    pub action: ActionId,
    /// ARN formats of the kind, `*` for all that varies but `${Account}`; empty where any resource may be meant.
    pub resources: Vec<String>,
}

/// A service whose role its callers may have to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkedRole {
    /// `iam:AWSServiceName`, such as `elasticloadbalancing.amazonaws.com`.
    pub service: String,
}

/// The tables, by action.
#[derive(Debug)]
pub(super) struct LifeCycles {
    rows: Vec<(String, Vec<ActionId>)>,
    made_by: HashMap<ActionId, Vec<usize>>,
    linked_roles: HashMap<ActionId, Vec<LinkedRole>>,
    linked_services: Arc<BTreeSet<String>>,
    /// Each action's life cycles, worked out when first asked for.
    of: Vec<OnceLock<Box<[LifeCycle]>>>,
}

impl Catalog {
    /// The kinds of thing that an action makes or attaches; those that AWS's schemas name first.
    pub fn life_cycles(&self, action: ActionId) -> &[LifeCycle] {
        let Some(known) = self.life_cycle_tables().of.get(action.index()) else {
            return &[];
        };
        known.get_or_init(|| self.work_out(action).into_boxed_slice())
    }

    /// The services whose service-linked role a caller of this action may have to make first.
    pub fn linked_roles(&self, action: ActionId) -> &[LinkedRole] {
        self.life_cycle_tables()
            .linked_roles
            .get(&action)
            .map_or(&[], Vec::as_slice)
    }

    /// The services of which the table tells who makes their role.
    pub fn linked_services(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.life_cycle_tables().linked_services)
    }

    fn life_cycle_tables(&self) -> &LifeCycles {
        self.lifecycles.get_or_init(|| {
            let mut tables = LifeCycles {
                rows: Vec::new(),
                made_by: HashMap::new(),
                linked_roles: HashMap::new(),
                linked_services: Arc::default(),
                of: vec![OnceLock::new(); self.len()],
            };
            for (_, text) in TABLES {
                for row in rows(&unpack_text(text)) {
                    let [kind, prefix, makes, keeps, ..] = row.as_slice() else {
                        continue;
                    };
                    let actions = |names: &str| -> Vec<ActionId> {
                        let names = names.split_ascii_whitespace();
                        names.filter_map(|name| self.id(&full(prefix, name))).collect()
                    };
                    for action in actions(makes) {
                        tables.made_by.entry(action).or_default().push(tables.rows.len());
                    }
                    tables.rows.push(((*kind).to_owned(), actions(keeps)));
                }
            }
            let mut services = BTreeSet::new();
            for row in rows(&unpack_text(embedded!("linked_roles.z"))) {
                let [service, actions, ..] = row.as_slice() else {
                    continue;
                };
                services.insert((*service).to_owned());
                for action in actions.split_ascii_whitespace().flat_map(|name| self.expand(name)) {
                    let role = LinkedRole {
                        service: (*service).to_owned(),
                    };
                    tables.linked_roles.entry(action).or_default().push(role);
                }
            }
            tables.linked_services = Arc::new(services);
            tables
        })
    }

    fn work_out(&self, action: ActionId) -> Vec<LifeCycle> {
        let tables = self.life_cycle_tables();
        let prefix = self.service(action);
        let own = Name::of(self.name(action));
        let mut kinds: BTreeMap<(bool, &str), BTreeSet<ActionId>> = BTreeMap::new();
        for row in tables.made_by.get(&action).into_iter().flatten() {
            let (kind, keeps) = &tables.rows[*row];
            // Of equal schemas (AWS::RDS, AWS::Neptune) that of the service itself speaks.
            let elsewhere = !letters(kind).starts_with(&format!("aws{}", letters(prefix)));
            kinds.entry((elsewhere, kind)).or_default().extend(keeps);
        }
        let attaches = !own.makes();
        let by_name = match self.access_level(action) {
            AccessLevel::List | AccessLevel::Read if !own.starts() => BTreeSet::new(),
            _ => self.by_name(action, &own),
        };
        let spelled = own.nouns.first().map_or("", |noun| noun.trim());
        let named = format!("{prefix} {spelled}");
        if !by_name.is_empty() {
            let key = kinds.keys().next().copied().unwrap_or((false, &named));
            kinds.entry(key).or_default().extend(by_name);
        }
        for keeps in kinds.values_mut() {
            // What ends a thing may end others with it: a mount target's network interface.
            let ends = keeps.iter().filter(|keep| Name::of(self.name(**keep)).closes());
            let further: Vec<ActionId> = ends.flat_map(|keep| self.dependents(*keep)).copied().collect();
            keeps.extend(further);
        }
        let cycles = kinds.into_iter().map(|((_, kind), keeps)| {
            let noun = match kind.rsplit_once("::") {
                Some((_, last)) => letters(last),
                None => letters(spelled),
            };
            let stages = keeps.into_iter().filter(|keep| *keep != action);
            LifeCycle {
                kind: kind.to_owned(),
                attaches,
                keeps: stages.map(|keep| self.stage(keep, &noun)).collect(),
            }
        });
        cycles.filter(|cycle| !cycle.keeps.is_empty()).collect()
    }

    /// What the names of a service's actions say: the same noun, and a verb that changes, reads, restores, unties or ends it.
    fn by_name(&self, action: ActionId, own: &Name) -> BTreeSet<ActionId> {
        let service: Vec<(ActionId, Name)> = self
            .service_range(self.service(action))
            .map(|index| ActionId::from_index(index as usize))
            .map(|id| (id, Name::of(self.name(id))))
            .collect();
        // What is made in a data plane are data: whoever writes them may have to take them back, and need not read them.
        let is_data = matches!(self.logging(action), Logging::Data { .. });
        let mut known: Vec<String> = service
            .iter()
            .filter(|(_, name)| name.names())
            .filter_map(|(_, name)| name.nouns.first().cloned())
            .collect();
        // A version is a side of what it is of, not another thing.
        let things = known.clone();
        known.retain(|noun| !version_of(noun).is_some_and(|of| things.iter().any(|thing| thing == of)));
        let makes = own.makes() && self.access_level(action) != AccessLevel::Tagging;
        let made = own.nouns.first().filter(|_| makes).map(|noun| closed(noun, &service));
        let mut keeps = BTreeSet::new();
        // What is read of a thing: itself, and what of it may be changed or ended.
        let started = own.nouns.first().filter(|_| own.starts()).map(String::as_str);
        let mut read: BTreeSet<&str> = made.or(started).into_iter().collect();
        let takes_tags = self.takes_tags(action);
        // A longer noun whose action takes no thing of this kind is another thing's: PutRolePolicy is no managed policy's.
        let typed = |id: ActionId, noun: &str| {
            let types = self.resource_types(id);
            types.iter().any(|kind| letters(kind.name) == letters(noun))
        };
        let kind = made.filter(|noun| typed(action, noun));
        let anothers = |id: ActionId, name: &Name| {
            kind.is_some_and(|noun| {
                let own = name.nouns.first().is_some_and(|own| own.starts_with(noun));
                !own && !self.resource_types(id).is_empty() && !typed(id, noun)
            })
        };
        for (id, name) in service.iter().filter(|(id, name)| !anothers(*id, name)) {
            let ends = made.is_some_and(|noun| name.closes() && name.concerns(noun, &known));
            let changes = made.is_some_and(|noun| {
                let changes = name.updates() && name.concerns(noun, &known);
                !is_data && (changes || name.makes_version_of(noun) || name.resumes(noun))
            });
            let tags = !is_data
                && made
                    .or(started)
                    .is_some_and(|noun| self.tags(*id, name, noun, takes_tags));
            let restores = made.is_some_and(|noun| name.makes_from(noun));
            if ends || changes {
                read.extend(name.nouns.first().map(String::as_str));
            }
            if name.undoes(own) || ends || changes || tags || restores {
                keeps.insert(*id);
            }
        }
        // Of a pair that goes to and fro on the thing or a side of it, whoever needs one half will need the other.
        let of_it =
            |name: &Name| made.is_some_and(|made| name.nouns.first().is_some_and(|noun| noun.starts_with(made)));
        let kept: Vec<&Name> = service
            .iter()
            .filter(|(id, name)| keeps.contains(id) && of_it(name))
            .map(|(_, name)| name)
            .collect();
        let halves: Vec<ActionId> = service
            .iter()
            .filter(|(_, name)| kept.iter().any(|kept| name.toggles(kept)))
            .map(|(id, _)| *id)
            .collect();
        keeps.extend(halves);
        // Whoever changes, attaches or starts something looks at it, and at what came of that; what is passed is only named.
        let looks = own.verb != "pass" && self.access_level(action) != AccessLevel::Tagging;
        let reads = service.iter().filter(|(_, name)| {
            let of_it = !is_data && read.iter().any(|noun| name.reads(noun));
            of_it || looks && (!is_data || own.starts()) && name.looks_at(own)
        });
        keeps.extend(reads.map(|(id, _)| *id));
        keeps
    }

    /// Whether a request of this action may bring tags.
    fn takes_tags(&self, action: ActionId) -> bool {
        let keys = self.condition_keys(action);
        keys.iter()
            .any(|key| key.to_ascii_lowercase().starts_with("aws:requesttag"))
    }

    /// Whether an action tags or untags things of a kind; `any` where what makes them takes tags, whatever types are listed.
    fn tags(&self, action: ActionId, name: &Name, noun: &str, any: bool) -> bool {
        // TagPolicy tags policies.
        let own = ["tag", "untag"].contains(&name.verb.as_str()) && name.nouns.first().is_some_and(|own| own == noun);
        let noun = letters(noun);
        own || self.access_level(action) == AccessLevel::Tagging
            && name
                .nouns
                .first()
                .is_some_and(|noun| noun == " tag " || noun == " resource ")
            && (any
                || self
                    .resource_types(action)
                    .iter()
                    .any(|kind| letters(kind.name) == noun))
    }

    /// An action on the resources of a kind: those of its types that bear the kind's noun, or else all of them.
    fn stage(&self, action: ActionId, noun: &str) -> Stage {
        let types = self.resource_types(action);
        let bears = |exactly: bool| {
            let fits = move |name: &str| {
                let name = letters(name);
                name == noun || !exactly && (name.contains(noun) || noun.contains(&name))
            };
            let arns = types
                .iter()
                .filter(move |kind| fits(kind.name))
                .flat_map(|kind| &kind.arns);
            arns.map(|arn| any_but_account(arn)).collect::<BTreeSet<String>>()
        };
        let mut arns = bears(true);
        if arns.is_empty() {
            arns = bears(false);
        }
        if arns.is_empty() {
            let all = types.iter().flat_map(|kind| &kind.arns);
            arns = all.map(|arn| any_but_account(arn)).collect();
        }
        Stage {
            action,
            resources: arns.into_iter().collect(),
        }
    }
}

/// The noun of what a name makes: of `CreateDBInstanceReadReplica`, which nothing of its noun ends, a DB instance.
fn closed<'n>(noun: &'n str, service: &'n [(ActionId, Name)]) -> &'n str {
    let closes = |name: &&Name| name.closes();
    let names = || service.iter().map(|(_, name)| name).filter(closes);
    if names().any(|name| name.nouns.iter().any(|own| own.contains(noun))) {
        return noun;
    }
    let shorter = names().filter_map(|name| name.nouns.first());
    let shorter = shorter.filter(|own| own.len() > 1 && noun.starts_with(own.as_str()));
    shorter.max_by_key(|own| own.len()).map_or(noun, String::as_str)
}

/// `CreateVolume` of a row's own service, or `kms:CreateGrant`.
fn full(prefix: &str, name: &str) -> String {
    if name.contains(':') {
        name.to_owned()
    } else {
        format!("{prefix}:{name}")
    }
}

/// An ARN format with `*` for all that varies but the account.
fn any_but_account(format: &str) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(if name == "Account" { "${Account}" } else { "*" });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
