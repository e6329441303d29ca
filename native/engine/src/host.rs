//! What the engine asks of whoever drives a slot: user functions, and a screen for table sinks.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::FunctionKind;

use crate::Result;

/// What a user function made of a batch.
pub struct Mapped {
    /// Rows of the step's schema.
    pub rows: RecordBatch,
    /// For each row the input row that it came from, ascending; `None` where rows map one to one.
    pub origin: Option<Vec<u32>>,
}

/// Called from within [`crate::Slot::step`], on its thread, a batch at a time.
pub trait Host {
    /// Calls user function `number`. `output` is the schema that the rows must have.
    fn call(&mut self, number: u32, kind: FunctionKind, input: &RecordBatch, output: &SchemaRef) -> Result<Mapped>;

    /// Shows rows that arrived at a table sink.
    fn show(&mut self, title: &str, rows: &RecordBatch) -> Result<()>;
}
