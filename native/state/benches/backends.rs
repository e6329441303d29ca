//! The backends of state: entries of a key of 34 bytes and a value of 24 that are added, and read in order.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::hint::black_box;
use std::io::Write;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millrace_state::{Backend, BackendKind, BackendOptions, Run, StateKey, open};
use tempfile::tempdir;

const ENTRIES: u64 = 100_000;
const KEY_GROUPS: u64 = 128;
const KINDS: [(&str, BackendKind); 2] = [("heap", BackendKind::Filesystem), ("RocksDB", BackendKind::RocksDb)];

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = adding, reading
}
criterion_main!(benches);

fn adding(criterion: &mut Criterion) {
    let run = run();
    let bytes = vec![7_u8; run.bytes()];
    let folder = tempdir().unwrap();
    let mut group = criterion.benchmark_group("State, entries added");
    group.throughput(Throughput::Elements(ENTRIES));
    for (name, kind) in KINDS {
        let mut opened = 0;
        let mut empty = || {
            opened += 1;
            open(kind, &folder.path().join(format!("{name}-{opened}")), &BackendOptions::default(), &(0..128), &[])
                .unwrap()
        };
        group.bench_function(name, |bench| {
            bench.iter_batched_ref(&mut empty, |backend| backend.append(&run).unwrap(), BatchSize::PerIteration)
        });
    }
    group.bench_function("limit: a file of the same bytes", |bench| {
        bench.iter(|| File::create(folder.path().join("bytes")).unwrap().write_all(&bytes).unwrap())
    });
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let run = run();
    let bytes = vec![7_u8; run.bytes()];
    let folder = tempdir().unwrap();
    let mut group = criterion.benchmark_group("State, entries read in order");
    group.throughput(Throughput::Elements(ENTRIES));
    for (name, kind) in KINDS {
        let mut backend = open(kind, &folder.path().join(name), &BackendOptions::default(), &(0..128), &[]).unwrap();
        backend.append(&run).unwrap();
        group.bench_function(name, |bench| bench.iter(|| assert_eq!(read(backend.as_ref()), ENTRIES)));
    }
    group.bench_function("limit: a sum of the same bytes", |bench| {
        bench.iter(|| black_box(&bytes).iter().map(|&byte| u64::from(byte)).sum::<u64>())
    });
    group.finish();
}

fn read(backend: &dyn Backend) -> u64 {
    let mut entries = 0;
    backend
        .scan(&[], &[u8::MAX; 64], &mut |key, value| {
            entries += u64::from(!key.is_empty() && !value.is_empty());
            Ok(())
        })
        .unwrap();
    entries
}

fn run() -> Run {
    let key = StateKey::new("sums");
    let mut run = Run::default();
    let mut bytes = Vec::new();
    for entry in 0..ENTRIES {
        bytes.clear();
        key.write_prefix((0, 0), (entry * KEY_GROUPS / ENTRIES) as u32, &mut bytes);
        bytes.extend_from_slice(&entry.to_be_bytes());
        run.push(&bytes, &[entry.to_le_bytes(); 3].concat());
    }
    run
}
