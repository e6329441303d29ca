//! `cargo +nightly fuzz run avro_decode` in native/formats.
#![no_main]

#[path = "../check_avro.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|record: &[u8]| check::decode(record));
