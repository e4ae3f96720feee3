//! Files that some program was not done with writing, under names of its own.

use std::fs;

use super::{ACCOUNT, DAY, analyze, check_hole, event, gzip, key, whole};

/// How programs call what they are not done with: browsers, curl's and wget's users, SFTP clients, the AWS CLI, rsync; and
/// what editors leave behind.
const NAMES: [(&str, &str); 12] = [
    ("", ".part"),
    ("", ".partial"),
    ("", ".tmp"),
    ("", ".crdownload"),
    ("", ".filepart"),
    ("", ".download"),
    ("", ".6CeFb09D"),
    ("", ".a1B2c3"),
    (".", ".a1B2c3"),
    ("", "~"),
    ("", ".1"),
    ("", ".bak"),
];

/// A log's name with this before and this behind the file's own.
fn called(key: &str, (before, behind): (&str, &str)) -> String {
    let (folder, file) = key.rsplit_once('/').expect("a folder");
    format!("{folder}/{before}{file}{behind}")
}

#[test]
fn a_log_that_is_there_in_part_alone_is_a_hole() {
    let folder = whole();
    let file = key(DAY, 2);
    let good = gzip(&[event(DAY, 30, "sqs", "CreateQueue", false)]);
    fs::remove_file(folder.0.join(&file)).expect("it is there");
    for (name, length) in NAMES.into_iter().zip([0, good.len() / 2].into_iter().cycle()) {
        let part = called(&file, name);
        folder.write(&part, &good[..length]);
        check_hole(&analyze(&folder, &[]));
        fs::remove_file(folder.0.join(&part)).expect("it is there");
    }
    for of_rsync in [".~tmp~/", ".rsync-partial/"] {
        let part = called(&file, (of_rsync, ""));
        folder.write(&part, &good[..good.len() / 2]);
        check_hole(&analyze(&folder, &[]));
        fs::remove_file(folder.0.join(&part)).expect("it is there");
    }
    // Whatever its name, what can be read counts.
    folder.write(&called(&file, NAMES[0]), &good);
    let answer = analyze(&folder, &[]);
    assert_eq!(
        (answer.ready, answer.code),
        (vec!["sns:CreateTopic".to_owned()], Some(0))
    );
}

#[test]
fn what_lies_beside_the_whole_log_is_no_hole() {
    let folder = whole();
    for name in NAMES.into_iter().chain([("", ".md5"), ("", ".sha256"), ("._", "")]) {
        folder.write(&called(&key(DAY, 2), name), b"\x1f\x8b");
    }
    let answer = analyze(&folder, &[]);
    assert_eq!(
        (answer.ready, answer.code),
        (vec!["sns:CreateTopic".to_owned()], Some(0)),
        "{}",
        answer.said
    );
}

#[test]
fn of_files_that_nobody_names_by_rule_packed_ones_alone_may_be_logs() {
    for (name, is_hole) in [
        ("logs/export.json.gz.part", true),
        ("logs/.export.json.gz.a1B2c3", true),
        ("logs/template.json.j2", false),
        ("logs/.settings.json.swp", false),
    ] {
        let folder = whole();
        folder.write(name, b"\x1f\x8b\x08");
        let answer = analyze(&folder, &[]);
        assert_eq!(answer.ready.is_empty(), is_hole, "{name}: {}", answer.said);
    }
    let folder = whole();
    let day = format!("logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2025/07/31");
    folder.write(&format!("{day}/part-1.ndjson.tmp"), b"{\"eventVersion\": ");
    assert_eq!(analyze(&folder, &[]).ready, [""; 0]);
}
