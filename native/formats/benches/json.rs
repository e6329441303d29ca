//! JSON on bid events of 231 bytes: decoding of three of the seven fields and of all, encoding of all.

#![allow(clippy::unwrap_used)]

mod bids;

use std::hint::black_box;

use arrow::array::RecordBatch;
use bids::{ALL, RECORDS, SOME, bid, schema};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millrace_formats::json::{JsonDecoder, JsonEncoder};
use millrace_formats::{Decoder, Encoder, Rows};

criterion_group!(benches, decoding, encoding);
criterion_main!(benches);

fn decoding(criterion: &mut Criterion) {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(bid).collect();
    let mut group = criterion.benchmark_group("JSON decoding");
    group.throughput(Throughput::Elements(RECORDS));
    for (name, columns) in [("3 of 7 fields", SOME), ("7 of 7 fields", ALL)] {
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
