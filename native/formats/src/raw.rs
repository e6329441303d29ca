//! The record itself: the one column of a row. A column of strings verifies UTF-8.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};

use crate::bad_record::{bad_record, bad_value, within};
use crate::builders::{Column, RowBuilder};
use crate::{BadRecord, Decoder, Encoder, Rows};

/// Takes records as they are.
pub struct RawDecoder {
    rows: RowBuilder,
}

impl RawDecoder {
    /// `schema` has one column of strings or bytes.
    pub fn new(schema: SchemaRef) -> Self {
        RawDecoder { rows: RowBuilder::new(schema) }
    }
}

impl Decoder for RawDecoder {
    fn decode(&mut self, record: &[u8]) -> std::result::Result<(), BadRecord> {
        self.rows.append(record.len(), |rows| {
            let appended = match rows.columns.as_mut_slice() {
                [Column::Binary(values)] => values.append(record),
                [Column::Utf8(values)] => {
                    if let Err(error) = std::str::from_utf8(record) {
                        let message = format!("invalid UTF-8 at byte {}", error.valid_up_to());
                        return Err(within(bad_value(message), rows.fields[0].name()));
                    }
                    values.append(record)
                }
                _ => return Err(bad_record("raw records have one column, of strings or bytes")),
            };
            if !appended {
                return Err(bad_record("too large beside the other rows of one batch"));
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

/// Writes the first column; a null is an empty record.
pub struct RawEncoder;

impl Encoder for RawEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        let Some(column) = batch.columns().first() else { return };
        for row in 0..batch.num_rows() {
            if column.is_valid(row) {
                match column.data_type() {
                    DataType::Utf8 => out.buffer().extend_from_slice(column.as_string::<i32>().value(row).as_bytes()),
                    DataType::Binary => out.buffer().extend_from_slice(column.as_binary::<i32>().value(row)),
                    _ => {}
                }
            }
            out.end_row();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn schema(data_type: DataType) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("value", data_type, false)]))
    }

    #[test]
    fn a_record_is_its_row_and_its_row_is_the_record() {
        let records: [&[u8]; 3] = [b"a\n", b"", "\u{1f600}".as_bytes()];
        for data_type in [DataType::Utf8, DataType::Binary] {
            let mut decoder = RawDecoder::new(schema(data_type));
            records.iter().for_each(|record| decoder.decode(record).unwrap());
            let batch = decoder.finish();
            assert_eq!(batch.num_rows(), 3);
            let mut rows = Rows::default();
            RawEncoder.encode(&batch, &mut rows);
            assert_eq!((0..3).map(|row| rows.get(row).unwrap()).collect::<Vec<_>>(), records);
        }
    }

    #[test]
    fn a_string_is_utf8_and_bytes_are_anything() {
        let mut decoder = RawDecoder::new(schema(DataType::Utf8));
        let error = decoder.decode(b"ab\xff").unwrap_err().to_string();
        assert_eq!((error.as_str(), decoder.rows()), ("column \"value\": invalid UTF-8 at byte 2", 0));
        let mut decoder = RawDecoder::new(schema(DataType::Binary));
        decoder.decode(b"ab\xff").unwrap();
        assert_eq!(decoder.rows(), 1);
    }
}
