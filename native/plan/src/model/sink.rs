//! Where rows go to.

use super::{BadRecordPolicy, Expr, FileFormat, Format, NamedExpr, Parquet};

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
    /// As a file.
    Parquet(Parquet),
}
