use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::sync::Arc;

use millrace_io::{Delivery, KafkaTransactions, Transactions};
use millrace_plan::{Guarantee, OperatorKind, Plan, SinkConnector};
use millrace_state::Checkpoints;

use super::coordinator::Coordinator;
use super::local_state::LocalState;
use super::recovery::{Recovered, StartOptions, recover};
use super::slot_state::backend_kind;
use crate::key_group::key_groups_of;
use crate::{Error, ErrorCode, Result};

/// What the slots find when they are opened.
#[derive(Default)]
pub struct Prepared {
    pub recovered: Recovered,
    pub delivery: Delivery,
    /// `None` without checkpoints.
    pub local: Option<LocalState>,
}

/// Opens the storage, ends what an earlier run has left behind and finds what to go on from.
pub fn prepare(plan: &Arc<Plan>, slots: usize, start: &StartOptions, now_ms: u64) -> Result<(Coordinator, Prepared)> {
    let attempt = format!("{now_ms:013x}-{:016x}", RandomState::new().build_hasher().finish());
    // Before checkpoints are looked up and positions are read: an older run may just be writing the ones and committing the
    // others.
    let transactions = transactions(plan)?;
    let mut stored = None;
    if let Some(settings) = &plan.checkpoints {
        let local = LocalState::open(Path::new(&settings.directory), &attempt)?;
        let checkpoints = Checkpoints::open(&settings.storage, &plan.name, &attempt, settings.retained, local.cache())?;
        stored = Some((settings, local, checkpoints));
    }
    let mut recovered = Recovered::default();
    if let Some((settings, local, checkpoints)) = &mut stored {
        recovered = recover(plan, checkpoints, start, transactions.is_some(), &local.restored())?;
        if let Some(manifest) = &recovered.manifest {
            let groups = (0..slots).map(|slot| key_groups_of(slot, plan.max_parallelism, slots));
            checkpoints.restored_from(manifest, backend_kind(settings.backend), &groups.collect::<Vec<_>>());
        }
    }
    let (local, checkpoints) = stored.map(|(_, local, checkpoints)| (local, checkpoints)).unzip();
    let delivery = match plan.guarantee {
        Guarantee::AtLeastOnce => Delivery::AtOnce,
        Guarantee::ExactlyOnce => Delivery::WithCheckpoint { transactions: transactions.clone() },
    };
    let transactions = transactions.map(|transactions| transactions as Arc<dyn Transactions>);
    let coordinator = Coordinator::new(plan.clone(), checkpoints, transactions);
    coordinator.begin()?;
    Ok((coordinator, Prepared { recovered, delivery, local }))
}

/// The transactions of the job's Kafka sinks, whose properties are all the same.
fn transactions(plan: &Plan) -> Result<Option<Arc<KafkaTransactions>>> {
    if plan.guarantee != Guarantee::ExactlyOnce {
        return Ok(None);
    }
    let Some((step, properties)) = kafka_sinks(plan).next() else { return Ok(None) };
    let opened = KafkaTransactions::open(properties, &format!("millrace-{}", plan.name));
    let opened = opened.map_err(|error| Error::new(ErrorCode::Sink, error.to_string()).at(step))?;
    Ok(Some(Arc::new(opened)))
}

/// The steps that write to Kafka, dead letters included, and their properties.
fn kafka_sinks(plan: &Plan) -> impl Iterator<Item = (&str, &[(String, String)])> {
    plan.operators.iter().filter_map(|operator| {
        let sink = match &operator.kind {
            OperatorKind::Sink(sink) => Some(sink),
            OperatorKind::Source(source) => source.dead_letter(),
            _ => None,
        };
        match &sink?.connector {
            SinkConnector::Kafka(kafka) => Some((operator.name.as_str(), kafka.properties.as_slice())),
            _ => None,
        }
    })
}
