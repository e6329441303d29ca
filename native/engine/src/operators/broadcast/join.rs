use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use millrace_plan::broadcast_column;

use super::SharedTable;
use crate::Result;
use crate::batch::{Batch, internal};
use crate::operators::keyed::RowKeys;
use crate::operators::{Operator, Output, Projection};

/// The side of a join that rows come through: each looks up its key in the table of its slot. Null matches nothing.
pub struct BroadcastJoin {
    on: RowKeys,
    table: SharedTable,
    /// The columns of both sides.
    scope: SchemaRef,
    output: Projection,
    keep_unmatched: bool,
}

impl BroadcastJoin {
    /// `scope` is [`BroadcastJoin::scope`], and what `output` is made from.
    pub fn new(on: RowKeys, table: SharedTable, scope: SchemaRef, output: Projection, keep_unmatched: bool) -> Self {
        BroadcastJoin { on, table, scope, output, keep_unmatched }
    }

    /// The columns of both sides, as expressions name them.
    pub fn scope(input: &SchemaRef, table: &SchemaRef) -> SchemaRef {
        let of_table = table.fields().iter().map(|field| {
            let name = broadcast_column(field.name());
            Arc::new(field.as_ref().clone().with_name(name).with_nullable(true))
        });
        Arc::new(Schema::new(input.fields().iter().cloned().chain(of_table).collect::<Vec<FieldRef>>()))
    }
}

impl Operator for BroadcastJoin {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let columns = self.on.columns(&batch.rows)?;
        let keys = self.on.encode(&columns)?;
        let is_null = |row: usize| columns.iter().any(|column| column.is_null(row));
        let keys = (0..batch.len()).map(|row| (!is_null(row)).then(|| keys.row(row).data()));
        let mut is_matched = Vec::with_capacity(batch.len());
        let matches = self.table.borrow().look_up(keys, |found| is_matched.push(found))?;
        let columns = batch.rows.columns().iter().chain(matches.columns()).cloned().collect();
        let joined = batch.with_rows(RecordBatch::try_new(self.scope.clone(), columns).map_err(internal)?);
        let joined = if self.keep_unmatched { joined } else { joined.filter(&BooleanArray::from(is_matched))? };
        out.emit(joined.with_rows(self.output.apply(&joined.rows)?));
        Ok(())
    }
}
