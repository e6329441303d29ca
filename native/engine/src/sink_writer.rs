//! A sink and the records that it has not taken yet.

use std::collections::VecDeque;

use millrace_io::{Records, Sink, StagedFile};
use millrace_plan::Guarantee;

use crate::bad_records::BadRecords;
use crate::counters::OperatorCounters;
use crate::{Error, ErrorCode, Result};
use std::sync::Arc;

/// Something that waits in the order in which it came: records, or the end of an epoch.
enum Pending {
    Records { records: Records, taken: usize },
    Barrier,
}

/// So much may be held until the next checkpoint; more asks for it at once.
const HELD_BYTES: usize = 32 << 20;

/// Holds back what a full sink refuses; while it holds anything of that, nothing that leads to it is to be run.
///
/// At most once, it holds everything back until the checkpoint that it belongs to is committed.
pub struct SinkWriter {
    /// The operator of the plan that it belongs to.
    pub operator: usize,
    step: String,
    sink: Box<dyn Sink>,
    pending: VecDeque<Pending>,
    /// What waits for its checkpoint; `None` where nothing does.
    held: Option<VecDeque<Pending>>,
    held_bytes: usize,
    /// Barriers that have come, whether or not the sink has been told, and those of them that are not held.
    barriers: u64,
    released: u64,
    counters: Arc<OperatorCounters>,
    /// What becomes of rows that the sink's other side refuses. Its own epochs end whenever something has been written.
    pub refused: BadRecords,
}

impl SinkWriter {
    pub fn new(
        operator: usize,
        step: String,
        sink: Box<dyn Sink>,
        guarantee: Guarantee,
        counters: Arc<OperatorCounters>,
    ) -> Self {
        let held = (guarantee == Guarantee::AtMostOnce).then(VecDeque::new);
        let pending = VecDeque::new();
        let refused = BadRecords::Fail;
        SinkWriter { operator, step, sink, pending, held, held_bytes: 0, barriers: 0, released: 0, counters, refused }
    }

    pub fn write(&mut self, records: Records) -> Result<()> {
        let bytes = records.bytes();
        self.counters.bytes.add(bytes as u64);
        let records = Pending::Records { records, taken: 0 };
        match &mut self.held {
            Some(held) => {
                self.held_bytes += bytes;
                held.push_back(records);
                Ok(())
            }
            None => {
                self.pending.push_back(records);
                self.drain()
            }
        }
    }

    pub fn on_barrier(&mut self) {
        self.barriers += 1;
        match &mut self.held {
            Some(held) => held.push_back(Pending::Barrier),
            None => {
                self.released += 1;
                self.pending.push_back(Pending::Barrier);
            }
        }
    }

    /// So much waits for a checkpoint that the next one had better come now.
    pub fn wants_barrier(&self) -> bool {
        self.held_bytes > HELD_BYTES
    }

    /// The sink is full.
    pub fn is_blocked(&self) -> bool {
        self.pending.iter().any(|p| matches!(p, Pending::Records { .. }))
    }

    /// Everything before the last barrier is durable, but for what is held until the barrier's checkpoint is committed.
    pub fn is_durable(&self) -> bool {
        self.sink.durable_epochs() >= self.released && self.refused_are_durable()
    }

    /// Everything before the last barrier is durable.
    pub fn is_done(&self) -> bool {
        self.sink.durable_epochs() >= self.barriers && self.refused_are_durable()
    }

    fn refused_are_durable(&self) -> bool {
        self.refused.writer().is_none_or(|writer| writer.borrow().is_done())
    }

    /// When it wants to be polled, even where nothing else happens.
    pub fn next_poll_ms(&self) -> Option<u64> {
        self.sink.next_poll_ms()
    }

    /// Serves the sink and offers it what it refused before.
    pub fn poll(&mut self, now_ms: u64) -> Result<()> {
        self.counters.fill.set(self.sink.fill());
        self.sink.poll(now_ms).map_err(|e| Error::new(ErrorCode::Sink, e.to_string()).at(&self.step))?;
        self.see_to_refused(now_ms)?;
        self.drain()
    }

    /// What was refused counts as durable in the sink, so this comes before anybody asks.
    fn see_to_refused(&mut self, now_ms: u64) -> Result<()> {
        let refused = self.sink.take_refused();
        for row in &refused {
            self.refused.refuse(row, &self.counters).map_err(|error| error.at(&self.step))?;
        }
        let Some(writer) = self.refused.writer() else { return Ok(()) };
        let mut writer = writer.borrow_mut();
        if !refused.is_empty() {
            writer.on_barrier();
        }
        writer.poll(now_ms)
    }

    /// Counts time that was spent for the sink outside of its operator.
    pub fn add_busy_ns(&self, busy_ns: u64) {
        self.counters.busy_ns.add(busy_ns);
    }

    /// Files of finished epochs that wait for their checkpoint to be committed.
    pub fn staged(&mut self) -> Vec<StagedFile> {
        self.sink.staged()
    }

    /// The first `epochs` epochs are committed.
    pub fn commit(&mut self, epochs: u64) -> Result<()> {
        while let Some(held) = self.held.as_mut().filter(|_| self.released < epochs) {
            let Some(next) = held.pop_front() else { break };
            match &next {
                Pending::Barrier => self.released += 1,
                Pending::Records { records, .. } => self.held_bytes -= records.bytes(),
            }
            self.pending.push_back(next);
        }
        self.drain()?;
        self.sink.commit(epochs).map_err(|e| Error::new(ErrorCode::Sink, e.to_string()).at(&self.step))
    }

    /// Makes the sink finish its epochs as soon as it can.
    pub fn flush(&mut self) -> Result<()> {
        self.drain()?;
        if let Some(writer) = self.refused.writer() {
            writer.borrow_mut().flush()?;
        }
        self.sink.flush().map_err(|e| Error::new(ErrorCode::Sink, e.to_string()).at(&self.step))
    }

    fn drain(&mut self) -> Result<()> {
        let SinkWriter { step, sink, pending, .. } = self;
        let failed = |e: millrace_io::Error| Error::new(ErrorCode::Sink, e.to_string()).at(step);
        while let Some(first) = pending.front_mut() {
            match first {
                Pending::Barrier => sink.begin_epoch().map_err(failed)?,
                Pending::Records { records, taken } => {
                    *taken += sink.write(records, *taken).map_err(failed)?;
                    if *taken < records.len() {
                        return Ok(());
                    }
                }
            }
            pending.pop_front();
        }
        Ok(())
    }
}
