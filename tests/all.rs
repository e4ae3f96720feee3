//! The one integration-test binary: each file below is one concern.

mod map;
mod sample_bytes;
