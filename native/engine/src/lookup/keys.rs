use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::row::Rows;
use millrace_plan::NamedExpr;

use crate::Result;
use crate::batch::internal;
use crate::operators::keyed::RowKeys;

/// What rows are looked up by.
pub struct LookupKeys {
    keys: RowKeys,
    /// The columns of keys, as the driver gets them.
    schema: SchemaRef,
}

/// The keys of a batch; none where a part of it is null, as null matches nothing.
pub struct Encoded {
    /// As the driver gets them.
    pub columns: RecordBatch,
    rows: Rows,
    is_null: Vec<bool>,
}

impl LookupKeys {
    pub fn new(on: &[NamedExpr], input: &SchemaRef) -> Result<Self> {
        let keys = RowKeys::new(on, input)?;
        let field = |(key, data_type): (&NamedExpr, _)| Field::new(&key.name, Clone::clone(data_type), true);
        let fields: Vec<Field> = on.iter().zip(keys.types()).map(field).collect();
        Ok(LookupKeys { keys, schema: Arc::new(Schema::new(fields)) })
    }

    pub fn of(&self, rows: &RecordBatch) -> Result<Encoded> {
        let columns = RecordBatch::try_new(self.schema.clone(), self.keys.columns(rows)?).map_err(internal)?;
        let is_null = |row| columns.columns().iter().any(|column| column.is_null(row));
        let is_null = (0..rows.num_rows()).map(is_null).collect();
        Ok(Encoded { rows: self.keys.encode(columns.columns())?, columns, is_null })
    }
}

impl Encoded {
    pub fn len(&self) -> usize {
        self.is_null.len()
    }

    pub fn get(&self, row: usize) -> Option<&[u8]> {
        (!self.is_null[row]).then(|| self.rows.row(row).data())
    }
}
