//! Whether one condition holds in every request in which another does.

use std::cmp::Ordering;

use super::holds::{self, Kind, Network, Number, Relation};
use super::{Comparison, Condition, SetQualifier, date};
use crate::iam::Resource;
use crate::iam::arn;
use crate::iam::pattern::{self, Effort};

/// Whether `then` surely holds wherever `given` does: the same key and qualifier, at most laxer where the key is absent, and
/// every value that meets the one meets the other. `false` means "no, or not proved".
pub(in crate::iam) fn implies(given: &Condition, then: &Condition, effort: &Effort) -> bool {
    let is_null = |condition: &Condition| condition.operator.comparison == Comparison::Null;
    let comparable = given.operator.set == then.operator.set
        && is_null(given) == is_null(then)
        && given.key.eq_ignore_ascii_case(&then.key)
        && (holds_without_key(then) || !holds_without_key(given));
    if !comparable || !effort.spend(given.values.len() * then.values.len()) {
        return false;
    }
    let (of_given, of_then) = (
        holds::test(given.operator.comparison),
        holds::test(then.operator.comparison),
    );
    let within = |inner: &Condition, outer: &Condition| {
        inner.values.iter().all(|value| {
            outer
                .values
                .iter()
                .any(|wider| includes((outer, wider), (inner, value), effort))
        })
    };
    match (of_given.negated, of_then.negated) {
        (false, false) => within(given, then),
        // What must be met is met by fewer values; what must be missed is missed by more.
        (true, true) => within(then, given),
        (false, true) => {
            let apart = |one: &String| then.values.iter().all(|other| is_apart((given, one), (then, other)));
            given.values.iter().all(apart)
        }
        (true, false) => false,
    }
}

/// A condition with one of its values.
type Valued<'c> = (&'c Condition, &'c str);

fn kind((condition, _): Valued<'_>) -> Kind {
    holds::test(condition.operator.comparison).kind
}

/// Whether the condition holds in a request that lacks its key. `Null` is compared by its values alone.
fn holds_without_key(condition: &Condition) -> bool {
    let operator = condition.operator;
    operator.if_exists
        || match operator.set {
            Some(SetQualifier::ForAllValues) => true,
            Some(SetQualifier::ForAnyValue) => false,
            None => holds::is_negated(operator.comparison),
        }
}

/// No policy variable, and no wildcard written as one.
fn is_plain(text: &str) -> bool {
    !text.contains("${")
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether whatever meets the inner value meets the outer one too.
fn includes(outer: Valued<'_>, inner: Valued<'_>, effort: &Effort) -> bool {
    let ((of_outer, wide), (of_inner, narrow)) = (outer, inner);
    let plain = is_plain(wide) && is_plain(narrow);
    if wide == narrow && kind(outer) == kind(inner) {
        return of_outer.version == of_inner.version || plain;
    }
    match (kind(outer), kind(inner)) {
        // What a text equals, read as a pattern, stands for that and more.
        (Kind::Like, Kind::Like | Kind::Text) => plain && pattern::union_includes_within(&[wide], &[narrow], effort),
        (Kind::Text, Kind::Like) => plain && !has_wildcard(narrow) && wide == narrow,
        (Kind::TextAnyCase, Kind::Text | Kind::TextAnyCase) => plain && wide.to_lowercase() == narrow.to_lowercase(),
        (Kind::TextAnyCase, Kind::Like) => {
            plain && !has_wildcard(narrow) && wide.to_lowercase() == narrow.to_lowercase()
        }
        (Kind::Arn, Kind::Arn) => {
            let resource = |of: &Condition, text: &str| Resource::new(text, of.version);
            plain && arn::union_includes(&[&resource(of_outer, wide)], &[&resource(of_inner, narrow)], effort)
        }
        (Kind::Ip, Kind::Ip) => match (Network::parse(wide), Network::parse(narrow)) {
            (Some(outer), Some(inner)) => outer.includes(&inner),
            (Some(_) | None, Some(_) | None) => false,
        },
        (Kind::Number(wider), Kind::Number(narrower)) => {
            numbers(narrow, wide).is_some_and(|order| reaches(narrower, order, wider))
        }
        (Kind::Date(wider), Kind::Date(narrower)) => {
            dates(narrow, wide).is_some_and(|order| reaches(narrower, order, wider))
        }
        (
            Kind::Text
            | Kind::TextAnyCase
            | Kind::Like
            | Kind::Number(_)
            | Kind::Date(_)
            | Kind::Bool
            | Kind::Binary
            | Kind::Ip
            | Kind::Arn
            | Kind::Null,
            _,
        ) => false,
    }
}

/// Whether nothing that meets the one value meets the other.
fn is_apart(one: Valued<'_>, other: Valued<'_>) -> bool {
    let (a, b) = (one.1, other.1);
    let plain = is_plain(a) && is_plain(b);
    match (kind(one), kind(other)) {
        (Kind::Text, Kind::Text) => plain && a != b,
        (Kind::TextAnyCase, Kind::Text | Kind::TextAnyCase) | (Kind::Text, Kind::TextAnyCase) => {
            plain && a.to_lowercase() != b.to_lowercase()
        }
        (Kind::Text, Kind::Like) => plain && !has_wildcard(a) && !pattern::matches(b, a),
        (Kind::Like, Kind::Text) => plain && !has_wildcard(b) && !pattern::matches(a, b),
        (Kind::Number(relation), Kind::Number(Relation::Equal)) => {
            numbers(b, a).is_some_and(|order| !relation.holds(order))
        }
        (Kind::Date(relation), Kind::Date(Relation::Equal)) => dates(b, a).is_some_and(|order| !relation.holds(order)),
        (Kind::Ip, Kind::Ip) => match (Network::parse(a), Network::parse(b)) {
            (Some(a), Some(b)) => a.is_apart(&b),
            (Some(_) | None, Some(_) | None) => false,
        },
        (
            Kind::Text
            | Kind::TextAnyCase
            | Kind::Like
            | Kind::Number(_)
            | Kind::Date(_)
            | Kind::Bool
            | Kind::Binary
            | Kind::Ip
            | Kind::Arn
            | Kind::Null,
            _,
        ) => false,
    }
}

/// How two numbers compare; `None` where one is none, or so large or long that comparing is not exact.
fn numbers(a: &str, b: &str) -> Option<Ordering> {
    let (one, two) = (Number::parse(a)?, Number::parse(b)?);
    let is_exact = one.is_exact() && two.is_exact() && is_short(a) && is_short(b);
    is_exact.then(|| one.compare(two))
}

/// Whether no two numbers of so few digits are read as the same fraction: 15 digits, and no exponent beyond 99.
fn is_short(number: &str) -> bool {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    digits(mantissa) <= 15 && digits(exponent) <= 2
}

/// How two moments compare; `None` where one is none, or has parts of seconds: how finely IAM counts is not documented.
fn dates(a: &str, b: &str) -> Option<Ordering> {
    let (one, two) = (date::parse(a)?, date::parse(b)?);
    (one.1 == 0 && two.1 == 0).then(|| one.cmp(&two))
}

/// Whether all that relates so to one bound relates to another as `wider` says; `order` is how the first compares.
fn reaches(narrower: Relation, order: Ordering, wider: Relation) -> bool {
    use Relation as R;
    match (narrower, wider) {
        (R::Equal, wider) => wider.holds(order),
        (R::Less, R::Less | R::LessOrEqual) | (R::LessOrEqual, R::LessOrEqual) => order.is_le(),
        (R::LessOrEqual, R::Less) => order.is_lt(),
        (R::Greater, R::Greater | R::GreaterOrEqual) | (R::GreaterOrEqual, R::GreaterOrEqual) => order.is_ge(),
        (R::GreaterOrEqual, R::Greater) => order.is_gt(),
        (R::Less | R::LessOrEqual, R::Equal | R::Greater | R::GreaterOrEqual)
        | (R::Greater | R::GreaterOrEqual, R::Equal | R::Less | R::LessOrEqual) => false,
    }
}
