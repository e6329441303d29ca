//! Asks a driver for rows, a page at a time for each split.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use millrace_formats::BadRecord;
use millrace_plan::DriverSource as Config;

use super::call::{Answer, Call, Calling, Calls, Page, Reply, Splits, Want};
use crate::outbox::Mailbox;
use crate::{Error, Poll, Position, Receiver, Record, Restored, Result, Source, SourcePlace, Split};

/// A driver that has not said by then what there is to read is given up.
const SPLITS_TIMEOUT: Duration = Duration::from_secs(120);

/// The splits of one slot. Of each there is one call at most on its way, and none while it is paused. An offset is the number
/// of a row from the first start on; where the driver goes on is in the token that a checkpoint keeps beside it.
pub struct DriverSource {
    who: String,
    calling: Calling,
    columns: SchemaRef,
    bounded: bool,
    splits: Vec<Split>,
    reading: Vec<Reading>,
    /// The split of each call that is not answered.
    unanswered: HashMap<u64, usize>,
}

struct Reading {
    next_offset: i64,
    /// Where a run goes on behind everything that has been handed over.
    token: Option<String>,
    is_asked: bool,
    paused: bool,
    ended: bool,
}

impl DriverSource {
    /// Asks for the splits, and waits for the answer. With `restored`, reading goes on from there.
    pub fn open(
        config: &Config,
        columns: SchemaRef,
        place: &SourcePlace<'_>,
        restored: Option<&[Restored]>,
        calls: &Arc<Calls>,
    ) -> Result<DriverSource> {
        let who = format!("{} source", config.driver);
        let Splits { names, bounded } = ask_for_splits(&who, place, calls)?;
        let restored = restored.unwrap_or_default();
        if let Some(gone) = restored.iter().find(|at| !names.contains(&at.resource)) {
            return Err(Error(format!(
                "{who}: the checkpoint goes on with {}, which is not there any more. Start without it, or bring it back.",
                gone.resource
            )));
        }
        let (mut splits, mut reading) = (Vec::new(), Vec::new());
        for name in names.into_iter().skip(place.slot).step_by(place.slots) {
            let at = restored.iter().find(|at| at.resource == name);
            let start = at.map_or(0, |at| at.offset);
            let token = at.and_then(|at| at.token.clone());
            reading.push(Reading { next_offset: start, token, is_asked: false, paused: false, ended: false });
            splits.push(Split { resource: name.clone(), name, partition: 0, start, metadata: None });
        }
        let calling = Calling::new(place.id, place.slot, calls.clone(), place.waker.clone());
        Ok(DriverSource { who, calling, columns, bounded, splits, reading, unanswered: HashMap::new() })
    }

    fn ask(&mut self) {
        for (split, reading) in self.reading.iter_mut().enumerate() {
            if reading.is_asked || reading.paused || reading.ended {
                continue;
            }
            let want = Want::Read {
                split: self.splits[split].resource.clone(),
                after: reading.token.clone(),
                columns: self.columns.clone(),
            };
            reading.is_asked = true;
            self.unanswered.insert(self.calling.call(want), split);
        }
    }

    fn page(&mut self, answer: Answer) -> Result<Page> {
        match answer {
            Ok(Reply::Read(page)) => Ok(page),
            Ok(_) => Err(Error(format!("{}: a page was answered with something else", self.who))),
            Err(reason) => Err(Error(reason)),
        }
    }

    /// Hands a page over; gives how much was in it.
    fn take<R: Receiver>(
        &mut self,
        split: usize,
        page: Page,
        receiver: &mut R,
    ) -> std::result::Result<usize, R::Error> {
        let count = page.rows.num_rows() + page.errors.len();
        let reading = &mut self.reading[split];
        let mut given = 0;
        for error in page.errors {
            let until = error.at.clamp(given, page.rows.num_rows());
            receiver.rows(split, reading.next_offset, page.rows.slice(given, until - given))?;
            reading.next_offset += (until - given) as i64;
            given = until;
            let value = Some(error.value.as_slice());
            let record = Record { split, offset: reading.next_offset, timestamp: None, key: None, value };
            let bad = BadRecord { column: None, message: error.reason };
            receiver.unreadable(record, reading.next_offset + 1, &bad)?;
            reading.next_offset += 1;
        }
        let rest = page.rows.num_rows() - given;
        receiver.rows(split, reading.next_offset, page.rows.slice(given, rest))?;
        reading.next_offset += rest as i64;
        reading.token = page.token.or(reading.token.take());
        if page.caught_up {
            receiver.caught_up(split);
        }
        if page.ended {
            reading.ended = true;
            receiver.end(split)?;
        }
        Ok(count)
    }
}

fn ask_for_splits(who: &str, place: &SourcePlace<'_>, calls: &Arc<Calls>) -> Result<Splits> {
    let (answered, answer) = sync_channel::<()>(1);
    let mailbox: Arc<Mailbox<Call, Answer>> = Arc::new(Mailbox::new(Arc::new(move || {
        let _ = answered.try_send(());
    })));
    calls.post(Call { step: place.id.into(), slot: place.slot, want: Want::Splits }, &mailbox);
    match answer.recv_timeout(SPLITS_TIMEOUT) {
        Ok(()) => {}
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            let seconds = SPLITS_TIMEOUT.as_secs();
            return Err(Error(format!("{who}: no answer for {seconds} s about what there is to read")));
        }
    }
    match mailbox.take().pop().map(|answered| answered.answer) {
        Some(Ok(Reply::Splits(splits))) => Ok(splits),
        Some(Err(reason)) => Err(Error(reason)),
        _ => Err(Error(format!("{who}: the question for splits was answered with something else"))),
    }
}

impl<R: Receiver> Source<R> for DriverSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn poll(&mut self, _max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error> {
        let mut given = 0;
        let answers: Vec<_> = self.calling.answers().collect();
        for (call, answer) in answers {
            let Some(split) = self.unanswered.remove(&call) else { continue };
            self.reading[split].is_asked = false;
            let page = self.page(answer)?;
            given += self.take(split, page, receiver)?;
        }
        self.ask();
        let all_ended = self.reading.iter().all(|reading| reading.ended) && (self.bounded || !self.reading.is_empty());
        Ok(match (all_ended, given) {
            (true, _) => Poll::End,
            (false, 0) => Poll::Empty { retry_after_ms: None },
            (false, _) => Poll::More,
        })
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        self.reading[split].paused = paused;
        Ok(())
    }

    fn token(&self, split: usize) -> Option<&str> {
        self.reading.get(split)?.token.as_deref()
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<()> {
        Ok(())
    }

    fn close(&mut self, _timeout_ms: u64) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
