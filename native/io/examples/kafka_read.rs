//! Reads a whole topic and prints how many records it holds: `kafka_read BROKERS TOPIC`. The bench's bound: what reading
//! by librdkafka costs when nothing is done with the records.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::thread::{current, park_timeout};
use std::time::Duration;

use arrow::array::RecordBatch;
use millrace_io::{Error, KafkaSource, Poll, Receiver, Record, Source};
use millrace_plan::{KafkaStart, KafkaTopics};

struct Count(u64);

impl Receiver for Count {
    type Error = Error;

    fn record(&mut self, _: Record<'_>) -> Result<(), Error> {
        self.0 += 1;
        Ok(())
    }

    fn rows(&mut self, _: usize, _: i64, _: RecordBatch) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic] = arguments.as_slice() else { panic!("usage: kafka_read BROKERS TOPIC") };
    let config = millrace_plan::KafkaSource {
        topics: KafkaTopics::Names(vec![topic.clone()]),
        start: KafkaStart::Earliest,
        fallback: KafkaStart::Earliest,
        until_latest: true,
        properties: vec![("bootstrap.servers".into(), brokers.clone()), ("group.id".into(), "kafka_read".into())],
    };
    let reader = current();
    let mut source = KafkaSource::open(&config, 0, 1, &(Arc::new(move || reader.unpark()) as _), None).unwrap();
    let mut count = Count(0);
    loop {
        match source.poll(8192, &mut count).unwrap() {
            Poll::More => {}
            Poll::Empty { .. } => park_timeout(Duration::from_secs(1)),
            Poll::End => break,
        }
    }
    println!("{}", count.0);
}
