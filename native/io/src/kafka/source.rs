//! Reads partitions of Kafka topics.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use millrace_plan::KafkaSource as Config;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, error::KafkaError};

use super::bootstrap::Bootstrap;
use super::client::{self, Consumer, Observer, Reserved, advice, is_terminal, is_transient};
use super::commits::Commits;
use super::queue::{Address, Message, MessageQueue};
use super::{partitions, start};
use crate::{Error, Poll, Position, Receiver, Record, Restored, Result, Source, Split, Waker};

/// As errors name this connector.
pub const WHO: &str = "Kafka source";

/// Messages that are taken from librdkafka at once: their headers stay in the CPU's cache until they are handed over.
const BATCH: usize = 1024;

const DEFAULTS: &[(&str, &str)] = &[
    ("isolation.level", "read_committed"),
    // Over all partitions of a slot: what is fetched ahead must not fill the memory.
    ("queued.max.messages.kbytes", "65536"),
    // A full queue stalls the fetcher for so long; the library's default of 1 s leaves the CPU idle under load.
    ("fetch.queue.backoff.ms", "10"),
    // Rather stop than skip records that the topic's retention has taken.
    ("auto.offset.reset", "error"),
];

const FIXED: &[(&str, &str)] =
    &[("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("enable.partition.eof", "true")];

const RESERVED: &[Reserved] = &[
    Reserved { key: "enable.auto.commit", because: "positions are committed when what they lead to is durable" },
    Reserved { key: "enable.auto.offset.store", because: "positions are committed when what they lead to is durable" },
    Reserved {
        key: "enable.partition.eof",
        because: "the end of a partition tells when it is idle, and when a bounded read is done",
    },
];

/// The partitions of one slot.
///
/// Partitions are those that exist when the job starts; ones that are added later are read after a restart.
pub struct KafkaSource {
    splits: Vec<Split>,
    /// By split: the offset that reading ends before; `i64::MAX` without end.
    ends: Vec<i64>,
    ended: Vec<bool>,
    /// By split: the offset after the last record that was handed over.
    next: Vec<i64>,
    /// Splits that have not ended.
    running: usize,
    /// Splits that have nothing to read have still to be reported.
    empty: Vec<usize>,
    addresses: Addresses,
    queue: MessageQueue,
    commits: Commits,
    bootstrap: Bootstrap,
    consumer: Arc<Consumer>,
}

impl KafkaSource {
    /// Connects, finds the partitions and where each begins, and starts fetching those of `slot`. Waits for the brokers,
    /// 10 s for each answer. With `restored` it goes on from there.
    pub fn open(
        config: &Config,
        slot: usize,
        slots: usize,
        waker: &Waker,
        restored: Option<&[Restored]>,
    ) -> Result<KafkaSource> {
        let (mut consumer, brokers) = connect(&config.properties, FIXED)?;
        let wake = waker.clone();
        consumer.set_nonempty_callback(move || wake());
        let consumer = Arc::new(consumer);

        let mut partitions = partitions::find(&consumer, &config.topics, &brokers)?;
        let mut index = 0..;
        partitions.retain(|_| index.next().is_some_and(|i: usize| i % slots == slot));
        let starts = match restored {
            Some(restored) => start::restored(&consumer, &partitions, restored, &brokers)?,
            None => start::find(&consumer, &partitions, config.start, config.fallback, &brokers)?,
        };

        let refused = || Error(format!("{WHO}: librdkafka gave no queue. Start the job again."));
        let queue = MessageQueue::new(&consumer, BATCH, waker).ok_or_else(refused)?;
        let commits = Commits::new(&consumer, partitions.len()).ok_or_else(refused)?;
        let mut assignment = TopicPartitionList::with_capacity(partitions.len());
        let (mut splits, mut ends, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        for ((topic, partition), start) in partitions.into_iter().zip(starts) {
            let end = if config.until_latest { start.latest } else { i64::MAX };
            if start.offset >= end {
                empty.push(splits.len());
            } else {
                let add = assignment.add_partition_offset(&topic, partition, Offset::Offset(start.offset));
                add.map_err(|error| partitions::failed(&consumer, "assigning partitions", &brokers, &error))?;
                if !queue.lead(&topic, partition) {
                    return Err(refused());
                }
            }
            ends.push(end);
            splits.push(Split {
                name: format!("{topic}, partition {partition}"),
                resource: topic,
                partition,
                start: start.offset,
                metadata: start.metadata,
            });
        }
        let assigned = consumer.assign(&assignment);
        assigned.map_err(|error| partitions::failed(&consumer, "assigning partitions", &brokers, &error))?;
        Ok(KafkaSource {
            ended: vec![false; splits.len()],
            next: splits.iter().map(|split| split.start).collect(),
            running: splits.len(),
            addresses: Addresses::default(),
            splits,
            ends,
            empty,
            queue,
            commits,
            bootstrap: Bootstrap::new(&brokers),
            consumer,
        })
    }

    /// Serves what does not concern a message: errors of the client, outcomes of commits.
    fn serve(&mut self) -> Result<()> {
        self.bootstrap.keep(self.consumer.client());
        while let Some(event) = self.consumer.poll(Duration::ZERO) {
            if let Err(error) = event {
                on_client_error(&error)?;
            }
        }
        self.commits.serve(&self.splits, Duration::ZERO)
    }

    fn end<R: Receiver>(&mut self, split: usize, receiver: &mut R) -> std::result::Result<(), R::Error> {
        if !std::mem::replace(&mut self.ended[split], true) {
            self.running -= 1;
            receiver.end(split)?;
        }
        Ok(())
    }

    /// Batches make librdkafka count the end of a partition as a record: by itself it would go on one too late.
    fn resume(&self, split: usize, list: &TopicPartitionList) -> std::result::Result<(), KafkaError> {
        let of = &self.splits[split];
        self.consumer.resume(list)?;
        self.consumer.seek(&of.resource, of.partition, Offset::Offset(self.next[split]), Duration::ZERO)
    }

    fn poll_result(&self, handed_over: usize) -> Poll {
        match (self.running, handed_over) {
            (0, _) => Poll::End,
            (_, 0) => Poll::Empty { retry_after_ms: None },
            _ => Poll::More,
        }
    }
}

impl<R: Receiver> Source<R> for KafkaSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn poll(&mut self, max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error> {
        self.serve()?;
        for split in std::mem::take(&mut self.empty) {
            self.end(split, receiver)?;
        }
        let (mut handed_over, mut finished) = (0, Vec::new());
        while handed_over < max_records {
            let batch = self.queue.take(max_records - handed_over);
            let taken = batch.len();
            for message in batch {
                let Some(split) = self.addresses.split(&message, &self.splits) else {
                    on_stray(&message)?;
                    continue;
                };
                let end = self.ends[split];
                let next = match message.error() {
                    None if message.offset() >= end => message.offset(),
                    None => {
                        let (key, value) = (message.key(), message.value());
                        let (offset, timestamp) = (message.offset(), message.timestamp());
                        receiver.record(Record { split, offset, timestamp, key, value })?;
                        offset + 1
                    }
                    // It has come to the end of what there is, past any records that are not to be seen.
                    Some(RDKafkaErrorCode::PartitionEOF) => {
                        receiver.caught_up(split);
                        message.offset()
                    }
                    Some(code) if is_transient(code) => continue,
                    Some(code) => return Err(on_message_error(&message, code, &self.splits[split]).into()),
                };
                self.next[split] = next;
                if next >= end && !self.ended[split] && !finished.contains(&split) {
                    finished.push(split);
                }
            }
            handed_over += taken;
            if taken < BATCH {
                break;
            }
        }
        for split in finished {
            self.end(split, receiver)?;
            Source::<R>::pause(self, split, true)?;
        }
        Ok(self.poll_result(handed_over))
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        let of = &self.splits[split];
        // What has ended stays paused; a partition that had nothing to read was never assigned.
        if of.start >= self.ends[split] || (!paused && self.ended[split]) {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(&of.resource, of.partition);
        let outcome = if paused { self.consumer.pause(&list) } else { self.resume(split, &list) };
        outcome.map_err(|error| {
            let doing = if paused { "paused" } else { "resumed" };
            Error(format!("{WHO}: {}: it could not be {doing}: {error}", of.name))
        })
    }

    fn commit(&mut self, positions: &[Position]) -> Result<()> {
        self.commits.send(&self.splits, positions)
    }

    fn close(&mut self, timeout_ms: u64) -> Result<()> {
        let finished = self.commits.finish(&self.splits, Duration::from_millis(timeout_ms));
        self.consumer.unassign().map_err(|error| Error(format!("{WHO}: {error}")))?;
        finished
    }
}

/// A client, and the brokers as the user named them.
fn connect(properties: &[(String, String)], fixed: &[(&str, &str)]) -> Result<(Consumer, String)> {
    start::group_id(properties)?;
    let config = client::config(WHO, properties, DEFAULTS, fixed, RESERVED)?;
    let brokers = client::brokers(&config).unwrap_or_default();
    let consumer = config.create_with_context(Observer::default());
    Ok((consumer.map_err(|error| client::property_error(WHO, &error))?, brokers))
}

/// The metadata of what the group has committed, for all partitions of the topics, in their order. Of a transaction that
/// is still open it waits for the end, at most 10 s.
pub fn committed_metadata(config: &Config) -> Result<Vec<Option<String>>> {
    let fixed = [FIXED, &[("isolation.level", "read_committed")]].concat();
    let (consumer, brokers) = connect(&config.properties, &fixed)?;
    let consumer = Arc::new(consumer);
    let partitions = partitions::find(&consumer, &config.topics, &brokers)?;
    start::committed_metadata(&consumer, &partitions, &brokers)
}

/// Finds the split of a message; messages of one partition come in stretches.
#[derive(Default)]
struct Addresses {
    last: Option<(Address, usize)>,
    known: HashMap<Address, usize>,
}

impl Addresses {
    fn split(&mut self, message: &Message<'_>, splits: &[Split]) -> Option<usize> {
        let address = message.address();
        if let Some((last, split)) = self.last
            && last == address
        {
            return Some(split);
        }
        let split = match self.known.get(&address) {
            Some(&split) => split,
            None => {
                let (topic, partition) = (message.topic()?, message.partition());
                let key = (topic.as_str(), partition);
                let found =
                    splits.binary_search_by(|split| (split.resource.as_str(), split.partition).cmp(&key)).ok()?;
                self.known.insert(address, found);
                found
            }
        };
        self.last = Some((address, split));
        Some(split)
    }
}

fn on_client_error(error: &KafkaError) -> Result<()> {
    match error.rdkafka_error_code() {
        Some(code) if is_terminal(code) || matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
            Err(Error(format!("{WHO}: {code}.{}", advice(Some(code)))))
        }
        // Connections come and go; librdkafka takes care of them.
        _ => Ok(()),
    }
}

/// Something that belongs to no partition of this slot.
fn on_stray(message: &Message<'_>) -> Result<()> {
    match message.error() {
        Some(code) if is_terminal(code) => {
            let text = message.error_text().unwrap_or_else(|| code.to_string());
            Err(Error(format!("{WHO}: {text}.{}", advice(Some(code)))))
        }
        _ => Ok(()),
    }
}

fn on_message_error(message: &Message<'_>, code: RDKafkaErrorCode, split: &Split) -> Error {
    let text = message.error_text().unwrap_or_else(|| code.to_string());
    Error(format!("{WHO}: {}, offset {}: {text}.{}", split.name, message.offset(), advice(Some(code))))
}
