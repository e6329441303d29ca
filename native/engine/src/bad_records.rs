//! What becomes of records that cannot be decoded.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millrace_formats::{BadRecord, Cells, Encoder};
use millrace_io::{Record, Records, Refused, Split, Tombstones};

use crate::batch::internal;
use crate::counters::OperatorCounters;
use crate::sink_writer::SinkWriter;
use crate::{Error, ErrorCode, Result};

pub enum BadRecords {
    Fail,
    Skip,
    DeadLetter(DeadLetter),
}

impl BadRecords {
    pub fn handle(
        &mut self,
        split: &Split,
        record: &Record<'_>,
        bad: &BadRecord,
        counters: &OperatorCounters,
    ) -> Result<()> {
        match self {
            BadRecords::Fail => Err(failure(split, record.offset, bad)),
            BadRecords::Skip => {
                counters.bad.add(1);
                Ok(())
            }
            BadRecords::DeadLetter(dead_letter) => {
                counters.bad.add(1);
                dead_letter.write(split, record, bad)
            }
        }
    }

    /// A row that the other side of a sink has refused.
    pub fn refuse(&mut self, refused: &Refused, counters: &OperatorCounters) -> Result<()> {
        match self {
            BadRecords::Fail => Err(refusal(refused)),
            BadRecords::Skip => {
                counters.bad.add(1);
                Ok(())
            }
            BadRecords::DeadLetter(dead_letter) => {
                counters.bad.add(1);
                let Refused { by, shard, reason, value } = refused;
                let (name, partition) = (by.clone(), *shard as i32);
                let split = Split { resource: name.clone(), name, partition, start: 0, metadata: None };
                let record = Record { split: 0, offset: 0, timestamp: None, key: None, value: Some(value) };
                dead_letter.write(&split, &record, &BadRecord { column: None, message: reason.clone() })
            }
        }
    }

    pub fn writer(&self) -> Option<Rc<RefCell<SinkWriter>>> {
        match self {
            BadRecords::DeadLetter(dead_letter) => Some(dead_letter.writer.clone()),
            _ => None,
        }
    }
}

fn failure(split: &Split, offset: i64, bad: &BadRecord) -> Error {
    let message = format!(
        "{}, offset {}: {bad}. The record was not counted. Set onBadRecord to \"skip\" or deadLetter(...) to keep going.",
        split.name,
        grouped(offset)
    );
    Error::new(ErrorCode::BadRecord, message)
}

fn refusal(Refused { by, reason, value, .. }: &Refused) -> Error {
    let row = match std::str::from_utf8(value) {
        Ok(text) if !value.contains(&0) => shown(text),
        // A row of columns: Arrow or Parquet.
        _ => format!("of {} bytes that are no text", grouped(value.len() as i64)),
    };
    let message = format!(
        "{by} refused the row {row}: {reason}. Correct it, or set onBadRecord to \"skip\" or deadLetter(...) to keep \
         going."
    );
    Error::new(ErrorCode::BadRecord, message)
}

fn shown(text: &str) -> String {
    let row: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if row.len() < text.len() { "…" } else { "" };
    format!("{row}{more}")
}

/// So much of a row is shown in an error.
const SHOWN_CHARS: usize = 200;

/// 81223 as "81,223".
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes bad records to a sink of their own. Where the sink has headers, key and value stay as they came and the
/// circumstances are headers; elsewhere all of it is one JSON object.
pub struct DeadLetter {
    pub writer: Rc<RefCell<SinkWriter>>,
    pub job: String,
    pub step: String,
    /// `None` where the sink has headers.
    pub envelope: Option<Box<dyn Encoder>>,
}

impl DeadLetter {
    /// The columns of the JSON object.
    pub fn envelope_schema() -> SchemaRef {
        let field = |name: &str, data_type: DataType, nullable: bool| Field::new(name, data_type, nullable);
        Arc::new(Schema::new(vec![
            field("job", DataType::Utf8, false),
            field("step", DataType::Utf8, false),
            field("resource", DataType::Utf8, false),
            field("partition", DataType::Int32, false),
            field("offset", DataType::Int64, false),
            field("timestamp", DataType::Int64, true),
            field("column", DataType::Utf8, true),
            field("reason", DataType::Utf8, false),
            field("key", DataType::Binary, true),
            field("value", DataType::Binary, true),
        ]))
    }

    fn write(&mut self, split: &Split, record: &Record<'_>, bad: &BadRecord) -> Result<()> {
        let records = match &mut self.envelope {
            None => with_headers(&self.job, &self.step, split, record, bad),
            Some(encoder) => {
                let mut records = Records::default();
                encoder.encode(&enveloped(&self.job, &self.step, split, record, bad)?, &mut records.values);
                records.first_line = encoder.first_line();
                records
            }
        };
        self.writer.borrow_mut().write(records)
    }
}

fn with_headers(job: &str, step: &str, split: &Split, record: &Record<'_>, bad: &BadRecord) -> Records {
    let mut records = Records { tombstones: Tombstones::of_one(record.value.is_none()), ..Records::default() };
    records.values.buffer().extend_from_slice(record.value.unwrap_or_default());
    records.values.end_row();
    let cell = |bytes: Option<&[u8]>| {
        let mut cells = Cells::default();
        cells.push(bytes);
        cells
    };
    records.keys = Some(cell(record.key));
    let mut header = |name: &str, value: Option<&str>| {
        records.headers.push((format!("millrace.{name}"), cell(value.map(str::as_bytes))));
    };
    header("job", Some(job));
    header("step", Some(step));
    header("resource", Some(&split.resource));
    header("partition", Some(&split.partition.to_string()));
    header("offset", Some(&record.offset.to_string()));
    header("timestamp", record.timestamp.map(|t| t.to_string()).as_deref());
    header("column", bad.column.as_deref());
    header("reason", Some(&bad.to_string()));
    records
}

fn enveloped(job: &str, step: &str, split: &Split, record: &Record<'_>, bad: &BadRecord) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![job])),
        Arc::new(StringArray::from(vec![step])),
        Arc::new(StringArray::from(vec![split.resource.as_str()])),
        Arc::new(Int32Array::from(vec![split.partition])),
        Arc::new(Int64Array::from(vec![record.offset])),
        Arc::new(Int64Array::from(vec![record.timestamp])),
        Arc::new(StringArray::from(vec![bad.column.as_deref()])),
        Arc::new(StringArray::from(vec![bad.to_string()])),
        Arc::new(BinaryArray::from(vec![record.key])),
        Arc::new(BinaryArray::from(vec![record.value])),
    ];
    RecordBatch::try_new(DeadLetter::envelope_schema(), columns).map_err(internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 81_223, 1_234_567].map(grouped), ["0", "999", "1,000", "81,223", "1,234,567"]);
    }

    #[test]
    fn a_failure_says_where_what_and_what_now() {
        let split =
            Split { name: "bids, partition 3".into(), resource: "bids".into(), partition: 3, start: 0, metadata: None };
        let bad = BadRecord { column: Some("price".into()), message: "expected int64, found \"12,5\" (string)".into() };
        assert_eq!(
            failure(&split, 81_223, &bad).at("kafka(bids)").to_string(),
            "kafka(bids): bids, partition 3, offset 81,223: column \"price\": expected int64, found \"12,5\" (string). \
             The record was not counted. Set onBadRecord to \"skip\" or deadLetter(...) to keep going."
        );
    }
}
