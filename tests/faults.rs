//! Faults of the machine, made for real: a disk that is full, folders that may not be written to, files that may not be
//! read, a clock that is wrong. Each ends in a sentence and an exit code, and nothing that was there is lost.

#![cfg(unix)]

#[cfg(feature = "polars")]
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

const PROGRAM: &str = env!("CARGO_BIN_EXE_trimtrail");
const GRANTS: &str = "sample-logs/grants";
/// Whoever owns nothing.
const NOBODY: u32 = 65_534;

/// A folder that goes when the test does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-faults-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }

    fn at(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+rwX"]).arg(&self.0).status();
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIMTRAIL_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// The program; not as root, whom nothing is forbidden.
fn unprivileged() -> Command {
    let mut command = command(PROGRAM);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether the program can be run as [`unprivileged`] at all: its folder may be closed to others.
fn can_drop_privileges() -> bool {
    let runs = unprivileged()
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !runs {
        println!("skipped: the program cannot be run as a user without rights");
    }
    runs
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// It ends with 1 and a sentence that holds all of these.
#[track_caller]
fn check_fails(output: &Output, with: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: "), "{said}");
    for words in with {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[track_caller]
fn check_clear(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
}

/// Two days of one account, and the days after them.
#[cfg(feature = "polars")]
const EARLY: &str = "sample-logs/AWSLogs/*/*/*/2026/10/0[1-3]";
const LOGS: &str = "sample-logs/AWSLogs/*/*/*/2026/10/0[1-6]";

/// Every file of a ledger but its lock.
#[cfg(feature = "polars")]
fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [dir.to_owned(), dir.join("data")] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && name != "LOCK" {
                files.insert(name, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    files
}

#[cfg(feature = "polars")]
fn collect(logs: &str, ledger: &str) -> Command {
    let mut command = command(PROGRAM);
    command.args(["-q", "collect", "--logs", logs, "--ledger", ledger]);
    command
}

/// A run that failed left what was there, and nothing else; or it came to a commit first, which can be read.
#[cfg(feature = "polars")]
#[track_caller]
fn check_stands(dir: &Path, before: &BTreeMap<String, Vec<u8>>, what: &str) {
    let after = bytes(dir);
    if after.get("ledger.json") == before.get("ledger.json") {
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(before), "{what}");
        assert!(after == *before, "{what}: what stood has changed");
    } else {
        let ledger = dir.display().to_string();
        let sql = "SELECT COUNT(*) AS rows FROM calls";
        let query = ["-q", "query", "--sql", sql, "--ledger", &ledger];
        check_clear(&command(PROGRAM).args(query).output().expect("it runs"));
    }
}

/// What a clean run makes, and how large its largest file is.
#[cfg(feature = "polars")]
fn clean(folder: &Folder) -> (BTreeMap<String, Vec<u8>>, u64) {
    let ledger = folder.at("clean");
    check_clear(&collect(LOGS, &ledger).output().expect("it runs"));
    let files = bytes(Path::new(&ledger));
    let largest = files.values().map(Vec::len).max().expect("files") as u64;
    (files, largest)
}

/// A file may grow to so many bytes and no further: the system's own limit, met in each file in turn.
#[cfg(feature = "polars")]
#[test]
fn a_ledger_that_cannot_grow_stays_as_it_was() {
    let folder = Folder::new();
    let (expected, largest) = clean(&folder);
    for from_nothing in [true, false] {
        for limit in [0, 1, 2, 4, 8, 16, 32] {
            let ledger = folder.at(&format!("limited-{from_nothing}-{limit}"));
            if !from_nothing {
                check_clear(&collect(EARLY, &ledger).output().expect("it runs"));
            }
            let before = bytes(Path::new(&ledger));
            // Blocks of 512 bytes in some shells, of 1,024 in others. Whoever ignores the signal gets an error.
            let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
            let mut limited = command("sh");
            limited.args([
                "-c", &script, PROGRAM, "-q", "collect", "--logs", LOGS, "--ledger", &ledger,
            ]);
            let output = limited.output().expect("a shell");
            if largest > limit * 1024 {
                check_fails(&output, &["cannot write", &ledger, "too large"]);
            }
            if !output.status.success() {
                check_stands(Path::new(&ledger), &before, &format!("limit {limit}"));
            }
            check_clear(&collect(LOGS, &ledger).output().expect("it runs"));
            assert!(bytes(Path::new(&ledger)) == expected, "limit {limit}: another ledger");
        }
    }
}

/// A disk of a few kilobytes, larger each time until everything fits.
#[cfg(feature = "polars")]
#[test]
fn a_full_disk_leaves_the_last_good_ledger() {
    let folder = Folder::new();
    let script = r#"
        mount -t tmpfs -o "size=$2" none "$1/disk" || exit 77
        "$0" -q collect --logs "$3" --ledger "$1/disk/ledger" 2>/dev/null; echo "first $?"
        cp -r "$1/disk/ledger" "$1/before" 2>/dev/null
        "$0" -q collect --logs "$4" --ledger "$1/disk/ledger"; echo "second $?"
        cp -r "$1/disk/ledger" "$1/after" 2>/dev/null
        mount -o remount,size=64m "$1/disk"
        "$0" -q collect --logs "$4" --ledger "$1/disk/ledger"; echo "third $?"
        cp -r "$1/disk/ledger" "$1/end"
    "#;
    let (expected, _) = clean(&folder);
    let pages = expected.values().map(|file| file.len().div_ceil(4096)).sum::<usize>() as u64;
    let (mut full, mut grown) = (0_u64, 0_u64);
    for share in [1, 3, 5, 7, 9, 12, 30] {
        for name in ["disk", "before", "after", "end"] {
            let _ = fs::remove_dir_all(folder.at(name));
        }
        fs::create_dir_all(folder.at("disk")).expect("a folder");
        let size = format!("{}k", 4 * pages * share / 10);
        let mut disk = command("unshare");
        disk.args([
            "--mount",
            "sh",
            "-c",
            script,
            PROGRAM,
            &folder.at(""),
            &size,
            EARLY,
            LOGS,
        ]);
        let Ok(output) = disk.output() else {
            println!("skipped: no `unshare`");
            return;
        };
        let codes = String::from_utf8_lossy(&output.stdout).into_owned();
        if !codes.contains("third") {
            println!("skipped: no disk can be mounted here: {}", said(&output).trim());
            return;
        }
        assert!(codes.contains("third 0"), "{size}: {codes}{}", said(&output));
        if !codes.contains("second 0") {
            full += 1;
            assert!(
                said(&output).contains("No space left on device"),
                "{size}: {}",
                said(&output)
            );
            check_stands(&folder.0.join("after"), &bytes(&folder.0.join("before")), &size);
            grown += u64::from(codes.contains("first 0"));
        }
        assert!(bytes(&folder.0.join("end")) == expected, "{size}: another ledger");
    }
    println!("{full} full disks, {grown} of them with a ledger that stood");
    assert!(full >= 3 && grown >= 1, "{full} {grown}");
}

/// Nothing is a success whose output is lost.
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: no /dev/full");
        return;
    }
    let check = |arguments: &[&str]| {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let output = command(PROGRAM).args(arguments).stdout(full).output().expect("it runs");
        check_fails(&output, &["No space left on device"]);
    };
    let logs = ["--logs", LOGS];
    let analyze = |format: &'static str| {
        let options = [
            "-q",
            "analyze",
            "--grants",
            GRANTS,
            "--min-window",
            "3d",
            "--format",
            format,
        ];
        [&options[..], &logs].concat()
    };
    for format in ["terminal", "json", "markdown", "diff", "html", "sarif", "rdjson", "csv"] {
        check(&analyze(format));
    }
    check(&[&["-q", "resolve"][..], &logs].concat());
    check(&[&["-q", "coverage"][..], &logs].concat());
    check(&["catalog", "s3:GetObject"]);
    check(&["schema"]);
    check(&["completions", "bash"]);
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named() {
    if !can_drop_privileges() {
        return;
    }
    let folder = Folder::new();
    let closed = folder.at("closed");
    fs::create_dir_all(&closed).expect("a folder");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("ours");
    let out = format!("{closed}/out");
    let analyze = [
        "-q",
        "analyze",
        "--logs",
        LOGS,
        "--grants",
        GRANTS,
        "--min-window",
        "3d",
        "--out",
        &out,
    ];
    let output = unprivileged().args(analyze).output().expect("it runs");
    check_fails(&output, &[&out, "Permission denied"]);
    #[cfg(feature = "polars")]
    {
        let ledger = format!("{closed}/ledger");
        let output = unprivileged()
            .args(["-q", "collect", "--logs", LOGS, "--ledger", &ledger])
            .output();
        check_fails(&output.expect("it runs"), &[&ledger, "Permission denied"]);
    }
}

/// Who may read a ledger and not write to it can still ask it; that the result is not kept is said.
#[cfg(feature = "polars")]
#[test]
fn a_ledger_of_somebody_else_can_be_read() {
    if !can_drop_privileges() {
        return;
    }
    let folder = Folder::new();
    let ledger = folder.at("ledger");
    check_clear(&collect(LOGS, &ledger).output().expect("it runs"));
    let closed = Command::new("chmod").args(["-R", "a-w,a+rX", &ledger]).status();
    assert!(closed.is_ok_and(|status| status.success()));
    let before = bytes(Path::new(&ledger));
    let analyze = [
        "analyze",
        "--ledger",
        &ledger,
        "--grants",
        GRANTS,
        "--min-window",
        "3d",
        "--format",
        "json",
    ];
    let output = unprivileged().args(analyze).output().expect("it runs");
    check_clear(&output);
    assert!(said(&output).contains("Permission denied"), "{}", said(&output));
    let query = ["query", "root-use", "--ledger", &ledger];
    check_clear(&unprivileged().args(query).output().expect("it runs"));
    let output = unprivileged()
        .args(["-q", "collect", "--logs", LOGS, "--ledger", &ledger])
        .output();
    check_fails(&output.expect("it runs"), &[&ledger, "Permission denied"]);
    assert_eq!(bytes(Path::new(&ledger)), before);
}

/// One file and one folder that may not be read: the rest counts, and both are named.
#[test]
fn what_may_not_be_read_is_skipped_and_named() {
    if !can_drop_privileges() {
        return;
    }
    let folder = Folder::new();
    let logs = folder.0.join("logs");
    fs::create_dir_all(logs.join("shut")).expect("a folder");
    let record = |id: &str| {
        format!(
            r#"{{"eventVersion":"1.08","eventTime":"2026-10-01T07:05:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","eventID":"{id}","eventType":"AwsApiCall","recipientAccountId":"111122223333","userIdentity":{{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","userName":"ana"}}}}"#
        )
    };
    for (name, id) in [("open.json", "a"), ("closed.json", "b"), ("shut/inside.json", "c")] {
        fs::write(logs.join(name), format!(r#"{{"Records":[{}]}}"#, record(id))).expect("a file");
    }
    for (name, mode) in [("closed.json", 0o000), ("shut", 0o000)] {
        fs::set_permissions(logs.join(name), fs::Permissions::from_mode(mode)).expect("ours");
    }
    let output = unprivileged()
        .args(["-q", "coverage", "--format", "json", "--logs", &folder.at("logs")])
        .output();
    let output = output.expect("it runs");
    check_clear(&output);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["closed.json", "shut"] {
        assert!(text.contains(name), "{name} is not named:\n{text}");
    }
    assert!(text.contains("ermission denied"), "{text}");
    // What a pattern cannot look into is named as well.
    let pattern = format!("{}/**/*.json", folder.at("logs"));
    let output = unprivileged()
        .args(["-q", "coverage", "--format", "json", "--logs", &pattern])
        .output();
    assert!(String::from_utf8_lossy(&output.expect("it runs").stdout).contains("logs/shut"));
    // Where nothing can be read at all, that is no empty archive.
    let output = unprivileged()
        .args(["coverage", "--logs", &folder.at("logs/shut")])
        .output();
    let output = output.expect("it runs");
    let all = said(&output) + &String::from_utf8_lossy(&output.stdout);
    assert_ne!(output.status.code(), Some(0), "{all}");
    assert!(all.contains("ermission denied"), "{all}");
}

/// From hardly enough to start to more than is asked for: the run ends well, or says that memory runs out.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_gets_no_memory_ends_with_a_sentence() {
    let within = |megabytes: u32, arguments: &[&str]| {
        let limited = format!("ulimit -v {}; exec \"$0\" \"$@\"", megabytes * 1000);
        let output = command("sh").args(["-c", &limited, PROGRAM]).args(arguments).output();
        output.expect("a shell")
    };
    let analyze = [
        "analyze",
        "--logs",
        "sample-logs/AWSLogs",
        "--grants",
        GRANTS,
        "--format",
        "json",
    ];
    let (mut clear, mut short) = (0, 0);
    for megabytes in [100, 150, 200, 300, 400, 500, 600, 4000] {
        // What is too large to be loaded never begins.
        if within(megabytes, &["--version"]).status.code().is_none() {
            continue;
        }
        let output = within(megabytes, &analyze);
        match output.status.code() {
            Some(0) => clear += 1,
            code => {
                let said = said(&output);
                assert_eq!(code, Some(1), "{megabytes} MB: {:?} {said}", output.status);
                assert!(said.contains("error: memory runs out"), "{megabytes} MB: {said}");
                short += 1;
            }
        }
    }
    assert!(clear > 0 && short > 0, "{clear} runs had enough, {short} had not");
}
