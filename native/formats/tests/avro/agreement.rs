use apache_avro::types::Value;
use apache_avro::{Schema, from_avro_datum, to_avro_datum};
use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema as Columns};
use millrace_formats::Decoder;
use millrace_formats::avro::AvroDecoder;
use proptest::prelude::*;
use std::sync::Arc;

use crate::written::{decode, encode, rows_and_schema};

proptest! {
    #[test]
    fn the_crate_reads_what_is_written_and_writes_what_is_read((batch, text) in rows_and_schema()) {
        let schema = Schema::parse_str(&text).unwrap();
        let records = encode(&batch, &text);
        let again = records.iter().map(|record| {
            let mut rest = record.as_slice();
            let value = from_avro_datum(&schema, &mut rest, None).unwrap();
            assert!(rest.is_empty());
            to_avro_datum(&schema, value).unwrap()
        });
        let again: Vec<Vec<u8>> = again.collect();
        prop_assert_eq!(decode(&again, &text, batch.schema()), batch);
    }
}

#[test]
fn values_are_those_that_the_crate_writes() {
    let text = r#"{"type": "record", "name": "R", "fields": [
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "either", "type": ["null", "int", "string"]},
        {"name": "half", "type": "float"},
        {"name": "id", "type": {"type": "fixed", "name": "F", "size": 3}},
        {"name": "n", "type": "int"}]}"#;
    let schema = Schema::parse_str(text).unwrap();
    let value = |kind: u32, either: Value, n: i32| {
        let symbol = ["A", "B"][kind as usize].to_owned();
        Value::Record(vec![
            ("kind".into(), Value::Enum(kind, symbol)),
            ("counts".into(), Value::Map([("a".to_owned(), Value::Long(-1))].into_iter().collect())),
            ("either".into(), either),
            ("half".into(), Value::Float(0.5)),
            ("id".into(), Value::Fixed(3, vec![1, 2, 255])),
            ("n".into(), Value::Int(n)),
        ])
    };
    let first = value(1, Value::Union(2, Box::new(Value::String("x".into()))), i32::MIN);
    let second = value(0, Value::Union(0, Box::new(Value::Null)), i32::MAX);
    let entry = DataType::Struct(
        vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int64, false)].into(),
    );
    let columns = Arc::new(Columns::new(vec![
        Field::new("n", DataType::Int32, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("counts", DataType::List(Field::new("item", entry, false).into()), false),
        Field::new("either", DataType::Utf8, true),
        Field::new("half", DataType::Float64, false),
        Field::new("id", DataType::Binary, false),
    ]));
    let mut decoder = AvroDecoder::plain(text, None, columns).unwrap();
    for value in [first, second] {
        decoder.decode(&to_avro_datum(&schema, value).unwrap()).unwrap();
    }
    let integer = to_avro_datum(&schema, value(0, Value::Union(1, Box::new(Value::Int(7))), 0)).unwrap();
    assert_eq!(
        decoder.decode(&integer).unwrap_err().to_string(),
        "column \"either\": the record has int here, which is not read"
    );
    let batch: RecordBatch = decoder.finish();
    assert_eq!(batch.column(0).as_primitive::<Int32Type>().values(), &[i32::MIN, i32::MAX]);
    assert_eq!(batch.column(1).as_ref(), &StringArray::from(vec!["B", "A"]));
    let entries = batch.column(2).as_list::<i32>().value(0);
    assert_eq!(entries.as_struct().column(0).as_ref(), &StringArray::from(vec!["a"]));
    assert_eq!(entries.as_struct().column(1).as_primitive::<Int64Type>(), &Int64Array::from(vec![-1]));
    assert_eq!(batch.column(3).as_ref(), &StringArray::from(vec![Some("x"), None]));
    assert_eq!(batch.column(4).as_primitive::<Float64Type>().values(), &[0.5, 0.5]);
    assert_eq!(batch.column(5).as_binary::<i32>().value(0), [1, 2, 255]);
}
