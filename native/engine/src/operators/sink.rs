use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use datafusion_physical_expr::PhysicalExpr;
use millrace_formats::{Cells, Encoder};
use millrace_io::Records;

use super::{Operator, Output};
use crate::barrier::BarrierReport;
use crate::batch::Batch;
use crate::expressions::evaluate;
use crate::sink_writer::SinkWriter;
use crate::{Error, ErrorCode, Result};

/// Encodes rows and writes them to a sink.
pub struct SinkStep {
    writer: Rc<RefCell<SinkWriter>>,
    /// `None`: the sink takes rows as they are.
    encoder: Option<Box<dyn Encoder>>,
    key: Option<Arc<dyn PhysicalExpr>>,
    headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
}

impl SinkStep {
    pub fn new(
        writer: Rc<RefCell<SinkWriter>>,
        encoder: Option<Box<dyn Encoder>>,
        key: Option<Arc<dyn PhysicalExpr>>,
        headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
    ) -> Self {
        SinkStep { writer, encoder, key, headers }
    }
}

impl Operator for SinkStep {
    fn on_batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        let Some(encoder) = &mut self.encoder else {
            let records = Records { rows: Some(batch.rows), ..Records::default() };
            return self.writer.borrow_mut().write(records);
        };
        let mut records = Records { schema: Some(batch.rows.schema()), ..Records::default() };
        encoder.encode(&batch.rows, &mut records.values);
        if let Some(failure) = encoder.take_failure() {
            return Err(Error::new(ErrorCode::Expression, format!("a row cannot be written: {failure}")));
        }
        if let Some(key) = &self.key {
            records.keys = Some(cells(evaluate(key, &batch.rows)?.as_ref())?);
        }
        for (name, value) in &self.headers {
            records.headers.push((name.clone(), cells(evaluate(value, &batch.rows)?.as_ref())?));
        }
        self.writer.borrow_mut().write(records)
    }

    fn on_barrier(&mut self, _report: &mut BarrierReport, _out: &mut Output) -> Result<()> {
        self.writer.borrow_mut().on_barrier();
        Ok(())
    }
}

fn cells(array: &dyn Array) -> Result<Cells> {
    let mut cells = Cells::default();
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(|cell| cells.push(cell.map(str::as_bytes))),
        DataType::Binary => array.as_binary::<i32>().iter().for_each(|cell| cells.push(cell)),
        other => {
            let message = format!("keys and headers are strings or bytes, not {other}");
            return Err(Error::new(ErrorCode::Plan, message));
        }
    }
    Ok(cells)
}
