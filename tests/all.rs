//! The one integration-test binary: each file below is one concern.

mod fuzz_inputs;
mod journey;
mod map;
mod simulate_corpus;
mod sample_bytes;
