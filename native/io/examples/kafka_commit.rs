//! Measures what exactly-once costs: `kafka_commit BROKERS TOPIC [PROPERTY=VALUE…]` writes epochs of 100 records and prints
//! how long their steps take.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_formats::Rows;
use millrace_io::{
    GroupPositions, KafkaTransactions, Records, Sink, TopicPosition, TransactionalKafkaSink, Transactions,
};

const EPOCHS: u64 = 500;
const RECORDS: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, properties @ ..] = arguments.as_slice() else {
        panic!("usage: kafka_commit BROKERS TOPIC [PROPERTY=VALUE…]")
    };
    let given = properties.iter().filter_map(|property| property.split_once('='));
    let mut properties = vec![("bootstrap.servers".to_owned(), brokers.clone())];
    properties.extend(given.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let transactions = Arc::new(KafkaTransactions::open(&properties, "kafka_commit").unwrap());
    let config = millrace_plan::KafkaSink { topic: topic.clone(), properties };
    let mut sink = TransactionalKafkaSink::open(&config, &transactions).unwrap();
    let mut records = Records { values: Rows::default(), ..Records::default() };
    for _ in 0..RECORDS {
        records.values.buffer().extend_from_slice(&[b'x'; 100]);
        records.values.end_row();
    }
    let position = TopicPosition { topic: topic.clone(), partition: 0, offset: 1, metadata: "checkpoint".into() };
    let positions = [GroupPositions { group: "kafka_commit".into(), positions: vec![position] }];
    let mut steps: [Vec<Duration>; 4] = Default::default();
    for epoch in 0..EPOCHS {
        let start = Instant::now();
        transactions.begin(epoch).unwrap();
        assert_eq!(sink.write(&records, 0).unwrap(), RECORDS);
        sink.begin_epoch().unwrap();
        let written = start.elapsed();
        transactions.flush(epoch).unwrap();
        let flushed = start.elapsed();
        transactions.commit(epoch, &positions).unwrap();
        let committed = start.elapsed();
        for (step, took) in steps.iter_mut().zip([written, flushed - written, committed - flushed, committed]) {
            step.push(took);
        }
    }
    for (step, took) in ["write", "flush", "commit", "all"].iter().zip(&mut steps) {
        took.sort();
        let at = |share: usize| took[took.len() * share / 100].as_secs_f64() * 1000.0;
        println!("{step}: median {:.1} ms, p90 {:.1} ms, p99 {:.1} ms", at(50), at(90), at(99));
    }
}
