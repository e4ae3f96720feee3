//! Whether one condition holds in every request in which another does.

use super::holds::{self, Network};
use super::{Comparison, Condition, SetQualifier};
use crate::iam::Resource;
use crate::iam::arn;
use crate::iam::pattern::{self, Effort};

/// Whether `then` surely holds wherever `given` does: the same key and comparison, at most laxer where the key is absent,
/// and the values of the one within those of the other. `false` means "no, or not proved".
pub(in crate::iam) fn implies(given: &Condition, then: &Condition, effort: &Effort) -> bool {
    let (of_given, of_then) = (given.operator, then.operator);
    let comparable = alike(of_given.comparison) == alike(of_then.comparison)
        && of_given.set == of_then.set
        && given.key.eq_ignore_ascii_case(&then.key)
        && (holds_without_key(then) || !holds_without_key(given));
    if !comparable || !effort.spend(given.values.len() * then.values.len()) {
        return false;
    }
    let within = |inner: &Condition, outer: &Condition| {
        inner.values.iter().all(|value| {
            outer
                .values
                .iter()
                .any(|wider| includes(outer, wider, inner, value, effort))
        })
    };
    // What must be met is met by fewer values; what must be missed is missed by more.
    if holds::is_negated(of_given.comparison) {
        within(then, given)
    } else {
        within(given, then)
    }
}

/// ArnEquals takes wildcards like ArnLike ("Condition operators: Amazon Resource Name").
fn alike(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::ArnEquals => Comparison::ArnLike,
        Comparison::ArnNotEquals => Comparison::ArnNotLike,
        other => other,
    }
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

/// Whether whatever meets the value `inner` of `of_inner` meets the value `outer` of `of_outer` too.
fn includes(of_outer: &Condition, outer: &str, of_inner: &Condition, inner: &str, effort: &Effort) -> bool {
    let same_language = of_outer.version == of_inner.version;
    let plain = !outer.contains("${") && !inner.contains("${");
    if outer == inner {
        return same_language || plain;
    }
    match of_outer.operator.comparison {
        Comparison::StringLike | Comparison::StringNotLike => {
            plain && pattern::union_includes_within(&[outer], &[inner], effort)
        }
        Comparison::ArnEquals | Comparison::ArnLike | Comparison::ArnNotEquals | Comparison::ArnNotLike => {
            let resource = |of: &Condition, text: &str| Resource::new(text, of.version);
            plain && arn::union_includes(&[&resource(of_outer, outer)], &[&resource(of_inner, inner)], effort)
        }
        Comparison::IpAddress | Comparison::NotIpAddress => match (Network::parse(outer), Network::parse(inner)) {
            (Some(outer), Some(inner)) => outer.includes(&inner),
            (Some(_) | None, Some(_) | None) => false,
        },
        Comparison::StringEquals
        | Comparison::StringNotEquals
        | Comparison::StringEqualsIgnoreCase
        | Comparison::StringNotEqualsIgnoreCase
        | Comparison::NumericEquals
        | Comparison::NumericNotEquals
        | Comparison::NumericLessThan
        | Comparison::NumericLessThanEquals
        | Comparison::NumericGreaterThan
        | Comparison::NumericGreaterThanEquals
        | Comparison::DateEquals
        | Comparison::DateNotEquals
        | Comparison::DateLessThan
        | Comparison::DateLessThanEquals
        | Comparison::DateGreaterThan
        | Comparison::DateGreaterThanEquals
        | Comparison::Bool
        | Comparison::BinaryEquals
        | Comparison::Null => false,
    }
}
