use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{Field as Declared, Schema, TimeUnit};

use super::super::CsvEncoder;
use super::*;
use crate::{Encoder, Rows};

fn csv() -> Csv {
    Csv { delimiter: b',', quote: b'"', null: String::new(), header: false }
}

fn schema(fields: &[(&str, DataType, bool)]) -> SchemaRef {
    let field =
        |(name, data_type, nullable): &(&str, DataType, bool)| Declared::new(*name, data_type.clone(), *nullable);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

/// The message about a record for the columns "a" (int64, not nullable) and "b" (a nullable string).
fn error(record: &[u8]) -> String {
    let schema = schema(&[("a", DataType::Int64, false), ("b", DataType::Utf8, true)]);
    let mut decoder = CsvDecoder::new(&csv(), schema.clone(), &schema);
    let error = decoder.decode(record).unwrap_err().to_string();
    assert_eq!(decoder.rows(), 0);
    error
}

#[test]
fn every_type_is_read_back_as_it_was_written() {
    let decimals = Decimal128Array::from(vec![Some(-5), None]).with_precision_and_scale(10, 2).unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("int32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None]))),
        ("int64", Arc::new(Int64Array::from(vec![Some(i64::MAX), None]))),
        ("float64", Arc::new(Float64Array::from(vec![Some(0.1 + 0.2), None]))),
        ("decimal", Arc::new(decimals)),
        ("string", Arc::new(StringArray::from(vec![Some("a \"b\",\n"), None]))),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), None]))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(-1), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(19_782), None]))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let mut rows = Rows::default();
    CsvEncoder::new(&csv(), &batch.schema()).encode(&batch, &mut rows);
    assert_eq!(
        std::str::from_utf8(rows.get(0).unwrap()).unwrap(),
        "true,-2147483648,9223372036854775807,0.30000000000000004,-0.05,\"a \"\"b\"\",\n\",AP8=,-1,2024-02-29"
    );
    assert_eq!(rows.get(1).unwrap(), b",,,,,,,,");
    let mut decoder = CsvDecoder::new(&csv(), batch.schema(), &batch.schema());
    (0..2).for_each(|row| decoder.decode(rows.get(row).unwrap()).unwrap());
    assert_eq!(decoder.finish(), batch);
}

#[test]
fn only_the_columns_of_the_schema_are_read_whatever_stands_in_the_others() {
    let declared = schema(&[("a", DataType::Int64, false), ("b", DataType::Int64, false), ("c", DataType::Utf8, true)]);
    let mut decoder = CsvDecoder::new(&csv(), Arc::new(declared.project(&[2]).unwrap()), &declared);
    decoder.decode(b"x,\"y,\",z").unwrap();
    decoder.decode(b"1").unwrap();
    let batch = decoder.finish();
    assert_eq!(batch.column(0).as_ref(), &StringArray::from(vec![Some("z"), None]));
}

#[test]
fn a_record_that_does_not_fit_says_what_was_expected_and_leaves_nothing() {
    assert_eq!(error(b"1.0,x"), "column \"a\": expected int64, found \"1.0\"");
    assert_eq!(error(b",x"), "column \"a\": null, and it is not nullable");
    assert_eq!(error(b"1,\xff"), "column \"b\": invalid UTF-8 at byte 0");
    assert_eq!(error(b"1,x,y"), "it has more than 2 fields");
    assert_eq!(error(b"1,\"x"), "broken CSV: the quote at byte 2 is not closed");
}

#[test]
fn null_has_a_text_of_its_own_unless_it_is_quoted() {
    let csv = Csv { null: "\\N".into(), delimiter: b'\t', ..csv() };
    let schema = schema(&[("a", DataType::Utf8, true)]);
    let mut decoder = CsvDecoder::new(&csv, schema.clone(), &schema);
    for record in [&b"\\N"[..], b"\"\\N\"", b""] {
        decoder.decode(record).unwrap();
    }
    let batch = decoder.finish();
    assert_eq!(batch.column(0).as_ref(), &StringArray::from(vec![None, Some("\\N"), Some("")]));
    let mut rows = Rows::default();
    CsvEncoder::new(&csv, &batch.schema()).encode(&batch, &mut rows);
    assert_eq!(rows.buffer(), b"\\N\"\\N\"");
}

#[test]
fn a_timestamp_and_a_date_are_text_or_numbers() {
    let schema =
        schema(&[("at", DataType::Timestamp(TimeUnit::Millisecond, None), false), ("on", DataType::Date32, false)]);
    let mut decoder = CsvDecoder::new(&csv(), schema.clone(), &schema);
    decoder.decode(b"1700000000123,19675").unwrap();
    decoder.decode(b"2023-11-14T22:13:20.123Z,2023-11-14").unwrap();
    let batch = decoder.finish();
    assert_eq!(batch.slice(0, 1), batch.slice(1, 1));
}
