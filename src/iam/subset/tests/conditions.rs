//! Conditions of every operator and qualifier: what is proved of two of them holds in requests that are decided twice, by
//! the engine and by what IAM's reference says of each operator, written here once more.
//!
//! (IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys", "IAM
//! policy elements: Variables and tags".)

use std::cmp::Ordering;
use std::net::IpAddr;

use proptest::sample::select;

use super::*;
use crate::iam::condition::Comparison;
use crate::iam::evaluate::{Outcome, Policies, evaluate};
use crate::iam::request::{Context, Request};

/// Values of a kind, each also a value of requests, and what only requests have.
const TEXTS: [&str; 20] = [
    "a",
    "A",
    "b",
    "ab",
    "abc",
    "a*",
    "*",
    "?",
    "a?",
    "a*c",
    "*b*",
    "",
    " a",
    "é",
    "É",
    "${*}",
    "a${?}",
    "${aws:username}",
    "${aws:username, 'a'}",
    "team/${aws:username}",
];
const NUMBERS: [&str; 20] = [
    "0",
    "-0",
    "1",
    "01",
    "+1",
    "1.0",
    "1.5",
    "1e1",
    "10",
    "-3",
    "-3.5",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.5",
    "0.1",
    "0.10000000000000000001",
    "1e-400",
    "abc",
    "",
    "${aws:username}",
];
const DATES: [&str; 15] = [
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00+01:00",
    "2026-01-01T00:00:00.5Z",
    "2026-01-01T00:00:00.25Z",
    "2026-01-01T00:00:01Z",
    "2027-06-01T12:00:00-02:00",
    "1767225600",
    "1767225601",
    "1969-12-31",
    "-1",
    "2024-02-29",
    "2026-02-29",
    "2026",
    "never",
];
const NETWORKS: [&str; 17] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "10.1.2.3/32",
    "10.1.2.3/8",
    "0.0.0.0/0",
    "192.168.0.0/16",
    "10.1.2.3/33",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:DB8:0:0::1",
    "::/0",
    "::ffff:10.1.2.3",
    "::ffff:0:0/96",
    "010.1.2.3",
    "here",
    "",
];
const ARNS: [&str; 14] = [
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b*",
    "arn:aws:s3:::*",
    "arn:aws:*:*:*:b/k",
    "arn:*:s3:::b",
    "arn:aws:iam::111122223333:role/a",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:iam::1111222?3333:role/a",
    "arn:aws:sns:eu-west-1:111122223333:t:s",
    "arn:aws:sns:*:111122223333:t*",
    "*",
    "b",
    "arn:aws:s3:::${aws:username}",
];
const BOOLS: [&str; 6] = ["true", "false", "True", "FALSE", "yes", ""];
const BINARY: [&str; 5] = ["YQ==", "Yg==", "YQ", "", "?"];
/// Each kind of operator with its values.
const KINDS: [(&str, &[&str]); 7] = [
    ("String", &TEXTS),
    ("Numeric", &NUMBERS),
    ("Date", &DATES),
    ("Ip", &NETWORKS),
    ("Arn", &ARNS),
    ("Bool", &BOOLS),
    ("Binary", &BINARY),
];

fn operators(kind: &str) -> Vec<&'static str> {
    let names = Comparison::ALL.iter().map(|(name, _)| *name);
    let found = names.filter(|name| name.contains(kind) || *name == "Null" && kind == "Bool");
    found.collect()
}

/// One condition: an operator with its values.
type One = (String, Vec<String>);

fn any_one(kind: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = One> {
    let set = prop_oneof![3 => Just(""), 1 => Just("ForAllValues:"), 1 => Just("ForAnyValue:")];
    let values = prop_oneof![20 => prop::collection::vec(select(values), 1..4), 1 => Just(Vec::new())];
    (set, select(operators(kind)), any::<bool>(), values).prop_map(|(set, name, if_exists, values)| {
        let suffix = if if_exists && name != "Null" { "IfExists" } else { "" };
        let values = values.into_iter().map(str::to_owned).collect();
        (format!("{set}{name}{suffix}"), values)
    })
}

/// Two conditions of one kind, often with one qualifier and values in common, as a team that narrows one writes them.
fn any_pair() -> impl Strategy<Value = (One, One, &'static [&'static str])> {
    select(&KINDS[..]).prop_flat_map(|(kind, values)| {
        (any_one(kind, values), any_one(kind, values), 0..4_u8).prop_map(move |(given, mut then, alike)| {
            let set = |name: &str| name.split_once(':').map_or(String::new(), |(set, _)| format!("{set}:"));
            if alike > 0 {
                let name = then.0.rsplit(':').next().unwrap_or_default().to_owned();
                then.0 = set(&given.0) + &name;
            }
            if alike > 1 {
                then.1.extend(given.1.iter().cloned());
            }
            if alike > 2 {
                then.0.clone_from(&given.0);
            }
            (given, then, values)
        })
    })
}

/// What a request says of the key, and of `aws:username`.
#[derive(Clone, Debug)]
struct Said {
    values: Vec<String>,
    user: Option<&'static str>,
}

fn requests(values: &[&'static str], runner: &mut TestRunner) -> Vec<Said> {
    let more = [
        "ac",
        "team/a",
        "2",
        "10.0.0.1",
        "arn:aws:s3:::a",
        "2026-01-01T00:00:00.3Z",
        "0.10000000000000000000000001",
    ];
    let all: Vec<&'static str> = values.iter().copied().chain(more).collect();
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let mut found = vec![Vec::new()];
    found.extend(all.iter().map(|value| owned(&[value])));
    let several = prop::collection::vec(select(all), 2..4);
    found.extend((0..8).map(|_| owned(&several.new_tree(runner).unwrap().current())));
    let users = [None, Some("a"), Some("*")];
    let each = found.into_iter().enumerate();
    each.map(|(at, values)| Said {
        values,
        user: users[at % 3],
    })
    .collect()
}

/// Whether one condition holds, by the reference; `None` where that does not say.
fn by_reference((operator, own): &One, said: &Said) -> Option<bool> {
    let (set, rest) = operator.split_once(':').unwrap_or(("", operator));
    let (name, if_exists) = match rest.strip_suffix("IfExists") {
        Some(name) => (name, true),
        None => (rest, false),
    };
    let is_negated = name.contains("Not");
    if name == "Null" {
        let asked: Option<Vec<bool>> = own.iter().map(|own| truth(own)).collect();
        return asked
            .filter(|_| set.is_empty())
            .map(|asked| asked.contains(&said.values.is_empty()));
    }
    let each = || {
        said.values.iter().map(|value| {
            let any = any_of(own.iter().map(|own| meets(name, own, value, said.user)));
            any.map(|any| any != is_negated)
        })
    };
    match (set, said.values.len()) {
        ("ForAllValues", 0) => Some(true),
        // The guide says no, and of IfExists yes.
        ("ForAnyValue", 0) if if_exists => None,
        ("ForAnyValue", 0) => Some(false),
        (_, 0) => Some(if_exists || is_negated),
        ("ForAllValues", _) => any_of(each().map(|met| met.map(|met| !met))).map(|missed| !missed),
        ("ForAnyValue", _) => any_of(each()),
        (_, 1) => each().next().flatten(),
        // "Do not use a set operator with a single-valued key": of the reverse it says nothing.
        _ => None,
    }
}

/// Whether one is true; unknown where none is and one is unknown.
fn any_of(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<Option<bool>> = all.collect();
    match all.contains(&Some(true)) {
        true => Some(true),
        false if all.contains(&None) => None,
        false => Some(false),
    }
}

fn truth(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

/// Whether a value of a request meets one of the policy, before `Not`.
fn meets(name: &str, own: &str, value: &str, user: Option<&str>) -> Option<bool> {
    let plain = name.replacen("Not", "", 1);
    match plain.as_str() {
        "StringEquals" => Some(written(own, user)?.iter().map(|(c, _)| *c).eq(value.chars())),
        "StringEqualsIgnoreCase" => {
            let own: String = written(own, user)?.iter().map(|(c, _)| *c).collect();
            (own.is_ascii() && value.is_ascii()).then(|| own.eq_ignore_ascii_case(value))
        }
        "StringLike" => Some(like(&written(own, user)?, value)),
        "ArnEquals" | "ArnLike" => {
            let (own, value): (Vec<&str>, Vec<&str>) = (own.splitn(6, ':').collect(), value.splitn(6, ':').collect());
            let parts = (own.len() == 6 && value.len() == 6).then_some(own.iter().zip(value))?;
            let each: Option<Vec<bool>> = parts
                .map(|(own, value)| Some(like(&written(own, user)?, value)))
                .collect();
            Some(!each?.contains(&false))
        }
        "Bool" => Some(truth(own)? == truth(value)?),
        "BinaryEquals" => {
            let is_base64 = |text: &str| text.len() == 4 && text.ends_with("==");
            (is_base64(own) && is_base64(value)).then_some(own == value)
        }
        "IpAddress" => in_network(own, value),
        _ => {
            let order = match plain.strip_prefix("Numeric") {
                Some(_) => decimals(value, own)?,
                None => moment(value)?.cmp(&moment(own)?),
            };
            let relation = plain.trim_start_matches("Numeric").trim_start_matches("Date");
            Some(match relation {
                "Equals" => order.is_eq(),
                "LessThan" => order.is_lt(),
                "LessThanEquals" => order.is_le(),
                "GreaterThan" => order.is_gt(),
                "GreaterThanEquals" => order.is_ge(),
                other => panic!("no operator {name}: {other}"),
            })
        }
    }
}

/// The characters of a policy's value, each with whether it is a wildcard; `None` where a variable has no value.
fn written(own: &str, user: Option<&str>) -> Option<Vec<(char, bool)>> {
    let mut out = Vec::new();
    let mut rest = own;
    while let Some(first) = rest.chars().next() {
        if let Some((inner, after)) = rest.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            let value = match inner {
                "*" | "?" | "$" => inner,
                _ => user.or_else(|| Some(inner.split_once(", '")?.1.trim_end_matches('\'')))?,
            };
            out.extend(value.chars().map(|c| (c, false)));
            rest = after;
            continue;
        }
        out.push((first, first == '*' || first == '?'));
        rest = &rest[first.len_utf8()..];
    }
    Some(out)
}

fn like(own: &[(char, bool)], value: &str) -> bool {
    let value: Vec<char> = value.chars().collect();
    // Which lengths of the value the pattern so far can take.
    let mut ends = vec![false; value.len() + 1];
    ends[0] = true;
    for piece in own {
        let from = ends.clone();
        for at in 0..=value.len() {
            ends[at] = match piece {
                ('*', true) => from[..=at].contains(&true),
                (c, is_wildcard) => at > 0 && from[at - 1] && (*is_wildcard || value[at - 1] == *c),
            };
        }
    }
    ends[value.len()]
}

/// Whether an address lies in a network; unknown where the one is IPv4 and the other is IPv4 written as IPv6.
fn in_network(own: &str, value: &str) -> Option<bool> {
    let address: IpAddr = value.parse().ok()?;
    let (base, bits) = match own.split_once('/') {
        Some((base, bits)) => (base, Some(bits.parse::<usize>().ok()?)),
        None => (own, None),
    };
    let base: IpAddr = base.parse().ok()?;
    let binary = |address: IpAddr| match address {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    };
    let (base_bits, address_bits) = (binary(base), binary(address));
    let bits = bits.unwrap_or(base_bits.len());
    if bits > base_bits.len() {
        return None;
    }
    if base.is_ipv4() != address.is_ipv4() {
        return (base == base.to_canonical() && address == address.to_canonical() && bits > 0).then_some(false);
    }
    Some(base_bits[..bits] == address_bits[..bits])
}

/// How two numbers compare, digit by digit; `None` where one is none.
fn decimals(a: &str, b: &str) -> Option<Ordering> {
    let parse = |text: &str| -> Option<(bool, String, String)> {
        let (minus, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let point = i64::try_from(whole.len()).ok()? + exponent.parse::<i64>().ok()?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let zeros = |count: i64| "0".repeat(usize::try_from(count.max(0)).unwrap());
        let length = i64::try_from(digits.len()).ok()?;
        let padded = zeros(-point) + &digits + &zeros(point - length);
        let (whole, fraction) = padded.split_at(usize::try_from(point.max(0)).ok()?);
        Some((
            minus,
            whole.trim_start_matches('0').to_owned(),
            fraction.trim_end_matches('0').to_owned(),
        ))
    };
    let ((a_minus, a_whole, a_fraction), (b_minus, b_whole, b_fraction)) = (parse(a)?, parse(b)?);
    let is_zero = a_whole.is_empty() && a_fraction.is_empty() && b_whole.is_empty() && b_fraction.is_empty();
    let size = a_whole
        .len()
        .cmp(&b_whole.len())
        .then(a_whole.cmp(&b_whole))
        .then(a_fraction.cmp(&b_fraction));
    Some(match (a_minus, b_minus) {
        _ if is_zero => Ordering::Equal,
        (false, false) => size,
        (true, true) => size.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

fn moment(text: &str) -> Option<jiff::Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = (digits.len() != 4).then(|| text.parse().ok())??;
        return jiff::Timestamp::from_second(seconds).ok();
    }
    match text.len() {
        10 => format!("{text}T00:00:00Z").parse().ok(),
        _ => text.parse().ok(),
    }
}

fn with(effect: &str, (operator, values): &One) -> Value {
    json!({"Effect": effect, "Action": "s3:GetObject", "Resource": "*", "Condition": {operator: {"aws:Key": values}}})
}

/// Whether a policy allows the request, by the engine.
fn decided(policy: &Policy, said: &Said) -> Outcome {
    let mut context = Context::default();
    context.set("aws:key", said.values.clone());
    context.set(
        "aws:username",
        said.user.iter().map(|user| (*user).to_owned()).collect(),
    );
    let request = Request {
        principal: "arn:aws:iam::111122223333:user/ana".to_owned(),
        action: "s3:GetObject".to_owned(),
        resource: "arn:aws:s3:::b/k".to_owned(),
        resource_account: None,
        context,
    };
    let policies = Policies {
        identity: vec![policy.clone()],
        ..Policies::default()
    };
    evaluate(&request, &policies).outcome
}

#[test]
fn no_condition_that_is_proved_fails_in_a_request_by_either_engine() {
    let mut runner = TestRunner::deterministic();
    let pairs = any_pair();
    let mut proved = std::collections::BTreeMap::new();
    let (mut agreed, mut doubtful, mut wrong) = (0_u32, 0_u32, Vec::new());
    for _ in 0..3_000 {
        let (given, then, values) = pairs.new_tree(&mut runner).unwrap().current();
        let allows = |one: &One| policy(&document(json!([with("Allow", one)])));
        let (old, new) = (allows(&then), allows(&given));
        let allowing = allows_no_more(&old, &new) == Verdict::Proved;
        let denies = |one: &One| {
            let all = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
            policy(&document(json!([all, with("Deny", one)])))
        };
        // What is denied wherever the other is may take its place.
        let denying = allows_no_more(&denies(&given), &denies(&then)) == Verdict::Proved;
        if allowing {
            *proved.entry(format!("{} in {}", given.0, then.0)).or_insert(0_u32) += 1;
        }
        for said in requests(values, &mut runner) {
            let (one, two) = (by_reference(&given, &said), by_reference(&then, &said));
            let (by_new, by_old) = (decided(&new, &said), decided(&old, &said));
            for (answer, outcome, condition) in [(one, by_new, &given), (two, by_old, &then)] {
                let holds = match outcome {
                    Outcome::Allowed => Some(true),
                    Outcome::ImplicitlyDenied => Some(false),
                    Outcome::ExplicitlyDenied | Outcome::Unknown => None,
                };
                match answer.is_some() && holds.is_some() && !is_long(condition, &said) {
                    true if answer == holds => agreed += 1,
                    true => wrong.push(format!("the engines differ: {condition:?} {said:?}")),
                    false => doubtful += 1,
                }
            }
            let fails = by_new == Outcome::Allowed
                && (allowing && by_old != Outcome::Allowed || denying && by_old == Outcome::ImplicitlyDenied);
            if fails || (allowing || denying) && one == Some(true) && two == Some(false) {
                wrong.push(format!("proved, and not so: {given:?} {then:?} {said:?}"));
            }
        }
    }
    wrong.truncate(60);
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.join("\n"));
    let all: u32 = proved.values().sum();
    println!(
        "{all} proved of {} kinds; {agreed} answers agree, {doubtful} are open to one engine",
        proved.len()
    );
    assert!(all > 100 && agreed > 10_000, "{all} {agreed}");
}

/// Whether numbers have more digits than IAM is known to keep: what it makes of them is not documented.
fn is_long((operator, own): &One, said: &Said) -> bool {
    let digits = |text: &String| text.bytes().filter(u8::is_ascii_digit).count() > 15 || text.contains("e-");
    operator.contains("Numeric") && own.iter().chain(&said.values).any(digits)
}
