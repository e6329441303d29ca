use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};

use super::RowKeys;
use crate::Result;
use crate::batch::{Batch, internal};
use crate::exchange::HASH_COLUMN;
use crate::operators::{Operator, Output};

/// The near half: puts the hash of its key beside each row, by which the exchange brings it to its slot.
pub struct Route {
    keys: RowKeys,
    /// Of rows with their hashes.
    schema: SchemaRef,
}

impl Route {
    pub fn new(keys: RowKeys, input: &SchemaRef) -> Self {
        let hash = Arc::new(Field::new(HASH_COLUMN, DataType::UInt64, false));
        let fields: Vec<_> = input.fields().iter().cloned().chain([hash]).collect();
        Route { keys, schema: Arc::new(Schema::new(fields)) }
    }
}

impl Operator for Route {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let hashes = Arc::new(UInt64Array::from(self.keys.hashes(&self.keys.columns(&batch.rows)?)?));
        let columns = batch.rows.columns().iter().cloned().chain([hashes as _]).collect();
        let rows = RecordBatch::try_new(self.schema.clone(), columns).map_err(internal)?;
        out.emit(batch.with_rows(rows));
        Ok(())
    }
}

/// What [`Route`] has put together: rows and the hashes of their keys.
pub fn routed(rows: &RecordBatch) -> Result<(RecordBatch, &UInt64Array)> {
    let Some((hashes, columns)) = rows.columns().split_last() else {
        return Err(internal("a batch came without hashes"));
    };
    let hashes = hashes.as_primitive_opt::<UInt64Type>().ok_or_else(|| internal("hashes are not uint64"))?;
    let own: Vec<usize> = (0..columns.len()).collect();
    Ok((rows.project(&own).map_err(internal)?, hashes))
}
