//! What lies behind a network, with fakes of our own for the other side and for what lies between.

mod bucket;
mod events;
mod iam;
#[cfg(feature = "polars")]
mod ledger;
mod proxy;
mod s3;

use std::net::SocketAddr;
use std::process::{Command, Output};

/// The program, told to take `address` for all of AWS, with credentials that nobody checks.
fn trimtrail(address: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trimtrail"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("COLUMNS", "1000")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("TRIMTRAIL_ENDPOINT_URL", format!("http://{address}"));
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
