//! A sink and the records that it has not taken yet.

use std::collections::VecDeque;

use millrace_io::{Records, Sink, StagedFile};

use crate::counters::OperatorCounters;
use crate::{Error, ErrorCode, Result};
use std::sync::Arc;

/// Something that waits in the order in which it came: records, or the end of an epoch.
enum Pending {
    Records { records: Records, taken: usize },
    Barrier,
}

/// Holds back what a full sink refuses; while it holds anything, nothing that leads to it is to be run.
pub struct SinkWriter {
    /// The operator of the plan that it belongs to.
    pub operator: usize,
    step: String,
    sink: Box<dyn Sink>,
    pending: VecDeque<Pending>,
    /// Barriers that have come, whether or not the sink has been told.
    barriers: u64,
    counters: Arc<OperatorCounters>,
}

impl SinkWriter {
    pub fn new(operator: usize, step: String, sink: Box<dyn Sink>, counters: Arc<OperatorCounters>) -> Self {
        SinkWriter { operator, step, sink, pending: VecDeque::new(), barriers: 0, counters }
    }

    pub fn write(&mut self, records: Records) -> Result<()> {
        self.counters.bytes.add(records.values.bytes() as u64);
        self.pending.push_back(Pending::Records { records, taken: 0 });
        self.drain()
    }

    pub fn on_barrier(&mut self) {
        self.barriers += 1;
        self.pending.push_back(Pending::Barrier);
    }

    /// The sink is full.
    pub fn is_blocked(&self) -> bool {
        self.pending.iter().any(|p| matches!(p, Pending::Records { .. }))
    }

    /// Everything before the last barrier is durable.
    pub fn is_durable(&self) -> bool {
        self.sink.durable_epochs() >= self.barriers
    }

    /// Serves the sink and offers it what it refused before.
    pub fn poll(&mut self, now_ms: u64) -> Result<()> {
        self.sink.poll(now_ms).map_err(|e| Error::new(ErrorCode::Sink, e.to_string()).at(&self.step))?;
        self.drain()
    }

    /// Files of finished epochs that wait for their checkpoint to be committed.
    pub fn staged(&mut self) -> Vec<StagedFile> {
        self.sink.staged()
    }

    /// The first `epochs` epochs are committed.
    pub fn commit(&mut self, epochs: u64) -> Result<()> {
        self.sink.commit(epochs).map_err(|e| Error::new(ErrorCode::Sink, e.to_string()).at(&self.step))
    }

    /// Makes the sink finish its epochs as soon as it can.
    pub fn flush(&mut self) -> Result<()> {
        self.drain()?;
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
                    if *taken < records.values.len() {
                        return Ok(());
                    }
                }
            }
            pending.pop_front();
        }
        Ok(())
    }
}
