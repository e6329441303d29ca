//! Whole jobs on generated bids: without a step, with sums by key on one slot, and on two that exchange every key.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/run/mod.rs"]
mod run;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::path::Path;

use arrow::datatypes::DataType;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millrace_engine::Start;
use millrace_plan::*;
use run::{JobPlan, Until, column, generated_bids, named, schema};
use tempfile::tempdir;
use xxhash_rust::xxh3::xxh3_64;

const EVENTS: u64 = 1_000_000;
const FEW_KEYS: u64 = 500;
/// Nearly a key an event, so that every event crosses the exchange.
const MANY_KEYS: u64 = 10 * EVENTS;
/// Longer than all events take.
const WINDOW_MS: i64 = 100_000_000_000;

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = sums, exchanged
}
criterion_main!(benches);

fn sums(criterion: &mut Criterion) {
    let keys: Vec<u64> = (0..EVENTS).map(|event| event.wrapping_mul(0x9e37_79b9) % FEW_KEYS).collect();
    let mut group = criterion.benchmark_group("Sums by 500 keys");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("limit: the job without the sums", |bench| bench.iter(|| run_job(FEW_KEYS, false, 1)));
    group.bench_function("one slot", |bench| bench.iter(|| run_job(FEW_KEYS, true, 1)));
    group.bench_function("limit: a hash of each key, and an addition to an array", |bench| {
        bench.iter(|| {
            let mut totals = vec![0_u64; FEW_KEYS as usize];
            for &key in black_box(&keys) {
                totals[(xxh3_64(&key.to_le_bytes()) % FEW_KEYS) as usize] += key;
            }
            totals
        })
    });
    group.finish();
}

fn exchanged(criterion: &mut Criterion) {
    let keys: Vec<u64> = (0..EVENTS).map(|event| event.wrapping_mul(0x9e37_79b9) % MANY_KEYS).collect();
    let mut group = criterion.benchmark_group("Sums by a key an event");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("one slot", |bench| bench.iter(|| run_job(MANY_KEYS, true, 1)));
    group.bench_function("two slots and their exchange", |bench| bench.iter(|| run_job(MANY_KEYS, true, 2)));
    group.bench_function("limit: a hash map of the standard library", |bench| {
        bench.iter(|| {
            let mut totals: HashMap<u64, u64, BuildHasherDefault<DefaultHasher>> = HashMap::default();
            black_box(&keys).iter().for_each(|&key| *totals.entry(key).or_default() += key);
            totals.len()
        })
    });
    group.finish();
}

/// Runs a job to its end; nothing of what it makes is written.
fn run_job(keys: u64, sums: bool, slots: usize) {
    let folder = tempdir().unwrap();
    let mut job = JobPlan::new();
    let bids = job.bids(GeneratorSource { keys, out_of_orderness_ms: 0, ..generated_bids(EVENTS) }, 0);
    let last = if sums { by_auction(&mut job, bids) } else { bids };
    let none = Expr::Call { function: ExprFunction::IsNull, args: vec![column("price")] };
    let kept = job.schema_of(last);
    let filtered = job.add("filter", &[last], kept, OperatorKind::Filter(none));
    job.files(filtered, &Path::new(folder.path()).join("results"));
    job.run_until(slots, Start::Latest, Until::End).unwrap();
}

fn by_auction(job: &mut JobPlan, bids: usize) -> usize {
    let of_price = |function| Aggregate { function, expr: Some(column("price")) };
    let kind = OperatorKind::WindowAggregate(WindowAggregate {
        keys: vec![named("auction", column("auction"))],
        window: Window { size_ms: WINDOW_MS, slide_ms: WINDOW_MS, offset_ms: 0 },
        aggregates: vec![of_price(AggregateFunction::Sum), of_price(AggregateFunction::Max)],
        output: vec![
            named("auction", column("auction")),
            named("price", column(&aggregate_column(0))),
            named("top", column(&aggregate_column(1))),
        ],
    });
    let fields =
        [("auction", DataType::Int64, false), ("price", DataType::Int64, true), ("top", DataType::Int64, true)];
    job.add("sums", &[bids], schema(&fields), kind)
}
