//! Writes records to a Kafka topic.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use millrace_plan::KafkaSink as Config;
use rdkafka::types::RDKafkaErrorCode;

use super::client::{self, OPEN_TIMEOUT, Reserved, advice, is_terminal, open_error};
use super::producer::{Producer, Report};
use super::topic::Topic;
use crate::epochs::Epochs;
use crate::{Error, Records, Result, Sink};

/// As errors name this connector.
pub const WHO: &str = "Kafka sink";

/// How long a topic that the brokers create on demand may take to appear.
const CREATION_TIMEOUT: Duration = Duration::from_secs(5);

const CREATION_INTERVAL: Duration = Duration::from_millis(100);

pub const DEFAULTS: &[(&str, &str)] = &[
    ("enable.idempotence", "true"),
    ("acks", "all"),
    // Under load batches fill while requests are on their way: a longer wait only delays what comes alone.
    ("linger.ms", "1"),
    // A slot's records that are not yet confirmed: more only hides that the brokers are slower than the job.
    ("queue.buffering.max.kbytes", "32768"),
    // The partition that Kafka's Java clients choose for a key.
    ("partitioner", "murmur2_random"),
];

const RESERVED: &[Reserved] = &[
    Reserved { key: "delivery.report.only.error", because: "every record's delivery is waited for" },
    Reserved { key: "transactional.id", because: "records are written outside of transactions" },
];

/// A producer of one slot: records are visible as soon as they are stored.
pub struct KafkaSink {
    name: String,
    topic: Topic,
    epochs: Epochs,
    /// The first failure; every call from then on ends with it.
    failure: Option<Error>,
}

impl KafkaSink {
    /// Connects, and checks that the topic is there or is created on demand. Waits for the brokers, at most 10 s.
    pub fn open(config: &Config) -> Result<KafkaSink> {
        let properties = client::config(WHO, &config.properties, DEFAULTS, &[], RESERVED)?;
        let brokers = client::brokers(&properties).unwrap_or_default();
        let topic = Topic::new(&Arc::new(Producer::new(&properties)?), &config.topic)?;
        wait_for_topic(topic.producer(), &config.topic, &brokers)?;
        Ok(KafkaSink { name: config.topic.clone(), topic, epochs: Epochs::default(), failure: None })
    }

    fn serve(&mut self) -> Result<()> {
        let KafkaSink { name, topic, epochs, failure } = self;
        topic.producer().serve(|report| match report {
            Report::Stored { epoch } => epochs.settle(epoch),
            Report::Failed { epoch, topic, partition, reason, code } => {
                epochs.settle(epoch);
                failure.get_or_insert_with(|| not_written(&topic, Some(partition), &reason, code));
            }
            Report::Client { code, fatal, reason } if fatal || is_terminal(code) => {
                failure.get_or_insert_with(|| not_written(name, None, &reason, code));
            }
            // Connections come and go; librdkafka takes care of them.
            Report::Client { .. } => {}
        });
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl Sink for KafkaSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        check_headers(records)?;
        let offered = self.topic.offer(records, from, self.epochs.current());
        self.epochs.add(offered.taken);
        if let Some(code) = offered.refused {
            let failure = not_written(&self.name, None, &refusal(records, from + offered.taken, code), code);
            return Err(self.failure.get_or_insert(failure).clone());
        }
        Ok(offered.taken)
    }

    fn poll(&mut self, _now_ms: u64) -> Result<()> {
        self.serve()
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.epochs.begin();
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        // What failed is never durable, so that no position after it is committed.
        if self.failure.is_some() { 0 } else { self.epochs.durable() }
    }

    fn fill(&self) -> f64 {
        self.topic.producer().fill()
    }

    fn flush(&mut self) -> Result<()> {
        // librdkafka holds nothing back for longer than linger.ms; the outcome comes with the next polls.
        self.serve()
    }
}

/// A topic that does not exist is made by asking for it where the brokers allow that, which takes them a moment.
pub fn wait_for_topic(producer: &Producer, topic: &str, brokers: &str) -> Result<()> {
    let deadline = Instant::now() + CREATION_TIMEOUT;
    loop {
        let metadata = producer.client().fetch_metadata(Some(topic), OPEN_TIMEOUT);
        let metadata = match metadata {
            Ok(metadata) => metadata,
            Err(error) => {
                let cause = producer.cause();
                return Err(open_error(WHO, "looking up the topic", brokers, &error, cause.as_deref()));
            }
        };
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let code = match found.map(|found| found.error().map(RDKafkaErrorCode::from)) {
            Some(None) => return Ok(()),
            Some(Some(code)) => code,
            None => RDKafkaErrorCode::UnknownTopicOrPartition,
        };
        let may_come = matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::LeaderNotAvailable);
        if !may_come {
            return Err(Error(format!("{WHO}: topic \"{topic}\" at {brokers}: {code}.{}", advice(Some(code)))));
        }
        if Instant::now() >= deadline {
            return Err(Error(format!(
                "{WHO}: topic \"{topic}\" does not exist at {brokers}, which do not create topics on demand. Create it, or \
                 correct its name."
            )));
        }
        sleep(CREATION_INTERVAL);
    }
}

pub fn check_headers(records: &Records) -> Result<()> {
    match records.headers.iter().find(|(name, _)| name.contains('\0')) {
        Some((name, _)) => Err(Error(format!("{WHO}: the header name {name:?} holds a zero byte. Correct it."))),
        None => Ok(()),
    }
}

/// What is said of a record that librdkafka did not take.
pub fn refusal(records: &Records, row: usize, code: RDKafkaErrorCode) -> String {
    let bytes = records.values.get(row).map_or(0, <[u8]>::len);
    format!("a record of {bytes} bytes was refused: {code}")
}

pub fn not_written(topic: &str, partition: Option<i32>, reason: &str, code: RDKafkaErrorCode) -> Error {
    let partition = partition.filter(|&partition| partition >= 0).map(|partition| format!(", partition {partition}"));
    let partition = partition.unwrap_or_default();
    Error(format!("{WHO}: {topic}{partition}: {reason}.{}", advice(Some(code))))
}
