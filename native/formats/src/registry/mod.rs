//! Records that name their schema by its number in a registry, as Confluent's serializers write them.

pub(crate) mod framing;
mod known;
mod schemas;

pub(crate) use known::Known;
pub(crate) use schemas::{Missing, in_schema, look_up};
pub use schemas::{NoSchema, SchemaKind, SchemaText, Schemas};
