//! Compression, limits and every kind of damage.

use std::io::{self, Read, Write};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::super::{Compression, Limits, Reader, read_slice};
use super::{check, collect, gzip, quoted, record, records, slice, windows};

#[test]
fn compressions() {
    let text = records(&["A", "B"]);
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(text.as_bytes()).unwrap();
    let bzip2 = bzip2.finish().unwrap();
    let of = |bytes: &[u8], expected| {
        let facts = check(bytes, &["A", "B"]);
        assert_eq!(facts.compression, expected);
        assert_eq!(
            (facts.bytes_in, facts.bytes_out),
            (bytes.len() as u64, text.len() as u64)
        );
    };
    of(text.as_bytes(), Compression::None);
    of(&gzip(&text), Compression::Gzip);
    of(&zstd, Compression::Zstd);
    of(&bzip2, Compression::Bzip2);
    of(&gzip(gzip(&text)), Compression::Gzip);
    of(&gzip(&zstd), Compression::Gzip);
    check([zstd.clone(), zstd.clone()].concat(), &["A", "B", "A", "B"]);
    check([bzip2.clone(), bzip2.clone()].concat(), &["A", "B", "A", "B"]);
    check(
        gzip(gzip(gzip(gzip(&text)))),
        &["[] compressed too many times over (0)"],
    );
    check(gzip(""), &["[] the file is empty (0)"]);
    check(gzip("hello"), &["[] not a CloudTrail file (0)"]);
    for torn in [&zstd[..zstd.len() / 2], &bzip2[..bzip2.len() / 2]] {
        check(
            torn,
            &["[] the compressed data ends early; how many records are lost is unknown (0)"],
        );
    }
}

#[test]
fn gzip_members_and_what_follows_them() {
    let (a, b) = (gzip(records(&["A"])), gzip(records(&["B"])));
    check([a.clone(), b.clone()].concat(), &["A", "B"]);
    check([a.clone(), a.clone()].concat(), &["A", "A"]);
    let text = records(&["A", "B"]);
    let (front, back) = text.split_at(text.len() / 2);
    check([gzip(front), gzip(back)].concat(), &["A", "B"]);
    check([a.clone(), vec![0; 700]].concat(), &["A"]);
    check([a.clone(), vec![0; 700], b.clone()].concat(), &["A", "B"]);
    let garbage = "[after record 1] something else follows the compressed data (0)";
    check([a.clone(), b"garbage!".to_vec()].concat(), &["A", garbage]);
    check(
        [a.clone(), b"\x1fgarbage, and more of it".to_vec()].concat(),
        &["A", garbage],
    );
    let torn = "[after record 1] the compressed data ends early; how many records are lost is unknown (0)";
    check([a.as_slice(), &b[..12]].concat(), &["A", torn]);
}

#[test]
fn gzip_that_lies_or_is_damaged() {
    let whole = gzip(records(&["A", "B"]));
    let end = whole.len();
    let bad = "[after record 2] the checksum of the compressed data is wrong (0)";
    let mut wrong_size = whole.clone();
    wrong_size[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    check(&wrong_size, &["A", "B", bad]);
    wrong_size[end - 4..].copy_from_slice(&7_u32.to_le_bytes());
    check(&wrong_size, &["A", "B", bad]);
    let mut wrong_sum = whole.clone();
    wrong_sum[end - 8] ^= 1;
    check(&wrong_sum, &["A", "B", bad]);
    let torn = "[after record 2] the compressed data ends early; how many records are lost is unknown (0)";
    check(&whole[..end - 3], &["A", "B", torn]);
    // Stored, not deflated, so that damage in the middle is a known byte.
    let mut encoder = GzEncoder::new(Vec::new(), Level::none());
    encoder.write_all(records(&["A", "B"]).as_bytes()).unwrap();
    let mut stored = encoder.finish().unwrap();
    let place = stored.windows(3).rposition(|bytes| bytes == b"\"B\"").unwrap();
    stored[place + 1] = b'X';
    check(&stored, &["A", "X", bad]);
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let bomb = gzip(vec![b' '; 10_000_000]);
    let limits = Limits {
        max_output: 1_000_000,
        ..Limits::default()
    };
    let (lines, facts) = collect(|sink| read_slice(&bomb, &limits, sink));
    assert_eq!(
        lines,
        ["[] more comes out of the compressed data than the limit allows (0)"]
    );
    assert_eq!(facts.bytes_out, 1_000_000);
    let text = records(&["A", "B", "C"]);
    let limits = Limits {
        max_output: text.len() as u64 - 30,
        ..Limits::default()
    };
    let expected = [
        "A",
        "B",
        "[after record 2] more comes out of the compressed data than the limit allows (0)",
    ]
    .map(String::from);
    for bytes in [text.clone().into_bytes(), gzip(&text)] {
        assert_eq!(collect(|sink| read_slice(&bytes, &limits, sink)).0, expected);
        assert_eq!(windows(&bytes, 16, &limits).0, expected);
    }
}

#[test]
fn a_record_over_the_limit_is_skipped() {
    let large = record(&"L".repeat(3000));
    let limits = Limits {
        max_record: 1000,
        ..Limits::default()
    };
    let large_line = "[record 2] record is larger than the limit (1)";
    for text in [
        format!("{{\"Records\":[{},{large},{}]}}", record("A"), record("B")),
        format!("{}\n{large}\n{}\n", record("A"), record("B")),
        format!("[{},{large},{}]", record("A"), record("B")),
    ] {
        assert_eq!(
            collect(|sink| read_slice(text.as_bytes(), &limits, sink)).0,
            ["A", large_line, "B"]
        );
        for window in [1, 100, 1000, 5000] {
            assert_eq!(
                windows(text.as_bytes(), window, &limits).0,
                ["A", large_line, "B"],
                "{window}"
            );
        }
    }
}

#[test]
fn a_container_over_the_limit_is_read_element_by_element() {
    let limits = Limits {
        max_record: 1000,
        ..Limits::default()
    };
    let names: Vec<String> = (0..50).map(|number| format!("N{number}")).collect();
    let entries: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"CloudTrailEvent":{}}}"#, quoted(&record(name))))
        .collect();
    let text = format!(r#"{{"NextToken":"x","Events":[{}]}}"#, entries.join(","));
    assert_eq!(collect(|sink| read_slice(text.as_bytes(), &limits, sink)).0, names);
    assert_eq!(windows(text.as_bytes(), 64, &limits).0, names);
}

#[test]
fn a_tear_keeps_what_stands_before_it() {
    let text = records(&["A", "B"]);
    let torn = "[after record 1] the text ends early; how many records are lost is unknown (0)";
    check(&text[..text.len() - 20], &["A", torn]);
    let torn = "[after record 2] the text ends early; how many records are lost is unknown (0)";
    check(&text[..text.len() - 1], &["A", "B", torn]);
    check(&text[..text.len() - 2], &["A", "B", torn]);
    let lines = format!("{}\n{}", record("A"), record("B"));
    check(
        &lines[..lines.len() - 9],
        &[
            "A",
            "[after record 1] the text ends early; how many records are lost is unknown (0)",
        ],
    );
}

/// A reader that gives so many bytes and fails.
struct Fails<'a>(&'a [u8]);

impl Read for Fails<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("connection reset")),
            read => Ok(read),
        }
    }
}

#[test]
fn reading_that_fails_keeps_what_was_read() {
    let text = records(&["A", "B"]);
    let failed = "[after record 1] reading failed; how many records are lost is unknown (0)";
    let lines = |bytes: &[u8]| collect(|sink| Reader::new().read(Fails(bytes), &Limits::default(), sink)).0;
    assert_eq!(lines(&text.as_bytes()[..text.len() - 20]), ["A", failed]);
    assert_eq!(
        lines(b""),
        ["[] reading failed; how many records are lost is unknown (0)"]
    );
    let zipped = gzip(&text);
    let lines = lines(&zipped[..zipped.len() - 8]);
    assert_eq!(
        lines.last().unwrap(),
        "[after record 2] reading failed; how many records are lost is unknown (0)"
    );
}

#[test]
fn one_reader_reads_many_files() {
    let mut reader = Reader::new();
    let limits = Limits::default();
    for names in [&["A", "B", "C"][..], &["D"], &["E", "F"]] {
        let bytes = gzip(records(names));
        assert_eq!(collect(|sink| reader.read_slice(&bytes, &limits, sink)).0, names);
        assert_eq!(collect(|sink| reader.read(bytes.as_slice(), &limits, sink)).0, names);
    }
}

#[test]
fn truncated_at_every_byte() {
    let line = format!(r#"{{"CloudTrailEvent":{}}}"#, quoted(&record("é")));
    let files = [
        records(&["A", "B"]).into_bytes(),
        gzip(records(&["A", "B"])),
        [gzip(records(&["A"])), gzip(records(&["B"]))].concat(),
        zstd::encode_all(records(&["A"]).as_bytes(), 3).unwrap(),
        format!("{line}\n{line}\n").into_bytes(),
        format!(r#"{{"logEvents":[{{"message":{}}}]}}"#, quoted(&record("A"))).into_bytes(),
    ];
    for file in files {
        let whole = slice(&file).0.len();
        for cut in 0..file.len() {
            let (lines, _) = slice(&file[..cut]);
            assert!(lines.len() <= whole + 1, "{lines:?}");
            assert_eq!(windows(&file[..cut], 5, &Limits::default()).0, lines, "cut at {cut}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Damage anywhere: no panic, closed books, and the same whether the file is in memory or moves through windows.
    #[test]
    fn damaged_bytes(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kind in 0_usize..5,
        window in 1_usize..400,
    ) {
        let mut file = match kind {
            0 => records(&["A", "B", "C"]).into_bytes(),
            1 => format!("{}\n{}\n{}", record("A"), record("B"), record("C")).into_bytes(),
            2 => gzip(records(&["A", "B"])),
            3 => format!(r#"{{"Events":[{{"CloudTrailEvent":{}}}],"x":1}}"#, quoted(&record("A"))).into_bytes(),
            _ => format!("eventTime,eventName,eventSource,userIdentity\n{}", "\"2023-07-10T11:42:36Z\",A,s,\"{type=Root}\"\n".repeat(3)).into_bytes(),
        };
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let limits = Limits { max_record: 300, ..Limits::default() };
        let (lines, _) = collect(|sink| read_slice(&file, &limits, sink));
        let streamed = windows(&file, window, &limits).0;
        // Of a damaged block, what comes out depends on how much was asked for at once.
        if kind != 2 {
            prop_assert_eq!(streamed, lines);
        }
    }
}
