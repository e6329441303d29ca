//! The Avro format against the `apache-avro` crate and against itself. A failing case prints its smallest form and its seed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod agreement;
mod corpus;
#[path = "../damage/mod.rs"]
mod damage;
#[path = "../../fuzz/check_avro.rs"]
mod fuzz_check;
#[allow(dead_code)]
#[path = "../json/generate.rs"]
mod generate;
mod mutation;
mod resolution;
mod round_trip;
mod written;
