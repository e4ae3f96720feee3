//! trimtrail reads CloudTrail, joins what was done with what IAM allows, and writes smaller policies with a proof.
//!
//! Other programs call the few functions of `facade.rs`, exported here:
//!
//! ```
//! use trimtrail::{Archive, Catalog, Options, Progress, analyse, collect, find_logs, load_grants};
//!
//! let logs = find_logs(&["sample-logs/AWSLogs"])?;
//! let (calls, coverage) = collect(&logs, &trimtrail::CollectOptions::default(), &Progress::silent())?;
//! let grants = load_grants(&["sample-logs/grants".into()])?;
//!
//! let mut options = Options::default();
//! options.suggestions.min_window = 7;
//! let found = analyse(Catalog::embedded(), &Archive::new(&calls, &coverage), &grants, &options);
//! for (proposal, proved) in &found.proved {
//!     let policy = &grants.policies[proposal.policy];
//!     println!("{}: {} characters would do", policy.name, proved.after().to_string().len());
//! }
//! # assert!(!found.proved.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This file is the map: modules stand in the order in which data meets them, and a module imports only from
//! modules above it (`tests/map.rs` holds that). They are private; with
//! `--cfg closed` the compiler finds what the program itself never calls.

#![forbid(unsafe_code)]

/// Windows, days and moments: one definition of each.
mod time;
/// What was read, what was skipped and why; what that proves of days, accounts, regions and event classes; holes: what an
/// archive is known to lack.
mod coverage;
/// Files that the program writes: whole or not at all, through no link, for their owner alone.
mod disk;
/// What an error says beside its sentence: the way out.
mod help;
/// A silent handle that stages tick; the only file that knows how a progress bar is drawn.
mod progress;
/// The one door to AWS's APIs: credentials, time-outs, retries, errors as sentences. Without it no network is reached.
#[cfg(feature = "aws")]
mod aws;

/// The policy language, pure: no files, no clock, no network, nothing of CloudTrail.
mod iam;
/// What AWS publishes, embedded: every IAM action, what each API call needs, what a trail can show (tables typed by hand:
/// `data/hand.tsv`, and beside it).
mod catalog;

// What was done.

/// Where logs lie: hands out named byte streams, parses nothing.
mod source;
/// Bytes to events: inflates, finds the records in whatever wraps them, and reads what is needed of each.
mod decode;
/// Log files against CloudTrail's digest files: what is as it was delivered, and what is missing or changed.
mod integrity;
/// Event to principal: who really made a call, and the workload behind a role.
mod attribute;
/// Event to IAM calls: actions, resources, and what stays unmapped.
mod resolve;
/// All calls, counted; the ledger that keeps them; what a file that was not read may have held.
mod usage;

// What was allowed.

/// What each principal may do, and the policy that each grant came from.
mod grants;

// What to do about it.

/// Usage joined with grants: each granted action with its evidence grade.
mod gap;
/// Gap to smaller policy: what may go, the documents that would do, and why a suggestion is held.
mod rightsize;
/// Replay and inclusion: a proof for each suggestion, or a witness.
mod verify;
/// What deserves attention beside the policies.
mod hygiene;
/// The pipeline as one function: archive, grants and options in; gaps, suggestions, proofs and findings out.
mod analysis;
/// The answer as one value.
mod report;

// What people see.

/// Suggestion to edit of the file that it came from: JSON, Terraform, CloudFormation.
mod patch;
/// One file per format, no decisions.
mod emit;
/// The SQL in `/queries`, run over the tables of a result.
#[cfg(feature = "polars")]
mod query;
/// The configuration file: each key is a flag of the same name.
mod config;
/// One file per subcommand; the only stage that reads clock, environment and terminal.
mod command;

// The doors.

/// What other programs call.
#[cfg(not(closed))]
mod facade;
#[cfg(not(closed))]
pub use facade::*;
/// What `main.rs` runs.
#[doc(hidden)]
pub mod program;
/// What tests reach.
#[cfg(not(closed))]
#[doc(hidden)]
pub mod inside;
