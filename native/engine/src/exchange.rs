//! Brings rows to the slot that owns their key group: one bounded queue for each pair of slots.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{AsArray, UInt32Array};
use arrow::datatypes::UInt64Type;
use parking_lot::Mutex;

use crate::Result;
use crate::barrier::BarrierId;
use crate::batch::{Batch, internal};
use crate::counters::Counter;
use crate::key_group::{key_group, slot_of};
use crate::metrics::{ExchangeMetrics, QueueMetrics};
use crate::wake::Wakers;
use crate::watermarks::Watermark;

/// The column that holds the hash of each row's key.
pub const HASH_COLUMN: &str = "$hash";

/// A queue that holds this much takes nothing more until it is read. One batch may overshoot it.
const QUEUE_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub enum Message {
    Batch(Batch),
    Watermark(Watermark),
    Barrier(BarrierId),
}

/// What comes out of an exchange.
#[derive(Debug)]
pub struct Received {
    /// The slot that has sent it.
    pub from: usize,
    pub message: Message,
    /// When what it was made from was read, by the job's clock.
    pub read_ns: u64,
}

#[derive(Debug, Default)]
struct Queue {
    /// Messages and when what they were made from was read.
    messages: Mutex<VecDeque<(Message, u64)>>,
    bytes: AtomicUsize,
    /// The most that it has held.
    peak_bytes: AtomicUsize,
}

/// What has come to one slot.
#[derive(Debug, Default)]
struct Arrivals {
    rows: Counter,
    bytes: Counter,
}

/// Who gets what comes into an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// The slot that owns the row's key group.
    ByKey,
    EverySlot,
}

/// All queues between the two halves of one operator, shared by the slots.
#[derive(Debug)]
pub struct Exchange {
    slots: usize,
    max_parallelism: usize,
    distribution: Distribution,
    queues: Vec<Queue>,
    /// By slot.
    arrivals: Vec<Arrivals>,
    wakers: Arc<Wakers>,
}

impl Exchange {
    pub fn new(slots: usize, max_parallelism: usize, distribution: Distribution, wakers: Arc<Wakers>) -> Self {
        let queues = (0..slots * slots).map(|_| Queue::default()).collect();
        let arrivals = (0..slots).map(|_| Arrivals::default()).collect();
        Exchange { slots, max_parallelism, distribution, queues, arrivals, wakers }
    }

    fn queue(&self, from: usize, to: usize) -> &Queue {
        &self.queues[from * self.slots + to]
    }

    /// What has gone through it, all slots together.
    pub fn metrics(&self) -> ExchangeMetrics {
        let sum = |figure: fn(&Arrivals) -> u64| self.arrivals.iter().map(figure).sum();
        ExchangeMetrics { rows: sum(|arrivals| arrivals.rows.get()), bytes: sum(|arrivals| arrivals.bytes.get()) }
    }

    /// The rows that have come to each slot.
    pub fn rows_by_slot(&self) -> Vec<u64> {
        self.arrivals.iter().map(|arrivals| arrivals.rows.get()).collect()
    }

    /// How full its fullest queue is.
    pub fn queue_metrics(&self) -> QueueMetrics {
        let most = |figure: fn(&Queue) -> &AtomicUsize| {
            let bytes = self.queues.iter().map(|queue| figure(queue).load(Ordering::Relaxed)).max();
            bytes.unwrap_or(0) as f64 / QUEUE_BYTES as f64
        };
        QueueMetrics { now: most(|queue| &queue.bytes), peak: most(|queue| &queue.peak_bytes) }
    }

    fn push(&self, from: usize, to: usize, message: Message, read_ns: u64) {
        let queue = self.queue(from, to);
        if let Message::Batch(batch) = &message {
            let bytes = batch.bytes();
            let before = queue.bytes.fetch_add(bytes, Ordering::Relaxed);
            queue.peak_bytes.fetch_max(before + bytes, Ordering::Relaxed);
            self.arrivals[to].rows.add(batch.len() as u64);
            self.arrivals[to].bytes.add(bytes as u64);
        }
        queue.messages.lock().push_back((message, read_ns));
        self.wakers.wake(to);
    }

    fn pop(&self, from: usize, to: usize) -> Option<(Message, u64)> {
        let queue = self.queue(from, to);
        let (message, read_ns) = queue.messages.lock().pop_front()?;
        if let Message::Batch(batch) = &message {
            let bytes = batch.bytes();
            let before = queue.bytes.fetch_sub(bytes, Ordering::Relaxed);
            if before >= QUEUE_BYTES && before - bytes < QUEUE_BYTES {
                self.wakers.wake(from);
            }
        }
        Some((message, read_ns))
    }
}

/// One slot's way into an exchange.
pub struct Sender {
    exchange: Arc<Exchange>,
    slot: usize,
}

impl Sender {
    pub fn new(exchange: Arc<Exchange>, slot: usize) -> Self {
        Sender { exchange, slot }
    }

    /// Some queue is full: nothing that leads here is to be run.
    pub fn is_blocked(&self) -> bool {
        let full = |to| self.exchange.queue(self.slot, to).bytes.load(Ordering::Relaxed) >= QUEUE_BYTES;
        (0..self.exchange.slots).any(full)
    }

    /// Sends rows on, which were made from what was read at `read_ns`.
    pub fn send(&self, batch: Batch, read_ns: u64) -> Result<()> {
        if self.exchange.slots > 1 && self.exchange.distribution == Distribution::ByKey {
            return self.send_by_key(batch, read_ns);
        }
        self.tell_all(|| Message::Batch(batch.clone()), read_ns);
        Ok(())
    }

    /// Parts a batch by the hashes of its keys.
    fn send_by_key(&self, batch: Batch, read_ns: u64) -> Result<()> {
        let Exchange { slots, max_parallelism, .. } = *self.exchange;
        let hashes = batch.rows.column_by_name(HASH_COLUMN).ok_or_else(|| internal("a batch came without hashes"))?;
        let hashes = hashes.as_primitive_opt::<UInt64Type>().ok_or_else(|| internal("hashes are not uint64"))?;
        let mut rows: Vec<Vec<u32>> = vec![Vec::with_capacity(batch.len() / slots + 1); slots];
        for (row, &hash) in hashes.values().iter().enumerate() {
            rows[slot_of(key_group(hash, max_parallelism), max_parallelism, slots)].push(row as u32);
        }
        for (to, rows) in rows.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            self.exchange.push(self.slot, to, Message::Batch(batch.take(&UInt32Array::from(rows))?), read_ns);
        }
        Ok(())
    }

    pub fn watermark(&self, watermark: Watermark, read_ns: u64) {
        self.tell_all(|| Message::Watermark(watermark), read_ns);
    }

    pub fn barrier(&self, barrier: BarrierId, read_ns: u64) {
        self.tell_all(|| Message::Barrier(barrier), read_ns);
    }

    fn tell_all(&self, message: impl Fn() -> Message, read_ns: u64) {
        (0..self.exchange.slots).for_each(|to| self.exchange.push(self.slot, to, message(), read_ns));
    }
}

/// One slot's way out of an exchange.
pub struct ExchangeReceiver {
    exchange: Arc<Exchange>,
    slot: usize,
    /// Senders whose barrier has come: what they send next belongs behind it.
    held: Vec<bool>,
    next: usize,
}

impl ExchangeReceiver {
    pub fn new(exchange: Arc<Exchange>, slot: usize) -> Self {
        ExchangeReceiver { slot, held: vec![false; exchange.slots], next: 0, exchange }
    }

    /// The next message, the senders taking turns. A barrier comes out once, when all have sent it.
    pub fn receive(&mut self) -> Option<Received> {
        let slots = self.exchange.slots;
        for turn in 0..slots {
            let from = (self.next + turn) % slots;
            while !self.held[from] {
                match self.exchange.pop(from, self.slot) {
                    None => break,
                    Some((message @ Message::Barrier(_), read_ns)) => {
                        self.held[from] = true;
                        if self.held.iter().all(|&held| held) {
                            self.held.fill(false);
                            return Some(Received { from, message, read_ns });
                        }
                    }
                    Some((message, read_ns)) => {
                        self.next = (from + 1) % slots;
                        return Some(Received { from, message, read_ns });
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch, UInt64Array};

    use super::*;

    fn exchange(slots: usize) -> Arc<Exchange> {
        Arc::new(Exchange::new(slots, 128, Distribution::ByKey, Arc::new(Wakers::new(slots))))
    }

    fn batch(hashes: Vec<u64>) -> Batch {
        let keys: Int64Array = hashes.iter().map(|&h| h as i64).collect();
        let columns: Vec<(&str, arrow::array::ArrayRef)> =
            vec![("key", Arc::new(keys)), (HASH_COLUMN, Arc::new(UInt64Array::from(hashes)))];
        Batch { rows: RecordBatch::try_from_iter(columns).unwrap(), times: None, pane: None }
    }

    #[test]
    fn each_row_goes_to_the_slot_that_owns_its_key_group() {
        let exchange = exchange(2);
        Sender::new(exchange.clone(), 0).send(batch(vec![0, 63, 64, 127, 128]), 7).unwrap();
        let received = |slot| match ExchangeReceiver::new(exchange.clone(), slot).receive() {
            Some(Received { from: 0, message: Message::Batch(batch), read_ns: 7 }) => {
                batch.rows.column(1).as_primitive::<UInt64Type>().values().to_vec()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(received(0), [0, 63, 128]);
        assert_eq!(received(1), [64, 127]);
    }

    #[test]
    fn a_full_queue_blocks_its_sender_until_it_is_read() {
        let exchange = exchange(1);
        let sender = Sender::new(exchange.clone(), 0);
        let large = batch((0..100_000).collect());
        let sent = (1..).find(|_| {
            sender.send(large.clone(), 0).unwrap();
            sender.is_blocked()
        });
        assert!(sent.unwrap() * large.bytes() >= QUEUE_BYTES);
        let mut receiver = ExchangeReceiver::new(exchange, 0);
        receiver.receive().unwrap();
        assert!(!sender.is_blocked());
    }

    #[test]
    fn an_exchange_tells_what_came_to_each_slot_and_how_full_its_fullest_queue_was() {
        let exchange = exchange(2);
        let sent = batch(vec![0, 1, 2, 64]);
        Sender::new(exchange.clone(), 1).send(sent, 0).unwrap();
        assert_eq!(exchange.rows_by_slot(), [3, 1]);
        let ExchangeMetrics { rows, bytes } = exchange.metrics();
        assert!(rows == 4 && bytes > 0, "{rows} rows, {bytes} bytes");
        let full = exchange.queue_metrics();
        assert!(full.now > 0.0 && full.now == full.peak, "{full:?}");
        ExchangeReceiver::new(exchange.clone(), 0).receive().unwrap();
        ExchangeReceiver::new(exchange.clone(), 1).receive().unwrap();
        assert_eq!(exchange.queue_metrics(), QueueMetrics { now: 0.0, peak: full.peak });
    }

    #[test]
    fn what_a_sender_sends_after_a_barrier_waits_for_the_barriers_of_the_others() {
        let exchange = exchange(2);
        let (first, second) = (Sender::new(exchange.clone(), 0), Sender::new(exchange.clone(), 1));
        let mut receiver = ExchangeReceiver::new(exchange, 0);
        let mut received = || receiver.receive().map(|received| (received.from, received.message));
        first.barrier(1, 0);
        first.watermark(Watermark::END, 0);
        assert!(received().is_none());
        second.watermark(Watermark::NONE, 0);
        assert!(matches!(received(), Some((1, Message::Watermark(Watermark::NONE)))));
        second.barrier(1, 0);
        assert!(matches!(received(), Some((_, Message::Barrier(1)))));
        assert!(matches!(received(), Some((0, Message::Watermark(Watermark::END)))));
    }
}
