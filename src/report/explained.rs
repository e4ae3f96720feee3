//! How many authorised calls the grants explain, as `trimtrail coverage` shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::gap::{Explained, Share};

/// Authorised calls of principals whose grants are given, and how many of them some statement explains.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ExplainedReport {
    /// Calls that AWS allowed.
    pub calls: u64,
    /// Those for which some statement allows, in some context, all that was surely needed on what they touched.
    pub explained: u64,
    /// Those of operations that the catalog does not know; they are not among the explained.
    pub unmapped: u64,
    /// The share that is explained, in per cent.
    pub percent: f64,
    /// By event source.
    pub services: Vec<ExplainedService>,
    /// By operation, the most unexplained calls first.
    pub operations: Vec<ExplainedCalls>,
}

/// Calls to one service.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ExplainedService {
    /// `eventSource`
    pub event_source: String,
    /// Calls that AWS allowed.
    pub calls: u64,
    /// Those that are explained.
    pub explained: u64,
    /// The share, in per cent.
    pub percent: f64,
}

/// Calls of one operation.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ExplainedCalls {
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// Calls that AWS allowed.
    pub calls: u64,
    /// Those that are explained.
    pub explained: u64,
    /// Whether the catalog does not know the operation.
    pub unmapped: bool,
    /// The share, in per cent.
    pub percent: f64,
    /// Actions that the others needed and that nothing allows on what they touched.
    pub actions: Vec<String>,
    /// Some of the resources, as derived, on which nothing allows them.
    pub resources: Vec<String>,
}

/// In hundredths of a per cent, so that equal shares print alike; never rounded up to all.
fn percent(share: Share) -> f64 {
    (share.percent() * 100.0).floor() / 100.0
}

pub(super) fn explained(explained: &Explained) -> ExplainedReport {
    let services = explained.sources.iter().map(|(source, share)| ExplainedService {
        event_source: source.clone(),
        calls: share.calls,
        explained: share.explained,
        percent: percent(*share),
    });
    let operations = explained
        .operations
        .iter()
        .map(|((source, name), operation)| ExplainedCalls {
            event_source: source.clone(),
            event_name: name.clone(),
            calls: operation.share.calls,
            explained: operation.share.explained,
            unmapped: operation.share.unmapped > 0,
            percent: percent(operation.share),
            actions: operation.actions.iter().cloned().collect(),
            resources: operation.resources.iter().cloned().collect(),
        });
    ExplainedReport {
        calls: explained.total.calls,
        explained: explained.total.explained,
        unmapped: explained.total.unmapped,
        percent: percent(explained.total),
        services: services.collect(),
        operations: operations.collect(),
    }
}
