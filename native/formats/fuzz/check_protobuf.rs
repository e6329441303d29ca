#[path = "frame.rs"]
mod frame;

use frame::Codec;
use millrace_formats::protobuf::{ProtobufDecoder, ProtobufEncoder};
use millrace_plan::{Framing, Protobuf, ProtobufSchema};

const WRITTEN: &str = r#"syntax = "proto3";
import "google/protobuf/timestamp.proto";
message R {
  optional bool bool = 1;
  optional int32 int32 = 2;
  sint64 int64 = 3;
  double float64 = 4;
  optional string decimal = 5;
  optional string string = 6;
  bytes bytes = 7;
  google.protobuf.Timestamp timestamp = 8;
  optional sfixed32 date = 9;
  repeated int64 list = 10;
  S struct = 11;
  enum E { A = 0; B = 1; }
  message S { E inner = 1; repeated D list = 2; }
  message D { oneof either { int32 deep = 1; string other = 2; } }
}"#;

/// A record that every column can be read from.
const GOOD: &[u8] = &[
    0x08, 1, 0x10, 0x0d, 0x18, 0x0e, 0x21, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0x2a, 4, b'1', b'.', b'2', b'5', 0x32, 2,
    b'a', b'b', 0x3a, 1, 7, 0x42, 3, 0x08, 0xac, 2, 0x4d, 9, 0, 0, 0, 0x52, 2, 1, 2, 0x5a, 6, 0x08, 1, 0x12, 2, 0x08,
    3,
];

pub fn decode(record: &[u8]) {
    let codec = Codec {
        decoder: |schema| Box::new(ProtobufDecoder::new(&written(), None, schema).unwrap()),
        encoder: |schema| Box::new(ProtobufEncoder::new(&written(), None, schema).unwrap()),
        good: GOOD,
        skipped: &[1, 4, 8, 9],
    };
    frame::check(&codec, record);
}

fn written() -> Protobuf {
    let schema = ProtobufSchema::Text { text: WRITTEN.into(), imports: Vec::new() };
    Protobuf { schema: Some(schema), message: None, framing: Framing::Plain }
}
