//! `cargo +nightly fuzz run json_decode` in native/formats.
#![no_main]

#[path = "../check_json.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|record: &[u8]| check::decode(record));
