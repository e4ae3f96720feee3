//! What is written, where, and for whom.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{folder, replace};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trimtrail-disk-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn put(root: &Path, below: &str, text: &str) -> io::Result<PathBuf> {
    replace(root, Path::new(below), |file| file.write_all(text.as_bytes()))
}

#[test]
fn what_is_written_is_its_owner_s_alone() {
    let home = Folder::new();
    let path = put(&home.0.join("out"), "a/b/c.json", "1").expect("a file");
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o177, 0);
    for dir in ["out", "out/a", "out/a/b"] {
        assert_eq!(
            fs::metadata(home.0.join(dir)).expect("a folder").mode() & 0o077,
            0,
            "{dir}"
        );
    }
    put(&home.0.join("out"), "a/b/c.json", "2").expect("a file");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "2");
    assert_eq!(fs::read_dir(home.0.join("out/a/b")).expect("a folder").count(), 1);
}

#[test]
fn nothing_is_written_through_a_link() {
    let home = Folder::new();
    let (out, other) = (home.0.join("out"), home.0.join("other"));
    fs::create_dir_all(&out).expect("a folder");
    fs::create_dir_all(&other).expect("a folder");
    symlink(&other, out.join("policies")).expect("a link");
    symlink(other.join("stolen.json"), out.join("result.json")).expect("a link");
    for below in ["policies/a.json", "policies/deeper/a.json", "result.json"] {
        let error = put(&out, below, "1").expect_err("a link is in the way").to_string();
        assert!(
            error.contains("is a link, and nothing is written through one"),
            "{error}"
        );
    }
    assert_eq!(fs::read_dir(&other).expect("a folder").count(), 0);
    assert_eq!(fs::read_dir(&out).expect("a folder").count(), 2);
}

#[test]
fn the_folder_that_is_named_may_be_a_link() {
    let home = Folder::new();
    fs::create_dir_all(home.0.join("real")).expect("a folder");
    symlink(home.0.join("real"), home.0.join("named")).expect("a link");
    put(&home.0.join("named"), "a.json", "1").expect("a file");
    assert!(home.0.join("real/a.json").exists());
}

#[test]
fn path_that_leads_out_is_refused() {
    let home = Folder::new();
    assert!(folder(&home.0, Path::new("../x")).is_err());
    assert!(folder(&home.0, Path::new("/etc")).is_err());
}

#[test]
fn file_that_fails_leaves_the_old_one() {
    let home = Folder::new();
    put(&home.0, "a.json", "old").expect("a file");
    let failed = replace(&home.0, Path::new("a.json"), |file| {
        file.write_all(b"half")?;
        Err(io::Error::other("full"))
    });
    assert_eq!(failed.expect_err("it failed").to_string(), "full");
    assert_eq!(fs::read_to_string(home.0.join("a.json")).expect("a file"), "old");
    assert_eq!(fs::read_dir(&home.0).expect("a folder").count(), 1);
}
