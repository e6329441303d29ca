//! Kafka source and sink against a real broker: `MILLRACE_TEST_BROKERS` names it, and without it nothing is tested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broker;

use std::time::{Duration, Instant};

use broker::{
    Bell, Collected, TIMEOUT, brokers, client, create_topic, create_topic_with, produce, read_to_end, read_while, set,
    sink_config, unique,
};
use millrace_io::{KafkaSink, KafkaSource, Poll, Position, Restored, Sink, Source};
use millrace_plan::{KafkaStart, KafkaTopics};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

fn numbers(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| n.to_string())
}

fn open(config: &millrace_plan::KafkaSource, bell: &Bell) -> KafkaSource {
    KafkaSource::open(config, 0, 1, &bell.waker(), None).unwrap()
}

fn open_error(config: &millrace_plan::KafkaSource) -> String {
    KafkaSource::open(config, 0, 1, &Bell::default().waker(), None).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_bounded_read_gives_each_partition_in_order_and_ends() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "bounded", 3);
    produce(&brokers, &topic, 0, numbers(0..5000));
    produce(&brokers, &topic, 2, numbers(0..3));
    let read = read_to_end(&broker::source(&brokers, broker::topic(&topic)), 0, 1);
    let of = |split| read.records.iter().filter(move |r| r.split == split).map(|r| r.offset).collect::<Vec<_>>();
    assert_eq!(of(0), (0..5000).collect::<Vec<_>>());
    assert_eq!(of(1), Vec::<i64>::new());
    assert_eq!(of(2), vec![0, 1, 2]);
    let mut ended = read.ended.clone();
    ended.sort_unstable();
    assert_eq!(ended, vec![0, 1, 2]);
    assert!(read.records.iter().all(|r| r.value.as_deref() == Some(r.offset.to_string().as_str())));
}

#[test]
fn slots_share_the_partitions_out() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "shared", 3);
    for partition in 0..3 {
        produce(&brokers, &topic, partition, [partition.to_string()]);
    }
    let config = broker::source(&brokers, broker::topic(&topic));
    let of = |slot| read_to_end(&config, slot, 4).values().iter().map(|v| v.to_string()).collect::<Vec<_>>();
    assert_eq!([of(0), of(1), of(2), of(3)], [vec!["0"], vec!["1"], vec!["2"], Vec::new()]);
}

#[test]
fn a_bounded_read_ends_where_the_last_records_belong_to_an_aborted_transaction() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "aborted", 1);
    let transactional = unique("transactional");
    let producer: BaseProducer = client(&brokers).set("transactional.id", &transactional).create().unwrap();
    producer.init_transactions(TIMEOUT).unwrap();
    for (value, commit) in [("kept", true), ("aborted", false)] {
        producer.begin_transaction().unwrap();
        producer.send(BaseRecord::<(), _>::to(&topic).payload(value)).unwrap();
        producer.flush(TIMEOUT).unwrap();
        let ended = if commit { producer.commit_transaction(TIMEOUT) } else { producer.abort_transaction(TIMEOUT) };
        ended.unwrap();
    }
    let read = read_to_end(&broker::source(&brokers, broker::topic(&topic)), 0, 1);
    assert_eq!(read.values(), ["kept"]);
}

#[test]
fn a_source_without_end_sleeps_until_something_comes() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "waker", 1);
    let mut config = broker::source(&brokers, broker::topic(&topic));
    config.until_latest = false;
    let bell = Bell::default();
    let mut source = open(&config, &bell);
    let mut read = Collected::default();
    for n in 0..3 {
        produce(&brokers, &topic, 0, [n.to_string()]);
        assert!(!read_while(&mut source, &bell, &mut read, |read| read.records.len() > n));
    }
    assert_eq!(read.values(), ["0", "1", "2"]);
    assert!(read.ended.is_empty());
}

#[test]
fn a_paused_partition_gives_nothing_and_loses_nothing() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "paused", 2);
    produce(&brokers, &topic, 0, numbers(0..2000));
    produce(&brokers, &topic, 1, numbers(0..2000));
    let bell = Bell::default();
    let mut source = open(&broker::source(&brokers, broker::topic(&topic)), &bell);
    let mut read = Collected::default();
    Source::<Collected>::pause(&mut source, 1, true).unwrap();
    read_while(&mut source, &bell, &mut read, |read| read.ended.contains(&0));
    assert!(read.records.iter().all(|record| record.split == 0));
    Source::<Collected>::pause(&mut source, 1, false).unwrap();
    read_while(&mut source, &bell, &mut read, |read| read.records.len() > 3000);
    Source::<Collected>::pause(&mut source, 1, true).unwrap();
    Source::<Collected>::pause(&mut source, 1, false).unwrap();
    assert!(read_while(&mut source, &bell, &mut read, |_| false));
    let offsets = read.records.iter().filter(|record| record.split == 1).map(|record| record.offset);
    assert_eq!(offsets.collect::<Vec<_>>(), (0..2000).collect::<Vec<_>>());
}

#[test]
fn a_restart_goes_on_at_the_committed_position_with_its_metadata() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "commit", 2);
    produce(&brokers, &topic, 0, numbers(0..10));
    produce(&brokers, &topic, 1, numbers(0..10));
    let mut config = broker::source(&brokers, broker::topic(&topic));
    config.start = KafkaStart::GroupOffsets;
    let bell = Bell::default();
    let mut first = open(&config, &bell);
    let splits = |source: &KafkaSource| Source::<Collected>::splits(source).to_vec();
    assert!(splits(&first).iter().all(|split| split.start == 0 && split.metadata.is_none()));
    for offset in [3, 7] {
        let position = Position { split: 1, offset, metadata: format!("watermark {offset}") };
        Source::<Collected>::commit(&mut first, &[position]).unwrap();
    }
    Source::<Collected>::close(&mut first, 10_000).unwrap();
    drop(first);

    let second = open(&config, &bell);
    assert_eq!((splits(&second)[0].start, &splits(&second)[0].metadata), (0, &None));
    assert_eq!((splits(&second)[1].start, &splits(&second)[1].metadata), (7, &Some("watermark 7".to_owned())));
    let read = read_to_end(&config, 0, 1);
    assert_eq!(read.records.iter().filter(|record| record.split == 1).count(), 3);
    config.start = KafkaStart::Earliest;
    assert_eq!(read_to_end(&config, 0, 1).records.len(), 20);
}

#[test]
fn a_partition_without_a_committed_position_starts_at_the_fallback() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "fallback", 1);
    produce(&brokers, &topic, 0, numbers(0..4));
    let mut config = broker::source(&brokers, broker::topic(&topic));
    config.start = KafkaStart::GroupOffsets;
    assert_eq!(read_to_end(&config, 0, 1).records.len(), 4);
    config.fallback = KafkaStart::Latest;
    assert_eq!(read_to_end(&config, 0, 1).records.len(), 0);
}

#[test]
fn a_committed_position_that_the_topic_no_longer_has_gives_way_to_the_fallback() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "recreated", 1);
    produce(&brokers, &topic, 0, numbers(0..4));
    let mut config = broker::source(&brokers, broker::topic(&topic));
    config.start = KafkaStart::GroupOffsets;
    let mut source = open(&config, &Bell::default());
    let position = Position { split: 0, offset: 1000, metadata: "of another topic".to_owned() };
    Source::<Collected>::commit(&mut source, &[position]).unwrap();
    Source::<Collected>::close(&mut source, 10_000).unwrap();
    let source = open(&config, &Bell::default());
    let split = &Source::<Collected>::splits(&source)[0];
    assert_eq!((split.start, &split.metadata), (0, &None));
}

fn restored(topic: &str, partition: i32, offset: i64) -> Restored {
    Restored { resource: topic.to_owned(), partition, offset, token: None }
}

#[test]
fn a_checkpoint_goes_on_at_its_offsets_whatever_the_start_and_what_was_committed() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "restored", 3);
    for partition in 0..3 {
        produce(&brokers, &topic, partition, numbers(0..5));
    }
    let mut config = broker::source(&brokers, broker::topic(&topic));
    config.start = KafkaStart::GroupOffsets;
    let mut before = open(&config, &Bell::default());
    let position = Position { split: 0, offset: 1, metadata: "committed".to_owned() };
    Source::<Collected>::commit(&mut before, &[position]).unwrap();
    Source::<Collected>::close(&mut before, 10_000).unwrap();
    for start in [KafkaStart::GroupOffsets, KafkaStart::Latest] {
        config.start = start;
        let at = [restored(&topic, 0, 3), restored(&topic, 2, 5), restored("another", 1, 1)];
        let bell = Bell::default();
        let mut source = KafkaSource::open(&config, 0, 1, &bell.waker(), Some(&at)).unwrap();
        let splits = Source::<Collected>::splits(&source).iter();
        assert_eq!(
            splits.map(|s| (s.start, s.metadata.clone())).collect::<Vec<_>>(),
            [(3, None), (0, None), (5, None)]
        );
        let mut read = Collected::default();
        assert!(read_while(&mut source, &bell, &mut read, |_| false));
        let mut offsets: Vec<_> = read.records.iter().map(|record| (record.split, record.offset)).collect();
        offsets.sort_unstable();
        assert_eq!(offsets, [(0, 3), (0, 4), (1, 0), (1, 1), (1, 2), (1, 3), (1, 4)]);
    }
}

#[test]
fn a_checkpoint_that_goes_on_at_records_that_are_not_there_is_an_error() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "retention", 1);
    produce(&brokers, &topic, 0, numbers(0..5));
    broker::delete_records_before(&brokers, &topic, 0, 3);
    let config = broker::source(&brokers, broker::topic(&topic));
    let error = |offset| {
        let opened = KafkaSource::open(&config, 0, 1, &Bell::default().waker(), Some(&[restored(&topic, 0, offset)]));
        opened.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        error(2),
        format!(
            "Kafka source: {topic}, partition 0: the checkpoint goes on at offset 2, the topic begins at 3: its retention has \
             removed records that the job has not read. Raise it, and start the job without the checkpoint."
        )
    );
    assert_eq!(
        error(6),
        format!(
            "Kafka source: {topic}, partition 0: the checkpoint goes on at offset 6, the topic ends at 5: it has been made \
             anew, or has lost records. Find out which, and start the job without the checkpoint."
        )
    );
}

#[test]
fn reading_can_start_at_a_time_or_at_the_end() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "times", 1);
    let producer: BaseProducer = client(&brokers).create().unwrap();
    for n in 0..10_i64 {
        let value = n.to_string();
        producer.send(BaseRecord::<(), _>::to(&topic).payload(&value).timestamp(1_700_000_000_000 + n * 1000)).unwrap();
    }
    producer.flush(TIMEOUT).unwrap();
    let mut config = broker::source(&brokers, broker::topic(&topic));
    for (start, expected) in [
        (KafkaStart::Timestamp(1_700_000_006_500), vec!["7", "8", "9"]),
        (KafkaStart::Timestamp(1_700_000_020_000), vec![]),
        (KafkaStart::Latest, vec![]),
    ] {
        config.start = start;
        assert_eq!(read_to_end(&config, 0, 1).values(), expected);
    }
    config.start = KafkaStart::Timestamp(1_700_000_009_000);
    assert_eq!(read_to_end(&config, 0, 1).records[0].timestamp, Some(1_700_000_009_000));
}

#[test]
fn a_pattern_finds_topics_by_their_whole_name() {
    let Some(brokers) = brokers() else { return };
    let prefix = unique("pattern");
    for suffix in ["-a", "-b", "-other"] {
        let topic = create_topic(&brokers, &format!("{prefix}{suffix}"), 1);
        produce(&brokers, &topic, 0, [suffix.to_owned()]);
    }
    let pattern = format!("{prefix}-[ab]-\\d+-\\d+");
    let read = read_to_end(&broker::source(&brokers, KafkaTopics::Pattern(pattern)), 0, 1);
    let mut values = read.values();
    values.sort_unstable();
    assert_eq!(values, ["-a", "-b"]);
    let none = open_error(&broker::source(&brokers, KafkaTopics::Pattern(prefix)));
    assert!(none.contains("matches"), "{none}");
}

#[test]
fn a_missing_topic_is_an_error_that_names_it() {
    let Some(brokers) = brokers() else { return };
    let error = open_error(&broker::source(&brokers, broker::topic("nowhere")));
    let expected =
        format!("Kafka source: topic \"nowhere\" does not exist at {brokers}. Create it, or correct its name.");
    assert_eq!(error, expected);
    let error = KafkaSink::open(&sink_config(&brokers, "nowhere")).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("Kafka sink: topic \"nowhere\" does not exist at"), "{error}");
}

#[test]
fn brokers_that_do_not_answer_are_named_with_the_cause() {
    if brokers().is_none() {
        return;
    }
    let error = open_error(&broker::source("127.0.0.1:1", broker::topic("any")));
    assert!(error.contains("no answer from 127.0.0.1:1 within 10 s"), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn an_unknown_property_is_an_error_that_names_it() {
    let mut config = broker::source("127.0.0.1:1", broker::topic("any"));
    set(&mut config.properties, "fetch.wiat.max.ms", "5");
    let error = open_error(&config);
    assert!(error.starts_with("Kafka source: property \"fetch.wiat.max.ms\":"), "{error}");
    let mut config = sink_config("127.0.0.1:1", "any");
    set(&mut config.properties, "lingre.ms", "5");
    let error = KafkaSink::open(&config).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("Kafka sink: property \"lingre.ms\":"), "{error}");
}

#[test]
fn a_property_that_would_break_the_guarantees_is_refused() {
    let mut config = broker::source("127.0.0.1:1", broker::topic("any"));
    set(&mut config.properties, "enable.auto.commit", "true");
    let error = open_error(&config);
    assert!(error.starts_with("Kafka source: property \"enable.auto.commit\" cannot be set:"), "{error}");
}

#[test]
fn records_are_written_with_keys_and_headers_and_become_durable_by_epoch() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "written", 2);
    let mut sink = KafkaSink::open(&sink_config(&brokers, &topic)).unwrap();
    assert_eq!(sink.durable_epochs(), 0);
    let mut records = broker::records(&["a".to_owned(), "b".to_owned()]);
    records.keys = Some(broker::cells(&["k1", "k2"]));
    records.headers = vec![("trace".to_owned(), broker::cells(&["t1", "t2"]))];
    broker::write_epoch(&mut sink, &records, 1);
    assert_eq!(sink.durable_epochs(), 1);
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 2);
    let read = read_to_end(&broker::source(&brokers, broker::topic(&topic)), 0, 1);
    let mut pairs: Vec<_> = read.records.iter().map(|r| (r.key.clone().unwrap(), r.value.clone().unwrap())).collect();
    pairs.sort();
    assert_eq!(pairs, [("k1".to_owned(), "a".to_owned()), ("k2".to_owned(), "b".to_owned())]);
}

#[test]
fn a_key_goes_to_the_partition_that_java_clients_choose() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "partitioner", 10);
    let mut sink = KafkaSink::open(&sink_config(&brokers, &topic)).unwrap();
    let mut records = broker::records(&["v".to_owned()]);
    records.keys = Some(broker::cells(&["21"]));
    broker::write_epoch(&mut sink, &records, 1);
    let config = broker::source(&brokers, broker::topic(&topic));
    // murmur2("21") is -973932308, as in Kafka's own tests.
    assert_eq!(read_to_end(&config, 0, 1).records[0].split, (-973_932_308_i32 & 0x7fff_ffff) as usize % 10);
}

#[test]
fn a_full_queue_takes_no_more_until_it_has_room() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "full", 1);
    let mut config = sink_config(&brokers, &topic);
    set(&mut config.properties, "queue.buffering.max.messages", "100");
    set(&mut config.properties, "linger.ms", "200");
    let mut sink = KafkaSink::open(&config).unwrap();
    let records = broker::records(&numbers(0..1000).collect::<Vec<_>>());
    assert_eq!(sink.write(&records, 0).unwrap(), 100);
    assert_eq!(sink.write(&records, 100).unwrap(), 0);
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 0);
    let deadline = Instant::now() + TIMEOUT;
    let mut from = 100;
    while from < 1000 {
        assert!(Instant::now() < deadline);
        sink.poll(0).unwrap();
        from += sink.write(&records, from).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    sink.begin_epoch().unwrap();
    while sink.durable_epochs() < 2 {
        assert!(Instant::now() < deadline);
        sink.poll(0).unwrap();
    }
    let read = read_to_end(&broker::source(&brokers, broker::topic(&topic)), 0, 1);
    assert_eq!(read.values(), numbers(0..1000).collect::<Vec<_>>());
}

#[test]
fn a_record_that_is_too_large_fails_the_sink_with_what_to_do() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "large", 1);
    let mut sink = KafkaSink::open(&sink_config(&brokers, &topic)).unwrap();
    let records = broker::records(&["x".repeat(2_000_000)]);
    let error = sink.write(&records, 0).unwrap_err().to_string();
    assert!(error.contains("a record of 2000000 bytes was refused") && error.contains("message.max.bytes"), "{error}");
    assert_eq!(sink.poll(0).unwrap_err().to_string(), error);
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 0);
}

#[test]
fn a_record_that_the_broker_refuses_fails_the_next_poll() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic_with(&brokers, "refused", 1, &[("max.message.bytes", "1000000")]);
    let mut config = sink_config(&brokers, &topic);
    // Larger than the topic takes, though not than the client may send.
    set(&mut config.properties, "message.max.bytes", "8000000");
    let mut sink = KafkaSink::open(&config).unwrap();
    assert_eq!(sink.write(&broker::records(&["x".repeat(4_000_000)]), 0).unwrap(), 1);
    let deadline = Instant::now() + TIMEOUT;
    let error = loop {
        assert!(Instant::now() < deadline);
        if let Err(error) = sink.poll(0) {
            break error.to_string();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!(
        error,
        format!(
            "Kafka sink: {topic}, partition 0: Broker: Message size too large. Raise message.max.bytes in the sink's \
             properties and max.message.bytes of the topic."
        )
    );
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 0);
}

#[test]
fn a_message_of_ten_megabytes_is_read() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "compressed", 1);
    let producer: BaseProducer =
        client(&brokers).set("message.max.bytes", "12000000").set("compression.codec", "zstd").create().unwrap();
    producer.send(BaseRecord::<(), _>::to(&topic).payload(&"y".repeat(10_000_000))).unwrap();
    producer.flush(TIMEOUT).unwrap();
    let read = read_to_end(&broker::source(&brokers, broker::topic(&topic)), 0, 1);
    assert_eq!(read.values()[0].len(), 10_000_000);
}

#[test]
fn a_tombstone_has_a_key_and_no_value() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "tombstone", 1);
    let producer: BaseProducer = client(&brokers).create().unwrap();
    producer.send(BaseRecord::<_, ()>::to(&topic).key("k")).unwrap();
    producer.send(BaseRecord::<(), _>::to(&topic).payload("")).unwrap();
    producer.flush(TIMEOUT).unwrap();
    let read = read_to_end(&broker::source(&brokers, broker::topic(&topic)), 0, 1);
    assert_eq!((read.records[0].key.as_deref(), &read.records[0].value), (Some("k"), &None));
    assert_eq!((&read.records[1].key, read.records[1].value.as_deref()), (&None, Some("")));
}

#[test]
fn polling_a_source_that_has_ended_says_so_again() {
    let Some(brokers) = brokers() else { return };
    let topic = create_topic(&brokers, "again", 1);
    let mut source = open(&broker::source(&brokers, broker::topic(&topic)), &Bell::default());
    let mut read = Collected::default();
    for _ in 0..2 {
        assert_eq!(source.poll(10, &mut read).unwrap(), Poll::End);
    }
    assert_eq!(read.ended, [0]);
}
