//! What flows between operators.

use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int64Array, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{FilterBuilder, take, take_record_batch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use crate::operators::window::PaneId;
use crate::{Error, ErrorCode, Result};

/// Milliseconds since the epoch, as event time is counted everywhere in the engine.
pub type Millis = i64;

/// A watermark of `w` says that no event earlier than `w` follows, save late ones.
pub const NO_WATERMARK: Millis = Millis::MIN;

/// The watermark of a stream that has ended.
pub const END_OF_TIME: Millis = Millis::MAX;

/// Rows and, in a stream with event time, when each of them happened.
#[derive(Debug, Clone)]
pub struct Batch {
    pub rows: RecordBatch,
    pub times: Option<EventTimes>,
    /// Set on partial results of a windowed aggregation: the pane that they are of.
    pub pane: Option<PaneId>,
}

/// Two columns beside the rows.
#[derive(Debug, Clone)]
pub struct EventTimes {
    pub event: Int64Array,
    /// The watermark that the row's own partition had reached before it. Lateness is decided by it, so that it depends
    /// on the order within a partition alone: the same at every parallelism and in every replay.
    pub reached: Int64Array,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same times beside other rows, one to one.
    pub fn with_rows(&self, rows: RecordBatch) -> Batch {
        Batch { rows, times: self.times.clone(), pane: self.pane }
    }

    /// The rows for which `keep` is true.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Batch> {
        let predicate = FilterBuilder::new(keep).optimize().build();
        let times = match &self.times {
            None => None,
            Some(times) => Some(EventTimes {
                event: downcast(predicate.filter(&times.event).map_err(internal)?.as_ref())?,
                reached: downcast(predicate.filter(&times.reached).map_err(internal)?.as_ref())?,
            }),
        };
        Ok(Batch { rows: predicate.filter_record_batch(&self.rows).map_err(internal)?, times, pane: self.pane })
    }

    /// The rows at `indices`, in their order.
    pub fn take(&self, indices: &UInt32Array) -> Result<Batch> {
        Ok(Batch {
            rows: take_record_batch(&self.rows, indices).map_err(internal)?,
            times: self.times.as_ref().map(|t| t.take(indices)).transpose()?,
            pane: self.pane,
        })
    }

    /// Bytes held, for the bounds of queues.
    pub fn bytes(&self) -> usize {
        self.rows.get_array_memory_size() + self.times.as_ref().map_or(0, |t| t.event.len() * 16)
    }
}

impl EventTimes {
    pub fn take(&self, indices: &UInt32Array) -> Result<EventTimes> {
        Ok(EventTimes {
            event: downcast(take(&self.event, indices, None).map_err(internal)?.as_ref())?,
            reached: downcast(take(&self.reached, indices, None).map_err(internal)?.as_ref())?,
        })
    }
}

fn downcast(array: &dyn Array) -> Result<Int64Array> {
    array
        .as_any()
        .downcast_ref::<Int64Array>()
        .cloned()
        .ok_or_else(|| Error::new(ErrorCode::Internal, "event times are not int64"))
}

/// The same columns, each of which may be null.
pub(crate) fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
    Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()))
}

/// One row of nulls, which all columns may be.
pub(crate) fn row_of_nulls(schema: &SchemaRef) -> Result<RecordBatch> {
    let nulls = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    RecordBatch::try_new(schema.clone(), nulls).map_err(internal)
}

/// An Arrow kernel failed on arrays that the engine made itself.
pub(crate) fn internal(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal, error.to_string())
}
