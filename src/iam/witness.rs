//! Searches for a request that a new policy allows and the old one does not.
//!
//! Candidates are built from the patterns and values of both documents; each is confirmed by evaluating both, so a
//! witness is always real, while finding none proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::arn::{self, variable_parts};
use super::condition::{Comparison, Condition};
use super::evaluate::{self, Policies};
use super::pattern::Symbol;
use super::{ActionPart, Answer, Effect, Policy, PrincipalPart, Request, ResourcePart, Statement, Version};

/// A request that tells two policies apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Witness {
    /// The caller.
    pub principal: String,
    /// The action, such as `s3:GetObject`.
    pub action: String,
    /// The resource's ARN.
    pub resource: String,
    /// The context keys that the request carries, with their values.
    pub context: Vec<(String, Vec<String>)>,
}

impl Witness {
    /// The request that it stands for.
    pub fn request(&self) -> Request {
        let mut request = Request {
            principal: self.principal.clone(),
            action: self.action.clone(),
            resource: self.resource.clone(),
            resource_account: Some(ACCOUNT.to_owned()),
            context: Default::default(),
        };
        for (key, values) in &self.context {
            request.context.set(key, values.clone());
        }
        request
    }
}

impl std::fmt::Display for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        for (at, (key, values)) in self.context.iter().enumerate() {
            write!(f, "{} {key}={}", if at == 0 { " with" } else { "," }, values.join("|"))?;
        }
        Ok(())
    }
}

// An account and a caller from the range that AWS keeps for documentation.
const ACCOUNT: &str = "111122223333";
const PRINCIPAL: &str = "arn:aws:iam::111122223333:user/witness";

/// Most requests that are tried.
const TRIES: usize = 20_000;
/// Most patterns that are read in all of them.
const READS: usize = 200_000;
/// Most candidates of one kind.
const CANDIDATES: usize = 400;
/// Most values of variables.
const VARIABLE_VALUES: usize = 6;
/// Most contexts.
const CONTEXTS: usize = 128;

/// A request that `new` surely allows and `old` surely does not, if one is found.
pub(super) fn find(old: &Policy, new: &Policy) -> Option<Witness> {
    let statements: Vec<&Statement> = old.statements.iter().chain(&new.statements).collect();
    if statements
        .iter()
        .any(|statement| statement.principal != PrincipalPart::None)
    {
        return None;
    }
    let actions = actions(&statements);
    let values = variable_values(&statements);
    let resources = resources(&statements, &values);
    let contexts = contexts(&statements, &values);
    let as_identity = |policy: &Policy| Policies {
        identity: vec![policy.clone()],
        ..Policies::default()
    };
    let (old, new) = (as_identity(old), as_identity(new));
    // Each try reads all the patterns.
    let patterns: usize = statements
        .iter()
        .map(|statement| resource_symbols(statement).count() + actions_of(statement))
        .sum();
    let most = TRIES.min(READS / patterns.max(1));
    let mut tries = 0;
    for granting in statements_of(&new).filter(|statement| statement.effect == Effect::Allow) {
        let actions = actions.iter().filter(|action| matches_action(&granting.action, action));
        let resources: Vec<&String> = resources
            .iter()
            .filter(|resource| may_match(&granting.resource, resource))
            .collect();
        for action in actions {
            for resource in &resources {
                for context in &contexts {
                    tries += 1;
                    if tries > most {
                        return None;
                    }
                    let witness = Witness {
                        principal: PRINCIPAL.to_owned(),
                        action: action.clone(),
                        resource: (*resource).clone(),
                        context: context.clone(),
                    };
                    let request = witness.request();
                    if evaluate::evaluate(&request, &new).allows == Answer::Yes
                        && evaluate::evaluate(&request, &old).allows == Answer::No
                    {
                        return Some(witness);
                    }
                }
            }
        }
    }
    None
}

fn actions_of(statement: &Statement) -> usize {
    match &statement.action {
        ActionPart::Action(patterns) | ActionPart::NotAction(patterns) => patterns.len(),
    }
}

fn statements_of(policies: &Policies) -> impl Iterator<Item = &Statement> {
    policies.identity.iter().flat_map(|policy| &policy.statements)
}

fn matches_action(part: &ActionPart, action: &str) -> bool {
    match part {
        ActionPart::Action(patterns) => patterns.iter().any(|pattern| pattern.matches(action)),
        ActionPart::NotAction(patterns) => !patterns.iter().any(|pattern| pattern.matches(action)),
    }
}

fn may_match(part: &ResourcePart, resource: &str) -> bool {
    match part {
        ResourcePart::Resource(patterns) => patterns.iter().any(|pattern| pattern.possibly_matches(resource)),
        ResourcePart::NotResource(patterns) => !patterns.iter().any(|pattern| pattern.certainly_matches(resource)),
        ResourcePart::None => false,
    }
}

/// Concrete actions near the patterns: with nothing, with something, and with each other's text in place of a `*`.
fn actions(statements: &[&Statement]) -> Vec<String> {
    let patterns: Vec<Vec<Symbol>> = statements
        .iter()
        .flat_map(|statement| match &statement.action {
            ActionPart::Action(patterns) | ActionPart::NotAction(patterns) => patterns,
        })
        .map(|pattern| arn::symbols(pattern.lower(), Version::V2008))
        .collect();
    let mut out = instances(&patterns, &[String::new()]);
    out.retain(|action| action.contains(':'));
    ["x:x", "y:y", "zz:zz"]
        .into_iter()
        .map(str::to_owned)
        .chain(out)
        .take(CANDIDATES)
        .collect()
}

/// Concrete resources near the patterns.
fn resources(statements: &[&Statement], variables: &[String]) -> Vec<String> {
    let patterns: Vec<Vec<Symbol>> = statements
        .iter()
        .flat_map(|statement| resource_symbols(statement))
        .map(<[Symbol]>::to_vec)
        .collect();
    let mut out = instances(&patterns, variables);
    out.retain(|resource| !resource.is_empty());
    ["*", "arn:aws:x:::x", "arn:zz:zz:zz:0:zz"]
        .into_iter()
        .map(str::to_owned)
        .chain(out)
        .take(CANDIDATES)
        .collect()
}

fn resource_symbols<'a>(statement: &'a Statement) -> impl Iterator<Item = &'a [Symbol]> + use<'a> {
    let patterns = match &statement.resource {
        ResourcePart::Resource(patterns) | ResourcePart::NotResource(patterns) => patterns.as_slice(),
        ResourcePart::None => &[],
    };
    patterns.iter().map(super::Resource::symbols)
}

/// What variables are taken to hold: anything, and what brings their resource near another pattern.
fn variable_values(statements: &[&Statement]) -> Vec<String> {
    let patterns: Vec<&[Symbol]> = statements
        .iter()
        .flat_map(|statement| resource_symbols(statement))
        .collect();
    let mut out = vec!["v".to_owned()];
    for pattern in &patterns {
        let Some(at) = pattern.iter().position(|symbol| matches!(symbol, Symbol::Variable(_))) else {
            continue;
        };
        out.extend(match &pattern[at] {
            Symbol::Variable(variable) => variable_parts(variable).1.map(str::to_owned),
            Symbol::Literal(_) | Symbol::One | Symbol::Any => None,
        });
        let before = instance(
            &pattern[..at],
            Fill {
                variable: "v",
                ..NOTHING
            },
        );
        for other in &patterns {
            let near = instance(other, NOTHING);
            if let Some(rest) = near.strip_prefix(&before) {
                let first = rest.split('/').next().unwrap_or(rest);
                out.extend(
                    [rest, first]
                        .into_iter()
                        .filter(|rest| !rest.is_empty())
                        .map(str::to_owned),
                );
            }
        }
    }
    let mut seen = BTreeSet::new();
    out.retain(|value| seen.insert(value.clone()));
    out.truncate(VARIABLE_VALUES);
    out
}

fn instances(patterns: &[Vec<Symbol>], variables: &[String]) -> BTreeSet<String> {
    // The runs of text between wildcards.
    let chunks: BTreeSet<String> = patterns
        .iter()
        .flat_map(|pattern| pattern.split(|symbol| matches!(symbol, Symbol::Any | Symbol::One)))
        .map(|run| instance(run, NOTHING))
        .filter(|chunk| !chunk.is_empty())
        .take(CANDIDATES)
        .collect();
    let mut out = BTreeSet::new();
    for pattern in patterns {
        for (every, one) in [("", 'x'), ("x", 'y'), ("zz", 'z')] {
            for variable in variables {
                let near = instance(
                    pattern,
                    Fill {
                        every,
                        one,
                        variable,
                        ..NOTHING
                    },
                );
                // Just outside, for what is excepted.
                out.insert(format!("{near}z"));
                out.insert(near);
            }
        }
        let stars = pattern.iter().filter(|symbol| **symbol == Symbol::Any).count();
        for star in 0..stars {
            for special in chunks.iter().map(String::as_str).chain(["x"]) {
                if out.len() < 4 * CANDIDATES {
                    out.insert(instance(
                        pattern,
                        Fill {
                            special: Some((star, special)),
                            ..NOTHING
                        },
                    ));
                }
            }
        }
    }
    out
}

/// What takes the place of a pattern's symbols.
#[derive(Clone, Copy)]
struct Fill<'a> {
    one: char,
    every: &'a str,
    /// The `*` with this number becomes this text.
    special: Option<(usize, &'a str)>,
    variable: &'a str,
}

const NOTHING: Fill<'static> = Fill {
    one: 'x',
    every: "",
    special: None,
    variable: "v",
};

fn instance(pattern: &[Symbol], fill: Fill<'_>) -> String {
    let mut out = String::new();
    let mut stars = 0;
    for symbol in pattern {
        match symbol {
            Symbol::Literal(c) => out.push(*c),
            Symbol::One => out.push(fill.one),
            Symbol::Variable(_) => out.push_str(fill.variable),
            Symbol::Any => {
                out.push_str(match fill.special {
                    Some((at, special)) if at == stars => special,
                    Some(_) | None => fill.every,
                });
                stars += 1;
            }
        }
    }
    out
}

type Pairs = Vec<(String, Vec<String>)>;

/// Contexts in which conditions hold, or fail: every combination where the keys are few, else one change at a time.
fn contexts(statements: &[&Statement], values: &[String]) -> Vec<Pairs> {
    let mut options: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    let mut note = |key: &str, values: Vec<String>| {
        let known = options.entry(key.to_lowercase()).or_insert_with(|| [None].into());
        known.extend(values.into_iter().map(Some).take(8));
    };
    for statement in statements {
        for condition in &statement.conditions {
            note(&condition.key, candidate_values(condition));
        }
        for variable in variables(statement) {
            note(variable_parts(&variable).0, values.to_vec());
        }
    }
    let combinations = options
        .values()
        .try_fold(1_usize, |product, values| product.checked_mul(values.len()));
    if combinations.is_some_and(|combinations| combinations <= CONTEXTS) {
        let mut all: Vec<Pairs> = vec![Vec::new()];
        for (key, values) in &options {
            all = all
                .into_iter()
                .flat_map(|context| values.iter().map(move |value| with(&context, key, value.as_ref())))
                .collect();
        }
        return all;
    }
    let full: Pairs = options
        .iter()
        .filter_map(|(key, values)| Some((key.clone(), vec![values.iter().flatten().next()?.clone()])))
        .collect();
    let mut all = vec![Vec::new(), full.clone()];
    for statement in statements.iter().filter(|statement| !statement.conditions.is_empty()) {
        let mut own = Vec::new();
        for condition in &statement.conditions {
            own = with(&own, &condition.key.to_lowercase(), candidate_values(condition).first());
        }
        all.push(own);
    }
    for (key, values) in &options {
        for value in values {
            all.push(with(&full, key, value.as_ref()));
            all.push(with(&[], key, value.as_ref()));
        }
    }
    all.truncate(CONTEXTS);
    all
}

fn with(context: &[(String, Vec<String>)], key: &str, value: Option<&String>) -> Pairs {
    let mut out: Pairs = context.iter().filter(|(known, _)| known != key).cloned().collect();
    if let Some(value) = value {
        out.push((key.to_owned(), vec![value.clone()]));
    }
    out
}

fn variables(statement: &Statement) -> BTreeSet<String> {
    let of = |symbols: &[Symbol]| -> Vec<String> {
        symbols
            .iter()
            .filter_map(|symbol| match symbol {
                Symbol::Variable(variable) => Some(variable.to_string()),
                Symbol::Literal(_) | Symbol::One | Symbol::Any => None,
            })
            .collect()
    };
    let in_conditions = statement.conditions.iter().flat_map(|condition| {
        condition
            .values
            .iter()
            .flat_map(|value| of(&arn::symbols(value, condition.version)))
    });
    resource_symbols(statement).flat_map(of).chain(in_conditions).collect()
}

/// Values that may meet the condition first, then one that likely does not.
fn candidate_values(condition: &Condition) -> Vec<String> {
    use Comparison as C;
    let own = condition.values.iter().take(4);
    let (mut values, others): (Vec<String>, &[&str]) = match condition.operator.comparison {
        C::StringEquals | C::StringNotEquals | C::StringEqualsIgnoreCase | C::StringNotEqualsIgnoreCase => (
            own.map(|value| {
                let symbols = arn::symbols(value, condition.version);
                let literal: Vec<Symbol> = symbols
                    .into_iter()
                    .map(|symbol| match symbol {
                        Symbol::Any => Symbol::Literal('*'),
                        Symbol::One => Symbol::Literal('?'),
                        Symbol::Literal(_) | Symbol::Variable(_) => symbol,
                    })
                    .collect();
                instance(&literal, NOTHING)
            })
            .collect(),
            &["other"],
        ),
        C::StringLike | C::StringNotLike | C::ArnEquals | C::ArnLike | C::ArnNotEquals | C::ArnNotLike => (
            own.map(|value| instance(&arn::symbols(value, condition.version), Fill { every: "x", ..NOTHING }))
                .collect(),
            &["other", "arn:aws:other:::other"],
        ),
        C::NumericEquals
        | C::NumericNotEquals
        | C::NumericLessThan
        | C::NumericLessThanEquals
        | C::NumericGreaterThan
        | C::NumericGreaterThanEquals => (own.cloned().collect(), &["-1000000000", "1000000000"]),
        C::DateEquals
        | C::DateNotEquals
        | C::DateLessThan
        | C::DateLessThanEquals
        | C::DateGreaterThan
        | C::DateGreaterThanEquals => (
            own.cloned().collect(),
            &["1980-01-01T00:00:00Z", "2199-01-01T00:00:00Z"],
        ),
        C::Bool => (own.cloned().collect(), &["true", "false"]),
        C::BinaryEquals => (own.cloned().collect(), &["b3RoZXI="]),
        C::IpAddress | C::NotIpAddress => (
            own.filter_map(|value| Some(value.split('/').next()?.to_owned()))
                .collect(),
            &["203.0.113.9"],
        ),
        C::Null => (Vec::new(), &["x"]),
    };
    values.extend(others.iter().map(|value| (*value).to_owned()));
    values
}
