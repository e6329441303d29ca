use std::cell::RefCell;
use std::rc::Rc;

use arrow::array::UInt32Array;
use arrow::datatypes::SchemaRef;
use millrace_plan::FunctionKind;

use super::{Operator, Output};
use crate::batch::Batch;
use crate::host::Host;
use crate::{Error, ErrorCode, Result};

/// Passes batches through a function of the user's, which the host runs.
pub struct FunctionStep {
    host: Rc<RefCell<Box<dyn Host>>>,
    number: u32,
    kind: FunctionKind,
    schema: SchemaRef,
}

impl FunctionStep {
    pub fn new(host: Rc<RefCell<Box<dyn Host>>>, number: u32, kind: FunctionKind, schema: SchemaRef) -> Self {
        FunctionStep { host, number, kind, schema }
    }
}

impl Operator for FunctionStep {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let mapped = self.host.borrow_mut().call(self.number, self.kind, &batch.rows, &self.schema)?;
        let times = match mapped.origin {
            None if mapped.rows.num_rows() != batch.len() => {
                let (got, given) = (mapped.rows.num_rows(), batch.len());
                let message =
                    format!("the function returned {got} rows for {given}; it must return as many as it gets");
                return Err(Error::new(ErrorCode::Function, message));
            }
            None => batch.times,
            Some(origin) => {
                if origin.len() != mapped.rows.num_rows() || origin.iter().any(|&row| row as usize >= batch.len()) {
                    return Err(Error::new(ErrorCode::Internal, "a function's rows do not say where they come from"));
                }
                batch.times.map(|times| times.take(&UInt32Array::from(origin))).transpose()?
            }
        };
        out.emit(Batch { rows: mapped.rows, times, pane: None });
        Ok(())
    }
}
