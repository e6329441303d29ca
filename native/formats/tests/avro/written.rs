//! Random schemas that have room for the rows of another.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use millrace_formats::avro::{AvroDecoder, AvroEncoder};
use millrace_formats::{Decoder, Encoder, Rows};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::generate;

/// Rows, and a schema that they can be written with. The names are ones that Avro allows.
pub fn rows_and_schema() -> impl Strategy<Value = (RecordBatch, String)> {
    let batch = generate::schema(2).prop_map(with_names).prop_flat_map(generate::batch);
    (batch, vec(any::<u8>(), 1..40)).prop_map(|(batch, choices)| {
        let text = written(&batch.schema(), &mut choices.into_iter().cycle()).to_string();
        (batch, text)
    })
}

fn with_names(schema: SchemaRef) -> SchemaRef {
    Schema::new(named(schema.fields())).into()
}

fn named(fields: &Fields) -> Fields {
    let one = |(index, field): (usize, &std::sync::Arc<Field>)| {
        Field::new(format!("f{index}"), of_named(field.data_type()), field.is_nullable())
    };
    fields.iter().enumerate().map(one).collect::<Vec<_>>().into()
}

fn of_named(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => DataType::Struct(named(fields)),
        DataType::List(item) => {
            DataType::List(Field::new("item", of_named(item.data_type()), item.is_nullable()).into())
        }
        other => other.clone(),
    }
}

/// A schema for the rows; `choices` decides where there is more than one way to write them.
fn written(schema: &Schema, choices: &mut dyn Iterator<Item = u8>) -> Value {
    record(schema.fields(), choices, &mut 0)
}

fn record(fields: &Fields, choices: &mut dyn Iterator<Item = u8>, types: &mut usize) -> Value {
    *types += 1;
    let name = format!("Record{types}");
    let mut all: Vec<Value> = Vec::new();
    for field in fields {
        let place = usize::from(choose(choices, 255)) % (all.len() + 1);
        all.insert(place, json!({"name": field.name(), "type": of(field, choices, types)}));
    }
    if choose(choices, 2) == 0 {
        all.push(json!({"name": "unread", "type": {"type": "map", "values": ["null", "double", "string"]},
            "default": {"a": null}}));
    }
    json!({"type": "record", "name": name, "fields": all})
}

fn of(field: &Field, choices: &mut dyn Iterator<Item = u8>, types: &mut usize) -> Value {
    let value = of_value(field.data_type(), choices, types);
    match (field.is_nullable(), choose(choices, 3)) {
        (true, 0) => json!([value, "null"]),
        (true, _) => json!(["null", value]),
        (false, 0) => json!([value]),
        (false, _) => value,
    }
}

fn of_value(data_type: &DataType, choices: &mut dyn Iterator<Item = u8>, types: &mut usize) -> Value {
    let logical = |unit: &str| json!({"type": "long", "logicalType": format!("timestamp-{unit}")});
    match data_type {
        DataType::Boolean => json!("boolean"),
        DataType::Int32 => json!("int"),
        DataType::Int64 => json!("long"),
        DataType::Float64 => json!({"type": "double"}),
        DataType::Utf8 => json!(["string", "bytes"][usize::from(choose(choices, 2))]),
        DataType::Binary => json!("bytes"),
        DataType::Date32 => json!({"type": "int", "logicalType": "date"}),
        DataType::Timestamp(TimeUnit::Second, _) => json!("long"),
        DataType::Timestamp(TimeUnit::Millisecond, _) => logical("millis"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => logical("micros"),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => logical("nanos"),
        DataType::Decimal128(precision, scale) if choose(choices, 2) == 0 => {
            json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
        }
        DataType::Decimal128(precision, scale) => {
            *types += 1;
            json!({"type": "fixed", "name": format!("Fixed{types}"), "size": 17, "logicalType": "decimal",
                "precision": precision, "scale": scale})
        }
        DataType::List(item) => json!({"type": "array", "items": of(item, choices, types)}),
        DataType::Struct(fields) => record(fields, choices, types),
        other => unreachable!("no schema for {other}"),
    }
}

fn choose(choices: &mut dyn Iterator<Item = u8>, of: u8) -> u8 {
    choices.next().unwrap_or(0) % of
}

pub fn encode(batch: &RecordBatch, schema: &str) -> Vec<Vec<u8>> {
    let mut encoder = AvroEncoder::new(schema, None, batch.schema()).unwrap();
    let mut rows = Rows::default();
    encoder.encode(batch, &mut rows);
    assert_eq!(encoder.take_failure(), None);
    (0..rows.len()).map(|row| rows.get(row).unwrap().to_vec()).collect()
}

pub fn decode<'a>(records: impl IntoIterator<Item = &'a Vec<u8>>, schema: &str, columns: SchemaRef) -> RecordBatch {
    let mut decoder = AvroDecoder::plain(schema, None, columns).unwrap();
    for record in records {
        if let Err(error) = decoder.decode(record) {
            panic!("{error}: {record:?}");
        }
    }
    let decoded = decoder.finish();
    for column in decoded.columns() {
        column.to_data().validate_full().unwrap();
    }
    decoded
}
