//! Conditions: operators, keys and values, and whether they hold in a request's context.

use serde_json::{Map, Value};

use super::Version;
use super::policy::{self, element_error, kind};

mod date;
pub(super) mod holds;
mod implies;

pub(super) use holds::network_ends;
pub(super) use implies::implies;

/// One key under one operator; the key's values are alternatives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// What is compared, and how.
    pub operator: Operator,
    /// The operator as written.
    pub operator_text: String,
    /// The context key as written; keys ignore case.
    pub key: String,
    /// The values, booleans and numbers as text.
    pub values: Vec<String>,
    /// The language that the values are written in.
    pub version: Version,
}

/// A condition operator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub set: Option<SetQualifier>,
    /// The comparison.
    pub comparison: Comparison,
    /// `…IfExists`.
    pub if_exists: bool,
}

/// How an operator meets a key with several values.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SetQualifier {
    /// Every value of the request; true where there is none.
    ForAllValues,
    /// At least one value of the request.
    ForAnyValue,
}

macro_rules! comparisons {
    ($($name:ident),* $(,)?) => {
        /// The comparison that an operator names ("IAM JSON policy elements: Condition operators").
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[expect(missing_docs, reason = "the names are the policy language's own")]
        pub enum Comparison { $($name),* }

        impl Comparison {
            /// All of them, with their names.
            pub const ALL: &[(&str, Self)] = &[$((stringify!($name), Self::$name)),*];
        }
    };
}

comparisons!(
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnEquals,
    ArnLike,
    ArnNotEquals,
    ArnNotLike,
    Null,
);

impl Operator {
    /// Reads an operator's name, in any case; `None` if there is no such operator.
    pub fn parse(text: &str) -> Option<Self> {
        let (set, rest) = match text.split_once(':') {
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(SetQualifier::ForAllValues), rest),
            Some((set, rest)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(SetQualifier::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let suffix = rest
            .len()
            .checked_sub("IfExists".len())
            .and_then(|at| Some((rest.get(..at)?, rest.get(at..)?)));
        let (name, if_exists) = match suffix {
            Some((name, suffix)) if suffix.eq_ignore_ascii_case("IfExists") => (name, true),
            Some(_) | None => (rest, false),
        };
        let (_, comparison) = Comparison::ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        let of_null = *comparison == Comparison::Null;
        // Null asks for existence itself, so IAM has no NullIfExists.
        (!(of_null && if_exists)).then_some(Self {
            set,
            comparison: *comparison,
            if_exists,
        })
    }
}

/// Parses the `Condition` element.
pub(super) fn parse(value: &Value, place: &str, version: Version) -> Result<Vec<Condition>, policy::Error> {
    let operators = value
        .as_object()
        .ok_or_else(|| element_error(place, format!("must be an object, not {}", kind(value))))?;
    let mut out = Vec::new();
    for (operator_text, keys) in operators {
        let place = format!("{place}.{operator_text}");
        let operator = Operator::parse(operator_text).ok_or_else(|| element_error(&place, "unknown operator"))?;
        let keys = keys
            .as_object()
            .ok_or_else(|| element_error(&place, format!("must be an object, not {}", kind(keys))))?;
        for (key, value) in keys {
            out.push(Condition {
                operator,
                operator_text: operator_text.clone(),
                key: key.clone(),
                values: values(value, &format!("{place}.{key}"))?,
                version,
            });
        }
    }
    Ok(out)
}

fn values(value: &Value, place: &str) -> Result<Vec<String>, policy::Error> {
    match value {
        Value::Array(values) => values
            .iter()
            .enumerate()
            .map(|(at, value)| scalar(value, &format!("{place}[{at}]")))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Ok(vec![scalar(value, place)?])
        }
    }
}

fn scalar(value: &Value, place: &str) -> Result<String, policy::Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(element_error(
            place,
            format!("must be a string, number or boolean, not {}", kind(value)),
        )),
    }
}

/// Prints conditions as a `Condition` element, operators and keys in their order.
pub(super) fn print(conditions: &[Condition]) -> Value {
    let mut out = Map::new();
    for condition in conditions {
        let keys = out
            .entry(condition.operator_text.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(keys) = keys {
            let values = match condition.values.as_slice() {
                [one] => Value::from(one.clone()),
                many => Value::from(many.to_vec()),
            };
            keys.insert(condition.key.clone(), values);
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests;
