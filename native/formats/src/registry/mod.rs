//! Records that name their schema by its number in a registry, as Confluent's serializers write them.

pub(crate) mod framing;
mod schemas;

pub(crate) use schemas::{MAX_KNOWN, Missing, look_up};
pub use schemas::{NoSchema, SchemaKind, SchemaText, Schemas};
