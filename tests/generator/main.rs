//! `make-logs`: writes `sample-logs/`, or a large corpus of the same kind.

#[path = "mod.rs"]
mod generator;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use generator::corpus::Kind;
use generator::{corpus, sample};

/// Makes CloudTrail archives and matching grants; the same arguments give the same bytes.
#[derive(Parser)]
#[command(name = "make-logs")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The sample that ships with the project; what it held before is replaced
    Sample {
        /// Where it goes, usually sample-logs
        dir: PathBuf,
    },
    /// A large archive to measure with
    Corpus(Corpus),
}

#[derive(clap::Args)]
struct Corpus {
    /// Where it goes
    dir: PathBuf,
    /// What it is like
    #[arg(long, value_enum, default_value = "steady")]
    kind: Kind,
    /// How much JSON to write, before compression: 200MB, 4GB, …
    #[arg(long, value_parser = corpus::bytes, default_value = "200MB")]
    json_bytes: u64,
    /// How much JSON a file holds on average; 600kB, or 4900 where files are tiny
    #[arg(long, value_parser = corpus::bytes)]
    file_bytes: Option<u64>,
    /// Days that the archive spans, from 2026-07-01
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Accounts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    accounts: u32,
    /// Principals, over all accounts; 400, or 4000 where sessions are short
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    principals: Option<u32>,
    /// Grant every principal everything: `attached`, by AdministratorAccess, or `inline`, by a policy of its own
    #[arg(long, value_enum)]
    administrators: Option<corpus::Administrators>,
    /// Another seed is another archive of the same kind
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Principals, over all accounts, where nobody says how many.
fn principals_of(kind: Kind) -> u32 {
    match kind {
        Kind::Churning => 4000,
        Kind::Steady | Kind::DataHeavy | Kind::TinyFiles | Kind::Hostile => 400,
    }
}

/// Bytes of JSON a file, where nobody says how many.
fn file_bytes_of(kind: Kind) -> u64 {
    match kind {
        // A file ends with a whole record: 5.6 kB on average.
        Kind::TinyFiles => 4900,
        Kind::Steady | Kind::Churning | Kind::DataHeavy | Kind::Hostile => 600_000,
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Sample { dir } => sample::write(&dir),
        What::Corpus(Corpus {
            dir,
            kind,
            json_bytes,
            file_bytes,
            days,
            accounts,
            principals,
            administrators,
            seed,
        }) => corpus::write(
            &dir,
            &corpus::Plan {
                kind,
                json_bytes,
                file_bytes: file_bytes.unwrap_or_else(|| file_bytes_of(kind)),
                days,
                accounts,
                principals: principals.unwrap_or_else(|| principals_of(kind)),
                administrators,
                seed,
            },
        ),
    };
    match done {
        Ok(summary) => {
            print!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("make-logs: {error}");
            ExitCode::FAILURE
        }
    }
}
