//! What in a folder is read, and what is not.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use super::find;
use crate::source::Source;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-local-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(fs::canonicalize(path).expect("a folder"))
    }

    fn file(&self, name: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, name).expect("a file");
    }

    fn link(&self, to: &str, name: &str) {
        symlink(self.0.join(to), self.0.join(name)).expect("a link");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Names below the folder, those that are not read with a reason.
fn found(folder: &Folder, places: &[&str]) -> Vec<String> {
    let places: Vec<String> = places
        .iter()
        .map(|place| folder.0.join(place).display().to_string())
        .collect();
    let name = |path: &Path| path.strip_prefix(&folder.0).expect("below").display().to_string();
    let shown = |source: &Source| match source {
        Source::Unfit { path, why } => format!("{}: {}", name(path), why.split(',').next().unwrap_or(why)),
        Source::File(file) => name(&file.path()),
        other => format!("{other:?}"),
    };
    find(&places).expect("places").iter().map(shown).collect()
}

#[test]
fn special_files_in_a_folder_are_named_and_not_opened() {
    let folder = Folder::new();
    folder.file("logs/a.json");
    let made = Command::new("mkfifo")
        .arg(folder.0.join("logs/pipe"))
        .status()
        .expect("mkfifo");
    assert!(made.success());
    let _socket = UnixListener::bind(folder.0.join("logs/socket")).expect("a socket");
    folder.link("logs/pipe", "logs/to-pipe");
    symlink("/dev/zero", folder.0.join("logs/zero")).expect("a link");
    symlink("/proc/self/status", folder.0.join("logs/status")).expect("a link");
    let expected = [
        "logs/a.json",
        "logs/pipe: a named pipe",
        "logs/socket: a socket",
        "logs/status: a link to a file of the kernel",
        "logs/to-pipe: a named pipe",
        "logs/zero: a device",
    ];
    assert_eq!(found(&folder, &["logs"]), expected);
    assert_eq!(found(&folder, &["logs/*"]), expected);
    for source in find(&[folder.0.join("logs").display().to_string()]).expect("a place") {
        let opened = source.open();
        assert_eq!(opened.is_ok(), source.name().ends_with("a.json"), "{source:?}");
    }
}

#[test]
fn pipe_that_is_named_is_read() {
    let folder = Folder::new();
    assert!(
        Command::new("mkfifo")
            .arg(folder.0.join("pipe"))
            .status()
            .expect("mkfifo")
            .success()
    );
    assert_eq!(found(&folder, &["pipe"]), ["pipe"]);
}

#[test]
fn links_are_followed_once() {
    let folder = Folder::new();
    folder.file("logs/2026/a.json");
    folder.file("elsewhere/b.json");
    folder.file("elsewhere/deep/c.json");
    folder.link("elsewhere/b.json", "logs/link.json");
    folder.link("elsewhere", "logs/other");
    folder.link("elsewhere/deep", "logs/other-again");
    folder.link("logs/2026", "logs/latest");
    folder.link("elsewhere", "elsewhere/round");
    folder.link("logs", "elsewhere/back");
    assert_eq!(
        found(&folder, &["logs"]),
        [
            "logs/2026/a.json",
            "logs/link.json",
            "logs/other/b.json",
            "logs/other/deep/c.json"
        ]
    );
}

#[test]
fn link_to_what_holds_the_folder_is_not_followed() {
    let folder = Folder::new();
    folder.file("logs/a.json");
    folder.file("private.json");
    folder.link("", "logs/up");
    assert_eq!(
        found(&folder, &["logs"]),
        ["logs/a.json", "logs/up: a link to a folder that holds what is read"]
    );
}

#[test]
fn file_that_changes_is_told() {
    let folder = Folder::new();
    folder.file("a.json");
    let [source] = &find(&[folder.0.join("a.json").display().to_string()]).expect("a place")[..] else {
        panic!("one file");
    };
    assert_eq!(source.changed(), None);
    fs::write(folder.0.join("a.json"), "more than before").expect("a file");
    assert_eq!(
        source.changed().as_deref(),
        Some("changed while it was read: 6 bytes when it was found, 16 now")
    );
    fs::remove_file(folder.0.join("a.json")).expect("removed");
    assert_eq!(source.changed().as_deref(), Some("removed while it was read"));
    fs::create_dir(folder.0.join("a.json")).expect("a folder");
    assert!(source.open().is_err());
}

#[test]
fn a_name_that_is_no_text_is_read_and_stays_its_own() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let below = folder.0.join(OsStr::from_bytes(b"tr\xFFil"));
    fs::create_dir(&below).expect("a folder");
    for name in [b"a\xC3.json", b"a\xE9.json"] {
        fs::write(below.join(OsStr::from_bytes(name)), name).expect("a file");
    }
    let named: Vec<OsString> = vec![below.into_os_string()];
    let found = find(&named).expect("the folder");
    let names: Vec<String> = found.iter().map(Source::name).collect();
    let base = folder.0.display();
    assert_eq!(
        names,
        [
            format!("{base}/tr\\xFFil/a\\xC3.json"),
            format!("{base}/tr\\xFFil/a\\xE9.json")
        ]
    );
    for source in found {
        assert!(source.open().is_ok());
    }
}
