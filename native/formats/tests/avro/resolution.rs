//! A record of one schema, read by columns that are not quite those it was written from.

use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, TimestampSecondType};
use arrow::{array::AsArray, datatypes::Decimal128Type};
use millrace_formats::avro::{AvroDecoder, AvroEncoder};
use millrace_formats::{Decoder, Encoder, NoSchema, Rows, SchemaKind, SchemaText, Schemas};

fn columns(fields: &[(&str, DataType, bool)]) -> SchemaRef {
    let field = |(name, data_type, nullable): &(&str, DataType, bool)| Field::new(*name, data_type.clone(), *nullable);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

fn record(fields: &str) -> String {
    format!(r#"{{"type": "record", "name": "R", "fields": [{fields}]}}"#)
}

/// One field "v" of a type.
fn of(data_type: &str) -> String {
    record(&format!(r#"{{"name": "v", "type": {data_type}}}"#))
}

/// The one column "v" of a type, from records as they are.
fn read(writer: &str, reader: Option<&str>, data_type: DataType, records: &[&[u8]]) -> ArrayRef {
    let mut decoder = AvroDecoder::plain(writer, reader, columns(&[("v", data_type, true)])).unwrap();
    records.iter().for_each(|record| decoder.decode(record).unwrap());
    decoder.finish().column(0).clone()
}

fn refused(writer: &str, data_type: DataType) -> String {
    let refused = AvroDecoder::plain(writer, None, columns(&[("v", data_type, false)]));
    refused.err().unwrap().to_string()
}

#[test]
fn numbers_are_promoted_and_never_narrowed() {
    assert_eq!(read(&of("\"int\""), None, DataType::Int64, &[&[3]]).as_ref(), &Int64Array::from(vec![-2]));
    assert_eq!(read(&of("\"long\""), None, DataType::Float64, &[&[3]]).as_ref(), &Float64Array::from(vec![-2.0]));
    let half = 0.5f32.to_le_bytes();
    assert_eq!(read(&of("\"float\""), None, DataType::Float64, &[&half]).as_ref(), &Float64Array::from(vec![0.5]));
    assert_eq!(
        refused(&of("\"long\""), DataType::Int32),
        "column \"v\": the writer's schema has long here, which is not read as int32"
    );
    assert_eq!(
        refused(&of("[\"null\", \"string\"]"), DataType::Int64),
        "column \"v\": the writer's schema has string here, which is not read as int64"
    );
}

#[test]
fn timestamps_come_in_the_unit_of_their_column() {
    let micros = of(r#"{"type": "long", "logicalType": "timestamp-micros"}"#);
    let unit = |unit| DataType::Timestamp(unit, Some("UTC".into()));
    let seconds = read(&micros, None, unit(TimeUnit::Second), &[&[1]]);
    assert_eq!(seconds.as_primitive::<TimestampSecondType>().values(), &[-1]);
    let millis = of(r#"{"type": "long", "logicalType": "local-timestamp-millis"}"#);
    let fine = read(&millis, None, unit(TimeUnit::Microsecond), &[&[6]]);
    assert_eq!(fine.as_primitive::<TimestampMicrosecondType>().values(), &[3000]);
    let plain = read(&of("\"long\""), None, unit(TimeUnit::Microsecond), &[&[6]]);
    assert_eq!(plain.as_primitive::<TimestampMicrosecondType>().values(), &[3]);
}

#[test]
fn a_decimal_keeps_its_digits() {
    let written = of(r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}"#);
    let wider = read(&written, None, DataType::Decimal128(10, 3), &[&[2, 15]]);
    assert_eq!(wider.as_primitive::<Decimal128Type>().values(), &[1500]);
    assert_eq!(
        refused(&written, DataType::Decimal128(10, 0)),
        "column \"v\": the writer's schema has a decimal of scale 1 here, whose digits decimal(10, 0) would lose"
    );
}

#[test]
fn a_uuid_is_its_text_and_a_symbol_its_name() {
    let uuid = of(r#"{"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}"#);
    let bytes: Vec<u8> = (0..16).map(|byte| byte * 17).collect();
    let expected = StringArray::from(vec!["00112233-4455-6677-8899-aabbccddeeff"]);
    assert_eq!(read(&uuid, None, DataType::Utf8, &[&bytes]).as_ref(), &expected);
    let symbol = of(r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#);
    assert_eq!(read(&symbol, None, DataType::Utf8, &[&[2]]).as_ref(), &StringArray::from(vec!["B"]));
}

#[test]
fn a_column_that_the_writer_does_not_have_takes_the_readers_default_or_null() {
    let writer = record(r#"{"name": "other", "type": "string"}"#);
    let no_reader = read(&writer, None, DataType::Int64, &[&[0]]);
    assert_eq!(no_reader.null_count(), 1);
    let reader = record(r#"{"name": "v", "type": ["null", "long"], "default": 42}"#);
    let default = read(&writer, Some(&reader), DataType::Int64, &[&[0], &[2, b'x']]);
    assert_eq!(default.as_ref(), &Int64Array::from(vec![42, 42]));
    assert_eq!(
        refused(&writer, DataType::Int64),
        "column \"v\": the writer's schema does not have it, it is not nullable, and no reader's schema gives it a default"
    );
    let wrong = record(r#"{"name": "v", "type": "long", "default": "x"}"#);
    let error = AvroDecoder::plain(&writer, Some(&wrong), columns(&[("v", DataType::Int64, false)])).err().unwrap();
    assert_eq!(error.to_string(), "column \"v\": the default \"x\" of the reader's schema is no int64");
}

#[test]
fn a_default_may_be_a_list_or_a_struct() {
    let writer = record("");
    let inner =
        DataType::Struct(vec![Field::new("a", DataType::Utf8, true), Field::new("b", DataType::Int64, true)].into());
    let list = DataType::List(Field::new("item", inner, true).into());
    let reader = of(r#"{"type": "array", "items": {"type": "record", "name": "I", "fields": [
        {"name": "a", "type": "string"}, {"name": "b", "type": "long", "default": 7}]}}"#)
    .replacen(r#""name": "v","#, r#""name": "v", "default": [{"a": "x"}],"#, 1);
    let lists = read(&writer, Some(&reader), list, &[&[], &[]]);
    let items = lists.as_list::<i32>().value(1);
    assert_eq!(items.as_struct().column(0).as_ref(), &StringArray::from(vec!["x"]));
    assert_eq!(items.as_struct().column(1).as_ref(), &Int64Array::from(vec![7]));
}

#[test]
fn an_alias_finds_a_field_under_its_old_name() {
    let writer = record(r#"{"name": "before", "type": "long"}"#);
    let reader = record(r#"{"name": "v", "type": "long", "aliases": ["older", "before"]}"#);
    assert_eq!(read(&writer, Some(&reader), DataType::Int64, &[&[4]]).as_ref(), &Int64Array::from(vec![2]));
}

#[test]
fn a_null_that_must_not_be_is_a_bad_record_of_its_column() {
    let columns = columns(&[("v", DataType::Int64, false)]);
    let mut decoder = AvroDecoder::plain(&of(r#"["null", "long"]"#), None, columns).unwrap();
    let error = decoder.decode(&[0]).unwrap_err();
    assert_eq!(error.to_string(), "column \"v\": null, and it is not nullable");
    decoder.decode(&[2, 8]).unwrap();
    assert_eq!(decoder.finish().column(0).as_ref(), &Int64Array::from(vec![4]));
}

#[test]
fn a_record_that_does_not_end_where_it_should_was_written_with_another_schema() {
    let mut decoder = AvroDecoder::plain(&of("\"string\""), None, columns(&[("v", DataType::Utf8, false)])).unwrap();
    let mut error = |record: &[u8]| decoder.decode(record).unwrap_err().to_string();
    assert_eq!(
        error(&[2, b'x', 0]),
        "broken Avro: 1 bytes follow the record; it may have been written with another schema"
    );
    assert_eq!(error(&[4, b'x']), "column \"v\": broken Avro: the record ends within a value");
    assert_eq!(error(&[1]), "column \"v\": broken Avro: a value has -1 bytes");
    assert!(error(&[2, 0xff]).starts_with("column \"v\": invalid UTF-8"));
}

/// Two versions of a schema, and a registry that is down for a while.
struct Versions {
    asked: Mutex<Vec<u32>>,
}

impl Schemas for Versions {
    fn schema(&self, id: u32) -> Result<SchemaText, NoSchema> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(id);
        let text = match id {
            1 => of("\"int\""),
            2 => record(r#"{"name": "added", "type": "string"}, {"name": "v", "type": "long"}"#),
            3 => of("\"string\""),
            4 if asked.len() < 6 => return Err(NoSchema::Unavailable("503".into())),
            4 => of("\"Shared\""),
            _ => return Err(NoSchema::Unknown("not found".into())),
        };
        let references = vec![
            ("Unused".to_owned(), r#"{"type": "record", "name": "Unused", "fields": []}"#.to_owned()),
            ("Shared".to_owned(), r#"{"type": "enum", "name": "Shared", "symbols": ["A"]}"#.to_owned()),
        ];
        Ok(SchemaText { kind: SchemaKind::Avro, text, references })
    }

    fn place(&self) -> String {
        "subject \"bids-value\" of http://registry".into()
    }
}

#[test]
fn records_of_several_schemas_come_into_the_same_columns() {
    let registry = Arc::new(Versions { asked: Mutex::default() });
    let mut decoder = AvroDecoder::framed(registry.clone(), None, columns(&[("v", DataType::Int64, true)])).unwrap();
    decoder.decode(&[0, 0, 0, 0, 1, 2]).unwrap();
    decoder.decode(&[0, 0, 0, 0, 2, 2, b'x', 4]).unwrap();
    decoder.decode(&[0, 0, 0, 0, 1, 6]).unwrap();
    let mut error = |message: &[u8]| decoder.decode(message).unwrap_err().to_string();
    assert_eq!(
        error(&[0, 0, 0, 0, 3, 0]),
        "column \"v\": the writer's schema has string here, which is not read as int64 (schema 3, subject \"bids-value\" of \
         http://registry)"
    );
    assert_eq!(
        error(&[0, 0, 0, 0, 9, 0]),
        "it names schema 9, which subject \"bids-value\" of http://registry does not have: not found"
    );
    assert_eq!(error(&[0, 0, 0, 0, 9, 0]), error(&[0, 0, 0, 0, 9, 1]));
    assert_eq!(
        error(b"{}"),
        "expected a byte 0 and the four bytes of a schema's id, found the byte 123: it was not written with a schema registry"
    );
    assert_eq!(decoder.take_failure(), None);
    assert_eq!(decoder.finish().column(0).as_ref(), &Int64Array::from(vec![1, 2, 3]));
    assert_eq!(*registry.asked.lock().unwrap(), [1, 2, 3, 9]);
}

#[test]
fn a_registry_that_is_down_is_no_fault_of_the_record() {
    let registry = Arc::new(Versions { asked: Mutex::default() });
    registry.asked.lock().unwrap().extend([0; 4]);
    let mut decoder = AvroDecoder::framed(registry, None, columns(&[("v", DataType::Utf8, true)])).unwrap();
    decoder.decode(&[0, 0, 0, 0, 4, 0]).unwrap_err();
    let failure = "schema 4 of subject \"bids-value\" of http://registry could not be fetched: 503";
    assert_eq!(decoder.take_failure().as_deref(), Some(failure));
    assert_eq!(decoder.take_failure(), None);
    decoder.decode(&[0, 0, 0, 0, 4, 0]).unwrap();
    assert_eq!(decoder.finish().column(0).as_ref(), &StringArray::from(vec!["A"]));
}

/// The failure of writing one column "v".
fn failure(schema: &str, column: ArrayRef) -> String {
    let batch = RecordBatch::try_from_iter_with_nullable([("v", column, true)]).unwrap();
    let mut encoder = AvroEncoder::new(schema, None, batch.schema()).unwrap();
    let mut rows = Rows::default();
    encoder.encode(&batch, &mut rows);
    assert_eq!(rows.bytes(), 0);
    encoder.take_failure().unwrap()
}

#[test]
fn a_row_that_has_no_place_in_the_schema_is_told_with_its_column() {
    assert_eq!(
        failure(&of("\"long\""), Arc::new(Int64Array::from(vec![None]))),
        "column \"v\": null, and its schema has no null"
    );
    assert_eq!(
        failure(&of(r#"{"type": "enum", "name": "E", "symbols": ["A"]}"#), Arc::new(StringArray::from(vec!["B"]))),
        "column \"v\": \"B\" is none of the symbols of its schema"
    );
    let message = |schema: &str, data_type| {
        AvroEncoder::new(schema, None, columns(&[("v", data_type, false)])).err().unwrap().to_string()
    };
    assert_eq!(
        message(&of("\"int\""), DataType::Int64),
        "column \"v\": the schema has int here, as which int64 is not written"
    );
    assert_eq!(
        message(&record(r#"{"name": "w", "type": "long"}"#), DataType::Int64),
        "column \"v\": the schema has no field for it. Add one, or leave the column out by .select(...)"
    );
}

#[test]
fn a_field_that_no_column_gives_is_written_with_its_default() {
    let schema = record(
        r#"{"name": "a", "type": "string", "default": "x"}, {"name": "v", "type": "long"},
        {"name": "b", "type": ["null", "long"]}"#,
    );
    let batch = RecordBatch::try_from_iter([("v", Arc::new(Int64Array::from(vec![5])) as ArrayRef)]).unwrap();
    let mut rows = Rows::default();
    AvroEncoder::new(&schema, Some(258), batch.schema()).unwrap().encode(&batch, &mut rows);
    assert_eq!(rows.get(0).unwrap(), [0, 0, 0, 1, 2, 2, b'x', 10, 0]);
}
