//! Operators: synchronous state machines. One file each, made in [`crate::graph`].

pub mod broadcast;
mod filter;
mod function;
pub mod keyed;
mod partition;
mod project;
mod sink;
pub mod state_lines;
mod table;
mod union;
pub mod window;

pub use filter::Filter;
pub use function::FunctionStep;
pub use partition::Partitions;
pub use project::{Project, Projection};
pub use sink::SinkStep;
pub use table::TableStep;
pub use union::Union;

use crate::Result;
use crate::barrier::BarrierReport;
use crate::batch::Batch;
use crate::watermarks::Watermark;

/// Whether an operator has said all it has to say about a watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Done,
    /// It has more to emit: call again with the same watermark, once downstream takes it.
    More,
}

/// What every operator does in its life. Calls come from one slot, never concurrently.
pub trait Operator {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()>;

    /// Event time has reached `watermark`, or what comes from upstream is idle: others may then be further. The watermark
    /// goes on downstream after this has said `Done`.
    fn on_watermark(&mut self, _watermark: Watermark, _out: &mut Output) -> Result<Progress> {
        Ok(Progress::Done)
    }

    /// Everything before the barrier has come. What is emitted up to and in this call goes on before the barrier; state is
    /// given to the backend.
    fn on_barrier(&mut self, _report: &mut BarrierReport, _out: &mut Output) -> Result<()> {
        Ok(())
    }
}

/// Where an operator puts what it emits during one call.
#[derive(Debug, Default)]
pub struct Output {
    batches: Vec<Batch>,
}

impl Output {
    pub fn emit(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.batches.push(batch);
        }
    }

    pub fn drain(&mut self) -> std::vec::Drain<'_, Batch> {
        self.batches.drain(..)
    }
}
