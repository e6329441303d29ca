use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion_physical_expr::PhysicalExpr;
use millrace_formats::{Cells, Encoder};
use millrace_io::{Records, Tombstones};

use super::{Operator, Output, Partitions};
use crate::barrier::BarrierReport;
use crate::batch::{Batch, internal};
use crate::expressions::evaluate;
use crate::sink_writer::SinkWriter;
use crate::{Error, ErrorCode, Result};

/// Encodes rows and writes them to a sink.
pub struct SinkStep {
    pub writer: Rc<RefCell<SinkWriter>>,
    /// `None`: the sink takes rows as they are.
    pub encoder: Option<Box<dyn Encoder>>,
    /// The folders that rows are dealt out to.
    pub partitions: Option<Partitions>,
    pub key: Option<Arc<dyn PhysicalExpr>>,
    pub headers: Vec<(String, Arc<dyn PhysicalExpr>)>,
    /// Where it holds, the record has no value.
    pub tombstone: Option<Arc<dyn PhysicalExpr>>,
}

impl SinkStep {
    fn write(&mut self, rows: &RecordBatch, folder: Option<Arc<str>>) -> Result<()> {
        let mut records = Records { folder, schema: Some(rows.schema()), ..Records::default() };
        match &mut self.encoder {
            None => records.rows = Some(rows.clone()),
            Some(encoder) => {
                records.first_line = encoder.first_line();
                encode(encoder.as_mut(), self.tombstone.as_ref(), rows, &mut records)?;
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

fn encode(
    encoder: &mut dyn Encoder,
    tombstone: Option<&Arc<dyn PhysicalExpr>>,
    rows: &RecordBatch,
    records: &mut Records,
) -> Result<()> {
    match tombstone {
        None => encoder.encode(rows, &mut records.values),
        Some(tombstone) => encode_some(encoder, tombstone, rows, records)?,
    }
    encoder
        .take_failure()
        .map_or(Ok(()), |failure| Err(Error::new(ErrorCode::Expression, format!("a row cannot be written: {failure}"))))
}

/// The values of rows without one may have no place in the format: they are not encoded at all.
fn encode_some(
    encoder: &mut dyn Encoder,
    tombstone: &Arc<dyn PhysicalExpr>,
    rows: &RecordBatch,
    records: &mut Records,
) -> Result<()> {
    let holds = evaluate(tombstone, rows)?;
    let holds = holds.as_boolean_opt().ok_or_else(|| internal("a tombstone's condition is no bool"))?;
    records.tombstones = Tombstones::Rows(holds.iter().map(|holds| holds == Some(true)).collect());
    let mut row = 0;
    while row < rows.num_rows() {
        let is_tombstone = records.tombstones.has(row);
        let end = (row..rows.num_rows()).find(|&other| records.tombstones.has(other) != is_tombstone);
        let end = end.unwrap_or(rows.num_rows());
        if is_tombstone {
            (row..end).for_each(|_| records.values.end_row());
        } else {
            encoder.encode(&rows.slice(row, end - row), &mut records.values);
        }
        row = end;
    }
    Ok(())
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
