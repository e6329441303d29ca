//! Bid events, the same for every format.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub const RECORDS: u64 = 8192;
const RECORD_BYTES: usize = 231;
pub const ALL: &[&str] = &["auction", "bidder", "price", "channel", "url", "dateTime", "extra"];
pub const SOME: &[&str] = &["auction", "price", "dateTime"];

pub fn schema(names: &[&str]) -> SchemaRef {
    let field = |name: &&str| {
        let data_type = match *name {
            "channel" | "url" | "extra" => DataType::Utf8,
            "dateTime" => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            _ => DataType::Int64,
        };
        Field::new(*name, data_type, false)
    };
    Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
}

/// A bid as JSON, of 231 bytes.
pub fn bid(number: u64) -> Vec<u8> {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let mut record = format!(
        r#"{{"auction":{},"bidder":{},"price":{},"channel":"channel-{}","url":"https://www.example.com/item.htm?query={}","dateTime":{},"extra":""#,
        1000 + random % 100_000,
        2000 + random % 7919,
        random % 1_000_000,
        random % 100,
        random % 100_000,
        1_700_000_000_000 + number / 100,
    );
    while record.len() < RECORD_BYTES - 2 {
        record.push(char::from(b'a' + (record.len() % 26) as u8));
    }
    record.push_str("\"}");
    record.into_bytes()
}
