//! The Protobuf format against the `prost-reflect` crate and against itself. A failing case prints its smallest form and its
//! seed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod agreement;
mod corpus;
#[path = "../damage/mod.rs"]
mod damage;
#[path = "../../fuzz/check_protobuf.rs"]
mod fuzz_check;
#[allow(dead_code)]
#[path = "../json/generate.rs"]
mod generate;
mod mutation;
mod reading;
mod registry;
mod round_trip;
mod writing;
mod written;
