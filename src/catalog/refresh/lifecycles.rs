//! Life cycles out of CloudFormation's resource schemas: what makes each kind of resource, and what then handles it.
//!
//! A schema's handlers list the thing's own actions beside those of what it leans on, so a create handler's action makes
//! a kind only where its name bears the kind's noun, and only in the kind's own service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::lifecycle::name::{Name, letters, noun};
use super::packages::{Packages, Schema};

/// What the schemas say, as text.
pub(super) struct LifeCycles {
    /// `lifecycles.tsv`
    pub(super) text: String,
    /// Kinds with a row.
    pub(super) kinds: usize,
    /// Actions that the schemas name and the list lacks.
    pub(super) unknown: BTreeSet<String>,
}

/// What makes or passes the roles that a kind leans on.
const HELPERS: [(&str, &str); 2] = [("iam", "CreateServiceLinkedRole"), ("iam", "PassRole")];

/// A handler's actions that the list has, as `prefix:Name`.
type Actions<'a> = BTreeSet<(&'a str, &'a str)>;

struct Kind<'a> {
    name: &'a str,
    namespace: &'a str,
    noun: String,
    create: Actions<'a>,
    read: Actions<'a>,
    update: Actions<'a>,
    delete: Actions<'a>,
}

/// Derives the text of `lifecycles.tsv`.
pub(super) fn derive(packages: &Packages) -> LifeCycles {
    let mut unknown = BTreeSet::new();
    let kinds: Vec<Kind<'_>> = packages
        .schemas
        .iter()
        .filter_map(|(name, schema)| kind(packages, name, schema, &mut unknown))
        .collect();
    let services = services(&kinds);
    let mut lines = BTreeMap::new();
    let mut nouns: BTreeMap<(&str, String), Vec<&Kind<'_>>> = BTreeMap::new();
    for kind in &kinds {
        let Some(prefix) = own_service(kind, &services) else {
            continue;
        };
        nouns.entry((prefix, letters(&kind.noun))).or_default().push(kind);
        let makes = makes(packages, kind, prefix);
        let keeps = keeps(kind, prefix, &makes);
        if !makes.is_empty() && !keeps.is_empty() {
            lines.insert((kind.name.to_owned(), 0), line(kind.name, prefix, &makes, &keeps));
        }
    }
    let beside = made_beside(packages, &nouns);
    for kind in &kinds {
        for ((_, prefix), makes) in beside
            .range((kind.name, "")..)
            .take_while(|((name, _), _)| *name == kind.name)
        {
            let mut keeps = kind.delete.clone();
            keeps.retain(|(own, name)| own == prefix && !Name::of(name).names());
            if !keeps.is_empty() {
                lines.insert((kind.name.to_owned(), 1), line(kind.name, prefix, makes, &keeps));
            }
        }
    }
    let mut text = format!(
        "# Derived by `trimtrail catalog refresh` from CloudFormation's resource schemas in cfn-lint, {}.\n\
         # kind, service, what makes it, what its read, list, update and delete handlers call\n",
        packages.date
    );
    let kinds = lines.keys().map(|(name, _)| name).collect::<BTreeSet<_>>().len();
    lines.values().for_each(|line| text.push_str(line));
    LifeCycles { text, kinds, unknown }
}

/// What EC2's actions make beside what they are named after: CreateFleet instances, RunInstances volumes. EC2 gives the
/// condition key aws:RequestTag to the resource types that a call makes; other services give it to those that it is made in.
fn made_beside<'a>(
    packages: &'a Packages,
    nouns: &BTreeMap<(&str, String), Vec<&Kind<'a>>>,
) -> BTreeMap<(&'a str, &'a str), Actions<'a>> {
    let mut beside: BTreeMap<(&str, &str), Actions<'_>> = BTreeMap::new();
    let Some((prefix, actions)) = packages.actions.get_key_value("ec2") else {
        return beside;
    };
    for action in actions.values() {
        let name = Name::of(&action.name);
        for made in action.tagged.iter().filter(|_| name.names() && action.level == "Write") {
            let own = name.nouns.first().is_some_and(|noun| letters(noun) == letters(made));
            for kind in nouns
                .get(&(prefix.as_str(), letters(made)))
                .into_iter()
                .flatten()
                .filter(|_| !own)
            {
                let makes = beside.entry((kind.name, prefix.as_str())).or_default();
                makes.insert((prefix.as_str(), action.name.as_str()));
            }
        }
    }
    beside
}

fn kind<'a>(
    packages: &'a Packages,
    name: &'a str,
    schema: &Schema,
    unknown: &mut BTreeSet<String>,
) -> Option<Kind<'a>> {
    let (vendor, rest) = name.split_once("::")?;
    let (namespace, _) = rest.split_once("::")?;
    if vendor != "AWS" {
        return None;
    }
    let mut actions = |handlers: &[&str]| {
        let mut known = Actions::new();
        let listed = handlers.iter().filter_map(|handler| schema.handlers.get(*handler));
        for permission in listed.flat_map(|handler| &handler.permissions) {
            let permission = permission.trim();
            // A handler's wildcard says what its author left open, not what the kind takes.
            if permission.contains('*') {
                continue;
            }
            match packages.action(permission) {
                Some((prefix, action)) => {
                    known.insert((prefix, action.name.as_str()));
                }
                None => {
                    unknown.insert(permission.to_owned());
                }
            }
        }
        known
    };
    Some(Kind {
        name,
        namespace,
        noun: noun(name.rsplit("::").next().unwrap_or(name)),
        create: actions(&["create"]),
        read: actions(&["read", "list"]),
        update: actions(&["update"]),
        delete: actions(&["delete"]),
    })
}

/// Whether an action's name bears a kind's noun: CreateDBInstance an `AWS::RDS::DBInstance`, PutMetricAlarm an
/// `AWS::CloudWatch::Alarm`, AssociateRouteTable an `AWS::EC2::SubnetRouteTableAssociation`.
fn bears(name: &Name, noun: &str) -> bool {
    let tie = |own: &str| {
        let ends = [
            " attachment ",
            " association ",
            " membership ",
            " registration ",
            " assignment ",
        ];
        !name.makes() && noun.contains(own) && ends.iter().any(|end| noun.ends_with(end))
    };
    let mut nouns = name.nouns.iter();
    nouns.any(|own| own == noun || own.ends_with(noun) || noun.ends_with(own.as_str()) || tie(own))
}

/// For each namespace the service that most of its nouns point to.
fn services<'a>(kinds: &[Kind<'a>]) -> BTreeMap<&'a str, &'a str> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for kind in kinds {
        let handled = kind.create.iter().chain(&kind.delete);
        let prefixes: BTreeSet<&str> = handled
            .filter(|(_, name)| bears(&Name::of(name), &kind.noun))
            .map(|(prefix, _)| *prefix)
            .collect();
        for prefix in prefixes {
            *counts.entry(kind.namespace).or_default().entry(prefix).or_default() += 1;
        }
    }
    let most = |namespace: &str, counts: BTreeMap<&'a str, usize>| {
        let alike = |prefix: &str| letters(namespace) == letters(prefix);
        let best = counts
            .into_iter()
            .max_by_key(|(prefix, count)| (*count, alike(prefix), std::cmp::Reverse(*prefix)));
        best.map(|(prefix, _)| prefix)
    };
    let counts = counts.into_iter();
    counts
        .filter_map(|(namespace, counts)| Some((namespace, most(namespace, counts)?)))
        .collect()
}

/// The service that a kind belongs to: its namespace's, unless its own handlers never call that one.
fn own_service<'a>(kind: &Kind<'a>, services: &BTreeMap<&'a str, &'a str>) -> Option<&'a str> {
    let usual = services.get(kind.namespace).copied();
    let calls = |prefix: &&str| kind.create.iter().chain(&kind.delete).any(|(own, _)| own == prefix);
    usual.filter(calls).or_else(|| {
        let mut named = kind
            .create
            .iter()
            .filter(|(_, name)| bears(&Name::of(name), &kind.noun));
        named.next().map(|(prefix, _)| *prefix)
    })
}

fn makes<'a>(packages: &Packages, kind: &Kind<'a>, prefix: &str) -> Actions<'a> {
    let mutates = |&(own, name): &(&'a str, &'a str)| {
        let level = packages
            .action(&format!("{own}:{name}"))
            .map_or("", |(_, action)| action.level);
        own == prefix && !["List", "Read", "Tagging"].contains(&level) && !HELPERS.contains(&(own, name))
    };
    let candidates: Actions<'a> = kind.create.difference(&kind.read).copied().filter(mutates).collect();
    let of = |fits: &dyn Fn(&Name) -> bool| -> Actions<'a> {
        candidates
            .iter()
            .copied()
            .filter(|(_, name)| fits(&Name::of(name)))
            .collect()
    };
    let making = of(&|name| name.makes() && bears(name, &kind.noun));
    if !making.is_empty() {
        return making;
    }
    // A kind that nothing makes is a tie, which is attached.
    let attaching = of(&|name| name.attaches() && bears(name, &kind.noun));
    if !attaching.is_empty() {
        return attaching;
    }
    // Where no name bears the noun, what alone could have made it did: a create handler with one maker.
    let makers = of(&Name::makes);
    if makers.len() == 1 { makers } else { Actions::new() }
}

/// What changes, reads and ends a kind. Of another service only what its end takes away: what an update leans on there
/// belongs to features that may never have been used. What hands over roles and keys has rules of its own.
fn keeps<'a>(kind: &Kind<'a>, prefix: &str, makes: &Actions<'a>) -> Actions<'a> {
    let own = kind.read.iter().chain(&kind.update).filter(|(own, _)| *own == prefix);
    let all: Actions<'a> = own.chain(&kind.delete).copied().collect();
    let stays = |(own, name): &(&str, &str)| {
        let parsed = Name::of(name);
        let makes_another = parsed.names() && !parsed.nouns.iter().any(|noun| noun.contains(&kind.noun));
        let elsewhere = *own != prefix && (["iam", "kms"].contains(own) || !parsed.ends_or_lists());
        !makes_another && !elsewhere && !HELPERS.contains(&(own, name))
    };
    all.difference(makes).copied().filter(stays).collect()
}

fn line(kind: &str, prefix: &str, makes: &Actions<'_>, keeps: &Actions<'_>) -> String {
    let written = |actions: &Actions<'_>| {
        let names = actions.iter().map(|(own, name)| {
            if *own == prefix {
                (*name).to_owned()
            } else {
                format!("{own}:{name}")
            }
        });
        names.collect::<Vec<_>>().join(" ")
    };
    let mut line = String::new();
    let _ = writeln!(line, "{kind}\t{prefix}\t{}\t{}", written(makes), written(keeps));
    line
}
