//! Makes the operators of one slot from the plan.

mod lookup;
mod upstream;
mod with_state;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_formats::{Decoder, Encoder};
use millrace_io::{Restored, SinkPlace, SourcePlace};
use millrace_plan::{
    BadRecordPolicy, FileFormat, Format, Guarantee, KafkaStart, NamedExpr, OperatorKind, Sink, SinkConnector, Source,
    SourceConnector,
};

use crate::bad_records::{BadRecords, DeadLetter};
use crate::checkpoint::{Prepared, SlotState, Start};
use crate::counters::OperatorCounters;
use crate::event_time::EventClock;
use crate::expressions::{compile, condition, fit};
use crate::graph::{Graph, Input, Origin, RestoredWindows};
use crate::host::Host;
use crate::job::Job;
use crate::node::{Node, Port, Work};
use crate::operators::window::Settlement;
use crate::operators::{Filter, FunctionStep, Operator, Partitions, Project, Projection, SinkStep, TableStep, Union};
use crate::sink_writer::SinkWriter;
use crate::source::{SourceInput, SourceParts};
use crate::{Error, ErrorCode, Result};
use upstream::{leads_to_state, settlement, windows_downstream};

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
            OperatorKind::WindowAggregate(aggregate) => return self.window(index, aggregate),
            OperatorKind::Deduplicate(deduplicate) => return self.deduplicate(index, deduplicate),
            OperatorKind::BroadcastJoin(join) => return self.broadcast_join(index, join),
            OperatorKind::LookupJoin(join) => return self.lookup_join(index, join),
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
                _ => {
                    let opened = self.sink_writer(index, sink)?;
                    writer = Some(opened.clone());
                    Box::new(self.sink(index, sink, opened)?)
                }
            },
        };
        let mut node = Node::new(operator.name.clone(), Work::Operator(work), self.counters(index));
        node.is_sink = matches!(operator.kind, OperatorKind::Sink(_));
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
            &SourcePlace {
                id: &operator.id,
                slot,
                slots: self.job.parallelism(),
                waker: Arc::new(move || wakers.wake(slot)),
            },
            positions.as_deref(),
        )?;
        let clock = source.event_time.as_ref().map(|time| EventClock::new(time, &operator.schema)).transpose()?;
        // With checkpoints windows are stored: no position has to lie before what they were made from.
        let keeps_windows = self.job.plan.checkpoints.is_some();
        let (windows, keeps_state) = (windows_downstream(&self.job.plan, index), leads_to_state(&self.job.plan, index));
        let input = SourceInput::new(SourceParts {
            operator: index,
            step: operator.name.clone(),
            slot,
            source: opened,
            decoder: self.decoder(source, &operator.schema)?,
            has_header: matches!(&source.format, Format::Csv(csv) if csv.header),
            counts_rows: matches!(source.connector, SourceConnector::File(_) | SourceConnector::Driver(_)),
            clock,
            settlement: if keeps_windows { Settlement::default() } else { settlement(&self.job.plan, index) },
            windows: if keeps_windows { Vec::new() } else { windows },
            restored: restored.map(<[_]>::to_vec),
            bad: self.bad_records(index, source)?,
            counters: self.counters(index),
        });
        if let Some(checkpoint) = input.committed_checkpoint().filter(|_| keeps_state) {
            return Err(self.state_is_missing(checkpoint));
        }
        self.inputs.push(Input::new(Origin::Source(input), self.counters(index)));
        Ok(Outlet::Input(self.inputs.len() - 1))
    }

    fn decoder(&self, source: &Source, schema: &SchemaRef) -> Result<Box<dyn Decoder>> {
        let registry = source.format.registry().map(|registry| self.job.environment.schemas(registry)).transpose()?;
        // Rows of such files come decoded: it is never asked.
        let format = match &source.connector {
            SourceConnector::File(file) if file.format != FileFormat::Lines => &Format::Json,
            _ => &source.format,
        };
        let decoder = millrace_formats::decoder(format, schema.clone(), &source.declared, registry);
        decoder.map_err(|error| Error::new(ErrorCode::Plan, error.to_string()))
    }

    /// The committed positions lie behind what state was made from, and this state is not there.
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

    fn bad_records(&mut self, index: usize, source: &Source) -> Result<BadRecords> {
        let bad = self.policy(index, &source.on_bad_record, self.job.plan.guarantee)?;
        self.writers.extend(bad.writer());
        Ok(bad)
    }

    fn policy(&self, index: usize, policy: &BadRecordPolicy, guarantee: Guarantee) -> Result<BadRecords> {
        Ok(match policy {
            BadRecordPolicy::Fail => BadRecords::Fail,
            BadRecordPolicy::Skip => BadRecords::Skip,
            BadRecordPolicy::DeadLetter(sink) => {
                let has_headers = matches!(sink.connector, SinkConnector::Kafka(_));
                let envelope = || encoder(&sink.format, DeadLetter::envelope_schema());
                let opened = self.open_sink(index, &sink.connector, "/dead-letter")?;
                let step = self.job.plan.operators[index].name.clone();
                // Its bytes are not those of the operator: they are counted nowhere.
                let writer = SinkWriter::new(index, step.clone(), opened, guarantee, Arc::default());
                BadRecords::DeadLetter(DeadLetter {
                    writer: Rc::new(RefCell::new(writer)),
                    job: self.job.plan.name.clone(),
                    step,
                    envelope: (!has_headers).then(envelope).transpose()?,
                })
            }
        })
    }

    fn sink(&self, index: usize, sink: &Sink, writer: Rc<RefCell<SinkWriter>>) -> Result<SinkStep> {
        let schema = self.input_schema(index);
        let key = sink.key.as_ref().map(|key| compile(key, &schema)).transpose()?;
        let headers = sink.headers.iter().map(|header| Ok((header.name.clone(), compile(&header.expr, &schema)?)));
        let headers = headers.collect::<Result<_>>()?;
        let (encoder, partitions) = match &sink.connector {
            SinkConnector::File(file) => {
                let encoder = match &file.format {
                    FileFormat::Lines => Some(encoder(&sink.format, schema.clone())?),
                    FileFormat::Parquet(_) => None,
                    // Whether the columns fit the schema comes out here.
                    FileFormat::Avro(_) => encoder(&sink.format, schema.clone()).map(|_| None)?,
                };
                (encoder, Partitions::new(&file.partition_by, &schema)?)
            }
            SinkConnector::Driver(_) => (None, None),
            _ => (Some(encoder(&sink.format, schema.clone())?), None),
        };
        let tombstone = sink.tombstone.as_ref().map(|tombstone| compile(tombstone, &schema)).transpose()?;
        Ok(SinkStep { writer, encoder, partitions, key, headers, tombstone })
    }

    fn sink_writer(&mut self, index: usize, sink: &Sink) -> Result<Rc<RefCell<SinkWriter>>> {
        let opened = self.open_sink(index, &sink.connector, "")?;
        // What is refused was written, so its checkpoint is not waited for.
        let refused = self.policy(index, &sink.on_bad_record, Guarantee::AtLeastOnce)?;
        let step = self.job.plan.operators[index].name.clone();
        let mut writer = SinkWriter::new(index, step, opened, self.job.plan.guarantee, self.counters(index));
        writer.refused = refused;
        let writer = Rc::new(RefCell::new(writer));
        self.writers.push(writer.clone());
        Ok(writer)
    }

    /// `role` tells several sinks of one operator apart.
    fn open_sink(&self, index: usize, connector: &SinkConnector, role: &str) -> Result<Box<dyn millrace_io::Sink>> {
        let (wakers, slot) = (self.job.wakers.clone(), self.slot);
        let id = format!("{}{role}", self.job.plan.operators[index].id);
        let place = SinkPlace { id, slot, waker: Arc::new(move || wakers.wake(slot)) };
        let opened = self.prepared.outputs.open_sink(connector, &place);
        opened.map_err(|error| Error::new(ErrorCode::Sink, error.to_string()))
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
            Origin::Exchange { .. } | Origin::Lookup(_) => None,
        };
        input.reach.writers = sinks.chain(dead_letters).collect();
        input.reach.nodes = found.into_iter().collect();
    }
}

fn encoder(format: &Format, schema: SchemaRef) -> Result<Box<dyn Encoder>> {
    millrace_formats::encoder(format, schema).map_err(|error| Error::new(ErrorCode::Plan, error.to_string()))
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
    let millrace_state::Position { resource, partition, offset, token, .. } = position;
    Restored { resource: resource.clone(), partition: *partition, offset: *offset, token: token.clone() }
}

pub fn projection(columns: &[NamedExpr], input: &SchemaRef, output: SchemaRef) -> Result<Projection> {
    let columns = columns.iter().zip(output.fields());
    let expressions = columns.map(|(column, declared)| fit(compile(&column.expr, input)?, input, declared));
    let expressions = expressions.collect::<Result<_>>()?;
    Ok(Projection::new(expressions, output))
}
