//! One start of the job, as the world sees it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use millrace_formats::Schemas;
use millrace_io::{Delivery, Outboxes, Restored, Sink, SinkPlace, Source, SourcePlace, StagedFile, Transactions};
use millrace_plan::{Guarantee, KafkaSource, KafkaTopics, SchemaRegistry, SinkConnector, SourceConnector};
use millrace_state::{Checkpoints, Storage};
use parking_lot::Mutex;

use super::fiber;
use super::outputs::{PlainSink, SimulatedTransactions, TransactionalSink};
use super::source::SimulatedSource;
use super::storage::SimulatedStore;
use super::world::{Extent, Fault, SIMULATED, State, World};
use crate::environment::{Environment, Outputs, TransactionsOf};
use crate::source::Intake;

/// In which order a checkpoint is committed. All but the first are wrong: the simulation is to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Right,
    CommitBeforeManifest,
    PositionsOutsideOfTransaction,
    BeginBeforeFlush,
}

pub struct Process {
    pub world: Arc<World>,
    pub number: u64,
    pub order: Order,
    started_ms: u64,
    is_dead: AtomicBool,
    /// What it asks its host.
    pub outboxes: Arc<Outboxes>,
    /// Manifests that are written after their commit.
    pub deferred: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Process {
    pub fn new(world: Arc<World>, number: u64, order: Order) -> Self {
        let started_ms = world.lock().now_ms;
        let (is_dead, outboxes, deferred) = (AtomicBool::new(false), Arc::default(), Mutex::default());
        Process { world, number, order, started_ms, is_dead, outboxes, deferred }
    }

    pub fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    pub fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    /// A call over the network. Others go on before it has arrived and before the answer is here; it may fail, whatever
    /// has become of it, and the process may be dead by then.
    pub fn call<T>(
        &self,
        what: &str,
        act: impl FnOnce(&mut State, Extent) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let dead = || Err(format!("{SIMULATED} the process is dead"));
        if self.is_dead() {
            return dead();
        }
        self.wait();
        let mut state = self.world.lock();
        if self.is_dead() {
            state.leave_behind(act);
            return dead();
        }
        state.note(self.number, what);
        let fault = state.fault();
        let outcome = match fault {
            None | Some(Fault::After) => act(&mut state, Extent::Whole),
            Some(Fault::Before) => Err(String::new()),
            Some(Fault::During) => {
                let part = Extent::Part(state.random.next());
                act(&mut state, part)
            }
        };
        if fault.is_some() {
            state.note(self.number, "it fails");
        }
        drop(state);
        self.wait();
        match fault {
            _ if self.is_dead() => dead(),
            None => outcome,
            Some(_) => Err(format!("{SIMULATED} {what} fails")),
        }
    }

    /// Now and then for long.
    fn wait(&self) {
        let pauses = {
            let random = &mut self.world.lock().random;
            if random.chance(30) { random.below(200) } else { random.below(3) }
        };
        for _ in 0..pauses {
            if !self.is_dead() {
                fiber::pause();
            }
        }
    }
}

/// The environment of a process.
pub struct Simulated(pub Arc<Process>);

impl Environment for Simulated {
    fn elapsed_ns(&self) -> u64 {
        (self.0.world.lock().now_ms - self.0.started_ms) * 1_000_000
    }

    fn thread_cpu_ns(&self) -> Option<u64> {
        None
    }

    fn wall_clock_ms(&self) -> u64 {
        1_700_000_000_000 + self.0.world.lock().now_ms
    }

    fn outboxes(&self) -> Option<Arc<Outboxes>> {
        Some(self.0.outboxes.clone())
    }

    fn attempt_name(&self) -> String {
        format!("attempt-{}", self.0.number)
    }

    fn open_checkpoints(
        &self,
        settings: &millrace_plan::Checkpoints,
        job: &str,
        attempt: &str,
        cache: &Path,
    ) -> millrace_state::Result<Checkpoints> {
        let storage = Storage::of(&settings.storage, Box::new(SimulatedStore(self.0.clone())));
        // One file at a time: the order of calls is to follow from the seed.
        Checkpoints::take_over(storage, job, attempt, settings.retained, cache, 1)
    }

    fn open_outputs(
        &self,
        guarantee: Guarantee,
        transactions: Option<TransactionsOf<'_>>,
    ) -> millrace_io::Result<Arc<dyn Outputs>> {
        let open = |of: TransactionsOf<'_>| SimulatedTransactions::open(&self.0, of.id).map(Arc::new);
        let transactions = transactions.map(open).transpose()?;
        Ok(Arc::new(SimulatedOutputs { process: self.0.clone(), guarantee, transactions }))
    }

    fn open_source(
        &self,
        connector: &SourceConnector,
        _schema: SchemaRef,
        place: &SourcePlace<'_>,
        restored: Option<&[Restored]>,
    ) -> millrace_io::Result<Box<dyn Source<Intake>>> {
        let SourceConnector::Kafka(config) = connector else { unreachable!("the sources are Kafka's") };
        Ok(Box::new(SimulatedSource::open(&self.0, config, place, restored)))
    }

    fn schemas(&self, registry: &SchemaRegistry) -> millrace_io::Result<Arc<dyn Schemas>> {
        Err(millrace_io::Error(format!("there is no schema registry {} in a simulation", registry.url)))
    }

    fn committed_metadata(&self, source: &KafkaSource) -> millrace_io::Result<Vec<Option<String>>> {
        let (group, topics) = (source.group().unwrap().to_owned(), topics(source).to_vec());
        let committed = self.0.call("reads the committed positions", move |state, _| {
            let mut metadata = Vec::new();
            for topic in topics {
                for partition in 0..state.broker.inputs[&topic].len() {
                    let place = (group.clone(), topic.clone(), partition as i32);
                    metadata.push(state.broker.position(&place).map(|position| position.metadata.clone()));
                }
            }
            Ok(metadata)
        });
        committed.map_err(millrace_io::Error)
    }

    fn show_staged(&self, files: &[StagedFile]) -> millrace_io::Result<()> {
        for file in files {
            let file = file.clone();
            let shown = self.0.call("shows a staged file", move |_, extent| match extent {
                Extent::Whole => millrace_io::show_staged(&[file]).map_err(|error| error.0),
                Extent::Part(_) => Ok(()),
            });
            shown.map_err(millrace_io::Error)?;
        }
        Ok(())
    }
}

pub fn topics(source: &KafkaSource) -> &[String] {
    match &source.topics {
        KafkaTopics::Names(names) => names,
        KafkaTopics::Pattern(_) => unreachable!("the topics are named"),
    }
}

struct SimulatedOutputs {
    process: Arc<Process>,
    guarantee: Guarantee,
    transactions: Option<Arc<SimulatedTransactions>>,
}

impl Outputs for SimulatedOutputs {
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        self.transactions.clone().map(|transactions| transactions as Arc<dyn Transactions>)
    }

    fn open_sink(&self, connector: &SinkConnector, place: &SinkPlace) -> millrace_io::Result<Box<dyn Sink>> {
        match (connector, &self.transactions) {
            (SinkConnector::Kafka(kafka), Some(transactions)) => {
                Ok(Box::new(TransactionalSink::new(&kafka.topic, transactions)))
            }
            (SinkConnector::Kafka(kafka), None) => Ok(Box::new(PlainSink::new(&kafka.topic, &self.process))),
            (files, _) => {
                assert_eq!(self.guarantee, Guarantee::ExactlyOnce);
                // What is left behind stays: the times of files do not follow from the seed.
                let since = SystemTime::UNIX_EPOCH;
                let delivery = Delivery::WithCheckpoint { since, transactions: None };
                millrace_io::open_sink(files, place, &delivery, &Arc::default())
            }
        }
    }
}
