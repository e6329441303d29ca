//! Writes bids to a topic at a rate, each of the moment it is written at: `kafka_feed BROKERS TOPIC PARTITIONS AUCTIONS RATE
//! SECONDS`; a rate of 0 is as fast as they are taken. Last comes one a minute later in each partition. In the end it prints how
//! many there were before these.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const RECORD_BYTES: usize = 231;
const BURST: u64 = 1000;
const CLOSING_MS: u128 = 60_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, numbers @ ..] = arguments.as_slice() else { panic!("usage: see the source") };
    let numbers: Vec<u64> = numbers.iter().map(|text| text.parse().unwrap()).collect();
    let &[partitions, auctions, rate, seconds] = numbers.as_slice() else { panic!("usage: see the source") };
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("compression.codec", "lz4")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", "200000")
        .create()
        .unwrap();
    let (start, mut sent, mut record) = (Instant::now(), 0, String::new());
    while start.elapsed() < Duration::from_secs(seconds) {
        let ahead = sent as f64 / rate as f64 - start.elapsed().as_secs_f64();
        if rate > 0 && ahead > 0.0 {
            producer.poll(Duration::ZERO);
            sleep(Duration::from_secs_f64(ahead).min(Duration::from_millis(5)));
            continue;
        }
        let now = now_ms();
        for _ in 0..BURST {
            bid(&mut record, sent, auctions, now);
            offer(&producer, topic, (sent % partitions) as i32, &record);
            sent += 1;
        }
    }
    // Every window of the others is over by them.
    for partition in 0..partitions {
        bid(&mut record, sent, auctions, now_ms() + CLOSING_MS);
        offer(&producer, topic, partition as i32, &record);
    }
    producer.flush(Duration::from_secs(60)).unwrap();
    println!("{sent}");
}

fn now_ms() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()
}

fn offer(producer: &BaseProducer, topic: &str, partition: i32, record: &str) {
    let mut next = BaseRecord::<(), str>::to(topic).partition(partition).payload(record);
    loop {
        match producer.send(next) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                producer.poll(Duration::from_millis(5));
                next = refused;
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
}

fn bid(record: &mut String, n: u64, auctions: u64, now: u128) {
    // Fibonacci hashing spreads numbers that follow each other.
    let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let (auction, bidder, price) = (bits % auctions, bits % 1_000_003, bits % 999_983 + 1);
    record.clear();
    write!(
        record,
        "{{\"auction\":{auction},\"bidder\":{bidder},\"price\":{price},\"channel\":\"channel-{}\",\
         \"url\":\"https://auctions.example/item/{auction}\",\"dateTime\":{now},\"extra\":\"",
        bidder % 100
    )
    .unwrap();
    while record.len() < RECORD_BYTES - 2 {
        record.push(char::from(b'a' + (record.len() % 26) as u8));
    }
    record.push_str("\"}");
}
