#[path = "frame.rs"]
mod frame;

use frame::Codec;
use millrace_formats::avro::{AvroDecoder, AvroEncoder};

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

const GOOD: &[u8] = &[
    1, 2, 13, 0xf6, 0xa1, 0xab, 0xfe, 0xf9, 0x62, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 4, 4, 0xd2, 0, 4, b'a', b'b', 7, 9, 2,
    4, 4, 2, 2, 0, 0, 2, 2, 2, 0,
];

pub fn decode(record: &[u8]) {
    let codec = Codec {
        decoder: |schema| Box::new(AvroDecoder::plain(WRITTEN, None, schema).unwrap()),
        encoder: |schema| Box::new(AvroEncoder::new(WRITTEN, None, schema).unwrap()),
        good: GOOD,
        skipped: &[2, 4, 9, 10],
    };
    frame::check(&codec, record);
}
