//! Jobs that end with a savepoint, and others that begin with it: more slots or fewer, another backend, other aggregates.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use millrace_engine::{Error, ErrorCode, Job, SavepointState, Start, StartOptions};
use millrace_plan::{AggregateFunction as F, *};
use run::{JobPlan, checkpoints, column, named, schema, timestamp};
use tempfile::{TempDir, tempdir};

const TUMBLING: Window = Window { size_ms: 20_000, slide_ms: 20_000, offset_ms: 0 };
const HOPPING: Window = Window { size_ms: 20_000, slide_ms: 5_000, offset_ms: 0 };

/// 30 s of event time.
const EVENTS: usize = 3_000;

/// Files that grow while jobs read them.
struct Feed {
    files: PathBuf,
    sent: Cell<usize>,
    closed: Cell<bool>,
}

impl Feed {
    fn new(files: PathBuf) -> Self {
        fs::create_dir_all(&files).unwrap();
        let feed = Feed { files, sent: Cell::new(0), closed: Cell::new(false) };
        feed.send(0);
        feed
    }

    /// Adds the next events. Each has a time of its own, so first and last are the same in any number of slots.
    fn send(&self, events: usize) {
        let mut lines = vec![String::new(); FILES];
        let first = self.sent.replace(self.sent.get() + events);
        for number in first..self.sent.get() {
            let spread = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let (auction, bidder, price) = ((spread >> 8) % 20, (spread >> 24) % 90, (spread >> 40) % 10_000);
            let (channel, time) = (["web", "app", ""][(spread >> 60) as usize % 3], START_MS + number as i64 * 10);
            lines[(spread >> 32) as usize % FILES] += &bid(auction, bidder, price, channel, time);
        }
        self.append(&lines);
    }

    /// Adds an event a file that closes all windows before it.
    fn close(&self) {
        if !self.closed.replace(true) {
            self.append(&vec![bid(0, 0, 0, "", START_MS + 10_000_000); FILES]);
        }
    }

    fn append(&self, lines: &[String]) {
        for (number, lines) in lines.iter().enumerate() {
            let path = self.files.join(format!("{number}.jsonl"));
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
            file.write_all(lines.as_bytes()).unwrap();
        }
    }

    fn source(&self, follow: bool) -> SourceConnector {
        let paths = vec![format!("{}/*.jsonl", self.files.display())];
        SourceConnector::File(FileSource { paths, follow, format: FileFormat::Lines })
    }
}

fn bid(auction: u64, bidder: u64, price: u64, channel: &str, time: i64) -> String {
    format!(
        "{{\"auction\":{auction},\"bidder\":{bidder},\"price\":{price},\"channel\":\"{channel}\",\"dateTime\":{time}}}\n"
    )
}

const FILES: usize = 5;
const START_MS: i64 = 1_700_000_000_000;

type Aggregates = Vec<(F, Option<&'static str>)>;

/// One windowed aggregation and the table behind it.
#[derive(Clone)]
struct Step {
    title: &'static str,
    window: Window,
    keys: &'static [&'static str],
    aggregates: Aggregates,
}

#[derive(Clone)]
struct Shape {
    backend: StateBackend,
    steps: Vec<Step>,
}

fn aggregates() -> Aggregates {
    vec![
        (F::Count, None),
        (F::Sum, Some("price")),
        (F::Max, Some("price")),
        (F::CountDistinct, Some("bidder")),
        (F::Avg, Some("price")),
    ]
}

fn step(title: &'static str, window: Window, aggregates: Aggregates) -> Step {
    Step { title, window, keys: &["auction"], aggregates }
}

fn shape() -> Shape {
    let steps = vec![step("tumbling", TUMBLING, aggregates()), step("hopping", HOPPING, aggregates())];
    Shape { backend: StateBackend::RocksDb, steps }
}

fn with_aggregates(aggregates: Aggregates) -> Shape {
    Shape { steps: vec![step("tumbling", TUMBLING, aggregates)], ..shape() }
}

/// `source` follows files as they grow, or ends with what is in them.
fn job(folder: &Path, shape: &Shape, source: SourceConnector) -> JobPlan {
    let mut job = JobPlan::new();
    job.at_least_once(Checkpoints { interval_ms: 20, ..checkpoints(folder, shape.backend) });
    let source = job.bids_of("files", source, 1_000);
    add_steps(&mut job, source, &shape.steps);
    job
}

fn add_steps(job: &mut JobPlan, source: usize, steps: &[Step]) {
    for Step { title, window, keys, aggregates } in steps {
        let bids = job.schema_of(source);
        let of_key = |key: &&str| bids.field_with_name(key).unwrap().data_type().clone();
        let mut fields: Vec<(&str, DataType, bool)> = keys.iter().map(|key| (*key, of_key(key), false)).collect();
        fields.push(("end", timestamp(), false));
        let mut output: Vec<NamedExpr> = keys.iter().map(|key| named(key, column(key))).collect();
        output.push(named("end", column(Window::END)));
        for (index, (function, _)) in aggregates.iter().enumerate() {
            let is_float = matches!(function, F::Avg | F::Stddev | F::ApproxQuantile(_));
            // As the SDK declares what is made from columns that are never null.
            fields.push((NAMES[index], if is_float { DataType::Float64 } else { DataType::Int64 }, false));
            output.push(named(NAMES[index], column(&aggregate_column(index))));
        }
        let kind = OperatorKind::WindowAggregate(WindowAggregate {
            keys: keys.iter().map(|key| named(key, column(key))).collect(),
            window: *window,
            aggregates: aggregates.iter().map(|(f, of)| Aggregate { function: *f, expr: of.map(column) }).collect(),
            output,
        });
        // The title is the id's beginning, so it is found again wherever the step stands.
        let windows = job.add_with_id(title, "window", &[source], schema(&fields), kind);
        job.table(windows, title);
    }
}

const NAMES: [&str; 11] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];

/// Each row of a table as text, and how often it is there. A column that is named is left out.
#[derive(Debug, Default, Clone, PartialEq)]
struct Lines(BTreeMap<String, usize>);

impl Lines {
    fn add(&mut self, shown: &[(String, RecordBatch)], columns: Option<&[&str]>) {
        for (title, rows) in shown {
            for row in 0..rows.num_rows() {
                let fields = rows.schema();
                let cells = fields.fields().iter().zip(rows.columns());
                let wanted =
                    cells.filter(|(field, _)| columns.is_none_or(|names| names.contains(&field.name().as_str())));
                let cells: Vec<String> = wanted.map(|(_, cell)| array_value_to_string(cell, row).unwrap()).collect();
                *self.0.entry(format!("{title} {}", cells.join(" "))).or_default() += 1;
            }
        }
    }

    fn of(shown: &[(String, RecordBatch)]) -> Lines {
        let mut lines = Lines::default();
        lines.add(shown, None);
        lines
    }
}

fn assert_same(got: &Lines, expected: &Lines) {
    let missing: Vec<_> = expected.0.keys().filter(|line| !got.0.contains_key(*line)).take(3).collect();
    let extra: Vec<_> = got.0.iter().filter(|(line, times)| expected.0.get(*line) != Some(*times)).take(3).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, extra or doubled {extra:?}");
}

/// What a job shows that reads everything at once.
fn expected(shape: &Shape) -> Vec<(String, RecordBatch)> {
    let place = Place::new();
    place.feed.send(EVENTS);
    place.run_to_end(shape, 1, Start::Latest)
}

/// A folder with files to read and a storage.
struct Place {
    folder: TempDir,
    feed: Feed,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let feed = Feed::new(folder.path().join("files"));
        Place { folder, feed }
    }

    fn follow(&self, shape: &Shape) -> JobPlan {
        job(self.folder.path(), shape, self.feed.source(true))
    }

    /// Reads what is there, emits every window and ends.
    fn run_to_end(&self, shape: &Shape, slots: usize, start: impl Into<StartOptions>) -> Vec<(String, RecordBatch)> {
        self.feed.close();
        let rows = self.follow(shape).run_while(slots, start, |job| {
            eventually("the end", || job.metrics().watermark_ms.is_some_and(|time| time > START_MS + 1_000_000));
            job.stop();
        });
        rows.unwrap()
    }

    /// Reads the next events and ends with a savepoint.
    fn stop_with_savepoint(
        &self,
        shape: &Shape,
        slots: usize,
        start: impl Into<StartOptions>,
        (events, name): (usize, &str),
    ) -> Vec<(String, RecordBatch)> {
        self.feed.send(events);
        let rows = self.follow(shape).run_while(slots, start, |job| {
            read(job, events);
            assert!(matches!(savepoint(job, name, true), SavepointState::Written { bytes: 1.., .. }));
        });
        rows.unwrap()
    }

    fn refusal(&self, shape: &Shape, start: impl Into<StartOptions>) -> Error {
        let refused = self.follow(shape).run_while(2, start, |_| {}).expect_err("the job is refused");
        assert_eq!(refused.code, ErrorCode::State, "{refused}");
        refused
    }
}

fn eventually(what: &str, probe: impl Fn() -> bool) {
    let start = Instant::now();
    while !probe() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until so many events have been read.
fn read(job: &Job, events: usize) {
    eventually("events", || job.metrics().operators[0].rows_out >= events as u64);
}

/// Asks for a savepoint and waits for what becomes of it.
fn savepoint(job: &Job, name: &str, ends_job: bool) -> SavepointState {
    let number = job.savepoint(name, ends_job).unwrap();
    let settled = |state| matches!(state, Some(SavepointState::Written { .. } | SavepointState::Failed(_)));
    eventually("a savepoint", || settled(job.savepoint_state(number)));
    job.savepoint_state(number).unwrap()
}

fn from(name: &str) -> Start {
    Start::Savepoint(name.into())
}

#[test]
fn a_job_goes_on_from_savepoints_with_other_slots_and_backends() {
    let place = Place::new();
    let at = |backend| Shape { backend, ..shape() };
    let mut lines = Lines::default();
    lines.add(&place.stop_with_savepoint(&at(StateBackend::RocksDb), 2, Start::Latest, (900, "one")), None);
    lines.add(&place.stop_with_savepoint(&at(StateBackend::Filesystem), 4, from("one"), (900, "two")), None);
    lines.add(&place.stop_with_savepoint(&at(StateBackend::RocksDb), 1, from("two"), (900, "three")), None);
    place.feed.send(300);
    lines.add(&place.run_to_end(&at(StateBackend::RocksDb), 3, from("three")), None);
    assert_same(&lines, &Lines::of(&expected(&shape())));
}

#[test]
fn a_savepoint_whose_name_is_taken_fails_and_the_job_does_not() {
    let place = Place::new();
    place.feed.send(1_500);
    let mut lines = Lines::default();
    let rows = place.follow(&shape()).run_while(2, Start::Latest, |job| {
        read(job, 1_500);
        assert!(matches!(savepoint(job, "one", false), SavepointState::Written { .. }));
        for ends_job in [false, true] {
            let SavepointState::Failed(error) = savepoint(job, "one", ends_job) else { panic!("it is taken") };
            assert_eq!(error, "savepoint \"one\" of job \"test\" is there already: choose another name");
        }
        let figures = job.metrics().checkpoints.unwrap();
        assert_eq!((figures.savepoints, figures.failed), (1, 0));
        assert!(figures.last_savepoint.unwrap().error.unwrap().contains("is there already"));
        place.feed.send(1_500);
        read(job, EVENTS);
        job.stop();
    });
    lines.add(&rows.unwrap(), None);
    lines.add(&place.run_to_end(&shape(), 2, Start::Latest), None);
    assert_same(&lines, &Lines::of(&expected(&shape())));
}

#[test]
fn a_savepoint_of_a_job_that_has_ended_fails() {
    let place = Place::new();
    let ask = |job: &Job| {
        for number in 0.. {
            // As long as the job runs it is in time.
            if let SavepointState::Failed(error) = savepoint(job, &format!("late-{number}"), false) {
                assert!(error.ends_with("the job has ended before it was written"), "{error}");
                return;
            }
        }
    };
    job(place.folder.path(), &shape(), place.feed.source(false)).run_while(1, Start::Latest, ask).unwrap();
}

#[test]
fn aggregates_may_change_places_and_go() {
    let place = Place::new();
    let mut after = aggregates();
    after.reverse();
    after.retain(|(function, _)| *function != F::Max);
    // Before: count, sum, max, distinct, avg. After: avg, distinct, sum, count.
    let columns: [(&[&str], &[&str]); 2] = [(&["auction", "end", "b"], &["auction", "end", "c"]), (&["e"], &["a"])];
    let before = place.stop_with_savepoint(&with_aggregates(aggregates()), 2, Start::Latest, (1_500, "one"));
    place.feed.send(1_500);
    let told = Cell::default();
    let noted = place.follow(&with_aggregates(after.clone())).run_while(3, from("one"), |job| {
        read(job, 1);
        told.set(job.metrics().checkpoints.unwrap().restored_changes);
        job.cancel();
    });
    noted.unwrap();
    let rest = place.run_to_end(&with_aggregates(after), 3, from("one"));
    let whole = expected(&with_aggregates(aggregates()));
    for (names_before, names_after) in columns {
        let (mut lines, mut expected) = (Lines::default(), Lines::default());
        lines.add(&before, Some(names_before));
        lines.add(&rest, Some(names_after));
        expected.add(&whole, Some(names_before));
        assert_same(&lines, &expected);
    }
    assert_eq!(told.take(), ["stored state of id \"tumbling\": max(price) was left out"]);
}

#[test]
fn an_aggregate_that_is_added_begins_empty_in_windows_that_are_open() {
    let place = Place::new();
    let sum = with_aggregates(vec![(F::Sum, Some("price"))]);
    place.stop_with_savepoint(&sum, 2, Start::Latest, (1_500, "one"));
    let all = vec![
        (F::CountDistinct, Some("bidder")),
        (F::ApproxCountDistinct, Some("bidder")),
        (F::Avg, Some("price")),
        (F::Min, Some("price")),
        (F::Max, Some("price")),
        (F::First, Some("price")),
        (F::Last, Some("price")),
        (F::Stddev, Some("price")),
        (F::ApproxQuantile(0.5), Some("price")),
        (F::Sum, Some("bidder")),
        (F::Count, Some("price")),
    ];
    for slots in [1, 3] {
        let lines = Lines::of(&place.run_to_end(&with_aggregates(all.clone()), slots, from("one")));
        assert_eq!(lines.0.len(), 20, "a window of each auction is open");
        for line in lines.0.keys() {
            let cells: Vec<&str> = line.split(' ').skip(3).collect();
            assert_eq!(cells, ["0", "0", "", "", "", "", "", "", "", "", "0"], "{line}");
        }
    }
}

#[test]
fn rows_that_come_later_count_for_an_aggregate_that_was_added() {
    let place = Place::new();
    let sum = with_aggregates(vec![(F::Sum, Some("price"))]);
    place.stop_with_savepoint(&sum, 2, Start::Latest, (1_500, "one"));
    place.feed.send(1_500);
    let added = with_aggregates(vec![(F::Sum, Some("price")), (F::Count, Some("price"))]);
    let rows = Lines::of(&place.run_to_end(&added, 2, from("one")));
    let whole = Lines::of(&expected(&added));
    let same = rows.0.keys().filter(|line| whole.0.contains_key(*line)).count();
    // The window that began later is whole; in the one that was open the new aggregate lacks what came before.
    assert_eq!((same, rows.0.len()), (20, 40), "{rows:?}");
}

#[test]
fn other_keys_and_another_window_are_refused_with_both() {
    let place = Place::new();
    place.stop_with_savepoint(&with_aggregates(aggregates()), 2, Start::Latest, (600, "one"));
    let of = |step: Step| Shape { steps: vec![step], ..shape() };
    let other_key = of(Step { keys: &["bidder"], ..step("tumbling", TUMBLING, aggregates()) });
    let error = place.refusal(&other_key, from("one")).to_string();
    assert!(error.contains("key auction: int64") && error.contains("key bidder: int64"), "{error}");
    let other_window = of(step("tumbling", HOPPING, aggregates()));
    let error = place.refusal(&other_window, from("one")).to_string();
    assert!(error.contains("(window 20000 ms,") && error.contains("(window 20000 ms every 5000 ms,"), "{error}");
}

#[test]
fn another_number_of_key_groups_is_refused() {
    let place = Place::new();
    place.stop_with_savepoint(&shape(), 2, Start::Latest, (600, "one"));
    let mut plan = place.follow(&shape());
    plan.set_max_parallelism(64);
    let error = plan.run_while(2, from("one"), |_| {}).unwrap_err().to_string();
    assert!(error.contains("has 128 key groups, the job's maxParallelism is 64: set it back"), "{error}");
}

#[test]
fn a_step_that_is_gone_leaves_its_state_out_only_where_that_is_allowed() {
    let place = Place::new();
    place.stop_with_savepoint(&shape(), 2, Start::Latest, (600, "one"));
    let one_step = Shape { steps: vec![step("tumbling", TUMBLING, aggregates())], ..shape() };
    let error = place.refusal(&one_step, from("one")).to_string();
    assert!(
        error.contains("holds the state of step \"window\" (id \"hopping\"), which the job does not have"),
        "{error}"
    );
    assert!(error.contains("or leave it out with --allow-dropped hopping"), "{error}");

    let allowed = StartOptions { start: from("one"), allow_dropped: vec!["hopping".into()] };
    place.stop_with_savepoint(&one_step, 2, allowed, (600, "two"));
    // It is gone for good: nothing of it comes back with the step.
    let rows = place.run_to_end(&shape(), 2, from("two"));
    assert!(rows.iter().any(|(title, _)| title == "tumbling"));
    assert!(!rows.iter().any(|(title, rows)| title == "hopping" && rows.num_rows() > 0));
}

// ---- the golden savepoints ----

/// Savepoints of the first version, and the windows that are made from them. Whatever changes in keys, states, files or
/// manifests, they are restored for ever.
///
/// They were made by `cargo test --release --locked --workspace --test savepoints -- --ignored make_golden`, which
/// refuses to replace them: another version stands in a folder of its own.
const GOLDEN: &str = "tests/savepoints/1";

fn golden_steps() -> Vec<Step> {
    let every: Aggregates = vec![
        (F::Count, None),
        (F::Count, Some("price")),
        (F::CountDistinct, Some("bidder")),
        (F::Sum, Some("price")),
        (F::Avg, Some("price")),
        (F::Min, Some("price")),
        (F::Max, Some("price")),
        (F::First, Some("price")),
        (F::Last, Some("price")),
        (F::ApproxCountDistinct, Some("bidder")),
    ];
    let fixed = Step { title: "fixed", window: TUMBLING, keys: &["auction"], aggregates: every.clone() };
    let encoded = Step { title: "encoded", window: HOPPING, keys: &["channel", "auction"], aggregates: every };
    let floats = vec![(F::Stddev, Some("price")), (F::ApproxQuantile(0.5), Some("price"))];
    let floats = Step { title: "floats", window: TUMBLING, keys: &["channel"], aggregates: floats };
    vec![fixed, encoded, floats]
}

const BACKENDS: [(&str, StateBackend); 2] = [("rocksdb", StateBackend::RocksDb), ("fs", StateBackend::Filesystem)];

/// What windows are made from a savepoint's state alone, sorted: the source that it has positions of is left out, and
/// there is another that has nothing to read.
fn windows_of(folder: &Path, name: &str, backend: StateBackend, slots: usize) -> String {
    let feed = Feed::new(folder.join("nothing"));
    let mut plan = JobPlan::new();
    plan.at_least_once(Checkpoints { interval_ms: 20, ..checkpoints(folder, backend) });
    let source = plan.bids_of("nothing", feed.source(false), 1_000);
    add_steps(&mut plan, source, &golden_steps());
    let start = StartOptions { start: from(name), allow_dropped: vec!["files-0".into()] };
    sorted(&plan.run_while(slots, start, |_| {}).unwrap())
}

fn sorted(rows: &[(String, RecordBatch)]) -> String {
    let lines = Lines::of(rows);
    assert!(lines.0.values().all(|&times| times == 1));
    lines.0.into_keys().map(|line| line + "\n").collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn golden_savepoints_are_restored() {
    let expected = fs::read_to_string(Path::new(GOLDEN).join("windows.txt")).unwrap();
    assert!(expected.lines().count() > 50);
    for (name, _) in BACKENDS {
        for (_, backend) in BACKENDS {
            for slots in [1, 2, 3] {
                let folder = tempdir().unwrap();
                copy(&Path::new(GOLDEN).join("savepoints"), &folder.path().join("checkpoints/test/savepoints"));
                let windows = windows_of(folder.path(), name, backend, slots);
                assert_eq!(windows, expected, "{name} as {backend:?} in {slots} slots");
            }
        }
    }
}

#[test]
#[ignore = "it makes the golden savepoints"]
fn make_golden() {
    let golden = Path::new(GOLDEN);
    assert!(!golden.exists(), "{GOLDEN} is there: a savepoint that can be restored for ever is not made again");
    let place = Place::new();
    place.feed.send(300);
    for (name, backend) in BACKENDS {
        let shape = Shape { backend, steps: golden_steps() };
        let stopped = place.follow(&shape).run_while(2, Start::Fresh, |job| {
            read(job, 300);
            assert!(matches!(savepoint(job, name, true), SavepointState::Written { .. }));
        });
        stopped.unwrap();
    }
    copy(&place.folder.path().join("checkpoints/test/savepoints"), &golden.join("savepoints"));
    let windows = windows_of(place.folder.path(), "rocksdb", StateBackend::RocksDb, 1);
    // Quantiles depend on how rows came together; everything else is what a job without savepoints gives.
    let shape = Shape { backend: StateBackend::RocksDb, steps: golden_steps() };
    let whole = sorted(&place.run_to_end(&shape, 1, Start::Fresh));
    let exact = |windows: &str| windows.lines().filter(|line| !line.starts_with("floats")).map(str::to_owned).collect();
    let (of_savepoint, of_all): (Vec<String>, Vec<String>) = (exact(&windows), exact(&whole));
    assert_eq!(of_savepoint, of_all);
    fs::write(golden.join("windows.txt"), windows).unwrap();
}
