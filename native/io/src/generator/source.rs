//! Gives events out as rows, as fast as they are taken or at a rate.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringBuilder, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use millrace_plan::{GeneratorKind, GeneratorSource as Config};

use super::columns::{self, Value};
use super::event::Event;
use crate::{Clock, Error, Poll, Position, Receiver, Restored, Result, Source, Split};

const WHO: &str = "generator source";

/// At a rate, events come in bursts so far apart, which costs next to no CPU.
const BURST_MS: u64 = 10;

/// One slot's share of the events: those whose number, modulo the number of slots, is the slot's.
///
/// It has one split, whose offsets count the events of the share. Positions are not stored: every start begins with the
/// first event, or where a checkpoint goes on.
pub struct GeneratorSource {
    config: Config,
    schema: SchemaRef,
    /// How the value of each column in `schema` is made.
    values: Vec<Value>,
    splits: Vec<Split>,
    slot: u64,
    slots: u64,
    /// Events of the share that have been given out.
    next: u64,
    /// Those of them that were before this start, for which the rate does not count.
    before: u64,
    /// Events of the share; `None` is endless.
    count: Option<u64>,
    paused: bool,
    ended: bool,
    clock: Clock,
    opened_at_ms: u64,
}

impl GeneratorSource {
    /// `schema` holds the columns to make, each named and typed as one of the generator's.
    pub fn open(
        config: &Config,
        schema: SchemaRef,
        slot: usize,
        slots: usize,
        clock: Clock,
        restored: Option<&[Restored]>,
    ) -> Result<GeneratorSource> {
        let values = schema.fields().iter().map(|field| value(config.kind, field.name(), field.data_type()));
        let values = values.collect::<Result<_>>()?;
        let kind = kind_name(config.kind);
        let (slot, slots) = (slot as u64, slots.max(1) as u64);
        let name = format!("{kind}, share {slot} of {slots}");
        let before = restored_start(restored.unwrap_or_default(), kind, slot, slots)?;
        let (partition, start) = (slot as i32, before as i64);
        let splits = vec![Split { name, resource: kind.to_owned(), partition, start, metadata: None }];
        let count = (config.count > 0).then(|| share(config.count, slot, slots));
        let opened_at_ms = clock();
        let config = config.clone();
        let (next, paused, ended) = (before, false, false);
        Ok(GeneratorSource {
            config,
            schema,
            values,
            splits,
            slot,
            slots,
            next,
            before,
            count,
            paused,
            ended,
            clock,
            opened_at_ms,
        })
    }

    /// Events of the share that may have been given out by now.
    fn due(&self) -> u64 {
        let due = match self.config.rate {
            0 => u64::MAX,
            rate => {
                let elapsed_ms = (self.clock)().saturating_sub(self.opened_at_ms);
                let all = u128::from(elapsed_ms) * u128::from(rate) / 1000;
                let since = share(u64::try_from(all).unwrap_or(u64::MAX), self.slot, self.slots);
                since.saturating_add(self.before)
            }
        };
        due.min(self.count.unwrap_or(u64::MAX))
    }

    fn retry_after_ms(&self) -> u64 {
        let number = u128::from(self.next - self.before) * u128::from(self.slots) + u128::from(self.slot);
        let due_ms = ((number + 1) * 1000).div_ceil(u128::from(self.config.rate.max(1)));
        let elapsed_ms = (self.clock)().saturating_sub(self.opened_at_ms);
        u64::try_from(due_ms).unwrap_or(u64::MAX).saturating_sub(elapsed_ms).max(BURST_MS)
    }

    fn rows(&self, count: usize) -> Result<RecordBatch> {
        let events = || {
            let numbers = (self.next..).map(|index| index * self.slots + self.slot);
            numbers.take(count).map(|number| Event { number, config: &self.config })
        };
        let column = |(field, value): (&Arc<arrow::datatypes::Field>, &Value)| -> Result<ArrayRef> {
            Ok(match value {
                Value::Int64(make) => Arc::new(events().map(|event| make(&event)).collect::<Int64Array>()),
                Value::Timestamp(make) => timestamps(field.data_type(), events().map(|event| make(&event)))?,
                Value::String(make) => {
                    let mut builder = StringBuilder::with_capacity(count, count * 16);
                    for event in events() {
                        make(&event, &mut builder).map_err(|error| Error(format!("{WHO}: {error}")))?;
                        // Ends the string that was written.
                        builder.append_value("");
                    }
                    Arc::new(builder.finish())
                }
            })
        };
        let columns = self.schema.fields().iter().zip(&self.values).map(column).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| Error(format!("{WHO}: {error}")))
    }
}

impl<R: Receiver> Source<R> for GeneratorSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn poll(&mut self, max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error> {
        if self.count.is_some_and(|count| self.next >= count) {
            if !std::mem::replace(&mut self.ended, true) {
                receiver.end(0)?;
            }
            return Ok(Poll::End);
        }
        if self.paused {
            return Ok(Poll::Empty { retry_after_ms: Some(BURST_MS) });
        }
        let count = self.due().saturating_sub(self.next).min(max_records as u64);
        if count == 0 {
            receiver.caught_up(0);
            return Ok(Poll::Empty { retry_after_ms: Some(self.retry_after_ms()) });
        }
        let rows = self.rows(count as usize)?;
        let first = self.next;
        self.next += count;
        receiver.rows(0, first as i64, rows)?;
        Ok(Poll::More)
    }

    fn pause(&mut self, _split: usize, paused: bool) -> Result<()> {
        self.paused = paused;
        Ok(())
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<()> {
        Ok(())
    }

    fn close(&mut self, _timeout_ms: u64) -> Result<()> {
        Ok(())
    }
}

/// How many events of the share the checkpoint has seen. Shares of another number of slots are other events.
fn restored_start(restored: &[Restored], kind: &str, slot: u64, slots: u64) -> Result<u64> {
    let shares = || restored.iter().filter(|at| at.resource == kind);
    let count = shares().count() as u64;
    if count != 0 && count != slots {
        return Err(Error(format!(
            "{WHO}: {kind}: the checkpoint holds {count} shares, and the job runs in {slots} slots, which divide the events \
             otherwise. Run the job with a parallelism of {count}, or start it without the checkpoint."
        )));
    }
    let own = shares().find(|at| at.partition == slot as i32);
    Ok(own.map_or(0, |at| at.offset.max(0) as u64))
}

/// How many of the first `all` numbers belong to a slot.
fn share(all: u64, slot: u64, slots: u64) -> u64 {
    all / slots + u64::from(all % slots > slot)
}

fn kind_name(kind: GeneratorKind) -> &'static str {
    match kind {
        GeneratorKind::Bids => "bids",
        GeneratorKind::Persons => "persons",
        GeneratorKind::Auctions => "auctions",
    }
}

fn value(kind: GeneratorKind, name: &str, data_type: &DataType) -> Result<Value> {
    let columns = columns::of(kind);
    let Some(column) = columns.iter().find(|column| column.name == name) else {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        return Err(Error(format!(
            "{WHO}: {} have no column \"{name}\". Their columns are {}; declare only those.",
            kind_name(kind),
            names.join(", ")
        )));
    };
    let expected = match (column.value, data_type) {
        (Value::Int64(_), DataType::Int64)
        | (Value::String(_), DataType::Utf8)
        | (Value::Timestamp(_), DataType::Timestamp(..)) => return Ok(column.value),
        (Value::Int64(_), _) => "int64",
        (Value::String(_), _) => "string",
        (Value::Timestamp(_), _) => "timestamp",
    };
    Err(Error(format!(
        "{WHO}: column \"{name}\" of {} is declared as {data_type}. Declare it as {expected}.",
        kind_name(kind)
    )))
}

/// Times in ms as an array of the declared unit and zone.
fn timestamps(data_type: &DataType, times_ms: impl Iterator<Item = i64>) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, zone) = data_type else {
        return Err(Error(format!("{WHO}: {data_type} is no timestamp")));
    };
    let zone = zone.clone();
    let scaled = |factor: i64| times_ms.map(move |time| time.saturating_mul(factor));
    Ok(match unit {
        TimeUnit::Second => Arc::new(
            TimestampSecondArray::from_iter_values(scaled(1).map(|time| time.div_euclid(1000))).with_timezone_opt(zone),
        ),
        TimeUnit::Millisecond => {
            Arc::new(TimestampMillisecondArray::from_iter_values(scaled(1)).with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(TimestampMicrosecondArray::from_iter_values(scaled(1000)).with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => {
            Arc::new(TimestampNanosecondArray::from_iter_values(scaled(1_000_000)).with_timezone_opt(zone))
        }
    })
}

#[cfg(test)]
mod tests;
