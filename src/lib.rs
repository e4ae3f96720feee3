//! trimtrail reads CloudTrail, joins what was done with what IAM allows, and writes smaller policies with a proof.
//!
//! This file is the map: modules stand in the order in which data meets them, and a module imports only from
//! modules above it (`tests/map.rs` holds that).

/// The policy language, pure: no files, no clock, no network, nothing of CloudTrail.
pub mod iam;
/// What AWS publishes, embedded: every IAM action, what each API call needs, what a trail can show.
pub mod catalog;

// What was done.

/// Bytes to events: inflates, finds the records in whatever wraps them, and reads what is needed of each.
pub mod decode;
