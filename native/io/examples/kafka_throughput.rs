//! Records per CPU second through the Kafka sink and source: `kafka_throughput BROKERS TOPIC RECORDS`. Writes so many
//! records of 231 bytes, lz4, to a topic that exists, and reads all of it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::thread::{current, park_timeout};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use millrace_formats::Rows;
use millrace_io::{Error, KafkaSink, KafkaSource, Poll, Receiver, Record, Records, Sink, Source};
use millrace_plan::{KafkaStart, KafkaTopics};

#[derive(Default)]
struct Count {
    records: u64,
    bytes: u64,
}

impl Receiver for Count {
    type Error = Error;

    fn record(&mut self, record: Record<'_>) -> Result<(), Error> {
        self.records += 1;
        self.bytes += record.value.map_or(0, <[u8]>::len) as u64;
        Ok(())
    }

    fn rows(&mut self, _: usize, _: i64, _: RecordBatch) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }
}

/// User and system time of the process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: Vec<f64> = stat.rsplit(')').next().unwrap().split(' ').filter_map(|field| field.parse().ok()).collect();
    (ticks[10] + ticks[11]) / 100.0
}

fn measure(what: &str, run: impl FnOnce() -> u64) {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let records = run() as f64;
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("{what}: {records} records, {:.0} records/CPU s, {:.0} records/s", records / cpu, records / wall);
}

fn produce(config: &millrace_plan::KafkaSink, count: u64) -> u64 {
    let mut sink = KafkaSink::open(config).unwrap();
    let mut rows = Rows::default();
    for n in 0..8192_u64 {
        let (auction, price) = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100_000, n.wrapping_mul(7919) % 1_000_000);
        let record = format!(
            "{{\"auction\":{auction},\"bidder\":{n},\"price\":{price},\"channel\":\"channel-{}\",\"url\":\"https://example.org/item/{auction}\"\
             ,\"dateTime\":{},\"extra\":\"",
            n % 100,
            1_700_000_000_000 + n
        );
        rows.buffer().extend_from_slice(format!("{record:x<229}\"}}").as_bytes());
        rows.end_row();
    }
    let records = Records { values: rows, ..Records::default() };
    let mut written = 0;
    while written < count {
        let mut from = 0;
        while from < records.values.len() {
            let taken = sink.write(&records, from).unwrap();
            from += taken;
            sink.poll(0).unwrap();
            if taken == 0 {
                park_timeout(Duration::from_millis(1));
            }
        }
        written += records.values.len() as u64;
    }
    sink.begin_epoch().unwrap();
    while sink.durable_epochs() == 0 {
        sink.poll(0).unwrap();
        park_timeout(Duration::from_millis(1));
    }
    written
}

fn consume(config: &millrace_plan::KafkaSource) -> u64 {
    let reader = current();
    let mut source = KafkaSource::open(config, 0, 1, &(Arc::new(move || reader.unpark()) as _)).unwrap();
    let mut count = Count::default();
    loop {
        match source.poll(8192, &mut count).unwrap() {
            Poll::More => {}
            Poll::Empty { .. } => park_timeout(Duration::from_secs(1)),
            Poll::End => return count.records,
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, count, more @ ..] = arguments.as_slice() else {
        panic!("usage: kafka_throughput BROKERS TOPIC RECORDS [PROPERTY=VALUE ...]");
    };
    let mut properties = vec![("bootstrap.servers".to_owned(), brokers.clone())];
    let mut sink = millrace_plan::KafkaSink { topic: topic.clone(), properties: properties.clone() };
    sink.properties.push(("compression.codec".to_owned(), "lz4".to_owned()));
    measure("sink", || produce(&sink, count.parse().unwrap()));
    properties.push(("group.id".to_owned(), "throughput".to_owned()));
    properties.extend(more.iter().filter_map(|p| p.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())));
    let source = millrace_plan::KafkaSource {
        topics: KafkaTopics::Names(vec![topic.clone()]),
        start: KafkaStart::Earliest,
        fallback: KafkaStart::Earliest,
        until_latest: true,
        properties,
    };
    for _ in 0..3 {
        measure("source", || consume(&source));
    }
}
