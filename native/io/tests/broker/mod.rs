//! What the Kafka tests do to a broker, and a receiver that keeps what it is handed.
// No test uses all of it.
#![allow(dead_code)]

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll as Ready, Wake};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use millrace_formats::{Cells, Rows};
use millrace_io::{Error, KafkaSource, Poll, Receiver, Record, Records, Sink, Source, Waker};
use millrace_plan::{KafkaStart, KafkaTopics};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The brokers to test with; says so when there are none.
pub fn brokers() -> Option<String> {
    let brokers = std::env::var("MILLRACE_TEST_BROKERS").ok();
    if brokers.is_none() {
        eprintln!("skipped: MILLRACE_TEST_BROKERS names no Kafka brokers");
    }
    brokers
}

/// A name that no test before has used.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("{name}-{now}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn create_topic(brokers: &str, name: &str, partitions: i32) -> String {
    create_topic_with(brokers, name, partitions, &[])
}

pub fn create_topic_with(brokers: &str, name: &str, partitions: i32, config: &[(&str, &str)]) -> String {
    let topic = unique(name);
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
    let new = config.iter().fold(new, |new, (key, value)| new.set(key, value));
    let created = block_on(admin.create_topics(&[new], &AdminOptions::new().operation_timeout(Some(TIMEOUT))));
    created.unwrap().into_iter().next().unwrap().unwrap();
    topic
}

/// As retention does.
pub fn delete_records_before(brokers: &str, topic: &str, partition: i32, offset: i64) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    block_on(admin.delete_records(&before, &AdminOptions::new().operation_timeout(Some(TIMEOUT)))).unwrap();
}

pub fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

/// Writes numbered records to one partition.
pub fn produce(brokers: &str, topic: &str, partition: i32, values: impl IntoIterator<Item = String>) {
    let producer: BaseProducer = client(brokers).create().unwrap();
    for value in values {
        producer.send(BaseRecord::<(), _>::to(topic).partition(partition).payload(&value)).unwrap();
    }
    producer.flush(TIMEOUT).unwrap();
}

pub fn records(values: &[String]) -> Records {
    let mut rows = Rows::default();
    for value in values {
        rows.buffer().extend_from_slice(value.as_bytes());
        rows.end_row();
    }
    Records { values: rows, ..Records::default() }
}

pub fn cells(values: &[&str]) -> Cells {
    let mut cells = Cells::default();
    values.iter().for_each(|value| cells.push(Some(value.as_bytes())));
    cells
}

/// Writes all records and waits until they, as epoch number `epoch` (from 1), are durable.
pub fn write_epoch(sink: &mut dyn Sink, records: &Records, epoch: u64) {
    let deadline = Instant::now() + TIMEOUT;
    let mut from = 0;
    while from < records.values.len() {
        from += sink.write(records, from).unwrap();
        sink.poll(0).unwrap();
    }
    sink.begin_epoch().unwrap();
    while sink.durable_epochs() < epoch {
        assert!(Instant::now() < deadline, "the records did not become durable");
        sink.poll(0).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn source(brokers: &str, topics: KafkaTopics) -> millrace_plan::KafkaSource {
    millrace_plan::KafkaSource {
        topics,
        start: KafkaStart::Earliest,
        fallback: KafkaStart::Earliest,
        until_latest: true,
        properties: vec![
            ("bootstrap.servers".to_owned(), brokers.to_owned()),
            ("group.id".to_owned(), unique("group")),
        ],
    }
}

pub fn sink_config(brokers: &str, topic: &str) -> millrace_plan::KafkaSink {
    let properties = vec![("bootstrap.servers".to_owned(), brokers.to_owned())];
    millrace_plan::KafkaSink { topic: topic.to_owned(), properties }
}

pub fn set(properties: &mut Vec<(String, String)>, key: &str, value: &str) {
    properties.push((key.to_owned(), value.to_owned()));
}

pub fn topic(name: &str) -> KafkaTopics {
    KafkaTopics::Names(vec![name.to_owned()])
}

/// Counts calls of a waker, and waits for one.
#[derive(Clone, Default)]
pub struct Bell(Arc<(Mutex<u64>, Condvar)>);

impl Bell {
    pub fn waker(&self) -> Waker {
        let bell = self.0.clone();
        Arc::new(move || {
            *bell.0.lock().unwrap() += 1;
            bell.1.notify_all();
        })
    }

    pub fn wait(&self) {
        let rung = self.0.0.lock().unwrap();
        let (mut rung, timeout) = self.0.1.wait_timeout_while(rung, TIMEOUT, |rung| *rung == 0).unwrap();
        assert!(!timeout.timed_out(), "the waker was not called");
        *rung = 0;
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub split: usize,
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: Option<String>,
    pub value: Option<String>,
}

#[derive(Debug, Default)]
pub struct Collected {
    pub records: Vec<Received>,
    pub ended: Vec<usize>,
}

impl Collected {
    pub fn values(&self) -> Vec<&str> {
        self.records.iter().filter_map(|record| record.value.as_deref()).collect()
    }
}

impl Receiver for Collected {
    type Error = Error;

    fn record(&mut self, record: Record<'_>) -> Result<(), Error> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let Record { split, offset, timestamp, key, value } = record;
        self.records.push(Received { split, offset, timestamp, key: key.map(text), value: value.map(text) });
        Ok(())
    }

    fn rows(&mut self, _: usize, _: i64, _: RecordBatch) -> Result<(), Error> {
        unreachable!("Kafka gives records")
    }

    fn end(&mut self, split: usize) -> Result<(), Error> {
        self.ended.push(split);
        Ok(())
    }
}

/// Polls, asleep while there is nothing, until `enough`.
pub fn read_while(
    source: &mut KafkaSource,
    bell: &Bell,
    into: &mut Collected,
    enough: impl Fn(&Collected) -> bool,
) -> bool {
    while !enough(into) {
        match source.poll(1000, into).unwrap() {
            Poll::More => {}
            Poll::Empty { .. } => bell.wait(),
            Poll::End => return true,
        }
    }
    false
}

pub fn read_to_end(config: &millrace_plan::KafkaSource, slot: usize, slots: usize) -> Collected {
    let bell = Bell::default();
    let mut source = KafkaSource::open(config, slot, slots, &bell.waker(), None).unwrap();
    let mut collected = Collected::default();
    assert!(read_while(&mut source, &bell, &mut collected, |_| false));
    collected
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Arc::new(Unpark(std::thread::current())).into();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Ready::Ready(output) => return output,
            Ready::Pending => std::thread::park_timeout(Duration::from_millis(100)),
        }
    }
}
