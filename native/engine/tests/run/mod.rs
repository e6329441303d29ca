//! Runs whole jobs in the process, from the generator to a table sink whose rows are kept.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use millrace_engine::{Error, Host, Job, Mapped, Result, Slot, Step};
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
        let operators = &mut self.0.operators;
        let id = format!("{name}-{}", operators.len());
        operators.push(Operator { id, name: name.into(), inputs: inputs.to_vec(), schema, kind });
        operators.len() - 1
    }

    pub fn bids(&mut self, generator: GeneratorSource, out_of_orderness_ms: i64) -> usize {
        let source = Source {
            connector: SourceConnector::Generator(generator),
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
        self.add("generator", &[], bids_schema(), OperatorKind::Source(source))
    }

    pub fn table(&mut self, input: usize, title: &str) {
        let schema = self.0.operators[input].schema.clone();
        let connector = SinkConnector::Table(TableSink { title: title.into() });
        let sink = Sink { connector, format: Format::Json, key: None, headers: Vec::new() };
        self.add("table", &[input], schema, OperatorKind::Sink(sink));
    }

    pub fn schema_of(&self, operator: usize) -> SchemaRef {
        self.0.operators[operator].schema.clone()
    }

    /// Why the job cannot be built.
    pub fn refusal(&self) -> Error {
        let opened = Job::new(self.0.clone(), Some(1)).and_then(|job| Slot::open(job, 0, Box::new(Shown::default())));
        opened.err().expect("the job can be built")
    }

    /// Runs to the end and gives the rows that the table `title` was shown.
    pub fn run(&self, parallelism: usize, title: &str) -> RecordBatch {
        let job = Job::new(self.0.clone(), Some(parallelism)).unwrap();
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
        concat_batches(&schema, &batches).unwrap()
    }
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
