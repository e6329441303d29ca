//! Prometheus's remote write: each row is a time series with one sample, as it stands in a `WriteRequest` (protobuf). A request is
//! these, one after the other with nothing between them.
//!
//! # Writings
//! Labels stand in the order of their names, that of the metric (`__name__`) among them; those that are null or empty are left
//! out. The value becomes a float, the time milliseconds. A row without a value or a time is written as nothing.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, SchemaRef, TimeUnit};
use millrace_plan::{Series, SeriesName};

use crate::series::{Texts, Times, column};
use crate::{Encoder, FormatError, Rows, varint};

/// Tags of protobuf: the field's number and how its value is written.
const TIMESERIES: u8 = 1 << 3 | BYTES;
const LABELS: u8 = 1 << 3 | BYTES;
const SAMPLES: u8 = 2 << 3 | BYTES;
const NAME: u8 = 1 << 3 | BYTES;
const LABEL_VALUE: u8 = 2 << 3 | BYTES;
const SAMPLE_VALUE: u8 = 1 << 3 | FIXED64;
const TIMESTAMP: u8 = 2 << 3;
const BYTES: u8 = 2;
const FIXED64: u8 = 1;

/// Encodes rows as time series.
pub struct RemoteWriteEncoder {
    /// In the order of their names.
    labels: Vec<Label>,
    value: usize,
    time: usize,
    series: Vec<u8>,
    scratch: Vec<u8>,
    failure: Option<String>,
}

struct Label {
    name: String,
    /// A column, or the text that all rows have.
    value: Result<usize, String>,
}

impl RemoteWriteEncoder {
    pub fn new(series: &Series, schema: &SchemaRef) -> Result<Self, FormatError> {
        let metric = match &series.name {
            SeriesName::Text(text) => Err(text.clone()),
            SeriesName::Column(name) => Ok(column(schema, name)?),
        };
        let mut labels = vec![Label { name: "__name__".into(), value: metric }];
        for name in &series.labels {
            labels.push(Label { name: name.clone(), value: Ok(column(schema, name)?) });
        }
        labels.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let value = series.values.first().ok_or_else(|| FormatError("a sample has a value".into()))?;
        Ok(RemoteWriteEncoder {
            labels,
            value: column(schema, value)?,
            time: column(schema, &series.time)?,
            series: Vec::new(),
            scratch: Vec::new(),
            failure: None,
        })
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Rows) -> Result<(), String> {
        let RemoteWriteEncoder { labels, series, scratch, .. } = self;
        let values = cast(batch.column(self.value), &DataType::Float64).map_err(|error| error.to_string())?;
        let values = values.as_primitive::<Float64Type>();
        let times = Times::new(batch.column(self.time), TimeUnit::Millisecond).ok_or("the time is none")?;
        let texts: Vec<Option<Texts>> =
            labels.iter().map(|label| label.value.as_ref().ok().map(|&of| Texts::new(batch.column(of)))).collect();
        for row in 0..batch.num_rows() {
            if let Some(time) = times.get(row)?.filter(|_| values.is_valid(row)) {
                series.clear();
                for (label, texts) in labels.iter().zip(&texts) {
                    let text = match (texts, &label.value) {
                        (Some(texts), _) => texts.get(row, scratch),
                        (None, Err(text)) => text.as_bytes(),
                        (None, Ok(_)) => b"",
                    };
                    if !text.is_empty() {
                        write_label(label.name.as_bytes(), text, series);
                    }
                }
                write_sample(values.value(row), time, series);
                out.buffer().push(TIMESERIES);
                write_bytes(series, out.buffer());
            }
            out.end_row();
        }
        Ok(())
    }
}

fn write_label(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let of = |text: &[u8]| 1 + varint::length(text.len() as u64) + text.len();
    out.push(LABELS);
    varint::write((of(name) + of(value)) as u64, out);
    out.push(NAME);
    write_bytes(name, out);
    out.push(LABEL_VALUE);
    write_bytes(value, out);
}

fn write_sample(value: f64, time_ms: i64, out: &mut Vec<u8>) {
    // Negative numbers are written as those of 64 bits without a sign.
    let time = time_ms as u64;
    out.push(SAMPLES);
    varint::write((1 + 8 + 1 + varint::length(time)) as u64, out);
    out.push(SAMPLE_VALUE);
    out.extend_from_slice(&value.to_le_bytes());
    out.push(TIMESTAMP);
    varint::write(time, out);
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

impl Encoder for RemoteWriteEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        if let Err(failure) = self.rows(batch, out) {
            self.failure.get_or_insert(failure);
        }
    }

    fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
    use millrace_plan::LineDialect;

    use super::*;

    #[test]
    fn a_row_is_a_series_whose_labels_are_in_order() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("zone", Arc::new(StringArray::from(vec![Some("eu"), None]))),
            ("Shop", Arc::new(Int64Array::from(vec![7, 8]))),
            ("sold", Arc::new(Int64Array::from(vec![Some(3), None]))),
            ("at", Arc::new(TimestampMicrosecondArray::from(vec![1_000_999, 5]))),
        ];
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let series = Series {
            name: SeriesName::Text("sold_total".into()),
            labels: vec!["zone".into(), "Shop".into()],
            values: vec!["sold".into()],
            time: "at".into(),
            unit: TimeUnit::Millisecond,
            dialect: LineDialect::Influx,
        };
        let mut rows = Rows::default();
        let mut encoder = RemoteWriteEncoder::new(&series, &batch.schema()).unwrap();
        encoder.encode(&batch, &mut rows);
        assert_eq!(encoder.take_failure(), None);
        let mut expected = vec![10, 62];
        for (name, value) in [("Shop", "7"), ("__name__", "sold_total"), ("zone", "eu")] {
            expected.extend([10, (4 + name.len() + value.len()) as u8, 10, name.len() as u8]);
            expected.extend(name.as_bytes());
            expected.extend([18, value.len() as u8]);
            expected.extend(value.as_bytes());
        }
        expected.extend([18, 12, 9]);
        expected.extend(3f64.to_le_bytes());
        expected.extend([16, 0xe8, 0x07]);
        expected[1] = (expected.len() - 2) as u8;
        assert_eq!(rows.get(0).unwrap(), expected);
        assert_eq!(rows.get(1), Some(&b""[..]), "without a value there is no sample");
    }
}
