//! Edits of Terraform files: any bytes.
#![no_main]
#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::patch_hcl(data));
