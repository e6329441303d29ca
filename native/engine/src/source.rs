//! A source as one slot runs it: records come in, batches with event times go out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::RecordBatch;
use millrace_formats::{BadRecord, Decoder};
use millrace_io::{Poll, Position, Receiver, Record, Source, Split, memory_bytes};

use crate::bad_records::BadRecords;
use crate::barrier::SourceReport;
use crate::batch::{Batch, END_OF_TIME, Millis, NO_WATERMARK, internal};
use crate::counters::OperatorCounters;
use crate::event_time::{EventClock, Run, Stretch, is_ahead};
use crate::job::Job;
use crate::node::Event;
use crate::operators::window::Settlement;
use crate::positions::{PartitionPosition, PositionMetadata};
use crate::sink_writer::SinkWriter;
use crate::watermarks::Watermark;
use crate::{Error, ErrorCode, Result};

/// Rows in a batch: large enough that the cost of a batch is spread thin, small enough for the CPU's caches.
const BATCH_ROWS: usize = 8192;

/// Records of this size together make a batch, however few they are.
const BATCH_BYTES: usize = 4 << 20;

/// Takes records from a source, decodes them and assigns event times.
pub struct Intake {
    decoder: Box<dyn Decoder>,
    /// The first record of a split is none: it names the columns.
    has_header: bool,
    /// Rows that come decoded were read somewhere, and not made up.
    counts_rows: bool,
    /// Rows in the decoder, by partition.
    runs: Vec<Run>,
    /// Event times of the rows in the decoder, where they come with the records.
    timestamps: Vec<Millis>,
    bytes: usize,
    clock: Option<EventClock>,
    settlement: Settlement,
    splits: Vec<Split>,
    positions: Vec<PartitionPosition>,
    bad: BadRecords,
    counters: Arc<OperatorCounters>,
    ready: Vec<Event>,
    now_ms: u64,
}

impl From<millrace_io::Error> for Error {
    fn from(error: millrace_io::Error) -> Self {
        Error::new(ErrorCode::Source, error.to_string())
    }
}

impl Receiver for Intake {
    type Error = Error;

    fn record(&mut self, record: Record<'_>) -> Result<()> {
        self.read(record.split, record.offset)?;
        if self.has_header && record.offset == 0 {
            return Ok(());
        }
        if self.event_times_come_with_records() && record.timestamp.is_none() {
            let message = "the record has no timestamp, which eventTime() is to be taken from";
            return self.bad(&record, &BadRecord { column: None, message: message.into() });
        }
        let rows = self.decoder.rows();
        let decoded = match record.value {
            Some(value) => self.decoder.decode(value),
            None => self.decoder.tombstone(record.key),
        };
        if let Err(bad) = decoded {
            if let Some(failure) = self.decoder.take_failure() {
                let message = format!("{}, offset {}: {failure}", self.splits[record.split].name, record.offset);
                return Err(Error::new(ErrorCode::Source, message));
            }
            return self.bad(&record, &bad);
        }
        let bytes = record.value.map_or(0, <[u8]>::len);
        self.counters.bytes.add(bytes as u64);
        if self.decoder.rows() == rows {
            return Ok(());
        }
        self.timestamps.extend(record.timestamp.filter(|_| self.event_times_come_with_records()));
        self.bytes += bytes;
        self.extend_run(record.split, record.offset, 1);
        if self.decoder.rows() >= BATCH_ROWS || self.bytes >= BATCH_BYTES || self.decoder.is_full() {
            self.flush()?;
        }
        Ok(())
    }

    fn rows(&mut self, split: usize, first_offset: i64, rows: RecordBatch) -> Result<()> {
        self.flush()?;
        let count = rows.num_rows();
        if count > 0 {
            self.read(split, first_offset + count as i64 - 1)?;
            if self.counts_rows {
                self.counters.bytes.add(memory_bytes(&rows) as u64);
            }
            self.runs.push(Run { split, first_offset, rows: count });
            self.emit(rows)?;
        }
        Ok(())
    }

    fn unreadable(&mut self, record: Record<'_>, next: i64, bad: &BadRecord) -> Result<()> {
        self.flush()?;
        self.read(record.split, next - 1)?;
        self.bad(&record, bad)
    }

    fn caught_up(&mut self, split: usize) {
        if let Some(clock) = &mut self.clock {
            clock.caught_up(split, self.now_ms);
        }
    }

    fn end(&mut self, split: usize) -> Result<()> {
        self.flush()?;
        if let Some(clock) = &mut self.clock {
            clock.end(split);
        }
        Ok(())
    }
}

impl Intake {
    fn event_times_come_with_records(&self) -> bool {
        self.clock.as_ref().is_some_and(EventClock::uses_record_timestamps)
    }

    /// A partition has been read up to `offset`.
    fn read(&mut self, split: usize, offset: i64) -> Result<()> {
        let Some(position) = self.positions.get_mut(split) else {
            return Err(internal(format!("a record of unknown partition {split}")));
        };
        position.advance(offset);
        if let Some(clock) = &mut self.clock {
            clock.has_more(split);
        }
        Ok(())
    }

    fn bad(&mut self, record: &Record<'_>, bad: &BadRecord) -> Result<()> {
        self.bad.handle(&self.splits[record.split], record, bad, &self.counters)
    }

    fn extend_run(&mut self, split: usize, offset: i64, rows: usize) {
        match self.runs.last_mut() {
            Some(run) if run.split == split => run.rows += rows,
            _ => self.runs.push(Run { split, first_offset: offset, rows }),
        }
    }

    /// Sends on what the decoder holds.
    fn flush(&mut self) -> Result<()> {
        if self.decoder.rows() == 0 {
            return Ok(());
        }
        self.bytes = 0;
        let rows = self.decoder.finish();
        self.emit(rows)
    }

    /// Sends on the rows of `self.runs`.
    fn emit(&mut self, rows: RecordBatch) -> Result<()> {
        self.counters.rows_out.add(rows.num_rows() as u64);
        let runs = std::mem::take(&mut self.runs);
        let timestamps = std::mem::take(&mut self.timestamps);
        let times = match &mut self.clock {
            None => None,
            Some(clock) => {
                let (times, stretches) = clock.assign(&rows, timestamps, &runs, &self.settlement, self.now_ms)?;
                for Stretch { split, first_offset, reached, settles_at } in stretches {
                    self.positions[split].add(first_offset, reached, settles_at);
                }
                Some(times)
            }
        };
        self.ready.push(Event::Batch(Batch { rows, times, pane: None }));
        Ok(())
    }
}

/// A source in one slot.
pub struct SourceInput {
    /// Its index in the plan.
    operator: usize,
    step: String,
    slot: usize,
    source: Box<dyn Source<Intake>>,
    intake: Intake,
    paused: Vec<bool>,
    sent: Watermark,
    /// Where a checkpoint goes on; `None` without one.
    restored: Option<Vec<millrace_state::Position>>,
    /// The windowed aggregations downstream, by their index in the plan.
    windows: Vec<usize>,
    ended: bool,
    retry_at_ms: Option<u64>,
    /// When the source was last looked at.
    polled_ms: u64,
}

/// What [`SourceInput::new`] puts together.
pub struct SourceParts {
    pub operator: usize,
    pub step: String,
    pub slot: usize,
    pub source: Box<dyn Source<Intake>>,
    pub decoder: Box<dyn Decoder>,
    pub has_header: bool,
    pub counts_rows: bool,
    pub clock: Option<EventClock>,
    pub settlement: Settlement,
    pub windows: Vec<usize>,
    pub restored: Option<Vec<millrace_state::Position>>,
    pub bad: BadRecords,
    pub counters: Arc<OperatorCounters>,
}

impl SourceInput {
    pub fn new(parts: SourceParts) -> Self {
        let SourceParts { operator, step, slot, source, decoder, has_header, clock, settlement, windows, .. } = parts;
        let SourceParts { restored, bad, counters, counts_rows, .. } = parts;
        let intake = Intake {
            decoder,
            has_header,
            counts_rows,
            runs: Vec::new(),
            timestamps: Vec::new(),
            bytes: 0,
            clock,
            settlement,
            splits: Vec::new(),
            positions: Vec::new(),
            bad,
            counters,
            ready: Vec::new(),
            now_ms: 0,
        };
        let mut input = SourceInput {
            operator,
            step,
            slot,
            source,
            intake,
            paused: Vec::new(),
            sent: Watermark::NONE,
            restored,
            windows,
            ended: false,
            retry_at_ms: None,
            polled_ms: 0,
        };
        input.take_up_splits();
        input
    }

    /// Partitions that the source has found since the last look.
    fn take_up_splits(&mut self) {
        let SourceInput { source, intake, paused, restored, .. } = self;
        let found = &source.splits()[intake.splits.len()..];
        if let Some(clock) = &mut intake.clock {
            let restored = restored.as_deref();
            let reached = |split: &Split| match restored {
                Some(positions) => watermark_in(positions, split),
                None => committed(split).map_or(NO_WATERMARK, |metadata| metadata.reached),
            };
            clock.add_partitions(&found.iter().map(reached).collect::<Vec<_>>(), intake.now_ms);
        }
        intake.positions.extend(found.iter().map(|split| PartitionPosition::new(split.start)));
        intake.splits.extend_from_slice(found);
        intake.counters.partitions.set(intake.splits.len() as u64);
        paused.resize(intake.splits.len(), false);
    }

    pub fn operator(&self) -> usize {
        self.operator
    }

    /// What the run before had emitted, as far as this slot's partitions know.
    pub fn restored(&self) -> Millis {
        let emitted = self.intake.splits.iter().filter_map(committed).map(|metadata| metadata.emitted);
        emitted.max().unwrap_or(NO_WATERMARK)
    }

    /// The checkpoint that the committed positions of this slot's partitions belong to.
    pub fn committed_checkpoint(&self) -> Option<u64> {
        self.intake.splits.iter().filter_map(committed).filter_map(|metadata| metadata.checkpoint).max()
    }

    pub fn dead_letter_writer(&self) -> Option<Rc<RefCell<SinkWriter>>> {
        self.intake.bad.writer()
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reads what there is and puts it, in order, into `events`.
    pub fn poll(&mut self, job: &Job, now_ms: u64, events: &mut Vec<Event>) -> Result<()> {
        self.intake.now_ms = now_ms;
        if now_ms - self.polled_ms > UNWATCHED_MS {
            self.held_back(now_ms);
        }
        self.polled_ms = now_ms;
        if self.ended || self.retry_at_ms.is_some_and(|at| now_ms < at) {
            self.tell_time(job, now_ms, events);
            return Ok(());
        }
        self.align(job, now_ms)?;
        self.retry_at_ms = None;
        match self.source.poll(BATCH_ROWS, &mut self.intake)? {
            Poll::More => {}
            Poll::Empty { retry_after_ms } => self.retry_at_ms = retry_after_ms.map(|after| now_ms + after),
            Poll::End => self.ended = true,
        }
        if self.source.splits().len() > self.intake.splits.len() {
            self.take_up_splits();
        }
        self.intake.flush()?;
        events.append(&mut self.intake.ready);
        self.tell_time(job, now_ms, events);
        Ok(())
    }

    /// What is downstream takes nothing now.
    pub fn held_back(&mut self, now_ms: u64) {
        if let Some(clock) = &mut self.intake.clock {
            clock.not_idle(now_ms);
        }
    }

    /// Tells downstream, and the other slots, how far event time has come.
    fn tell_time(&mut self, job: &Job, now_ms: u64, events: &mut Vec<Event>) {
        let watermark = match &mut self.intake.clock {
            _ if self.ended => Watermark::END,
            None => return,
            Some(clock) => {
                clock.on_time(now_ms);
                job.set_source_furthest(self.slot, self.operator, clock.furthest());
                clock.watermark()
            }
        };
        if watermark != self.sent {
            self.sent = watermark;
            let slowest = if watermark.idle { END_OF_TIME } else { watermark.time };
            job.set_source_watermark(self.slot, self.operator, slowest);
            events.push(Event::Watermark(watermark));
        }
    }

    /// Pauses the partitions that are too far ahead of the slowest of all slots.
    fn align(&mut self, job: &Job, now_ms: u64) -> Result<()> {
        let Some(clock) = &mut self.intake.clock else { return Ok(()) };
        let Some(max_drift) = clock.max_drift else { return Ok(()) };
        let slowest = job.source_watermark(self.operator);
        for (split, paused) in self.paused.iter_mut().enumerate() {
            let ahead = is_ahead(clock.reached(split), slowest, max_drift);
            if ahead != *paused {
                self.source.pause(split, ahead)?;
                *paused = ahead;
            }
            if ahead {
                clock.split_not_idle(split, now_ms);
            }
        }
        Ok(())
    }

    pub fn on_barrier(&mut self) -> SourceReport {
        let SourceInput { source, intake: Intake { positions, splits, clock, .. }, .. } = self;
        let splits = splits.iter().zip(positions).enumerate().map(|(index, (split, position))| {
            let watermark = clock.as_ref().map_or(NO_WATERMARK, |clock| clock.reached(index));
            let offset = position.on_barrier(watermark);
            let token = source.token(index).map(str::to_owned);
            let Split { resource, partition, .. } = split;
            millrace_state::Position { resource: resource.clone(), partition: *partition, offset, watermark, token }
        });
        let report = SourceReport { operator: self.operator, positions: splits.collect() };
        if let Some(writer) = self.dead_letter_writer() {
            writer.borrow_mut().on_barrier();
        }
        report
    }

    /// The last barrier has passed all slots: commits what has been dealt with.
    pub fn commit(&mut self, job: &Job, checkpoint: Option<u64>) -> Result<()> {
        let emitted = job.barriers.emitted(self.operator, &self.windows);
        let positions = self.intake.positions.iter_mut().enumerate();
        let positions: Vec<Position> =
            positions.filter_map(|(split, p)| p.commit(split, emitted, checkpoint)).collect();
        if positions.is_empty() {
            return Ok(());
        }
        Ok(self.source.commit(&positions)?)
    }

    pub fn close(&mut self, timeout_ms: u64) -> Result<()> {
        Ok(self.source.close(timeout_ms)?)
    }

    /// When to look again though nobody wakes the slot.
    pub fn next_timer_ms(&self, now_ms: u64) -> Option<u64> {
        if self.ended {
            return None;
        }
        let idle = self.intake.clock.as_ref().and_then(|clock| clock.next_timer_ms(now_ms));
        // Paused partitions wait for other slots, whose progress nobody announces.
        let aligned = self.paused.contains(&true).then_some(now_ms + ALIGNMENT_CHECK_MS);
        [idle, aligned, self.retry_at_ms].into_iter().flatten().min()
    }

    /// Names the step in an error.
    pub fn at<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.at(&self.step))
    }
}

const ALIGNMENT_CHECK_MS: u64 = 20;

/// A source that was not looked at for so long, as while the job starts or the machine stands still, says nothing about
/// which of its partitions are idle. An idle slot looks every half second.
const UNWATCHED_MS: u64 = 1000;

fn committed(split: &Split) -> Option<PositionMetadata> {
    split.metadata.as_deref().and_then(PositionMetadata::parse)
}

fn watermark_in(positions: &[millrace_state::Position], split: &Split) -> Millis {
    let of = |p: &&millrace_state::Position| p.resource == split.resource && p.partition == split.partition;
    positions.iter().find(of).map_or(NO_WATERMARK, |position| position.watermark)
}
