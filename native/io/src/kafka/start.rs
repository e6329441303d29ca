//! Where reading begins, and where a bounded read ends, as offsets.

use std::ffi::CString;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use millrace_plan::KafkaStart;
use rdkafka::bindings as rd;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Consumer, OPEN_TIMEOUT};
use super::partitions::failed;
use super::source::WHO;
use crate::{Error, Restored, Result};

/// How long to wait before a coordinator is asked again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Where one partition begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    pub offset: i64,
    /// What was committed with that offset.
    pub metadata: Option<String>,
    /// The offset after the last record there is now.
    pub latest: i64,
}

/// Finds a concrete offset for every partition, in their order.
pub fn find(
    consumer: &Arc<Consumer>,
    partitions: &[(String, i32)],
    start: KafkaStart,
    fallback: KafkaStart,
    brokers: &str,
) -> Result<Vec<Start>> {
    // librdkafka refuses to look up nothing.
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let list = |at: Offset| list_offsets(consumer, partitions, at, brokers);
    let (earliest, latest) = (list(Offset::Beginning)?, list(Offset::End)?);
    let plain = |offsets: &[i64]| -> Vec<Start> {
        let starts = offsets.iter().zip(&latest);
        starts.map(|(&offset, &latest)| Start { offset, metadata: None, latest }).collect()
    };
    Ok(match start {
        KafkaStart::Earliest => plain(&earliest),
        KafkaStart::Latest => plain(&latest),
        KafkaStart::Timestamp(at) if at < 0 => plain(&earliest),
        // No record that late: what comes next is the first.
        KafkaStart::Timestamp(at) => {
            let found = list(Offset::Offset(at))?;
            let found = found.iter().zip(&latest).map(|(&found, &latest)| if found < 0 { latest } else { found });
            plain(&found.collect::<Vec<_>>())
        }
        KafkaStart::GroupOffsets => {
            let otherwise = if fallback == KafkaStart::Latest { &latest } else { &earliest };
            let committed = committed(consumer, partitions, brokers)?;
            let each = committed.into_iter().zip(otherwise).zip(earliest.iter().zip(&latest));
            each.map(|((committed, &otherwise), (&earliest, &latest))| match committed {
                Some(Committed { offset, metadata }) if (earliest..=latest).contains(&offset) => {
                    Start { offset, metadata, latest }
                }
                // The topic's retention was faster than the job; what had been emitted still holds.
                Some(Committed { offset, metadata }) if offset < earliest => {
                    Start { offset: otherwise, metadata, latest }
                }
                // Nothing was committed, or the topic was made anew.
                _ => Start { offset: otherwise, metadata: None, latest },
            })
            .collect()
        }
    })
}

/// Where a checkpoint goes on. Partitions that it does not know have come since: they start at their beginning.
pub fn restored(
    consumer: &Arc<Consumer>,
    partitions: &[(String, i32)],
    restored: &[Restored],
    brokers: &str,
) -> Result<Vec<Start>> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let list = |at: Offset| list_offsets(consumer, partitions, at, brokers);
    let (earliest, latest) = (list(Offset::Beginning)?, list(Offset::End)?);
    let each = partitions.iter().zip(earliest.into_iter().zip(latest));
    each.map(|((topic, partition), (earliest, latest))| {
        let found = restored.iter().find(|at| at.resource == *topic && at.partition == *partition);
        let offset = found.map_or(earliest, |at| at.offset);
        let lost = if offset < earliest {
            format!("begins at {earliest}: its retention has removed records that the job has not read. Raise it, and")
        } else if offset > latest {
            format!("ends at {latest}: it has been made anew, or has lost records. Find out which, and")
        } else {
            return Ok(Start { offset, metadata: None, latest });
        };
        Err(Error(format!(
            "{WHO}: {topic}, partition {partition}: the checkpoint goes on at offset {offset}, the topic {lost} start the job \
             without the checkpoint."
        )))
    })
    .collect()
}

/// The offset that each partition has at a time in ms, or at its beginning or end; -1 where nothing is that late.
fn list_offsets(consumer: &Arc<Consumer>, partitions: &[(String, i32)], at: Offset, brokers: &str) -> Result<Vec<i64>> {
    let failed = |error| failed(consumer, "looking up offsets", brokers, &error);
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition_offset(topic, *partition, at).map_err(failed)?;
    }
    let found = consumer.offsets_for_times(list, OPEN_TIMEOUT).map_err(failed)?;
    let offset = |(topic, partition): &(String, i32)| -> Result<i64> {
        let Some(element) = found.find_partition(topic, *partition) else { return Ok(-1) };
        element.error().map_err(|error| {
            let failed = failed(error);
            Error(format!("{failed} (topic \"{topic}\", partition {partition})"))
        })?;
        Ok(match element.offset() {
            Offset::Offset(offset) => offset,
            _ => -1,
        })
    };
    partitions.iter().map(offset).collect()
}

struct Committed {
    offset: i64,
    metadata: Option<String>,
}

/// What the group has committed as metadata for each partition.
pub fn committed_metadata(
    consumer: &Arc<Consumer>,
    partitions: &[(String, i32)],
    brokers: &str,
) -> Result<Vec<Option<String>>> {
    let committed = committed(consumer, partitions, brokers)?;
    Ok(committed.into_iter().map(|committed| committed?.metadata).collect())
}

/// What the group has committed for each partition.
fn committed(consumer: &Arc<Consumer>, partitions: &[(String, i32)], brokers: &str) -> Result<Vec<Option<Committed>>> {
    let failed = |error| failed(consumer, "reading the group's committed offsets", brokers, &error);
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    let found = committed_offsets(consumer, &list).map_err(|error| match error.rdkafka_error_code() {
        // The brokers have answered other questions before this one.
        Some(RDKafkaErrorCode::OperationTimedOut) => Error(format!(
            "{WHO}: the group's committed offsets at {brokers} are not settled after {} s: a transaction that changes them \
             is open, or the group's coordinator does not answer. Start the job again later: the brokers abort a \
             transaction when its transaction.timeout.ms is over.",
            OPEN_TIMEOUT.as_secs()
        )),
        _ => failed(error),
    })?;
    let position = |(topic, partition): &(String, i32)| {
        let Some(element) = found.find_partition(topic, *partition) else { return Ok(None) };
        element.error().map_err(failed)?;
        let Offset::Offset(offset) = element.offset() else { return Ok(None) };
        Ok(Some(Committed { offset, metadata: metadata(&found, topic, *partition) }))
    };
    partitions.iter().map(position).collect()
}

/// Asks the group's coordinator, and again while it is on its way from one broker to another or has just started.
fn committed_offsets(consumer: &Consumer, list: &TopicPartitionList) -> KafkaResult<TopicPartitionList> {
    use RDKafkaErrorCode::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};
    let deadline = Instant::now() + OPEN_TIMEOUT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let found = consumer.committed_offsets(list.clone(), left);
        match found.as_ref().map_err(KafkaError::rdkafka_error_code) {
            Err(Some(CoordinatorLoadInProgress | CoordinatorNotAvailable | NotCoordinator)) if !left.is_zero() => {
                sleep(RETRY_INTERVAL);
            }
            _ => return found,
        }
    }
}

/// The metadata of one element, unless another program has put something there that is no text.
fn metadata(list: &TopicPartitionList, topic: &str, partition: i32) -> Option<String> {
    let topic = CString::new(topic).ok()?;
    // SAFETY: list and topic are valid for the call; the element lives as long as the list.
    let element = unsafe { rd::rd_kafka_topic_partition_list_find(list.ptr(), topic.as_ptr(), partition).as_ref() }?;
    if element.metadata.is_null() || element.metadata_size == 0 {
        return None;
    }
    // SAFETY: an element's metadata is `metadata_size` bytes that live as long as the element.
    let bytes = unsafe { std::slice::from_raw_parts(element.metadata.cast::<u8>(), element.metadata_size) };
    String::from_utf8(bytes.to_vec()).ok()
}

/// Commits are stored under this name.
pub fn group_id(properties: &[(String, String)]) -> Result<&str> {
    let group = properties.iter().rev().find(|(key, _)| key == "group.id").map(|(_, value)| value.as_str());
    group.filter(|group| !group.is_empty()).ok_or_else(|| {
        Error(format!(
            "{WHO}: property \"group.id\" is missing: positions are committed under it. Set it to a name of the job's."
        ))
    })
}
