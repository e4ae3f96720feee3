//! The one integration-test binary: each file below is one concern.

mod accounts;
mod attribution;
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
mod observability;
mod operations;
mod originals;
mod patching;
mod pipeline;
mod policy_semantics;
mod random_usage;
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
