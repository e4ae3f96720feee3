//! The report page in a browser: what searching and filtering show. Skipped where no Chromium is installed.

use std::fs;
use std::process::Command;

use super::journey::Folder;

#[test]
fn a_reader_searches_and_filters_the_page() {
    if Command::new("chromium").arg("--version").output().is_err() {
        eprintln!("skipped: no chromium");
        return;
    }
    let folder = Folder::new();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs");
    let done = Command::new(env!("CARGO_BIN_EXE_trimtrail"))
        .args(["-q", "analyze", "--min-window", "7d", "--out"])
        .arg(folder.0.join("out"))
        .args([
            "--logs",
            &format!("{root}/AWSLogs"),
            "--grants",
            &format!("{root}/grants"),
        ])
        .output()
        .expect("trimtrail runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let drive = folder.0.join("out/drive.html");
    fs::write(&drive, include_str!("browser/drive.html")).expect("a page");
    let seen = Command::new("timeout")
        .args(["120", "chromium", "--headless=new", "--no-sandbox", "--disable-gpu"])
        // The page that drives reads the page that is driven: both are files.
        .args(["--allow-file-access-from-files", "--disable-web-security"])
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.0.join("profile").display()))
        .arg(format!("file://{}", drive.display()))
        .env("HOME", &folder.0)
        .output()
        .expect("chromium runs");
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    let (_, seen) = seen.split_once("<pre id=\"seen\">").expect("what was seen");
    let lines: Vec<&str> = seen.lines().take(6).collect();
    let all = lines[0].split(' ').nth(1).expect("a number");
    assert_eq!(
        lines[..3],
        [
            format!("first: {all} of {all}, {all} visible"),
            format!("name: 1 of {all}, 1 visible"),
            format!("nothing: 0 of {all}, 0 visible"),
        ]
    );
    let held = lines[3].split(' ').nth(1).expect("a number");
    assert_ne!(held, "0");
    assert_eq!(lines[3], format!("held: {held} of {all}, {held} visible of {held}"));
    assert_eq!(lines[4], format!("places: {all}"));
    assert_eq!(lines[5], "slash: search");
}
