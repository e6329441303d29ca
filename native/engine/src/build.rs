//! Makes the operators of one slot from the plan.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_io::Restored;
use millrace_plan::{
    BadRecordPolicy, KafkaStart, NamedExpr, OperatorKind, Plan, Sink, SinkConnector, Source, SourceConnector,
};

use crate::bad_records::{BadRecords, DeadLetter};
use crate::batch::NO_WATERMARK;
use crate::checkpoint::{Prepared, SlotState, Start};
use crate::counters::OperatorCounters;
use crate::environment::Share;
use crate::event_time::EventClock;
use crate::exchange::{ExchangeReceiver, Sender};
use crate::expressions::{compile, condition, fit};
use crate::graph::{Graph, Input, Node, Origin, Port, RestoredWindows, Work};
use crate::host::Host;
use crate::job::Job;
use crate::operators::window::{
    PaneStore, Panes, PreAggregate, Settlement, WindowAggregate, WindowPlan, rearrangement,
};
use crate::operators::{Filter, FunctionStep, Operator, Project, Projection, SinkStep, TableStep, Union};
use crate::sink_writer::SinkWriter;
use crate::source::{SourceInput, SourceParts};
use crate::watermarks::Combined;
use crate::{Error, ErrorCode, Result};

/// Where the rows that leave an operator of the plan come from in the graph.
#[derive(Clone, Copy)]
enum Outlet {
    Node(usize),
    Input(usize),
}

struct Builder<'a> {
    job: &'a Arc<Job>,
    slot: usize,
    prepared: &'a Prepared,
    state: Option<&'a SlotState>,
    host: Rc<RefCell<Box<dyn Host>>>,
    nodes: Vec<Node>,
    inputs: Vec<Input>,
    writers: Vec<Rc<RefCell<SinkWriter>>>,
    windows: Vec<RestoredWindows>,
    /// By operator of the plan.
    outlets: Vec<Outlet>,
}

/// Opens the sources and sinks of a slot, and makes everything between them.
pub fn build_graph(
    job: &Arc<Job>,
    slot: usize,
    host: Box<dyn Host>,
    prepared: &Prepared,
    state: Option<&SlotState>,
) -> Result<Graph> {
    let mut builder = Builder {
        job,
        slot,
        prepared,
        state,
        host: Rc::new(RefCell::new(host)),
        nodes: Vec::new(),
        inputs: Vec::new(),
        writers: Vec::new(),
        windows: Vec::new(),
        outlets: Vec::new(),
    };
    for (index, operator) in job.plan.operators.iter().enumerate() {
        let outlet = builder.operator(index).map_err(|error| error.at(&operator.name))?;
        builder.outlets.push(outlet);
    }
    Ok(builder.finish())
}

impl Builder<'_> {
    fn operator(&mut self, index: usize) -> Result<Outlet> {
        let job = self.job;
        let operator = &job.plan.operators[index];
        let mut writer = None;
        let work: Box<dyn Operator> = match &operator.kind {
            OperatorKind::Source(source) => return self.source(index, source),
            OperatorKind::WindowAggregate(_) => return self.window(index),
            OperatorKind::Filter(predicate) => Box::new(Filter::new(condition(predicate, &self.input_schema(index))?)),
            OperatorKind::Project(columns) => {
                Box::new(Project::new(projection(columns, &self.input_schema(index), operator.schema.clone())?))
            }
            OperatorKind::Union => Box::new(Union),
            OperatorKind::Function(function) => {
                let schema = operator.schema.clone();
                Box::new(FunctionStep::new(self.host.clone(), function.number, function.kind, schema))
            }
            OperatorKind::Sink(sink) => match &sink.connector {
                SinkConnector::Table(table) => Box::new(TableStep::new(self.host.clone(), table.title.clone())),
                connector => {
                    let opened = self.writer(index, connector, self.counters(index))?;
                    writer = Some(opened.clone());
                    Box::new(self.sink(index, sink, opened)?)
                }
            },
        };
        let counters = self.counters(index);
        let mut node = Node::new(operator.name.clone(), Work::Operator(work), counters.clone(), counters);
        node.writer = writer;
        Ok(Outlet::Node(self.connect(index, node)))
    }

    fn counters(&self, index: usize) -> Arc<OperatorCounters> {
        self.job.counters[self.slot][index].clone()
    }

    fn input_schema(&self, index: usize) -> SchemaRef {
        let operators = &self.job.plan.operators;
        match operators[index].inputs.first() {
            Some(&input) => operators[input].schema.clone(),
            None => operators[index].schema.clone(),
        }
    }

    /// Adds a node behind the inputs of an operator of the plan.
    fn connect(&mut self, index: usize, node: Node) -> usize {
        let at = self.nodes.len();
        self.nodes.push(node);
        for &upstream in &self.job.plan.operators[index].inputs {
            self.edge(self.outlets[upstream], at);
        }
        at
    }

    fn edge(&mut self, from: Outlet, to: usize) {
        let port = Port { node: to, input: self.nodes[to].add_input() };
        match from {
            Outlet::Node(node) => self.nodes[node].consumers.push(port),
            Outlet::Input(input) => self.inputs[input].consumers.push(port),
        }
    }

    fn source(&mut self, index: usize, source: &Source) -> Result<Outlet> {
        let operator = &self.job.plan.operators[index];
        let (wakers, slot) = (self.job.wakers.clone(), self.slot);
        let restored = self.prepared.recovered.positions(&operator.id);
        let positions = restored.map(|positions| positions.iter().map(restored_position).collect::<Vec<_>>());
        let opened = self.job.environment.open_source(
            &connector(source, &self.job.start.start),
            operator.schema.clone(),
            Share { slot, slots: self.job.parallelism() },
            Arc::new(move || wakers.wake(slot)),
            positions.as_deref(),
        )?;
        let clock = source.event_time.as_ref().map(|time| EventClock::new(time, &operator.schema)).transpose()?;
        // With checkpoints windows are stored: no position has to lie before what they were made from.
        let keeps_windows = self.job.plan.checkpoints.is_some();
        let windows = windows_downstream(&self.job.plan, index);
        let input = SourceInput::new(SourceParts {
            operator: index,
            step: operator.name.clone(),
            slot,
            source: opened,
            decoder: millrace_formats::decoder(source.format, operator.schema.clone()),
            clock,
            settlement: if keeps_windows { Settlement::default() } else { settlement(&self.job.plan, index) },
            windows: if keeps_windows { Vec::new() } else { windows.clone() },
            restored: restored.map(<[_]>::to_vec),
            bad: self.bad_records(index, &source.on_bad_record)?,
            counters: self.counters(index),
        });
        if let Some(checkpoint) = input.committed_checkpoint().filter(|_| !windows.is_empty()) {
            return Err(self.state_is_missing(checkpoint));
        }
        self.inputs.push(Input::new(Origin::Source(input), Vec::new()));
        Ok(Outlet::Input(self.inputs.len() - 1))
    }

    /// The committed positions lie behind what windows were made from, and these windows are not there.
    fn state_is_missing(&self, checkpoint: u64) -> Error {
        let why = match &self.job.plan.checkpoints {
            Some(settings) => format!("which is not in {}: check that the storage is the right one", settings.storage),
            None => "and the job has no checkpoints now: give it those it had".to_owned(),
        };
        let message = format!(
            "the committed positions belong to checkpoint {checkpoint}, {why}. To start from nothing, run it with --fresh."
        );
        Error::new(ErrorCode::State, message)
    }

    fn bad_records(&mut self, index: usize, policy: &BadRecordPolicy) -> Result<BadRecords> {
        Ok(match policy {
            BadRecordPolicy::Fail => BadRecords::Fail,
            BadRecordPolicy::Skip => BadRecords::Skip,
            BadRecordPolicy::DeadLetter(sink) => {
                let has_headers = matches!(sink.connector, SinkConnector::Kafka(_));
                let envelope = || millrace_formats::encoder(sink.format, DeadLetter::envelope_schema());
                // Its bytes are not the source's: they are counted nowhere.
                let writer = self.writer(index, &sink.connector, Arc::default())?;
                BadRecords::DeadLetter(DeadLetter {
                    writer,
                    job: self.job.plan.name.clone(),
                    step: self.job.plan.operators[index].name.clone(),
                    envelope: (!has_headers).then(envelope),
                })
            }
        })
    }

    fn sink(&self, index: usize, sink: &Sink, writer: Rc<RefCell<SinkWriter>>) -> Result<SinkStep> {
        let schema = self.input_schema(index);
        let key = sink.key.as_ref().map(|key| compile(key, &schema)).transpose()?;
        let headers = sink.headers.iter().map(|header| Ok((header.name.clone(), compile(&header.expr, &schema)?)));
        let headers = headers.collect::<Result<_>>()?;
        Ok(SinkStep::new(writer, millrace_formats::encoder(sink.format, schema), key, headers))
    }

    fn writer(
        &mut self,
        index: usize,
        connector: &SinkConnector,
        counters: Arc<OperatorCounters>,
    ) -> Result<Rc<RefCell<SinkWriter>>> {
        let sink = self.prepared.outputs.open_sink(connector, self.slot);
        let sink = sink.map_err(|error| Error::new(ErrorCode::Sink, error.to_string()))?;
        let step = self.job.plan.operators[index].name.clone();
        let writer = Rc::new(RefCell::new(SinkWriter::new(index, step, sink, counters)));
        self.writers.push(writer.clone());
        Ok(writer)
    }

    /// The two halves of a windowed aggregation and the exchange between them.
    fn window(&mut self, index: usize) -> Result<Outlet> {
        let OperatorKind::WindowAggregate(aggregate) = &self.job.plan.operators[index].kind else {
            return Err(Error::new(ErrorCode::Internal, "not a windowed aggregation"));
        };
        let operator = &self.job.plan.operators[index];
        let exchange = self.job.exchanges.get(&index);
        let exchange =
            exchange.ok_or_else(|| Error::new(ErrorCode::Internal, "an aggregation without exchange"))?.clone();
        let emitted = Rc::new(Cell::new(NO_WATERMARK));
        let downstream = settlement(&self.job.plan, index);
        let schema = operator.schema.clone();
        let plan =
            Rc::new(WindowPlan::new(index, aggregate, &self.input_schema(index), schema, downstream, emitted.clone())?);
        self.windows.push(RestoredWindows { sources: sources_upstream(&self.job.plan, index), emitted });

        let (counters, uncounted) = (self.counters(index), Arc::<OperatorCounters>::default());
        let before = PreAggregate::new(plan.clone(), self.state.is_some(), counters.clone());
        let before = Work::Operator(Box::new(before));
        let before = Node::new(operator.name.clone(), before, counters.clone(), uncounted.clone());
        let before = self.connect(index, before);
        let send = Work::Send(Sender::new(exchange.clone(), self.slot));
        self.nodes.push(Node::new(operator.name.clone(), send, uncounted.clone(), uncounted.clone()));
        self.edge(Outlet::Node(before), self.nodes.len() - 1);

        let slots = self.job.parallelism();
        let receiver = ExchangeReceiver::new(exchange, self.slot);
        let origin = Origin::Exchange { receiver, watermarks: Combined::new(slots) };
        self.inputs.push(Input::new(origin, Vec::new()));
        let after = Work::Operator(Box::new(self.window_aggregate(index, plan, counters.clone())?));
        self.nodes.push(Node::new(operator.name.clone(), after, uncounted, counters));
        self.edge(Outlet::Input(self.inputs.len() - 1), self.nodes.len() - 1);
        Ok(Outlet::Node(self.nodes.len() - 1))
    }

    fn window_aggregate(
        &self,
        index: usize,
        plan: Rc<WindowPlan>,
        counters: Arc<OperatorCounters>,
    ) -> Result<WindowAggregate> {
        let job = &self.job.plan;
        let (Some(state), Some(settings)) = (self.state, &job.checkpoints) else {
            return WindowAggregate::new(plan, None, 0, NO_WATERMARK, counters);
        };
        let (id, recovered) = (&job.operators[index].id, &self.prepared.recovered);
        let stored = recovered.state(id);
        let change = if stored.is_empty() { None } else { rearrangement(id, stored, &plan.state_lines)? };
        let (backend, groups) = (state.backend.clone(), state.groups.clone());
        let mut store = PaneStore::new(backend, id, groups, job.max_parallelism, &plan)?;
        if let Some(change) = change {
            store.rearrange(&change.parts, &plan)?;
            change.told.into_iter().for_each(|told| self.job.note_restored(told));
        }
        let budget = settings.memory_budget_bytes as usize / (self.job.parallelism() * self.job.exchanges.len());
        WindowAggregate::new(plan, Some(store), budget, recovered.watermark(id), counters)
    }

    fn finish(mut self) -> Graph {
        for index in 0..self.inputs.len() {
            self.reach(index);
        }
        // The plan is in topological order, so the inputs are too.
        self.inputs.reverse();
        Graph::new(self.nodes, self.inputs, self.writers, self.windows)
    }

    fn reach(&mut self, index: usize) {
        let mut found = BTreeSet::new();
        let mut open: Vec<usize> = self.inputs[index].consumers.iter().map(|port| port.node).collect();
        while let Some(node) = open.pop() {
            if found.insert(node) {
                open.extend(self.nodes[node].consumers.iter().map(|port| port.node));
            }
        }
        let input = &mut self.inputs[index];
        let sinks = found.iter().filter_map(|node| self.nodes[*node].writer.clone());
        let dead_letters = match &input.origin {
            Origin::Source(source) => source.dead_letter_writer(),
            Origin::Exchange { .. } => None,
        };
        input.reach.writers = sinks.chain(dead_letters).collect();
        input.reach.nodes = found.into_iter().collect();
    }
}

/// The connector of a source; a start from nothing goes by no committed positions.
fn connector(source: &Source, start: &Start) -> SourceConnector {
    let mut connector = source.connector.clone();
    if let (SourceConnector::Kafka(kafka), Start::Fresh) = (&mut connector, start)
        && kafka.start == KafkaStart::GroupOffsets
    {
        kafka.start = kafka.fallback;
    }
    connector
}

fn restored_position(position: &millrace_state::Position) -> Restored {
    Restored { resource: position.resource.clone(), partition: position.partition, offset: position.offset }
}

pub fn projection(columns: &[NamedExpr], input: &SchemaRef, output: SchemaRef) -> Result<Projection> {
    let columns = columns.iter().zip(output.fields());
    let expressions = columns.map(|(column, declared)| fit(compile(&column.expr, input)?, input, declared));
    let expressions = expressions.collect::<Result<_>>()?;
    Ok(Projection::new(expressions, output))
}

fn consumers(plan: &Plan, index: usize) -> impl Iterator<Item = usize> {
    let operators = plan.operators.iter().enumerate();
    operators.filter(move |(_, operator)| operator.inputs.contains(&index)).map(|(consumer, _)| consumer)
}

/// When everything that follows from rows leaving an operator has been emitted.
fn settlement(plan: &Plan, index: usize) -> Settlement {
    let mut paths: BTreeMap<usize, BTreeSet<Vec<Panes>>> = BTreeMap::new();
    for upstream in (index..plan.operators.len()).rev() {
        let mut found = BTreeSet::new();
        for consumer in consumers(plan, upstream) {
            let Some(beyond) = paths.get(&consumer) else { continue };
            found.extend(beyond.iter().map(|path| match &plan.operators[consumer].kind {
                OperatorKind::WindowAggregate(w) => [&[Panes::new(w.window)], path.as_slice()].concat(),
                _ => path.clone(),
            }));
        }
        if matches!(plan.operators[upstream].kind, OperatorKind::Sink(_)) {
            found.insert(Vec::new());
        }
        paths.insert(upstream, found);
    }
    Settlement { paths: paths.remove(&index).unwrap_or_default().into_iter().collect() }
}

fn windows_downstream(plan: &Plan, index: usize) -> Vec<usize> {
    let mut reached = BTreeSet::from([index]);
    for (operator, o) in plan.operators.iter().enumerate().skip(index + 1) {
        if o.inputs.iter().any(|input| reached.contains(input)) {
            reached.insert(operator);
        }
    }
    let is_window = |operator: &usize| matches!(plan.operators[*operator].kind, OperatorKind::WindowAggregate(_));
    reached.into_iter().filter(is_window).collect()
}

fn sources_upstream(plan: &Plan, index: usize) -> Vec<usize> {
    let is_source = |o: &usize| matches!(plan.operators[*o].kind, OperatorKind::Source(_));
    (0..index).filter(is_source).filter(|source| windows_downstream(plan, *source).contains(&index)).collect()
}
