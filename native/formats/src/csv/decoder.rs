//! The decoder's frame: one record, one row.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use base64::Engine;
use millrace_plan::Csv;

use super::fields::{Field, Fields};
use crate::bad_record::{Result, bad_record, bad_value, shown, type_name, within};
use crate::builders::{Column, RowBuilder};
use crate::json::{BASE64, decimal, number, time};
use crate::{BadRecord, Decoder};

/// Decodes CSV records into the columns of a schema.
pub struct CsvDecoder {
    csv: Csv,
    rows: RowBuilder,
    /// By declared column: the one that is read.
    columns: Vec<Option<usize>>,
    scratch: Vec<u8>,
}

impl CsvDecoder {
    /// `schema` holds the columns to read, `declared` those that records have, in their order.
    pub fn new(csv: &Csv, schema: SchemaRef, declared: &SchemaRef) -> Self {
        let read = |name: &String| schema.fields().iter().position(|field| field.name() == name);
        let columns = declared.fields().iter().map(|field| read(field.name())).collect();
        CsvDecoder { csv: csv.clone(), rows: RowBuilder::new(schema), columns, scratch: Vec::new() }
    }
}

fn read_field(field: &Field<'_>, null: &str, column: &mut Column, data_type: &DataType, nullable: bool) -> Result<()> {
    if !field.is_quoted && field.text == null.as_bytes() {
        if nullable {
            column.append_null();
            return Ok(());
        }
        if !(null.is_empty() && *data_type == DataType::Utf8) {
            return Err(bad_value("null, and it is not nullable"));
        }
    }
    match read(field.text, column, data_type)? {
        true => Ok(()),
        false => {
            let text = shown(field.text);
            Err(bad_value(format!("expected {}, found \"{text}\"", type_name(data_type))))
        }
    }
}

/// Appends what the text says; false where it says nothing of the type.
fn read(text: &[u8], column: &mut Column, data_type: &DataType) -> Result<bool> {
    let whole = |(value, end): (i64, usize)| (end == text.len()).then_some(value);
    let integer = || number::integer(text, 0).and_then(whole);
    match (column, data_type) {
        (Column::Int64(values), DataType::Int64) => integer().map(|value| values.append(value)),
        (Column::Int64(values), DataType::Timestamp(unit, _)) => {
            integer().or_else(|| time::timestamp(text, *unit)).map(|value| values.append(value))
        }
        (Column::Int32(values), DataType::Date32) => {
            let days = || integer().and_then(|days| i32::try_from(days).ok());
            time::date(text).or_else(days).map(|value| values.append(value))
        }
        (Column::Int32(values), _) => {
            integer().and_then(|value| i32::try_from(value).ok()).map(|value| values.append(value))
        }
        (Column::Float64(values), _) => {
            let float = number::float(text, 0).filter(|(_, end)| *end == text.len());
            float.map(|(value, _)| values.append(value))
        }
        (Column::Boolean(values), _) => {
            let value = [(&b"true"[..], true), (b"false", false)].into_iter().find(|(written, _)| *written == text);
            value.map(|(_, value)| values.append(value))
        }
        (Column::Decimal(values), DataType::Decimal128(precision, scale)) => {
            decimal::parse(text, *precision, *scale).transpose()?.map(|value| values.append(value))
        }
        (Column::Utf8(values), _) => {
            if let Err(error) = std::str::from_utf8(text) {
                return Err(bad_value(format!("invalid UTF-8 at byte {}", error.valid_up_to())));
            }
            values.append(text).then_some(())
        }
        (Column::Binary(values), _) => BASE64.decode_vec(text, &mut values.data).ok().map(|()| values.end_value()),
        _ => None,
    }
    .map_or(Ok(false), |()| Ok(true))
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, record: &[u8]) -> std::result::Result<(), BadRecord> {
        let CsvDecoder { csv, rows, columns, scratch } = self;
        rows.append(record.len(), |rows| {
            let mut fields = Fields::new(record, csv.delimiter, csv.quote);
            for &target in &*columns {
                let field = fields.next(scratch)?;
                let Some(index) = target else { continue };
                let (column, declared) = (&mut rows.columns[index], &rows.fields[index]);
                let read = match field {
                    Some(field) => read_field(&field, &csv.null, column, declared.data_type(), declared.is_nullable()),
                    None if declared.is_nullable() => {
                        column.append_null();
                        Ok(())
                    }
                    None => Err(bad_value("missing, and it is not nullable")),
                };
                read.map_err(|error| within(error, declared.name()))?;
            }
            if fields.next(scratch)?.is_some() {
                return Err(bad_record(format!("it has more than {} fields", columns.len())));
            }
            rows.end_struct();
            Ok(())
        })
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn is_full(&self) -> bool {
        self.rows.is_full()
    }

    fn finish(&mut self) -> RecordBatch {
        self.rows.finish()
    }
}

#[cfg(test)]
mod tests;
