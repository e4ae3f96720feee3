//! `make-logs`: writes `sample-logs/`, or a large corpus of the same kind.

#[path = "mod.rs"]
mod generator;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// How much JSON to write, before compression: 200MB, 4GB, …
    #[arg(long, value_parser = corpus::bytes, default_value = "200MB")]
    json_bytes: u64,
    /// How much JSON a file holds on average
    #[arg(long, value_parser = corpus::bytes, default_value = "600kB")]
    file_bytes: u64,
    /// Days that the archive spans, from 2026-07-01
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Accounts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    accounts: u32,
    /// Principals, over all accounts
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    principals: u32,
    /// Grant every principal everything, as administrators have it
    #[arg(long)]
    administrators: bool,
    /// Another seed is another archive of the same kind
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Sample { dir } => sample::write(&dir),
        What::Corpus(Corpus {
            dir,
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
                json_bytes,
                file_bytes,
                days,
                accounts,
                principals,
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
