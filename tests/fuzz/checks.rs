//! What must hold for any bytes: one function a fuzz target, and the same functions on the kept inputs in `cargo test`.
//!
//! A check panics where something that the program promises does not hold; everything else is a wrong input, and fine.

#![allow(dead_code, reason = "each target uses one of them")]

mod digests;
#[cfg(feature = "polars")]
mod ledger;
mod patch;

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::decode::{self, Event, Item, Limits};
use trimtrail::inside::iam::evaluate::{self, Policies};
use trimtrail::inside::iam::subset::{self, Verdict};
use trimtrail::inside::iam::{ActionPart, Answer, Policy, Request, ResourcePart, pattern};
use trimtrail::inside::{attribute, config, grants, iam, resolve};

pub(crate) use digests::digests;
#[cfg(feature = "polars")]
pub(crate) use ledger::ledger;
pub(crate) use patch::{hcl as patch_hcl, json as patch_json, yaml as patch_yaml};

/// Takes any bytes, and panics where a promise is broken.
type Check = fn(&[u8]);

/// Every check by its name; the name of its folder of inputs, too.
pub(crate) const ALL: &[(&str, Check)] = &[
    ("config", config),
    ("decode", decode),
    ("digests", digests),
    ("glob", glob),
    ("grants", grants),
    #[cfg(feature = "polars")]
    ("ledger", ledger),
    ("patch-hcl", patch_hcl),
    ("patch-json", patch_json),
    ("patch-yaml", patch_yaml),
    ("policy", policy),
    ("reduced", reduced),
    ("simulate", simulate),
    ("table", table),
    ("wrappers", wrappers),
];

/// A new folder for this process.
fn scratch(name: &str) -> PathBuf {
    let folder = scratch_root().join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn scratch_root() -> PathBuf {
    std::env::temp_dir().join(format!("trimtrail-fuzz-{}", std::process::id()))
}

/// Removes what [`scratch`] made; no check works afterwards.
pub(crate) fn tidy() {
    let _ = fs::remove_dir_all(scratch_root());
}

/// Small limits, so that small inputs reach them.
fn limits() -> Limits {
    Limits {
        max_output: 1 << 20,
        one_shot: 1 << 16,
        max_record: 1 << 12,
    }
}

/// Reads bytes, holds the books to it, and hands each event on to the stages behind.
fn read(bytes: &[u8], limits: &Limits) -> Vec<String> {
    let (mut booked, mut events) = (0, Vec::new());
    let facts = decode::read_slice(bytes, limits, &mut |item| match item {
        Item::Event(event) => {
            booked += event.calls();
            through(event);
            events.push(format!("{event:?}"));
        }
        Item::Digest(_) => {}
        Item::NotCalls { records, .. } | Item::Skipped { records, .. } => booked += records,
    });
    assert_eq!(facts.records, booked, "the books do not close");
    events
}

/// One event through attribution and resolution.
fn through(event: &Event<'_>) {
    let catalog = Catalog::embedded();
    let _ = attribute::attribute(event);
    let _ = attribute::seed(event);
    let _ = attribute::shown_by(event);
    let _ = resolve::outcome(event);
    let operation = resolve::Operation::of(catalog, &event.source, &event.name);
    let _ = resolve::data_roots(event, &operation);
    let observed = resolve::observe(event, &operation);
    let resolution = resolve::resolve(catalog, &operation, &observed.facts, &observed.resources);
    for need in &resolution.needs {
        let held = resolution.may_need.iter().any(|call| call.action == need.action);
        assert!(held, "may_need lacks what is needed");
    }
}

/// Any bytes, compressed or not.
pub(crate) fn decode(data: &[u8]) {
    read(data, &limits());
}

/// The rest of a line of `trimtrail.events/1`.
pub(crate) fn reduced(data: &[u8]) {
    read(&[br#"{"schema":"trimtrail.events/1","#, data].concat(), &limits());
}

/// One record in every wrapper: it must read the same.
pub(crate) fn wrappers(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(Value::Object(record)) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let holds_records = [
        "Records",
        "Events",
        "events",
        "logEvents",
        "CloudTrailEvent",
        "detail",
        "message",
        "@message",
    ];
    if holds_records.iter().any(|name| record.contains_key(*name)) || text.matches(['{', '[']).count() > 40 {
        return;
    }
    let alone = read(data, &Limits::default());
    let shapes = [
        format!(r#"{{"Records":[{text}]}}"#),
        format!("[{text}]"),
        format!("{text}\n{text}"),
        json!({"Events": [{"CloudTrailEvent": text}]}).to_string(),
        format!(r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{text}}}"#),
        json!({"logEvents": [{"message": text}]}).to_string(),
    ];
    for shape in shapes {
        let mut wrapped = read(shape.as_bytes(), &Limits::default());
        wrapped.dedup();
        assert_eq!(alone, wrapped, "reads differently in {shape}");
    }
}

/// Rows under the header of Athena, of Event history, and one of their own.
pub(crate) fn table(data: &[u8]) {
    let Some((first, rows)) = data.split_first() else {
        return;
    };
    let header: &[u8] = match first % 3 {
        0 => b"eventversion,useridentity,eventtime,eventsource,eventname,awsregion,sourceipaddress,useragent,errorcode,errormessage,requestparameters,responseelements,additionaleventdata,requestid,eventid,resources,eventtype,recipientaccountid\n",
        1 => b"Event time,User name,Event source,Event name,Resource type,Resource name,AWS access key,AWS region,Error code,Event ID,Read-only\n",
        _ => b"",
    };
    read(&[header, rows].concat(), &limits());
}

/// A policy, or two with a zero between: parsing keeps the meaning, a proof holds, a witness is real.
pub(crate) fn policy(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (old, new) = text.split_once('\0').unwrap_or((text, text));
    let (Ok(old), Ok(new)) = (Policy::parse(old), Policy::parse(new)) else {
        return;
    };
    let again = Policy::parse(&old.to_value().to_string()).expect("what was written can be read");
    assert_eq!(old, again, "writing changes the policy");
    let allows = |policy: &Policy, request: &Request| {
        let policies = Policies {
            identity: vec![policy.clone()],
            ..Policies::default()
        };
        evaluate::evaluate(request, &policies).allows
    };
    match subset::allows_no_more(&old, &new) {
        Verdict::Unknown(_) => {}
        Verdict::Refuted(witness) => {
            let request = witness.request();
            assert_eq!(
                allows(&new, &request),
                Answer::Yes,
                "{witness} is not allowed by the new policy"
            );
            assert_ne!(
                allows(&old, &request),
                Answer::Yes,
                "{witness} is allowed by the old policy"
            );
        }
        Verdict::Proved => {
            for request in requests(&new) {
                if allows(&new, &request) == Answer::Yes {
                    assert_ne!(allows(&old, &request), Answer::No, "proved, but {request:?}");
                }
            }
        }
    }
}

/// Requests that a policy's own patterns suggest.
fn requests(policy: &Policy) -> Vec<Request> {
    let mut actions = vec!["s3:GetObject".to_owned()];
    let mut resources = vec!["arn:aws:s3:::b/k".to_owned()];
    for statement in policy.statements.iter().take(4) {
        let (ActionPart::Action(patterns) | ActionPart::NotAction(patterns)) = &statement.action;
        actions.extend(patterns.iter().take(3).map(|pattern| fill(pattern.text())));
        if let ResourcePart::Resource(patterns) | ResourcePart::NotResource(patterns) = &statement.resource {
            resources.extend(patterns.iter().take(3).map(|pattern| fill(pattern.text())));
        }
    }
    let mut found = Vec::new();
    for action in &actions {
        for resource in &resources {
            found.push(Request {
                principal: "arn:aws:iam::111122223333:user/u".to_owned(),
                action: action.clone(),
                resource: resource.clone(),
                resource_account: Some("111122223333".to_owned()),
                context: Default::default(),
            });
        }
    }
    found
}

fn fill(pattern: &str) -> String {
    pattern.replace('*', "x").replace('?', "y")
}

/// A case of `simulate`: an answer for anything, and a denial of all on top denies.
pub(crate) fn simulate(data: &[u8]) {
    let Ok(mut case) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let decision = |case: &Value| {
        iam::simulate::decide(case)["decision"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    let before = decision(&case);
    assert!(
        ["allowed", "implicitly_denied", "explicitly_denied", "unknown"].contains(&before.as_str()),
        "`{before}` is no decision"
    );
    if let Some(policies) = case.get_mut("identity_policies").and_then(Value::as_array_mut) {
        policies
            .push(json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}));
        let after = decision(&case);
        assert_ne!(after, "allowed", "a denial of everything allows");
    }
}

/// Two or three small patterns: inclusion and overlap against every text up to eight characters.
pub(crate) fn glob(data: &[u8]) {
    let letters = ['a', 'b', '*', '?'];
    let mut patterns = vec![String::new()];
    for byte in data.iter().take(14) {
        let last = patterns.last_mut().expect("one at least");
        if byte % 5 == 4 || last.len() == 4 {
            patterns.push(String::new());
        }
        if byte % 5 != 4 {
            let last = patterns.last_mut().expect("one at least");
            last.push(letters[usize::from(byte % 5)]);
        }
    }
    let (inner, outers) = patterns.split_first().expect("one at least");
    let outers: Vec<&str> = outers.iter().take(3).map(String::as_str).collect();
    let mut witness = None;
    let mut overlaps = vec![false; outers.len()];
    for text in texts() {
        if !pattern::matches(inner, text) {
            continue;
        }
        let mut held = false;
        for (outer, overlaps) in outers.iter().zip(&mut overlaps) {
            let matches = pattern::matches(outer, text);
            held |= matches;
            *overlaps |= matches;
        }
        if !held && witness.is_none() {
            witness = Some(text);
        }
    }
    let says = pattern::union_includes(&outers, inner);
    assert_eq!(says, witness.is_none(), "{outers:?} include {inner:?}: {witness:?}");
    for (outer, overlaps) in outers.iter().zip(overlaps) {
        assert_eq!(
            pattern::overlaps(outer, inner),
            overlaps,
            "{outer:?} overlaps {inner:?}"
        );
    }
    if let [outer] = outers[..] {
        assert_eq!(pattern::includes(outer, inner), says, "{outer:?} includes {inner:?}");
    }
}

/// Every text over two letters that patterns have and one that they lack, up to eight long.
fn texts() -> &'static [String] {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let mut texts = vec![String::new()];
        let mut from = 0;
        for _ in 0..8 {
            let to = texts.len();
            for at in from..to {
                for letter in ['a', 'b', 'c'] {
                    let longer = format!("{}{letter}", texts[at]);
                    texts.push(longer);
                }
            }
            from = to;
        }
        texts
    })
}

/// Flags as a subcommand might have them.
struct SomeFlags;

impl config::Flags for SomeFlags {
    fn takes(&self, flag: &str) -> Option<config::Flag> {
        Some(config::Flag {
            takes_value: flag != "quiet",
            overridden: flag == "evidence",
            mixed: flag == "role",
            yields_to: Vec::new(),
        })
        .filter(|_| matches!(flag, "grace" | "role" | "quiet" | "evidence"))
    }

    fn known(&self, _subcommand: Option<&str>, flag: &str) -> bool {
        matches!(flag, "grace" | "role" | "quiet" | "evidence" | "logs")
    }

    fn is_subcommand(&self, name: &str) -> bool {
        name == "analyze"
    }
}

/// A configuration file: every argument that comes out is one of the flags asked for.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(arguments) = config::arguments(text, "analyze", &SomeFlags) {
        for argument in arguments {
            let known = ["--grace=", "--role=", "--quiet"]
                .iter()
                .any(|flag| argument.starts_with(flag));
            assert!(known, "{argument} comes from nowhere");
        }
    }
}

/// An export of grants: whatever a role or user has affects it.
pub(crate) fn grants(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let Ok(grants) = grants::read(&[("input".to_owned(), text)]) else {
        return;
    };
    let people = (0..grants.principals.len()).filter(|index| grants.principals[*index].kind != grants::Kind::Group);
    for principal in people {
        for policy in grants.policies_of(principal) {
            let affected = grants.affected_by(policy);
            assert!(
                affected.contains(&principal),
                "{principal} has {policy}, which does not affect it"
            );
        }
    }
}
