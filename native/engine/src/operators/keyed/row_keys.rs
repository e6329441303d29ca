use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion_physical_expr::PhysicalExpr;
use millrace_plan::NamedExpr;

use crate::Result;
use crate::batch::internal;
use crate::expressions::{compile, evaluate};
use crate::key_group::{KeyCodec, KeyHash};
use crate::operators::state_lines::key_line;

/// The keys of rows.
pub struct RowKeys {
    names: Vec<String>,
    types: Vec<DataType>,
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    codec: KeyCodec,
    converter: RowConverter,
}

impl RowKeys {
    pub fn new(keys: &[NamedExpr], input: &SchemaRef) -> Result<Self> {
        let expressions = keys.iter().map(|key| compile(&key.expr, input)).collect::<Result<Vec<_>>>()?;
        let types = expressions.iter().map(|key| key.data_type(input).map_err(internal)).collect::<Result<Vec<_>>>()?;
        let fields = types.iter().cloned().map(SortField::new).collect();
        Ok(RowKeys {
            names: keys.iter().map(|key| key.name.clone()).collect(),
            codec: KeyCodec::new(types.clone())?,
            converter: RowConverter::new(fields).map_err(internal)?,
            types,
            expressions,
        })
    }

    /// What the key columns are called in manifests.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.names.iter().zip(&self.types).map(|(name, data_type)| key_line(name, data_type))
    }

    pub fn types(&self) -> &[DataType] {
        &self.types
    }

    /// The key columns of rows.
    pub fn columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.expressions.iter().map(|key| evaluate(key, rows)).collect()
    }

    /// The hash of each key in such columns.
    pub fn hashes(&self, columns: &[ArrayRef]) -> Result<Vec<KeyHash>> {
        let keys = self.codec.encode(columns)?;
        Ok((0..columns.first().map_or(0, |column| column.len())).map(|row| keys.hash(row)).collect())
    }

    /// The keys in such columns, as bytes that are the same for the same key.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Rows> {
        self.converter.convert_columns(columns).map_err(internal)
    }
}
