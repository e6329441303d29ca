//! One transaction after the other, by one producer. All that is unsafe about them stands here.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::producer::{NO_ERROR, Producer, ms, text};
use crate::GroupPositions;

/// Why a call did not do what it was to.
#[derive(Debug)]
pub struct Failure {
    pub code: RDKafkaErrorCode,
    pub reason: String,
    /// The same call may do it yet.
    pub retriable: bool,
    /// The transaction, or the producer, is of no use any more.
    pub broken: bool,
}

pub type Outcome = std::result::Result<(), Failure>;

impl Producer {
    /// Takes the transactional id over, and ends what its last user left open.
    pub fn init_transactions(&self, timeout: Duration) -> Outcome {
        // SAFETY: the client is valid.
        outcome(unsafe { rd::rd_kafka_init_transactions(self.client().native_ptr(), ms(timeout)) })
    }

    pub fn begin_transaction(&self) -> Outcome {
        // SAFETY: the client is valid.
        outcome(unsafe { rd::rd_kafka_begin_transaction(self.client().native_ptr()) })
    }

    /// Waits until every record is stored or has failed; false when the time is over.
    pub fn flush(&self, timeout: Duration) -> bool {
        // SAFETY: the client is valid.
        NO_ERROR == unsafe { rd::rd_kafka_flush(self.client().native_ptr(), ms(timeout)) }
    }

    /// What has broken the open transaction, if anything has.
    pub fn transaction_failure(&self) -> Option<Failure> {
        // There is no other way to ask: a second begin is refused, for the reason that there is.
        self.begin_transaction().err().filter(|failure| failure.broken)
    }

    /// Adds positions to the open transaction.
    pub fn send_positions(&self, of: &GroupPositions, timeout: Duration) -> Outcome {
        let mut list = TopicPartitionList::with_capacity(of.positions.len());
        for position in &of.positions {
            let mut element = list.add_partition(&position.topic, position.partition);
            element.set_offset(Offset::Offset(position.offset)).map_err(|error| invalid(&error.to_string()))?;
            element.set_metadata(&position.metadata);
        }
        let group = CString::new(of.group.as_str()).map_err(|_| invalid("the group's name holds a zero byte"))?;
        let client = self.client().native_ptr();
        // SAFETY: client, list and group are valid for the calls, which copy what they keep; the metadata is destroyed once.
        unsafe {
            let metadata = rd::rd_kafka_consumer_group_metadata_new(group.as_ptr());
            let error = rd::rd_kafka_send_offsets_to_transaction(client, list.ptr(), metadata, ms(timeout));
            rd::rd_kafka_consumer_group_metadata_destroy(metadata);
            outcome(error)
        }
    }

    pub fn commit_transaction(&self, timeout: Duration) -> Outcome {
        // SAFETY: the client is valid.
        outcome(unsafe { rd::rd_kafka_commit_transaction(self.client().native_ptr(), ms(timeout)) })
    }

    /// Takes back what the open transaction holds. Reports have to be served in between tries.
    pub fn abort_transaction(&self, timeout: Duration) -> Outcome {
        // SAFETY: the client is valid.
        outcome(unsafe { rd::rd_kafka_abort_transaction(self.client().native_ptr(), ms(timeout)) })
    }

    /// What has made the producer useless for good, if anything has.
    pub fn fatal_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        let mut reason = [0; 512];
        // SAFETY: the client is valid; the text that is written, ended by a zero byte, is no longer than told.
        let (code, reason) = unsafe {
            let code = rd::rd_kafka_fatal_error(self.client().native_ptr(), reason.as_mut_ptr(), reason.len());
            (code, CStr::from_ptr(reason.as_ptr()))
        };
        (code != NO_ERROR).then(|| (code.into(), reason.to_string_lossy().into_owned()))
    }
}

fn outcome(error: *mut rd::rd_kafka_error_t) -> Outcome {
    let Some(error) = NonNull::new(error) else { return Ok(()) };
    let error = error.as_ptr();
    // SAFETY: the error is valid until it is destroyed, which happens once; its text is copied before.
    unsafe {
        let failure = Failure {
            code: rd::rd_kafka_error_code(error).into(),
            reason: text(rd::rd_kafka_error_string(error)),
            retriable: rd::rd_kafka_error_is_retriable(error) != 0,
            broken: rd::rd_kafka_error_is_fatal(error) != 0 || rd::rd_kafka_error_txn_requires_abort(error) != 0,
        };
        rd::rd_kafka_error_destroy(error);
        Err(failure)
    }
}

fn invalid(reason: &str) -> Failure {
    let (code, reason) = (RDKafkaErrorCode::InvalidArgument, reason.to_owned());
    Failure { code, reason, retriable: false, broken: false }
}
