//! What must hold for any bytes, whatever the format; shared by the fuzz targets and the bounded runs among the tests.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use millrace_formats::{Decoder, Encoder, Rows};

/// A format that reads and writes the columns of [`schema`].
pub struct Codec {
    pub decoder: fn(SchemaRef) -> Box<dyn Decoder>,
    pub encoder: fn(SchemaRef) -> Box<dyn Encoder>,
    /// A record that every column can be read from.
    pub good: &'static [u8],
    /// Columns that are left out by the decoder that skips.
    pub skipped: &'static [usize],
}

/// Decodes the record with all columns and with some; panics if they disagree, if a refused record leaves anything, or
/// if what was read does not survive the encoder.
pub fn check(codec: &Codec, record: &[u8]) {
    let schema = schema();
    let some: Vec<usize> = (0..schema.fields().len()).filter(|index| !codec.skipped.contains(index)).collect();
    let some_schema = Arc::new(schema.project(&some).unwrap());
    let (all_accepted, all_rows) = decode_between(codec, &schema, record);
    let (some_accepted, some_rows) = decode_between(codec, &some_schema, record);
    assert!(some_accepted || !all_accepted, "the value of a field that is not read was refused");
    if all_accepted {
        assert_eq!(all_rows.project(&some).unwrap(), some_rows);
    }
    assert_eq!(reencode(codec, &all_rows), all_rows);
}

/// Decodes the record between two good ones.
fn decode_between(codec: &Codec, schema: &SchemaRef, record: &[u8]) -> (bool, RecordBatch) {
    let mut decoder = (codec.decoder)(schema.clone());
    decoder.decode(codec.good).unwrap();
    let accepted = decoder.decode(record).is_ok();
    decoder.decode(codec.good).unwrap();
    assert_eq!(decoder.rows(), 2 + usize::from(accepted));
    let rows = decoder.finish();
    for column in rows.columns() {
        column.to_data().validate_full().unwrap();
    }
    assert_eq!(rows.slice(0, 1), rows.slice(rows.num_rows() - 1, 1));
    (accepted, rows)
}

fn reencode(codec: &Codec, batch: &RecordBatch) -> RecordBatch {
    let mut rows = Rows::default();
    let mut encoder = (codec.encoder)(batch.schema());
    encoder.encode(batch, &mut rows);
    assert_eq!(encoder.take_failure(), None);
    let mut decoder = (codec.decoder)(batch.schema());
    for row in 0..rows.len() {
        decoder.decode(rows.get(row).unwrap()).unwrap();
    }
    decoder.finish()
}

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
    let deep = DataType::Struct(Fields::from(vec![field("deep", DataType::Int32)]));
    let inner = Fields::from(vec![field("inner", DataType::Utf8), field("list", list(deep))]);
    Arc::new(Schema::new(vec![
        field("bool", DataType::Boolean),
        field("int32", DataType::Int32),
        field("int64", DataType::Int64),
        field("float64", DataType::Float64),
        field("decimal", DataType::Decimal128(10, 2)),
        field("string", DataType::Utf8),
        field("bytes", DataType::Binary),
        field("timestamp", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
        field("date", DataType::Date32),
        field("list", list(DataType::Int64)),
        field("struct", DataType::Struct(inner)),
    ]))
}
