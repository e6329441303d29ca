//! A job's figures as JavaScript sees them; `native/index.d.ts` tells what they are.

use millrace_engine::SavepointOutcome;
use napi_derive::napi;

#[napi(object)]
pub struct JobMetrics {
    pub operators: Vec<OperatorMetrics>,
    pub slots: Vec<SlotMetrics>,
    pub watermark_ms: Option<f64>,
    pub backpressured: f64,
    pub busy: f64,
    pub commits: f64,
    pub checkpoints: Option<CheckpointMetrics>,
    pub backend: Option<BackendFigures>,
}

#[napi(object)]
pub struct LookupMetrics {
    pub hits: f64,
    pub misses: f64,
}

#[napi(object)]
pub struct BackendFigures {
    pub bytes: f64,
    pub entries: f64,
    pub running_compactions: f64,
    pub pending_compaction_bytes: f64,
    pub delayed_write_rate: f64,
    pub stopped_writes: f64,
    pub block_cache_bytes: f64,
}

impl From<millrace_engine::BackendFigures> for BackendFigures {
    fn from(figures: millrace_engine::BackendFigures) -> Self {
        BackendFigures {
            bytes: figures.bytes as f64,
            entries: figures.entries as f64,
            running_compactions: figures.running_compactions as f64,
            pending_compaction_bytes: figures.pending_compaction_bytes as f64,
            delayed_write_rate: figures.delayed_write_rate as f64,
            stopped_writes: figures.stopped_writes as f64,
            block_cache_bytes: figures.block_cache_bytes as f64,
        }
    }
}

#[napi(object)]
pub struct CheckpointMetrics {
    pub completed: f64,
    pub failed: f64,
    pub last_id: Option<f64>,
    pub last_completed_at_ms: Option<f64>,
    pub last_duration_ms: Option<f64>,
    pub last_alignment_ms: Option<f64>,
    pub last_bytes: Option<f64>,
    pub last_new_bytes: Option<f64>,
    pub restored_from: Option<f64>,
    pub restored_changes: Option<Vec<String>>,
    pub savepoints: Option<f64>,
    pub last_savepoint: Option<LastSavepoint>,
}

#[napi(object)]
pub struct LastSavepoint {
    pub name: String,
    pub error: Option<String>,
}

impl From<SavepointOutcome> for LastSavepoint {
    fn from(SavepointOutcome { name, error }: SavepointOutcome) -> Self {
        LastSavepoint { name, error }
    }
}

#[napi(object)]
pub struct OperatorMetrics {
    pub id: String,
    pub name: String,
    pub rows_in: f64,
    pub rows_out: f64,
    pub late: f64,
    pub bad: f64,
    pub bytes: f64,
    pub busy_ms: f64,
    pub full_ms: f64,
    pub rows_by_slot: Vec<f64>,
    pub queue: Option<QueueMetrics>,
    pub exchange: Option<ExchangeMetrics>,
    pub source: Option<SourceMetrics>,
    pub latency: Option<LatencyMetrics>,
    pub event_latency: Option<LatencyMetrics>,
    pub state: Option<OperatorStateMetrics>,
    pub lookups: Option<LookupMetrics>,
}

#[napi(object)]
pub struct QueueMetrics {
    pub now: f64,
    pub peak: f64,
}

impl From<millrace_engine::QueueMetrics> for QueueMetrics {
    fn from(millrace_engine::QueueMetrics { now, peak }: millrace_engine::QueueMetrics) -> Self {
        QueueMetrics { now, peak }
    }
}

#[napi(object)]
pub struct ExchangeMetrics {
    pub rows: f64,
    pub bytes: f64,
}

impl From<millrace_engine::ExchangeMetrics> for ExchangeMetrics {
    fn from(exchange: millrace_engine::ExchangeMetrics) -> Self {
        ExchangeMetrics { rows: exchange.rows as f64, bytes: exchange.bytes as f64 }
    }
}

#[napi(object)]
pub struct SourceMetrics {
    pub partitions: f64,
    pub watermark_ms: Option<f64>,
    pub drift_ms: Option<f64>,
}

impl From<millrace_engine::SourceMetrics> for SourceMetrics {
    fn from(source: millrace_engine::SourceMetrics) -> Self {
        SourceMetrics {
            partitions: source.partitions as f64,
            watermark_ms: source.watermark_ms.map(|watermark| watermark as f64),
            drift_ms: source.drift_ms.map(|drift| drift as f64),
        }
    }
}

#[napi(object)]
pub struct LatencyMetrics {
    pub rows: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl From<millrace_engine::LatencyMetrics> for LatencyMetrics {
    fn from(latency: millrace_engine::LatencyMetrics) -> Self {
        let ms = |us: u64| us as f64 / 1000.0;
        LatencyMetrics {
            rows: latency.rows as f64,
            p50_ms: ms(latency.p50_us),
            p90_ms: ms(latency.p90_us),
            p99_ms: ms(latency.p99_us),
            max_ms: ms(latency.max_us),
        }
    }
}

#[napi(object)]
pub struct SlotMetrics {
    pub busy_ms: f64,
    pub backpressured_ms: f64,
    pub idle_ms: f64,
    pub cpu_ms: Option<f64>,
    pub rows: f64,
}

impl From<millrace_engine::SlotMetrics> for SlotMetrics {
    fn from(slot: millrace_engine::SlotMetrics) -> Self {
        SlotMetrics {
            busy_ms: slot.busy_ms as f64,
            backpressured_ms: slot.backpressured_ms as f64,
            idle_ms: slot.idle_ms as f64,
            cpu_ms: slot.cpu_ms.map(|cpu| cpu as f64),
            rows: slot.rows as f64,
        }
    }
}

#[napi(object)]
pub struct OperatorStateMetrics {
    pub memory_bytes: f64,
    pub memory_entries: f64,
    pub reads: f64,
    pub writes: f64,
}

impl From<millrace_engine::OperatorStateMetrics> for OperatorStateMetrics {
    fn from(state: millrace_engine::OperatorStateMetrics) -> Self {
        OperatorStateMetrics {
            memory_bytes: state.memory_bytes as f64,
            memory_entries: state.memory_entries as f64,
            reads: state.reads as f64,
            writes: state.writes as f64,
        }
    }
}

impl From<millrace_engine::OperatorMetrics> for OperatorMetrics {
    fn from(operator: millrace_engine::OperatorMetrics) -> Self {
        OperatorMetrics {
            id: operator.id,
            name: operator.name,
            rows_in: operator.rows_in as f64,
            rows_out: operator.rows_out as f64,
            late: operator.late as f64,
            bad: operator.bad as f64,
            bytes: operator.bytes as f64,
            busy_ms: operator.busy_ns as f64 / 1e6,
            full_ms: operator.full_ms as f64,
            rows_by_slot: operator.rows_by_slot.into_iter().map(|rows| rows as f64).collect(),
            queue: operator.queue.map(QueueMetrics::from),
            exchange: operator.exchange.map(ExchangeMetrics::from),
            source: operator.source.map(SourceMetrics::from),
            latency: operator.latency.map(LatencyMetrics::from),
            event_latency: operator.event_latency.map(LatencyMetrics::from),
            state: operator.state.map(OperatorStateMetrics::from),
            lookups: operator
                .lookups
                .map(|lookups| LookupMetrics { hits: lookups.hits as f64, misses: lookups.misses as f64 }),
        }
    }
}

impl From<millrace_engine::JobMetrics> for JobMetrics {
    fn from(metrics: millrace_engine::JobMetrics) -> Self {
        JobMetrics {
            operators: metrics.operators.into_iter().map(OperatorMetrics::from).collect(),
            slots: metrics.slots.into_iter().map(SlotMetrics::from).collect(),
            watermark_ms: metrics.watermark_ms.map(|watermark| watermark as f64),
            backpressured: metrics.backpressured,
            busy: metrics.busy,
            commits: metrics.commits as f64,
            checkpoints: metrics.checkpoints.map(CheckpointMetrics::from),
            backend: metrics.backend.map(BackendFigures::from),
        }
    }
}

impl From<millrace_engine::CheckpointMetrics> for CheckpointMetrics {
    fn from(metrics: millrace_engine::CheckpointMetrics) -> Self {
        let number = |figure: Option<u64>| figure.map(|figure| figure as f64);
        CheckpointMetrics {
            completed: metrics.completed as f64,
            failed: metrics.failed as f64,
            last_id: number(metrics.last_id),
            last_completed_at_ms: number(metrics.last_completed_at_ms),
            last_duration_ms: number(metrics.last_duration_ms),
            last_alignment_ms: number(metrics.last_alignment_ms),
            last_bytes: number(metrics.last_bytes),
            last_new_bytes: number(metrics.last_new_bytes),
            restored_from: number(metrics.restored_from),
            restored_changes: Some(metrics.restored_changes).filter(|changes| !changes.is_empty()),
            savepoints: number(Some(metrics.savepoints).filter(|&savepoints| savepoints > 0)),
            last_savepoint: metrics.last_savepoint.map(LastSavepoint::from),
        }
    }
}
