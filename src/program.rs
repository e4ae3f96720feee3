//! What `main.rs` runs.

pub use crate::command::{Cli, help};
pub use crate::emit::escape::terminal as without_controls;
