//! trimtrail reads CloudTrail, joins what was done with what IAM allows, and writes smaller policies with a proof.
//!
//! This file is the map: modules stand in the order in which data meets them, and a module imports only from
//! modules above it (`tests/map.rs` holds that).

/// Windows, days and moments: one definition of each.
pub mod time;
/// What was read, what was skipped and why; what that proves of days, accounts, regions and event classes.
pub mod coverage;
/// Files that the program writes: whole or not at all, through no link, for their owner alone.
pub mod disk;
/// What an error says beside its sentence: the way out.
pub mod help;
/// A silent handle that stages tick; the only file that knows how a progress bar is drawn.
pub mod progress;
/// The one door to AWS's APIs: credentials, time-outs, retries, errors as sentences. Without it no network is reached.
#[cfg(feature = "aws")]
pub mod aws;

/// The policy language, pure: no files, no clock, no network, nothing of CloudTrail.
pub mod iam;
/// What AWS publishes, embedded: every IAM action, what each API call needs, what a trail can show.
pub mod catalog;

// What was done.

/// Where logs lie: hands out named byte streams, parses nothing.
pub mod source;
/// Bytes to events: inflates, finds the records in whatever wraps them, and reads what is needed of each.
pub mod decode;
/// Log files against CloudTrail's digest files: what is as it was delivered, and what is missing or changed.
pub mod integrity;
/// Event to principal: who really made a call, and the workload behind a role.
pub mod attribute;
/// Event to IAM calls: actions, resources, and what stays unmapped.
pub mod resolve;
/// All calls, counted.
pub mod usage;

// What was allowed.

/// What each principal may do, and the policy that each grant came from.
pub mod grants;

// What to do about it.

/// Usage joined with grants: each granted action with its evidence grade.
pub mod gap;
/// Gap to smaller policy: what may go, and the documents that would do.
pub mod rightsize;
/// Replay and inclusion: a proof for each suggestion, or a witness.
pub mod verify;
/// What deserves attention beside the policies.
pub mod hygiene;
/// The pipeline as one function: archive, grants and options in; gaps, suggestions, proofs and findings out.
pub mod analysis;
/// The answer as one value.
pub mod report;

// What people see.

/// Suggestion to edit of the file that it came from: JSON, Terraform, CloudFormation.
pub mod patch;
/// One file per format, no decisions.
pub mod emit;
/// The SQL in `/queries`, run over the tables of a result.
#[cfg(feature = "polars")]
pub mod query;
/// The configuration file: each key is a flag of the same name.
pub mod config;
/// One file per subcommand; the only stage that reads clock, environment and terminal.
pub mod command;
