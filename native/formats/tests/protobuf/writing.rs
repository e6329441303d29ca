//! What rows are written as.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use millrace_formats::protobuf::ProtobufEncoder;
use millrace_formats::{Encoder, Rows};

use crate::reading::{columns, proto};

fn written(text: &str, given: Vec<(&str, ArrayRef)>) -> Result<Vec<u8>, String> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(given.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let mut encoder = ProtobufEncoder::new(&proto(text), None, batch.schema()).map_err(|error| error.0)?;
    let mut rows = Rows::default();
    encoder.encode(&batch, &mut rows);
    match encoder.take_failure() {
        Some(failure) => Err(failure),
        None => Ok(rows.get(0).unwrap().to_vec()),
    }
}

fn one(value: Option<i64>) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value]))
}

#[test]
fn fields_go_by_their_numbers_and_defaults_are_left_out() {
    let text = r#"syntax = "proto3"; message M { bool b = 3; double d = 2; optional int64 v = 1; int64 zero = 4; int32 n = 5; }"#;
    let given: Vec<(&str, ArrayRef)> = vec![
        ("zero", one(Some(0))),
        ("b", Arc::new(BooleanArray::from(vec![true]))),
        ("v", one(Some(0))),
        ("d", Arc::new(Float64Array::from(vec![-0.0]))),
        ("n", Arc::new(Int32Array::from(vec![-1]))),
    ];
    let expected =
        [8, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0x80, 24, 1, 40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(written(text, given), Ok(expected.to_vec()));
}

#[test]
fn nulls_go_where_there_is_room_for_them() {
    let of =
        |field: &str| format!(r#"syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M {{ {field} }}"#);
    assert_eq!(written(&of("optional int64 v = 1;"), vec![("v", one(None))]), Ok(vec![]));
    assert_eq!(written(&of("google.protobuf.Int64Value v = 1;"), vec![("v", one(None))]), Ok(vec![]));
    assert_eq!(written(&of("google.protobuf.Int64Value v = 1;"), vec![("v", one(Some(0)))]), Ok(vec![10, 0]));
    assert_eq!(
        written(&of("int64 v = 1;"), vec![("v", one(None))]).unwrap_err(),
        "column \"v\": null, and its field has no presence. Make it optional in the .proto, or use .coalesce(...)"
    );
    let list = |items| Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![items])) as ArrayRef;
    assert_eq!(
        written(&of("repeated int64 v = 1;"), vec![("v", list(None))]).unwrap_err(),
        "column \"v\": null, and a repeated field has none. Use .coalesce(...)"
    );
    assert_eq!(
        written(&of("repeated int64 v = 1;"), vec![("v", list(Some(vec![Some(1), None])))]).unwrap_err(),
        "column \"v[1]\": null, and a repeated field has none"
    );
    assert_eq!(
        written(&of("repeated int64 v = 1;"), vec![("v", list(Some(vec![Some(1), Some(0)])))]),
        Ok(vec![10, 2, 1, 0])
    );
    assert_eq!(written(&of("repeated int64 v = 1;"), vec![("v", list(Some(vec![])))]), Ok(vec![]));
}

#[test]
fn a_message_that_is_long_has_a_long_length() {
    let text = r#"syntax = "proto3"; message M { In in = 1; } message In { string s = 1; }"#;
    let long = "x".repeat(300);
    let inner =
        RecordBatch::try_from_iter([("s", Arc::new(StringArray::from(vec![long.as_str()])) as ArrayRef)]).unwrap();
    let record = written(text, vec![("in", Arc::new(arrow::array::StructArray::from(inner)))]).unwrap();
    assert_eq!(record[..6], [10, 0xaf, 2, 10, 0xac, 2]);
    assert_eq!(record.len(), 306);
}

#[test]
fn what_the_message_has_no_place_for_is_told() {
    let text = r#"syntax = "proto3"; enum E { A = 0; B = 1; }
        message M { int32 i = 1; uint64 u = 2; E e = 3; oneof o { int64 a = 4; int64 b = 5; } }"#;
    let error = |name: &str, value: i64| written(text, vec![(name, one(Some(value)))]).unwrap_err();
    assert_eq!(error("i", 1 << 31), "column \"i\": 2147483648 is out of range for int32");
    assert_eq!(error("u", -1), "column \"u\": -1 is out of range for uint64");
    assert_eq!(
        error("x", 1),
        "column \"x\": the message has no field for it. Add one, or leave the column out by .select(...)"
    );
    assert_eq!(
        written(text, vec![("a", one(Some(1))), ("b", one(Some(2)))]).unwrap_err(),
        "column \"b\": it is not null, and neither is another member of the oneof \"o\""
    );
    assert_eq!(written(text, vec![("a", one(Some(1))), ("b", one(None))]), Ok(vec![32, 1]));
    let symbol = |text: &str, name: &str| written(text, vec![("e", Arc::new(StringArray::from(vec![name])))]);
    assert_eq!(symbol(text, "B"), Ok(vec![24, 1]));
    assert_eq!(symbol(text, "7"), Ok(vec![24, 7]));
    assert_eq!(symbol(text, "C").unwrap_err(), "column \"e\": \"C\" is none of the values of its enum");
    let closed = r#"syntax = "proto2"; enum E { A = 0; } message M { optional E e = 3; required int64 r = 4; }"#;
    assert_eq!(
        symbol(closed, "A").unwrap_err(),
        "column \"r\": it is required, and no column gives it. Add the column by .select(...)"
    );
    let mismatch = ProtobufEncoder::new(&proto(text), None, columns(&[("i", DataType::Utf8, false)])).err().unwrap().0;
    assert_eq!(mismatch, "column \"i\": the schema has int32 here, as which string is not written");
}
