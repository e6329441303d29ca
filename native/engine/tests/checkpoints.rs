//! Jobs that are cut off at any point and go on from their checkpoints.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow::datatypes::DataType;
use millrace_engine::{CheckpointMetrics, Error, ErrorCode, Start};
use millrace_plan::*;
use run::{JobPlan, Until, checkpoints, column, generated_bids, lines, named, schema, timestamp};
use tempfile::{TempDir, tempdir};

const EVENTS: u64 = 1_000_000;
const TUMBLING: Window = Window { size_ms: 20_000, slide_ms: 20_000, offset_ms: 0 };
const HOPPING: Window = Window { size_ms: 20_000, slide_ms: 5_000, offset_ms: 0 };

/// What a job of these tests is made of, where it differs.
#[derive(Clone, Copy)]
struct Shape {
    /// 0: it never ends.
    events: u64,
    backend: StateBackend,
    memory_budget_bytes: u64,
    window: Window,
    aggregates: &'static [(AggregateFunction, Option<&'static str>)],
}

const SHAPE: Shape = Shape {
    events: EVENTS,
    backend: StateBackend::RocksDb,
    memory_budget_bytes: 0,
    window: TUMBLING,
    aggregates: &[
        (AggregateFunction::Count, None),
        (AggregateFunction::Sum, Some("price")),
        (AggregateFunction::Max, Some("price")),
        (AggregateFunction::CountDistinct, Some("bidder")),
        (AggregateFunction::Avg, Some("price")),
        (AggregateFunction::Min, Some("bidder")),
    ],
};

/// Where times are equal they go by arrival, which is certain in one slot only.
const FIRST_AND_LAST: Shape = Shape {
    aggregates: &[(AggregateFunction::First, Some("price")), (AggregateFunction::Last, Some("bidder"))],
    ..SHAPE
};

/// Generator, windows, files: exactly once, as the files become visible with the checkpoints.
fn job(folder: &Path, shape: Shape) -> JobPlan {
    let mut job = JobPlan::new();
    job.exactly_once(Checkpoints {
        memory_budget_bytes: shape.memory_budget_bytes,
        ..checkpoints(folder, shape.backend)
    });
    let source = job.bids(generated_bids(shape.events), 1_000);
    let mut fields = vec![("auction", DataType::Int64, false), ("end", timestamp(), false)];
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut output = vec![named("auction", column("auction")), named("end", column(Window::END))];
    for (index, (function, _)) in shape.aggregates.iter().enumerate() {
        let is_float = *function == AggregateFunction::Avg;
        fields.push((names[index], if is_float { DataType::Float64 } else { DataType::Int64 }, true));
        output.push(named(names[index], column(&aggregate_column(index))));
    }
    let aggregates =
        shape.aggregates.iter().map(|(function, of)| Aggregate { function: *function, expr: of.map(column) });
    let kind = OperatorKind::WindowAggregate(WindowAggregate {
        keys: vec![named("auction", column("auction"))],
        window: shape.window,
        aggregates: aggregates.collect(),
        output,
    });
    let windows = job.add("window", &[source], schema(&fields), kind);
    job.files(windows, &folder.join("results"));
    job
}

fn expected(shape: Shape) -> BTreeMap<String, usize> {
    let folder = tempdir().unwrap();
    job(folder.path(), shape).run_until(1, Start::Latest, Until::End).unwrap();
    let lines = lines(folder.path());
    assert!(lines.len() > 1000 && lines.values().all(|&times| times == 1));
    lines
}

/// A generator of numbers that are the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

/// Runs a job to its end; again and again it is cut off some steps after a checkpoint. Gives the number of cuts.
fn run_with_cuts(folder: &Path, shape: Shape, parallelism: usize, seed: u64) -> usize {
    let mut random = Random(seed);
    for cuts in 0.. {
        let until = Until::Checkpoints { at_least: 1, steps: random.below(50) };
        if job(folder, shape).run_until(parallelism, Start::Latest, until).unwrap().ended {
            return cuts;
        }
    }
    unreachable!("it is run until it ends")
}

fn assert_same(got: &BTreeMap<String, usize>, expected: &BTreeMap<String, usize>, what: &str) {
    let missing: Vec<_> = expected.keys().filter(|line| !got.contains_key(*line)).take(3).collect();
    let extra: Vec<_> = got.iter().filter(|(line, times)| expected.get(*line) != Some(*times)).take(3).collect();
    assert!(missing.is_empty() && extra.is_empty(), "{what}: missing {missing:?}, extra or doubled {extra:?}");
}

fn check(shape: Shape, parallelism: usize, seed: u64) {
    let folder = tempdir().unwrap();
    let cuts = run_with_cuts(folder.path(), shape, parallelism, seed);
    assert!(cuts > 0, "the job was never cut off");
    let what = format!("{:?}, parallelism {parallelism}, seed {seed}, {cuts} cuts", shape.backend);
    assert_same(&lines(folder.path()), &expected(shape), &what);
}

#[test]
fn a_job_that_is_cut_off_again_and_again_writes_every_window_once() {
    for (parallelism, seed) in [(1, 11), (2, 12), (3, 13)] {
        check(SHAPE, parallelism, seed);
    }
}

#[test]
fn so_does_one_that_keeps_its_state_in_memory() {
    check(Shape { backend: StateBackend::Filesystem, ..SHAPE }, 2, 21);
}

#[test]
fn first_and_last_stay_what_they_were() {
    for window in [TUMBLING, HOPPING] {
        check(Shape { window, ..FIRST_AND_LAST }, 1, 51);
    }
}

#[test]
fn so_does_one_with_overlapping_windows() {
    check(Shape { window: HOPPING, ..SHAPE }, 2, 31);
}

#[test]
fn so_does_one_whose_state_does_not_fit_the_memory() {
    for window in [TUMBLING, HOPPING] {
        check(Shape { memory_budget_bytes: 64 << 10, window, ..SHAPE }, 2, 41);
    }
}

/// Runs until a checkpoint is there and is cut off.
fn cut_off(shape: Shape) -> (TempDir, CheckpointMetrics) {
    let folder = tempdir().unwrap();
    let until = Until::Checkpoints { at_least: 3, steps: 0 };
    let outcome = job(folder.path(), Shape { events: 0, ..shape }).run_until(2, Start::Latest, until).unwrap();
    (folder, outcome.checkpoints)
}

fn refusal(folder: &Path, shape: Shape) -> Error {
    let refused = job(folder, shape).run_until(2, Start::Latest, Until::End).err().expect("the job is refused");
    assert_eq!(refused.code, ErrorCode::State, "{refused}");
    refused
}

#[test]
fn state_of_another_window_is_refused_with_what_is_stored_and_what_is_wanted() {
    let (folder, _) = cut_off(SHAPE);
    let error = refusal(folder.path(), Shape { window: HOPPING, ..SHAPE }).to_string();
    assert!(error.contains("the stored state of id \"window-1\" has (window 20000 ms, key auction: int64)"), "{error}");
    assert!(error.contains("the step wants (window 20000 ms every 5000 ms, key auction: int64)"), "{error}");
}

#[test]
fn a_damaged_file_of_a_checkpoint_is_refused() {
    let (folder, _) = cut_off(SHAPE);
    let files = folder.path().join("checkpoints/test/files");
    let mut damaged = 0;
    for file in fs::read_dir(files).unwrap() {
        let path = file.unwrap().path();
        let mut content = fs::read(&path).unwrap();
        if let Some(byte) = content.last_mut() {
            *byte ^= 1;
            fs::write(&path, content).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    // A local copy that is whole would be taken instead.
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    let error = refusal(folder.path(), SHAPE).to_string();
    assert!(error.contains("the file is damaged") && error.contains("Restore from another checkpoint"), "{error}");
}

#[test]
fn what_a_crash_has_left_in_the_storage_goes_with_the_next_run() {
    let folder = tempdir().unwrap();
    let run = |until| job(folder.path(), SHAPE).run_until(2, Start::Latest, until).unwrap();
    run(Until::Checkpoints { at_least: 1, steps: 0 });
    let orphan = folder.path().join("checkpoints/test/files/1-crashed-1-0-000001.sst");
    fs::write(&orphan, "no manifest names it").unwrap();
    run(Until::End);
    assert!(!orphan.exists());
    assert_same(&lines(folder.path()), &expected(SHAPE), "after the crash");
}

#[test]
fn a_start_from_nothing_is_one_only_if_it_is_asked_for() {
    let (folder, _) = cut_off(SHAPE);
    let endless = Shape { events: 0, ..SHAPE };
    let again = job(folder.path(), endless).run_until(2, Start::Latest, Until::Checkpoints { at_least: 1, steps: 0 });
    assert!(again.unwrap().checkpoints.restored_from.is_some());
    let fresh = job(folder.path(), endless).run_until(2, Start::Fresh, Until::Checkpoints { at_least: 1, steps: 0 });
    assert_eq!(fresh.unwrap().checkpoints.restored_from, None);
}

#[test]
fn a_checkpoint_holds_what_has_changed_and_not_all_there_is() {
    let one_window = Window { size_ms: 1_000_000, slide_ms: 1_000_000, offset_ms: 0 };
    let (_folder, figures) = cut_off(Shape { window: one_window, ..SHAPE });
    assert!(figures.last_new_bytes < figures.last_bytes, "{figures:?}");
}
