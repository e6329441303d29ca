//! Exactly-once outputs against a real broker: `MILLRACE_TEST_BROKERS` names it, and without it nothing is tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broker;

use std::mem::forget;
use std::sync::Arc;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use broker::{
    Bell, Collected, TIMEOUT, brokers, client, create_topic, create_topic_with, read_to_end, records, set, sink_config,
    unique,
};
use millrace_io::{
    GroupPositions, KafkaSource, KafkaTransactions, Sink, Source, TopicPosition, TransactionalKafkaSink, Transactions,
    committed_metadata,
};
use millrace_plan::KafkaStart;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// A job's outputs to one topic.
struct Job {
    brokers: String,
    topic: String,
    id: String,
    group: String,
}

impl Job {
    fn new(brokers: &str, name: &str) -> Job {
        let topic = create_topic(brokers, name, 1);
        Job { brokers: brokers.to_owned(), topic, id: unique("job"), group: unique("group") }
    }

    fn sink_config(&self) -> millrace_plan::KafkaSink {
        sink_config(&self.brokers, &self.topic)
    }

    fn open(&self) -> Arc<KafkaTransactions> {
        Arc::new(KafkaTransactions::open(&self.sink_config().properties, &self.id).unwrap())
    }

    fn sink(&self, transactions: &Arc<KafkaTransactions>) -> TransactionalKafkaSink {
        TransactionalKafkaSink::open(&self.sink_config(), transactions).unwrap()
    }

    fn source_config(&self) -> millrace_plan::KafkaSource {
        let mut config = broker::source(&self.brokers, broker::topic(&self.topic));
        set(&mut config.properties, "group.id", &self.group);
        config
    }

    /// What a reader sees that leaves out what is not committed.
    fn visible(&self) -> Vec<String> {
        read_to_end(&self.source_config(), 0, 1).values().iter().map(|value| (*value).to_owned()).collect()
    }

    fn position(&self, offset: i64, metadata: &str) -> Vec<GroupPositions> {
        let (topic, metadata) = (self.topic.clone(), metadata.to_owned());
        let position = TopicPosition { topic, partition: 0, offset, metadata };
        vec![GroupPositions { group: self.group.clone(), positions: vec![position] }]
    }

    fn committed(&self) -> Option<String> {
        committed_metadata(&self.source_config()).unwrap().remove(0)
    }
}

fn write(sink: &mut dyn Sink, values: &[&str]) {
    let records = records(&values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>());
    assert_eq!(sink.write(&records, 0).unwrap(), values.len());
}

/// What the call comes to in the end.
fn first_error<T>(mut call: impl FnMut() -> Result<T, millrace_io::Error>) -> String {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Err(error) = call() {
            return error.to_string();
        }
        assert!(Instant::now() < deadline, "no error came");
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_commit_makes_records_and_positions_visible_together() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "commit");
    let transactions = job.open();
    let mut sink = job.sink(&transactions);
    transactions.begin(0).unwrap();
    write(&mut sink, &["a", "b"]);
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 1);
    transactions.flush(0).unwrap();
    assert_eq!((job.visible(), job.committed()), (vec![], None));
    transactions.commit(0, &job.position(1, "checkpoint 7")).unwrap();
    assert_eq!(job.visible(), ["a", "b"]);
    assert_eq!(job.committed().as_deref(), Some("checkpoint 7"));
    let config = millrace_plan::KafkaSource { start: KafkaStart::GroupOffsets, ..job.source_config() };
    let source = KafkaSource::open(&config, 0, 1, &Bell::default().waker(), None).unwrap();
    assert_eq!(Source::<Collected>::splits(&source)[0].start, 1);
}

#[test]
fn positions_are_committed_without_records_too() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "empty");
    let transactions = job.open();
    for epoch in 0..3 {
        transactions.begin(epoch).unwrap();
        transactions.flush(epoch).unwrap();
        transactions.commit(epoch, &job.position(0, &epoch.to_string())).unwrap();
    }
    assert_eq!(job.committed().as_deref(), Some("2"));
}

#[test]
fn a_sink_takes_nothing_until_the_transaction_of_its_epoch_has_begun() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "backpressure");
    let transactions = job.open();
    let mut sink = job.sink(&transactions);
    let one = records(&["a".to_owned()]);
    assert_eq!(sink.write(&one, 0).unwrap(), 0);
    transactions.begin(0).unwrap();
    assert_eq!(sink.write(&one, 0).unwrap(), 1);
    sink.begin_epoch().unwrap();
    assert_eq!(sink.write(&one, 0).unwrap(), 0);
    transactions.flush(0).unwrap();
    transactions.begin(1).unwrap();
    assert_eq!(sink.write(&one, 0).unwrap(), 1);
}

#[test]
fn records_of_an_epoch_are_written_while_the_one_before_waits_for_its_commit() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "interleaved");
    let transactions = job.open();
    let mut sinks = [job.sink(&transactions), job.sink(&transactions)];
    let mut write = |epoch: u64, values: [&str; 2]| {
        transactions.begin(epoch).unwrap();
        for (sink, value) in sinks.iter_mut().zip(values) {
            write(sink, &[value]);
            sink.begin_epoch().unwrap();
        }
        transactions.flush(epoch).unwrap();
    };
    let visible = || {
        let mut visible = job.visible();
        visible.sort();
        visible
    };
    write(0, ["0a", "0b"]);
    write(1, ["1a", "1b"]);
    assert!(visible().is_empty());
    transactions.commit(0, &job.position(0, "0")).unwrap();
    assert_eq!((visible(), job.committed().unwrap()), (vec!["0a".into(), "0b".into()], "0".to_owned()));
    write(2, ["2a", "2b"]);
    transactions.commit(1, &job.position(0, "1")).unwrap();
    transactions.commit(2, &job.position(0, "2")).unwrap();
    assert_eq!(
        (visible(), job.committed().unwrap()),
        (["0a", "0b", "1a", "1b", "2a", "2b"].map(str::to_owned).into(), "2".to_owned())
    );
}

#[test]
fn nothing_is_seen_of_what_was_not_committed_before_a_crash_or_an_end() {
    let Some(brokers) = brokers() else { return };
    for crash in [true, false] {
        let job = Job::new(&brokers, "crash");
        let transactions = job.open();
        let mut sink = job.sink(&transactions);
        for (epoch, value) in ["lost", "lost too"].into_iter().enumerate() {
            transactions.begin(epoch as u64).unwrap();
            write(&mut sink, &[value]);
            sink.begin_epoch().unwrap();
            transactions.flush(epoch as u64).unwrap();
        }
        if crash {
            forget((sink, transactions));
        } else {
            let since = Instant::now();
            drop((sink, transactions));
            assert!(since.elapsed() < Duration::from_secs(5));
        }
        let transactions = job.open();
        let mut sink = job.sink(&transactions);
        transactions.begin(0).unwrap();
        write(&mut sink, &["kept"]);
        transactions.flush(0).unwrap();
        transactions.commit(0, &job.position(0, "")).unwrap();
        assert_eq!(job.visible(), ["kept"]);
    }
}

#[test]
fn a_transaction_that_is_dropped_with_records_on_their_way_is_aborted() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "dropped");
    let transactions = job.open();
    let mut sink = job.sink(&transactions);
    transactions.begin(0).unwrap();
    write(&mut sink, &["lost"; 1000]);
    drop((sink, transactions));
    // The end of the topic is where an open transaction begins.
    let mut job = job;
    let (id, config) = (unique("other"), job.sink_config());
    job.id = id;
    let transactions = job.open();
    let mut sink = TransactionalKafkaSink::open(&config, &transactions).unwrap();
    transactions.begin(0).unwrap();
    write(&mut sink, &["kept"]);
    transactions.flush(0).unwrap();
    transactions.commit(0, &[]).unwrap();
    assert_eq!(job.visible(), ["kept"]);
}

#[test]
fn a_worker_that_takes_over_stops_the_one_before() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "fenced");
    let expected = format!(
        "Kafka sink: another worker of this job has taken over (transactional id \"{}\"): this one has stopped. Run each \
         job once.",
        job.id
    );
    let first = job.open();
    let mut sink = job.sink(&first);
    first.begin(0).unwrap();
    write(&mut sink, &["stored"]);
    first.flush(0).unwrap();
    sink.begin_epoch().unwrap();
    first.begin(1).unwrap();

    let second = job.open();
    assert!(!first.is_taken_over());
    assert_eq!(first.commit(0, &job.position(1, "first")).unwrap_err().to_string(), expected);
    assert!(first.is_taken_over() && !second.is_taken_over());
    write(&mut sink, &["refused"]);
    assert_eq!(first.flush(1).unwrap_err().to_string(), expected);
    assert_eq!(first_error(|| sink.poll(0)), expected);
    assert_eq!(first.begin(2).unwrap_err().to_string(), expected);
    assert_eq!(first_error(|| sink.write(&records(&["refused".to_owned()]), 0)), expected);

    let mut sink = job.sink(&second);
    second.begin(0).unwrap();
    write(&mut sink, &["second"]);
    second.flush(0).unwrap();
    second.commit(0, &job.position(1, "second")).unwrap();
    assert_eq!((job.visible(), job.committed().unwrap()), (vec!["second".to_owned()], "second".to_owned()));
}

#[test]
fn a_record_that_the_broker_refuses_fails_the_flush_and_the_sink() {
    let Some(brokers) = brokers() else { return };
    let mut job = Job::new(&brokers, "refused");
    job.topic = create_topic_with(&brokers, "refused", 1, &[("max.message.bytes", "1000")]);
    let transactions = job.open();
    let mut sink = job.sink(&transactions);
    transactions.begin(0).unwrap();
    // No two bytes in a row are the same, so that compression does not help.
    write(&mut sink, &[&"0123456789".repeat(1000)]);
    let error = transactions.flush(0).unwrap_err().to_string();
    assert!(error.starts_with(&format!("Kafka sink: {}, partition 0: ", job.topic)), "{error}");
    assert!(error.contains(": Broker: Message size too large. ") && error.contains("max.message.bytes"), "{error}");
    assert_eq!(sink.poll(0).unwrap_err().to_string(), error);
    assert_eq!(transactions.commit(0, &[]).unwrap_err().to_string(), error);
}

#[test]
fn a_clock_that_is_wrong_is_told_of() {
    let Some(brokers) = brokers() else { return };
    let mut job = Job::new(&brokers, "late");
    // No record arrives in no time.
    job.topic = create_topic_with(&brokers, "late", 1, &[("message.timestamp.before.max.ms", "0")]);
    let transactions = job.open();
    let mut sink = job.sink(&transactions);
    transactions.begin(0).unwrap();
    write(&mut sink, &["late"; 100]);
    let error = transactions.flush(0).unwrap_err().to_string();
    assert!(error.starts_with(&format!("Kafka sink: {}, partition 0: Broker: ", job.topic)), "{error}");
    assert!(error.contains("set the clock of this machine"), "{error}");
}

#[test]
fn a_record_that_is_too_large_fails_the_flush_too() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "large");
    let transactions = job.open();
    let mut sink = job.sink(&transactions);
    transactions.begin(0).unwrap();
    let error = sink.write(&records(&["x".repeat(2_000_000)]), 0).unwrap_err().to_string();
    assert!(error.contains("a record of 2000000 bytes was refused") && error.contains("message.max.bytes"), "{error}");
    assert_eq!(transactions.flush(0).unwrap_err().to_string(), error);
}

#[test]
fn a_timeout_that_the_brokers_do_not_allow_is_an_error_that_says_what_to_set() {
    let Some(brokers) = brokers() else { return };
    let mut properties = sink_config(&brokers, "any").properties;
    set(&mut properties, "transaction.timeout.ms", "1000000");
    let error = KafkaTransactions::open(&properties, &unique("job")).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "Kafka sink: the brokers at {brokers} do not let a transaction take 1000000 ms, which one may until its \
             checkpoint is complete. Set \"transaction.timeout.ms\" in the sinks' properties to at most the brokers' \
             transaction.max.timeout.ms, or raise that."
        )
    );
}

#[test]
fn an_epoch_that_the_brokers_aborted_for_its_age_is_told_from_a_take_over() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "expired");
    let mut config = job.sink_config();
    set(&mut config.properties, "transaction.timeout.ms", "1000");
    let transactions = Arc::new(KafkaTransactions::open(&config.properties, &job.id).unwrap());
    let mut sink = TransactionalKafkaSink::open(&config, &transactions).unwrap();
    transactions.begin(0).unwrap();
    write(&mut sink, &["late"]);
    transactions.flush(0).unwrap();
    // Brokers look for old transactions every 10 s.
    let error = first_error(|| {
        sleep(Duration::from_secs(1));
        sink.write(&records(&["more".to_owned()]), 0)?;
        transactions.flush(0)
    });
    assert!(
        error.starts_with("Kafka sink: epoch 0 was not committed within transaction.timeout.ms (1000 ms)"),
        "{error}"
    );
}

#[test]
fn sinks_of_one_job_cannot_have_properties_of_their_own() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "properties");
    let transactions = job.open();
    let mut config = job.sink_config();
    set(&mut config.properties, "compression.type", "zstd");
    let error = TransactionalKafkaSink::open(&config, &transactions).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("its properties are not those of the job's other Kafka sinks"), "{error}");
}

#[test]
fn a_transactional_id_among_the_properties_is_refused() {
    let mut properties = sink_config("127.0.0.1:1", "any").properties;
    set(&mut properties, "transactional.id", "mine");
    let error = KafkaTransactions::open(&properties, "job").map(|_| ()).unwrap_err().to_string();
    let expected = "Kafka sink: property \"transactional.id\" cannot be set: it comes from the job. Remove it.";
    assert_eq!(error, expected);
}

#[test]
fn brokers_that_do_not_answer_are_named_with_the_cause() {
    if brokers().is_none() {
        return;
    }
    let properties = sink_config("127.0.0.1:1", "any").properties;
    let error = KafkaTransactions::open(&properties, "job").map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("\"job\": no answer from 127.0.0.1:1 within 10 s"), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}

/// Positions that some other program has in an open transaction.
fn pending(job: &Job) -> BaseProducer {
    let producer: BaseProducer = client(&job.brokers).set("transactional.id", unique("other")).create().unwrap();
    let consumer: BaseConsumer = client(&job.brokers).set("group.id", &job.group).create().unwrap();
    producer.init_transactions(TIMEOUT).unwrap();
    producer.begin_transaction().unwrap();
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset(&job.topic, 0, Offset::Offset(1)).unwrap();
    producer.send_offsets_to_transaction(&positions, &consumer.group_metadata().unwrap(), TIMEOUT).unwrap();
    producer
}

#[test]
fn committed_metadata_waits_for_a_transaction_that_is_still_open() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "pending");
    let transactions = job.open();
    transactions.begin(0).unwrap();
    transactions.commit(0, &job.position(0, "before")).unwrap();
    let producer = pending(&job);
    let ended = spawn(move || {
        sleep(Duration::from_secs(1));
        producer.abort_transaction(TIMEOUT).unwrap();
    });
    let since = Instant::now();
    assert_eq!(job.committed().as_deref(), Some("before"));
    assert!(since.elapsed() > Duration::from_millis(500));
    ended.join().unwrap();
}

#[test]
fn positions_in_a_transaction_that_does_not_end_are_an_error_that_says_so() {
    let Some(brokers) = brokers() else { return };
    let job = Job::new(&brokers, "stuck");
    let _producer = pending(&job);
    let error = committed_metadata(&job.source_config()).unwrap_err().to_string();
    assert!(error.contains("are not settled after 10 s: a transaction that changes them is open"), "{error}");
}
