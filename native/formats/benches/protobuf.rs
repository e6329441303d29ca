//! Protobuf on the bids that the benchmark of JSON has: decoding of three of the seven fields and of all, encoding of all.

#![allow(clippy::unwrap_used)]

mod bids;

use arrow::array::RecordBatch;
use bids::{ALL, RECORDS, SOME, bid, schema};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millrace_formats::json::JsonDecoder;
use millrace_formats::protobuf::{ProtobufDecoder, ProtobufEncoder};
use millrace_formats::{Decoder, Encoder, Rows};
use millrace_plan::{Framing, Protobuf, ProtobufSchema};

const PROTO: &str = r#"syntax = "proto3"; message Bid { int64 auction = 1; int64 bidder = 2; int64 price = 3;
    string channel = 4; string url = 5; int64 dateTime = 6; string extra = 7; }"#;

criterion_group!(benches, decoding, encoding);
criterion_main!(benches);

fn proto() -> Protobuf {
    let schema = ProtobufSchema::Text { text: PROTO.into(), imports: Vec::new() };
    Protobuf { schema: Some(schema), message: None, framing: Framing::Plain }
}

fn decoding(criterion: &mut Criterion) {
    let mut encoder = ProtobufEncoder::new(&proto(), None, schema(ALL)).unwrap();
    let mut rows = Rows::default();
    encoder.encode(&batch(), &mut rows);
    let records: Vec<Vec<u8>> = (0..rows.len()).map(|row| rows.get(row).unwrap().to_vec()).collect();
    let mut group = criterion.benchmark_group("Protobuf decoding");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, columns) in [("3 of 7 fields", SOME), ("7 of 7 fields", ALL)] {
        let mut decoder = ProtobufDecoder::new(&proto(), None, schema(columns)).unwrap();
        group.bench_function(name, |bench| bench.iter(|| decode(&records, &mut decoder)));
    }
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let batch = batch();
    let mut encoder = ProtobufEncoder::new(&proto(), None, schema(ALL)).unwrap();
    let mut rows = Rows::default();
    let mut group = criterion.benchmark_group("Protobuf encoding");
    group.throughput(Throughput::Elements(RECORDS));
    group.bench_function("7 fields", |bench| {
        bench.iter(|| {
            rows.clear();
            encoder.encode(&batch, &mut rows);
        })
    });
    group.finish();
}

fn batch() -> RecordBatch {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(bid).collect();
    decode(&records, &mut JsonDecoder::new(schema(ALL)))
}

fn decode(records: &[Vec<u8>], decoder: &mut dyn Decoder) -> RecordBatch {
    records.iter().for_each(|record| decoder.decode(record).unwrap());
    decoder.finish()
}
