//! Parquet files and Avro containers against themselves and the crate `apache-avro`, whole and damaged. A failing case prints its
//! smallest form and its seed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod containers;
#[path = "../damage/mod.rs"]
#[allow(dead_code)]
mod damage;
mod damaged;
#[allow(dead_code)]
#[path = "../json/generate.rs"]
mod generate;
mod parquet;
mod place;
#[allow(dead_code)]
#[path = "../avro/written.rs"]
mod written;
