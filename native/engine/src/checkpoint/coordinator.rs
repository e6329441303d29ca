use std::sync::Arc;
use std::time::Instant;

use millrace_io::{GroupPositions, TopicPosition, Transactions};
use millrace_plan::{OperatorKind, Plan, SourceConnector};
use millrace_state::{Checkpoints, KeyGroups, Manifest, OperatorState, Progress, SlotFiles, StagedFile};

use crate::barrier::{BarrierId, BarrierReport};
use crate::batch::NO_WATERMARK;
use crate::positions::PositionMetadata;
use crate::savepoints::{SavepointState, Wanted};
use crate::{Error, ErrorCode, Result};

/// Turns barriers that have passed every slot into checkpoints, one after the other, and commits them.
///
/// The order is what exactly-once rests on: outputs are flushed, state is stored, the manifest is written, and then one
/// transaction commits outputs and positions together. Where nothing is transactional the manifest is the commit point.
pub struct Coordinator {
    plan: Arc<Plan>,
    checkpoints: Option<Checkpoints>,
    transactions: Option<Arc<dyn Transactions>>,
    /// Checkpoints in a row that could not be written.
    failures: u32,
    /// What runs before this one have left behind is removed.
    has_tidied: bool,
}

/// A barrier that has passed every slot.
pub struct Request {
    pub barrier: BarrierId,
    /// Nothing follows it.
    pub is_last: bool,
    /// By slot.
    pub reports: Vec<BarrierReport>,
    /// What it is to be kept as, beside its checkpoint.
    pub savepoints: Vec<Wanted>,
    /// Milliseconds since the epoch.
    pub now_ms: u64,
}

/// What became of a barrier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completed {
    /// The checkpoint that is committed; `None`: the barrier has none, as it may fail or there is no storage.
    pub checkpoint: Option<u64>,
    /// Positions and staged files may be committed.
    pub is_committed: bool,
    pub bytes: u64,
    pub new_bytes: u64,
    pub took_ms: u64,
    /// By their numbers.
    pub savepoints: Vec<(u64, SavepointState)>,
}

impl Completed {
    /// A barrier is complete when it has passed every slot.
    pub fn without_checkpoint() -> Self {
        Completed { is_committed: true, ..Completed::default() }
    }
}

impl Coordinator {
    pub fn new(plan: Arc<Plan>, checkpoints: Option<Checkpoints>, transactions: Option<Arc<dyn Transactions>>) -> Self {
        Coordinator { plan, checkpoints, transactions, failures: 0, has_tidied: false }
    }

    /// Outputs of the first epoch may flow.
    pub fn begin(&self) -> Result<()> {
        self.transactions.as_ref().map_or(Ok(()), |transactions| transactions.begin(0).map_err(not_output))
    }

    /// `on_flushed` is called when outputs behind the barrier may flow.
    pub fn complete(&mut self, request: Request, on_flushed: impl FnOnce()) -> Result<Completed> {
        self.try_to_complete(request, on_flushed).map_err(|error| {
            let checkpoints = self.checkpoints.as_ref().is_some_and(Checkpoints::is_taken_over);
            let code = if checkpoints { ErrorCode::TakenOver } else { error.code };
            if_taken_over(self.transactions.as_deref(), Error { code, ..error })
        })
    }

    fn try_to_complete(&mut self, mut request: Request, on_flushed: impl FnOnce()) -> Result<Completed> {
        let started = Instant::now();
        let epoch = request.barrier - 1;
        if let Some(transactions) = &self.transactions {
            transactions.flush(epoch).map_err(not_output)?;
            if !request.is_last {
                transactions.begin(request.barrier).map_err(not_output)?;
            }
        }
        on_flushed();
        let manifest = self.manifest(&request);
        let files: Vec<SlotFiles> = request.reports.iter_mut().filter_map(|report| report.files.take()).collect();
        let manifest = match self.write(manifest, &files) {
            Ok(manifest) => manifest,
            Err(error) => {
                let savepoints = failed(&request.savepoints, &error);
                self.tolerate(error, request.is_last)?;
                let took_ms = started.elapsed().as_millis() as u64;
                return Ok(Completed { took_ms, savepoints, ..Completed::default() });
            }
        };
        let checkpoint = manifest.as_ref().map(|manifest| manifest.checkpoint);
        if let Some(transactions) = &self.transactions {
            let positions = self.positions(&request.reports, checkpoint);
            transactions.commit(epoch, &positions).map_err(not_output)?;
        }
        let (bytes, new_bytes) = manifest.as_ref().map_or((0, 0), |manifest| (manifest.bytes, manifest.new_bytes));
        // A savepoint before the commit would lead past outputs that a failed commit takes back.
        let savepoints = manifest.as_ref().map(|manifest| self.keep(manifest, &files, &request.savepoints));
        if let (Some(checkpoints), Some(manifest)) = (&mut self.checkpoints, manifest) {
            // What cannot be removed now is an orphan, which a later start removes.
            let _ = checkpoints.committed(manifest);
            // Not before the first commit, which results wait for.
            if !std::mem::replace(&mut self.has_tidied, true) {
                let _ = checkpoints.remove_orphans();
            }
        }
        let took_ms = started.elapsed().as_millis() as u64;
        let savepoints = savepoints.unwrap_or_default();
        Ok(Completed { checkpoint, is_committed: true, bytes, new_bytes, took_ms, savepoints })
    }

    /// A checkpoint could not be written. What is in an open transaction waits for a checkpoint and cannot be joined to the
    /// next one, so there nothing is tolerated. Nor is it of the last one, which no other makes up for.
    fn tolerate(&mut self, error: Error, is_last: bool) -> Result<()> {
        let tolerable = self.plan.checkpoints.as_ref().map_or(0, |checkpoints| checkpoints.tolerable_failures);
        self.failures += 1;
        let is_fatal = self.transactions.is_some() || is_last || self.failures > tolerable;
        if is_fatal { Err(error) } else { Ok(()) }
    }

    /// What is known before anything is written.
    fn manifest(&self, request: &Request) -> Manifest {
        Manifest {
            job: self.plan.name.clone(),
            created_ms: request.now_ms,
            max_parallelism: self.plan.max_parallelism as u32,
            operators: operators(&self.plan, &request.reports),
            ..Manifest::default()
        }
    }

    fn write(&mut self, manifest: Manifest, files: &[SlotFiles]) -> Result<Option<Manifest>> {
        let Some(checkpoints) = &mut self.checkpoints else { return Ok(None) };
        let (manifest, _) = checkpoints.write(manifest, files)?;
        self.failures = 0;
        Ok(Some(manifest))
    }

    /// Keeps a committed checkpoint as savepoints; one that cannot be written is told of and ends nothing.
    fn keep(&self, checkpoint: &Manifest, files: &[SlotFiles], wanted: &[Wanted]) -> Vec<(u64, SavepointState)> {
        let Some(checkpoints) = &self.checkpoints else { return Vec::new() };
        let write = |wanted: &Wanted| match checkpoints.write_savepoint(checkpoint.clone(), files, &wanted.name) {
            Ok(written) => SavepointState::Written { checkpoint: written.checkpoint, bytes: written.bytes },
            Err(error) => SavepointState::Failed(error.0),
        };
        wanted.iter().map(|wanted| (wanted.number, write(wanted))).collect()
    }

    /// No savepoint has this name.
    pub fn check_savepoint(&self, name: &str) -> Result<()> {
        self.checkpoints.as_ref().map_or(Ok(()), |checkpoints| Ok(checkpoints.check_savepoint(name)?))
    }

    /// The positions of each consumer group.
    fn positions(&self, reports: &[BarrierReport], checkpoint: Option<u64>) -> Vec<GroupPositions> {
        let mut groups: Vec<GroupPositions> = Vec::new();
        for report in reports.iter().flat_map(|report| &report.sources) {
            let OperatorKind::Source(source) = &self.plan.operators[report.operator].kind else { continue };
            let SourceConnector::Kafka(kafka) = &source.connector else { continue };
            let Some(group) = kafka.group() else { continue };
            let positions = report.positions.iter().map(|position| TopicPosition {
                topic: position.resource.clone(),
                partition: position.partition,
                offset: position.offset,
                metadata: PositionMetadata { emitted: NO_WATERMARK, reached: position.watermark, checkpoint }
                    .to_string(),
            });
            match groups.iter_mut().find(|known| known.group == group) {
                Some(known) => known.positions.extend(positions),
                None => groups.push(GroupPositions { group: group.to_owned(), positions: positions.collect() }),
            }
        }
        groups
    }
}

/// Transactions are those of the sinks.
fn not_output(error: millrace_io::Error) -> Error {
    Error::new(ErrorCode::Sink, error.to_string())
}

/// An error as it is told: after another worker has taken the outputs over, whatever fails does so for that reason, and to
/// try again would take them from that one.
pub fn if_taken_over(transactions: Option<&dyn Transactions>, error: Error) -> Error {
    let is_taken_over = transactions.is_some_and(Transactions::is_taken_over);
    Error { code: if is_taken_over { ErrorCode::TakenOver } else { error.code }, ..error }
}

/// Savepoints whose checkpoint could not be written.
pub fn failed(wanted: &[Wanted], error: &Error) -> Vec<(u64, SavepointState)> {
    wanted.iter().map(|wanted| (wanted.number, SavepointState::Failed(error.to_string()))).collect()
}

/// What operators keep beside their keyed state, over all slots.
fn operators(plan: &Plan, reports: &[BarrierReport]) -> Vec<OperatorState> {
    let operators = plan.operators.iter();
    let empty = |id: &str, name: &str| OperatorState { id: id.into(), name: name.into(), ..OperatorState::default() };
    let mut operators: Vec<OperatorState> = operators.map(|operator| empty(&operator.id, &operator.name)).collect();
    for report in reports {
        for source in &report.sources {
            operators[source.operator].positions.extend_from_slice(&source.positions);
        }
        let groups: KeyGroups = report.files.as_ref().map_or(0..0, |files| files.key_groups.clone());
        for state in &report.states {
            let progress = Progress { key_groups: groups.clone(), watermark: state.watermark };
            operators[state.operator].progress.push(progress);
            operators[state.operator].state = state.state.to_vec();
        }
        for (operator, files) in &report.staged {
            let files = files.iter().map(|f| StagedFile { staged: f.staged.clone(), visible: f.visible.clone() });
            operators[*operator].staged.extend(files);
        }
    }
    operators.retain(|o| !(o.state.is_empty() && o.positions.is_empty() && o.staged.is_empty()));
    operators
}

#[cfg(test)]
mod tests {
    use millrace_plan::{Guarantee, StateBackend};

    use super::*;

    fn plan(tolerable_failures: u32) -> Plan {
        let checkpoints = millrace_plan::Checkpoints {
            storage: "file:nowhere".into(),
            interval_ms: 1,
            min_pause_ms: 0,
            timeout_ms: 1,
            tolerable_failures,
            retained: 1,
            backend: StateBackend::Filesystem,
            memory_budget_bytes: 0,
            directory: "nowhere".into(),
        };
        Plan {
            name: "test".into(),
            parallelism: 1,
            max_parallelism: 1,
            commit_interval_ms: 1,
            guarantee: Guarantee::AtLeastOnce,
            checkpoints: Some(checkpoints),
            operators: Vec::new(),
        }
    }

    /// Another worker has them, or the brokers take nothing.
    struct Failing {
        is_taken_over: bool,
    }

    impl Transactions for Failing {
        fn begin(&self, _epoch: u64) -> millrace_io::Result<()> {
            Err(millrace_io::Error("it failed".into()))
        }
        fn flush(&self, epoch: u64) -> millrace_io::Result<()> {
            self.begin(epoch)
        }
        fn commit(&self, epoch: u64, _positions: &[GroupPositions]) -> millrace_io::Result<()> {
            self.begin(epoch)
        }
        fn is_taken_over(&self) -> bool {
            self.is_taken_over
        }
    }

    #[test]
    fn outputs_that_fail_are_an_error_of_the_sink_unless_another_worker_has_taken_over() {
        for (is_taken_over, code) in [(false, ErrorCode::Sink), (true, ErrorCode::TakenOver)] {
            let transactions: Arc<dyn Transactions> = Arc::new(Failing { is_taken_over });
            let mut coordinator = Coordinator::new(Arc::new(plan(1)), None, Some(transactions));
            let request = Request { barrier: 1, is_last: false, reports: vec![], savepoints: vec![], now_ms: 0 };
            assert_eq!(coordinator.complete(request, || ()).unwrap_err(), Error::new(code, "it failed"));
        }
    }

    #[test]
    fn so_many_checkpoints_in_a_row_may_fail_but_never_the_last_one() {
        let mut coordinator = Coordinator::new(Arc::new(plan(1)), None, None);
        let failure = || Error::new(ErrorCode::State, "the storage is full");
        assert!(coordinator.tolerate(failure(), false).is_ok());
        assert!(coordinator.tolerate(failure(), false).is_err());
        let mut coordinator = Coordinator::new(Arc::new(plan(1)), None, None);
        assert!(coordinator.tolerate(failure(), true).is_err());
    }
}
