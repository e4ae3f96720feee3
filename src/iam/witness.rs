//! Searches for a request that a new policy allows and the old one does not.
//!
//! Candidates are built where a proof failed, from the patterns and values of both documents; each is confirmed by
//! evaluating both, so a witness is always real, while finding none proves nothing.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::arn::{self, Arn};
use super::evaluate::{self, Policies};
use super::pattern::{self, Effort, Symbol};
use super::policy::Principal;
use super::{
    ActionPart, ActionPattern, Answer, Effect, Policy, PrincipalPart, Request, Resource, ResourcePart, Statement,
    Version,
};

mod candidates;

use candidates::{Pairs, contexts, near, resource_symbols, variable_values};

/// Most steps of one search.
pub(super) const STEPS: usize = 30_000_000;

/// Most actions that are tried at one doubt, and most resources.
const CANDIDATES: usize = 120;
/// Steps that copying a pattern counts for.
const COPY: usize = 64;
/// Most callers that are tried of a resource policy.
const CALLERS: usize = 24;

// Accounts from the range that AWS keeps for documentation.
const ACCOUNT: &str = "111122223333";
const OTHER_ACCOUNT: &str = "444455556666";

/// A request that tells two policies apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    /// The caller.
    pub principal: String,
    /// The action, such as `s3:GetObject`.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// The account that owns the resource: the caller's for identity policies, another for resource policies.
    pub resource_account: String,
    /// The context keys that the request carries, with their values.
    pub context: Pairs,
    /// What kind of policy the documents are.
    kind: Kind,
}

/// Where a document would hang.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Identity,
    Resource,
}

impl Witness {
    /// The request that it stands for.
    pub fn request(&self) -> Request {
        let mut request = Request {
            principal: self.principal.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            resource_account: Some(self.resource_account.clone()),
            context: Default::default(),
        };
        for (key, values) in &self.context {
            request.context.set(key, values.clone());
        }
        request
    }

    /// The case that `simulate` takes to decide the request under `document`: a policy of the caller; or one of the
    /// resource, the caller being allowed everything by its own account.
    pub fn case(&self, document: &Value) -> Value {
        let context: serde_json::Map<String, Value> = self
            .context
            .iter()
            .map(|(key, values)| (key.clone(), json!(values)))
            .collect();
        let request = json!({
            "principal": self.principal, "action": self.action, "resource": self.resource,
            "resource_account": self.resource_account, "context": context,
        });
        match self.kind {
            // A key and a role must let the account decide by its own policies, as they do when they are made.
            Kind::Identity if evaluate::must_allow_explicitly(&self.request()) => {
                let own = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                    "Principal": {"AWS": self.resource_account}}});
                json!({"request": request, "identity_policies": [document], "resource_policy": own})
            }
            Kind::Identity => json!({"request": request, "identity_policies": [document]}),
            Kind::Resource => {
                let all = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
                json!({"request": request, "identity_policies": [all], "resource_policy": document})
            }
        }
    }
}

impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        match self.kind {
            Kind::Identity => {}
            Kind::Resource => write!(f, " by {}", self.principal)?,
        }
        for (at, (key, values)) in self.context.iter().enumerate() {
            write!(f, "{} {key}={}", if at == 0 { " with" } else { "," }, values.join("|"))?;
        }
        Ok(())
    }
}

/// Requests to try first: what a reader knows, beside the texts that patterns are made of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Likely {
    /// Actions, each with resources.
    pub requests: Vec<(String, Vec<String>)>,
    /// Who asks.
    pub caller: Option<String>,
}

/// Where a proof failed: what a request must meet to be worth trying.
pub(super) struct Focus<'a> {
    /// The statement of the new policy that grants it.
    pub(super) granting: &'a Statement,
    /// The statement of the old policy that denies it, if the doubt is whether it still is.
    pub(super) denying: Option<&'a Statement>,
    /// Patterns that match the action.
    pub(super) actions: Vec<&'a ActionPattern>,
    /// Patterns that match the resource.
    pub(super) resources: Vec<&'a Resource>,
}

/// A request that `new` surely allows and `old` surely does not, if one is found near where the proof failed.
pub(super) fn find(
    old: &Policy,
    new: &Policy,
    doubts: &[&Focus<'_>],
    likely: &Likely,
    effort: &Effort,
) -> Option<Witness> {
    let statements: Vec<&Statement> = old.statements.iter().chain(&new.statements).collect();
    let attached = |statement: &&Statement| statement.principal == PrincipalPart::None;
    let kind = if statements.iter().all(attached) {
        Kind::Identity
    } else if statements.iter().any(attached) {
        // One of them can hang nowhere.
        return None;
    } else {
        Kind::Resource
    };
    let mut search = Search {
        of_old: old.statements.len(),
        callers: likely
            .caller
            .iter()
            .cloned()
            .chain(callers(kind, &statements))
            .collect(),
        likely,
        statements,
        kind,
        prepared: HashMap::new(),
    };
    // At most half of the effort, so that as much is left to search with.
    let half = effort.left() / 2;
    let told = Effort::of(half);
    let found = search.told(doubts, &told);
    effort.spend(half - told.left());
    if found.is_some() {
        return found;
    }
    doubts.iter().enumerate().find_map(|(at, focus)| {
        // Everyone an equal part of what is left, so that one hopeless doubt does not use up the others'.
        let share = effort.left() / (doubts.len() - at);
        let own = Effort::of(share);
        let found = search.near(focus, &own);
        effort.spend(share - own.left());
        found
    })
}

struct Search<'a> {
    /// Those of the old policy, then those of the new.
    statements: Vec<&'a Statement>,
    /// How many are the old policy's.
    of_old: usize,
    kind: Kind,
    callers: Vec<String>,
    likely: &'a Likely,
    /// By the statements that may concern a request.
    prepared: HashMap<Vec<usize>, Rc<Prepared>>,
}

/// Both policies without the statements that cannot concern a request, and the contexts worth trying.
struct Prepared {
    old: Policies,
    new: Policies,
    contexts: Vec<Pairs>,
    patterns: usize,
}

impl Search<'_> {
    /// One of the requests that are to be tried first, wherever the proof failed.
    fn told(&mut self, doubts: &[&Focus<'_>], effort: &Effort) -> Option<Witness> {
        let likely = self.likely;
        let values = ["v".to_owned()];
        for (action, resources) in &likely.requests {
            let concerned: Vec<&&Focus<'_>> = doubts.iter().filter(|focus| focus.wants_action(action)).collect();
            for resource in resources.iter().filter(|_| !concerned.is_empty()) {
                let symbols: Vec<Symbol> = resource.chars().map(Symbol::Literal).collect();
                if concerned.iter().any(|focus| focus.wants_resource(&symbols, effort)) {
                    let found = self.with_action(action, &[(resource.clone(), symbols)], &values, effort);
                    if found.is_some() {
                        return found;
                    }
                }
                if effort.left() == 0 {
                    return None;
                }
            }
        }
        None
    }

    fn near(&mut self, focus: &Focus<'_>, effort: &Effort) -> Option<Witness> {
        self.prepared.clear();
        let texts: Vec<Vec<Symbol>> = self.actions_near(focus, effort);
        let texts: Vec<&[Symbol]> = texts.iter().map(Vec::as_slice).collect();
        let mut actions = near(&texts, &[String::new()], CANDIDATES, effort);
        actions.extend(["x:x", "y:y", "zz:zz"].map(str::to_owned));
        actions.retain(|action| action.contains(':') && focus.wants_action(action));

        let patterns = self.resources_near(focus, effort);
        let values = variable_values(&patterns, effort);
        let mut resources = near(&patterns, &values, CANDIDATES, effort);
        let role = format!("arn:aws:iam::{ACCOUNT}:role/x");
        resources.extend(["*", "arn:aws:x:::x", "arn:zz:zz:zz:0:zz", &role].map(str::to_owned));
        let resources: Vec<(String, Vec<Symbol>)> = resources
            .into_iter()
            .map(|resource| {
                let symbols: Vec<Symbol> = resource.chars().map(Symbol::Literal).collect();
                (resource, symbols)
            })
            .filter(|(_, symbols)| focus.wants_resource(symbols, effort))
            .collect();

        for action in &actions {
            let found = self.with_action(action, &resources, &values, effort);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// A request for one action on one of these resources.
    fn with_action(
        &mut self,
        action: &str,
        resources: &[(String, Vec<Symbol>)],
        values: &[String],
        effort: &Effort,
    ) -> Option<Witness> {
        let acting: Vec<usize> = (0..self.statements.len())
            .filter(|at| concerns_action(&self.statements[*at].action, action, effort))
            .collect();
        for (resource, symbols) in resources {
            if effort.left() == 0 {
                return None;
            }
            let concerned: Vec<usize> = acting
                .iter()
                .copied()
                .filter(|at| may_concern(&self.statements[*at].resource, symbols, effort))
                .collect();
            let found = self.among(concerned, action, resource, values, effort);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The action patterns that meet the focus, its own first.
    fn actions_near(&self, focus: &Focus<'_>, effort: &Effort) -> Vec<Vec<Symbol>> {
        let own = focus.actions.iter().copied();
        let all = self.statements.iter().flat_map(|statement| match &statement.action {
            ActionPart::Action(patterns) | ActionPart::NotAction(patterns) => patterns,
        });
        let meeting = all.filter(|pattern| {
            let mut wanted = focus.actions.iter();
            wanted.all(|wanted| pattern::overlaps_within(wanted.lower(), pattern.lower(), effort))
        });
        own.chain(meeting)
            .take(CANDIDATES)
            .map(|pattern| arn::symbols(pattern.text(), Version::V2008))
            .collect()
    }

    /// The resource patterns that meet the focus, its own first.
    fn resources_near<'s>(&'s self, focus: &Focus<'s>, effort: &Effort) -> Vec<&'s [Symbol]> {
        let own = focus.resources.iter().map(|resource| resource.symbols());
        let all = self.statements.iter().copied().flat_map(resource_symbols);
        let meeting = all.filter(|pattern| {
            let mut wanted = focus.resources.iter();
            wanted.all(|wanted| pattern::overlaps_symbols(wanted.symbols(), pattern, effort))
        });
        own.chain(meeting).take(CANDIDATES).collect()
    }

    fn among(
        &mut self,
        concerned: Vec<usize>,
        action: &str,
        resource: &str,
        values: &[String],
        effort: &Effort,
    ) -> Option<Witness> {
        let grants = |at: &usize| *at >= self.of_old && self.statements[*at].effect == Effect::Allow;
        if !concerned.iter().any(grants) {
            return None;
        }
        let prepared = match self.prepared.get(&concerned) {
            Some(prepared) => Rc::clone(prepared),
            None => {
                let patterns: usize = concerned.iter().map(|at| 1 + size(self.statements[*at])).sum();
                if !effort.spend(COPY * patterns) {
                    return None;
                }
                let prepared = Rc::new(self.prepare(&concerned, values));
                self.prepared.insert(concerned, Rc::clone(&prepared));
                prepared
            }
        };
        for context in &prepared.contexts {
            for caller in &self.callers {
                if !effort.spend(prepared.patterns * (action.len() + resource.len())) {
                    return None;
                }
                let witness = Witness {
                    principal: caller.clone(),
                    action: action.to_owned(),
                    resource: resource.to_owned(),
                    resource_account: self.resource_account(caller),
                    context: context.clone(),
                    kind: self.kind,
                };
                let request = witness.request();
                if evaluate::evaluate(&request, &prepared.new).allows == Answer::Yes
                    && evaluate::evaluate(&request, &prepared.old).allows == Answer::No
                {
                    return Some(witness);
                }
            }
        }
        None
    }

    fn prepare(&self, concerned: &[usize], values: &[String]) -> Prepared {
        let statements: Vec<&Statement> = concerned.iter().map(|at| self.statements[*at]).collect();
        let policies = |side: &dyn Fn(usize) -> bool| {
            let own = concerned.iter().filter(|at| side(**at));
            let policy = Policy::of(own.map(|at| self.statements[*at].clone()).collect());
            match self.kind {
                Kind::Identity => Policies {
                    identity: vec![policy],
                    resource: self.delegating(),
                    ..Policies::default()
                },
                // Across accounts it takes both sides, so that the resource's alone decides.
                Kind::Resource => Policies {
                    identity: vec![Policy::of_everything()],
                    resource: Some(policy),
                    ..Policies::default()
                },
            }
        };
        Prepared {
            old: policies(&|at| at < self.of_old),
            new: policies(&|at| at >= self.of_old),
            contexts: contexts(&statements, values),
            patterns: statements.iter().map(|statement| 1 + size(statement)).sum(),
        }
    }

    /// Whose resource a caller asks for.
    fn resource_account(&self, caller: &str) -> String {
        let own = Arn::parse(caller)
            .map(|arn| arn.account)
            .filter(|account| !account.is_empty());
        match (self.kind, own) {
            (Kind::Identity, Some(account)) => account.to_owned(),
            (Kind::Resource, Some(ACCOUNT)) => OTHER_ACCOUNT.to_owned(),
            (Kind::Identity | Kind::Resource, Some(_) | None) => ACCOUNT.to_owned(),
        }
    }

    /// What lets the callers' accounts decide by their own policies.
    fn delegating(&self) -> Option<Policy> {
        let accounts: Vec<String> = self
            .callers
            .iter()
            .map(|caller| self.resource_account(caller))
            .collect();
        let all =
            json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"AWS": accounts}}});
        Policy::from_value(&all).ok()
    }
}

impl Focus<'_> {
    fn wants_action(&self, action: &str) -> bool {
        let unbounded = Effort::of(usize::MAX);
        self.actions.iter().all(|pattern| pattern.matches(action))
            && concerns_action(&self.granting.action, action, &unbounded)
            && self
                .denying
                .is_none_or(|deny| concerns_action(&deny.action, action, &unbounded))
    }

    fn wants_resource(&self, resource: &[Symbol], effort: &Effort) -> bool {
        self.resources.iter().all(|pattern| pattern.may_match(resource, effort))
            && may_concern(&self.granting.resource, resource, effort)
            && self
                .denying
                .is_none_or(|deny| may_concern(&deny.resource, resource, effort))
    }
}

fn size(statement: &Statement) -> usize {
    let actions = match &statement.action {
        ActionPart::Action(patterns) | ActionPart::NotAction(patterns) => patterns.len(),
    };
    actions + resource_symbols(statement).count()
}

fn concerns_action(part: &ActionPart, action: &str, effort: &Effort) -> bool {
    let any = |patterns: &[ActionPattern]| {
        let action = action.to_lowercase();
        patterns
            .iter()
            .any(|pattern| pattern::matches_within(pattern.lower(), &action, effort))
    };
    match part {
        ActionPart::Action(patterns) => any(patterns),
        ActionPart::NotAction(patterns) => !any(patterns),
    }
}

/// Generous: what a statement excepts is left to the evaluation.
fn may_concern(part: &ResourcePart, resource: &[Symbol], effort: &Effort) -> bool {
    match part {
        ResourcePart::Resource(patterns) => patterns.iter().any(|pattern| pattern.may_match(resource, effort)),
        ResourcePart::NotResource(_) | ResourcePart::None => true,
    }
}

/// Who asks. Identity policies name nobody, so that anybody will do.
fn callers(kind: Kind, statements: &[&Statement]) -> Vec<String> {
    let somebody = format!("arn:aws:iam::{ACCOUNT}:user/witness");
    let mut out = vec![somebody];
    match kind {
        Kind::Identity => return out,
        Kind::Resource => {}
    }
    for statement in statements {
        let principals = match &statement.principal {
            PrincipalPart::Principal(principals) | PrincipalPart::NotPrincipal(principals) => principals.as_slice(),
            PrincipalPart::None => &[],
        };
        for principal in principals {
            out.extend(match principal {
                Principal::Everyone => Some("*".to_owned()),
                Principal::Aws(text) => match Arn::parse(text) {
                    Some(arn) if arn.service == "iam" && arn.resource == "root" => {
                        Some(format!("arn:{}:iam::{}:user/witness", arn.partition, arn.account))
                    }
                    Some(_) => Some(text.clone()),
                    None if text.bytes().all(|b| b.is_ascii_digit()) => {
                        Some(format!("arn:aws:iam::{text}:user/witness"))
                    }
                    None => None,
                },
                Principal::Service(text) | Principal::Federated(text) | Principal::CanonicalUser(text) => {
                    Some(text.clone())
                }
            });
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|caller| seen.insert(caller.clone()));
    out.truncate(CALLERS);
    out
}
