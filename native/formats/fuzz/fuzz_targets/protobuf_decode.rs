//! `cargo +nightly fuzz run protobuf_decode` in native/formats.
#![no_main]

#[path = "../check_protobuf.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|record: &[u8]| check::decode(record));
