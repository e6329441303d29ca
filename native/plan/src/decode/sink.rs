//! Sinks.

use super::expr::{expr, named};
use super::format::{file_format, format, parquet};
use super::{Result, positive, properties, unknown};
use crate::PlanError;
use crate::generated as fb;
use crate::model::*;

pub fn on_bad_record(policy: fb::BadRecord, dead_letter: Option<fb::Sink<'_>>) -> Result<BadRecordPolicy> {
    Ok(match policy {
        fb::BadRecord::Fail => BadRecordPolicy::Fail,
        fb::BadRecord::Skip => BadRecordPolicy::Skip,
        fb::BadRecord::DeadLetter => {
            let sink = dead_letter.ok_or_else(|| PlanError::new("onBadRecord names no dead-letter sink"))?;
            if sink.on_bad_record() == fb::BadRecord::DeadLetter {
                return Err(PlanError::new("a dead-letter sink has no dead-letter sink of its own"));
            }
            BadRecordPolicy::DeadLetter(Box::new(self::sink(sink)?))
        }
        other => return Err(unknown("onBadRecord policy", other.0)),
    })
}

pub fn sink(sink: fb::Sink<'_>) -> Result<Sink> {
    let connector = if let Some(kafka) = sink.connector_as_kafka_sink() {
        SinkConnector::Kafka(KafkaSink { topic: kafka.topic().into(), properties: properties(kafka.properties()) })
    } else if let Some(file) = sink.connector_as_file_sink() {
        SinkConnector::File(FileSink {
            directory: file.directory().into(),
            prefix: file.prefix().unwrap_or_default().into(),
            compression: compression(file.compression(), "gz", "zst")?,
            roll_bytes: positive("rollBytes", file.roll_bytes())?,
            roll_interval_ms: positive("rollInterval", file.roll_interval())?,
            format: file_format(sink.format())?,
            partition_by: named(file.partition_by())?,
            open_files: file.open_files() as usize,
        })
    } else if sink.connector_as_stdout_sink().is_some() {
        SinkConnector::Stdout
    } else if let Some(table) = sink.connector_as_table_sink() {
        SinkConnector::Table(TableSink { title: table.title().unwrap_or_default().into() })
    } else if let Some(http) = sink.connector_as_http_sink() {
        SinkConnector::Http(http_sink(http, sink.format())?)
    } else if let Some(driver) = sink.connector_as_driver_sink() {
        SinkConnector::Driver(DriverSink {
            driver: driver.driver().into(),
            batch_rows: driver.batch_rows() as usize,
            linger_ms: positive("batch.linger", driver.linger())?,
            concurrency: driver.concurrency() as usize,
            buffer_rows: driver.buffer_rows() as usize,
        })
    } else {
        return Err(unknown("sink connector", sink.connector_type().0));
    };
    Ok(Sink {
        connector,
        format: format(sink.format())?,
        key: sink.key().map(|key| expr(key, 0)).transpose()?,
        headers: named(sink.headers())?,
        tombstone: sink.tombstone().map(|tombstone| expr(tombstone, 0)).transpose()?,
        on_bad_record: on_bad_record(sink.on_bad_record(), sink.dead_letter())?,
    })
}

fn http_sink(http: fb::HttpSink<'_>, format: fb::Format<'_>) -> Result<HttpSink> {
    let shards = http.shards().iter().map(|shard| HttpShard { name: shard.name().into(), weight: shard.weight() });
    Ok(HttpSink {
        shards: shards.collect(),
        body: match http.body() {
            fb::HttpBody::Lines => HttpBody::Lines,
            fb::HttpBody::Array => HttpBody::Array,
            fb::HttpBody::Bulk => HttpBody::Bulk,
            fb::HttpBody::Joined => HttpBody::Joined,
            fb::HttpBody::Arrow => HttpBody::Arrow,
            fb::HttpBody::Parquet => HttpBody::Parquet(parquet(format)?),
            other => return Err(unknown("body of requests", other.0)),
        },
        compression: match http.compression() {
            Some("snappy") => HttpCompression::Snappy,
            other => match compression(other, "gzip", "zstd")? {
                Compression::None => HttpCompression::None,
                Compression::Gzip => HttpCompression::Gzip,
                Compression::Zstd => HttpCompression::Zstd,
            },
        },
        batch_rows: http.batch_rows() as usize,
        batch_bytes: positive("batch.bytes", http.batch_bytes())? as usize,
        linger_ms: positive("batch.linger", http.linger())?,
        buffer_bytes: positive("buffer", http.buffer_bytes())? as usize,
        live: http.live(),
    })
}

fn compression(name: Option<&str>, gzip: &str, zstd: &str) -> Result<Compression> {
    match name.unwrap_or_default() {
        "" => Ok(Compression::None),
        name if name == gzip => Ok(Compression::Gzip),
        name if name == zstd => Ok(Compression::Zstd),
        other => Err(PlanError::new(format!("compression \"{other}\": there are \"{gzip}\" and \"{zstd}\""))),
    }
}
