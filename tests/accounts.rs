//! Random accounts whose truth is typed by hand (`tests/accounts/run`): a few of the ten thousand that run every night.

use std::process::Command;

#[test]
fn random_accounts_lose_no_call_and_gain_nothing() {
    let mut script = Command::new("python3");
    script
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tests/accounts/run", "--accounts", "24", "--batch", "24", "--seed", "2"])
        .args(["--binary", env!("CARGO_BIN_EXE_trimtrail")]);
    let Ok(output) = script.output() else {
        eprintln!("skipped: no python3 here");
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(told.contains("24 accounts"), "{told}");
}
