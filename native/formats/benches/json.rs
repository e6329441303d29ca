//! JSON on bid events of 231 bytes: decoding of three of the seven fields and of all, encoding of all.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millrace_formats::json::{JsonDecoder, JsonEncoder};
use millrace_formats::{Decoder, Encoder, Rows};

const RECORDS: u64 = 8192;
const RECORD_BYTES: usize = 231;
const ALL: &[&str] = &["auction", "bidder", "price", "channel", "url", "dateTime", "extra"];

criterion_group!(benches, decoding, encoding);
criterion_main!(benches);

fn decoding(criterion: &mut Criterion) {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(bid).collect();
    let mut group = criterion.benchmark_group("JSON decoding");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, columns) in [("3 of 7 fields", &["auction", "price", "dateTime"][..]), ("7 of 7 fields", ALL)] {
        let mut decoder = JsonDecoder::new(schema(columns));
        group.bench_function(name, |bench| bench.iter(|| decode(&records, &mut decoder)));
    }
    group.bench_function("limit: a check that the same bytes are UTF-8", |bench| {
        bench.iter(|| records.iter().filter(|record| simdutf8::basic::from_utf8(record).is_ok()).count())
    });
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(bid).collect();
    let batch = decode(&records, &mut JsonDecoder::new(schema(ALL)));
    let mut encoder = JsonEncoder::new(schema(ALL));
    let mut rows = Rows::default();
    encoder.encode(&batch, &mut rows);
    let encoded = rows.buffer().clone();
    let mut copy = Vec::with_capacity(encoded.len());
    let mut group = criterion.benchmark_group("JSON encoding");
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("7 fields", |bench| {
        bench.iter(|| {
            rows.clear();
            encoder.encode(&batch, &mut rows);
        })
    });
    group.bench_function("limit: a copy of the same bytes", |bench| {
        bench.iter(|| {
            copy.clear();
            copy.extend_from_slice(black_box(&encoded));
        })
    });
    group.finish();
}

fn decode(records: &[Vec<u8>], decoder: &mut JsonDecoder) -> RecordBatch {
    records.iter().for_each(|record| decoder.decode(record).unwrap());
    decoder.finish()
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
