//! Gives rows to a driver, a batch at a time.

use std::collections::{HashMap, VecDeque};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use millrace_formats::{Rows, encoder};
use millrace_plan::{DriverSink as Config, Format};

use super::call::{Calling, Reply, Want};
use crate::epochs::Epochs;
use crate::{Error, Records, Refused, Result, Sink};

/// What one slot writes. Batches are given to the driver in their order, so many at a time; what is not answered is bounded.
pub struct DriverSink {
    config: Config,
    calling: Calling,
    gathered: Vec<RecordBatch>,
    gathered_rows: usize,
    since_ms: u64,
    /// Batches that wait for their turn, with their epochs.
    waiting: VecDeque<(u64, RecordBatch)>,
    /// By the number of the call.
    unanswered: HashMap<u64, (u64, RecordBatch)>,
    /// Rows that are waiting or not answered.
    sent_rows: usize,
    epochs: Epochs,
    now_ms: u64,
    refused: Vec<Refused>,
    /// The first failure; every call from then on ends with it.
    failure: Option<Error>,
}

impl DriverSink {
    pub fn open(config: &Config, calling: Calling) -> DriverSink {
        DriverSink {
            config: config.clone(),
            calling,
            gathered: Vec::new(),
            gathered_rows: 0,
            since_ms: 0,
            waiting: VecDeque::new(),
            unanswered: HashMap::new(),
            sent_rows: 0,
            epochs: Epochs::default(),
            now_ms: 0,
            refused: Vec::new(),
            failure: None,
        }
    }

    /// Makes batches of what is gathered: whole ones, or, with `all`, of everything.
    fn cut(&mut self, all: bool) -> Result<()> {
        if self.gathered_rows == 0 || (!all && self.gathered_rows < self.config.batch_rows) {
            return Ok(());
        }
        let gathered = std::mem::take(&mut self.gathered);
        let rows = match gathered.as_slice() {
            [only] => only.clone(),
            many => concat_batches(&many[0].schema(), many).map_err(|error| self.defect(&error))?,
        };
        let mut from = 0;
        while from < rows.num_rows() {
            let length = self.config.batch_rows.min(rows.num_rows() - from);
            if length < self.config.batch_rows && !all {
                self.gathered.push(rows.slice(from, length));
                break;
            }
            self.epochs.add(1);
            self.waiting.push_back((self.epochs.current(), rows.slice(from, length)));
            self.sent_rows += length;
            from += length;
        }
        self.gathered_rows = rows.num_rows() - from;
        self.since_ms = self.now_ms;
        self.send();
        Ok(())
    }

    fn send(&mut self) {
        while self.unanswered.len() < self.config.concurrency {
            let Some((epoch, rows)) = self.waiting.pop_front() else { return };
            let call = self.calling.call(Want::Write { rows: rows.clone() });
            self.unanswered.insert(call, (epoch, rows));
        }
    }

    fn settle(&mut self, call: u64, answer: super::call::Answer) -> Result<()> {
        let Some((epoch, rows)) = self.unanswered.remove(&call) else { return Ok(()) };
        let refused = match answer {
            Ok(Reply::Written(refused)) => refused,
            Ok(_) => return Err(self.defect("a write was answered with something else")),
            Err(reason) => return Err(Error(reason)),
        };
        self.sent_rows -= rows.num_rows();
        self.epochs.settle(epoch);
        self.note_refused(&rows, refused)
    }

    fn note_refused(&mut self, rows: &RecordBatch, refused: Vec<(u32, String)>) -> Result<()> {
        if refused.is_empty() {
            return Ok(());
        }
        let mut encoder = encoder(&Format::Json, rows.schema()).map_err(|error| self.defect(&error))?;
        for (row, reason) in refused {
            if row as usize >= rows.num_rows() {
                return Err(self.defect("a row was refused that was not written"));
            }
            let mut text = Rows::default();
            encoder.encode(&rows.slice(row as usize, 1), &mut text);
            let value = text.get(0).unwrap_or_default().to_vec();
            self.refused.push(Refused { by: self.config.driver.clone(), shard: 0, reason, value });
        }
        Ok(())
    }

    fn defect(&self, error: impl std::fmt::Display) -> Error {
        Error(format!("{} sink: {error}", self.config.driver))
    }

    fn failed(&self) -> Result<()> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl Sink for DriverSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        self.failed()?;
        let Some(rows) = &records.rows else { return Err(self.defect("rows came encoded")) };
        let room = self.config.buffer_rows.saturating_sub(self.gathered_rows + self.sent_rows);
        let taken = room.min(rows.num_rows().saturating_sub(from));
        if taken > 0 {
            if self.gathered_rows == 0 {
                self.since_ms = self.now_ms;
            }
            self.gathered.push(rows.slice(from, taken));
            self.gathered_rows += taken;
            self.cut(false)?;
        }
        Ok(taken)
    }

    fn poll(&mut self, now_ms: u64) -> Result<()> {
        self.now_ms = now_ms;
        let answers: Vec<_> = self.calling.answers().collect();
        for (call, answer) in answers {
            if let Err(error) = self.settle(call, answer) {
                self.failure.get_or_insert(error);
            }
        }
        self.failed()?;
        self.cut(now_ms.saturating_sub(self.since_ms) >= self.config.linger_ms)?;
        self.send();
        Ok(())
    }

    fn next_poll_ms(&self) -> Option<u64> {
        (self.gathered_rows > 0).then_some(self.since_ms + self.config.linger_ms)
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.cut(true)?;
        self.epochs.begin();
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        // What failed is never durable, so that no position after it is committed.
        if self.failure.is_some() { 0 } else { self.epochs.durable() }
    }

    fn fill(&self) -> f64 {
        (self.gathered_rows + self.sent_rows) as f64 / self.config.buffer_rows as f64
    }

    fn flush(&mut self) -> Result<()> {
        self.cut(true)
    }

    fn take_refused(&mut self) -> Vec<Refused> {
        std::mem::take(&mut self.refused)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
