//! The encoder's frame: one row, one record.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use millrace_plan::Csv;

use crate::json::Nested;
use crate::json::value::Values;
use crate::{Encoder, Rows};

/// Encodes rows as CSV records.
pub struct CsvEncoder {
    csv: Csv,
    /// The names of the columns, where files have them.
    header: Option<Arc<[u8]>>,
    scratch: Vec<u8>,
}

enum Fields<'a> {
    Text(&'a StringArray),
    Other(Values<'a>),
}

impl CsvEncoder {
    pub fn new(csv: &Csv, schema: &SchemaRef) -> Self {
        let mut encoder = CsvEncoder { csv: csv.clone(), header: None, scratch: Vec::new() };
        if csv.header {
            let mut line = Vec::new();
            for (index, field) in schema.fields().iter().enumerate() {
                if index > 0 {
                    line.push(csv.delimiter);
                }
                encoder.write(field.name().as_bytes(), &mut line);
            }
            encoder.header = Some(line.into());
        }
        encoder
    }

    fn write(&self, text: &[u8], out: &mut Vec<u8>) {
        let Csv { delimiter, quote, null, .. } = &self.csv;
        let special = |byte: &u8| byte == delimiter || byte == quote || matches!(byte, b'\r' | b'\n');
        if !text.iter().any(special) && text != null.as_bytes() {
            return out.extend_from_slice(text);
        }
        out.push(*quote);
        for &byte in text {
            if byte == *quote {
                out.push(byte);
            }
            out.push(byte);
        }
        out.push(*quote);
    }
}

impl Encoder for CsvEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        let columns = batch.columns().iter();
        let fields: Vec<Fields> = columns
            .map(|column| match column.data_type() {
                DataType::Utf8 => Fields::Text(column.as_string()),
                _ => Fields::Other(Values::new(&Nested::None, column)),
            })
            .collect();
        let mut scratch = std::mem::take(&mut self.scratch);
        for row in 0..batch.num_rows() {
            for (index, fields) in fields.iter().enumerate() {
                if index > 0 {
                    out.buffer().push(self.csv.delimiter);
                }
                let column = batch.column(index);
                let has_none = column.is_null(row)
                    || column.as_primitive_opt::<Float64Type>().is_some_and(|floats| !floats.value(row).is_finite());
                match fields {
                    _ if has_none => out.buffer().extend_from_slice(self.csv.null.as_bytes()),
                    Fields::Text(texts) => self.write(texts.value(row).as_bytes(), out.buffer()),
                    Fields::Other(values) => {
                        scratch.clear();
                        values.write(row, &mut scratch);
                        // JSON's quotes around dates and base64, which have nothing in them to escape.
                        let bare = scratch.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
                        self.write(bare.unwrap_or(&scratch), out.buffer());
                    }
                }
            }
            out.end_row();
        }
        self.scratch = scratch;
    }

    fn first_line(&self) -> Option<Arc<[u8]>> {
        self.header.clone()
    }
}
