//! The Node binding of the core, and only that: each method converts, calls, and converts back. The contract as seen
//! from TypeScript stands in `worker/src/native.ts`.

#[cfg(target_env = "gnu")]
mod allocator;
mod batch;
mod bell;
mod calls;
mod error;
mod host;
mod job;
mod metrics;
mod requests;
pub mod schemas;
mod slot;
pub mod stored;
