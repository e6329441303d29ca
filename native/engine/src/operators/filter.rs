use std::sync::Arc;

use arrow::array::AsArray;
use datafusion_physical_expr::PhysicalExpr;

use super::{Operator, Output};
use crate::batch::Batch;
use crate::expressions::evaluate;
use crate::{Error, ErrorCode, Result};

/// Keeps the rows for which a predicate is true; false and null drop a row.
pub struct Filter {
    predicate: Arc<dyn PhysicalExpr>,
}

impl Filter {
    pub fn new(predicate: Arc<dyn PhysicalExpr>) -> Self {
        Filter { predicate }
    }
}

impl Operator for Filter {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let keep = evaluate(&self.predicate, &batch.rows)?;
        let keep = keep
            .as_boolean_opt()
            .ok_or_else(|| Error::new(ErrorCode::Internal, "the predicate of a filter is not boolean"))?;
        if keep.true_count() == batch.len() {
            out.emit(batch);
        } else {
            out.emit(batch.filter(keep)?);
        }
        Ok(())
    }
}
