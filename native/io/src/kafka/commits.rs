//! Commits of positions, with metadata; none is waited for.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Consumer, advice, is_transient};
use super::source::WHO;
use crate::{Error, Position, Result, Split};

/// The position that a partition is to have.
#[derive(Debug, Clone)]
struct Wanted {
    offset: i64,
    metadata: String,
    stored: bool,
}

/// Sends commits and collects their outcomes.
pub struct Commits {
    /// Outcomes come here, apart from messages.
    outcomes: NonNull<rd::rd_kafka_queue_t>,
    in_flight: usize,
    /// By split.
    wanted: Vec<Option<Wanted>>,
    /// Why the last commit was not stored, if it may be by another try.
    last_failure: Option<String>,
    /// A queue must go before its client does.
    consumer: Arc<Consumer>,
}

impl Commits {
    pub fn new(consumer: &Arc<Consumer>, splits: usize) -> Option<Commits> {
        // SAFETY: the client lives as long as the queue, which holds it.
        let outcomes = NonNull::new(unsafe { rd::rd_kafka_queue_new(consumer.client().native_ptr()) })?;
        let wanted = vec![None; splits];
        Some(Commits { outcomes, in_flight: 0, wanted, last_failure: None, consumer: consumer.clone() })
    }

    /// Commits positions, and those before that could not be stored.
    pub fn send(&mut self, splits: &[Split], positions: &[Position]) -> Result<()> {
        for Position { split, offset, metadata } in positions {
            if let Some(wanted) = self.wanted.get_mut(*split) {
                *wanted = Some(Wanted { offset: *offset, metadata: metadata.clone(), stored: false });
            }
        }
        let mut list = TopicPartitionList::with_capacity(splits.len());
        for (split, wanted) in splits.iter().zip(&self.wanted) {
            if let Some(Wanted { offset, metadata, stored: false }) = wanted {
                let mut element = list.add_partition(&split.resource, split.partition);
                element
                    .set_offset(Offset::Offset(*offset))
                    .map_err(|error| Error(format!("{WHO}: {}: {error}", split.name)))?;
                element.set_metadata(metadata);
            }
        }
        if list.count() == 0 {
            return Ok(());
        }
        let client = self.consumer.client().native_ptr();
        // SAFETY: client, list and queue are valid; the list is copied; without a callback the outcome comes as an event.
        let error =
            unsafe { rd::rd_kafka_commit_queue(client, list.ptr(), self.outcomes.as_ptr(), None, ptr::null_mut()) };
        if error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(refused(error.into(), "all partitions"));
        }
        self.in_flight += 1;
        Ok(())
    }

    /// Looks at the outcomes that have come; with a time, waits for the first that long.
    pub fn serve(&mut self, splits: &[Split], wait: Duration) -> Result<()> {
        let mut wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        while self.in_flight > 0 {
            // SAFETY: the queue is valid.
            let event = unsafe { rd::rd_kafka_queue_poll(self.outcomes.as_ptr(), wait_ms) };
            let Some(event) = NonNull::new(event) else { break };
            wait_ms = 0;
            let outcome = self.on_event(splits, event);
            // SAFETY: the event came from the queue and is destroyed once.
            unsafe { rd::rd_kafka_event_destroy(event.as_ptr()) };
            outcome?;
        }
        Ok(())
    }

    fn on_event(&mut self, splits: &[Split], event: NonNull<rd::rd_kafka_event_t>) -> Result<()> {
        // SAFETY: the event is valid.
        if unsafe { rd::rd_kafka_event_type(event.as_ptr()) } != rd::RD_KAFKA_EVENT_OFFSET_COMMIT {
            return Ok(());
        }
        self.in_flight -= 1;
        // SAFETY: as above.
        let whole = unsafe { rd::rd_kafka_event_error(event.as_ptr()) };
        // SAFETY: as above; the list belongs to the event.
        let list = unsafe { rd::rd_kafka_event_topic_partition_list(event.as_ptr()).as_ref() };
        let elements = match list {
            // SAFETY: a list holds `cnt` elements.
            Some(list) if list.cnt > 0 => unsafe { std::slice::from_raw_parts(list.elems, list.cnt as usize) },
            _ => return self.on_outcome(None, whole),
        };
        for element in elements {
            // SAFETY: an element's topic is a C string.
            let topic = unsafe { CStr::from_ptr(element.topic) }.to_string_lossy();
            let key = (topic.as_ref(), element.partition);
            let Ok(index) = splits.binary_search_by(|split| (split.resource.as_str(), split.partition).cmp(&key))
            else {
                continue;
            };
            let failed = element.err != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
            let error = if failed { element.err } else { whole };
            self.on_outcome(Some((&splits[index], index, element.offset)), error)?;
        }
        Ok(())
    }

    fn on_outcome(&mut self, of: Option<(&Split, usize, i64)>, error: rd::rd_kafka_resp_err_t) -> Result<()> {
        let name = of.map_or("all partitions", |(split, ..)| &split.name);
        if error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let code = RDKafkaErrorCode::from(error);
            if !is_transient(code) {
                return Err(refused(code, name));
            }
            self.last_failure = Some(format!("{name}: {code}"));
            return Ok(());
        }
        self.last_failure = None;
        if let Some((_, index, offset)) = of
            && let Some(Some(wanted)) = self.wanted.get_mut(index)
            && wanted.offset == offset
        {
            wanted.stored = true;
        }
        Ok(())
    }

    /// Waits until everything is stored, trying again what was not.
    pub fn finish(&mut self, splits: &[Split], timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.serve(splits, left.min(RETRY_INTERVAL))?;
            if self.wanted.iter().flatten().all(|wanted| wanted.stored) {
                return Ok(());
            }
            if left.is_zero() {
                let cause = self.last_failure.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
                return Err(Error(format!(
                    "{WHO}: the last positions could not be committed within {} ms{cause}. Records after the positions \
                     committed before are read again at the next start.",
                    timeout.as_millis()
                )));
            }
            if self.in_flight == 0 {
                self.send(splits, &[])?;
            }
        }
    }
}

/// How long a commit at the end is waited for before it is looked at again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);

impl Drop for Commits {
    fn drop(&mut self) {
        // SAFETY: the queue is valid, and the client, which it needs, is still held by `consumer`.
        unsafe { rd::rd_kafka_queue_destroy(self.outcomes.as_ptr()) };
    }
}

fn refused(code: RDKafkaErrorCode, name: &str) -> Error {
    Error(format!("{WHO}: {name}: the position could not be committed: {code}.{}", advice(Some(code))))
}
