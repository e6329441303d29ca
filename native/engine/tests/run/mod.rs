//! Runs whole jobs in the process, from the generator to a table sink whose rows are kept.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millrace_engine::{
    CheckpointMetrics, Error, Host, Job, JobMetrics, Mapped, Result, Slot, Start, StartOptions, Step,
};
use millrace_plan::*;

pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub fn schema(fields: &[(&str, DataType, bool)]) -> SchemaRef {
    Arc::new(Schema::new(
        fields.iter().map(|(name, t, nullable)| Field::new(*name, t.clone(), *nullable)).collect::<Vec<_>>(),
    ))
}

pub fn column(name: &str) -> Expr {
    Expr::Column(name.into())
}

pub fn named(name: &str, expr: Expr) -> NamedExpr {
    NamedExpr { name: name.into(), expr }
}

pub fn bids_schema() -> SchemaRef {
    let fields = [
        ("auction", DataType::Int64, false),
        ("bidder", DataType::Int64, false),
        ("price", DataType::Int64, false),
        ("channel", DataType::Utf8, false),
        ("dateTime", timestamp(), false),
    ];
    schema(&fields)
}

/// So many bids of 500 auctions, as fast as they are taken; 0: without an end.
pub fn generated_bids(count: u64) -> GeneratorSource {
    GeneratorSource {
        kind: GeneratorKind::Bids,
        seed: 7,
        rate: 0,
        count,
        start_time_ms: 1_700_000_000_000,
        events_per_second: 5_000,
        out_of_orderness_ms: 500,
        keys: 500,
    }
}

/// Checkpoints in a folder, as often as can be.
pub fn checkpoints(folder: &Path, backend: StateBackend) -> Checkpoints {
    Checkpoints {
        storage: format!("file:{}", folder.join("checkpoints").display()),
        interval_ms: 10,
        min_pause_ms: 0,
        timeout_ms: 60_000,
        tolerable_failures: 0,
        retained: 2,
        backend,
        memory_budget_bytes: 0,
        directory: folder.join("state").display().to_string(),
    }
}

/// Each line that a job has made visible in the folder's `results`, and how often it is there.
pub fn lines(folder: &Path) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for entry in fs::read_dir(folder.join("results")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            for line in fs::read_to_string(path).unwrap().lines() {
                *lines.entry(line.to_owned()).or_default() += 1;
            }
        }
    }
    lines
}

/// A job under construction.
pub struct JobPlan(Plan);

impl JobPlan {
    pub fn new() -> Self {
        JobPlan(Plan {
            name: "test".into(),
            parallelism: 1,
            max_parallelism: 128,
            commit_interval_ms: 20,
            guarantee: Guarantee::AtLeastOnce,
            checkpoints: None,
            operators: Vec::new(),
        })
    }

    pub fn add(&mut self, name: &str, inputs: &[usize], schema: SchemaRef, kind: OperatorKind) -> usize {
        let id = format!("{name}-{}", self.0.operators.len());
        self.add_with_id(&id, name, inputs, schema, kind)
    }

    pub fn add_with_id(
        &mut self,
        id: &str,
        name: &str,
        inputs: &[usize],
        schema: SchemaRef,
        kind: OperatorKind,
    ) -> usize {
        let operators = &mut self.0.operators;
        operators.push(Operator { id: id.into(), name: name.into(), inputs: inputs.to_vec(), schema, kind });
        operators.len() - 1
    }

    pub fn bids(&mut self, generator: GeneratorSource, out_of_orderness_ms: i64) -> usize {
        self.bids_of("generator", SourceConnector::Generator(generator), out_of_orderness_ms)
    }

    pub fn bids_of(&mut self, name: &str, connector: SourceConnector, out_of_orderness_ms: i64) -> usize {
        let source = Source {
            connector,
            format: Format::Json,
            declared: bids_schema(),
            event_time: Some(EventTime {
                expr: Some(column("dateTime")),
                out_of_orderness_ms,
                idle_timeout_ms: None,
                idle_advance: false,
                max_drift_ms: None,
            }),
            on_bad_record: BadRecordPolicy::Fail,
        };
        self.add(name, &[], bids_schema(), OperatorKind::Source(source))
    }

    pub fn table(&mut self, input: usize, title: &str) {
        let schema = self.0.operators[input].schema.clone();
        let connector = SinkConnector::Table(TableSink { title: title.into() });
        let sink = Sink {
            connector,
            format: Format::Json,
            key: None,
            headers: Vec::new(),
            tombstone: None,
            on_bad_record: BadRecordPolicy::Fail,
        };
        self.add("table", &[input], schema, OperatorKind::Sink(sink));
    }

    pub fn change(&mut self, operator: usize, change: impl FnOnce(&mut Operator)) {
        change(&mut self.0.operators[operator]);
    }

    pub fn schema_of(&self, operator: usize) -> SchemaRef {
        self.0.operators[operator].schema.clone()
    }

    pub fn exactly_once(&mut self, checkpoints: Checkpoints) {
        self.0.guarantee = Guarantee::ExactlyOnce;
        self.0.checkpoints = Some(checkpoints);
    }

    pub fn at_least_once(&mut self, checkpoints: Checkpoints) {
        self.0.checkpoints = Some(checkpoints);
    }

    pub fn set_max_parallelism(&mut self, max_parallelism: usize) {
        self.0.max_parallelism = max_parallelism;
    }

    pub fn files(&mut self, input: usize, directory: &Path) {
        let schema = self.0.operators[input].schema.clone();
        let connector = SinkConnector::File(FileSink {
            directory: directory.display().to_string(),
            prefix: String::new(),
            compression: Compression::None,
            roll_bytes: 1 << 20,
            roll_interval_ms: 60_000,
            format: FileFormat::Lines,
            partition_by: Vec::new(),
            open_files: 64,
        });
        let sink = Sink {
            connector,
            format: Format::Json,
            key: None,
            headers: Vec::new(),
            tombstone: None,
            on_bad_record: BadRecordPolicy::Fail,
        };
        self.add("files", &[input], schema, OperatorKind::Sink(sink));
    }

    /// Runs the job, without tables, until it ends or is cut off.
    pub fn run_until(&self, parallelism: usize, start: Start, until: Until) -> Result<Outcome> {
        let job = Job::new(self.0.clone(), Some(parallelism), start)?;
        let cut = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let slot = |index| {
                scope.spawn({
                    let (job, cut) = (job.clone(), &cut);
                    move || run_slot(&job, index, until, cut)
                })
            };
            let slots: Vec<_> = (0..parallelism).map(slot).collect();
            slots.into_iter().try_for_each(|slot| slot.join().unwrap())
        })?;
        let checkpoints = job.metrics().checkpoints.unwrap_or_default();
        Ok(Outcome { ended: !cut.into_inner(), checkpoints })
    }

    /// Runs the job to its end while `control` does with it as it likes; gives the rows of its tables by their title.
    pub fn run_while(
        &self,
        parallelism: usize,
        start: impl Into<StartOptions>,
        control: impl FnOnce(&Job),
    ) -> Result<Vec<(String, RecordBatch)>> {
        let job = Job::new(self.0.clone(), Some(parallelism), start)?;
        let shown = Shown::default();
        std::thread::scope(|scope| {
            let slot = |index| {
                let (job, shown) = (job.clone(), shown.clone());
                scope.spawn(move || {
                    let mut slot = Slot::open(job, index, Box::new(shown))?;
                    while slot.step(Duration::from_millis(5))? == Step::Working {}
                    Ok(())
                })
            };
            let slots: Vec<_> = (0..parallelism).map(slot).collect();
            control(&job);
            // The first error is the one that the others follow from.
            slots.into_iter().map(|slot| slot.join().unwrap()).fold(Ok(()), Result::and)
        })?;
        Ok(std::mem::take(&mut *shown.0.lock().unwrap()))
    }

    /// Why the job cannot be built.
    pub fn refusal(&self) -> Error {
        let opened = Job::new(self.0.clone(), Some(1), Start::Latest)
            .and_then(|job| Slot::open(job, 0, Box::new(Shown::default())));
        opened.err().expect("the job can be built")
    }

    /// Runs to the end and gives the rows that the table `title` was shown.
    pub fn run(&self, parallelism: usize, title: &str) -> RecordBatch {
        self.run_with_metrics(parallelism, title).0
    }

    /// As [`JobPlan::run`], with the job's figures at its end.
    pub fn run_with_metrics(&self, parallelism: usize, title: &str) -> (RecordBatch, JobMetrics) {
        let job = Job::new(self.0.clone(), Some(parallelism), Start::Latest).unwrap();
        let shown = Shown::default();
        std::thread::scope(|scope| {
            for index in 0..parallelism {
                let (job, shown) = (job.clone(), shown.clone());
                scope.spawn(move || {
                    let mut slot = Slot::open(job, index, Box::new(shown)).unwrap();
                    while slot.step(Duration::from_millis(50)).unwrap() == Step::Working {}
                });
            }
        });
        let shown = shown.0.lock().unwrap();
        let batches: Vec<RecordBatch> =
            shown.iter().filter(|(t, _)| t == title).map(|(_, rows)| rows.clone()).collect();
        let schema = batches.first().map(RecordBatch::schema).expect("the table was shown rows");
        (concat_batches(&schema, &batches).unwrap(), job.metrics())
    }
}

/// When a job is cut off.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    End,
    /// So many steps of a slot after so many checkpoints.
    Checkpoints {
        at_least: u64,
        steps: u64,
    },
}

pub struct Outcome {
    /// It was not cut off.
    pub ended: bool,
    pub checkpoints: CheckpointMetrics,
}

fn run_slot(job: &Arc<Job>, index: usize, until: Until, cut: &AtomicBool) -> Result<()> {
    let mut slot = Slot::open(job.clone(), index, Box::new(Shown::default()))?;
    let mut steps_left = None;
    while slot.step(Duration::from_micros(100))? == Step::Working {
        let Until::Checkpoints { at_least, steps } = until else { continue };
        if job.metrics().checkpoints.is_some_and(|checkpoints| checkpoints.completed >= at_least) {
            let left = steps_left.get_or_insert(steps);
            if *left == 0 {
                cut.store(true, Ordering::Relaxed);
                job.cancel();
            }
            *left = left.saturating_sub(1);
        }
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<(String, RecordBatch)>>>);

impl Host for Shown {
    fn call(&mut self, _number: u32, _kind: FunctionKind, _input: &RecordBatch, _output: &SchemaRef) -> Result<Mapped> {
        unreachable!("these jobs have no user functions")
    }

    fn show(&mut self, title: &str, rows: &RecordBatch) -> Result<()> {
        self.0.lock().unwrap().push((title.into(), rows.clone()));
        Ok(())
    }
}
