use arrow::datatypes::{DataType, Fields, SchemaRef};
use millrace_formats::json::{JsonDecoder, JsonEncoder};
use millrace_formats::{Decoder, Encoder, Rows};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::generate;

/// What the decoder is to make of a value, as JSON again; `None` where it must refuse.
fn read(value: &Value, data_type: &DataType, nullable: bool) -> Option<Value> {
    match (data_type, value) {
        (_, Value::Null) => nullable.then_some(Value::Null),
        (DataType::Boolean, Value::Bool(_)) | (DataType::Utf8, Value::String(_)) => Some(value.clone()),
        (DataType::Int32, Value::Number(number)) => Some(number.to_string().parse::<i32>().ok()?.into()),
        (DataType::Int64, Value::Number(number)) => Some(number.to_string().parse::<i64>().ok()?.into()),
        (DataType::Float64, Value::Number(number)) => {
            Some(number.to_string().parse::<f64>().ok().filter(|value| value.is_finite())?.into())
        }
        (DataType::List(item), Value::Array(items)) => {
            items.iter().map(|value| read(value, item.data_type(), item.is_nullable())).collect()
        }
        (DataType::Struct(fields), Value::Object(values)) => read_fields(values, fields),
        _ => None,
    }
}

fn read_fields(values: &Map<String, Value>, fields: &Fields) -> Option<Value> {
    let read_field = |field: &arrow::datatypes::FieldRef| {
        let value = values.get(field.name()).unwrap_or(&Value::Null);
        Some((field.name().clone(), read(value, field.data_type(), field.is_nullable())?))
    };
    Some(Value::Object(fields.iter().map(read_field).collect::<Option<_>>()?))
}

fn schema_and_records() -> impl Strategy<Value = (SchemaRef, Vec<(Value, Vec<u8>)>)> {
    generate::plain_schema().prop_flat_map(|schema| {
        let record = (generate::record(schema.fields()), vec(any::<u8>(), 0..200));
        (Just(schema), vec(record, 1..8))
    })
}

proptest! {
    #[test]
    fn records_are_read_as_serde_json_reads_them((schema, records) in schema_and_records()) {
        let mut decoder = JsonDecoder::new(schema.clone());
        let mut expected = Vec::new();
        for (record, choices) in &records {
            let text = generate::write_oddly(record, &mut choices.iter().copied().cycle());
            let parsed: Value = serde_json::from_str(&text).unwrap();
            let row = read(&parsed, &DataType::Struct(schema.fields().clone()), false);
            let decoded = decoder.decode(text.as_bytes());
            prop_assert_eq!(decoded.is_ok(), row.is_some(), "{:?}: {}", decoded, text);
            expected.extend(row);
            prop_assert_eq!(decoder.rows(), expected.len());
        }
        let batch = decoder.finish();
        let mut rows = Rows::default();
        JsonEncoder::new(schema).encode(&batch, &mut rows);
        let decoded: Vec<Value> =
            (0..rows.len()).map(|row| serde_json::from_slice(rows.get(row).unwrap()).unwrap()).collect();
        // Floats are compared as such: both sides went through their shortest text.
        prop_assert_eq!(decoded, expected);
    }
}
