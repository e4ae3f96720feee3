//! Reduced events (`trimtrail.events/1`) make the same table as the raw files that an engine read.
//!
//! Three reductions: a naive one here, in every run; DuckDB's and Spark's where `tests/engines/run` has made them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use trimtrail::inside::coverage::Coverage;
use trimtrail::inside::progress::Progress;
use trimtrail::inside::source;
use trimtrail::inside::source::Source;
use trimtrail::inside::usage::{self, Table};

/// Every file under these places that is a whole log file; digests, Insights and what is torn are no engine's input.
fn log_files(places: &[&Path]) -> Vec<Source> {
    let names: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    source::find(&names)
        .expect("the folders are there")
        .into_iter()
        .filter(|source| source.name().contains("/CloudTrail/") && text(Path::new(&source.name())).is_some())
        .collect()
}

/// The text of a gzip file, if it is whole.
fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).ok()?;
    Some(text)
}

fn collect(sources: &[Source]) -> (Table, Coverage) {
    usage::collect(sources, &usage::Options::default(), &Progress::silent()).expect("threads")
}

/// Both tables, and what both coverages say of days, classes and data events, are the same.
fn check(name: &str, raw: &[Source], reduced: &[Source]) {
    let (table, coverage) = collect(raw);
    let (same, seen) = collect(reduced);
    println!(
        "{name}: {} signatures, {} rows, {} calls from {} records in {} files; reduced {} signatures, {} rows, {} calls in {} files of {} bytes (raw {})",
        table.signatures.len(),
        table.rows.len(),
        table.rows.iter().map(|row| row.calls).sum::<u64>(),
        coverage.records,
        coverage.files,
        same.signatures.len(),
        same.rows.len(),
        same.rows.iter().map(|row| row.calls).sum::<u64>(),
        seen.files,
        seen.bytes,
        coverage.bytes,
    );
    let differ = table
        .signatures
        .iter()
        .zip(&same.signatures)
        .find(|(raw, reduced)| raw != reduced);
    assert!(differ.is_none(), "{name}: {differ:#?}");
    assert!(table == same, "{name}: rows or workloads differ");
    assert_eq!(coverage.streams, seen.streams, "{name}");
    assert_eq!(coverage.data_roots, seen.data_roots, "{name}");
    assert_eq!(coverage.trail_changes, seen.trail_changes, "{name}");
    let used = |coverage: &Coverage| {
        (
            coverage.events_used,
            coverage.events_unmapped,
            coverage.events_unattributed,
        )
    };
    assert_eq!(used(&coverage), used(&seen), "{name}");
    #[cfg(feature = "polars")]
    check_ledgers(name, raw, reduced);
}

/// The same through ledgers on disk. Their bytes differ: parts and manifests say which files were read, and when those
/// were delivered. What they are read back as does not.
#[cfg(feature = "polars")]
fn check_ledgers(name: &str, raw: &[Source], reduced: &[Source]) {
    use trimtrail::inside::usage::ledger::{self, How, Lock};
    let folder = std::env::temp_dir().join(format!("trimtrail-engines-{}-{name}", std::process::id()));
    let kept = |kind: &str, sources: &[Source]| {
        let dir = folder.join(kind);
        let lock = Lock::take(&dir, "a test", false).expect("a new folder");
        ledger::collect(lock, sources, &How::default(), &Progress::silent()).expect("a ledger");
        let files = fs::read_dir(dir.join("data")).expect("files").flatten();
        let bytes: u64 = files.map(|file| file.metadata().map_or(0, |data| data.len())).sum();
        println!("{name}: the ledger of the {kind} files has {bytes} bytes");
        ledger::read(&dir, &usage::Filter::default()).expect("the ledger")
    };
    let (one, two) = (kept("raw", raw), kept("reduced", reduced));
    let _ = fs::remove_dir_all(&folder);
    assert!(one.table == two.table, "{name}: the ledgers' tables differ");
    assert_eq!(one.coverage.streams, two.coverage.streams, "{name}");
    assert_eq!(one.coverage.data_roots, two.coverage.data_roots, "{name}");
    assert_eq!(one.coverage.trail_changes, two.coverage.trail_changes, "{name}");
    assert_eq!(one.coverage.events_used, two.coverage.events_used, "{name}");
    assert_eq!(one.coverage.events_unmapped, two.coverage.events_unmapped, "{name}");
}

/// The fields that a reduction keeps, by their columns.
const FIELDS: [(&str, &str); 10] = [
    ("event_source", "eventSource"),
    ("event_name", "eventName"),
    ("aws_region", "awsRegion"),
    ("recipient_account_id", "recipientAccountId"),
    ("event_type", "eventType"),
    ("event_category", "eventCategory"),
    ("error_code", "errorCode"),
    ("error_message", "errorMessage"),
    ("user_agent", "userAgent"),
    ("read_only", "readOnly"),
];
const TREES: [(&str, &str); 5] = [
    ("addendum", "addendum"),
    ("user_identity", "userIdentity"),
    ("request_parameters", "requestParameters"),
    ("response_elements", "responseElements"),
    ("resources", "resources"),
];

/// Equal records of one day as one line each.
fn reduce(sources: &[Source]) -> String {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let file: Value = serde_json::from_str(&text(Path::new(&source.name())).expect("whole")).expect("JSON");
        for record in file["Records"].as_array().expect("records") {
            let time = record["eventTime"].as_str().expect("a time");
            let mut line = Map::new();
            for (column, field) in FIELDS {
                line.insert(column.to_owned(), record[field].clone());
            }
            for (column, field) in TREES {
                let tree = record.get(field).map(Value::to_string);
                line.insert(column.to_owned(), tree.map_or(Value::Null, Value::String));
            }
            // Here all management events say so; the field keeps what it says.
            line.insert("management_event".to_owned(), record["managementEvent"].clone());
            let key = format!("{} {}", &time[..10], Value::Object(line));
            let moment = format!("{time}|{}", record["eventID"].as_str().unwrap_or(""));
            groups.entry(key).or_default().insert(moment);
        }
    }
    let mut lines = String::new();
    for (key, moments) in groups {
        let mut line: Value = serde_json::from_str(&key[11..]).expect("ours");
        line["schema"] = json!("trimtrail.events/1");
        line["calls"] = json!(moments.len());
        line["hours"] = json!(
            moments
                .iter()
                .fold(0, |hours, at| hours | 1 << at[11..13].parse::<u32>().expect("an hour"))
        );
        line["first"] = json!(moments.first());
        line["last"] = json!(moments.last());
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

#[test]
fn a_naive_reduction_makes_the_same_table() {
    let raw = log_files(&[Path::new("sample-logs/AWSLogs")]);
    let path = std::env::temp_dir().join(format!("trimtrail-reduced-{}.json.gz", std::process::id()));
    let file = fs::File::create(&path).expect("a file");
    let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    out.write_all(reduce(&raw).as_bytes()).expect("written");
    out.finish().expect("written");
    let reduced = source::find(&[path.display().to_string()]).expect("the file");
    check("naive", &raw, &reduced);
    fs::remove_file(path).expect("removed");
}

#[test]
fn engines_make_the_same_table() {
    let Some(folder) = std::env::var_os("TRIMTRAIL_ENGINES").map(PathBuf::from) else {
        println!("skipped: tests/engines/run makes what this needs, and sets TRIMTRAIL_ENGINES");
        return;
    };
    let raw = log_files(&[&folder.join("raw")]);
    for engine in ["duckdb", "spark"] {
        let reduced: Vec<Source> = source::find(&[folder.join(engine).display().to_string()])
            .expect("the engine's folder")
            .into_iter()
            .filter(|source| source.name().ends_with(".json.gz"))
            .collect();
        check(engine, &raw, &reduced);
    }
}
