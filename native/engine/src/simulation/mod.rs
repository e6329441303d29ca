//! Whole jobs in a world that is made up from a seed: brokers, storage, clocks and processes, and all that may happen to
//! them. One thread at a time does something, so a seed always comes to the same (but for those that use RocksDB, which has
//! threads of its own).
//!
//! A schedule runs a job to its end, over crashes, errors and rivals, and compares what is visible then with a model.
//! `npm run simulate` runs many; `npm run simulate -- --seed N` runs one and tells what happens.

mod broker;
mod database;
mod fiber;
mod model;
mod outputs;
mod process;
mod random;
mod scenario;
mod schedule;
mod source;
mod storage;
mod worker;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use process::Order;
use schedule::Summary;

/// Seeds of every test run: 3 to 7 s on two cores, by what else they do.
const SEEDS: u64 = 300;

/// Runs the seeds on all cores; gives what is wrong with the first that fails.
fn first_failure(seeds: Range<u64>, order: Order, progress: impl Fn(u64) + Sync) -> Option<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let failure: Mutex<Option<(u64, String)>> = Mutex::default();
    let work = || {
        while failure.lock().is_none() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if let Err(error) = run(seed, order, false) {
                failure.lock().get_or_insert((seed, error));
            }
            progress(seed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    failure.into_inner()
}

fn run(seed: u64, order: Order, is_verbose: bool) -> Result<Summary, String> {
    let ran = catch_unwind(AssertUnwindSafe(|| schedule::run(seed, order, is_verbose)));
    ran.unwrap_or_else(|panic| Err(format!("a panic: {:?}", panic.downcast_ref::<String>())))
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn every_schedule_comes_to_the_results_that_the_model_has() {
    if let Some(seed) = variable("MILLRACE_SEED") {
        let ran = run(seed, Order::Right, true);
        assert!(ran.is_ok(), "seed {seed}: {}", ran.unwrap_err());
        eprintln!("seed {seed}: {ran:?}");
        return;
    }
    let from = variable("MILLRACE_FIRST_SEED").unwrap_or(0);
    let seeds = from..from + variable("MILLRACE_SEEDS").unwrap_or(SEEDS);
    let (started, reported) = (Instant::now(), Mutex::new(Instant::now()));
    let progress = |seed: u64| {
        let mut last = reported.lock();
        if last.elapsed() >= Duration::from_secs(5) {
            *last = Instant::now();
            eprintln!("{} of {} seeds, {} s", seed - from, seeds.end - from, started.elapsed().as_secs());
        }
    };
    if let Some((seed, error)) = first_failure(seeds.clone(), Order::Right, progress) {
        panic!("seed {seed}: {error}\nReplay it with: npm run simulate -- --seed {seed}");
    }
    eprintln!("{} seeds in {:.1} s", seeds.end - from, started.elapsed().as_secs_f64());
}

#[test]
fn a_seed_always_comes_to_the_same() {
    for seed in (0..20).filter(|seed| !schedule::uses_rocksdb(*seed)) {
        assert_eq!(run(seed, Order::Right, false), run(seed, Order::Right, false), "seed {seed}");
    }
}

#[test]
fn a_commit_in_the_wrong_order_is_found_out() {
    for order in [Order::CommitBeforeManifest, Order::PositionsOutsideOfTransaction, Order::BeginBeforeFlush] {
        let found = first_failure(0..SEEDS, order, |_| {});
        assert!(found.is_some(), "{order:?} is not found out");
    }
}
