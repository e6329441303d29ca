//! What a record that somebody else has written is read as.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType,
};
use millrace_formats::Decoder;
use millrace_formats::protobuf::ProtobufDecoder;
use millrace_plan::{Framing, Protobuf, ProtobufSchema};

pub fn columns(fields: &[(&str, DataType, bool)]) -> SchemaRef {
    let field = |(name, data_type, nullable): &(&str, DataType, bool)| Field::new(*name, data_type.clone(), *nullable);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

pub fn proto(text: &str) -> Protobuf {
    let schema = ProtobufSchema::Text { text: text.into(), imports: Vec::new() };
    Protobuf { schema: Some(schema), message: None, framing: Framing::Plain }
}

/// The column of one record.
fn read(text: &str, record: &[u8], column: (&str, DataType, bool)) -> Result<ArrayRef, String> {
    let mut decoder = ProtobufDecoder::new(&proto(text), None, columns(&[column])).map_err(|error| error.0)?;
    decoder.decode(record).map_err(|error| error.to_string())?;
    let batch = decoder.finish();
    batch.column(0).to_data().validate_full().unwrap();
    Ok(batch.column(0).clone())
}

fn int64(text: &str, record: &[u8], nullable: bool) -> Result<Option<i64>, String> {
    let column = read(text, record, ("v", DataType::Int64, nullable))?;
    Ok(column.as_primitive::<Int64Type>().iter().next().unwrap())
}

fn text_of(text: &str, record: &[u8], nullable: bool) -> Result<Option<String>, String> {
    let column = read(text, record, ("v", DataType::Utf8, nullable))?;
    Ok(column.as_string::<i32>().iter().next().unwrap().map(str::to_owned))
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, false)))
}

#[test]
fn a_missing_field_is_null_where_it_has_presence_and_its_default_elsewhere() {
    let implicit = r#"syntax = "proto3"; message M { int64 v = 1; }"#;
    assert_eq!(int64(implicit, &[], true), Ok(Some(0)));
    assert_eq!(int64(implicit, &[], false), Ok(Some(0)));
    let explicit = r#"syntax = "proto3"; message M { optional int64 v = 1; }"#;
    assert_eq!(int64(explicit, &[], true), Ok(None));
    assert_eq!(int64(explicit, &[], false), Ok(Some(0)));
    assert_eq!(int64(explicit, &[8, 0], true), Ok(Some(0)));
    let proto2 = r#"syntax = "proto2"; message M { optional sint64 v = 1 [default = -7]; }"#;
    assert_eq!(int64(proto2, &[], true), Ok(None));
    assert_eq!(int64(proto2, &[], false), Ok(Some(-7)));
    let required = r#"syntax = "proto2"; message M { required int64 v = 1; }"#;
    assert_eq!(int64(required, &[], true), Err("column \"v\": missing, and it is required".into()));
    let symbol = r#"syntax = "proto2"; enum E { A = 1; B = 2; } message M { optional E v = 1 [default = B]; }"#;
    assert_eq!(text_of(symbol, &[], false), Ok(Some("B".into())));
}

#[test]
fn a_missing_message_is_null_or_a_bad_record() {
    let text = r#"syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp v = 1; }"#;
    let time = |nullable| ("v", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), nullable);
    assert!(read(text, &[], time(true)).unwrap().is_null(0));
    assert_eq!(read(text, &[], time(false)).unwrap_err(), "column \"v\": missing, and it is not nullable");
    // An empty one is the epoch.
    let epoch = read(text, &[10, 0], time(false)).unwrap();
    assert_eq!(epoch.as_primitive::<TimestampMillisecondType>().values(), &[0]);
}

#[test]
fn wrappers_are_nullable_values() {
    let text = r#"syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M { google.protobuf.Int64Value v = 1; }"#;
    assert_eq!(int64(text, &[], true), Ok(None));
    assert_eq!(int64(text, &[10, 0], true), Ok(Some(0)));
    assert_eq!(int64(text, &[10, 2, 8, 5], true), Ok(Some(5)));
    assert_eq!(int64(text, &[10, 4, 8, 5, 8, 6], true), Ok(Some(6)));
}

#[test]
fn repeated_fields_are_read_packed_and_not_whatever_the_schema_says() {
    let record = [10, 2, 1, 2, 8, 3, 16, 9, 8, 4, 10, 0];
    for packed in ["", " [packed = true]", " [packed = false]"] {
        let text = format!(r#"syntax = "proto3"; message M {{ repeated int64 v = 1{packed}; }}"#);
        let lists = read(&text, &record, ("v", list_of(DataType::Int64), true)).unwrap();
        assert_eq!(lists.as_list::<i32>().value(0).as_ref(), &Int64Array::from(vec![1, 2, 3, 4]));
    }
    let text = r#"syntax = "proto3"; message M { repeated int64 v = 1; }"#;
    let empty = read(text, &[], ("v", list_of(DataType::Int64), true)).unwrap();
    assert_eq!((empty.null_count(), empty.as_list::<i32>().value(0).len()), (0, 0));
    let error = read(text, &[10, 2, 1, 0x80], ("v", list_of(DataType::Int64), true)).unwrap_err();
    assert_eq!(error, "column \"v[1]\": broken Protobuf: the message ends within a value");
}

#[test]
fn the_last_value_counts_and_messages_are_merged() {
    let text =
        r#"syntax = "proto3"; message M { int64 v = 1; In in = 2; } message In { int64 a = 1; repeated int64 b = 2; }"#;
    assert_eq!(int64(text, &[8, 1, 8, 2], false), Ok(Some(2)));
    let inner = vec![Field::new("a", DataType::Int64, false), Field::new("b", list_of(DataType::Int64), false)];
    let record = [18, 4, 8, 1, 16, 5, 8, 3, 18, 2, 16, 6, 18, 2, 8, 2];
    let column = read(text, &record, ("in", DataType::Struct(inner.into()), true)).unwrap();
    let structs = column.as_struct();
    assert_eq!(structs.column(0).as_ref(), &Int64Array::from(vec![2]));
    assert_eq!(structs.column(1).as_list::<i32>().value(0).as_ref(), &Int64Array::from(vec![5, 6]));
}

#[test]
fn a_member_of_a_oneof_takes_the_place_of_the_one_before() {
    let text = r#"syntax = "proto3"; message M { oneof either { int64 a = 1; string b = 2; bytes unread = 3; } }"#;
    let columns = columns(&[("a", DataType::Int64, true), ("b", DataType::Utf8, true)]);
    let mut decoder = ProtobufDecoder::new(&proto(text), None, columns).unwrap();
    for record in [&[8, 1][..], &[8, 1, 18, 1, b'x'], &[18, 1, b'x', 8, 2, 8, 3], &[8, 1, 26, 0], &[]] {
        decoder.decode(record).unwrap();
    }
    let batch = decoder.finish();
    assert_eq!(batch.column(0).as_ref(), &Int64Array::from(vec![Some(1), None, Some(3), None, None]));
    assert_eq!(batch.column(1).as_ref(), &StringArray::from(vec![None, Some("x"), None, None, None]));
}

#[test]
fn values_of_enums_without_a_name_are_numbers_or_not_there() {
    let open = r#"syntax = "proto3"; enum E { A = 0; B = 1; } message M { E v = 1; repeated E l = 2; }"#;
    assert_eq!(text_of(open, &[8, 1], true), Ok(Some("B".into())));
    assert_eq!(text_of(open, &[8, 9], true), Ok(Some("9".into())));
    assert_eq!(int64(open, &[8, 9], true), Ok(Some(9)));
    let closed = r#"syntax = "proto2"; enum E { A = 0; B = 1; } message M { optional E v = 1; repeated E l = 2; }"#;
    assert_eq!(text_of(closed, &[8, 9], true), Ok(None));
    assert_eq!(text_of(closed, &[8, 1, 8, 9], true), Ok(Some("B".into())));
    let items = read(closed, &[18, 3, 0, 9, 1], ("l", list_of(DataType::Utf8), true)).unwrap();
    assert_eq!(items.as_list::<i32>().value(0).as_ref(), &StringArray::from(vec!["A", "B"]));
}

#[test]
fn maps_are_lists_of_entries() {
    let text = r#"syntax = "proto3"; message M { map<string, In> v = 1; } message In { int32 a = 1; }"#;
    let inner = DataType::Struct(vec![Field::new("a", DataType::Int32, false)].into());
    let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", inner, false)];
    // The second entry has no value, and the third no key.
    let record = [10, 7, 10, 1, b'x', 18, 2, 8, 5, 10, 3, 10, 1, b'y', 10, 0];
    let column = read(text, &record, ("v", list_of(DataType::Struct(entry.into())), false)).unwrap();
    let entries = column.as_list::<i32>().value(0);
    let entries = entries.as_struct();
    assert_eq!(entries.column(0).as_ref(), &StringArray::from(vec!["x", "y", ""]));
    assert_eq!(entries.column(1).as_struct().column(0).as_ref(), &Int32Array::from(vec![5, 0, 0]));
}

#[test]
fn columns_go_by_the_field_s_name_or_its_json_name() {
    let text = r#"syntax = "proto3"; message M { int64 date_time = 1; float half = 300; }"#;
    let batch = columns(&[("half", DataType::Float64, false), ("dateTime", DataType::Int64, false)]);
    let mut decoder = ProtobufDecoder::new(&proto(text), None, batch).unwrap();
    decoder.decode(&[0xe5, 0x12, 0, 0, 0, 0x3f, 8, 7]).unwrap();
    let batch = decoder.finish();
    assert_eq!(batch.column(0).as_ref(), &Float64Array::from(vec![0.5]));
    assert_eq!(batch.column(1).as_ref(), &Int64Array::from(vec![7]));
    let twice = columns(&[("date_time", DataType::Int64, false), ("dateTime", DataType::Int64, false)]);
    let error = ProtobufDecoder::new(&proto(text), None, twice).err().unwrap().0;
    assert_eq!(error, "column \"dateTime\": field \"date_time\" of the message is another column already");
}

#[test]
fn unsigned_numbers_and_digits_are_decimals() {
    let text = r#"syntax = "proto3"; message M { uint64 v = 1; string d = 2; }"#;
    let max = [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let decimal = read(text, &max, ("v", DataType::Decimal128(20, 0), false)).unwrap();
    assert_eq!(decimal.as_primitive::<Decimal128Type>().values(), &[i128::from(u64::MAX)]);
    let error = int64(text, &max, false).unwrap_err();
    assert!(error.starts_with("column \"v\": 18446744073709551615 is out of range for int64"), "{error}");
    let digits = |record: &[u8], nullable| read(text, record, ("d", DataType::Decimal128(9, 2), nullable));
    assert_eq!(digits(b"\x12\x041.25", false).unwrap().as_primitive::<Decimal128Type>().values(), &[125]);
    assert!(digits(&[], true).unwrap().is_null(0));
    assert_eq!(digits(&[], false).unwrap_err(), "column \"d\": expected the digits of a decimal, found \"\"");
}

#[test]
fn what_cannot_be_is_told_with_its_column() {
    let text =
        r#"syntax = "proto3"; message M { int64 v = 1; string s = 2; map<string, int64> m = 3; repeated M r = 4; }"#;
    let error = |column: (&str, DataType)| read(text, &[], (column.0, column.1, false)).unwrap_err();
    assert_eq!(error(("s", DataType::Int64)), "column \"s\": the schema has string here, which is not read as int64");
    assert_eq!(error(("v", DataType::Int32)), "column \"v\": the schema has int64 here, which is not read as int32");
    assert_eq!(error(("m", DataType::Int64)), "column \"m\": the schema has a map here, which is not read as int64");
    assert_eq!(
        error(("r", DataType::Utf8)),
        "column \"r\": the schema has repeated M here, which is not read as string"
    );
    assert_eq!(error(("x", DataType::Int64)), "column \"x\": message M does not have it, and it is not nullable");
    assert!(read(text, &[], ("x", DataType::Int64, true)).unwrap().is_null(0));
    assert_eq!(
        int64(text, &[10, 1, b'a'], false).unwrap_err(),
        "column \"v\": the record has a string, bytes or a message here, which its schema does not: it was written with \
         another one"
    );
    assert_eq!(
        read(text, &[18, 2, 0xc3, 0x28], ("s", DataType::Utf8, false)).unwrap_err(),
        "column \"s\": invalid UTF-8 after 0 bytes of \u{fffd}("
    );
}

#[test]
fn a_proto_that_cannot_be_read_is_told_with_its_place() {
    let error = |protobuf: Protobuf| ProtobufDecoder::new(&protobuf, None, columns(&[])).err().unwrap().0;
    let message = error(proto("syntax = \"proto3\";\nmessage M { int64 v = }"));
    assert!(message.starts_with("the .proto cannot be read: schema.proto:2:23: "), "{message}");
    let message = error(proto(r#"syntax = "proto3"; import "other.proto"; message M {}"#));
    assert!(message.contains("import 'other.proto' not found. Give it under imports"), "{message}");
    let unknown = Protobuf { message: Some("N".into()), ..proto(r#"package a; message M {} message O {}"#) };
    assert_eq!(error(unknown), "the .proto has no message \"N\": there are a.M, a.O");
    assert_eq!(error(proto("syntax = \"proto3\";")), "the .proto has no message");
}

#[test]
fn imports_are_given_by_name_and_google_s_and_confluent_s_are_known() {
    let text = r#"syntax = "proto3"; import "shared/kind.proto"; import "confluent/meta.proto"; import "google/protobuf/any.proto";
        message M { option (confluent.message_meta).doc = "x"; shared.Kind v = 1 [(confluent.field_meta) = { doc: "y" }]; }"#;
    let shared = r#"syntax = "proto3"; package shared; enum Kind { A = 0; B = 1; }"#;
    let imports = vec![("shared/kind.proto".to_owned(), shared.to_owned())];
    let schema = Some(ProtobufSchema::Text { text: text.into(), imports });
    let protobuf = Protobuf { schema, message: None, framing: Framing::Plain };
    let mut decoder = ProtobufDecoder::new(&protobuf, None, columns(&[("v", DataType::Utf8, false)])).unwrap();
    decoder.decode(&[8, 1]).unwrap();
    assert_eq!(decoder.finish().column(0).as_ref(), &StringArray::from(vec!["B"]));
}

#[test]
fn a_set_of_descriptors_does_for_the_text() {
    // FileDescriptorSet { file { name: "m.proto" message_type { name: "M" field { name: "v" number: 1 label: OPTIONAL
    // type: INT64 } } syntax: "proto3" } }
    let field = b"\x0a\x01v\x18\x01\x20\x01\x28\x03";
    let message = [&b"\x0a\x01M\x12"[..], &[field.len() as u8], field].concat();
    let file = [&b"\x0a\x07m.proto\x22"[..], &[message.len() as u8], &message, b"\x62\x06proto3"].concat();
    let set = [&[0x0a, file.len() as u8], &file[..]].concat();
    let protobuf =
        |set| Protobuf { schema: Some(ProtobufSchema::Descriptors(set)), message: None, framing: Framing::Plain };
    let mut decoder = ProtobufDecoder::new(&protobuf(set), None, columns(&[("v", DataType::Int64, false)])).unwrap();
    decoder.decode(&[8, 5]).unwrap();
    assert_eq!(decoder.finish().column(0).as_ref(), &Int64Array::from(vec![5]));
    let error = ProtobufDecoder::new(&protobuf(vec![10, 9]), None, columns(&[])).err().unwrap().0;
    assert!(error.starts_with("the descriptor set cannot be read: "), "{error}");
    assert_eq!(
        ProtobufDecoder::new(&protobuf(vec![]), None, columns(&[])).err().unwrap().0,
        "the descriptor set is empty"
    );
}
