//! The one integration-test binary: each file below is one concern.

mod accounts;
mod attribution;
mod branches;
mod browser;
mod case_files;
mod cases;
mod catalog_in_use;
mod choices;
mod engines;
mod errors;
mod evidence;
mod explained;
mod faults;
mod fuzz_inputs;
mod groups;
mod hostile;
mod http;
mod hygiene;
mod idempotent;
mod journey;
mod last_accessed;
#[cfg(feature = "polars")]
mod ledger;
mod life_cycles;
mod lost;
mod map;
mod mutants;
#[cfg(feature = "aws")]
mod network;
mod only_reads;
mod narrowing;
mod numbers;
mod observability;
mod operations;
mod originals;
mod patching;
mod pipeline;
mod pod_sessions;
mod pod_targets;
mod policy_semantics;
mod practices;
mod pulls;
mod random_usage;
mod resolved;
mod rhythm;
mod rightsizing;
mod sample_bytes;
mod schemas;
mod simulate_corpus;
mod spellings;
mod strangers;
mod trails;
mod two_sided;
mod unreadable;
mod unseen;

use trimtrail::inside::analysis::{self, Archive};
use trimtrail::inside::catalog::Catalog;
use trimtrail::inside::coverage::Coverage;
use trimtrail::inside::grants::Grants;
use trimtrail::inside::report::{self, Inputs, Report};
use trimtrail::inside::usage::Table;

/// What is reported of these calls and grants, of which no proof refuses a suggestion.
fn reported((table, coverage): (&Table, &Coverage), grants: &Grants, options: &analysis::Options) -> Report {
    let (catalog, archive) = (Catalog::embedded(), Archive::new(table, coverage));
    let analysis = analysis::analyse(catalog, &archive, grants, options);
    if let Some((_, refused)) = analysis.refused.first() {
        panic!("{:?}", refused[0].1);
    }
    report::build(Inputs {
        version: "0",
        catalog,
        archive: &archive,
        grants,
        options,
        analysis,
    })
}
