use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, Schema, TimeUnit,
    TimestampMillisecondType,
};

use super::*;

fn decoder(fields: &[(&str, DataType, bool)]) -> JsonDecoder {
    let field = |(name, data_type, nullable): &(&str, DataType, bool)| Field::new(*name, data_type.clone(), *nullable);
    JsonDecoder::new(Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>())))
}

/// The rows of one column "v", from records that hold it as it stands.
fn column(data_type: DataType, values: &[&str]) -> RecordBatch {
    let mut decoder = decoder(&[("v", data_type, true)]);
    for value in values {
        decoder.decode(format!("{{\"v\":{value}}}").as_bytes()).unwrap();
    }
    decoder.finish()
}

/// The error of a record for one column "v" that is not nullable.
fn error(data_type: DataType, record: impl AsRef<[u8]>) -> String {
    let mut decoder = decoder(&[("v", data_type, false)]);
    let error = decoder.decode(record.as_ref()).unwrap_err().to_string();
    assert_eq!(decoder.rows(), 0);
    error
}

fn value_error(data_type: DataType, value: &str) -> String {
    error(data_type, format!("{{\"v\":{value}}}"))
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, false)))
}

fn structure(name: &str, data_type: DataType) -> DataType {
    DataType::Struct(vec![Field::new(name, data_type, false)].into())
}

const MILLISECONDS: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

#[test]
fn every_type_is_read() {
    let batch = column(DataType::Boolean, &["true", "false", "null"]);
    assert_eq!(batch.column(0).as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), None]);

    let batch = column(DataType::Int32, &["-2147483648", "null", "2147483647"]);
    let values = batch.column(0).as_primitive::<Int32Type>();
    assert_eq!(values.iter().collect::<Vec<_>>(), [Some(i32::MIN), None, Some(i32::MAX)]);

    let batch = column(DataType::Int64, &["9223372036854775807", "-0"]);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[i64::MAX, 0]);

    let batch = column(DataType::Float64, &["1", "-2.5e-3", "0.1"]);
    assert_eq!(batch.column(0).as_primitive::<Float64Type>().values(), &[1.0, -0.0025, 0.1]);

    let batch = column(DataType::Decimal128(10, 2), &["12.5", "\"-0.01\"", "3"]);
    assert_eq!(batch.column(0).as_primitive::<Decimal128Type>().values(), &[1250, -1, 300]);
    assert_eq!(batch.column(0).data_type(), &DataType::Decimal128(10, 2));

    let batch = column(DataType::Utf8, &[r#""""#, r#""a\u00e9\n\ud83d\ude00\/""#, r#""ü""#]);
    let strings: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(strings, ["", "aé\n😀/", "ü"]);

    let batch = column(DataType::Binary, &[r#""bWlsbA==""#, r#""bWlsbA""#, r#""\/\/8=""#]);
    let bytes: Vec<_> = batch.column(0).as_binary::<i32>().iter().flatten().collect();
    assert_eq!(bytes, [b"mill".as_slice(), b"mill", &[255, 255]]);

    let zoned = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let batch = column(zoned.clone(), &["1700000000123", r#""2023-11-14T22:13:20.123Z""#]);
    assert_eq!(batch.column(0).as_primitive::<TimestampMillisecondType>().values(), &[1700000000123; 2]);
    assert_eq!(batch.column(0).data_type(), &zoned);

    let batch = column(DataType::Date32, &[r#""1970-01-02""#, "-1"]);
    assert_eq!(batch.column(0).as_primitive::<Date32Type>().values(), &[1, -1]);

    let batch = column(list(DataType::Int64), &["[1, 2]", "[]", "null", "[3]"]);
    let lists = batch.column(0).as_list::<i32>();
    assert_eq!(lists.value_offsets(), &[0, 2, 2, 2, 3]);
    assert!(lists.is_null(2) && lists.is_valid(1));
    assert_eq!(lists.values().as_primitive::<Int64Type>().values(), &[1, 2, 3]);

    let batch = column(structure("a", DataType::Int64), &[r#"{"a":1,"b":[2]}"#, "null", r#"{"a":3}"#]);
    let structs = batch.column(0).as_struct();
    assert!(structs.is_null(1));
    assert_eq!(structs.column(0).as_primitive::<Int64Type>().value(2), 3);
}

#[test]
fn a_value_of_another_type_is_named_and_shown() {
    let cases = [
        (DataType::Int64, r#""12,5""#, r#"expected int64, found "12,5" (string)"#),
        (DataType::Int64, "1e3", "expected int64, found 1e3 (number)"),
        (DataType::Int32, "1.0", "expected int32, found 1.0 (number)"),
        (DataType::Float64, r#""1.5""#, r#"expected float64, found "1.5" (string)"#),
        (DataType::Boolean, "1", "expected bool, found 1 (number)"),
        (DataType::Utf8, "true", "expected string, found true (boolean)"),
        (DataType::Utf8, r#"{"a":1}"#, r#"expected string, found {"a":1} (object)"#),
        (DataType::Binary, r#""a!""#, r#"expected bytes in base64, found "a!" (string)"#),
        (MILLISECONDS, "1.5", "expected timestamp(ms) as an integer or in RFC 3339, found 1.5 (number)"),
        (MILLISECONDS, r#""soon""#, r#"expected timestamp(ms) as an integer or in RFC 3339, found "soon" (string)"#),
        (DataType::Date32, r#""1.1.70""#, r#"expected date as "YYYY-MM-DD" or days, found "1.1.70" (string)"#),
        (DataType::Decimal128(9, 2), r#""x""#, r#"expected decimal(9, 2), found "x" (string)"#),
        (list(DataType::Int64), "1", "expected list, found 1 (number)"),
        (structure("a", DataType::Int64), "[1]", "expected struct, found [1] (array)"),
    ];
    for (data_type, value, message) in cases {
        assert_eq!(value_error(data_type, value), format!("column \"v\": {message}"));
    }
    let long = format!("\"{}\"", "ü".repeat(500));
    let shown = format!("column \"v\": expected int64, found \"{}… (string)", "ü".repeat(39));
    assert_eq!(value_error(DataType::Int64, &long), shown);
}

#[test]
fn a_number_out_of_range_is_shown() {
    let cases = [
        (DataType::Int32, "99999999999", "99999999999 is out of range for int32"),
        (DataType::Int64, "9223372036854775808", "9223372036854775808 is out of range for int64"),
        (DataType::Float64, "-1e400", "-1e400 is out of range for float64"),
        (MILLISECONDS, "99999999999999999999", "99999999999999999999 is out of range for timestamp(ms)"),
        (DataType::Date32, "4000000000", "4000000000 is out of range for date"),
        (DataType::Decimal128(4, 2), "100", "100 is out of range for decimal(4, 2)"),
    ];
    for (data_type, value, message) in cases {
        assert_eq!(value_error(data_type, value), format!("column \"v\": {message}"));
    }
}

#[test]
fn a_missing_value_and_a_null_are_told_apart() {
    assert_eq!(error(DataType::Int64, "{}"), "column \"v\": missing, and it is not nullable");
    assert_eq!(value_error(DataType::Int64, "null"), "column \"v\": null, and it is not nullable");
}

#[test]
fn a_nested_column_is_named_by_its_path() {
    let nested = structure("items", list(structure("n", DataType::Int32)));
    let message = value_error(nested.clone(), r#"{"items":[{"n":1},{"n":"x"}]}"#);
    assert_eq!(message, "column \"v.items[1].n\": expected int32, found \"x\" (string)");
    assert_eq!(value_error(nested, r#"{"items":[{}]}"#), "column \"v.items[0].n\": missing, and it is not nullable");
    assert_eq!(value_error(list(DataType::Int32), "[1,null]"), "column \"v[1]\": null, and it is not nullable");
}

#[test]
fn broken_json_is_located() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty record"),
        (b" \n", "empty record"),
        (b"[1]", "broken JSON at byte 0: expected '{', the start of an object"),
        (b"nonsense", "broken JSON at byte 0: expected '{', the start of an object"),
        (b"{", "broken JSON at byte 1: expected a field name in quotes, found the end of the record"),
        (b"{\"a\"", "broken JSON at byte 4: expected ':' after a field name, found the end of the record"),
        (b"{\"a\" 1}", "broken JSON at byte 5: expected ':' after a field name"),
        (b"{a:1}", "broken JSON at byte 1: expected a field name in quotes"),
        (b"{\"v\":1,}", "broken JSON at byte 7: expected a field name in quotes"),
        (b"{\"v\":1 \"w\":2}", "broken JSON at byte 7: expected ',' or '}' after a field"),
        (b"{\"v\":1", "broken JSON at byte 6: expected ',' or '}' after a field, found the end of the record"),
        (b"{\"v\":}", "broken JSON at byte 5: expected a value"),
        (b"{\"v\":01}", "broken JSON at byte 5: expected a number"),
        (b"{\"v\":nil}", "broken JSON at byte 5: expected null"),
        (b"{\"v\":1}x", "broken JSON at byte 7: expected nothing after the object"),
        (b"{\"v\":1}{\"v\":2}", "broken JSON at byte 7: expected nothing after the object"),
        (b"{\"x\":[1,{]}", "broken JSON at byte 9: expected '}'"),
        (b"{\"x\":[1", "broken JSON at byte 7: expected ']', found the end of the record"),
        (b"{\"x\":\"abc", "broken JSON at byte 9: expected the end of a string, found the end of the record"),
        (b"{\"x\":\"a\nb\"}", "broken JSON at byte 7: a control character in a string must be escaped"),
        (b"{\"a\xff\":1}", "a field name has invalid UTF-8 at byte 3"),
        (b"{\"\\x\":1}", "broken JSON at byte 2: unknown escape in a string"),
    ];
    for (record, message) in cases {
        assert_eq!(error(DataType::Int64, record), *message);
    }
    assert_eq!(value_error(list(DataType::Int64), "[1 2]"), "broken JSON at byte 8: expected ',' or ']' after an item");
}

#[test]
fn a_broken_string_is_located() {
    assert_eq!(error(DataType::Utf8, b"{\"v\":\"hello \xff\"}"), "column \"v\": invalid UTF-8 at byte 12");
    assert_eq!(error(DataType::Utf8, b"{\"v\":\"\\n\xc3\"}"), "column \"v\": invalid UTF-8 at byte 8");
    let pair = "broken JSON at byte 6: half of a surrogate pair in a string";
    for text in [r"\ud83d", r"\ud83dx", r"\ud83d\n", r"\ud83d\ud83d", r"\ude00"] {
        assert_eq!(value_error(DataType::Utf8, &format!("\"{text}\"")), pair, "{text}");
    }
    let digits = "broken JSON at byte 6: expected four hexadecimal digits after \"\\u\"";
    assert_eq!(value_error(DataType::Utf8, r#""\u12g4""#), digits);
    assert_eq!(error(DataType::Utf8, r#"{"v":"\u12"#), digits);
}

#[test]
fn what_is_not_read_is_only_looked_at_as_far_as_the_module_says() {
    let mut decoder = decoder(&[("v", DataType::Int64, false)]);
    let unseen: &[&[u8]] =
        &[b"\"\xff\"", b"\"\\x\\u12\"", b"[1 2,,:]", b"{\"a\" 1,}", b"[nil]", b"{\"}]\":[\"\\\"]\"]}"];
    for value in unseen {
        decoder.decode(&[b"{\"x\":", *value, b",\"v\":1}"].concat()).unwrap();
    }
    let seen: &[&[u8]] = &[b"1.", b"-", b"nil", b"\"\n\"", b"\"\\", b"[}", b"{]", b"[[]", b"[\"\n\"]", b"x", b""];
    for value in seen {
        assert!(decoder.decode(&[b"{\"x\":", *value, b",\"v\":1}"].concat()).is_err(), "{value:?}");
    }
    assert_eq!(decoder.rows(), unseen.len());
}

#[test]
fn nesting_ends_at_128_levels() {
    let record = |levels: usize| format!("{{\"x\":{}{},\"v\":1}}", "[".repeat(levels), "]".repeat(levels));
    let mut decoder = decoder(&[("v", DataType::Int64, false)]);
    decoder.decode(record(127).as_bytes()).unwrap();
    let message = decoder.decode(record(128).as_bytes()).unwrap_err().to_string();
    assert_eq!(message, "broken JSON at byte 132: nested deeper than 128 levels");
}

#[test]
fn the_last_of_two_fields_with_one_name_counts() {
    let batch_of = |data_type, record: &str| {
        let mut decoder = decoder(&[("v", data_type, true), ("w", DataType::Int64, true)]);
        decoder.decode(record.as_bytes()).unwrap();
        decoder.finish()
    };
    let batch = batch_of(DataType::Int64, r#"{"v":1,"w":5,"v":2,"v":3}"#);
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[3]);
    let batch = batch_of(DataType::Int64, r#"{"v":1,"\u0076":null}"#);
    assert!(batch.column(0).is_null(0) && batch.column(1).is_null(0));
    let batch = batch_of(list(DataType::Int64), r#"{"v":[1,2],"v":[3]}"#);
    assert_eq!(batch.column(0).as_list::<i32>().values().as_primitive::<Int64Type>().values(), &[3]);
}

#[test]
fn fields_may_change_their_order_from_record_to_record() {
    let mut decoder = decoder(&[("a", DataType::Int64, true), ("a_name_of_more_than_16_bytes", DataType::Int64, true)]);
    let records = [
        r#"{"a":1,"x":0,"a_name_of_more_than_16_bytes":1}"#,
        r#"{"a":2,"a_name_of_more_than_16_bytes":2}"#,
        r#"{"a_name_of_more_than_16_bytes":3,"a":3}"#,
        r#"{"a_name_of_more_than_16_bytez":0,"a": 4,"a_name_of_more_than_16_bytes" :4}"#,
        r#"{"new":0,"a":5,"x":0,"a_name_of_more_than_16_bytes":5}"#,
        r#"{"a":  6,"x":0,"a_name_of_more_than_16_bytes":6}"#,
    ];
    for record in records {
        decoder.decode(record.as_bytes()).unwrap();
    }
    let batch = decoder.finish();
    for column in batch.columns() {
        assert_eq!(column.as_primitive::<Int64Type>().values(), &[1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn a_bad_record_leaves_nothing_behind() {
    let mut decoder = decoder(&[
        ("s", DataType::Utf8, true),
        ("l", list(structure("n", DataType::Int64)), true),
        ("v", DataType::Int64, false),
    ]);
    decoder.decode(br#"{"s":"one","l":[{"n":1}],"v":1}"#).unwrap();
    decoder.decode(br#"{"s":"bad","l":[{"n":2},{"n":"x"}],"v":2}"#).unwrap_err();
    decoder.decode(br#"{"s":"bad","l":[{"n":2}],"v":2}]"#).unwrap_err();
    decoder.decode(br#"{"s":"bad","l":null}"#).unwrap_err();
    decoder.decode(br#"{"v":3,"l":[{"n":3}],"s":"three"}"#).unwrap();
    let batch = decoder.finish();
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["one", "three"]);
    let items = batch.column(1).as_list::<i32>().values().as_struct().column(0);
    assert_eq!(items.as_primitive::<Int64Type>().values(), &[1, 3]);
    assert_eq!(batch.column(2).as_primitive::<Int64Type>().values(), &[1, 3]);
}

#[test]
fn a_10_mb_message_is_read_and_many_make_the_decoder_full() {
    let mut decoder = decoder(&[("v", DataType::Utf8, false)]);
    let record = format!("{{\"v\":\"{}\"}}", "x".repeat(10 << 20));
    let mut rows = 0;
    while !decoder.is_full() {
        decoder.decode(record.as_bytes()).unwrap();
        rows += 1;
    }
    assert_eq!(rows, 7);
    let batch = decoder.finish();
    assert_eq!(batch.column(0).as_string::<i32>().value(6).len(), 10 << 20);
    assert!(!decoder.is_full());
}

#[test]
fn no_columns_still_count_rows() {
    let mut decoder = decoder(&[]);
    decoder.decode(b"{}").unwrap();
    decoder.decode(br#"{"a":1}"#).unwrap();
    decoder.decode(b"{").unwrap_err();
    assert_eq!(decoder.finish().num_rows(), 2);
    assert_eq!(decoder.finish().num_rows(), 0);
}

#[test]
fn a_type_that_is_not_read_holds_nulls_alone() {
    assert_eq!(value_error(DataType::UInt8, "1"), "column \"v\": JSON is not read as UInt8");
    assert_eq!(column(DataType::UInt8, &["null", "null"]).column(0).null_count(), 2);
}
