use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion_physical_expr::PhysicalExpr;
use millrace_formats::{Cells, Encoder};
use millrace_io::Records;

use super::{Operator, Output, Partitions};
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
    /// The folders that rows are dealt out to.
    partitions: Option<Partitions>,
    key: Option<Arc<dyn PhysicalExpr>>,
    headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
}

impl SinkStep {
    pub fn new(
        writer: Rc<RefCell<SinkWriter>>,
        encoder: Option<Box<dyn Encoder>>,
        partitions: Option<Partitions>,
        key: Option<Arc<dyn PhysicalExpr>>,
        headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
    ) -> Self {
        SinkStep { writer, encoder, partitions, key, headers }
    }

    fn write(&mut self, rows: &RecordBatch, folder: Option<Arc<str>>) -> Result<()> {
        let mut records = Records { folder, schema: Some(rows.schema()), ..Records::default() };
        match &mut self.encoder {
            None => records.rows = Some(rows.clone()),
            Some(encoder) => {
                encoder.encode(rows, &mut records.values);
                if let Some(failure) = encoder.take_failure() {
                    return Err(Error::new(ErrorCode::Expression, format!("a row cannot be written: {failure}")));
                }
            }
        }
        if let Some(key) = &self.key {
            records.keys = Some(cells(evaluate(key, rows)?.as_ref())?);
        }
        for (name, value) in &self.headers {
            records.headers.push((name.clone(), cells(evaluate(value, rows)?.as_ref())?));
        }
        self.writer.borrow_mut().write(records)
    }
}

impl Operator for SinkStep {
    fn on_batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        match &self.partitions {
            None => self.write(&batch.rows, None),
            Some(partitions) => {
                let parts = partitions.split(&batch.rows)?;
                parts.into_iter().try_for_each(|(folder, rows)| self.write(&rows, Some(folder)))
            }
        }
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
