//! Events that Athena or Spark have counted: any bytes.
#![no_main]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::reduced(data));
