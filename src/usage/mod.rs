//! All calls, counted: who called what, where, when and on which resources.

mod batches;
mod builder;
mod collect;
mod damage;
mod duplicates;
mod exclude;
mod filter;
mod hashed;
mod join;
#[cfg(feature = "polars")]
pub mod ledger;
mod memory;
mod named;
mod outlier;
pub mod shapes;
mod shard;
pub mod table;
mod texts;
mod undated;

pub use collect::{Error, Options, PartKey, collect, collect_parts};
pub use exclude::ExcludeRule;
pub use filter::Filter;
pub use table::{Behind, Caller, Row, Seen, Table, Witness, WorkloadCalls};
pub use undated::collect_undated;
