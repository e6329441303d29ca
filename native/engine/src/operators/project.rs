use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion_physical_expr::PhysicalExpr;

use super::{Operator, Output};
use crate::Result;
use crate::batch::{Batch, internal};
use crate::expressions::evaluate;

/// Makes each row anew from expressions over it.
pub struct Project {
    columns: Projection,
}

/// Expressions and the schema that their values have together.
pub struct Projection {
    expressions: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

impl Projection {
    pub fn new(expressions: Vec<Arc<dyn PhysicalExpr>>, schema: SchemaRef) -> Self {
        Projection { expressions, schema }
    }

    pub fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.expressions.iter().map(|e| evaluate(e, rows)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map_err(internal)
    }
}

impl Project {
    pub fn new(columns: Projection) -> Self {
        Project { columns }
    }
}

impl Operator for Project {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let rows = self.columns.apply(&batch.rows)?;
        out.emit(batch.with_rows(rows));
        Ok(())
    }
}
