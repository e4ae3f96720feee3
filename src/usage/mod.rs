//! All calls, counted: who called what, where, when and on which resources.

mod collect;
mod duplicates;
pub mod shapes;
mod table;

pub use collect::{Error, Filter, Options, collect};
pub use table::{Caller, Row, Seen, Signature, Table, Witness, WorkloadCalls};
