//! Makes a Nexmark-like stream of bids, persons or auctions: seeded, and the same at every parallelism.

mod columns;
mod event;
mod source;

pub use source::GeneratorSource;
