//! Explained or kept: AWS allowed a call, so something allows it; where no statement does, whatever could stays.
//!
//! A call that went through is a witness against our own tables. Where none of its principal's statements allows, in
//! any context, what it surely needed on the resources that we derived, the resource or the action is derived wrongly,
//! or something else authorised the call. Nobody can tell which, so no grant goes that could be the reason.
//!
//! Policies of the organization are not asked: they grant nothing, so they explain no call, and a call that AWS allowed
//! passed them as they stood that day, so that what they say today takes no explanation away. A boundary and outright
//! denials among the principal's own policies are asked: where they forbid a call, it counts as unexplained, and all stays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::evidence::Asked;
use super::{ActionSet, Granting};
use crate::catalog::{ActionId, Catalog, How, spellings};
use crate::grants::{Grants, Kind, PrincipalIndex};
use crate::iam::policy::Principal as NamedPrincipal;
use crate::iam::{ActionPart, Effect, Policy, PrincipalPart, Resource, ResourcePart, Statement, Version, arn};
use crate::resolve::{self, Call, Outcome};
use crate::usage::{Row, Seen, Witness};

/// Most resources that are remembered of calls that are alike.
const RESOURCES: usize = 20;

/// Why no statement explains a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// The action is granted, and not on these resources, or not inside what bounds the principal.
    OtherResources,
    /// No statement grants the action at all.
    NotGranted,
    /// The trust policy of the role that was taken names the caller itself, which is enough in one account (IAM user
    /// guide, "Cross account resource access in IAM").
    Trust,
}

/// Calls of one operation of which no statement explains one action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unexplained {
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// What they surely needed.
    pub action: ActionId,
    /// Why nothing explains it.
    pub cause: Cause,
    /// Some of the resources on which nothing allows it.
    pub resources: BTreeSet<String>,
    /// Calls that AWS allowed.
    pub calls: u64,
    /// Calls of which nobody can tell whether it did.
    pub indeterminate: u64,
    /// The first call.
    pub first: Witness,
    /// The last call.
    pub last: Witness,
    /// Granted actions that could be the reason: they stay on whatever resources.
    pub kept: BTreeSet<ActionId>,
    /// Names that the catalog does not know and that a pattern of the principal grants: it stays as it is written.
    pub may_be: BTreeSet<String>,
}

impl Unexplained {
    /// Whether something stays for its sake.
    pub fn keeps(&self) -> bool {
        !self.kept.is_empty() || !self.may_be.is_empty()
    }

    /// What happened, and what follows, in a sentence.
    pub fn why(&self, catalog: &Catalog) -> String {
        let resource = self.resources.iter().next().map_or("*", String::as_str);
        let more = match self.resources.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let went = if self.calls > 0 {
            "went through"
        } else {
            "may have gone through"
        };
        format!(
            "unexplained: {}/{} {went}, and no statement allows {} on {resource}{more}; whatever could stays",
            self.event_source,
            self.event_name,
            catalog.name(self.action),
        )
    }
}

/// By event source, event name and action.
pub(super) type Unexplaineds = BTreeMap<(String, String, ActionId), Unexplained>;

/// What stays for the sake of unexplained calls, with the reason for each action.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Doubt {
    /// The actions.
    pub actions: ActionSet,
    /// Their reasons.
    pub why: BTreeMap<ActionId, String>,
}

impl Doubt {
    pub(super) fn of<'u>(catalog: &Catalog, unexplained: impl Iterator<Item = &'u Unexplained>) -> Doubt {
        let mut doubt = Doubt::default();
        for one in unexplained {
            for action in &one.kept {
                doubt.actions.insert(*action);
                doubt.why.entry(*action).or_insert_with(|| one.why(catalog));
            }
        }
        doubt
    }
}

/// Callers by ARN, each with the roles whose trust policies name it.
pub(super) type Trusts<'g> = HashMap<&'g str, HashSet<&'g str>>;

pub(super) fn trusts(grants: &Grants) -> Trusts<'_> {
    let mut trusts = Trusts::new();
    for role in grants
        .principals
        .iter()
        .filter(|principal| principal.kind == Kind::Role)
    {
        for statement in role.trust_statements() {
            let (Effect::Allow, PrincipalPart::Principal(named)) = (statement.effect, &statement.principal) else {
                continue;
            };
            for caller in named {
                if let NamedPrincipal::Aws(caller) = caller
                    && caller.split(':').nth(4) == Some(role.account.as_str())
                {
                    trusts.entry(caller).or_default().insert(&role.arn);
                }
            }
        }
    }
    trusts
}

/// What bears on whether a principal's own policies allow something.
pub(super) struct Holdings<'g> {
    catalog: &'g Catalog,
    granting: &'g [Granting<'g>],
    /// Denials without a condition: no context lifts them.
    denies: Vec<&'g Statement>,
    boundary: Option<&'g Policy>,
    trusted_by: Option<&'g HashSet<&'g str>>,
    known: HashMap<ActionId, HashMap<String, bool>>,
}

impl<'g> Holdings<'g> {
    pub(super) fn of(
        catalog: &'g Catalog,
        grants: &'g Grants,
        granting: &'g [Granting<'g>],
        trusts: &'g Trusts<'g>,
        index: PrincipalIndex,
    ) -> Holdings<'g> {
        let principal = &grants.principals[index];
        let policies = grants.policies_of(index).into_iter();
        let denies = policies
            .filter_map(|policy| grants.policies[policy].policy.as_ref().ok())
            .flat_map(outright_denials)
            .collect();
        let boundary = principal.permissions_boundary.as_ref().and_then(|arn| {
            let mut policies = grants.policies.iter();
            policies.find(|policy| policy.arn == *arn)?.policy.as_ref().ok()
        });
        Holdings {
            catalog,
            granting,
            denies,
            boundary,
            trusted_by: trusts.get(principal.arn.as_str()),
            known: HashMap::new(),
        }
    }

    /// Whether some statement grants an action, resources and conditions aside.
    fn grants(&self, action: ActionId) -> bool {
        self.granting.iter().any(|granting| granting.granted.contains(action))
    }

    /// Whether some statement may allow an action on a resource, in some context.
    fn explains(&mut self, action: ActionId, resource: &str) -> bool {
        if let Some(known) = self.known.get(&action).and_then(|known| known.get(resource)) {
            return *known;
        }
        let explains = self.may_allow(action, resource);
        let known = self.known.entry(action).or_default();
        known.insert(resource.to_owned(), explains);
        explains
    }

    fn may_allow(&self, action: ActionId, resource: &str) -> bool {
        let shape = Resource::new(arn::of_shape(resource), Version::V2012);
        let granted = self
            .granting
            .iter()
            .filter(|granting| granting.granted.contains(action));
        let mut allows = granted.map(|granting| &granting.statement.resource);
        if !allows.any(|resources| may_hold(resources, &shape)) {
            return false;
        }
        let name = self.catalog.name(action);
        if denies(self.denies.iter().copied(), name, &shape) {
            return false;
        }
        self.boundary.is_none_or(|boundary| {
            let mut allows = boundary.statements.iter().filter(|one| one.effect == Effect::Allow);
            allows.any(|one| concerns(one, name) && may_hold(&one.resource, &shape))
                && !denies(outright_denials(boundary), name, &shape)
        })
    }

    /// The resources of a call on which nothing allows its action; of one thing in several spellings all, or none where
    /// something allows it in one of them.
    pub(super) fn not_explained<'c>(&mut self, call: &'c Call) -> Vec<&'c str> {
        let anything = call.resources.is_empty().then_some("*");
        let resources = call.resources.iter().map(String::as_str).chain(anything);
        let (explained, mut others): (Vec<&str>, Vec<&str>) =
            resources.partition(|resource| self.explains(call.action, resource));
        // Where the request does not tell all, the wildcard of a whole type is a guess and names nothing.
        if !call.complete {
            others.retain(|resource| !names_nothing(resource));
        }
        if !others.is_empty() && !explained.is_empty() {
            let explained: HashSet<String> = explained.into_iter().map(resolve::thing).collect();
            others.retain(|resource| !explained.contains(&resolve::thing(resource)));
        }
        others
    }

    /// The calls of what was asked that nothing explains, each with the resources on which nothing does.
    pub(super) fn doubts<'c>(&mut self, asked: &'c Asked) -> Vec<(&'c Call, Vec<&'c str>)> {
        if asked.outcome == Outcome::Denied {
            return Vec::new();
        }
        if asked.needs.is_empty() {
            // Nothing is needed for sure: one of what may have been needed was.
            let own: Vec<&Call> = asked.may_need.iter().filter(|call| call.how != How::Inferred).collect();
            let doubts: Vec<(&Call, Vec<&str>)> = own.iter().map(|call| (*call, self.not_explained(call))).collect();
            let explained = doubts.iter().any(|(_, resources)| resources.is_empty());
            return doubts.into_iter().take(usize::from(!explained)).collect();
        }
        let doubts = asked.needs.iter().map(|call| (call, self.not_explained(call)));
        let doubts: Vec<(&Call, Vec<&str>)> = doubts.filter(|(_, resources)| !resources.is_empty()).collect();
        doubts
            .into_iter()
            // What is only inferred, and nowhere granted, is inferred wrongly, and nothing is there to stay.
            .filter(|(call, _)| call.how != How::Inferred || self.grants(call.action))
            .collect()
    }

    /// Notes the calls of a signature that no statement explains; how many that went through make something stay, each
    /// once, whatever it needed.
    pub(super) fn weigh(&mut self, seen: &Seen, rows: &[&Row], asked: &Asked, into: &mut Unexplaineds) -> u64 {
        let mut keeping = BTreeSet::new();
        for (call, resources) in self.doubts(asked) {
            let cause = self.cause(call.action, &resources);
            let (source, name) = (&*seen.signature.event_source, &*seen.signature.event_name);
            let (kept, may_be) = match cause {
                Cause::Trust => Default::default(),
                Cause::OtherResources | Cause::NotGranted => self.reasons(source, name, asked, cause),
            };
            if went_through(seen) && !(kept.is_empty() && may_be.is_empty()) {
                keeping.extend(resources.iter().copied());
            }
            let calls = calls_on(rows, &resources);
            let key = (source.to_owned(), name.to_owned(), call.action);
            let known = into.entry(key).or_insert_with(|| Unexplained {
                event_source: source.to_owned(),
                event_name: name.to_owned(),
                action: call.action,
                cause,
                resources: BTreeSet::new(),
                calls: 0,
                indeterminate: 0,
                first: seen.first.clone(),
                last: seen.last.clone(),
                kept: BTreeSet::new(),
                may_be: BTreeSet::new(),
            });
            known.cause = known.cause.min(cause);
            if went_through(seen) {
                known.calls += calls;
            } else {
                known.indeterminate += calls;
            }
            known.first = known.first.clone().min(seen.first.clone());
            known.last = known.last.clone().max(seen.last.clone());
            known.kept.extend(kept);
            known.may_be.extend(may_be);
            known.resources.extend(resources.into_iter().map(str::to_owned));
            while known.resources.len() > RESOURCES {
                known.resources.pop_last();
            }
        }
        match keeping.is_empty() {
            true => 0,
            false => calls_on(rows, &keeping.into_iter().collect::<Vec<_>>()),
        }
    }

    pub(super) fn cause(&self, action: ActionId, resources: &[&str]) -> Cause {
        let trusted = |resource: &&str| self.trusted_by.is_some_and(|roles| roles.contains(*resource));
        if self.catalog.name(action) == "sts:AssumeRole" && resources.iter().all(trusted) {
            Cause::Trust
        } else if self.grants(action) {
            Cause::OtherResources
        } else {
            Cause::NotGranted
        }
    }

    /// Granted actions that could be the reason for a call: what it may have needed, and what has its name in a service
    /// of its source; and such names that no catalog knows, where a pattern grants them.
    fn reasons(&self, source: &str, name: &str, asked: &Asked, cause: Cause) -> (BTreeSet<ActionId>, BTreeSet<String>) {
        let calls = asked.needs.iter().chain(&asked.may_need);
        let mut kept: BTreeSet<ActionId> = calls.map(|call| call.action).collect();
        let mut may_be = BTreeSet::new();
        for name in spellings(name) {
            for prefix in self.catalog.prefixes_of(source) {
                let full = format!("{prefix}:{name}");
                match self.catalog.id(&full) {
                    Some(action) => _ = kept.insert(action),
                    None if cause == Cause::NotGranted => _ = may_be.insert(full),
                    None => {}
                }
            }
        }
        kept.retain(|action| self.grants(*action));
        may_be.retain(|name| self.grants_name(name));
        (kept, may_be)
    }

    /// Whether some statement grants an action that no catalog knows, by its full name.
    pub(super) fn grants_name(&self, name: &str) -> bool {
        self.granting.iter().any(|granting| concerns(granting.statement, name))
    }

    /// The names under which the principal's statements may allow an operation that no catalog knows: for each pattern
    /// that matches it in some service, that service's name of it; `*:Name` where a pattern names all services.
    pub(super) fn names_of(&self, event_name: &str) -> BTreeSet<String> {
        let forms = spellings(event_name);
        let mut names = BTreeSet::new();
        for granting in self.granting {
            for form in &forms {
                match &granting.statement.action {
                    ActionPart::Action(patterns) => {
                        for pattern in patterns {
                            let service = pattern.lower().split(':').next().unwrap_or("");
                            let name = format!("{service}:{form}");
                            if pattern.matches(&name) {
                                names.insert(name);
                            }
                        }
                    }
                    ActionPart::NotAction(_) => {
                        let name = format!("*:{form}");
                        if concerns(granting.statement, &name) {
                            names.insert(name);
                        }
                    }
                }
            }
        }
        names
    }
}

/// Whether AWS surely allowed calls: they succeeded, or were only asked whether they would. An error about a resource's
/// state comes after the check as a rule, not always: EC2 looks for an image before it asks who may run it.
pub(super) fn went_through(seen: &Seen) -> bool {
    let code = &*seen.signature.error_code;
    let code = code.strip_prefix("Client.").unwrap_or(code);
    seen.signature.denied_action.is_empty() && (code.is_empty() || code.starts_with("DryRunOperation"))
}

/// Of the actions that a statement grants, those whose pattern may stand for one of these names. All of a pattern's
/// actions stay, so that the pattern is not rewritten into a list that lacks the name. The wildcard of one whole service
/// says nothing of the name: of it the name alone stays, spelled out (`rightsize` does that), and the service is trimmed.
pub(super) fn held_by_name(
    catalog: &Catalog,
    statement: &Statement,
    granted: &ActionSet,
    names: &BTreeSet<&str>,
) -> ActionSet {
    let mut held = ActionSet::none();
    match &statement.action {
        ActionPart::Action(patterns) => {
            for pattern in patterns {
                if !is_one_service(pattern.lower()) && names.iter().any(|name| pattern.matches(name)) {
                    held.extend(&ActionSet::of_pattern(catalog, pattern.lower()));
                }
            }
        }
        ActionPart::NotAction(_) => {
            if names.iter().any(|name| concerns(statement, name)) {
                held.extend(granted);
            }
        }
    }
    held
}

/// Whether a pattern is `service:*`.
fn is_one_service(pattern: &str) -> bool {
    pattern
        .strip_suffix(":*")
        .is_some_and(|service| !service.contains(['*', '?']))
}

/// Calls of rows that named one of these resources; all of them where they stand for what no row names.
pub(super) fn calls_on(rows: &[&Row], resources: &[&str]) -> u64 {
    let named = |row: &&&Row| row.resources.iter().any(|known| resources.contains(&known.as_str()));
    let calls: u64 = rows.iter().filter(named).map(|row| row.calls).sum();
    if calls > 0 {
        calls
    } else {
        rows.iter().map(|row| row.calls).sum()
    }
}

/// Whether a shape is all of one type of resource: `arn:aws:ecs:eu-west-1:111122223333:task/*`.
fn names_nothing(shape: &str) -> bool {
    let Some(arn) = arn::Arn::parse(shape).filter(|arn| arn.service != "s3") else {
        return false;
    };
    let resource = arn.resource;
    let kind = resource.strip_suffix("/*").or_else(|| resource.strip_suffix(":*"));
    kind.is_some_and(|kind| !kind.contains(['/', ':']))
}

fn outright_denials(policy: &Policy) -> impl Iterator<Item = &Statement> {
    let statements = policy.statements.iter();
    statements.filter(|one| one.effect == Effect::Deny && one.conditions.is_empty())
}

/// Whether a statement concerns an action, by its full name.
fn concerns(statement: &Statement, action: &str) -> bool {
    match &statement.action {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
        ActionPart::NotAction(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
    }
}

/// Whether one of these forbids an action on all that a shape stands for.
fn denies<'s>(denies: impl Iterator<Item = &'s Statement>, action: &str, shape: &Resource) -> bool {
    let mut denies = denies.filter(|deny| concerns(deny, action));
    denies.any(|deny| match &deny.resource {
        ResourcePart::Resource(resources) => resources.iter().any(|resource| arn::includes(resource, shape)),
        ResourcePart::NotResource(resources) => !resources.iter().any(|resource| arn::overlaps(resource, shape)),
        ResourcePart::None => false,
    })
}

/// Whether a part may hold some of what a shape stands for.
fn may_hold(part: &ResourcePart, shape: &Resource) -> bool {
    match part {
        ResourcePart::Resource(resources) => {
            let mut resources = resources.iter();
            shape.is_everything()
                || resources.any(|resource| resource.is_everything() || arn::overlaps(resource, shape))
        }
        ResourcePart::NotResource(resources) => !resources.iter().any(|resource| arn::includes(resource, shape)),
        ResourcePart::None => true,
    }
}
