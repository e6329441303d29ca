//! A job and its input, from a seed.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millrace_plan::*;

use super::broker::{Input, InputRecord};
use super::database::{FINDS_ALL, FINDS_SOME};
use super::model::{self, Event, Expected};
use super::random::Random;

pub const GROUP: &str = "group";
pub const OUT_OF_ORDERNESS_MS: [u64; 3] = [0, 300, 1000];

pub struct Scenario {
    pub plan: Plan,
    /// By topic.
    pub inputs: Vec<(String, Vec<Input>)>,
    pub expected: Vec<Expected>,
}

/// What is drawn of a job.
struct Shape {
    guarantee: Guarantee,
    has_checkpoints: bool,
    out_of_orderness_ms: i64,
    windows: Window,
    /// Windows over the results of these windows.
    second: Option<Window>,
    uses_timestamps: bool,
    max_drift_ms: Option<i64>,
    to: Destinations,
}

/// Where windows and rows are written to.
#[derive(Clone, Copy)]
struct Destinations {
    windows_to_kafka: bool,
    windows_to_files: bool,
    rows_to_kafka: bool,
    rows_to_files: bool,
    /// The keys that there are, each once.
    keys_to_kafka: bool,
    /// Rows beside what was broadcast for their key, which is their key again.
    joined_to_kafka: bool,
}

impl Destinations {
    fn draw(random: &mut Random) -> Destinations {
        let mut bits = random.between(1, 15);
        // Transactions are what there is most to find out about.
        if random.chance(700) {
            bits |= random.pick(&[1, 4]);
        }
        let [windows_to_kafka, windows_to_files, rows_to_kafka, rows_to_files] = [1, 2, 4, 8].map(|bit| bits & bit > 0);
        let (keys_to_kafka, joined_to_kafka) = (random.chance(300), random.chance(200));
        Destinations {
            windows_to_kafka,
            windows_to_files,
            rows_to_kafka,
            rows_to_files,
            keys_to_kafka,
            joined_to_kafka,
        }
    }

    fn have_files(self) -> bool {
        self.windows_to_files || self.rows_to_files
    }

    fn have_windows(self) -> bool {
        self.windows_to_kafka || self.windows_to_files
    }

    fn have_state(self) -> bool {
        self.have_windows() || self.keys_to_kafka || self.joined_to_kafka
    }
}

fn window(random: &mut Random) -> Window {
    let size_ms = random.pick(&[500, 1000, 3000]);
    let slide_ms = random.pick(&[size_ms, size_ms, size_ms / 2, size_ms / 5 * 2]);
    Window { size_ms, slide_ms, offset_ms: 0 }
}

impl Shape {
    fn draw(random: &mut Random) -> Shape {
        let to = Destinations::draw(random);
        let guarantee = match random.below(100) {
            0..85 => Guarantee::ExactlyOnce,
            _ if to.have_files() => Guarantee::ExactlyOnce,
            85..93 => Guarantee::AtLeastOnce,
            _ => Guarantee::AtMostOnce,
        };
        let may_lack = match guarantee {
            Guarantee::AtMostOnce => false,
            Guarantee::AtLeastOnce => true,
            Guarantee::ExactlyOnce => !to.have_files() && !to.have_state(),
        };
        Shape {
            guarantee,
            has_checkpoints: !may_lack || random.chance(500),
            out_of_orderness_ms: random.pick(&OUT_OF_ORDERNESS_MS) as i64,
            windows: window(random),
            second: random.chance(200).then(|| window(random)),
            uses_timestamps: random.chance(300),
            max_drift_ms: random.chance(300).then_some(2000),
            to,
        }
    }
}

pub fn draw(random: &mut Random, folder: &Path, backend: StateBackend) -> Scenario {
    let shape = Shape::draw(random);
    let mut inputs = Vec::new();
    for topic in ["a", "b"].into_iter().take(random.between(1, 2) as usize) {
        let partitions = random.between(1, 4);
        inputs.push((topic.to_owned(), (0..partitions).map(|p| partition(random, topic, p)).collect::<Vec<_>>()));
    }
    let events: Vec<Vec<Event>> =
        inputs.iter().flat_map(|(_, partitions)| partitions).map(|(_, e)| e.clone()).collect();
    let inputs = inputs.into_iter().map(|(topic, p)| (topic, p.into_iter().map(|(input, _)| input).collect()));
    let inputs: Vec<(String, Vec<Input>)> = inputs.collect();
    let mut job = Builder { operators: Vec::new(), folder };
    let sources: Vec<usize> = inputs.iter().map(|(topic, _)| job.source(topic, &shape)).collect();
    let source = match sources.as_slice() {
        [only] => *only,
        several => job.add("union", several, input_schema(), OperatorKind::Union),
    };
    let source = if random.chance(300) { job.look_up(source, random) } else { source };
    let mut expected = Vec::new();
    let to = shape.to;
    let mut outputs = |job: &mut Builder<'_>, from, name: &str, to_kafka, to_files, rows: Vec<String>| {
        if to_kafka {
            job.kafka(from, name);
            expected.push(Expected::topic(name, &rows));
        }
        if to_files {
            let directory = job.files(from, name);
            expected.push(Expected::files(&directory, &rows));
        }
    };
    if to.keys_to_kafka {
        let firsts = job.deduplicate(source);
        let keys =
            job.add("select", &[firsts], schema(&["key"]), OperatorKind::Project(vec![named("key", column("key"))]));
        outputs(&mut job, keys, "keys", true, false, model::keys(&events));
    }
    if to.joined_to_kafka {
        let joined = job.join_with_itself(source);
        outputs(&mut job, joined, "joined", true, false, model::joined(&events));
    }
    if to.rows_to_kafka || to.rows_to_files {
        let rows = job.add("filter", &[source], input_schema(), OperatorKind::Filter(model::predicate()));
        outputs(&mut job, rows, "rows", to.rows_to_kafka, to.rows_to_files, model::rows(&events));
    }
    if to.have_windows() {
        let first = job.window(source, shape.windows, "price");
        let results = model::windows(&events, shape.windows, shape.out_of_orderness_ms);
        let (last, results) = match shape.second {
            None => (first, results),
            Some(second) => (job.window(first, second, "sum"), model::windows_of_results(&results, second)),
        };
        let last = if random.chance(200) { job.look_up(last, random) } else { last };
        outputs(&mut job, last, "windows", to.windows_to_kafka, to.windows_to_files, model::lines(&results));
    }
    let plan = Plan {
        name: "simulated".into(),
        parallelism: 1,
        max_parallelism: random.pick(&[4, 16]) as usize,
        commit_interval_ms: random.between(5, 100),
        guarantee: shape.guarantee,
        checkpoints: shape.has_checkpoints.then(|| checkpoints(random, folder, backend)),
        operators: job.operators,
    };
    Scenario { plan, inputs, expected }
}

fn checkpoints(random: &mut Random, folder: &Path, backend: StateBackend) -> Checkpoints {
    Checkpoints {
        storage: "simulated".into(),
        interval_ms: random.between(5, 100),
        min_pause_ms: random.pick(&[0, 20]),
        // Barriers that are too slow are no matter of correctness.
        timeout_ms: u64::MAX,
        tolerable_failures: random.below(3) as u32,
        retained: random.between(1, 3) as usize,
        backend,
        memory_budget_bytes: random.pick(&[0, 1, 20_000]),
        directory: folder.join("state").display().to_string(),
    }
}

/// One partition and the events in it. Offsets have gaps, as after transactions.
fn partition(random: &mut Random, topic: &str, partition: u64) -> (Input, Vec<Event>) {
    let (mut input, mut events) = (Input::default(), Vec::new());
    let count = random.pick(&[0, 30, 100, 300]);
    let (mut offset, mut time) = (0, 10_000 + random.below(2000) as i64);
    for number in 0..random.between(count / 2, count) {
        offset += random.pick(&[1, 1, 1, 3]);
        time += random.below(300) as i64;
        let id = number as i64 + 1000 * partition as i64 + if topic == "a" { 0 } else { 100_000 };
        let at = time - random.pick(&[0, 0, 100, 800, 1500]);
        let event = Event { id, key: random.below(6) as i64, price: random.below(100) as i64, at };
        input.records.push(InputRecord { offset, timestamp: at, value: event.line().into_bytes() });
        events.push(event);
    }
    (input, events)
}

fn schema(names: &[&str]) -> SchemaRef {
    Arc::new(Schema::new(
        names.iter().map(|name| Field::new(*name, DataType::Int64, *name != "at")).collect::<Vec<_>>(),
    ))
}

fn input_schema() -> SchemaRef {
    schema(&["id", "key", "price", "at"])
}

pub fn column(name: &str) -> Expr {
    Expr::Column(name.into())
}

fn named(name: &str, expr: Expr) -> NamedExpr {
    NamedExpr { name: name.into(), expr }
}

fn properties() -> Vec<(String, String)> {
    vec![("bootstrap.servers".into(), "simulated".into())]
}

struct Builder<'a> {
    operators: Vec<Operator>,
    folder: &'a Path,
}

impl Builder<'_> {
    fn add(&mut self, name: &str, inputs: &[usize], schema: SchemaRef, kind: OperatorKind) -> usize {
        let id = format!("{name}-{}", self.operators.len());
        self.operators.push(Operator { id, name: name.into(), inputs: inputs.to_vec(), schema, kind });
        self.operators.len() - 1
    }

    fn source(&mut self, topic: &str, shape: &Shape) -> usize {
        let connector = SourceConnector::Kafka(KafkaSource {
            topics: KafkaTopics::Names(vec![topic.into()]),
            start: KafkaStart::GroupOffsets,
            fallback: KafkaStart::Earliest,
            until_latest: true,
            properties: [properties(), vec![("group.id".into(), GROUP.into())]].concat(),
        });
        let event_time = EventTime {
            expr: (!shape.uses_timestamps).then(|| column("at")),
            out_of_orderness_ms: shape.out_of_orderness_ms,
            idle_timeout_ms: None,
            idle_advance: false,
            max_drift_ms: shape.max_drift_ms,
        };
        let source = Source {
            connector,
            format: Format::Json,
            declared: input_schema(),
            event_time: Some(event_time),
            on_bad_record: BadRecordPolicy::Fail,
        };
        self.add(topic, &[], input_schema(), OperatorKind::Source(source))
    }

    fn deduplicate(&mut self, input: usize) -> usize {
        let kind = OperatorKind::Deduplicate(Deduplicate { keys: vec![named("key", column("key"))], ttl: None });
        self.add("deduplicate", &[input], input_schema(), kind)
    }

    /// Each row with the key that the table has for it, or else, as the table may not have it yet, with its own.
    fn join_with_itself(&mut self, input: usize) -> usize {
        let known = Expr::Call {
            function: ExprFunction::Coalesce,
            args: vec![column(&broadcast_column("key")), column("key")],
        };
        let join = BroadcastJoin {
            on: vec![named("key", column("key"))],
            keys: vec![named("key", column("key"))],
            output: vec![named("id", column("id")), named("key", known)],
            keep_unmatched: true,
        };
        self.add("join", &[input, input], schema(&["id", "key"]), OperatorKind::BroadcastJoin(join))
    }

    /// The same rows, with the key that a database has for it, or else, where it has none, with their own.
    fn look_up(&mut self, input: usize, random: &mut Random) -> usize {
        let schema = self.operators[input].schema.clone();
        let keep_unmatched = random.chance(500);
        let known = Expr::Call {
            function: ExprFunction::Coalesce,
            args: vec![column(&broadcast_column("same")), column("key")],
        };
        let output = schema.fields().iter().map(|field| match field.name().as_str() {
            "key" => named("key", known.clone()),
            name => named(name, column(name)),
        });
        let join = LookupJoin {
            driver: "simulated".into(),
            on: vec![named("key", column("key"))],
            columns: self::schema(&["same"]),
            output: output.collect(),
            keep_unmatched,
            batch_keys: random.between(1, 4) as usize,
            cache_rows: random.pick(&[0, 4, 100]),
            cache_ttl_ms: random.pick(&[None, Some(50)]),
        };
        let name = if keep_unmatched { FINDS_SOME } else { FINDS_ALL };
        self.add(name, &[input], schema, OperatorKind::LookupJoin(join))
    }

    /// Counts, sums and takes the greatest of a column.
    fn window(&mut self, input: usize, window: Window, of: &str) -> usize {
        let aggregate = |function, expr| Aggregate { function, expr };
        let end = Expr::Call { function: ExprFunction::EpochMilliseconds, args: vec![column(Window::END)] };
        let kind = OperatorKind::WindowAggregate(WindowAggregate {
            keys: vec![named("key", column("key"))],
            window,
            aggregates: vec![
                aggregate(AggregateFunction::Count, None),
                aggregate(AggregateFunction::Sum, Some(column(of))),
                aggregate(AggregateFunction::Max, Some(column(of))),
            ],
            output: vec![
                named("key", column("key")),
                named("end", end),
                named("count", column(&aggregate_column(0))),
                named("sum", column(&aggregate_column(1))),
                named("max", column(&aggregate_column(2))),
            ],
        });
        self.add("window", &[input], schema(&["key", "end", "count", "sum", "max"]), kind)
    }

    fn kafka(&mut self, input: usize, topic: &str) {
        self.sink(input, SinkConnector::Kafka(KafkaSink { topic: topic.into(), properties: properties() }));
    }

    fn files(&mut self, input: usize, name: &str) -> std::path::PathBuf {
        let directory = self.folder.join(name);
        self.sink(
            input,
            SinkConnector::File(FileSink {
                directory: directory.display().to_string(),
                prefix: String::new(),
                compression: Compression::None,
                roll_bytes: 1000,
                roll_interval_ms: 200,
                format: FileFormat::Lines,
                partition_by: Vec::new(),
                open_files: 64,
            }),
        );
        directory
    }

    fn sink(&mut self, input: usize, connector: SinkConnector) {
        let schema = self.operators[input].schema.clone();
        let sink = Sink {
            connector,
            format: Format::Json,
            key: None,
            headers: Vec::new(),
            tombstone: None,
            on_bad_record: BadRecordPolicy::Fail,
        };
        self.add("sink", &[input], schema, OperatorKind::Sink(sink));
    }
}
