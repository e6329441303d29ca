//! Deduplicating jobs: each key goes on once, over cuts and changes of parallelism, and again when it was forgotten.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;

use std::path::Path;

use arrow::datatypes::DataType;
use millrace_engine::Start;
use millrace_plan::*;
use run::{JobPlan, Until, checkpoints, column, generated_bids, lines, named, schema};
use tempfile::tempdir;

const EVENTS: u64 = 300_000;
const AUCTIONS: u64 = 20_000;

#[derive(Clone, Copy)]
struct Shape {
    backend: StateBackend,
    memory_budget_bytes: u64,
    ttl: Option<Ttl>,
}

/// The auctions of bids, each once, to files.
fn job(folder: &Path, Shape { backend, memory_budget_bytes, ttl }: Shape) -> JobPlan {
    let mut job = JobPlan::new();
    job.exactly_once(Checkpoints { memory_budget_bytes, ..checkpoints(folder, backend) });
    let source = job.bids(GeneratorSource { keys: AUCTIONS, ..generated_bids(EVENTS) }, 1_000);
    let keys = vec![named("auction", column("auction"))];
    let bids = job.schema_of(source);
    let firsts = job.add("deduplicate", &[source], bids, OperatorKind::Deduplicate(Deduplicate { keys, ttl }));
    let auctions = OperatorKind::Project(vec![named("auction", column("auction"))]);
    let auctions = job.add("select", &[firsts], schema(&[("auction", DataType::Int64, false)]), auctions);
    job.files(auctions, &folder.join("results"));
    job
}

/// Runs a job to its end, cut off again and again, each time more steps after a checkpoint; gives the number of cuts.
fn run_with_cuts(folder: &Path, shape: Shape, parallelism: usize) -> usize {
    for cuts in 0.. {
        let until = Until::Checkpoints { at_least: 1, steps: cuts as u64 * 3 };
        if job(folder, shape).run_until(parallelism, Start::Latest, until).unwrap().ended {
            return cuts;
        }
    }
    unreachable!("it is run until it ends")
}

fn auctions() -> usize {
    let folder = tempdir().unwrap();
    let shape = Shape { backend: StateBackend::Filesystem, memory_budget_bytes: 0, ttl: None };
    job(folder.path(), shape).run_until(1, Start::Latest, Until::End).unwrap();
    lines(folder.path()).len()
}

#[test]
fn every_key_goes_on_once_whatever_comes_between() {
    let auctions = auctions();
    assert!(auctions > 10_000, "{auctions} auctions");
    for backend in [StateBackend::RocksDb, StateBackend::Filesystem] {
        for (memory_budget_bytes, parallelism) in [(0, 1), (0, 2), (256 << 10, 2)] {
            let folder = tempdir().unwrap();
            let cuts = run_with_cuts(folder.path(), Shape { backend, memory_budget_bytes, ttl: None }, parallelism);
            let lines = lines(folder.path());
            let what = format!("{backend:?}, {memory_budget_bytes} bytes, parallelism {parallelism}, {cuts} cuts");
            assert!(cuts > 0, "{what}");
            assert_eq!((lines.len(), lines.values().max()), (auctions, Some(&1)), "{what}");
        }
    }
}

#[test]
fn a_key_that_was_forgotten_goes_on_again() {
    for backend in [StateBackend::RocksDb, StateBackend::Filesystem] {
        let folder = tempdir().unwrap();
        let ttl = Some(Ttl { duration_ms: 1, update: TtlUpdate::OnWrite });
        let shape = Shape { backend, memory_budget_bytes: 0, ttl };
        job(folder.path(), shape).run_until(2, Start::Latest, Until::End).unwrap();
        assert!(lines(folder.path()).values().any(|&times| times > 1), "{backend:?}");
    }
}

#[test]
fn state_of_other_keys_is_refused() {
    let folder = tempdir().unwrap();
    let shape = Shape { backend: StateBackend::RocksDb, memory_budget_bytes: 0, ttl: None };
    let until = Until::Checkpoints { at_least: 1, steps: 0 };
    assert!(!job(folder.path(), shape).run_until(1, Start::Latest, until).unwrap().ended);
    let mut other = job(folder.path(), shape);
    other.change(1, |operator| {
        let keys = vec![named("bidder", column("bidder"))];
        operator.kind = OperatorKind::Deduplicate(Deduplicate { keys, ttl: None });
    });
    let error = other.run_until(1, Start::Latest, Until::End).err().expect("the job is refused").to_string();
    assert!(
        error.contains("has (deduplicate, key auction: int64), the step wants (deduplicate, key bidder: int64)"),
        "{error}"
    );
}
