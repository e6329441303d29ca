//! FlatBuffer to [`Plan`]: every offset is verified, every enum value known, every nesting bounded.

mod expr;
mod format;
mod operator;
mod sink;
mod source;

use flatbuffers::{ForwardsUOffset, Vector, VerifierOptions};

use self::expr::{expr, named, schema};
use self::operator::{lookup_join, ttl, window_aggregate};
use crate::PlanError;
use crate::generated as fb;
use crate::model::*;

type Result<T> = std::result::Result<T, PlanError>;

type Tables<'a, T> = Option<Vector<'a, ForwardsUOffset<T>>>;

/// The newest version of the format that is understood.
const VERSION: u32 = 1;

/// Reads the structure of a plan; what it means is for `validate`.
pub fn decode_structure(bytes: &[u8]) -> Result<Plan> {
    if !flatbuffers::buffer_has_identifier(bytes.get(..8).map_or(&[0; 8][..], |_| bytes), fb::JOB_IDENTIFIER, false) {
        return Err(PlanError::new("this is not a plan (its identifier is not MLRP)"));
    }
    let options = VerifierOptions { max_depth: 512, max_tables: 1_000_000, ..VerifierOptions::default() };
    let job = fb::root_as_job_with_opts(&options, bytes);
    let job = job.map_err(|error| PlanError::new(format!("the plan is corrupt: {error}")))?;
    if job.version() > VERSION {
        let message = format!(
            "the plan has version {}, this worker reads up to {VERSION}: update @millrace/worker",
            job.version()
        );
        return Err(PlanError::new(message));
    }
    let operators =
        job.operators().iter().map(|operator| self::operator(operator).map_err(|error| error.at(operator.name())));
    Ok(Plan {
        name: job.name().into(),
        parallelism: job.parallelism() as usize,
        max_parallelism: job.max_parallelism() as usize,
        commit_interval_ms: positive("commit interval", job.commit_interval())?,
        guarantee: match job.guarantee() {
            fb::Guarantee::AtLeastOnce => Guarantee::AtLeastOnce,
            fb::Guarantee::ExactlyOnce => Guarantee::ExactlyOnce,
            fb::Guarantee::AtMostOnce => Guarantee::AtMostOnce,
            other => return Err(unknown("guarantee", other.0)),
        },
        checkpoints: job.checkpoints().map(checkpoints).transpose()?,
        operators: operators.collect::<Result<_>>()?,
    })
}

fn checkpoints(checkpoints: fb::Checkpoints<'_>) -> Result<Checkpoints> {
    Ok(Checkpoints {
        storage: checkpoints.storage().into(),
        interval_ms: positive("the checkpoints' interval", checkpoints.interval())?,
        min_pause_ms: positive("the pause between checkpoints", checkpoints.min_pause())?,
        timeout_ms: positive("the checkpoints' timeout", checkpoints.timeout())?,
        tolerable_failures: checkpoints.tolerable_failures(),
        retained: checkpoints.retained() as usize,
        backend: match checkpoints.backend() {
            fb::StateBackend::RocksDb => StateBackend::RocksDb,
            fb::StateBackend::Filesystem => StateBackend::Filesystem,
            other => return Err(unknown("state backend", other.0)),
        },
        memory_budget_bytes: positive("the memory budget", checkpoints.memory_budget())?,
        directory: checkpoints.directory().into(),
    })
}

fn operator(operator: fb::Operator<'_>) -> Result<Operator> {
    let kind = if let Some(source) = operator.kind_as_source() {
        OperatorKind::Source(source::source(source)?)
    } else if let Some(filter) = operator.kind_as_filter() {
        OperatorKind::Filter(expr(filter.predicate(), 0)?)
    } else if let Some(project) = operator.kind_as_project() {
        OperatorKind::Project(named(Some(project.columns()))?)
    } else if operator.kind_as_union().is_some() {
        OperatorKind::Union
    } else if let Some(window) = operator.kind_as_window_aggregate() {
        OperatorKind::WindowAggregate(window_aggregate(window)?)
    } else if let Some(function) = operator.kind_as_js_function() {
        let kind = match function.kind() {
            fb::FunctionKind::Map => FunctionKind::Map,
            fb::FunctionKind::FlatMap => FunctionKind::FlatMap,
            fb::FunctionKind::MapBatch => FunctionKind::MapBatch,
            other => return Err(unknown("kind of function", other.0)),
        };
        OperatorKind::Function(Function { kind, number: function.function() })
    } else if let Some(sink) = operator.kind_as_sink() {
        OperatorKind::Sink(sink::sink(sink)?)
    } else if let Some(deduplicate) = operator.kind_as_deduplicate() {
        let ttl = deduplicate.ttl().map(ttl).transpose()?;
        OperatorKind::Deduplicate(Deduplicate { keys: named(Some(deduplicate.keys()))?, ttl })
    } else if let Some(join) = operator.kind_as_broadcast_join() {
        OperatorKind::BroadcastJoin(BroadcastJoin {
            on: named(Some(join.on()))?,
            keys: named(Some(join.keys()))?,
            output: named(Some(join.output()))?,
            keep_unmatched: join.keep_unmatched(),
        })
    } else if let Some(join) = operator.kind_as_lookup_join() {
        OperatorKind::LookupJoin(lookup_join(join)?)
    } else {
        return Err(unknown("kind of operator", operator.kind_type().0));
    };
    Ok(Operator {
        id: operator.id().into(),
        name: operator.name().into(),
        inputs: operator.inputs().map_or_else(Vec::new, |inputs| inputs.iter().map(|input| input as usize).collect()),
        schema: schema(operator.fields())?,
        kind,
    })
}

fn properties(properties: Tables<'_, fb::Property<'_>>) -> Vec<(String, String)> {
    properties.map_or_else(Vec::new, |all| all.iter().map(|p| (p.key().into(), p.value().into())).collect())
}

fn positive(what: &str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| PlanError::new(format!("{what} is {value}: it cannot be negative")))
}

fn unknown(what: &str, code: impl std::fmt::Display) -> PlanError {
    PlanError::new(format!("unknown {what} ({code}): the SDK is newer than the worker; update @millrace/worker"))
}
