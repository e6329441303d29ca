//! Sources.

use super::expr::{expr, schema};
use super::format::{file_format, format};
use super::sink::on_bad_record;
use super::{Result, positive, properties, unknown};
use crate::PlanError;
use crate::generated as fb;
use crate::model::*;

pub fn source(source: fb::Source<'_>) -> Result<Source> {
    let connector = if let Some(kafka) = source.connector_as_kafka_source() {
        SourceConnector::Kafka(kafka_source(kafka)?)
    } else if let Some(file) = source.connector_as_file_source() {
        let paths = file.paths().iter().map(str::to_owned).collect();
        SourceConnector::File(FileSource { paths, follow: file.follow_(), format: file_format(source.format())? })
    } else if let Some(generator) = source.connector_as_generator_source() {
        SourceConnector::Generator(generator_source(generator)?)
    } else if let Some(driver) = source.connector_as_driver_source() {
        SourceConnector::Driver(DriverSource { driver: driver.driver().into() })
    } else {
        return Err(unknown("source connector", source.connector_type().0));
    };
    Ok(Source {
        connector,
        format: format(source.format())?,
        declared: schema(source.fields())?,
        event_time: source.event_time().map(event_time).transpose()?,
        on_bad_record: on_bad_record(source.on_bad_record(), source.dead_letter())?,
    })
}

fn kafka_source(kafka: fb::KafkaSource<'_>) -> Result<KafkaSource> {
    let topics: Vec<String> = kafka.topics().map_or_else(Vec::new, |topics| topics.iter().map(str::to_owned).collect());
    let topics = match (topics.is_empty(), kafka.pattern()) {
        (false, None) => KafkaTopics::Names(topics),
        (true, Some(pattern)) => KafkaTopics::Pattern(pattern.into()),
        _ => return Err(PlanError::new("a Kafka source names either topics or a pattern")),
    };
    let start = |start| match start {
        fb::KafkaStart::GroupOffsets => Ok(KafkaStart::GroupOffsets),
        fb::KafkaStart::Earliest => Ok(KafkaStart::Earliest),
        fb::KafkaStart::Latest => Ok(KafkaStart::Latest),
        fb::KafkaStart::Timestamp => Ok(KafkaStart::Timestamp(kafka.start_timestamp())),
        other => Err(unknown("start", other.0)),
    };
    let fallback = start(kafka.fallback())?;
    if !matches!(fallback, KafkaStart::Earliest | KafkaStart::Latest) {
        return Err(PlanError::new("a partition without a committed position starts at the earliest or the latest"));
    }
    Ok(KafkaSource {
        topics,
        start: start(kafka.start())?,
        fallback,
        until_latest: kafka.until_latest(),
        properties: properties(kafka.properties()),
    })
}

fn generator_source(generator: fb::GeneratorSource<'_>) -> Result<GeneratorSource> {
    let kind = match generator.kind() {
        fb::GeneratorKind::Bids => GeneratorKind::Bids,
        fb::GeneratorKind::Persons => GeneratorKind::Persons,
        fb::GeneratorKind::Auctions => GeneratorKind::Auctions,
        other => return Err(unknown("kind of generator", other.0)),
    };
    Ok(GeneratorSource {
        kind,
        seed: generator.seed(),
        rate: generator.rate(),
        count: generator.count(),
        start_time_ms: generator.start_time(),
        events_per_second: generator.events_per_second(),
        out_of_orderness_ms: generator.out_of_orderness(),
        keys: generator.keys(),
    })
}

fn event_time(time: fb::EventTime<'_>) -> Result<EventTime> {
    let idle_timeout = positive("idleTimeout", time.idle_timeout())?;
    let max_drift = positive("maxDrift", time.max_drift())?;
    Ok(EventTime {
        expr: time.expr().map(|time| expr(time, 0)).transpose()?,
        out_of_orderness_ms: positive("outOfOrderness", time.out_of_orderness())? as i64,
        idle_timeout_ms: (idle_timeout > 0).then_some(idle_timeout),
        idle_advance: time.idle_advance(),
        max_drift_ms: (max_drift > 0).then_some(max_drift as i64),
    })
}
