//! Writes records to a Kafka topic in the transactions of the process.

use std::sync::Arc;

use millrace_plan::KafkaSink as Config;

use super::sink::{check_headers, refusal, wait_for_topic};
use super::topic::Topic;
use super::transactions::{KafkaTransactions, turn};
use crate::{Records, Result, Sink};

/// One slot's part of the transactions: records are visible when their epoch is committed.
///
/// It is full until the transaction of its epoch has begun. Whether records are stored is asked of the transactions, so
/// that an epoch counts as durable as soon as it is closed.
pub struct TransactionalKafkaSink {
    name: String,
    /// By the producer that an epoch is written by.
    topics: [Topic; 2],
    transactions: Arc<KafkaTransactions>,
    epoch: u64,
}

impl TransactionalKafkaSink {
    /// Checks that the topic is there or is created on demand. Waits for the brokers, at most 10 s.
    pub fn open(config: &Config, transactions: &Arc<KafkaTransactions>) -> Result<TransactionalKafkaSink> {
        let Config { topic: name, properties } = config;
        transactions.check_properties(name, properties)?;
        let [even, odd] = transactions.producers();
        let topics = [Topic::new(even, name)?, Topic::new(odd, name)?];
        for topic in &topics {
            wait_for_topic(topic.producer(), name, transactions.brokers())?;
        }
        Ok(TransactionalKafkaSink { name: name.clone(), topics, transactions: transactions.clone(), epoch: 0 })
    }
}

impl Sink for TransactionalKafkaSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        check_headers(records)?;
        if !self.transactions.is_open(self.epoch) {
            return Ok(0);
        }
        let topic = &mut self.topics[turn(self.epoch)];
        let offered = topic.offer(records, from, self.epoch);
        if let Some(code) = offered.refused {
            let reason = refusal(records, from + offered.taken, code);
            return Err(self.transactions.refuse(self.epoch, &self.name, &reason, code));
        }
        Ok(offered.taken)
    }

    fn poll(&mut self, _now_ms: u64) -> Result<()> {
        self.transactions.serve()
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.epoch += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        self.epoch
    }

    fn fill(&self) -> f64 {
        self.topics[turn(self.epoch)].producer().fill()
    }

    fn flush(&mut self) -> Result<()> {
        self.transactions.serve()
    }
}
