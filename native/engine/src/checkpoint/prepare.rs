use std::path::Path;
use std::sync::Arc;

use millrace_plan::{Guarantee, OperatorKind, Plan, SinkConnector};

use super::coordinator::Coordinator;
use super::local_state::LocalState;
use super::recovery::{Recovered, StartOptions, recover};
use super::slot_state::backend_kind;
use crate::environment::{Environment, Outputs, TransactionsOf};
use crate::key_group::key_groups_of;
use crate::{Error, ErrorCode, Result};

/// What the slots find when they are opened.
pub struct Prepared {
    pub recovered: Recovered,
    pub outputs: Arc<dyn Outputs>,
    /// `None` without checkpoints.
    pub local: Option<LocalState>,
}

impl Prepared {
    /// For a job that keeps nothing beside its positions.
    pub fn without_checkpoints(environment: &dyn Environment) -> Result<Prepared> {
        let outputs = environment.open_outputs(Guarantee::AtLeastOnce, None)?;
        Ok(Prepared { recovered: Recovered::default(), outputs, local: None })
    }
}

/// Opens the storage, ends what an earlier run has left behind and finds what to go on from.
pub fn prepare(
    environment: &dyn Environment,
    plan: &Arc<Plan>,
    slots: usize,
    start: &StartOptions,
) -> Result<(Coordinator, Prepared)> {
    let attempt = environment.attempt_name();
    // Before checkpoints are looked up and positions are read: an older run may just be writing the ones and committing the
    // others.
    let outputs = outputs(environment, plan)?;
    let transactions = outputs.transactions();
    let mut stored = None;
    if let Some(settings) = &plan.checkpoints {
        let local = LocalState::open(Path::new(&settings.directory), &attempt)?;
        let checkpoints = environment.open_checkpoints(settings, &plan.name, &attempt, local.cache())?;
        stored = Some((settings, local, checkpoints));
    }
    let mut recovered = Recovered::default();
    if let Some((settings, local, checkpoints)) = &mut stored {
        recovered = recover(environment, plan, checkpoints, start, transactions.is_some(), &local.restored())?;
        if let Some(manifest) = &recovered.manifest {
            let groups = (0..slots).map(|slot| key_groups_of(slot, plan.max_parallelism, slots));
            checkpoints.restored_from(manifest, backend_kind(settings.backend), &groups.collect::<Vec<_>>());
        }
    }
    let (local, checkpoints) = stored.map(|(_, local, checkpoints)| (local, checkpoints)).unzip();
    let coordinator = Coordinator::new(plan.clone(), checkpoints, transactions);
    coordinator.begin()?;
    Ok((coordinator, Prepared { recovered, outputs, local }))
}

/// The outputs of a job. Its Kafka sinks, whose properties are all the same, share transactions.
fn outputs(environment: &dyn Environment, plan: &Plan) -> Result<Arc<dyn Outputs>> {
    let id = format!("millrace-{}", plan.name);
    match kafka_sinks(plan).next().filter(|_| plan.guarantee == Guarantee::ExactlyOnce) {
        None => Ok(environment.open_outputs(plan.guarantee, None)?),
        Some((step, properties)) => {
            let opened = environment.open_outputs(plan.guarantee, Some(TransactionsOf { id: &id, properties }));
            opened.map_err(|error| Error::new(ErrorCode::Sink, error.to_string()).at(step))
        }
    }
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
