//! What a job tells of itself adds up.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;

use arrow::datatypes::DataType;
use millrace_engine::{JobMetrics, OperatorMetrics};
use millrace_plan::*;
use run::{JobPlan, column, generated_bids, named, schema};

const EVENTS: u64 = 100_000;
const SLOTS: usize = 2;

/// Bids, counted by a key in windows of 2 s.
fn metrics_of_counts_by(key: &str) -> JobMetrics {
    let mut job = JobPlan::new();
    let bids = job.bids(generated_bids(EVENTS), 1_000);
    let fields = [(key, DataType::Int64, false), ("n", DataType::Int64, true)];
    let count = WindowAggregate {
        keys: vec![named(key, column(key))],
        window: Window { size_ms: 2_000, slide_ms: 2_000, offset_ms: 0 },
        aggregates: vec![Aggregate { function: AggregateFunction::Count, expr: None }],
        output: vec![named(key, column(key)), named("n", column(&aggregate_column(0)))],
    };
    let counted = job.add("window", &[bids], schema(&fields), OperatorKind::WindowAggregate(count));
    job.table(counted, "counts");
    job.run_with_metrics(SLOTS, "counts").1
}

fn operators(metrics: &JobMetrics) -> [&OperatorMetrics; 3] {
    let [source, window, table] = metrics.operators.as_slice() else { panic!("{metrics:?}") };
    [source, window, table]
}

#[test]
fn rows_are_counted_where_they_come_and_where_they_cross_to_another_slot() {
    let metrics = metrics_of_counts_by("auction");
    let [source, window, table] = operators(&metrics);
    assert_eq!(source.rows_by_slot.iter().sum::<u64>(), EVENTS);
    assert_eq!((source.rows_out, window.rows_in), (EVENTS, EVENTS));
    let exchange = window.exchange.unwrap();
    assert_eq!(window.rows_by_slot.iter().sum::<u64>(), exchange.rows);
    assert!(exchange.rows >= window.rows_out && exchange.rows < EVENTS, "{exchange:?}");
    assert!(exchange.bytes >= exchange.rows * 8, "{exchange:?}");
    let queue = window.queue.unwrap();
    assert!(queue.now == 0.0 && queue.peak > 0.0, "{queue:?}");
    assert_eq!((window.rows_out, table.rows_by_slot.iter().sum()), (table.rows_in, table.rows_in));
    let handled: u64 = metrics.slots.iter().map(|slot| slot.rows).sum();
    assert_eq!(handled, EVENTS + EVENTS + exchange.rows + table.rows_in);
    assert_eq!(source.source.unwrap().partitions, SLOTS as u64);
}

#[test]
fn operators_take_their_own_time_within_that_of_the_slots() {
    let metrics = metrics_of_counts_by("auction");
    let own: u64 = metrics.operators.iter().map(|operator| operator.busy_ns).sum();
    assert!(metrics.operators.iter().all(|operator| operator.busy_ns > 0), "{metrics:?}");
    // What is timed in a round that has nothing to do belongs to no busy time; a slot's is cut to milliseconds.
    let all_ms: u64 = metrics.slots.iter().map(|slot| slot.busy_ms + slot.idle_ms + slot.backpressured_ms + 3).sum();
    assert!(own / 1_000_000 <= all_ms, "{metrics:?}");
}

#[test]
fn a_sink_tells_how_long_its_rows_took_and_how_far_behind_they_are() {
    let metrics = metrics_of_counts_by("auction");
    let [source, window, table] = operators(&metrics);
    assert!(source.latency.is_none() && window.latency.is_none());
    let (latency, event) = (table.latency.unwrap(), table.event_latency.unwrap());
    assert_eq!((latency.rows, event.rows), (table.rows_in, table.rows_in));
    assert!(latency.p50_us <= latency.p99_us && latency.p99_us <= latency.max_us && latency.max_us > 0, "{latency:?}");
    // The events are years old.
    assert!(event.p50_us > 86_400_000_000 && event.p50_us > latency.max_us, "{event:?}");
}

#[test]
fn a_key_that_all_rows_have_shows_as_a_slot_to_which_all_rows_come() {
    let mut job = JobPlan::new();
    let bids = job.bids(GeneratorSource { keys: 1, ..generated_bids(EVENTS) }, 1_000);
    let deduplicate = Deduplicate { keys: vec![named("auction", column("auction"))], ttl: None };
    let schema = job.schema_of(bids);
    let once = job.add("deduplicate", &[bids], schema, OperatorKind::Deduplicate(deduplicate));
    job.table(once, "once");
    let metrics = job.run_with_metrics(SLOTS, "once").1;
    let mut rows = metrics.operators[1].rows_by_slot.clone();
    rows.sort_unstable();
    assert_eq!(rows, [0, EVENTS]);
}
