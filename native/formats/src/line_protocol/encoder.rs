//! The encoder's frame: one row, one line.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, SchemaRef, TimeUnit};
use millrace_plan::{LineDialect, Series, SeriesName};

use super::escape;
use crate::json::Nested;
use crate::json::value::Values;
use crate::series::{Texts, Times, column};
use crate::{Encoder, FormatError, Rows};

/// Encodes rows as lines of time series.
pub struct LineEncoder {
    name: Name,
    labels: Vec<Part>,
    values: Vec<Part>,
    time: usize,
    unit: TimeUnit,
    dialect: LineDialect,
    scratch: Vec<u8>,
    failure: Option<String>,
}

enum Name {
    /// Escaped.
    Text(Vec<u8>),
    Column(usize),
}

/// A column and its name as it is written, with the "=".
struct Part {
    column: usize,
    name: Vec<u8>,
}

/// A value, by what its type is written as.
enum Value<'a> {
    Text(Texts<'a>),
    Integer(Values<'a>),
    Float(Values<'a>, &'a ArrayRef),
    Time(Times<'a>),
}

impl LineEncoder {
    pub fn new(series: &Series, schema: &SchemaRef) -> Result<Self, FormatError> {
        let Series { labels, values, time, unit, dialect, .. } = series;
        let mut used = HashSet::from([time.as_str()]);
        used.extend(labels.iter().map(String::as_str));
        let name = match &series.name {
            SeriesName::Column(name) => {
                used.insert(name);
                Name::Column(column(schema, name)?)
            }
            SeriesName::Text(text) => {
                let mut escaped = Vec::new();
                escape::name(text.as_bytes(), *dialect, &mut escaped);
                Name::Text(escaped)
            }
        };
        let part = |name: &String| {
            let mut escaped = Vec::new();
            escape::key(name.as_bytes(), *dialect, &mut escaped);
            escaped.push(b'=');
            Ok(Part { column: column(schema, name)?, name: escaped })
        };
        let mut labels = labels.clone();
        labels.sort_unstable();
        let others = schema.fields().iter().map(|field| field.name()).filter(|name| !used.contains(name.as_str()));
        let values: Vec<String> = if values.is_empty() { others.cloned().collect() } else { values.clone() };
        Ok(LineEncoder {
            name,
            labels: labels.iter().map(part).collect::<Result<_, FormatError>>()?,
            values: values.iter().map(part).collect::<Result<_, FormatError>>()?,
            time: column(schema, time)?,
            unit: *unit,
            dialect: *dialect,
            scratch: Vec::new(),
            failure: None,
        })
    }

    fn rows(&mut self, batch: &RecordBatch, out: &mut Rows) -> Result<(), String> {
        let LineEncoder { name, labels, values, time, unit, dialect, scratch, .. } = self;
        let dialect = *dialect;
        let name_texts = match name {
            Name::Column(column) => Some(Texts::new(batch.column(*column))),
            Name::Text(_) => None,
        };
        let label_texts: Vec<Texts> = labels.iter().map(|label| Texts::new(batch.column(label.column))).collect();
        let typed: Vec<Value> = values.iter().map(|value| Value::new(batch.column(value.column), dialect)).collect();
        let times = Times::new(batch.column(*time), *unit).ok_or("the time of a row is a timestamp or int64")?;
        for row in 0..batch.num_rows() {
            let time = times.get(row)?;
            let line = out.buffer();
            match (&*name, &name_texts) {
                (Name::Text(text), _) => line.extend_from_slice(text),
                (_, Some(texts)) => escape::name(texts.get(row, scratch), dialect, line),
                (_, None) => {}
            }
            for (label, texts) in labels.iter().zip(&label_texts) {
                let text = texts.get(row, scratch);
                if !text.is_empty() {
                    line.push(b',');
                    line.extend_from_slice(&label.name);
                    escape::key(text, dialect, line);
                }
            }
            let mut before = b' ';
            for (value, typed) in values.iter().zip(&typed) {
                if typed.is_there(batch.column(value.column), row) {
                    line.push(before);
                    line.extend_from_slice(&value.name);
                    typed.write(row, dialect, scratch, line)?;
                    before = b',';
                }
            }
            if let Some(time) = time {
                line.push(b' ');
                line.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
            }
            out.end_row();
        }
        Ok(())
    }
}

impl<'a> Value<'a> {
    fn new(array: &'a ArrayRef, dialect: LineDialect) -> Self {
        let values = || Values::new(&Nested::None, array);
        match array.data_type() {
            DataType::Int32 | DataType::Int64 => Value::Integer(values()),
            DataType::Float64 | DataType::Decimal128(..) | DataType::Boolean => Value::Float(values(), array),
            DataType::Timestamp(..) if dialect == LineDialect::Influx => Value::Integer(values()),
            DataType::Timestamp(..) => match Times::new(array, TimeUnit::Microsecond) {
                Some(times) => Value::Time(times),
                None => Value::Text(Texts::new(array)),
            },
            _ => Value::Text(Texts::new(array)),
        }
    }

    fn is_there(&self, array: &ArrayRef, row: usize) -> bool {
        let is_finite = |array: &ArrayRef| {
            array.as_primitive_opt::<Float64Type>().is_none_or(|floats| floats.value(row).is_finite())
        };
        !array.is_null(row) && !matches!(self, Value::Float(_, array) if !is_finite(array))
    }

    fn write(&self, row: usize, dialect: LineDialect, scratch: &mut Vec<u8>, line: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Value::Text(texts) => escape::string(texts.get(row, scratch), dialect, line),
            Value::Float(values, _) => values.write(row, line),
            Value::Integer(values) => {
                values.write(row, line);
                line.push(b'i');
            }
            Value::Time(times) => {
                let time = times.get(row)?.unwrap_or_default();
                line.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
                line.push(b't');
            }
        }
        Ok(())
    }
}

impl Encoder for LineEncoder {
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

    use arrow::array::{BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMillisecondArray};

    use super::*;

    fn series(labels: &[&str], values: &[&str]) -> Series {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect();
        Series {
            name: SeriesName::Text("room temp".into()),
            labels: texts(labels),
            values: texts(values),
            time: "at".into(),
            unit: TimeUnit::Nanosecond,
            dialect: LineDialect::Influx,
        }
    }

    fn batch() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("room", Arc::new(StringArray::from(vec![Some("a,1"), Some(""), None]))),
            ("floor", Arc::new(Int64Array::from(vec![Some(2), Some(-1), None]))),
            ("celsius", Arc::new(Float64Array::from(vec![Some(21.5), Some(f64::NAN), None]))),
            ("on", Arc::new(BooleanArray::from(vec![true, false, true]))),
            ("note", Arc::new(StringArray::from(vec![Some("it's \"ok\""), None, Some("")]))),
            ("day", Arc::new(Date32Array::from(vec![Some(0), None, None]))),
            ("seen", Arc::new(TimestampMillisecondArray::from(vec![Some(7), None, None]))),
            ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1_700_000_000_123), Some(-1), None]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }

    fn lines(series: &Series, batch: &RecordBatch) -> Vec<String> {
        let mut rows = Rows::default();
        let mut encoder = LineEncoder::new(series, &batch.schema()).unwrap();
        encoder.encode(batch, &mut rows);
        assert_eq!(encoder.take_failure(), None);
        (0..rows.len()).map(|row| String::from_utf8(rows.get(row).unwrap().to_vec()).unwrap()).collect()
    }

    #[test]
    fn every_type_is_written_as_the_protocol_has_it() {
        assert_eq!(
            lines(&series(&["room", "floor"], &[]), &batch()),
            [
                "room\\ temp,floor=2,room=a\\,1 celsius=21.5,on=true,note=\"it's \\\"ok\\\"\",day=\"1970-01-01\",seen=7i 1700000000123000000",
                "room\\ temp,floor=-1 on=false -1000000",
                "room\\ temp on=true,note=\"\"",
            ]
        );
    }

    #[test]
    fn only_the_values_that_are_named_are_written() {
        assert_eq!(lines(&series(&["room"], &["floor"]), &batch())[1], "room\\ temp floor=-1i -1000000");
    }

    #[test]
    fn questdb_has_timestamps_of_its_own_and_a_table_by_the_row() {
        let questdb = Series {
            name: SeriesName::Column("room".into()),
            unit: TimeUnit::Microsecond,
            dialect: LineDialect::QuestDb,
            ..series(&[], &["seen"])
        };
        assert_eq!(lines(&questdb, &batch())[0], "a\\,1 seen=7000t 1700000000123000");
    }

    #[test]
    fn a_time_that_the_unit_does_not_have_is_a_failure() {
        let at: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![i64::MAX]));
        let on: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        let batch = RecordBatch::try_from_iter([("at", at), ("on", on)]).unwrap();
        let mut encoder = LineEncoder::new(&series(&[], &[]), &batch.schema()).unwrap();
        encoder.encode(&batch, &mut Rows::default());
        assert_eq!(
            encoder.take_failure().unwrap(),
            "a time of 9223372036854775807 milliseconds is too far away for nanoseconds"
        );
    }
}
