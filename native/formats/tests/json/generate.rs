//! Random schemas, batches and records.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
    RecordBatch, RecordBatchOptions, StringArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

/// A schema of any types, to `depth` levels of lists and structs.
pub fn schema(depth: u32) -> impl Strategy<Value = SchemaRef> {
    fields(data_type(depth), 0..6).prop_map(|fields| Arc::new(Schema::new(fields)))
}

/// Types that serde_json reads in the same way: no text in them.
pub fn plain_schema() -> impl Strategy<Value = SchemaRef> {
    let leaf = prop_oneof![
        Just(DataType::Boolean),
        Just(DataType::Int32),
        Just(DataType::Int64),
        Just(DataType::Float64),
        Just(DataType::Utf8),
    ];
    fields(nested(leaf.boxed(), 2), 1..6).prop_map(|fields| Arc::new(Schema::new(fields)))
}

fn data_type(depth: u32) -> BoxedStrategy<DataType> {
    let unit = prop_oneof![
        Just(TimeUnit::Second),
        Just(TimeUnit::Millisecond),
        Just(TimeUnit::Microsecond),
        Just(TimeUnit::Nanosecond)
    ];
    let leaf = prop_oneof![
        Just(DataType::Boolean),
        Just(DataType::Int32),
        Just(DataType::Int64),
        Just(DataType::Float64),
        (1..=38u8).prop_flat_map(|p| (Just(p), 0..=p as i8)).prop_map(|(p, s)| DataType::Decimal128(p, s)),
        Just(DataType::Utf8),
        Just(DataType::Binary),
        unit.prop_map(|unit| DataType::Timestamp(unit, Some("UTC".into()))),
        Just(DataType::Date32),
    ];
    nested(leaf.boxed(), depth)
}

fn nested(leaf: BoxedStrategy<DataType>, depth: u32) -> BoxedStrategy<DataType> {
    leaf.prop_recursive(depth, 8, 3, |inner| {
        let list = (inner.clone(), any::<bool>())
            .prop_map(|(item, nullable)| DataType::List(Arc::new(Field::new("item", item, nullable))));
        prop_oneof![list, fields(inner, 1..4).prop_map(DataType::Struct)]
    })
    .boxed()
}

fn fields(data_type: impl Strategy<Value = DataType>, count: std::ops::Range<usize>) -> impl Strategy<Value = Fields> {
    // Names longer than one comparison of the decoder, too.
    let name = prop_oneof!["[a-z]{0,4}", "[a-z\"\\\\ü/\t]{0,24}"];
    vec((name, data_type, any::<bool>()), count).prop_map(|fields| {
        let field = |(index, (name, data_type, nullable))| Field::new(format!("{name}{index}"), data_type, nullable);
        fields.into_iter().enumerate().map(field).collect()
    })
}

/// Up to 20 rows of a schema.
pub fn batch(schema: SchemaRef) -> impl Strategy<Value = RecordBatch> {
    (0..20usize).prop_flat_map(move |rows| {
        let schema = schema.clone();
        let columns: Vec<_> = schema.fields().iter().map(|field| array(field, rows)).collect();
        columns.prop_map(move |columns| {
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(schema.clone(), columns, &options).unwrap()
        })
    })
}

fn array(field: &Field, len: usize) -> BoxedStrategy<ArrayRef> {
    let nullable = field.is_nullable();
    match field.data_type().clone() {
        DataType::Boolean => cells(any::<bool>(), nullable, len, |v| Arc::new(BooleanArray::from(v))),
        DataType::Int32 => cells(any::<i32>(), nullable, len, |v| Arc::new(Int32Array::from(v))),
        DataType::Int64 => cells(any::<i64>(), nullable, len, |v| Arc::new(Int64Array::from(v))),
        DataType::Float64 => cells(finite(), nullable, len, |v| Arc::new(Float64Array::from(v))),
        DataType::Decimal128(precision, scale) => {
            let limit = 10i128.pow(u32::from(precision)) - 1;
            cells(-limit..=limit, nullable, len, move |v| {
                let data_type = DataType::Decimal128(precision, scale);
                Arc::new(Decimal128Array::from(v).with_data_type(data_type))
            })
        }
        DataType::Utf8 => cells(any::<String>(), nullable, len, |v| Arc::new(StringArray::from(v))),
        DataType::Binary => {
            cells(vec(any::<u8>(), 0..9), nullable, len, |v| Arc::new(v.into_iter().collect::<BinaryArray>()))
        }
        DataType::Timestamp(unit, zone) => cells(any::<i64>(), nullable, len, move |v| {
            let zone = zone.clone();
            match unit {
                TimeUnit::Second => Arc::new(TimestampSecondArray::from(v).with_timezone_opt(zone)),
                TimeUnit::Millisecond => Arc::new(TimestampMillisecondArray::from(v).with_timezone_opt(zone)),
                TimeUnit::Microsecond => Arc::new(TimestampMicrosecondArray::from(v).with_timezone_opt(zone)),
                TimeUnit::Nanosecond => Arc::new(TimestampNanosecondArray::from(v).with_timezone_opt(zone)),
            }
        }),
        DataType::Date32 => cells(any::<i32>(), nullable, len, |v| Arc::new(Date32Array::from(v))),
        DataType::List(item) => vec(optional(0..4usize, nullable), len)
            .prop_flat_map(move |lens| {
                let item = item.clone();
                let nulls: NullBuffer = lens.iter().map(Option::is_some).collect();
                let offsets = OffsetBuffer::from_lengths(lens.iter().map(|len| len.unwrap_or(0)));
                let items = array(&item, offsets.last().copied().unwrap_or(0) as usize);
                items.prop_map(move |items| {
                    Arc::new(ListArray::new(item.clone(), offsets.clone(), items, Some(nulls.clone()))) as ArrayRef
                })
            })
            .boxed(),
        DataType::Struct(fields) => {
            let columns: Vec<_> = fields.iter().map(|field| array(field, len)).collect();
            (columns, vec(optional(Just(()), nullable), len))
                .prop_map(move |(columns, rows)| {
                    let nulls = rows.iter().map(Option::is_some).collect();
                    Arc::new(StructArray::new(fields.clone(), columns, Some(nulls))) as ArrayRef
                })
                .boxed()
        }
        other => unreachable!("no arrays of {other}"),
    }
}

fn cells<T: std::fmt::Debug + Clone + 'static>(
    cell: impl Strategy<Value = T> + 'static,
    nullable: bool,
    len: usize,
    array: impl Fn(Vec<Option<T>>) -> ArrayRef + 'static,
) -> BoxedStrategy<ArrayRef> {
    vec(optional(cell, nullable), len).prop_map(array).boxed()
}

fn optional<T: std::fmt::Debug + Clone + 'static>(
    cell: impl Strategy<Value = T> + 'static,
    nullable: bool,
) -> BoxedStrategy<Option<T>> {
    if nullable { prop::option::of(cell).boxed() } else { cell.prop_map(Some).boxed() }
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

/// Any JSON, as it stands in fields that are not read, and as a value of the wrong type.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        finite().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\\[\\]{}\"\\\\,:]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A record that mostly fits a schema: fields in any order, some missing, some of another type, some unknown.
pub fn record(fields: &Fields) -> BoxedStrategy<Value> {
    let known: Vec<_> = fields
        .iter()
        .map(|field| {
            let name = field.name().clone();
            let value = prop_oneof![
                20 => fitting(field.data_type()).prop_map(Some),
                1 => any_json().prop_map(Some),
                1 => Just(Some(Value::Null)),
                1 => Just(None),
            ];
            value.prop_map(move |value| value.map(|value| (name.clone(), value)))
        })
        .collect();
    let unknown = vec(("[a-z]{1,20}", any_json()).prop_map(Some), 0..3);
    (known, unknown)
        .prop_map(|(known, unknown)| known.into_iter().chain(unknown).flatten().collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(|fields| Value::Object(fields.into_iter().collect()))
        .boxed()
}

fn fitting(data_type: &DataType) -> BoxedStrategy<Value> {
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        DataType::Int32 => any::<i32>().prop_map(Value::from).boxed(),
        DataType::Int64 => any::<i64>().prop_map(Value::from).boxed(),
        DataType::Float64 => finite().prop_map(Value::from).boxed(),
        DataType::List(item) => vec(fitting(item.data_type()), 0..4).prop_map(Value::from).boxed(),
        DataType::Struct(fields) => record(fields),
        _ => any::<String>().prop_map(Value::from).boxed(),
    }
}

/// Writes JSON as nobody would: white space anywhere, characters as escapes. `choices` decides where.
pub fn write_oddly(value: &Value, choices: &mut dyn Iterator<Item = u8>) -> String {
    let mut out = String::new();
    write_value(value, choices, &mut out);
    out
}

fn write_value(value: &Value, choices: &mut dyn Iterator<Item = u8>, out: &mut String) {
    write_space(choices, out);
    match value {
        Value::String(text) => write_text(text, choices, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_value(item, choices, out);
            }
            write_space(choices, out);
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_space(choices, out);
                write_text(name, choices, out);
                write_space(choices, out);
                out.push(':');
                write_value(field, choices, out);
            }
            write_space(choices, out);
            out.push('}');
        }
        scalar => write!(out, "{scalar}").unwrap(),
    }
    write_space(choices, out);
}

fn write_space(choices: &mut dyn Iterator<Item = u8>, out: &mut String) {
    let choice = choices.next().unwrap_or(0);
    out.push_str(["", "", "", "", " ", "\n", "\t\r", "  "][usize::from(choice % 8)]);
}

fn write_text(text: &str, choices: &mut dyn Iterator<Item = u8>, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        let escape = choices.next().unwrap_or(0).is_multiple_of(4);
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '/' if escape => out.push_str("\\/"),
            '\n' if escape => out.push_str("\\n"),
            char if escape || char < ' ' => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04X}").unwrap();
                }
            }
            char => out.push(char),
        }
    }
    out.push('"');
}
