//! A client that produces, and what it reports. All that is unsafe about reports stands here.

use std::ffi::CStr;
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::client::Client;
use rdkafka::config::ClientConfig;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaType};

use super::bootstrap::Bootstrap;
use super::client::{Observer, brokers, property_error};
use super::sink::WHO;
use crate::{Error, Result};

pub const NO_ERROR: rd::rd_kafka_resp_err_t = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// What librdkafka has to tell.
pub enum Report {
    /// A record of this epoch is stored.
    Stored { epoch: u64 },
    /// A record of this epoch will never be.
    Failed { epoch: u64, topic: String, partition: i32, reason: String, code: RDKafkaErrorCode },
    /// An error that concerns the whole client.
    Client { code: RDKafkaErrorCode, fatal: bool, reason: String },
}

/// As librdkafka bounds the queue of a client whose properties do not.
const QUEUE_RECORDS: f64 = 100_000.0;

/// A client that produces.
pub struct Producer {
    /// Its queue takes no more.
    queue_records: f64,
    bootstrap: Bootstrap,
    reports: NonNull<rd::rd_kafka_queue_t>,
    /// The queue must go before its client does.
    client: Client<Observer>,
}

// SAFETY: librdkafka's clients and queues may be used by several threads at once.
unsafe impl Send for Producer {}
// SAFETY: as above.
unsafe impl Sync for Producer {}

impl Producer {
    pub fn new(config: &ClientConfig) -> Result<Producer> {
        let native = config.create_native_config().map_err(|error| property_error(WHO, &error))?;
        let events = rd::RD_KAFKA_EVENT_DR | rd::RD_KAFKA_EVENT_ERROR;
        // SAFETY: the configuration is valid and not yet given to a client.
        unsafe { rd::rd_kafka_conf_set_events(native.ptr(), events) };
        let client = Client::new(config, native, RDKafkaType::RD_KAFKA_PRODUCER, Observer::default())
            .map_err(|error| property_error(WHO, &error))?;
        // SAFETY: the client is valid; the handle is released in `drop`, before the client.
        let reports = NonNull::new(unsafe { rd::rd_kafka_queue_get_main(client.native_ptr()) })
            .ok_or_else(|| Error(format!("{WHO}: librdkafka gave no queue. Start the job again.")))?;
        let queue_records = config.get("queue.buffering.max.messages").and_then(|records| records.parse().ok());
        let queue_records = queue_records.unwrap_or(QUEUE_RECORDS);
        let bootstrap = Bootstrap::new(&brokers(config).unwrap_or_default());
        Ok(Producer { queue_records, bootstrap, reports, client })
    }

    pub fn client(&self) -> &Client<Observer> {
        &self.client
    }

    /// Waits until a broker has told which others there are, at most for `timeout`.
    pub fn wait_for_broker(&self, timeout: Duration) {
        let mut metadata = std::ptr::null();
        // SAFETY: the client is valid; the answer, which is null where none has come, is destroyed once.
        unsafe {
            rd::rd_kafka_metadata(self.client.native_ptr(), 0, std::ptr::null_mut(), &mut metadata, ms(timeout));
            if !metadata.is_null() {
                rd::rd_kafka_metadata_destroy(metadata);
            }
        }
    }

    /// To be called while an answer is waited for; see [`Bootstrap::keep`].
    pub fn keep_brokers(&self) {
        self.bootstrap.keep(&self.client);
    }

    /// How full its queue is, by records: 1 at the bound.
    pub fn fill(&self) -> f64 {
        // SAFETY: the client is valid.
        let queued = unsafe { rd::rd_kafka_outq_len(self.client.native_ptr()) };
        f64::from(queued) / self.queue_records
    }

    /// What librdkafka has said last about its connections, which waits among the reports: the cause when a call times out.
    pub fn cause(&self) -> Option<String> {
        let mut cause = None;
        self.serve(|report| match report {
            Report::Client { code, reason, .. } if code != RDKafkaErrorCode::AllBrokersDown => cause = Some(reason),
            _ => {}
        });
        cause
    }

    /// Passes on the reports that have come, without waiting.
    pub fn serve(&self, mut on_report: impl FnMut(Report)) {
        self.keep_brokers();
        loop {
            // SAFETY: the queue is valid.
            let event = unsafe { rd::rd_kafka_queue_poll(self.reports.as_ptr(), 0) };
            let Some(event) = NonNull::new(event) else { return };
            // SAFETY: the event is valid until it is destroyed.
            match unsafe { rd::rd_kafka_event_type(event.as_ptr()) } {
                rd::RD_KAFKA_EVENT_DR => deliveries(event, &mut on_report),
                rd::RD_KAFKA_EVENT_ERROR => on_report(client_error(event)),
                _ => {}
            }
            // SAFETY: the event came from the queue and is destroyed once; nothing refers to it any more.
            unsafe { rd::rd_kafka_event_destroy(event.as_ptr()) };
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // SAFETY: the handle is valid, and the client, which it needs, is dropped after this.
        unsafe { rd::rd_kafka_queue_destroy(self.reports.as_ptr()) };
    }
}

fn deliveries(event: NonNull<rd::rd_kafka_event_t>, on_report: &mut impl FnMut(Report)) {
    loop {
        // SAFETY: the event holds delivery reports; a message is null or lives as long as the event.
        let Some(message) = (unsafe { rd::rd_kafka_event_message_next(event.as_ptr()).as_ref() }) else { return };
        let epoch = message._private as u64;
        if message.err == NO_ERROR {
            on_report(Report::Stored { epoch });
            continue;
        }
        // The text that a message has with it is that of a consumer's, or freed already.
        // SAFETY: the texts are static or live as long as the message.
        let (topic, reason) =
            unsafe { (text(rd::rd_kafka_topic_name(message.rkt)), text(rd::rd_kafka_err2str(message.err))) };
        on_report(Report::Failed { epoch, topic, partition: message.partition, reason, code: message.err.into() });
    }
}

fn client_error(event: NonNull<rd::rd_kafka_event_t>) -> Report {
    // SAFETY: the event is an error event; its text lives as long as it.
    unsafe {
        Report::Client {
            code: rd::rd_kafka_event_error(event.as_ptr()).into(),
            fatal: rd::rd_kafka_event_error_is_fatal(event.as_ptr()) != 0,
            reason: text(rd::rd_kafka_event_error_string(event.as_ptr())),
        }
    }
}

/// A timeout as librdkafka takes it.
pub fn ms(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

/// # Safety
/// `text` is null or a C string.
pub unsafe fn text(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
