//! A verified plan, as owned values: what the rest of the core works with.

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};

/// A whole job. Operators stand in topological order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: String,
    /// Slots; 0 means one per core.
    pub parallelism: usize,
    /// Key groups.
    pub max_parallelism: usize,
    /// How often positions are committed; without checkpoints.
    pub commit_interval_ms: u64,
    pub guarantee: Guarantee,
    /// `None`: state is rebuilt from the sources after a failure.
    pub checkpoints: Option<Checkpoints>,
    pub operators: Vec<Operator>,
}

/// What a failure may do to results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Write some of them again, with the same values.
    AtLeastOnce,
    ExactlyOnce,
    /// Leave some of them out.
    AtMostOnce,
}

/// Where state is kept and checkpoints are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    /// "file:PATH", "s3://BUCKET/PATH" or "hdfs://HOST:PORT/PATH".
    pub storage: String,
    pub interval_ms: u64,
    /// From the end of one checkpoint to the begin of the next.
    pub min_pause_ms: u64,
    /// A checkpoint that takes longer has failed.
    pub timeout_ms: u64,
    /// Checkpoints in a row that may fail before the job does.
    pub tolerable_failures: u32,
    /// Checkpoints that are kept.
    pub retained: usize,
    pub backend: StateBackend,
    /// State over this leaves the memory; 0: never.
    pub memory_budget_bytes: u64,
    /// The local folder of the state.
    pub directory: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateBackend {
    /// On the local disk; checkpoints hold what is new.
    RocksDb,
    /// In memory; every checkpoint holds all of it.
    Filesystem,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Stable across changes of the job.
    pub id: String,
    /// What errors, metrics and `explain` call it.
    pub name: String,
    /// Indexes of operators before this one.
    pub inputs: Vec<usize>,
    /// The type of the rows that leave it.
    pub schema: SchemaRef,
    pub kind: OperatorKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OperatorKind {
    Source(Source),
    Filter(Expr),
    Project(Vec<NamedExpr>),
    Union,
    WindowAggregate(WindowAggregate),
    Function(Function),
    Sink(Sink),
    Deduplicate(Deduplicate),
    BroadcastJoin(BroadcastJoin),
    LookupJoin(LookupJoin),
}

impl OperatorKind {
    /// It keeps state: rows have to come, by an exchange, to where that is.
    pub fn keeps_state(&self) -> bool {
        use OperatorKind::{BroadcastJoin, Deduplicate, WindowAggregate};
        matches!(self, WindowAggregate(_) | Deduplicate(_) | BroadcastJoin(_))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub connector: SourceConnector,
    pub format: Format,
    /// Every declared column; the operator's own schema holds those that are read.
    pub declared: SchemaRef,
    pub event_time: Option<EventTime>,
    pub on_bad_record: BadRecordPolicy,
}

impl Source {
    /// The sink of records that cannot be decoded.
    pub fn dead_letter(&self) -> Option<&Sink> {
        self.on_bad_record.dead_letter()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum SourceConnector {
    Kafka(KafkaSource),
    File(FileSource),
    Generator(GeneratorSource),
    Driver(DriverSource),
}

#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSource {
    pub topics: KafkaTopics,
    pub start: KafkaStart,
    /// Where a partition without a committed position begins under `KafkaStart::GroupOffsets`; never that itself.
    pub fallback: KafkaStart,
    /// The source ends at the offsets that were the latest when it started.
    pub until_latest: bool,
    /// librdkafka's own properties.
    pub properties: Vec<(String, String)>,
}

impl KafkaSource {
    /// The consumer group that positions are committed under.
    pub fn group(&self) -> Option<&str> {
        property(&self.properties, "group.id").filter(|group| !group.is_empty())
    }
}

/// The value that a list of properties gives to `key`: the last one holds.
pub fn property<'a>(properties: &'a [(String, String)], key: &str) -> Option<&'a str> {
    properties.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
}

#[derive(Debug, Clone, PartialEq)]
pub enum KafkaTopics {
    Names(Vec<String>),
    /// A regular expression over whole topic names.
    Pattern(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaStart {
    GroupOffsets,
    Earliest,
    Latest,
    /// Milliseconds since the epoch.
    Timestamp(i64),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FileSource {
    /// Globs or plain paths.
    pub paths: Vec<String>,
    /// Goes on reading as files grow.
    pub follow: bool,
    pub format: FileFormat,
}

/// How rows stand in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FileFormat {
    /// A record a line.
    #[default]
    Lines,
    Parquet(Parquet),
    /// Avro's object container files.
    Avro(AvroFile),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parquet {
    pub codec: Codec,
    /// A row group ends after so many rows ...
    pub row_group_rows: usize,
    /// ... or about so many bytes.
    pub row_group_bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvroFile {
    /// What a sink writes; files that are read have their own.
    pub schema: Option<String>,
    /// Gives a source's columns aliases and defaults.
    pub reader_schema: Option<String>,
    pub codec: Codec,
}

/// How a file is compressed in its inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    None,
    Deflate,
    Gzip,
    Lz4,
    Snappy,
    Zstd,
}

impl Codec {
    /// As plans call it.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "",
            Codec::Deflate => "deflate",
            Codec::Gzip => "gzip",
            Codec::Lz4 => "lz4",
            Codec::Snappy => "snappy",
            Codec::Zstd => "zstd",
        }
    }
}

/// Read by a driver of the host's, which knows what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverSource {
    /// As messages call it.
    pub driver: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeneratorKind {
    Bids,
    Persons,
    Auctions,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GeneratorSource {
    pub kind: GeneratorKind,
    pub seed: u64,
    /// Events a second of wall time over all slots; 0 is flat out.
    pub rate: u64,
    /// 0 is endless.
    pub count: u64,
    pub start_time_ms: i64,
    /// Events a second of event time.
    pub events_per_second: u64,
    pub out_of_orderness_ms: i64,
    /// Distinct auctions (bids, auctions) or persons.
    pub keys: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Json,
    Avro(Avro),
    Csv(Csv),
    /// The one column of a row is the whole record.
    Raw,
    LineProtocol(Series),
    /// A time series of Prometheus's remote write with one sample.
    RemoteWrite(Series),
    /// Columns of an IPC stream.
    Arrow,
    /// There are only files of it: [`FileFormat`].
    Parquet,
    Protobuf(Protobuf),
    /// JSON under Confluent framing.
    JsonSchema(Framing),
    /// A source's: each record is a change of the row that the format within it has.
    Debezium(Box<Format>),
    /// A source's: a record without a value deletes the row of its key.
    Upsert(Box<Upsert>),
}

impl Format {
    /// As messages call it.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Avro(_) => "avro",
            Format::Csv(_) => "csv",
            Format::Raw => "raw",
            Format::LineProtocol(_) => "line protocol",
            Format::RemoteWrite(_) => "remote write",
            Format::Arrow => "arrow",
            Format::Parquet => "parquet",
            Format::Protobuf(_) => "protobuf",
            Format::JsonSchema(_) => "jsonSchema",
            Format::Debezium(_) => "debezium",
            Format::Upsert(_) => "upsert",
        }
    }

    /// A record is text without a line's end in it.
    pub fn is_line(&self) -> bool {
        match self {
            Format::Json | Format::Csv(_) => true,
            Format::Debezium(of) => of.is_line(),
            _ => false,
        }
    }

    /// Where records are looked up that name their schema.
    pub fn registry(&self) -> Option<&SchemaRegistry> {
        match self {
            Format::Avro(Avro { framing: Framing::Confluent { registry, .. }, .. })
            | Format::Protobuf(Protobuf { framing: Framing::Confluent { registry, .. }, .. })
            | Format::JsonSchema(Framing::Confluent { registry, .. }) => Some(registry),
            Format::Debezium(of) => of.registry(),
            Format::Upsert(upsert) => upsert.of.registry(),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    pub of: Format,
    /// The column that a deleted row has of its key.
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avro {
    /// What records are written with. A source has none where they name it.
    pub schema: Option<String>,
    /// Gives a source's columns aliases and defaults.
    pub reader_schema: Option<String>,
    pub framing: Framing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protobuf {
    /// What records are written with. A source needs none where they name it.
    pub schema: Option<ProtobufSchema>,
    /// By its full name; the first of the file without it.
    pub message: Option<String>,
    pub framing: Framing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProtobufSchema {
    /// A .proto file, and those that it imports, by their names.
    Text { text: String, imports: Vec<(String, String)> },
    /// A FileDescriptorSet.
    Descriptors(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// A message is a record.
    Plain,
    /// Before a record stands the number of its schema.
    Confluent {
        registry: SchemaRegistry,
        /// That of a sink's schema; `None` before it is registered.
        schema_id: Option<u32>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SchemaRegistry {
    pub url: String,
    /// As errors name it.
    pub subject: Option<String>,
    /// "username" and "password", or "token".
    pub properties: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csv {
    pub delimiter: u8,
    pub quote: u8,
    /// What stands for null when it is not quoted.
    pub null: String,
    /// The first line of a file is none of its records.
    pub header: bool,
}

/// Which columns are what in a format of time series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub name: SeriesName,
    pub labels: Vec<String>,
    /// None: all columns that are nothing else.
    pub values: Vec<String>,
    pub time: String,
    /// That of times as they are written.
    pub unit: TimeUnit,
    pub dialect: LineDialect,
}

/// What a measurement or metric goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesName {
    Text(String),
    Column(String),
}

/// How names and texts of line protocol are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineDialect {
    Influx,
    QuestDb,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EventTime {
    /// `None`: the record's own timestamp.
    pub expr: Option<Expr>,
    pub out_of_orderness_ms: i64,
    /// `None`: a silent partition holds the watermark for ever.
    pub idle_timeout_ms: Option<u64>,
    /// While all partitions are idle the watermark goes on with the clock.
    pub idle_advance: bool,
    /// A partition further ahead of the slowest than this is paused.
    pub max_drift_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum BadRecordPolicy {
    Fail,
    Skip,
    DeadLetter(Box<Sink>),
}

impl BadRecordPolicy {
    fn dead_letter(&self) -> Option<&Sink> {
        match self {
            BadRecordPolicy::DeadLetter(sink) => Some(sink),
            BadRecordPolicy::Fail | BadRecordPolicy::Skip => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct WindowAggregate {
    pub keys: Vec<NamedExpr>,
    pub window: Window,
    pub aggregates: Vec<Aggregate>,
    /// Over the keys, [`Window::START`], [`Window::END`] and [`aggregate_column`]s.
    pub output: Vec<NamedExpr>,
}

/// Windows start at multiples of `slide_ms` plus `offset_ms` since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub size_ms: i64,
    /// Equals `size_ms` for a tumbling window.
    pub slide_ms: i64,
    pub offset_ms: i64,
}

impl Window {
    /// The column of a window's start in the scope of an aggregate's output.
    pub const START: &'static str = "$start";
    /// The column of a window's (exclusive) end.
    pub const END: &'static str = "$end";
}

/// The column of the aggregate at `index` in the scope of an aggregate's output.
pub fn aggregate_column(index: usize) -> String {
    format!("${index}")
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub function: AggregateFunction,
    /// `None` only for `Count` over all rows.
    pub expr: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateFunction {
    Count,
    CountDistinct,
    ApproxCountDistinct,
    Sum,
    Avg,
    Min,
    Max,
    /// By event time, then arrival.
    First,
    Last,
    Stddev,
    /// 0 to 1.
    ApproxQuantile(f64),
}

/// The first row of each key goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Deduplicate {
    pub keys: Vec<NamedExpr>,
    /// `None`: keys are never forgotten.
    pub ttl: Option<Ttl>,
}

/// Rows of the first input with the row that the second has had last for their key.
#[derive(Debug, Clone, PartialEq)]
pub struct BroadcastJoin {
    /// Over the first input.
    pub on: Vec<NamedExpr>,
    /// Over the second input, of the same types.
    pub keys: Vec<NamedExpr>,
    /// Over the columns of the first input and the [`broadcast_column`]s of the second.
    pub output: Vec<NamedExpr>,
    /// Rows without a match stay, with nulls.
    pub keep_unmatched: bool,
}

/// Rows with what a driver of the host's finds for their keys.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupJoin {
    /// As messages call it.
    pub driver: String,
    /// The key, by the names that the driver has for its parts.
    pub on: Vec<NamedExpr>,
    /// What is found.
    pub columns: SchemaRef,
    /// Over the input's columns and the [`broadcast_column`]s of what is found.
    pub output: Vec<NamedExpr>,
    /// Rows without a match stay, with nulls.
    pub keep_unmatched: bool,
    /// Keys that are asked for at once.
    pub batch_keys: usize,
    /// What is kept of what was found, over all slots; 0: nothing.
    pub cache_rows: usize,
    /// For so long; `None`: until there is no room.
    pub cache_ttl_ms: Option<u64>,
}

/// The column of the second input's `name` in the scope of a join's output.
pub fn broadcast_column(name: &str) -> String {
    format!("${name}")
}

/// When state that is not used is forgotten, by the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    pub duration_ms: i64,
    pub update: TtlUpdate,
}

/// What counts as use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TtlUpdate {
    OnWrite,
    OnReadWrite,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub kind: FunctionKind,
    /// The number of the user function, in the order in which the job file makes them.
    pub number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Map,
    FlatMap,
    MapBatch,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    pub connector: SinkConnector,
    pub format: Format,
    /// The record's key: String or Bytes.
    pub key: Option<Expr>,
    /// String or Bytes.
    pub headers: Vec<NamedExpr>,
    /// Bool: where it holds, the record has no value.
    pub tombstone: Option<Expr>,
    /// Of rows that the other side refuses, where the connector is told.
    pub on_bad_record: BadRecordPolicy,
}

impl Sink {
    /// The sink of rows that the other side refuses.
    pub fn dead_letter(&self) -> Option<&Sink> {
        self.on_bad_record.dead_letter()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum SinkConnector {
    Kafka(KafkaSink),
    File(FileSink),
    Stdout,
    Table(TableSink),
    Http(HttpSink),
    Driver(DriverSink),
}

#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSink {
    pub topic: String,
    pub properties: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FileSink {
    pub directory: String,
    pub prefix: String,
    /// Of lines.
    pub compression: Compression,
    pub roll_bytes: u64,
    pub roll_interval_ms: u64,
    pub format: FileFormat,
    /// Rows go to the folder of their values: "NAME=VALUE/NAME=VALUE".
    pub partition_by: Vec<NamedExpr>,
    /// Files that are written at a time.
    pub open_files: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TableSink {
    pub title: String,
}

/// What the core has to know to make requests; the host knows where to send them.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSink {
    pub shards: Vec<HttpShard>,
    pub body: HttpBody,
    pub compression: HttpCompression,
    /// A request is complete with so many rows, so many bytes before compression, or at this age.
    pub batch_rows: usize,
    pub batch_bytes: usize,
    pub linger_ms: u64,
    /// Bytes of each shard in each slot that are not answered.
    pub buffer_bytes: usize,
    /// The host tells the shards, and when they change.
    pub live: bool,
}

/// Written by a driver of the host's, which knows where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverSink {
    /// As messages call it.
    pub driver: String,
    /// A batch is complete with so many rows, or at this age.
    pub batch_rows: usize,
    pub linger_ms: u64,
    /// Batches of each slot that are written at once; with one, rows are written in their order.
    pub concurrency: usize,
    /// Rows of each slot that are not written.
    pub buffer_rows: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HttpShard {
    /// What rows are spread by.
    pub name: String,
    pub weight: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpCompression {
    None,
    Gzip,
    Zstd,
    /// A block of Snappy's, not its frames.
    Snappy,
}

/// How rows stand in the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpBody {
    /// A line each.
    Lines,
    /// A JSON array.
    Array,
    /// A line each, and one before it that names its key and version.
    Bulk,
    /// With nothing between them.
    Joined,
    /// As the columns of an IPC stream.
    Arrow,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NamedExpr {
    pub name: String,
    pub expr: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Column(String),
    Literal(Literal),
    Call {
        function: crate::ExprFunction,
        args: Vec<Expr>,
    },
    Cast {
        expr: Box<Expr>,
        to: DataType,
        /// Null where the cast fails, instead of an error.
        try_: bool,
    },
    Case {
        /// Condition and result.
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    pub data_type: DataType,
    /// `None` is a null of that type.
    pub value: Option<Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    /// Int32, Int64, Timestamp (in its unit), Date (days).
    Int(i64),
    Float(f64),
    /// String, Decimal (its digits).
    String(String),
    Bytes(Vec<u8>),
}
