//! trimtrail reads CloudTrail, joins what was done with what IAM allows, and writes smaller policies with a proof.
//!
//! This file is the map: modules stand in the order in which data meets them, and a module imports only from
//! modules above it (`tests/map.rs` holds that).

/// The policy language, pure: no files, no clock, no network, nothing of CloudTrail.
pub mod iam;

/// Bytes to events: unpacks, finds the records in whatever wraps them, and reads each.
pub mod decode;
