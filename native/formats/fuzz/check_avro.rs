//! What must hold for any bytes; shared by the fuzz target and the bounded run among the tests.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use millrace_formats::avro::{AvroDecoder, AvroEncoder};
use millrace_formats::{Decoder, Encoder, Rows};

/// Columns that are left out by the decoder that skips.
const SKIPPED: [usize; 4] = [2, 4, 9, 10];

const WRITTEN: &str = r#"{"type": "record", "name": "R", "fields": [
    {"name": "bool", "type": "boolean"},
    {"name": "int32", "type": ["null", "int"]},
    {"name": "int64", "type": "long"},
    {"name": "float64", "type": "double"},
    {"name": "decimal", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
    {"name": "string", "type": ["string", "null"]},
    {"name": "bytes", "type": {"type": "fixed", "name": "F", "size": 2}},
    {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "date", "type": {"type": "int", "logicalType": "date"}},
    {"name": "list", "type": {"type": "array", "items": ["null", "long"]}},
    {"name": "struct", "type": {"type": "record", "name": "S", "fields": [
        {"name": "inner", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        {"name": "list", "type": {"type": "array", "items":
            {"type": "record", "name": "D", "fields": [{"name": "deep", "type": "int"}]}}}]}}]}"#;

/// A record that every column can be read from.
const GOOD: &[u8] = &[
    1, 2, 13, 0xf6, 0xa1, 0xab, 0xfe, 0xf9, 0x62, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 4, 4, 0xd2, 0, 4, b'a', b'b', 7, 9, 2,
    4, 4, 2, 2, 0, 0, 2, 2, 2, 0,
];

/// Decodes the record with all columns and with some; panics if they disagree, if a refused record leaves anything, or
/// if what was read does not survive the encoder.
pub fn decode(record: &[u8]) {
    let schema = schema();
    let some: Vec<usize> = (0..schema.fields().len()).filter(|index| !SKIPPED.contains(index)).collect();
    let some_schema = Arc::new(schema.project(&some).unwrap());
    let (all_accepted, all_rows) = decode_between(&schema, record);
    let (some_accepted, some_rows) = decode_between(&some_schema, record);
    assert!(some_accepted || !all_accepted, "the value of a field that is not read was refused");
    if all_accepted {
        assert_eq!(all_rows.project(&some).unwrap(), some_rows);
    }
    assert_eq!(reencode(&all_rows), all_rows);
}

/// Decodes the record between two good ones.
fn decode_between(schema: &SchemaRef, record: &[u8]) -> (bool, RecordBatch) {
    let mut decoder = AvroDecoder::plain(WRITTEN, None, schema.clone()).unwrap();
    decoder.decode(GOOD).unwrap();
    let accepted = decoder.decode(record).is_ok();
    decoder.decode(GOOD).unwrap();
    assert_eq!(decoder.rows(), 2 + usize::from(accepted));
    let rows = decoder.finish();
    for column in rows.columns() {
        column.to_data().validate_full().unwrap();
    }
    assert_eq!(rows.slice(0, 1), rows.slice(rows.num_rows() - 1, 1));
    (accepted, rows)
}

fn reencode(batch: &RecordBatch) -> RecordBatch {
    let mut rows = Rows::default();
    let mut encoder = AvroEncoder::new(WRITTEN, None, batch.schema()).unwrap();
    encoder.encode(batch, &mut rows);
    assert_eq!(encoder.take_failure(), None);
    let mut decoder = AvroDecoder::plain(WRITTEN, None, batch.schema()).unwrap();
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
