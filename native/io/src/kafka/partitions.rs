//! Which partitions there are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_plan::KafkaTopics;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::types::RDKafkaErrorCode;
use regex::Regex;

use super::client::{Consumer, OPEN_TIMEOUT, advice, open_error};
use super::source::WHO;
use crate::{Error, Result};

/// All partitions of the topics, in order of topic and partition.
pub fn find(consumer: &Arc<Consumer>, topics: &KafkaTopics, brokers: &str) -> Result<Vec<(String, i32)>> {
    let mut partitions = match topics {
        KafkaTopics::Names(names) => named(consumer, names, brokers)?,
        KafkaTopics::Pattern(pattern) => matching(consumer, pattern, brokers)?,
    };
    partitions.sort();
    partitions.dedup();
    Ok(partitions)
}

fn named(consumer: &Arc<Consumer>, names: &[String], brokers: &str) -> Result<Vec<(String, i32)>> {
    let mut partitions = Vec::new();
    for name in names {
        let metadata = fetch(consumer, Some(name), brokers)?;
        let missing =
            || Error(format!("{WHO}: topic \"{name}\" does not exist at {brokers}. Create it, or correct its name."));
        let topic = metadata.topics().iter().find(|topic| topic.name() == name).ok_or_else(missing)?;
        let code = topic.error().map(RDKafkaErrorCode::from);
        match code {
            None => {}
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => return Err(missing()),
            Some(code) => {
                return Err(Error(format!("{WHO}: topic \"{name}\" at {brokers}: {code}.{}", advice(Some(code)))));
            }
        }
        extend(&mut partitions, topic);
    }
    Ok(partitions)
}

fn matching(consumer: &Arc<Consumer>, pattern: &str, brokers: &str) -> Result<Vec<(String, i32)>> {
    let whole_name = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
        Error(format!("{WHO}: the topic pattern \"{pattern}\" is not a regular expression: {error}. Correct it."))
    })?;
    let metadata = fetch(consumer, None, brokers)?;
    let mut partitions = Vec::new();
    // Kafka's own topics (__consumer_offsets and the like) are nobody's input.
    let matches = |topic: &&MetadataTopic| !topic.name().starts_with("__") && whole_name.is_match(topic.name());
    for topic in metadata.topics().iter().filter(matches) {
        extend(&mut partitions, topic);
    }
    if partitions.is_empty() {
        return Err(Error(format!(
            "{WHO}: no topic at {brokers} has a name that matches \"{pattern}\" as a whole. Create one, or correct the \
             pattern."
        )));
    }
    Ok(partitions)
}

/// How long a client that failed is listened to for the cause.
const LAST_WORDS: Duration = Duration::from_millis(200);

fn fetch(consumer: &Arc<Consumer>, topic: Option<&str>, brokers: &str) -> Result<Metadata> {
    consumer.fetch_metadata(topic, OPEN_TIMEOUT).map_err(|error| failed(consumer, "finding topics", brokers, &error))
}

/// An error with what librdkafka has said about its connections.
pub fn failed(consumer: &Arc<Consumer>, doing: &str, brokers: &str, error: &KafkaError) -> Error {
    // Connection errors wait in the consumer's queue, among log lines, until it is polled.
    let deadline = Instant::now() + LAST_WORDS;
    while consumer.context().last().is_none() && Instant::now() < deadline {
        // What it returns are the errors that its context has been told as well.
        let _ = consumer.poll(LAST_WORDS / 10);
    }
    open_error(WHO, doing, brokers, error, consumer.context().last().as_deref())
}

fn extend(partitions: &mut Vec<(String, i32)>, topic: &MetadataTopic) {
    partitions.extend(topic.partitions().iter().map(|partition| (topic.name().to_owned(), partition.id())));
}
