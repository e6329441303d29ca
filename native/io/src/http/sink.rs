//! Gathers rows for HTTP endpoints.

use std::sync::Arc;

use millrace_plan::{HttpShard, HttpSink as Config};

use super::batch::Batch;
use super::request::{HttpAnswer, HttpMailbox, HttpOutbox, HttpRequest};
use super::reshardings::Reshardings;
use super::shards::Shards;
use crate::epochs::Epochs;
use crate::outbox::Answered;
use crate::{Error, Outboxes, Records, Refused, Result, Sink, SinkPlace};

/// As errors name this connector.
const WHO: &str = "HTTP sink";

/// The header of a record that holds its version, where the body has a place for it.
const VERSION: &str = "version";

/// The requests of one slot. A row with a key goes to the shard of its key, one without to whichever is next; a shard that
/// does not answer holds back its own rows alone, until its buffer is full and one of them comes.
pub struct HttpSink {
    config: Config,
    id: Arc<str>,
    slot: usize,
    spread: Shards,
    /// By their numbers, those that have gone among them: they get no more rows, and what they were sent is waited for.
    shards: Vec<Shard>,
    /// The numbers of those that rows are spread over, as they stand in `spread`.
    live: Vec<usize>,
    /// Changes of shards that it has seen.
    changes: u64,
    /// Where rows without a key go until the batch there is complete.
    turn: usize,
    outbox: Arc<HttpOutbox>,
    reshardings: Arc<Reshardings>,
    mailbox: Arc<HttpMailbox>,
    epochs: Epochs,
    sequence: u64,
    now_ms: u64,
    refused: Vec<Refused>,
    /// The first failure; every call from then on ends with it.
    failure: Option<Error>,
}

struct Shard {
    weight: f64,
    /// It gets rows.
    is_live: bool,
    batch: Batch,
    /// When the first row of the batch came.
    since_ms: u64,
    /// Of requests, before compression.
    unanswered_bytes: usize,
    /// Rows without a key that it was given, for its weight.
    load: f64,
}

impl Shard {
    fn new(config: &Config) -> Shard {
        let batch = Batch::new(config.body);
        Shard { weight: 1.0, is_live: false, batch, since_ms: 0, unanswered_bytes: 0, load: 0.0 }
    }

    fn held_bytes(&self) -> usize {
        self.unanswered_bytes + self.batch.bytes()
    }

    /// A row may always come to one that holds nothing, however long it is.
    fn has_room(&self, bytes: usize, buffer_bytes: usize) -> bool {
        let held = self.held_bytes();
        held == 0 || held + bytes <= buffer_bytes
    }
}

impl HttpSink {
    pub fn open(config: &Config, place: &SinkPlace, outboxes: &Outboxes) -> HttpSink {
        let mut sink = HttpSink {
            spread: Shards::new([]),
            shards: Vec::new(),
            live: Vec::new(),
            changes: 0,
            turn: 0,
            config: config.clone(),
            id: place.id.as_str().into(),
            slot: place.slot,
            outbox: outboxes.http.clone(),
            reshardings: outboxes.reshardings.clone(),
            mailbox: Arc::new(HttpMailbox::new(place.waker.clone())),
            epochs: Epochs::default(),
            sequence: 0,
            now_ms: 0,
            refused: Vec::new(),
            failure: None,
        };
        match sink.reshardings.changed(&sink.id, &mut sink.changes) {
            Some(shards) => sink.spread_over(shards.iter().map(|(number, shard)| (*number, shard))),
            None => sink.spread_over(config.shards.iter().enumerate()),
        }
        // Slots begin at different ones.
        sink.turn = sink.live.get(place.slot % sink.live.len().max(1)).copied().unwrap_or(0);
        sink
    }

    /// From now on rows go to these, which stand with their numbers.
    fn spread_over<'a>(&mut self, shards: impl Iterator<Item = (usize, &'a HttpShard)> + Clone) {
        self.shards.iter_mut().for_each(|shard| shard.is_live = false);
        // One that is new has had its share until now.
        let load = self.live.iter().map(|&number| self.shards[number].load).fold(f64::INFINITY, f64::min);
        for (number, HttpShard { weight, .. }) in shards.clone() {
            let count = self.shards.len().max(number + 1);
            self.shards.resize_with(count, || Shard::new(&self.config));
            let shard = &mut self.shards[number];
            if !self.live.contains(&number) && load.is_finite() {
                shard.load = load;
            }
            (shard.is_live, shard.weight) = (true, *weight);
        }
        self.live = shards.clone().map(|(number, _)| number).collect();
        self.spread = Shards::new(shards.map(|(_, shard)| shard));
        if !self.live.contains(&self.turn) {
            self.turn = self.live.first().copied().unwrap_or(0);
        }
    }

    /// Takes over the shards that the host has told; what was gathered for those that go is sent to them.
    fn follow_shards(&mut self) -> Result<()> {
        let Some(shards) = self.reshardings.changed(&self.id, &mut self.changes) else { return Ok(()) };
        let stays = |number: &usize| shards.iter().any(|(other, _)| other == number);
        let gone: Vec<usize> = self.live.iter().copied().filter(|number| !stays(number)).collect();
        gone.into_iter().try_for_each(|number| self.cut(number))?;
        self.spread_over(shards.iter().map(|(number, shard)| (*number, shard)));
        Ok(())
    }

    /// The shard of the next row; `None` where it cannot be taken.
    fn shard_of(&mut self, key: Option<&[u8]>, is_keyed: bool, bytes: usize) -> Option<usize> {
        let buffer_bytes = self.config.buffer_bytes;
        let shard = if is_keyed { *self.live.get(self.spread.of(key.unwrap_or_default()))? } else { self.turn };
        if self.shards.get(shard).is_some_and(|shard| shard.is_live && shard.has_room(bytes, buffer_bytes)) {
            return Some(shard);
        }
        if is_keyed {
            return None;
        }
        self.turn = self.next_turn(bytes)?;
        Some(self.turn)
    }

    /// Of those that have room, the one that has had the least for its weight.
    fn next_turn(&mut self, bytes: usize) -> Option<usize> {
        let buffer_bytes = self.config.buffer_bytes;
        let with_room = self.shards.iter().enumerate();
        let with_room = with_room.filter(|(_, shard)| shard.is_live && shard.has_room(bytes, buffer_bytes));
        let next = with_room.min_by(|(_, one), (_, other)| one.load.total_cmp(&other.load)).map(|(index, _)| index)?;
        // Those that are full had their turn: they do not get all of it later.
        let load = self.shards[next].load;
        let full = self.shards.iter_mut().filter(|shard| !shard.has_room(bytes, buffer_bytes));
        full.for_each(|shard| shard.load = shard.load.max(load));
        Some(next)
    }

    /// Makes a request of what a shard has gathered.
    fn cut(&mut self, index: usize) -> Result<()> {
        let shard = &mut self.shards[index];
        if shard.batch.rows() == 0 {
            return Ok(());
        }
        let body = shard.batch.finish(self.config.compression);
        let body = body.map_err(|error| Error(format!("{WHO}: a body could not be made: {error}")))?;
        shard.unanswered_bytes += body.size;
        shard.load += body.rows() as f64 / shard.weight;
        self.epochs.add(1);
        let request = HttpRequest {
            sink: self.id.clone(),
            slot: self.slot,
            shard: index,
            epoch: self.epochs.current(),
            sequence: self.sequence,
            body,
        };
        self.sequence += 1;
        self.outbox.post(request, &self.mailbox);
        if index == self.turn {
            self.turn = self.next_turn(0).unwrap_or(index);
        }
        Ok(())
    }

    fn cut_all(&mut self) -> Result<()> {
        (0..self.shards.len()).try_for_each(|shard| self.cut(shard))
    }

    fn settle(&mut self, Answered { posted, answer }: Answered<HttpRequest, HttpAnswer>) {
        let request = &posted.request;
        self.epochs.settle(request.epoch);
        self.shards[request.shard].unanswered_bytes -= request.body.size;
        match answer {
            Ok(refused) => self.refused.extend(refused),
            Err(reason) => {
                self.failure.get_or_insert_with(|| Error(format!("{WHO}: {reason}")));
            }
        }
    }

    fn failed(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl Sink for HttpSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        self.failed()?;
        let version = records.headers.iter().find(|(name, _)| name == VERSION).map(|(_, cells)| cells);
        for row in from..records.values.len() {
            let value = records.value(row).unwrap_or_default();
            let key = records.keys.as_ref().and_then(|keys| keys.get(row));
            let Some(index) = self.shard_of(key, records.keys.is_some(), value.len()) else { return Ok(row - from) };
            let Config { batch_rows, batch_bytes, .. } = self.config;
            let shard = &mut self.shards[index];
            if shard.batch.rows() == 0 {
                shard.since_ms = self.now_ms;
                shard.batch.begin(records.schema.as_ref());
            }
            shard.batch.push(value, key, version.and_then(|cells| cells.get(row)));
            if shard.batch.rows() >= batch_rows || shard.batch.bytes() >= batch_bytes {
                self.cut(index)?;
            }
        }
        Ok(records.values.len().saturating_sub(from))
    }

    fn poll(&mut self, now_ms: u64) -> Result<()> {
        self.now_ms = now_ms;
        self.mailbox.take().into_iter().for_each(|answer| self.settle(answer));
        self.failed()?;
        self.follow_shards()?;
        for index in 0..self.shards.len() {
            if now_ms.saturating_sub(self.shards[index].since_ms) >= self.config.linger_ms {
                self.cut(index)?;
            }
        }
        Ok(())
    }

    fn next_poll_ms(&self) -> Option<u64> {
        let gathering = self.shards.iter().filter(|shard| shard.batch.rows() > 0);
        gathering.map(|shard| shard.since_ms + self.config.linger_ms).min()
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.cut_all()?;
        self.epochs.begin();
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        // What failed is never durable, so that no position after it is committed.
        if self.failure.is_some() { 0 } else { self.epochs.durable() }
    }

    fn fill(&self) -> f64 {
        let live = self.shards.iter().filter(|shard| shard.is_live);
        let fullest = live.map(Shard::held_bytes).max().unwrap_or(0);
        fullest as f64 / self.config.buffer_bytes as f64
    }

    fn flush(&mut self) -> Result<()> {
        self.cut_all()
    }

    fn take_refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
