//! The operators of one slot, and what goes from one to the next.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::barrier::BarrierId;
use crate::batch::{Batch, Millis};
use crate::counters::OperatorCounters;
use crate::exchange::Sender;
use crate::job::Job;
use crate::lookup::SharedLookup;
use crate::operators::{Operator, Output};
use crate::sink_writer::SinkWriter;
use crate::watermarks::{Combined, Watermark};

/// What goes along an edge.
#[derive(Debug, Clone)]
pub enum Event {
    Batch(Batch),
    Watermark(Watermark),
    Barrier(BarrierId),
}

/// Where an edge ends: a node, and which of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    pub node: usize,
    pub input: usize,
}

pub enum Work {
    Operator(Box<dyn Operator>),
    /// The near half of an exchange.
    Send(Sender),
    /// The near half of a lookup.
    LookUp(SharedLookup),
}

impl Work {
    /// Its queue is full: nothing that leads here is to be run.
    pub fn is_blocked(&self) -> bool {
        match self {
            Work::Operator(_) => false,
            Work::Send(sender) => sender.is_blocked(),
            Work::LookUp(lookup) => lookup.borrow().is_blocked(),
        }
    }
}

pub struct Node {
    pub step: String,
    pub work: Work,
    /// What a sink writes to.
    pub writer: Option<Rc<RefCell<SinkWriter>>>,
    pub consumers: Vec<Port>,
    pub watermarks: Combined,
    pub inputs: usize,
    /// Where the rows that come and those that go are counted.
    pub counts_in: Arc<OperatorCounters>,
    pub counts_out: Arc<OperatorCounters>,
    /// Those of the operator of the plan that it is a part of.
    pub counters: Arc<OperatorCounters>,
    /// Rows end here: their latency is taken down.
    pub is_sink: bool,
    /// Its queue is full, and something was not run for that since the last look.
    pub is_full: bool,
    /// Inputs that the barrier on its way has come by.
    pub arrived: usize,
    /// The last barrier that has passed.
    pub passed: BarrierId,
}

impl Node {
    /// A node all of whose rows are counted for the operator of the plan that `counters` belong to.
    pub fn new(step: String, work: Work, counters: Arc<OperatorCounters>) -> Self {
        Node {
            step,
            work,
            writer: None,
            consumers: Vec::new(),
            watermarks: Combined::new(0),
            inputs: 0,
            counts_in: counters.clone(),
            counts_out: counters.clone(),
            counters,
            is_sink: false,
            is_full: false,
            arrived: 0,
            passed: 0,
        }
    }

    /// The rows that come are none of those that come to the operator.
    pub fn without_rows_in(self) -> Self {
        Node { counts_in: Arc::default(), ..self }
    }

    /// The rows that go are none of those that leave the operator.
    pub fn without_rows_out(self) -> Self {
        Node { counts_out: Arc::default(), ..self }
    }

    /// One more edge comes in.
    pub fn add_input(&mut self) -> usize {
        self.watermarks.add_inputs([Watermark::NONE]);
        self.inputs += 1;
        self.inputs - 1
    }

    /// Puts what the operator emitted on the stack, the first batch on top.
    pub fn forward(&self, output: &mut Output, stack: &mut Vec<Task>) {
        for batch in output.drain().rev() {
            self.counts_out.rows_out.add(batch.len() as u64);
            self.tell(&Event::Batch(batch), stack);
        }
    }

    pub fn tell(&self, event: &Event, stack: &mut Vec<Task>) {
        stack.extend(self.consumers.iter().map(|&port| Task::Deliver(port, event.clone())));
    }
}

/// What is still to be done in a slot.
pub enum Task {
    Deliver(Port, Event),
    /// The node has not said all it has to say about the watermark.
    Continue(usize, Watermark),
}

/// Rows that a task hands to its node.
pub struct Handed {
    rows: u64,
    /// The event time of the last.
    event: Option<Millis>,
}

impl Handed {
    pub fn by(task: &Task) -> Option<Handed> {
        let Task::Deliver(_, Event::Batch(batch)) = task else { return None };
        let event = batch.times.as_ref().and_then(|times| times.event.values().last().copied());
        Some(Handed { rows: batch.len() as u64, event })
    }

    /// Takes down how long after they were read, and after they happened, the rows have come to a sink.
    pub fn note_latency(&self, counters: &OperatorCounters, since_read_ns: u64, job: &Job) {
        counters.latency.record(since_read_ns / 1000, self.rows);
        if let Some(event) = self.event {
            let behind_ms = (job.environment.wall_clock_ms() as Millis).saturating_sub(event).max(0) as u64;
            counters.event_latency.record(behind_ms.saturating_mul(1000), self.rows);
        }
    }
}
