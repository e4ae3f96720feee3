//! The one integration-test binary: each file below is one concern.

mod journey;
mod map;
mod simulate_corpus;
mod sample_bytes;
