//! Concrete texts near patterns, and contexts in which conditions hold or fail.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::arn::{self, variable_parts};
use crate::iam::condition::{Comparison, Condition, network_ends};
use crate::iam::pattern::{Effort, Symbol};
use crate::iam::{ResourcePart, Statement};

/// Longest text that is tried.
const LONGEST: usize = 400;
/// Most runs of text that are put in the place of a `*`.
const RUNS: usize = 60;
/// Most values of variables.
const VARIABLE_VALUES: usize = 6;
/// Most values of one key.
const KEY_VALUES: usize = 12;
/// Most contexts for the same statements.
const CONTEXTS: usize = 128;

/// Texts that the patterns match or just miss: with nothing, with something, and with each other's text in place of a `*`.
/// The shortest come first.
pub(super) fn near(patterns: &[&[Symbol]], variables: &[String], most: usize, effort: &Effort) -> Vec<String> {
    let runs: BTreeSet<String> = patterns
        .iter()
        .flat_map(|pattern| pattern.split(|symbol| matches!(symbol, Symbol::Any | Symbol::One)))
        .map(|run| instance(run, NOTHING))
        .filter(|run| !run.is_empty())
        .take(RUNS)
        .collect();
    let mut out = BTreeSet::new();
    for pattern in patterns {
        let stars = pattern.iter().filter(|symbol| **symbol == Symbol::Any).count();
        if pattern.len() > LONGEST
            || !effort.spend(pattern.len() * (6 * variables.len() + stars.min(RUNS) * runs.len()))
        {
            continue;
        }
        for (every, one) in [("", 'x'), ("x", 'y'), ("zz", 'z')] {
            for variable in variables {
                let text = instance(
                    pattern,
                    Fill {
                        every,
                        one,
                        variable,
                        ..NOTHING
                    },
                );
                // Just outside, for what is excepted.
                out.insert(format!("{text}z"));
                out.insert(text);
            }
        }
        for star in 0..stars.min(RUNS) {
            for special in runs.iter().map(String::as_str).chain(["x"]) {
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
    let mut out: Vec<String> = out
        .into_iter()
        .filter(|text| !text.is_empty() && text.len() <= LONGEST)
        .collect();
    out.sort_by_key(String::len);
    out.truncate(most);
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

/// What variables are taken to hold: anything, and what brings their resource near another pattern.
pub(super) fn variable_values(patterns: &[&[Symbol]], effort: &Effort) -> Vec<String> {
    let mut out = vec!["v".to_owned()];
    for pattern in patterns {
        let Some(at) = pattern.iter().position(|symbol| matches!(symbol, Symbol::Variable(_))) else {
            continue;
        };
        out.extend(match &pattern[at] {
            Symbol::Variable(variable) => variable_parts(variable).1.map(str::to_owned),
            Symbol::Literal(_) | Symbol::One | Symbol::Any => None,
        });
        let before = instance(&pattern[..at], NOTHING);
        for other in patterns {
            if !effort.spend(other.len()) {
                break;
            }
            if let Some(rest) = instance(other, NOTHING).strip_prefix(&before) {
                let first = rest.split('/').next().unwrap_or(rest);
                let values = [rest, first].into_iter().filter(|rest| !rest.is_empty());
                out.extend(values.map(str::to_owned));
            }
        }
    }
    let mut seen = BTreeSet::new();
    out.retain(|value| seen.insert(value.clone()));
    out.truncate(VARIABLE_VALUES);
    out
}

/// The context keys of a request, with their values.
pub(super) type Pairs = Vec<(String, Vec<String>)>;

/// Contexts in which the statements' conditions hold, or fail: every combination where the keys are few, else one change
/// at a time.
pub(super) fn contexts(statements: &[&Statement], values: &[String]) -> Vec<Pairs> {
    let mut options: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    let mut note = |key: &str, values: Vec<String>| {
        let known = options.entry(key.to_lowercase()).or_insert_with(|| [None].into());
        known.extend(values.into_iter().map(Some).take(KEY_VALUES));
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

/// The policy variables in the statement's resources and conditions.
fn variables(statement: &Statement) -> BTreeSet<String> {
    let in_conditions = statement.conditions.iter().flat_map(|condition| {
        condition
            .values
            .iter()
            .map(|value| arn::symbols(value, condition.version))
    });
    let in_resources = resource_symbols(statement).map(<[Symbol]>::to_vec);
    in_conditions
        .chain(in_resources)
        .flatten()
        .filter_map(|symbol| match symbol {
            Symbol::Variable(variable) => Some(variable.to_string()),
            Symbol::Literal(_) | Symbol::One | Symbol::Any => None,
        })
        .collect()
}

pub(super) fn resource_symbols(statement: &Statement) -> impl Iterator<Item = &[Symbol]> {
    let patterns = match &statement.resource {
        ResourcePart::Resource(patterns) | ResourcePart::NotResource(patterns) => patterns.as_slice(),
        ResourcePart::None => &[],
    };
    patterns.iter().map(crate::iam::Resource::symbols)
}

/// A number a little below the given one.
fn beside(number: &str) -> String {
    number
        .parse()
        .map_or_else(|_| number.to_owned(), |number: f64| (number - 0.5).to_string())
}

/// Values that may meet the condition first, then one that likely does not.
fn candidate_values(condition: &Condition) -> Vec<String> {
    use Comparison as C;
    let own = condition.values.iter().take(KEY_VALUES - 2);
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
        | C::NumericGreaterThanEquals => (
            own.cloned().flat_map(|value| [beside(&value), value]).collect(),
            &["-1000000000", "1000000000"],
        ),
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
            own.filter_map(|value| network_ends(value))
                .flatten()
                .map(|address| address.to_string())
                .collect(),
            &["203.0.113.9"],
        ),
        C::Null => (Vec::new(), &["x"]),
    };
    values.extend(others.iter().map(|value| (*value).to_owned()));
    values
}
