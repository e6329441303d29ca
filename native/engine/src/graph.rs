//! The operators of one slot and how events go through them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::Result;
use crate::barrier::{BarrierId, BarrierReport};
use crate::batch::{Batch, Millis, NO_WATERMARK};
use crate::counters::OperatorCounters;
use crate::exchange::{ExchangeReceiver, Message, Sender};
use crate::job::Job;
use crate::operators::{Operator, Output, Progress};
use crate::sink_writer::SinkWriter;
use crate::source::SourceInput;
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
    /// Inputs that the barrier on its way has come by.
    pub arrived: usize,
    /// The last barrier that has passed.
    pub passed: BarrierId,
}

impl Node {
    pub fn new(step: String, work: Work, counts_in: Arc<OperatorCounters>, counts_out: Arc<OperatorCounters>) -> Self {
        Node {
            step,
            work,
            writer: None,
            consumers: Vec::new(),
            watermarks: Combined::new(0),
            inputs: 0,
            counts_in,
            counts_out,
            arrived: 0,
            passed: 0,
        }
    }

    /// One more edge comes in.
    pub fn add_input(&mut self) -> usize {
        self.watermarks.add_inputs([Watermark::NONE]);
        self.inputs += 1;
        self.inputs - 1
    }
}

pub enum Origin {
    Source(SourceInput),
    Exchange { receiver: ExchangeReceiver, watermarks: Combined },
}

/// Something that events come from, and those of its events that are still on their way.
pub struct Input {
    pub origin: Origin,
    pub consumers: Vec<Port>,
    /// The last is next.
    stack: Vec<Task>,
    /// Nodes, and sinks among them, that its events can get to within the slot.
    pub reach: Reach,
    /// The last barrier that came out of it.
    barrier: BarrierId,
}

#[derive(Default)]
pub struct Reach {
    pub nodes: Vec<usize>,
    pub writers: Vec<Rc<RefCell<SinkWriter>>>,
}

enum Task {
    Deliver(Port, Event),
    /// The node has not said all it has to say about the watermark.
    Continue(usize, Watermark),
}

/// What came of running an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    Something,
    Nothing,
    /// Something downstream is full.
    Blocked,
}

pub struct Graph {
    pub nodes: Vec<Node>,
    /// Those further downstream first, so that what is in the slot leaves it before more comes in.
    pub inputs: Vec<Input>,
    pub writers: Vec<Rc<RefCell<SinkWriter>>>,
    pub report: BarrierReport,
    windows: Vec<RestoredWindows>,
    output: Output,
}

/// What a windowed aggregation has to know of the run before.
pub struct RestoredWindows {
    /// The sources upstream, by their index in the plan.
    pub sources: Vec<usize>,
    /// Windows whose results had all been emitted by this watermark are not emitted again.
    pub emitted: Rc<Cell<Millis>>,
}

impl Input {
    pub fn new(origin: Origin, consumers: Vec<Port>) -> Self {
        Input { origin, consumers, stack: Vec::new(), reach: Reach::default(), barrier: 0 }
    }

    /// Puts events on the stack, first to last, for every consumer.
    fn push(&mut self, events: impl DoubleEndedIterator<Item = Event>) {
        for event in events.rev() {
            for &port in &self.consumers {
                self.stack.push(Task::Deliver(port, event.clone()));
            }
        }
    }
}

impl Graph {
    pub fn new(
        nodes: Vec<Node>,
        inputs: Vec<Input>,
        writers: Vec<Rc<RefCell<SinkWriter>>>,
        windows: Vec<RestoredWindows>,
    ) -> Self {
        let report = BarrierReport::default();
        Graph { nodes, inputs, writers, report, windows, output: Output::default() }
    }

    pub fn sources(&self) -> impl Iterator<Item = &SourceInput> {
        self.inputs.iter().filter_map(|input| match &input.origin {
            Origin::Source(source) => Some(source),
            Origin::Exchange { .. } => None,
        })
    }

    pub fn for_each_source(&mut self, mut act: impl FnMut(&mut SourceInput) -> Result<()>) -> Result<()> {
        for input in &mut self.inputs {
            if let Origin::Source(source) = &mut input.origin {
                let result = act(source);
                source.at(result)?;
            }
        }
        Ok(())
    }

    /// Takes over what the run before had emitted, by source.
    pub fn restore(&mut self, emitted: &BTreeMap<usize, Millis>) {
        for window in &self.windows {
            let known = window.sources.iter().filter_map(|source| emitted.get(source)).max();
            window.emitted.set(known.copied().unwrap_or(NO_WATERMARK));
        }
    }

    /// Some sink has records that it has not taken or not made durable.
    pub fn has_unfinished_writes(&self) -> bool {
        self.writers.iter().any(|writer| writer.borrow().is_blocked() || !writer.borrow().is_done())
    }

    /// Runs what is on the stack of an input; if that is empty, takes in more. Sources send `barrier` if they have not.
    pub fn run(&mut self, index: usize, job: &Job, barrier: BarrierId, now_ms: u64) -> Result<Ran> {
        let finished = self.run_stack(index)?;
        if !finished || self.is_blocked(index) {
            if let Origin::Source(source) = &mut self.inputs[index].origin {
                source.held_back(now_ms);
            }
            return Ok(Ran::Blocked);
        }
        if !self.take_in(index, job, barrier, now_ms)? {
            return Ok(Ran::Nothing);
        }
        Ok(if self.run_stack(index)? { Ran::Something } else { Ran::Blocked })
    }

    /// Everything that came in has been worked off.
    pub fn is_drained(&self, index: usize) -> bool {
        self.inputs[index].stack.is_empty()
    }

    /// A barrier has passed every node.
    pub fn has_passed(&self, barrier: BarrierId) -> bool {
        self.nodes.iter().all(|node| node.passed >= barrier)
    }

    /// Moves the next events of an input to its stack; false: there are none.
    fn take_in(&mut self, index: usize, job: &Job, barrier: BarrierId, now_ms: u64) -> Result<bool> {
        let Graph { inputs, nodes, report, .. } = self;
        let input = &mut inputs[index];
        let waits = |node: &Node| node.passed < input.barrier;
        let held = match &input.origin {
            // The barrier waits somewhere for another input: what follows it has to wait too.
            Origin::Source(_) => input.reach.nodes.iter().any(|&node| waits(&nodes[node])),
            // The state of the slot is taken down once the barrier has passed all of it, and what follows would change it.
            Origin::Exchange { .. } => nodes.iter().any(waits),
        };
        if held {
            return Ok(false);
        }
        let mut events = Vec::new();
        match &mut input.origin {
            Origin::Source(source) => {
                if barrier > input.barrier {
                    input.barrier = barrier;
                    report.sources.push(source.on_barrier());
                    events.push(Event::Barrier(barrier));
                } else if !job.is_stopping() && input.barrier < job.barriers.last() {
                    let polled = source.poll(job, now_ms, &mut events);
                    source.at(polled)?;
                }
            }
            Origin::Exchange { receiver, watermarks } => match receiver.receive() {
                None => {}
                Some((_, Message::Batch(batch))) => events.push(Event::Batch(batch)),
                Some((from, Message::Watermark(watermark))) => match watermarks.update(from, watermark) {
                    Some(watermark) => events.push(Event::Watermark(watermark)),
                    // Nothing to tell, but something was read.
                    None => return Ok(true),
                },
                Some((_, Message::Barrier(barrier))) => {
                    input.barrier = barrier;
                    events.push(Event::Barrier(barrier));
                }
            },
        }
        let some = !events.is_empty();
        input.push(events.into_iter());
        Ok(some)
    }

    fn is_blocked(&self, index: usize) -> bool {
        let reach = &self.inputs[index].reach;
        let full = |&node: &usize| matches!(&self.nodes[node].work, Work::Send(sender) if sender.is_blocked());
        reach.writers.iter().any(|writer| writer.borrow().is_blocked()) || reach.nodes.iter().any(full)
    }

    /// Works off the stack of an input; false: something downstream is full.
    fn run_stack(&mut self, index: usize) -> Result<bool> {
        while !self.inputs[index].stack.is_empty() {
            if self.is_blocked(index) {
                return Ok(false);
            }
            let Some(task) = self.inputs[index].stack.pop() else { break };
            let node = match &task {
                Task::Deliver(port, _) => port.node,
                Task::Continue(node, _) => *node,
            };
            let done = self.run_task(index, task);
            done.map_err(|error| error.at(&self.nodes[node].step))?;
        }
        Ok(true)
    }

    fn run_task(&mut self, index: usize, task: Task) -> Result<()> {
        match task {
            Task::Deliver(port, Event::Batch(batch)) => self.deliver_batch(index, port, batch),
            Task::Deliver(port, Event::Watermark(watermark)) => {
                match self.nodes[port.node].watermarks.update(port.input, watermark) {
                    Some(watermark) => self.deliver_watermark(index, port.node, watermark),
                    None => Ok(()),
                }
            }
            Task::Deliver(port, Event::Barrier(barrier)) => self.deliver_barrier(index, port.node, barrier),
            Task::Continue(node, watermark) => self.deliver_watermark(index, node, watermark),
        }
    }

    fn deliver_batch(&mut self, index: usize, port: Port, batch: Batch) -> Result<()> {
        let Graph { nodes, inputs, output, .. } = self;
        let node = &mut nodes[port.node];
        match &mut node.work {
            Work::Send(sender) => return sender.send(batch),
            Work::Operator(operator) => {
                node.counts_in.rows_in.add(batch.len() as u64);
                operator.on_batch(batch, output)?;
            }
        }
        node.forward(output, &mut inputs[index].stack);
        Ok(())
    }

    fn deliver_watermark(&mut self, index: usize, node: usize, watermark: Watermark) -> Result<()> {
        let Graph { nodes, inputs, output, .. } = self;
        let stack = &mut inputs[index].stack;
        let at = node;
        let node = &mut nodes[node];
        match &mut node.work {
            Work::Send(sender) => sender.watermark(watermark),
            Work::Operator(operator) => {
                match operator.on_watermark(watermark, output)? {
                    Progress::More => stack.push(Task::Continue(at, watermark)),
                    Progress::Done => node.tell(&Event::Watermark(watermark), stack),
                }
                node.forward(output, stack);
            }
        }
        Ok(())
    }

    fn deliver_barrier(&mut self, index: usize, node: usize, barrier: BarrierId) -> Result<()> {
        let Graph { nodes, inputs, report, output, .. } = self;
        let stack = &mut inputs[index].stack;
        let node = &mut nodes[node];
        node.arrived += 1;
        if node.arrived < node.inputs {
            return Ok(());
        }
        node.arrived = 0;
        node.passed = barrier;
        match &mut node.work {
            Work::Send(sender) => sender.barrier(barrier),
            Work::Operator(operator) => {
                operator.on_barrier(report, output)?;
                node.tell(&Event::Barrier(barrier), stack);
                node.forward(output, stack);
            }
        }
        Ok(())
    }
}

impl Node {
    /// Puts what the operator emitted on the stack, the first batch on top.
    fn forward(&self, output: &mut Output, stack: &mut Vec<Task>) {
        for batch in output.drain().rev() {
            self.counts_out.rows_out.add(batch.len() as u64);
            self.tell(&Event::Batch(batch), stack);
        }
    }

    fn tell(&self, event: &Event, stack: &mut Vec<Task>) {
        stack.extend(self.consumers.iter().map(|&port| Task::Deliver(port, event.clone())));
    }
}
