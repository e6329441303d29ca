//! Times JSON on bid events of 231 bytes: decoding of three of the seven fields, decoding and encoding of all.
//! `cargo run --release -p millrace-formats --example json`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millrace_formats::json::{JsonDecoder, JsonEncoder};
use millrace_formats::{BadRecord, Decoder, Encoder, Rows};

const RECORDS: u64 = 100_000;
const RECORD_BYTES: usize = 231;
const BATCH_ROWS: usize = 8192;
const ROUNDS: usize = 100;

fn main() -> Result<(), BadRecord> {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(bid).collect();
    let all = schema(&["auction", "bidder", "price", "channel", "url", "dateTime", "extra"]);
    let some = schema(&["auction", "price", "dateTime"]);
    decode(&records, &some)?;
    print("decode 3 of 7 fields", || decode(&records, &some).map(drop))?;
    print("decode 7 of 7 fields", || decode(&records, &all).map(drop))?;
    for (name, schema) in [("encode 3 integers", some), ("encode 7 fields", all)] {
        let batches = decode(&records, &schema)?;
        let mut encoder = JsonEncoder::new(schema);
        let mut rows = Rows::default();
        print(name, || {
            for batch in &batches {
                rows.clear();
                encoder.encode(batch, &mut rows);
                black_box(&rows);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Prints the best time of some rounds over all records.
fn print(name: &str, mut round: impl FnMut() -> Result<(), BadRecord>) -> Result<(), BadRecord> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    let nanoseconds = best * 1e9 / RECORDS as f64;
    println!("{name}: {nanoseconds:.1} ns a record, {:.2} million records a second", 1e3 / nanoseconds);
    Ok(())
}

fn decode(records: &[Vec<u8>], schema: &SchemaRef) -> Result<Vec<RecordBatch>, BadRecord> {
    let mut decoder = JsonDecoder::new(schema.clone());
    let mut batches = Vec::new();
    for batch in records.chunks(BATCH_ROWS) {
        for record in batch {
            decoder.decode(record)?;
        }
        batches.push(decoder.finish());
    }
    Ok(batches)
}

fn schema(names: &[&str]) -> SchemaRef {
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
