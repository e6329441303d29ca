//! Producers of a process, with transactions and without.

use std::collections::VecDeque;
use std::sync::Arc;

use millrace_io::{Error, GroupPositions, Records, Result, Sink, TopicPosition, Transactions};
use xxhash_rust::xxh3::xxh3_64;

use super::broker::{Place, Position};
use super::fiber;
use super::process::{Order, Process};
use super::storage::SimulatedStore;
use super::world::{Client, Extent, SIMULATED, State};

/// Partitions of an output topic.
const PARTITIONS: u64 = 2;

/// Two producers that take turns, as the real ones do.
pub struct SimulatedTransactions {
    process: Arc<Process>,
    /// Clients of the world.
    turns: [usize; 2],
}

impl SimulatedTransactions {
    pub fn open(process: &Arc<Process>, id: &str) -> Result<Self> {
        let open = |turn: u64| {
            let (id, process_number) = (format!("{id}-{turn}"), process.number);
            let opened = process.call(&format!("takes over {id}"), move |state, extent| {
                // It cannot be done in part.
                if let Extent::Part(part) = extent
                    && part % 2 == 0
                {
                    return Ok(0);
                }
                let epoch = state.broker.take_over(&id);
                state.clients.push(client(process_number, Some((id, epoch))));
                Ok(state.clients.len() - 1)
            });
            opened.map_err(Error)
        };
        Ok(SimulatedTransactions { turns: [open(0)?, open(1)?], process: process.clone() })
    }

    fn turn(&self, epoch: u64) -> usize {
        self.turns[(epoch % 2) as usize]
    }

    fn client<T>(&self, epoch: u64, act: impl FnOnce(&mut Client) -> T) -> Result<T> {
        if self.process.is_dead() {
            return Err(Error(format!("{SIMULATED} the process is dead")));
        }
        let mut state = self.process.world.lock();
        let client = &mut state.clients[self.turn(epoch)];
        match &client.failure {
            Some(failure) => Err(Error(failure.clone())),
            None => Ok(act(client)),
        }
    }

    /// A call on behalf of the open transaction.
    fn call(
        &self,
        epoch: u64,
        what: &str,
        act: impl FnOnce(&mut State, &str, u64) -> std::result::Result<(), String> + Send + 'static,
    ) -> Result<()> {
        let (id, of) = self.client(epoch, |client| client.owner.clone())?.unwrap();
        let called = self.process.call(&format!("{what} of epoch {epoch}"), move |state, extent| match extent {
            Extent::Part(part) if part % 2 == 0 => Ok(()),
            _ => act(state, &id, of),
        });
        called.map_err(Error)
    }
}

impl Transactions for SimulatedTransactions {
    fn begin(&self, epoch: u64) -> Result<()> {
        self.client(epoch, |client| client.open = Some(epoch))
    }

    fn flush(&self, epoch: u64) -> Result<()> {
        if self.process.order == Order::BeginBeforeFlush {
            self.begin(epoch + 1)?;
        }
        while self.client(epoch, |client| !client.buffer.is_empty())? {
            fiber::pause();
        }
        Ok(())
    }

    fn commit(&self, epoch: u64, positions: &[GroupPositions]) -> Result<()> {
        let is_ready = |client: &mut Client| client.open == Some(epoch) && client.buffer.is_empty();
        assert!(self.client(epoch, is_ready)?, "epoch {epoch} is committed before it is flushed");
        let positions: Vec<(Place, Position)> = positions.iter().flat_map(places).collect();
        let commit = |state: &mut State, id: &str, of| state.broker.commit(id, of);
        if self.process.order == Order::PositionsOutsideOfTransaction {
            self.call(epoch, "commits the transaction", commit)?;
            self.call(epoch, "commits the positions", move |state, _, _| {
                positions.into_iter().for_each(|(place, position)| state.broker.set_position(place, position));
                Ok(())
            })?;
        } else {
            self.call(epoch, "adds the positions", |state, id, of| state.broker.add_positions(id, of, positions))?;
            self.call(epoch, "commits the transaction", commit)?;
        }
        let put = SimulatedStore(self.process.clone()).put_deferred();
        put.map_err(|failure| Error(failure.text))?;
        self.client(epoch, |client| client.open = client.open.filter(|&open| open != epoch))
    }
}

fn places(of: &GroupPositions) -> impl Iterator<Item = (Place, Position)> {
    let place = |at: &TopicPosition| (of.group.clone(), at.topic.clone(), at.partition);
    let position = |at: &TopicPosition| Position { offset: at.offset, metadata: at.metadata.clone() };
    of.positions.iter().map(move |at| (place(at), position(at)))
}

fn client(process: u64, owner: Option<(String, u64)>) -> Client {
    Client { process, owner, open: None, failure: None, buffer: VecDeque::new(), sent: 0, stored: 0 }
}

/// Takes some of the records.
fn send(client: &mut Client, topic: &str, records: &Records, from: usize, at_most: u64) -> usize {
    let rows = from..records.values.len().min(from + at_most as usize);
    for row in rows.clone() {
        let value = records.values.get(row).unwrap_or_default().to_vec();
        client.buffer.push_back(((topic.to_owned(), xxh3_64(&value) % PARTITIONS), value));
        client.sent += 1;
    }
    rows.len()
}

/// One slot's part of the transactions.
pub struct TransactionalSink {
    topic: String,
    transactions: Arc<SimulatedTransactions>,
    epoch: u64,
}

impl TransactionalSink {
    pub fn new(topic: &str, transactions: &Arc<SimulatedTransactions>) -> Self {
        TransactionalSink { topic: topic.into(), transactions: transactions.clone(), epoch: 0 }
    }
}

impl Sink for TransactionalSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        let at_most = self.transactions.process.world.lock().random.pick(&[0, 3, 1000, 1000]);
        let (epoch, topic) = (self.epoch, &self.topic);
        self.transactions.client(epoch, |client| match client.open {
            Some(open) if open == epoch => send(client, topic, records, from, at_most),
            _ => 0,
        })
    }

    fn poll(&mut self, _now_ms: u64) -> Result<()> {
        (0..2).try_for_each(|turn| self.transactions.client(turn, |_| ()))
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.epoch += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        self.epoch
    }

    fn flush(&mut self) -> Result<()> {
        self.poll(0)
    }
}

/// A producer without transactions.
pub struct PlainSink {
    topic: String,
    process: Arc<Process>,
    client: usize,
    /// Records that were sent when each epoch was closed.
    epochs: Vec<u64>,
}

impl PlainSink {
    pub fn new(topic: &str, process: &Arc<Process>) -> Self {
        let mut state = process.world.lock();
        state.clients.push(client(process.number, None));
        let client = state.clients.len() - 1;
        drop(state);
        PlainSink { topic: topic.into(), process: process.clone(), client, epochs: Vec::new() }
    }
}

impl Sink for PlainSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        let mut state = self.process.world.lock();
        let at_most = state.random.pick(&[0, 3, 1000, 1000]);
        Ok(send(&mut state.clients[self.client], &self.topic, records, from, at_most))
    }

    fn poll(&mut self, _now_ms: u64) -> Result<()> {
        self.process.world.lock().clients[self.client].failure.clone().map_or(Ok(()), |failure| Err(Error(failure)))
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.epochs.push(self.process.world.lock().clients[self.client].sent);
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        let stored = self.process.world.lock().clients[self.client].stored;
        self.epochs.iter().filter(|&&sent| sent <= stored).count() as u64
    }

    fn flush(&mut self) -> Result<()> {
        self.poll(0)
    }
}
