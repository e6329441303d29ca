//! The JSON format against serde_json and against itself. A failing case prints its smallest form and its seed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod agreement;
mod corpus;
#[path = "../damage/mod.rs"]
mod damage;
#[path = "../../fuzz/check_json.rs"]
mod fuzz_check;
mod generate;
mod mutation;
mod round_trip;
