//! Times the JSON decoder on bid events of 231 bytes of which three integers are read: `cargo run --release --example decode`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use millrace_formats::{BadRecord, Decoder, json::JsonDecoder};

const RECORDS: u64 = 100_000;
const RECORD_BYTES: usize = 231;
const BATCH_ROWS: usize = 8192;
const ROUNDS: usize = 100;

fn main() -> Result<(), BadRecord> {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(bid).collect();
    let schema = Arc::new(Schema::new(vec![
        Field::new("auction", DataType::Int64, false),
        Field::new("price", DataType::Int64, false),
        Field::new("dateTime", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), false),
    ]));
    let mut decoder = JsonDecoder::new(schema);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for batch in records.chunks(BATCH_ROWS) {
            for record in batch {
                decoder.decode(record)?;
            }
            black_box(decoder.finish());
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    let nanoseconds = best * 1e9 / RECORDS as f64;
    println!(
        "decode: {nanoseconds:.1} ns a record, {:.2} million records a second (best of {ROUNDS})",
        1e3 / nanoseconds
    );
    Ok(())
}

fn bid(number: u64) -> Vec<u8> {
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
