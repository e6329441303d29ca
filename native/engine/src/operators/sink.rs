use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion_physical_expr::PhysicalExpr;
use millrace_formats::{Cells, Encoder};
use millrace_io::{Records, Tombstones};

use super::{Operator, Output};
use crate::barrier::BarrierReport;
use crate::batch::{Batch, internal};
use crate::expressions::evaluate;
use crate::sink_writer::SinkWriter;
use crate::{Error, ErrorCode, Result};

/// Encodes rows and writes them to a sink.
pub struct SinkStep {
    writer: Rc<RefCell<SinkWriter>>,
    encoder: Box<dyn Encoder>,
    key: Option<Arc<dyn PhysicalExpr>>,
    headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
    /// Where it holds, the record has no value.
    tombstone: Option<Arc<dyn PhysicalExpr>>,
}

impl SinkStep {
    pub fn new(
        writer: Rc<RefCell<SinkWriter>>,
        encoder: Box<dyn Encoder>,
        key: Option<Arc<dyn PhysicalExpr>>,
        headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
        tombstone: Option<Arc<dyn PhysicalExpr>>,
    ) -> Self {
        SinkStep { writer, encoder, key, headers, tombstone }
    }

    fn encode(&mut self, rows: &RecordBatch, records: &mut Records) -> Result<()> {
        let Some(tombstone) = &self.tombstone else {
            self.encoder.encode(rows, &mut records.values);
            return Ok(());
        };
        let holds = evaluate(tombstone, rows)?;
        let holds = holds.as_boolean_opt().ok_or_else(|| internal("a tombstone's condition is no bool"))?;
        records.tombstones = Tombstones::Rows(holds.iter().map(|holds| holds == Some(true)).collect());
        // The values of rows without one may have no place in the format: they are not encoded at all.
        let mut row = 0;
        while row < rows.num_rows() {
            let is_tombstone = records.tombstones.has(row);
            let end = (row..rows.num_rows()).find(|&other| records.tombstones.has(other) != is_tombstone);
            let end = end.unwrap_or(rows.num_rows());
            if is_tombstone {
                (row..end).for_each(|_| records.values.end_row());
            } else {
                self.encoder.encode(&rows.slice(row, end - row), &mut records.values);
            }
            row = end;
        }
        Ok(())
    }
}

impl Operator for SinkStep {
    fn on_batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        let mut records = Records { first_line: self.encoder.first_line(), ..Records::default() };
        self.encode(&batch.rows, &mut records)?;
        if let Some(failure) = self.encoder.take_failure() {
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
