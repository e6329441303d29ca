//! The operators of one slot and how events go through them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::Result;
use crate::barrier::{BarrierId, BarrierReport};
use crate::batch::{Batch, Millis, NO_WATERMARK};
use crate::counters::OperatorCounters;
use crate::exchange::{ExchangeReceiver, Message, Received};
use crate::job::Job;
use crate::lookup::SharedLookup;
use crate::node::{Event, Handed, Node, Port, Task, Work};
use crate::operators::{Output, Progress};
use crate::sink_writer::SinkWriter;
use crate::source::SourceInput;
use crate::watermarks::{Combined, Watermark};

pub enum Origin {
    Source(SourceInput),
    Exchange { receiver: ExchangeReceiver, watermarks: Combined },
    Lookup(SharedLookup),
}

/// Something that events come from, and those of its events that are still on their way.
pub struct Input {
    pub origin: Origin,
    pub consumers: Vec<Port>,
    /// The last is next.
    stack: Vec<Task>,
    /// When what is on the stack was read, by the job's clock.
    read_ns: u64,
    /// Those of the operator of the plan that it is a part of.
    counters: Arc<OperatorCounters>,
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
    pub fn new(origin: Origin, counters: Arc<OperatorCounters>) -> Self {
        let (consumers, stack) = (Vec::new(), Vec::new());
        Input { origin, consumers, stack, read_ns: 0, counters, reach: Reach::default(), barrier: 0 }
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
            Origin::Exchange { .. } | Origin::Lookup(_) => None,
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
        let finished = self.run_stack(index, job)?;
        if !finished || self.is_blocked(index) {
            self.note_full(index);
            if let Origin::Source(source) = &mut self.inputs[index].origin {
                source.held_back(now_ms);
            }
            return Ok(Ran::Blocked);
        }
        if !self.take_in(index, job, barrier, now_ms)? {
            return Ok(Ran::Nothing);
        }
        Ok(if self.run_stack(index, job)? {
            Ran::Something
        } else {
            self.note_full(index);
            Ran::Blocked
        })
    }

    /// As a full queue, takes down which sinks have something that is not durable; false: none has.
    pub fn note_unfinished_writes(&mut self) -> bool {
        for node in &mut self.nodes {
            node.is_full |= node.writer.as_ref().is_some_and(|writer| !writer.borrow().is_done());
        }
        self.nodes.iter().any(|node| node.is_full)
    }

    /// Counts time for the operators whose full queues have held something back since the last call.
    pub fn add_full_us(&mut self, time_us: u64) {
        for node in self.nodes.iter_mut().filter(|node| node.is_full) {
            node.is_full = false;
            node.counters.full_us.add(time_us);
        }
    }

    fn note_full(&mut self, index: usize) {
        for &node in &self.inputs[index].reach.nodes {
            let node = &mut self.nodes[node];
            node.is_full |= match &node.work {
                Work::Operator(_) => node.writer.as_ref().is_some_and(|writer| writer.borrow().is_blocked()),
                work => work.is_blocked(),
            };
        }
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
            Origin::Exchange { .. } | Origin::Lookup(_) => nodes.iter().any(waits),
        };
        if held {
            return Ok(false);
        }
        let mut events = Vec::new();
        let asked_ns = job.elapsed_ns();
        input.read_ns = asked_ns;
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
                Some(Received { from, message, read_ns }) => {
                    input.read_ns = read_ns;
                    match message {
                        Message::Batch(batch) => events.push(Event::Batch(batch)),
                        Message::Watermark(watermark) => match watermarks.update(from, watermark) {
                            Some(watermark) => events.push(Event::Watermark(watermark)),
                            // Nothing to tell, but something was read.
                            None => return Ok(true),
                        },
                        Message::Barrier(barrier) => {
                            input.barrier = barrier;
                            events.push(Event::Barrier(barrier));
                        }
                    }
                }
            },
            Origin::Lookup(lookup) => {
                if let Some((event, read_ns)) = lookup.borrow_mut().receive()? {
                    input.read_ns = read_ns;
                    if let Event::Barrier(barrier) = &event {
                        input.barrier = *barrier;
                    }
                    events.push(event);
                }
            }
        }
        let some = !events.is_empty();
        if some {
            input.counters.busy_ns.add(job.elapsed_ns() - asked_ns);
        }
        input.push(events.into_iter());
        Ok(some)
    }

    fn is_blocked(&self, index: usize) -> bool {
        let reach = &self.inputs[index].reach;
        let full = |&node: &usize| self.nodes[node].work.is_blocked();
        reach.writers.iter().any(|writer| writer.borrow().is_blocked()) || reach.nodes.iter().any(full)
    }

    /// Works off the stack of an input; false: something downstream is full.
    fn run_stack(&mut self, index: usize, job: &Job) -> Result<bool> {
        let mut begun_ns = job.elapsed_ns();
        while !self.inputs[index].stack.is_empty() {
            if self.is_blocked(index) {
                return Ok(false);
            }
            let Some(task) = self.inputs[index].stack.pop() else { break };
            let node = match &task {
                Task::Deliver(port, _) => port.node,
                Task::Continue(node, _) => *node,
            };
            let handed_over = Handed::by(&task);
            let done = self.run_task(index, task);
            let node = &self.nodes[node];
            done.map_err(|error| error.at(&node.step))?;
            // What an operator emits is on the stack by now and has not been run: the time is its own.
            let done_ns = job.elapsed_ns();
            node.counters.busy_ns.add(done_ns - begun_ns);
            begun_ns = done_ns;
            if let Some(handed) = handed_over.filter(|_| node.is_sink) {
                handed.note_latency(&node.counters, done_ns - self.inputs[index].read_ns, job);
            }
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
            Work::Send(sender) => return sender.send(batch, inputs[index].read_ns),
            Work::LookUp(lookup) => return lookup.borrow_mut().send(batch, inputs[index].read_ns),
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
        let Input { stack, read_ns, .. } = &mut inputs[index];
        let at = node;
        let node = &mut nodes[node];
        match &mut node.work {
            Work::Send(sender) => sender.watermark(watermark, *read_ns),
            Work::LookUp(lookup) => lookup.borrow_mut().watermark(watermark, *read_ns),
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
        let Input { stack, read_ns, .. } = &mut inputs[index];
        let node = &mut nodes[node];
        node.arrived += 1;
        if node.arrived < node.inputs {
            return Ok(());
        }
        node.arrived = 0;
        node.passed = barrier;
        match &mut node.work {
            Work::Send(sender) => sender.barrier(barrier, *read_ns),
            Work::LookUp(lookup) => lookup.borrow_mut().barrier(barrier, *read_ns),
            Work::Operator(operator) => {
                operator.on_barrier(report, output)?;
                node.tell(&Event::Barrier(barrier), stack);
                node.forward(output, stack);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};

    use super::*;
    use crate::exchange::{Distribution, Exchange, Sender};
    use crate::wake::Wakers;

    fn batch(rows: i64) -> Batch {
        let column: arrow::array::ArrayRef = Arc::new((0..rows).collect::<Int64Array>());
        Batch { rows: RecordBatch::try_from_iter([("n", column)]).unwrap(), times: None, pane: None }
    }

    #[test]
    fn time_is_counted_for_the_operator_whose_queue_is_full_as_long_as_it_is() {
        let exchange = Arc::new(Exchange::new(1, 128, Distribution::EverySlot, Arc::new(Wakers::new(1))));
        let sender = Sender::new(exchange.clone(), 0);
        let counters: Arc<OperatorCounters> = Arc::default();
        let receiver = ExchangeReceiver::new(exchange.clone(), 0);
        let mut input = Input::new(Origin::Exchange { receiver, watermarks: Combined::new(1) }, Arc::default());
        input.reach.nodes.push(0);
        let node = Node::new("exchange".into(), Work::Send(Sender::new(exchange.clone(), 0)), counters.clone());
        let mut graph = Graph::new(vec![node], vec![input], Vec::new(), Vec::new());

        graph.note_full(0);
        graph.add_full_us(5);
        assert_eq!(counters.full_us.get(), 0, "nothing is full yet");
        sender.send(batch(1_000_000), 0).unwrap();
        graph.note_full(0);
        graph.add_full_us(5);
        graph.add_full_us(5);
        assert_eq!(counters.full_us.get(), 5, "it counts once for each time that something was held back");
        ExchangeReceiver::new(exchange, 0).receive().unwrap();
        graph.note_full(0);
        graph.add_full_us(5);
        assert_eq!(counters.full_us.get(), 5);
    }
}
