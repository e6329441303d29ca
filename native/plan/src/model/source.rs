//! Where rows come from.

use arrow::datatypes::SchemaRef;

use super::{Expr, FileFormat, Format, Sink};

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
    pub(super) fn dead_letter(&self) -> Option<&Sink> {
        match self {
            BadRecordPolicy::DeadLetter(sink) => Some(sink),
            BadRecordPolicy::Fail | BadRecordPolicy::Skip => None,
        }
    }
}
