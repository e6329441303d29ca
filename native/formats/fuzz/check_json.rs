#[path = "frame.rs"]
mod frame;

use frame::Codec;
use millrace_formats::json::{JsonDecoder, JsonEncoder};

const GOOD: &[u8] = br#"{"bool":true,"int32":-7,"int64":1700000000123,"float64":0.5,"decimal":12.34,"string":"a\nb",
"bytes":"bWlsbA==","timestamp":"2023-11-14T22:13:20.123Z","date":"2023-11-14","list":[1,null],
"struct":{"inner":"x","list":[{"deep":1}]}}"#;

pub fn decode(record: &[u8]) {
    let codec = Codec {
        decoder: |schema| Box::new(JsonDecoder::new(schema)),
        encoder: |schema| Box::new(JsonEncoder::new(schema)),
        good: GOOD,
        skipped: &[3, 5, 9, 10],
    };
    frame::check(&codec, record);
}
