//! The few functions that other programs call, and the types that they take and give.

pub use crate::analysis::{Analysis, Archive, Options, analyse};
pub use crate::catalog::Catalog;
pub use crate::coverage::Coverage;
pub use crate::grants::{Grants, load as load_grants};
pub use crate::iam::{Policy, simulate::decide as simulate};
pub use crate::progress::Progress;
pub use crate::resolve::{Facts, Operation, Resolution, resolve};
pub use crate::source::{Source, find as find_logs};
#[cfg(feature = "polars")]
pub use crate::usage::ledger::{Read as Ledger, read as read_ledger};
pub use crate::usage::{Filter, Options as CollectOptions, Table, collect};
pub use crate::verify::{Verified, narrower as verify};
