//! The one integration-test binary: each file below is one concern.

mod map;
mod simulate_corpus;
mod sample_bytes;
