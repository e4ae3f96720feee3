//! Whether a condition holds in a context. Doubt is an answer of its own, and says which keys it comes from.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr};

use super::{Comparison, Condition, SetQualifier, date};
use crate::iam::Answer;
use crate::iam::arn::{self, Resource, Value};
use crate::iam::pattern::{self, Symbol};
use crate::iam::request::{Context, Entry, MissingKeys};

/// A comparison taken apart: what it tests, and whether the answer is turned round.
pub(super) struct Test {
    pub(super) kind: Kind,
    pub(super) negated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    TextAnyCase,
    Like,
    Number(Relation),
    Date(Relation),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

pub(super) fn test(comparison: Comparison) -> Test {
    use Comparison as C;
    let (kind, negated) = match comparison {
        C::StringEquals => (Kind::Text, false),
        C::StringNotEquals => (Kind::Text, true),
        C::StringEqualsIgnoreCase => (Kind::TextAnyCase, false),
        C::StringNotEqualsIgnoreCase => (Kind::TextAnyCase, true),
        C::StringLike => (Kind::Like, false),
        C::StringNotLike => (Kind::Like, true),
        C::NumericEquals => (Kind::Number(Relation::Equal), false),
        C::NumericNotEquals => (Kind::Number(Relation::Equal), true),
        C::NumericLessThan => (Kind::Number(Relation::Less), false),
        C::NumericLessThanEquals => (Kind::Number(Relation::LessOrEqual), false),
        C::NumericGreaterThan => (Kind::Number(Relation::Greater), false),
        C::NumericGreaterThanEquals => (Kind::Number(Relation::GreaterOrEqual), false),
        C::DateEquals => (Kind::Date(Relation::Equal), false),
        C::DateNotEquals => (Kind::Date(Relation::Equal), true),
        C::DateLessThan => (Kind::Date(Relation::Less), false),
        C::DateLessThanEquals => (Kind::Date(Relation::LessOrEqual), false),
        C::DateGreaterThan => (Kind::Date(Relation::Greater), false),
        C::DateGreaterThanEquals => (Kind::Date(Relation::GreaterOrEqual), false),
        C::Bool => (Kind::Bool, false),
        C::BinaryEquals => (Kind::Binary, false),
        C::IpAddress => (Kind::Ip, false),
        C::NotIpAddress => (Kind::Ip, true),
        // ArnEquals takes wildcards like ArnLike ("Condition operators: Amazon Resource Name").
        C::ArnEquals | C::ArnLike => (Kind::Arn, false),
        C::ArnNotEquals | C::ArnNotLike => (Kind::Arn, true),
        C::Null => (Kind::Null, false),
    };
    Test { kind, negated }
}

/// Whether the comparison asks for values that do not match.
pub(super) fn is_negated(comparison: Comparison) -> bool {
    test(comparison).negated
}

impl Condition {
    /// Whether the condition holds in `context`. Unknown keys that left it open are added to `missing`.
    pub fn holds(&self, context: &Context, missing: &mut MissingKeys) -> Answer {
        let test = test(self.operator.comparison);
        let values = match (context.get(&self.key), self.operator.set) {
            (Entry::Unknown, _) => {
                missing.insert(self.key.clone());
                return Answer::Unknown;
            }
            (entry, _) if matches!(test.kind, Kind::Null) => return self.is_null(entry == Entry::Absent),
            (Entry::Absent, Some(SetQualifier::ForAllValues)) => return Answer::Yes,
            // "For no matching context key or if the key does not exist, the condition returns false", and that goes before
            // IfExists, as was tried ("Single-valued vs. multivalued context keys"; repost.aws, "ForAnyValue:
            // StringEqualsIfExists behaving unexpectedly").
            (Entry::Absent, Some(SetQualifier::ForAnyValue)) => return Answer::No,
            (Entry::Absent, None) if self.operator.if_exists => return Answer::Yes,
            (Entry::Absent, None) => return if test.negated { Answer::Yes } else { Answer::No },
            (Entry::Values(values), _) => values,
        };
        let answers = values.iter().map(|value| {
            let any = any(self
                .values
                .iter()
                .map(|own| self.compare(&test, own, value, context, missing)));
            if test.negated { not(any) } else { any }
        });
        match self.operator.set {
            Some(SetQualifier::ForAllValues) => all(answers),
            Some(SetQualifier::ForAnyValue) => any(answers),
            None => {
                // Without a qualifier IAM's guide defines one value only; several that disagree decide nothing.
                let answers: Vec<Answer> = answers.collect();
                match answers.split_first() {
                    Some((first, rest)) if rest.iter().all(|answer| answer == first) => *first,
                    Some(_) | None => Answer::Unknown,
                }
            }
        }
    }

    fn is_null(&self, absent: bool) -> Answer {
        any(self.values.iter().map(|value| match bool_of(value) {
            Some(wanted) => yes_if(wanted == absent),
            None => Answer::Unknown,
        }))
    }

    /// Whether one value of the request meets one value of the policy, before negation. A variable that the request lacks is
    /// equal to nothing, so that inverted operators do match ("Policy variables with no value").
    fn compare(&self, test: &Test, own: &str, value: &str, context: &Context, missing: &mut MissingKeys) -> Answer {
        let filled = |missing: &mut MissingKeys| fill(&arn::symbols(own, self.version), context, missing);
        match test.kind {
            Kind::Text => match filled(missing) {
                Filled::Symbols(own) => yes_if(text_of(&own) == value),
                Filled::Absent => Answer::No,
                Filled::Unknown => Answer::Unknown,
            },
            Kind::TextAnyCase => match filled(missing) {
                Filled::Symbols(own) => yes_if(text_of(&own).to_lowercase() == value.to_lowercase()),
                Filled::Absent => Answer::No,
                Filled::Unknown => Answer::Unknown,
            },
            Kind::Like => match filled(missing) {
                Filled::Symbols(own) => {
                    let value: Vec<Symbol> = value.chars().map(Symbol::Literal).collect();
                    yes_if(pattern::matches_text(&pattern::normal_form(own), &value))
                }
                Filled::Absent => Answer::No,
                Filled::Unknown => Answer::Unknown,
            },
            Kind::Arn => {
                let mut absent = false;
                let answer = Resource::new(own, self.version).answer_as_arn(value, &mut |variable| {
                    let value = value_of(variable, context, missing);
                    absent |= value == Value::Absent;
                    value
                });
                if absent { Answer::No } else { answer }
            }
            Kind::Number(relation) => match (Number::parse(own), Number::parse(value)) {
                (Some(own), Some(value)) => yes_if(relation.holds(value.compare(own))),
                (Some(_) | None, Some(_) | None) => Answer::Unknown,
            },
            Kind::Date(relation) => match (date::parse(own), date::parse(value)) {
                (Some(own), Some(value)) => yes_if(relation.holds(value.cmp(&own))),
                (Some(_) | None, Some(_) | None) => Answer::Unknown,
            },
            Kind::Bool => match (bool_of(own), bool_of(value)) {
                (Some(own), Some(value)) => yes_if(own == value),
                (Some(_) | None, Some(_) | None) => Answer::Unknown,
            },
            Kind::Binary => yes_if(own == value),
            Kind::Ip => match (Network::parse(own), value.parse::<IpAddr>()) {
                (Some(network), Ok(address)) => yes_if(network.holds(address)),
                (Some(_) | None, Ok(_) | Err(_)) => Answer::Unknown,
            },
            Kind::Null => Answer::Unknown,
        }
    }
}

/// The value of a policy variable, its default included.
pub(in crate::iam) fn value_of(variable: &str, context: &Context, missing: &mut MissingKeys) -> Value {
    let (key, default) = arn::variable_parts(variable);
    match (context.get(key), default) {
        (Entry::Values([value]), _) => Value::Is(value.clone()),
        // A variable takes keys with one value only; what else does is written nowhere.
        (Entry::Values(_), _) => Value::Unknown,
        (Entry::Absent, Some(default)) => Value::Is(default.to_owned()),
        (Entry::Absent, None) => Value::Absent,
        (Entry::Unknown, _) => {
            missing.insert(key.to_owned());
            Value::Unknown
        }
    }
}

enum Filled {
    Symbols(Vec<Symbol>),
    Absent,
    Unknown,
}

fn fill(symbols: &[Symbol], context: &Context, missing: &mut MissingKeys) -> Filled {
    let mut out = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        match symbol {
            Symbol::Variable(variable) => match value_of(variable, context, missing) {
                Value::Is(value) => out.extend(value.chars().map(Symbol::Literal)),
                Value::Absent => return Filled::Absent,
                Value::Unknown => return Filled::Unknown,
            },
            Symbol::Literal(_) | Symbol::One | Symbol::Any => out.push(symbol.clone()),
        }
    }
    Filled::Symbols(out)
}

/// The text of a value in which `*` and `?` are no wildcards.
fn text_of(symbols: &[Symbol]) -> String {
    symbols
        .iter()
        .filter_map(|symbol| match symbol {
            Symbol::Literal(c) => Some(*c),
            Symbol::One => Some('?'),
            Symbol::Any => Some('*'),
            Symbol::Variable(_) => None,
        })
        .collect()
}

pub(in crate::iam) fn yes_if(holds: bool) -> Answer {
    if holds { Answer::Yes } else { Answer::No }
}

pub(in crate::iam) fn not(answer: Answer) -> Answer {
    match answer {
        Answer::Yes => Answer::No,
        Answer::No => Answer::Yes,
        Answer::Unknown => Answer::Unknown,
    }
}

/// Yes if one is Yes; evaluates all, so that every missing key is named.
pub(in crate::iam) fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    answers.fold(Answer::No, |so_far, answer| match (so_far, answer) {
        (Answer::Yes, _) | (_, Answer::Yes) => Answer::Yes,
        (Answer::Unknown, Answer::No | Answer::Unknown) | (Answer::No, Answer::Unknown) => Answer::Unknown,
        (Answer::No, Answer::No) => Answer::No,
    })
}

/// No if one is No; evaluates all, so that every missing key is named.
pub(in crate::iam) fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    not(any(answers.map(not)))
}

fn bool_of(text: &str) -> Option<bool> {
    match text {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _neither => None,
    }
}

/// A number: exact where it is whole, so that large ids do not melt into each other.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(i128),
    Decimal(f64),
}

impl Number {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse() {
            return Some(Self::Whole(whole));
        }
        // No "inf", no "nan".
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        plain
            .then(|| {
                text.parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite())
                    .map(Self::Decimal)
            })
            .flatten()
    }

    /// Whether it is so small that fractions and whole numbers compare exactly.
    pub(super) fn is_exact(self) -> bool {
        match self {
            Self::Whole(whole) => whole.unsigned_abs() < 1_u128 << 53,
            Self::Decimal(decimal) => decimal.abs() < 9_007_199_254_740_992.0,
        }
    }

    pub(super) fn compare(self, other: Self) -> Ordering {
        let float = |number| match number {
            #[expect(clippy::cast_precision_loss, reason = "only where the other side is a fraction")]
            Self::Whole(whole) => whole as f64,
            Self::Decimal(decimal) => decimal,
        };
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Whole(_) | Self::Decimal(_), Self::Whole(_) | Self::Decimal(_)) => {
                float(self).partial_cmp(&float(other)).unwrap_or(Ordering::Equal)
            }
        }
    }
}

/// The first and the last address of a range, or of an address.
pub(in crate::iam) fn network_ends(text: &str) -> Option<[IpAddr; 2]> {
    let Network { base, bits } = Network::parse(text)?;
    Some(match base {
        IpAddr::V4(base) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            [base.to_bits() & mask, base.to_bits() | !mask].map(|bits| IpAddr::V4(bits.into()))
        }
        IpAddr::V6(base) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            [base.to_bits() & mask, base.to_bits() | !mask].map(|bits| IpAddr::V6(bits.into()))
        }
    })
}

/// An address, or a range of them in CIDR notation.
pub(super) struct Network {
    base: IpAddr,
    bits: u32,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().ok()?;
        let width = match base {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { base, bits })
    }

    pub(super) fn includes(&self, inner: &Self) -> bool {
        self.bits <= inner.bits && self.holds(inner.base)
    }

    /// Whether no address lies in both. IPv4 and IPv6 are apart, but for the range of IPv6 that writes IPv4 (`::ffff:0:0/96`).
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        let mapped = Self {
            base: Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().into(),
            bits: 96,
        };
        let meets = |a: &Self, b: &Self| a.includes(b) || b.includes(a);
        let writes_ipv4 = |network: &Self| network.base.is_ipv6() && meets(network, &mapped);
        match self.base.is_ipv4() == other.base.is_ipv4() {
            true => !meets(self, other),
            false => !writes_ipv4(self) && !writes_ipv4(other),
        }
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}
