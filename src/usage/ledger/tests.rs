//! A ledger against reading its logs directly, in every order of growing, and what it does about damage and age.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::attribute::WorkloadKind;
use crate::coverage::Coverage;
use crate::progress::Progress;
use crate::source::{self, Source};
use crate::usage::{Filter, Options, Table};

/// A folder that goes when the test does.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-ledger-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The sample's files in order of delivery.
pub(super) fn sample() -> Vec<Source> {
    let mut sources = source::find(&["sample-logs/AWSLogs".to_owned()]).expect("the sample");
    sources.sort_by_key(|source| (source.part().1, source.name()));
    sources
}

fn names() -> How {
    How {
        identities: true,
        ..How::default()
    }
}

pub(super) fn fill(dir: &Path, sources: &[Source], how: &How) -> Summary {
    let lock = Lock::take(dir, "a test", false).expect("nobody holds it");
    collect(lock, sources, how, &Progress::silent()).expect("a ledger")
}

pub(super) fn all(dir: &Path) -> Read {
    read(dir, &Filter::default()).expect("a ledger")
}

fn direct(sources: &[Source], filter: Filter) -> (Table, Coverage) {
    let options = Options {
        filter,
        ..Options::default()
    };
    crate::usage::collect(sources, &options, &Progress::silent()).expect("threads")
}

/// Every file of a ledger but its lock.
pub(super) fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [dir.to_owned(), dir.join(DATA)] {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && name != LOCK {
                files.insert(name, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    files
}

/// Numbers that look random and are the same in each run.
fn random(seed: &mut u64) -> usize {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

/// Rows whoever stood behind them: signature, day, calls, first and last. What opened a session may be gone, or come
/// when it is joined already.
pub(super) fn rows(table: &Table) -> Vec<(usize, i32, u64, i64, i64)> {
    let mut rows: Vec<(usize, i32, u64, i64, i64)> = Vec::new();
    for row in &table.rows {
        match rows.last_mut() {
            Some((signature, day, calls, first, last)) if (*signature, *day) == (row.signature, row.day) => {
                *calls += row.calls;
                (*first, *last) = ((*first).min(row.first), (*last).max(row.last));
            }
            Some(_) | None => rows.push((row.signature, row.day, row.calls, row.first, row.last)),
        }
    }
    rows
}

#[test]
fn a_ledger_reads_as_its_logs() {
    let folder = Folder::new();
    let sources = sample();
    let summary = fill(&folder.0, &sources, &names());
    assert_eq!(summary.files_read, sources.len() as u64);
    let read = all(&folder.0);
    let (table, coverage) = direct(&sources, Filter::default());
    assert!(
        table.rows.len() > 100 && table.workloads.len() > 5,
        "the sample is no test"
    );
    assert_eq!(read.table.signatures, table.signatures);
    assert_eq!(read.table.rows, table.rows);
    assert_eq!(read.table.behind, table.behind);
    assert_eq!(read.table.workloads, table.workloads);
    assert_eq!(read.coverage, coverage);
    assert!(read.complete);
}

#[test]
fn files_outside_the_layout_read_as_their_logs() {
    let (folder, logs) = (Folder::new(), Folder::new());
    for (number, source) in sample().iter().enumerate() {
        fs::copy(source.name(), logs.0.join(format!("{number}.json.gz"))).expect("a copy");
    }
    let sources = source::find(&[logs.0.display().to_string()]).expect("files");
    fill(&folder.0, &sources, &names());
    let (table, coverage) = direct(&sources, Filter::default());
    let read = all(&folder.0);
    assert_eq!(read.table, table);
    assert_eq!(read.coverage, coverage);
}

#[test]
fn an_archive_that_grows_gives_the_ledger_of_the_whole_byte_for_byte() {
    let sources = sample();
    let whole = Folder::new();
    fill(&whole.0, &sources, &names());
    for mut seed in 1..3 {
        let grown = Folder::new();
        let mut cuts: Vec<usize> = (0..4).map(|_| random(&mut seed) % sources.len()).collect();
        cuts.push(sources.len());
        cuts.sort_unstable();
        let mut read = 0;
        for cut in cuts {
            read += fill(&grown.0, &sources[..cut], &names()).files_read;
        }
        assert!(
            read < 2 * sources.len() as u64,
            "{read} files were read of {}",
            sources.len()
        );
        assert!(bytes(&grown.0) == bytes(&whole.0), "seed {seed}");
    }
}

#[test]
fn a_run_that_commits_after_each_part_gives_the_ledger_of_one_commit_byte_for_byte() {
    let sources = sample();
    let (once, often) = (Folder::new(), Folder::new());
    fill(&once.0, &sources, &names());
    let lock = Lock::take(&often.0, "a test", false).expect("nobody holds it");
    gather::collect_within(lock, &sources, &names(), &Progress::silent(), 0).expect("a ledger");
    assert!(bytes(&often.0) == bytes(&once.0));
}

#[test]
fn a_table_of_several_groups_reads_as_it_was_written() {
    use super::columns::ObjectRow;
    // A group is full with so many rows, or with so many bytes of text.
    let check = |rows: u64, length: usize, groups: usize| {
        let row = |number: u64| -> (String, [u8; 16]) {
            (
                format!("{number:0length$}"),
                u128::from(number).wrapping_mul(3).to_be_bytes(),
            )
        };
        let mut file = Vec::new();
        let mut table = parquet::Table::new(&mut file, ObjectRow::COLUMNS).expect("a table");
        for number in 0..rows {
            let (key, digest) = row(number);
            let object = ObjectRow {
                key: &key,
                bytes: number,
                digest,
                ..ObjectRow::default()
            };
            object.write(&mut table).expect("cells of their kinds");
        }
        table.finish().expect("a file");
        let (mut read, mut handed_out) = (0, 0);
        let each = |frame: &polars_core::prelude::DataFrame| -> Result<(), book::Damage> {
            handed_out += 1;
            ObjectRow::each(frame, |object| {
                assert_eq!((object.key.to_owned(), object.digest, object.bytes), {
                    let (key, digest) = row(read);
                    (key, digest, read)
                });
                read += 1;
                Ok(())
            })
        };
        parquet::read(&file, each).expect("what was written");
        assert_eq!((read, handed_out), (rows, groups));
    };
    check(0, 1, 0);
    check(1, 1, 1);
    check(70_000, 1, 2);
    check(40_000, 250, 10);
}

#[test]
fn files_that_come_in_any_order_give_the_same_calls() {
    let sources = sample();
    let (table, coverage) = direct(&sources, Filter::default());
    for mut seed in 10..12 {
        let ledger = Folder::new();
        let mut shuffled = sources.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, random(&mut seed) % (at + 1));
        }
        for batch in 1..=5 {
            fill(&ledger.0, &shuffled[..shuffled.len() * batch / 5], &names());
        }
        let read = all(&ledger.0);
        assert_eq!(read.table.signatures, table.signatures);
        assert_eq!(rows(&read.table), rows(&table));
        assert_eq!(read.coverage, coverage);
        // An opening that comes when its session is joined already joins nothing; no call is lost.
        let calls = |table: &Table| table.workloads.iter().map(|known| known.calls).sum::<u64>();
        assert_eq!(calls(&read.table), calls(&table));
    }
}

#[test]
fn files_that_are_handed_in_once_add_up() {
    let sources = sample();
    let (table, _) = direct(&sources, Filter::default());
    let ledger = Folder::new();
    for batch in sources.chunks(sources.len() / 5 + 1) {
        fill(&ledger.0, batch, &names());
    }
    assert_eq!(rows(&all(&ledger.0).table), rows(&table));
}

#[test]
fn what_was_read_is_not_read_again() {
    let ledger = Folder::new();
    let sources = sample();
    fill(&ledger.0, &sources, &How::default());
    let before = bytes(&ledger.0);
    let again = fill(&ledger.0, &sources, &How::default());
    assert_eq!((again.files_read, again.files_known), (0, sources.len() as u64));
    assert!(bytes(&ledger.0) == before);
}

/// Copies of some files of the sample, in AWS's layout.
fn copies(folder: &Path) -> Vec<Source> {
    for source in sample().iter().take(12) {
        let name = source.name();
        let path = folder.join(name.strip_prefix("sample-logs/").expect("the sample"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::copy(&name, path).expect("a copy");
    }
    source::find(&[folder.display().to_string()]).expect("files")
}

#[test]
fn a_changed_file_reads_its_part_again_and_a_touched_one_does_not() {
    let (ledger, logs) = (Folder::new(), Folder::new());
    let sources = copies(&logs.0);
    fill(&ledger.0, &sources, &How::default());
    let part_of = |source: &Source| sources.iter().filter(|other| other.part() == source.part()).count() as u64;

    let path = PathBuf::from(sources[5].name());
    let old = fs::read(&path).expect("a file");
    fs::write(&path, &old).expect("a file");
    assert_eq!(fill(&ledger.0, &sources, &How::default()).files_read, 0, "touched");

    fs::write(&path, b"{\"Records\":[]}").expect("a file");
    let sources = source::find(&[logs.0.display().to_string()]).expect("files");
    let changed = fill(&ledger.0, &sources, &How::default());
    assert_eq!(changed.files_read, part_of(&sources[5]));
    assert_eq!(
        rows(&all(&ledger.0).table),
        rows(&direct(&sources, Filter::default()).0)
    );
}

#[test]
fn an_archive_that_moved_is_not_counted_twice() {
    let (ledger, here, there) = (Folder::new(), Folder::new(), Folder::new());
    let (sources, moved) = (copies(&here.0), copies(&there.0.join("backup")));
    fill(&ledger.0, &sources, &How::default());
    let before = all(&ledger.0);
    assert_eq!(fill(&ledger.0, &moved, &How::default()).files_read, 0);
    assert_eq!(all(&ledger.0), before);
}

#[test]
fn a_file_that_changed_while_others_went_is_refused() {
    let (ledger, logs) = (Folder::new(), Folder::new());
    let sources = copies(&logs.0);
    let key = sources[0].part();
    let of_part: Vec<&Source> = sources.iter().filter(|source| source.part() == key).collect();
    assert!(of_part.len() > 1, "the first day has one file");
    fill(&ledger.0, &sources, &How::default());
    let before = all(&ledger.0);
    fs::write(of_part[0].name(), b"{\"Records\":[]}").expect("a file");
    fs::remove_file(of_part[1].name()).expect("a file");
    let sources = source::find(&[logs.0.display().to_string()]).expect("files");
    let summary = fill(&ledger.0, &sources, &How::default());
    assert_eq!(summary.refused.len(), 1, "{summary:?}");
    assert!(
        summary.refused[0].contains("collect that day from all its files"),
        "{summary:?}"
    );
    assert_eq!(all(&ledger.0).table, before.table);
}

#[test]
fn shards_merge_into_the_ledger_of_the_whole() {
    let sources = sample();
    let (whole, merged) = (Folder::new(), Folder::new());
    fill(&whole.0, &sources, &How::default());
    let shards: Vec<Folder> = (1..=3)
        .map(|number| {
            let folder = Folder::new();
            let how = How {
                shard: Some(Shard { number, of: 3 }),
                ..How::default()
            };
            assert!(
                fill(&folder.0, &sources, &how).files_read > 0,
                "shard {number} has nothing"
            );
            folder
        })
        .collect();
    let from: Vec<PathBuf> = shards.iter().rev().map(|folder| folder.0.clone()).collect();
    let take = || Lock::take(&merged.0, "a test", false).expect("nobody holds it");
    merge(take(), &from[..2], false).expect("two of three");
    merge(take(), &from, true).expect("all three");
    assert!(bytes(&merged.0) == bytes(&whole.0));
    merge(take(), &from, true).expect("all three again");
    assert!(bytes(&merged.0) == bytes(&whole.0), "merging twice");
    merge(take(), std::slice::from_ref(&whole.0), false).expect("the same ledger");
    assert!(bytes(&merged.0) == bytes(&whole.0), "merging the whole");
}

#[test]
fn days_that_are_too_old_go_and_do_not_come_back() {
    let ledger = Folder::new();
    let sources = sample();
    fill(&ledger.0, &sources, &How::default());
    // The newest day is 2026-10-14, however far ahead the clock is.
    let today = text::day("2031-01-01").expect("a date");
    let how = How {
        keep: Some(Keep { days: 6, today }),
        ..How::default()
    };
    let summary = fill(&ledger.0, &sources, &how);
    assert!(summary.parts_dropped > 5 && summary.files_read == 0, "{summary:?}");
    let dates = |ledger: &Read| ledger.table.rows.iter().map(|row| row.day).min();
    let (first, kept) = (
        text::day("2026-10-08").expect("a date"),
        dates(&all(&ledger.0)).expect("rows"),
    );
    assert!((first - 1..=first).contains(&kept), "{}", text::date(kept));
    let fresh = Folder::new();
    fill(&fresh.0, &sources, &how);
    let (kept, once) = (all(&ledger.0), all(&fresh.0));
    assert_eq!(rows(&kept.table), rows(&once.table));
    assert_eq!(kept.coverage, once.coverage);
    let times = |table: &Table| -> Vec<(i64, i64)> {
        table
            .signatures
            .iter()
            .map(|seen| (seen.first.time, seen.last.time))
            .collect()
    };
    assert_eq!(times(&kept.table), times(&once.table));
}

#[test]
fn a_filter_reads_what_the_same_filter_on_the_logs_reads() {
    let ledger = Folder::new();
    let sources = sample();
    fill(&ledger.0, &sources, &names());
    let day = |date: &str| i64::from(text::day(date).expect("a date")) * 86_400;
    let filter = Filter {
        since: Some(day("2026-10-05")),
        until: Some(day("2026-10-10")),
        accounts: ["111122223333".to_owned()].into(),
        regions: ["eu-west-1".to_owned()].into(),
    };
    let read = read(&ledger.0, &filter).expect("a ledger");
    let (table, coverage) = direct(&sources, filter);
    assert!(!table.rows.is_empty());
    assert_eq!(rows(&read.table), rows(&table));
    assert_eq!(read.coverage.streams, coverage.streams);
    assert_eq!(read.coverage.data_roots, coverage.data_roots);
    assert_eq!(read.coverage.events_used, coverage.events_used);
    assert_eq!(read.coverage.events_unmapped, coverage.events_unmapped);
    let books = |coverage: &Coverage| {
        let sorted = coverage.events_used + coverage.events_unmapped + coverage.events_unattributed;
        (
            coverage.records,
            sorted + coverage.events_not_calls + coverage.records_skipped(),
        )
    };
    let (records, sum) = books(&read.coverage);
    assert_eq!(records, sum, "the books close");
}

#[test]
fn names_of_sessions_are_kept_only_when_asked_for() {
    let (plain, full) = (Folder::new(), Folder::new());
    fill(&plain.0, &sample(), &How::default());
    fill(&full.0, &sample(), &names());
    let named = |dir: &Path| -> usize {
        let by_session = [
            WorkloadKind::Ec2,
            WorkloadKind::Lambda,
            WorkloadKind::Ecs,
            WorkloadKind::Sso,
            WorkloadKind::Saml,
        ];
        let workloads = all(dir).table.workloads;
        let workloads = workloads.iter().filter_map(|known| known.actor.workload.as_ref());
        workloads
            .filter(|workload| by_session.contains(&workload.kind) && !workload.name.is_empty())
            .count()
    };
    assert_eq!(named(&plain.0), 0);
    assert!(named(&full.0) > 0);
    let error = collect(
        Lock::take(&plain.0, "a test", false).expect("nobody holds it"),
        &sample(),
        &names(),
        &Progress::silent(),
    );
    assert!(matches!(error, Err(Error::Identities { kept: false, .. })), "{error:?}");
}

#[test]
fn sessions_older_than_three_days_stand_by_their_workload_alone() {
    let ledger = Folder::new();
    fill(&ledger.0, &sample(), &How::default());
    let index = store::index(&ledger.0).expect("an index").expect("a ledger");
    let newest = index.parts().map(|(_, part)| part.date.clone()).max().expect("parts");
    let oldest = text::date(text::day(&newest).expect("a date") - 5);
    let (mut old, mut young) = (0, 0);
    for (_, part) in index.parts() {
        if part.date <= oldest {
            assert!(!part.sessions, "{} still holds sessions", part.date);
            old += 1;
        } else if part.sessions {
            young += 1;
        }
    }
    assert!(old > 5 && young > 1, "{old} {young}");
}

#[test]
fn a_second_run_is_told_who_holds_the_ledger() {
    let ledger = Folder::new();
    let first = Lock::take(&ledger.0, "`collect`, process 7", false).expect("nobody holds it");
    let second = Lock::take(&ledger.0, "a test", false).expect_err("it is held");
    assert!(
        second.to_string().ends_with("is held by `collect`, process 7"),
        "{second}"
    );
    drop(first);
    Lock::take(&ledger.0, "a test", false).expect("nobody holds it any more");
}

/// What the reader says of a ledger whose index has one field changed.
fn check_index(field: &str, value: serde_json::Value, expected: &str) {
    let ledger = Folder::new();
    fill(&ledger.0, &[], &How::default());
    let path = ledger.0.join(INDEX);
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    index[field] = value;
    // As an earlier program wrote it.
    index.as_object_mut().expect("an object").remove("digest");
    fs::write(&path, index.to_string()).expect("a file");
    let error = read(&ledger.0, &Filter::default()).expect_err(expected);
    assert!(error.to_string().contains(expected), "{error}");
    let lock = Lock::take(&ledger.0, "a test", false).expect("nobody holds it");
    let error = collect(lock, &[], &How::default(), &Progress::silent()).expect_err(expected);
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_ledger_of_another_kind_is_refused() {
    check_index(
        "schema",
        "trimtrail.ledger/4".into(),
        "this program reads up to `trimtrail.ledger/3`",
    );
    check_index("schema", "trimtrail.ledger/0".into(), "is no schema of a ledger");
    check_index("schema", "parquet".into(), "is no schema of a ledger");
    check_index("children", 64.into(), "keeps 64 children a node");
    check_index("books", 7.into(), "is damaged");
    let named = serde_json::json!([{"account": "", "file": "../../elsewhere"}]);
    check_index("signatures", named, "is no name of a file");
}

/// What the reader and the next run say of a ledger of the sample whose index was changed, with its digest and without.
fn check_edited(expected: &str, edit: impl Fn(&mut serde_json::Value)) {
    for (with_digest, expected) in [(true, "the one that its digest was made of"), (false, expected)] {
        let ledger = Folder::new();
        fill(&ledger.0, &sample(), &How::default());
        let path = ledger.0.join(INDEX);
        let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        edit(&mut index);
        if !with_digest {
            index.as_object_mut().expect("an object").remove("digest");
        }
        fs::write(&path, index.to_string()).expect("a file");
        let error = read(&ledger.0, &Filter::default()).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.help().is_some_and(|help| help.contains("collect again")));
        let lock = Lock::take(&ledger.0, "a test", false).expect("nobody holds it");
        let error = collect(lock, &sample(), &How::default(), &Progress::silent()).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn index_that_was_edited_is_refused() {
    check_edited("holds `", |index| index["books"][0]["month"] = "2028-10".into());
    check_edited("names `", |index| index["books"][0]["account"] = "999988887777".into());
    check_edited("is there twice", |index| {
        let again = index["books"][0].clone();
        index["books"].as_array_mut().expect("a list").push(again);
    });
    check_edited("holds a day twice", |index| {
        let again = index["books"][0]["parts"][0].clone();
        index["books"][0]["parts"].as_array_mut().expect("a list").push(again);
    });
    check_edited("names `", |index| {
        index["signatures"][0]["account"] = "999988887777".into()
    });
    check_edited("has signatures twice", |index| {
        let again = index["signatures"][0].clone();
        index["signatures"].as_array_mut().expect("a list").push(again);
    });
}

#[test]
fn index_that_lost_a_book_is_refused() {
    let ledger = Folder::new();
    fill(&ledger.0, &sample(), &How::default());
    let path = ledger.0.join(INDEX);
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
    index["books"].as_array_mut().expect("a list").pop();
    fs::write(&path, index.to_string()).expect("a file");
    let error = read(&ledger.0, &Filter::default()).expect_err("a digest");
    assert!(
        error.to_string().contains("the one that its digest was made of"),
        "{error}"
    );
}

#[test]
fn leavings_of_a_killed_run_go_at_the_next() {
    let ledger = Folder::new();
    let sources = sample();
    fill(&ledger.0, &sources[..20], &How::default());
    let before = bytes(&ledger.0);
    fs::write(
        ledger.0.join(DATA).join("111122223333-2026-10-calls-0.parquet"),
        b"half",
    )
    .expect("a file");
    fs::write(ledger.0.join(DATA).join("a.parquet.tmp"), b"half").expect("a file");
    fs::write(ledger.0.join(".trimtrail-0123456789abcdef"), b"half").expect("a file");
    fill(&ledger.0, &sources[..20], &How::default());
    assert!(bytes(&ledger.0) == before);
}

#[test]
fn the_last_two_results_are_found() {
    let ledger = Folder::new();
    assert_eq!(last_results(&ledger.0).expect("no folder"), (None, None));
    let keep = |end: &str, text: &str| keep_result(&ledger.0, end, text.as_bytes()).expect("a result");
    let second = keep("2026-10-14T23:59:59Z", "{\"b\":1}");
    let first = keep("2026-10-07T23:59:59Z", "{\"a\":1}");
    assert_eq!(keep("2026-10-14T23:59:59Z", "{\"b\":1}"), second);
    assert_eq!(last_results(&ledger.0).expect("a folder"), (Some(second), Some(first)));
    for week in 0..60 {
        keep(&format!("2027-01-01T00:00:{week:02}Z"), "{}");
    }
    let kept = fs::read_dir(ledger.0.join(RESULTS)).expect("a folder").count();
    assert_eq!(kept, 53);
}
