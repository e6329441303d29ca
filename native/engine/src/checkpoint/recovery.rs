//! What a job goes on from when it starts.

use std::path::{Path, PathBuf};

use millrace_plan::{OperatorKind, Plan, SourceConnector};
use millrace_state::{Checkpoints, KeyedState, Manifest, OperatorState, Position};

use crate::batch::{Millis, NO_WATERMARK};
use crate::environment::Environment;
use crate::positions::PositionMetadata;
use crate::{Error, ErrorCode, Result};

/// Where a start is to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Start {
    /// At the last checkpoint that was committed.
    #[default]
    Latest,
    /// At nothing: what is stored is left alone, and not used.
    Fresh,
    Savepoint(String),
}

/// How a job is to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartOptions {
    pub start: Start,
    /// Ids of steps that the job does not have any more: what is stored of them is left out.
    pub allow_dropped: Vec<String>,
}

impl From<Start> for StartOptions {
    fn from(start: Start) -> Self {
        StartOptions { start, allow_dropped: Vec::new() }
    }
}

/// A checkpoint or savepoint, its files fetched; empty for a job that starts from nothing.
#[derive(Debug, Default)]
pub struct Recovered {
    pub manifest: Option<Manifest>,
    /// Keyed states, and the folders that hold their files.
    pub state: Vec<(KeyedState, PathBuf)>,
}

impl Recovered {
    pub fn checkpoint(&self) -> Option<u64> {
        self.manifest.as_ref().map(|manifest| manifest.checkpoint)
    }

    fn operator(&self, id: &str) -> Option<&OperatorState> {
        self.manifest.as_ref()?.operators.iter().find(|operator| operator.id == id)
    }

    /// Where the partitions of a source go on; `None` without a checkpoint.
    pub fn positions(&self, id: &str) -> Option<&[Position]> {
        self.manifest.as_ref()?;
        Some(self.operator(id).map_or(&[][..], |operator| &operator.positions))
    }

    /// What the stored state of an operator is called; nothing where there is none.
    pub fn state(&self, id: &str) -> &[String] {
        self.operator(id).map_or(&[], |operator| &operator.state)
    }

    /// The ids of operators that have left something which the job has no step for.
    pub fn dropped<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a str> {
        self.manifest.iter().flat_map(|manifest| without_step(plan, manifest)).map(|operator| operator.id.as_str())
    }

    /// How far the windows of an operator had come.
    pub fn watermark(&self, id: &str) -> Millis {
        let progress = self.operator(id).into_iter().flat_map(|operator| &operator.progress);
        progress.map(|progress| progress.watermark).min().unwrap_or(NO_WATERMARK)
    }
}

/// Finds what to go on from, checks that it fits the job and fetches its files into the folder `into`. Of a job whose
/// positions are committed by transactions, the transactions before have been ended by now.
pub fn recover(
    environment: &dyn Environment,
    plan: &Plan,
    checkpoints: &mut Checkpoints,
    start: &StartOptions,
    is_transactional: bool,
    into: &Path,
) -> Result<Recovered> {
    let manifest = match &start.start {
        Start::Fresh => return Ok(Recovered::default()),
        Start::Savepoint(name) => Some(checkpoints.savepoint(name)?),
        Start::Latest if is_transactional => committed(environment, plan, checkpoints)?,
        Start::Latest => checkpoints.latest()?.cloned(),
    };
    let Some(manifest) = manifest else { return Ok(Recovered::default()) };
    fits(plan, &manifest, &start.allow_dropped)?;
    show_staged(environment, &manifest)?;
    let state = checkpoints.restore(&manifest, into, &|_| {})?;
    Ok(Recovered { manifest: Some(manifest), state })
}

/// The checkpoint whose number was committed together with the outputs.
fn committed(environment: &dyn Environment, plan: &Plan, checkpoints: &Checkpoints) -> Result<Option<Manifest>> {
    let mut found = None;
    for operator in &plan.operators {
        let OperatorKind::Source(source) = &operator.kind else { continue };
        let SourceConnector::Kafka(kafka) = &source.connector else { continue };
        let metadata = environment.committed_metadata(kafka).map_err(|error| Error::from(error).at(&operator.name))?;
        for metadata in metadata.into_iter().flatten() {
            let metadata = PositionMetadata::parse(&metadata);
            found = found.max(metadata.and_then(|metadata| metadata.checkpoint));
        }
    }
    match (found, checkpoints.latest()?) {
        (Some(checkpoint), _) => Ok(Some(checkpoints.load(checkpoint)?)),
        // Written, and nothing of it committed: the job ended before its first commit.
        (None, Some(latest)) if latest.previous == 0 => Ok(None),
        (None, Some(latest)) => Err(Error::new(
            ErrorCode::State,
            format!(
                "the consumer group has no committed positions, but the storage has checkpoint {}: the group, or its \
                 positions, were deleted, or this is another cluster. Start from a savepoint, or from nothing with --fresh.",
                latest.checkpoint
            ),
        )),
        (None, None) => Ok(None),
    }
}

/// What is stored of steps, and the job does not have.
fn without_step<'a>(plan: &'a Plan, manifest: &'a Manifest) -> impl Iterator<Item = &'a OperatorState> {
    let keeps_something = |operator: &&OperatorState| !(operator.state.is_empty() && operator.positions.is_empty());
    let is_gone = |stored: &&OperatorState| !plan.operators.iter().any(|operator| operator.id == stored.id);
    manifest.operators.iter().filter(keeps_something).filter(is_gone)
}

/// Everything that is stored has its step in the job, or may be left out.
fn fits(plan: &Plan, manifest: &Manifest, allow_dropped: &[String]) -> Result<()> {
    let refuse = |message: String| Err(Error::new(ErrorCode::State, message));
    let what = format!("checkpoint {} of job \"{}\"", manifest.checkpoint, manifest.job);
    if manifest.max_parallelism as usize != plan.max_parallelism {
        return refuse(format!(
            "{what} has {} key groups, the job's maxParallelism is {}: set it back, or start with --fresh",
            manifest.max_parallelism, plan.max_parallelism
        ));
    }
    match without_step(plan, manifest).find(|stored| !allow_dropped.contains(&stored.id)) {
        None => Ok(()),
        Some(OperatorState { id, name, state, .. }) => refuse(format!(
            "{what} holds the {} of step \"{name}\" (id \"{id}\"), which the job does not have. Give the step that goes on \
             with it this id with .id(\"{id}\"); or leave it out with --allow-dropped {id}; or start from nothing with \
             --fresh.",
            if state.is_empty() { "positions" } else { "state" }
        )),
    }
}

/// A crash may have come between the commit and the renames that it promises.
fn show_staged(environment: &dyn Environment, manifest: &Manifest) -> Result<()> {
    let staged = manifest.operators.iter().flat_map(|operator| &operator.staged);
    let files: Vec<_> = staged
        .map(|file| millrace_io::StagedFile { staged: file.staged.clone(), visible: file.visible.clone() })
        .collect();
    environment.show_staged(&files).map_err(|error| Error::new(ErrorCode::Sink, error.to_string()))
}
