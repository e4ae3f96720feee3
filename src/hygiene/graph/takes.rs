//! Who can take whom, role by role, as the engine decides it from both sides, and where that leads; who did.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Graph, Held, Told, concerns, tags};
use crate::grants::{Grants, Kind, Principal, PrincipalIndex};
use crate::iam::policy::Principal as Named;
use crate::iam::{Answer, Effect, PrincipalPart, ResourcePart, Statement, pattern};
use crate::usage::Table;

/// A principal that can take a role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Take {
    /// Who.
    pub by: PrincipalIndex,
    /// The role.
    pub role: PrincipalIndex,
    /// Condition keys that leave it open, or another doubt; none where nothing holds it back.
    pub under: BTreeSet<String>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Takes {
    /// Sorted by who, then by role.
    pub all: Vec<Take>,
    /// Roles among those that can be taken, to which a sure way to everything is open.
    pub powerful: BTreeSet<PrincipalIndex>,
    of: BTreeMap<PrincipalIndex, Vec<usize>>,
    into: BTreeMap<PrincipalIndex, Vec<usize>>,
    /// The first step of the shortest way to one of the powerful; of those that nothing holds back, then of all.
    toward: [BTreeMap<PrincipalIndex, usize>; 2],
}

/// Who can take whom, and who has everything without that.
#[derive(Clone, Debug, Default)]
pub struct Hierarchy {
    /// Who can take whom.
    pub takes: Takes,
    /// Who has everything, and roles that can be taken and have a sure way to it.
    pub strong: BTreeSet<PrincipalIndex>,
}

impl Takes {
    /// What a principal can take.
    pub fn of(&self, by: PrincipalIndex) -> impl Iterator<Item = &Take> {
        self.of.get(&by).into_iter().flatten().map(|at| &self.all[*at])
    }

    /// Who can take a role.
    pub fn into(&self, role: PrincipalIndex) -> impl Iterator<Item = &Take> {
        self.into.get(&role).into_iter().flatten().map(|at| &self.all[*at])
    }

    /// The shortest way from a principal to a role with a way to everything: one that nothing holds back, where there is
    /// one. Empty where there is none.
    pub fn to_power(&self, from: PrincipalIndex) -> Vec<&Take> {
        let Some(toward) = self.toward.iter().find(|toward| toward.contains_key(&from)) else {
            return Vec::new();
        };
        let mut way = Vec::new();
        let mut at = from;
        while let Some(step) = toward.get(&at) {
            way.push(&self.all[*step]);
            at = self.all[*step].role;
        }
        way
    }

    /// Roles each of which leads to every other of its group, groups of two and more.
    pub fn circles(&self) -> Vec<Vec<PrincipalIndex>> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        for start in self.of.keys() {
            // Each with the number of its ways that are done; whoever has none left is finished.
            let mut open = vec![(*start, 0)];
            if !seen.insert(*start) {
                continue;
            }
            while let Some((at, done)) = open.last_mut() {
                match self.of.get(at).and_then(|ways| ways.get(*done)) {
                    Some(way) => {
                        *done += 1;
                        let next = self.all[*way].role;
                        if seen.insert(next) {
                            open.push((next, 0));
                        }
                    }
                    None => order.extend(open.pop().map(|(at, _)| at)),
                }
            }
        }
        // Kosaraju: against the arrows, from the one that was finished last.
        let mut circles = Vec::new();
        let mut placed = BTreeSet::new();
        for start in order.into_iter().rev() {
            if !placed.insert(start) {
                continue;
            }
            let (mut circle, mut next) = (vec![start], 0);
            while let Some(at) = circle.get(next).copied() {
                next += 1;
                circle.extend(self.into(at).map(|take| take.by).filter(|by| placed.insert(*by)));
            }
            if circle.len() > 1 {
                circle.sort_unstable();
                circles.push(circle);
            }
        }
        circles.sort();
        circles
    }

    /// For each the first step of its shortest way to the powerful.
    fn steps(&self, sure: bool) -> BTreeMap<PrincipalIndex, usize> {
        let mut toward = BTreeMap::new();
        let mut queue: VecDeque<PrincipalIndex> = self.powerful.iter().copied().collect();
        while let Some(role) = queue.pop_front() {
            for at in self.into.get(&role).into_iter().flatten() {
                let take = &self.all[*at];
                let is_open = !sure || take.under.is_empty();
                if is_open && !self.powerful.contains(&take.by) && !toward.contains_key(&take.by) {
                    toward.insert(take.by, *at);
                    queue.push_back(take.by);
                }
            }
        }
        toward
    }
}

/// Roles by whom their trust policies name, so that the engine is asked of few.
#[derive(Default)]
struct Doors<'a> {
    by_name: BTreeMap<&'a str, BTreeSet<PrincipalIndex>>,
    by_account: BTreeMap<&'a str, BTreeSet<PrincipalIndex>>,
    for_all: BTreeSet<PrincipalIndex>,
}

impl<'a> Doors<'a> {
    fn of(grants: &'a Grants) -> Doors<'a> {
        let mut doors = Doors::default();
        for (index, role) in grants.principals.iter().enumerate() {
            for statement in role.trust_statements() {
                if statement.effect != Effect::Allow {
                    continue;
                }
                let PrincipalPart::Principal(named) = &statement.principal else {
                    doors.for_all.insert(index);
                    continue;
                };
                for who in named {
                    match who {
                        Named::Everyone => _ = doors.for_all.insert(index),
                        Named::Aws(who) => match account(who) {
                            Some(account) => _ = doors.by_account.entry(account).or_default().insert(index),
                            None => _ = doors.by_name.entry(who).or_default().insert(index),
                        },
                        Named::Service(_) | Named::Federated(_) | Named::CanonicalUser(_) => {}
                    }
                }
            }
        }
        doors
    }
}

/// The account that a trust policy names as a whole.
fn account(who: &str) -> Option<&str> {
    match who.strip_suffix(":root") {
        Some(start) => start.rsplit(':').next(),
        None => (who.len() == 12 && who.bytes().all(|byte| byte.is_ascii_digit())).then_some(who),
    }
}

impl<'a> Graph<'a> {
    /// Who can take whom by sts:AssumeRole. A role that takes itself is left out, and so are those who come in only
    /// because a trust policy lets in anybody: `wildcard-trust` tells of that.
    pub fn takes(&'a self) -> &'a Takes {
        self.takes.get_or_init(|| self.all_takes())
    }

    // One thread: whoever waits for this inside a pool must not be handed a task that waits for it too.
    fn all_takes(&'a self) -> Takes {
        let doors = Doors::of(self.grants);
        let none = BTreeSet::new();
        let mut takes = Takes::default();
        for (by, principal) in self.grants.principals.iter().enumerate() {
            if principal.kind == Kind::Group {
                continue;
            }
            let mut held = None;
            let asks = self.asks_for(by);
            let mut roles = doors.by_name.get(principal.arn.as_str()).unwrap_or(&none).clone();
            if !asks.is_empty() {
                let of_account = doors.by_account.get(principal.account.as_str()).unwrap_or(&none);
                let named = of_account.union(&doors.for_all).filter(|role| {
                    let arn = &self.principal(**role).arn;
                    asks.iter().any(|asked| match asked {
                        Some(asked) => pattern::matches(asked, arn),
                        None => true,
                    })
                });
                roles.extend(named);
            }
            roles.remove(&by);
            for role in roles {
                let held = held.get_or_insert_with(|| self.held(by, &BTreeMap::new()).only("sts:AssumeRole"));
                let told = held.can_take(self.principal(role));
                let unnamed = "what the request carries".to_owned();
                let under = match told.answer {
                    Answer::No => continue,
                    Answer::Yes => BTreeSet::new(),
                    Answer::Unknown if told.open.is_empty() => BTreeSet::from([unnamed]),
                    Answer::Unknown => told.open,
                };
                takes.all.push(Take { by, role, under });
            }
        }
        for (at, take) in takes.all.iter().enumerate() {
            takes.of.entry(take.by).or_default().push(at);
            takes.into.entry(take.role).or_default().push(at);
        }
        let taken = takes.into.keys().copied();
        takes.powerful = taken.filter(|role| self.is_powerful(*role)).collect();
        takes.toward = [takes.steps(true), takes.steps(false)];
        takes
    }

    /// Patterns of the roles that a principal's statements let it ask for; `None` for one that says so otherwise.
    fn asks_for(&self, by: PrincipalIndex) -> Vec<Option<&'a str>> {
        let mut asks = Vec::new();
        for policy in self.grants.policies_of(by) {
            let Ok(policy) = &self.grants.policies[policy].policy else {
                continue;
            };
            for statement in policy.statements.iter().filter(|one| one.effect == Effect::Allow) {
                let concerned = concerns(statement, "sts:AssumeRole");
                match &statement.resource {
                    _ if !concerned => {}
                    ResourcePart::Resource(patterns) => asks.extend(patterns.iter().map(|pattern| {
                        let text = pattern.text();
                        (!text.contains("${")).then_some(text)
                    })),
                    ResourcePart::NotResource(_) | ResourcePart::None => asks.push(None),
                }
            }
        }
        asks
    }

    /// All of that.
    pub fn hierarchy(&'a self) -> Hierarchy {
        let strong = (0..self.grants.principals.len()).filter(|index| self.is_strong(*index));
        Hierarchy {
            takes: self.takes().clone(),
            strong: strong.collect(),
        }
    }

    /// Whether a principal has everything, or a role that can be taken has a sure way to it.
    pub fn is_strong(&'a self, index: PrincipalIndex) -> bool {
        // Of few it need be asked.
        self.takes().powerful.contains(&index)
            || self.names_everything(index) && self.held(index, &BTreeMap::new()).is_administrator()
    }
}

impl Held<'_> {
    /// Whether the role's trust policy lets the principal in, and its own policies let it ask.
    pub(super) fn can_take(&mut self, role: &Principal) -> Told {
        let Some(Ok(trust)) = &role.trust else {
            return Told::no();
        };
        if !trust.statements.iter().any(lets_identities_in) {
            return Told::no();
        }
        let asked: Vec<String> = trust.statements.iter().flat_map(Statement::keys).collect();
        let added: Vec<String> = asked.into_iter().filter(|key| self.keys.insert(key.clone())).collect();
        self.policies.resource = Some(trust.clone());
        let told = self.can("sts:AssumeRole", &role.arn, &tags(role));
        self.policies.resource = None;
        for key in added {
            self.keys.remove(&key);
        }
        told
    }
}

/// Whether a statement of a trust policy may let in a role or user: one that names services and identity providers alone
/// does not.
fn lets_identities_in(statement: &Statement) -> bool {
    statement.effect == Effect::Allow
        && match &statement.principal {
            PrincipalPart::Principal(named) => named.iter().any(|who| match who {
                Named::Everyone | Named::Aws(_) | Named::CanonicalUser(_) => true,
                Named::Service(_) | Named::Federated(_) => false,
            }),
            PrincipalPart::NotPrincipal(_) | PrincipalPart::None => true,
        }
}

/// How often each caller took a role: its ARN, or its account alone where no trail that was read names it.
pub fn takers<'t>(table: &'t Table, grants: &Grants) -> BTreeMap<(PrincipalIndex, &'t str), u64> {
    let roles = grants.principals.iter().enumerate();
    let roles: Vec<(PrincipalIndex, &Principal)> = roles.filter(|(_, one)| one.kind == Kind::Role).collect();
    let by_arn: BTreeMap<&str, PrincipalIndex> = roles.iter().map(|(index, one)| (one.arn.as_str(), *index)).collect();
    let mut calls: BTreeMap<(PrincipalIndex, &str), BTreeMap<&str, u64>> = BTreeMap::new();
    for row in &table.rows {
        let signature = &table.signatures[row.signature].signature;
        let takes = &*signature.event_source == "sts.amazonaws.com"
            && &*signature.event_name == "AssumeRole"
            && signature.error_code.is_empty();
        if !takes {
            continue;
        }
        // The resource may lack the role's path.
        let taken: BTreeSet<PrincipalIndex> = row
            .resources
            .iter()
            .filter_map(|arn| match by_arn.get(arn.as_str()) {
                Some(index) => Some(*index),
                None => roles
                    .iter()
                    .find(|(_, role)| pattern::matches(arn, &role.arn))
                    .map(|(index, _)| *index),
            })
            .collect();
        for role in taken {
            let of_account = calls.entry((role, &signature.caller.account)).or_default();
            *of_account.entry(&signature.caller.arn).or_default() += row.calls;
        }
    }
    let mut takers = BTreeMap::new();
    for ((role, account), mut arns) in calls {
        // Both accounts log a call that crosses from one to the other; only the caller's names the caller.
        if arns.len() > 1 {
            arns.remove("");
        }
        for (arn, calls) in arns {
            *takers
                .entry((role, if arn.is_empty() { account } else { arn }))
                .or_default() += calls;
        }
    }
    takers
}

#[cfg(test)]
mod tests;
