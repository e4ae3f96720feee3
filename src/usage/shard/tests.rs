//! The fast way against the plain one: the same table and coverage from records read by `serde_json`, each looked at on
//! its own, counted in ordinary maps.

mod allocations;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::super::duplicates::{Met, print};
use super::*;
use crate::attribute::{Actor, Attribution, Openings, Shown, Workload, attribute, behind, session, shown, shown_by};
use crate::decode::{Item, Limits, Payload, Reader};
use crate::usage::shapes::{generalise, shapes};
use crate::usage::table::{Behind, Caller, Row, Seen, Session, Signature, Table, Witness};

/// Counts files the fast way. With `forget`, nothing is remembered from one event to the next.
fn fast(files: &[Vec<u8>], mut reader: Reader, forget: bool) -> (Table, Coverage) {
    let mut shard = Shard::new(1, Builder::default(), Arc::default());
    let mut memory = Memory::default();
    for file in files {
        reader.read_slice(file, &Limits::default(), &mut |item| {
            if let Item::Event(event) = item
                && shard.fingerprints.met(event, event.identity.as_deref().map(print)) != Met::Again
            {
                if forget {
                    memory = Memory::default();
                    shard.number += 1;
                }
                shard.event(event, &[], &mut memory);
            }
        });
    }
    (shard.builder.finish(), shard.coverage)
}

type Days = BTreeMap<(i32, Behind), (u64, Vec<i64>, BTreeSet<String>)>;

/// A table that is counted in ordinary maps.
#[derive(Default)]
struct Plain {
    seen: BTreeMap<Signature, (Witness, Witness, Days)>,
    sessions: BTreeMap<(String, String), Session>,
    met: HashSet<(String, String, String)>,
}

/// What an event says, whatever order its request is written in.
fn said(event: &Event<'_>) -> String {
    let identity = event.identity.as_deref();
    let who = identity.map(|identity| (&identity.arn, &identity.principal_id, &identity.access_key_id));
    let request: Option<Value> = event
        .request_parameters
        .json()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into()));
    let text = match &event.request_parameters {
        Payload::Text(text) => text,
        Payload::Absent | Payload::Null | Payload::Json(_) => "",
    };
    let what = (event.time, &event.source, &event.name, &event.region);
    let request = request.as_ref().map(sorted);
    format!(
        "{what:?} {:?} {:?} {who:?} {request:?} {text}",
        event.error_code, event.error_message
    )
}

fn sorted(value: &Value) -> String {
    let mut parts: Vec<String> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| format!("{name:?}:{}", sorted(value)))
            .collect(),
        Value::Array(elements) => elements.iter().map(sorted).collect(),
        scalar => return scalar.to_string(),
    };
    parts.sort();
    parts.join(",")
}

impl Plain {
    fn event(&mut self, event: &Event<'_>) {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let id = text(event.id.as_deref());
        let recipient = text(event.recipient_account_id.as_deref());
        if !id.is_empty() && !self.met.insert((id.clone(), recipient, said(event))) {
            return;
        }
        if let Some(seed) = seed(event) {
            self.session(&seed.session.role_id, &seed.session.access_key_id)
                .opened
                .insert(seed.opening);
        }
        let Attribution::Principal(principal) = attribute(event) else {
            return;
        };
        let operation = Operation::of(Catalog::embedded(), &event.source, &event.name);
        let observed = resolve::observe(event, &operation);
        let signature = Signature {
            caller: Caller {
                kind: principal.kind,
                arn: (*principal.arn).into(),
                id: principal.id.into(),
                account: principal.account.into(),
            },
            account: account_of(event).into(),
            region: text(event.region.as_deref()).into(),
            event_source: (*event.source).into(),
            event_name: (*event.name).into(),
            error_code: text(event.error_code.as_deref()).into(),
            denied_action: denied_action(event).into(),
            facts: observed.facts.into(),
        };
        let witness = Witness {
            time: event.time.seconds(),
            event_id: id,
        };
        let first = || (witness.clone(), witness.clone(), Days::new());
        let (first, last, days) = self.seen.entry(signature).or_insert_with(first);
        *first = witness.clone().min(first.clone());
        *last = witness.clone().max(last.clone());
        let day = i32::try_from(event.time.days()).unwrap_or(i32::MAX);
        let behind = match session(event) {
            Some(session) => Behind::Session((*session.access_key_id).into()),
            None if principal.kind == PrincipalKind::Role => Behind::Actor(Arc::new(keyless(event))),
            None => Behind::Nobody,
        };
        let (calls, moments, resources) = days.entry((day, behind)).or_default();
        *calls += u64::from(!is_correction(event));
        moments.push(event.time.seconds());
        resources.extend(observed.resources.iter().map(|arn| generalise(arn)));
        if let Some(key) = session(event).filter(|_| !is_correction(event)) {
            let session = self.session(&key.role_id, &key.access_key_id);
            let shown = shown_by(event).map(Box::new);
            session.shown = session.shown.take().into_iter().chain(shown).min();
        }
        if let (Some(key), Some(identity)) = (session(event), &event.identity)
            && let Some(provider) = identity
                .federated_provider
                .as_deref()
                .filter(|provider| !provider.is_empty())
        {
            let session = self.session(&key.role_id, &key.access_key_id);
            if session.provider.is_empty() || *provider < *session.provider {
                session.provider = provider.into();
            }
        }
    }

    fn session(&mut self, role_id: &str, access_key_id: &str) -> &mut Session {
        let key = (role_id.to_owned(), access_key_id.to_owned());
        self.sessions
            .entry(key)
            .or_insert_with_key(|(role_id, access_key_id)| Session {
                role_id: role_id.as_str().into(),
                access_key_id: access_key_id.as_str().into(),
                shown: None,
                provider: Arc::default(),
                opened: Openings::default(),
            })
    }

    fn finish(self) -> Table {
        let mut table = Table {
            sessions: self.sessions.into_values().filter(tells).collect(),
            ..Table::default()
        };
        let behind = self
            .seen
            .values()
            .flat_map(|(_, _, days)| days.keys().map(|(_, behind)| behind.clone()));
        let behind: BTreeSet<Behind> = behind.chain([Behind::Nobody]).collect();
        table.behind = behind.into_iter().collect();
        for (number, (signature, (first, last, days))) in self.seen.into_iter().enumerate() {
            table.signatures.push(Seen { signature, first, last });
            table.rows.extend(
                days.into_iter()
                    .map(|((day, behind), (calls, moments, resources))| Row {
                        signature: number,
                        day,
                        behind: table.behind.binary_search(&behind).expect("it is listed"),
                        calls,
                        first: moments.iter().copied().min().unwrap_or_default(),
                        last: moments.iter().copied().max().unwrap_or_default(),
                        resources: shapes(resources.iter().map(String::as_str)),
                    }),
            );
        }
        table
    }
}

/// What AWS says to have denied the caller.
fn denied_action(event: &Event<'_>) -> String {
    let verdict = resolve::outcome(event);
    let action = verdict.denied_action.filter(|_| verdict.of_caller);
    action.unwrap_or_default().into_owned()
}

/// Who stood behind a call of a role that shows no key: what the call itself says.
fn keyless(event: &Event<'_>) -> Actor {
    let identity = event.identity.as_deref();
    let shown = identity.and_then(|identity| shown(identity, "", event.from_console == Some(true)));
    let shown = shown.map(|(said, kind, name)| Shown {
        said,
        workload: Workload::plain(kind, name),
    });
    let provider = identity.and_then(|identity| identity.federated_provider.as_deref());
    behind(
        &Openings::default(),
        shown.as_ref(),
        provider.unwrap_or_default(),
        (0, 0),
        &|_, _| None,
    )
}

/// Of others the rows tell all there is.
fn tells(session: &Session) -> bool {
    session.shown.is_some() || !session.provider.is_empty() || !session.opened.is_empty()
}

fn check(what: &str, files: &[Vec<u8>]) {
    let mut plain = Plain::default();
    for file in files {
        Reader::plain().read_slice(file, &Limits::default(), &mut |item| {
            if let Item::Event(event) = item {
                plain.event(event);
            }
        });
    }
    let (table, coverage) = fast(files, Reader::new(), false);
    let plain = plain.finish();
    if table != plain {
        for (fast, plain) in table.signatures.iter().zip(&plain.signatures) {
            assert_eq!(fast, plain, "{what}");
        }
        for (fast, plain) in table.rows.iter().zip(&plain.rows) {
            assert_eq!(fast, plain, "{what}");
        }
        assert_eq!(table.sessions, plain.sessions, "{what}");
        panic!("{what}: one table is longer");
    }
    let (_, forgetful) = fast(files, Reader::plain(), true);
    assert_eq!(coverage, forgetful, "{what}");
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sample() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs");
    let files = files_under(&folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "gz"));
    files.map(|path| std::fs::read(path).expect("a file")).collect()
}

#[test]
fn the_sample() {
    let files = sample();
    assert!(files.len() > 100);
    check("the sample", &files);
}

#[test]
fn every_trail_at_hand() {
    let shared = std::env::var_os("TRIMTRAIL_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let files = files_under(&shared.join("trails"));
    if files.is_empty() {
        eprintln!("skipped: no trails under {}", shared.display());
    }
    for path in files {
        check(&path.display().to_string(), &[std::fs::read(&path).expect("a file")]);
    }
}

/// Records of the sample, as text, a few of each operation.
fn records() -> Vec<String> {
    let mut records = BTreeMap::<String, Vec<String>>::new();
    for file in sample() {
        let mut inflated = Vec::new();
        let mut stream = flate2::read::MultiGzDecoder::new(file.as_slice());
        let _ = std::io::Read::read_to_end(&mut stream, &mut inflated);
        let Ok(serde_json::Value::Object(mut whole)) = serde_json::from_slice(&inflated) else {
            continue;
        };
        let Some(serde_json::Value::Array(list)) = whole.remove("Records") else {
            continue;
        };
        for record in list {
            let kept = records
                .entry(format!("{}{}", record["eventSource"], record["eventName"]))
                .or_default();
            if kept.len() < 3 {
                kept.push(record.to_string());
            }
        }
    }
    records.into_values().flatten().collect()
}

/// Changes one record: what stands at the `place`-th quote, colon, comma or bracket gives way to `new`, or is written twice.
fn mutate(record: &str, place: usize, new: &str, twice: bool) -> String {
    let starts: Vec<usize> = record
        .match_indices([':', ',', '[', '{'])
        .map(|(at, _)| at + 1)
        .collect();
    let at = starts[place % starts.len()];
    let rest = &record[at..];
    let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
    let old = &rest[..end];
    if twice {
        format!("{}{old},{old}{}", &record[..at], &rest[end..])
    } else {
        format!("{}{new}{}", &record[..at], &rest[end..])
    }
}

fn pieces() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("\"true\"".to_owned()),
        Just("1e400".to_owned()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("[null,\"\"]".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"\\u0061rn:aws:s3:::hidden/\\u002a\"".to_owned()),
        Just("\"arn:aws:iam::123456789012:role/passed\"".to_owned()),
        Just("{\"items\":[{\"arn\":\"arn:aws:sqs:eu-west-1:123456789012:q\"}]}".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("\"roleArn\":\"arn:aws:iam::123456789012:role/passed\"".to_owned()),
        Just("\"eventName\":\"GetObject\"".to_owned()),
        Just("\"userIdentity\":{\"type\":\"Root\",\"accountId\":\"1\"}".to_owned()),
        "[a-z]{1,3}".prop_map(|text| format!("\"{text}\"")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Odd records among good ones, each more than once, so that what is remembered is put to use.
    #[test]
    fn mutated_records(
        changes in proptest::collection::vec((any::<usize>(), any::<usize>(), pieces(), any::<bool>()), 1..40),
    ) {
        thread_local!(static RECORDS: Vec<String> = records());
        let text = RECORDS.with(|records| {
            let mut lines = Vec::new();
            for (which, place, new, twice) in &changes {
                let record = &records[which % records.len()];
                let changed = mutate(record, *place, new, *twice);
                // Each under ids of their own, or they would be duplicates.
                for copy in 0..3 {
                    let text = if copy == 1 { record } else { &changed };
                    lines.push(text.replace("\"eventID\":\"", &format!("\"eventID\":\"{}", lines.len())));
                }
            }
            format!("{{\"Records\":[{}]}}", lines.join(","))
        });
        check("mutated records", &[text.into_bytes()]);
    }
}
