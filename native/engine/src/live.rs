//! The world as it is.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use millrace_formats::Schemas;
use millrace_io::{
    Delivery, KafkaTransactions, Outboxes, RegistryClient, Restored, Sink, SinkPlace, Source, SourcePlace, StagedFile,
    Transactions,
};
use millrace_plan::{Guarantee, KafkaSource, SchemaRegistry, SinkConnector, SourceConnector};
use millrace_state::Checkpoints;
use parking_lot::Mutex;

use crate::environment::{Environment, Outputs, TransactionsOf};
use crate::source::Intake;

/// The connectors of [`millrace_io`], and the clocks of the machine.
pub struct Live {
    started: Instant,
    outboxes: Arc<Outboxes>,
    registries: Mutex<HashMap<SchemaRegistry, Arc<dyn Schemas>>>,
}

impl Live {
    pub fn new() -> Self {
        let outboxes = Arc::new(Outboxes::new(attempt_name()));
        Live { started: Instant::now(), outboxes, registries: Mutex::default() }
    }
}

impl Environment for Live {
    fn elapsed_ns(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    fn thread_cpu_ns(&self) -> Option<u64> {
        thread_cpu_ns()
    }

    fn wall_clock_ms(&self) -> u64 {
        wall_clock_ms()
    }

    fn attempt_name(&self) -> String {
        attempt_name()
    }

    fn open_checkpoints(
        &self,
        settings: &millrace_plan::Checkpoints,
        job: &str,
        attempt: &str,
        cache: &Path,
    ) -> millrace_state::Result<Checkpoints> {
        Checkpoints::open(&settings.storage, job, attempt, settings.retained, cache)
    }

    fn open_outputs(
        &self,
        guarantee: Guarantee,
        transactions: Option<TransactionsOf<'_>>,
    ) -> millrace_io::Result<Arc<dyn Outputs>> {
        let open = |of: TransactionsOf<'_>| KafkaTransactions::open(of.properties, of.id).map(Arc::new);
        let since = SystemTime::now();
        let delivery = match guarantee {
            Guarantee::AtLeastOnce | Guarantee::AtMostOnce => Delivery::AtOnce,
            Guarantee::ExactlyOnce => {
                Delivery::WithCheckpoint { since, transactions: transactions.map(open).transpose()? }
            }
        };
        Ok(Arc::new(LiveOutputs { delivery, outboxes: self.outboxes.clone() }))
    }

    fn outboxes(&self) -> Option<Arc<Outboxes>> {
        Some(self.outboxes.clone())
    }

    fn open_source(
        &self,
        connector: &SourceConnector,
        schema: SchemaRef,
        place: &SourcePlace<'_>,
        restored: Option<&[Restored]>,
    ) -> millrace_io::Result<Box<dyn Source<Intake>>> {
        millrace_io::open_source(connector, schema, place, Arc::new(wall_clock_ms), restored, &self.outboxes)
    }

    fn schemas(&self, registry: &SchemaRegistry) -> millrace_io::Result<Arc<dyn Schemas>> {
        let mut registries = self.registries.lock();
        if let Some(known) = registries.get(registry) {
            return Ok(known.clone());
        }
        let opened: Arc<dyn Schemas> = Arc::new(RegistryClient::new(registry)?);
        registries.insert(registry.clone(), opened.clone());
        Ok(opened)
    }

    fn committed_metadata(&self, source: &KafkaSource) -> millrace_io::Result<Vec<Option<String>>> {
        millrace_io::committed_metadata(source)
    }

    fn show_staged(&self, files: &[StagedFile]) -> millrace_io::Result<()> {
        millrace_io::show_staged(files)
    }
}

struct LiveOutputs {
    delivery: Delivery,
    outboxes: Arc<Outboxes>,
}

impl Outputs for LiveOutputs {
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        match &self.delivery {
            Delivery::AtOnce => None,
            Delivery::WithCheckpoint { transactions, .. } => {
                transactions.clone().map(|transactions| transactions as Arc<dyn Transactions>)
            }
        }
    }

    fn open_sink(&self, connector: &SinkConnector, place: &SinkPlace) -> millrace_io::Result<Box<dyn Sink>> {
        millrace_io::open_sink(connector, place, &self.delivery, &self.outboxes)
    }
}

fn attempt_name() -> String {
    format!("{:013x}-{:016x}", wall_clock_ms(), RandomState::new().build_hasher().finish())
}

#[cfg(unix)]
fn thread_cpu_ns() -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the call, which writes it.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    (outcome == 0).then_some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

#[cfg(not(unix))]
fn thread_cpu_ns() -> Option<u64> {
    None
}

fn wall_clock_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
