//! Event time at a source: when each row happened, and how far each partition has got.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{
    DataType, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use datafusion_physical_expr::PhysicalExpr;

use crate::batch::{END_OF_TIME, EventTimes, Millis, NO_WATERMARK, internal};
use crate::expressions::{compile, evaluate};
use crate::operators::window::{Settled, Settlement};
use crate::watermarks::{Combined, Watermark};
use crate::{Error, ErrorCode, Result};

/// The times that a JavaScript `Date` can say, either way from the epoch. Others are brought to the nearest: sums with
/// window sizes then never overflow.
const FURTHEST: Millis = 8_640_000_000_000_000;

/// Rows that lie together and come from one partition.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub split: usize,
    pub first_offset: i64,
    pub rows: usize,
}

/// Where, in a partition, records begin that settle later than those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub split: usize,
    pub first_offset: i64,
    /// The partition's watermark before it.
    pub reached: Millis,
    pub settles_at: Millis,
}

/// One partition's progress in event time.
#[derive(Debug, Clone, Copy)]
struct Partition {
    /// The latest event; `NO_WATERMARK` before the first.
    latest: Millis,
    last_seen_ms: u64,
    /// Everything it holds has been read: only then is silence idleness.
    caught_up: bool,
    ended: bool,
}

/// Assigns event times and keeps the watermark of a source's partitions in one slot.
pub struct EventClock {
    expr: Option<Arc<dyn PhysicalExpr>>,
    out_of_orderness: Millis,
    idle_timeout_ms: Option<u64>,
    idle_advance: bool,
    pub max_drift: Option<Millis>,
    partitions: Vec<Partition>,
    combined: Combined,
    /// When the last partition became idle.
    all_idle_since_ms: Option<u64>,
}

impl EventClock {
    pub fn new(plan: &millrace_plan::EventTime, schema: &SchemaRef) -> Result<Self> {
        let expr = plan.expr.as_ref().map(|expr| compile(expr, schema)).transpose()?;
        if let Some(expr) = &expr {
            check_type(expr, schema)?;
        }
        Ok(EventClock {
            expr,
            out_of_orderness: plan.out_of_orderness_ms,
            idle_timeout_ms: plan.idle_timeout_ms,
            idle_advance: plan.idle_advance,
            max_drift: plan.max_drift_ms,
            partitions: Vec::new(),
            combined: Combined::new(0),
            all_idle_since_ms: None,
        })
    }

    /// Event times come with the records, not from a column.
    pub fn uses_record_timestamps(&self) -> bool {
        self.expr.is_none()
    }

    /// Partitions and the watermarks that they were left at; `NO_WATERMARK` for those never read.
    pub fn add_partitions(&mut self, reached: &[Millis], now_ms: u64) {
        self.partitions.extend(reached.iter().map(|&reached| {
            let latest = if reached == NO_WATERMARK { reached } else { reached + self.out_of_orderness };
            Partition { latest, last_seen_ms: now_ms, caught_up: false, ended: false }
        }));
        self.combined.add_inputs(reached.iter().map(|&time| Watermark { time, idle: false }));
    }

    /// The watermark of one partition.
    pub fn reached(&self, split: usize) -> Millis {
        match self.partitions.get(split) {
            Some(partition) if partition.latest != NO_WATERMARK => partition.latest - self.out_of_orderness,
            _ => NO_WATERMARK,
        }
    }

    pub fn watermark(&self) -> Watermark {
        self.combined.current()
    }

    /// The watermark of the partition that is ahead of all others and has not ended.
    pub fn furthest(&self) -> Millis {
        let open = self.partitions.iter().enumerate().filter(|(_, partition)| !partition.ended);
        open.map(|(split, _)| self.reached(split)).max().unwrap_or(NO_WATERMARK)
    }

    /// The times of `rows`, which consist of `runs`; `timestamps` are those of the records. Also gives the stretches that
    /// begin in them.
    pub fn assign(
        &mut self,
        rows: &RecordBatch,
        timestamps: Vec<Millis>,
        runs: &[Run],
        settlement: &Settlement,
        now_ms: u64,
    ) -> Result<(EventTimes, Vec<Stretch>)> {
        let event = match &self.expr {
            Some(expr) => to_millis(&evaluate(expr, rows)?)?,
            None => Int64Array::from(timestamps),
        };
        let mut reached = Vec::with_capacity(event.len());
        let mut stretches = Vec::new();
        let mut next = 0;
        for run in runs {
            let Some(partition) = self.partitions.get_mut(run.split) else {
                return Err(internal("rows of an unknown partition"));
            };
            let times = &event.values()[next..next + run.rows];
            next += run.rows;
            let mut latest = partition.latest;
            let mut settled = Settled { at: NO_WATERMARK, until: NO_WATERMARK };
            for (row, &time) in times.iter().enumerate() {
                let before = if latest == NO_WATERMARK { latest } else { latest - self.out_of_orderness };
                reached.push(before);
                latest = latest.max(time);
                if time >= settled.until {
                    settled = settlement.settles(time);
                    let first_offset = run.first_offset + row as i64;
                    stretches.push(Stretch { split: run.split, first_offset, reached: before, settles_at: settled.at });
                }
            }
            partition.latest = latest;
            partition.last_seen_ms = now_ms;
            let time = if latest == NO_WATERMARK { latest } else { latest - self.out_of_orderness };
            self.combined.update(run.split, Watermark { time, idle: false });
        }
        Ok((EventTimes { event, reached: Int64Array::from(reached) }, stretches))
    }

    /// Something was read of the partition.
    #[inline]
    pub fn has_more(&mut self, split: usize) {
        if let Some(partition) = self.partitions.get_mut(split) {
            partition.caught_up = false;
        }
    }

    /// Everything that the partition holds has been read.
    pub fn caught_up(&mut self, split: usize, now_ms: u64) {
        if let Some(partition) = self.partitions.get_mut(split).filter(|partition| !partition.caught_up) {
            partition.caught_up = true;
            partition.last_seen_ms = now_ms;
        }
    }

    pub fn end(&mut self, split: usize) {
        if let Some(partition) = self.partitions.get_mut(split) {
            partition.ended = true;
            self.combined.update(split, Watermark::END);
        }
    }

    /// Partitions that could not be read are not idle, however long that lasts.
    pub fn not_idle(&mut self, now_ms: u64) {
        self.partitions.iter_mut().for_each(|partition| partition.last_seen_ms = now_ms);
    }

    pub fn split_not_idle(&mut self, split: usize, now_ms: u64) {
        if let Some(partition) = self.partitions.get_mut(split) {
            partition.last_seen_ms = now_ms;
        }
    }

    /// Marks the partitions that have been silent for too long.
    pub fn on_time(&mut self, now_ms: u64) {
        let Some(timeout) = self.idle_timeout_ms else { return };
        for (split, partition) in self.partitions.iter().enumerate() {
            let watermark = self.combined.input(split);
            let silent = partition.caught_up && now_ms >= partition.last_seen_ms + timeout;
            if silent && !partition.ended && !watermark.idle {
                self.combined.update(split, Watermark { time: watermark.time, idle: true });
            }
        }
        if !self.combined.current().idle || self.partitions.is_empty() {
            self.all_idle_since_ms = None;
        } else if self.idle_advance {
            self.advance(now_ms);
        }
    }

    /// All partitions are idle: event time goes on with the clock.
    fn advance(&mut self, now_ms: u64) {
        let since = *self.all_idle_since_ms.get_or_insert(now_ms);
        let latest = (0..self.partitions.len()).map(|split| self.reached(split)).max().unwrap_or(NO_WATERMARK);
        if latest != NO_WATERMARK {
            let time = latest.saturating_add((now_ms - since) as Millis);
            // Which of the idle partitions carries the time is all the same: the greatest decides.
            let Some(split) = self.partitions.iter().position(|partition| !partition.ended) else { return };
            self.combined.update(split, Watermark { time, idle: true });
        }
    }

    /// When [`EventClock::on_time`] has something to do next.
    pub fn next_timer_ms(&self, now_ms: u64) -> Option<u64> {
        let timeout = self.idle_timeout_ms?;
        if self.idle_advance && self.combined.current().idle && !self.partitions.is_empty() {
            return Some(now_ms + IDLE_ADVANCE_STEP_MS);
        }
        let waits = |split: usize, p: &Partition| p.caught_up && !p.ended && !self.combined.input(split).idle;
        let active = self.partitions.iter().enumerate().filter(|(split, partition)| waits(*split, partition));
        active.map(|(_, partition)| partition.last_seen_ms + timeout).min()
    }
}

/// Often enough for windows of a second, seldom enough to cost nothing.
const IDLE_ADVANCE_STEP_MS: u64 = 200;

fn check_type(expr: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Result<()> {
    let data_type = expr.data_type(schema).map_err(internal)?;
    if !matches!(data_type, DataType::Timestamp(_, _) | DataType::Int64) {
        let message = format!("eventTime: a timestamp is needed, or an int64 in milliseconds, not {data_type}");
        return Err(Error::new(ErrorCode::Plan, message));
    }
    if expr.nullable(schema).map_err(internal)? {
        let message = "eventTime: it may be null; declare the column without .nullable(), or give the rows without a time \
                       one with .coalesce(...)";
        return Err(Error::new(ErrorCode::Plan, message));
    }
    Ok(())
}

fn to_millis(array: &ArrayRef) -> Result<Int64Array> {
    if array.null_count() > 0 {
        return Err(Error::new(ErrorCode::Expression, "eventTime: it is null for a row, which was said not to happen"));
    }
    let in_range = |time: i64| time.clamp(-FURTHEST, FURTHEST);
    Ok(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().unary(in_range),
        DataType::Timestamp(TimeUnit::Second, _) => {
            array.as_primitive::<TimestampSecondType>().unary(|t| in_range(t.saturating_mul(1000)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().unary(in_range)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().unary(|t| t.div_euclid(1000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().unary(|t| t.div_euclid(1_000_000))
        }
        other => return Err(internal(format!("event times of type {other}"))),
    })
}

/// Partitions ahead of `slowest` by more than the allowed drift are to wait: all of them, while one has no event yet.
pub fn is_ahead(reached: Millis, slowest: Millis, max_drift: Millis) -> bool {
    slowest != END_OF_TIME && reached > slowest.saturating_add(max_drift)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;
    use crate::operators::window::Panes;

    fn clock(idle_timeout_ms: Option<u64>, idle_advance: bool, partitions: usize) -> EventClock {
        let plan = millrace_plan::EventTime {
            expr: None,
            out_of_orderness_ms: 10,
            idle_timeout_ms,
            idle_advance,
            max_drift_ms: None,
        };
        let mut clock = EventClock::new(&plan, &Arc::new(Schema::empty())).unwrap();
        clock.add_partitions(&vec![NO_WATERMARK; partitions], 0);
        clock
    }

    /// One event a call, of one partition.
    fn see(clock: &mut EventClock, split: usize, times: &[Millis], now_ms: u64) -> Vec<Millis> {
        let rows = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let run = Run { split, first_offset: 0, rows: times.len() };
        let (assigned, _) = clock.assign(&rows, times.to_vec(), &[run], &Settlement::default(), now_ms).unwrap();
        assigned.reached.values().to_vec()
    }

    #[test]
    fn each_row_knows_what_its_own_partition_had_reached_before_it() {
        let mut clock = clock(None, false, 2);
        assert_eq!(see(&mut clock, 0, &[100, 90, 200, 150], 0), [NO_WATERMARK, 90, 90, 190]);
        assert_eq!(see(&mut clock, 1, &[50, 60], 0), [NO_WATERMARK, 40]);
        assert_eq!(see(&mut clock, 0, &[210], 0), [190]);
    }

    #[test]
    fn a_stretch_begins_where_records_settle_later_than_those_before() {
        let mut clock = clock(None, false, 1);
        let rows = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let window = millrace_plan::Window { size_ms: 100, slide_ms: 100, offset_ms: 0 };
        let settlement = Settlement { paths: vec![vec![Panes::new(window)]] };
        let times = vec![10, 90, 110, 95, 210];
        let run = Run { split: 0, first_offset: 40, rows: times.len() };
        let (_, stretches) = clock.assign(&rows, times, &[run], &settlement, 0).unwrap();
        let begins: Vec<_> = stretches.iter().map(|s| (s.first_offset, s.reached, s.settles_at)).collect();
        assert_eq!(begins, [(40, NO_WATERMARK, 100), (42, 80, 200), (44, 100, 300)]);
    }

    #[test]
    fn the_watermark_waits_for_the_first_event_of_every_partition() {
        let mut clock = clock(None, false, 2);
        see(&mut clock, 0, &[100], 0);
        assert_eq!(clock.watermark(), Watermark::NONE);
        see(&mut clock, 1, &[70], 0);
        assert_eq!(clock.watermark(), Watermark { time: 60, idle: false });
    }

    #[test]
    fn the_furthest_partition_is_one_that_has_not_ended() {
        let mut clock = clock(None, false, 3);
        assert_eq!(clock.furthest(), NO_WATERMARK);
        see(&mut clock, 0, &[100], 0);
        see(&mut clock, 1, &[900], 0);
        see(&mut clock, 2, &[500], 0);
        assert_eq!(clock.furthest(), 890);
        clock.end(1);
        assert_eq!(clock.furthest(), 490);
    }

    #[test]
    fn a_silent_partition_becomes_idle_after_the_timeout_and_comes_back_with_its_next_event() {
        let mut clock = clock(Some(1000), false, 2);
        see(&mut clock, 0, &[100], 0);
        see(&mut clock, 1, &[500], 600);
        clock.on_time(5000);
        assert_eq!(clock.watermark().time, 90, "a partition that has more to read is not idle");
        clock.caught_up(0, 5000);
        clock.on_time(5999);
        assert_eq!(clock.watermark().time, 90);
        clock.on_time(6000);
        assert_eq!(clock.watermark(), Watermark { time: 490, idle: false });
        see(&mut clock, 0, &[120], 6100);
        see(&mut clock, 1, &[800], 6100);
        assert_eq!(clock.watermark().time, 490, "the partition that came back holds the others");
    }

    #[test]
    fn a_partition_that_is_held_back_is_not_idle() {
        let mut clock = clock(Some(1000), false, 1);
        see(&mut clock, 0, &[100], 0);
        clock.caught_up(0, 0);
        clock.not_idle(5000);
        clock.on_time(5500);
        assert!(!clock.watermark().idle);
    }

    #[test]
    fn while_all_are_idle_event_time_goes_on_with_the_clock_if_asked_for() {
        for (idle_advance, expected) in [(false, 90), (true, 2090)] {
            let mut clock = clock(Some(1000), idle_advance, 1);
            see(&mut clock, 0, &[100], 0);
            clock.caught_up(0, 0);
            clock.on_time(1000);
            clock.on_time(3000);
            assert_eq!(clock.watermark(), Watermark { time: expected, idle: true });
        }
    }

    #[test]
    fn a_partition_goes_on_from_the_watermark_it_was_left_at() {
        let mut clock = clock(None, false, 0);
        clock.add_partitions(&[90, 70], 0);
        assert_eq!(clock.watermark().time, 70);
        assert_eq!(see(&mut clock, 0, &[50], 0), [90]);
    }

    #[test]
    fn the_end_of_all_partitions_is_the_end_of_time() {
        let mut clock = clock(None, false, 2);
        clock.end(0);
        clock.end(1);
        assert_eq!(clock.watermark(), Watermark::END);
    }
}
