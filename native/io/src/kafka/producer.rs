//! Hands records to librdkafka by the batch and takes its delivery reports. All that is unsafe about producing stands
//! here.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};

use rdkafka::bindings as rd;
use rdkafka::client::Client;
use rdkafka::config::ClientConfig;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaType};

use super::client::{Observer, property_error};
use super::sink::WHO;
use crate::{Error, Records, Result};

/// Records that are handed over by one call.
const BATCH: usize = 1024;

/// No partition is asked for: the partitioner chooses. (A macro in C, which the bindings lack.)
const PARTITION_UA: i32 = -1;

const NO_ERROR: rd::rd_kafka_resp_err_t = rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// What librdkafka has to tell.
pub enum Report {
    /// A record of this epoch is stored.
    Stored { epoch: u64 },
    /// A record of this epoch will never be.
    Failed { epoch: u64, partition: i32, reason: String, code: RDKafkaErrorCode },
    /// An error that concerns the whole client.
    Client { code: RDKafkaErrorCode, fatal: bool, reason: String },
}

/// What became of records that were offered.
pub struct Offered {
    /// Leading records that were taken.
    pub taken: usize,
    /// Why the record after those cannot be taken, unless there is only no room for it now.
    pub refused: Option<RDKafkaErrorCode>,
}

/// A producer for one topic.
pub struct Producer {
    topic: NonNull<rd::rd_kafka_topic_t>,
    reports: NonNull<rd::rd_kafka_queue_t>,
    batch: Vec<rd::rd_kafka_message_t>,
    /// The topic and the queue must go before their client does.
    client: Client<Observer>,
}

impl Producer {
    pub fn new(config: &ClientConfig, topic: &str) -> Result<Producer> {
        let name = CString::new(topic)
            .map_err(|_| Error(format!("{WHO}: the topic's name {topic:?} holds a zero byte. Correct it.")))?;
        let native = config.create_native_config().map_err(|error| property_error(WHO, &error))?;
        let events = rd::RD_KAFKA_EVENT_DR | rd::RD_KAFKA_EVENT_ERROR;
        // SAFETY: the configuration is valid and not yet given to a client.
        unsafe { rd::rd_kafka_conf_set_events(native.ptr(), events) };
        let client = Client::new(config, native, RDKafkaType::RD_KAFKA_PRODUCER, Observer::default())
            .map_err(|error| property_error(WHO, &error))?;
        // SAFETY: client and name are valid; both handles are released in `drop`, before the client.
        let (topic, reports) = unsafe {
            let topic = rd::rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), ptr::null_mut());
            (NonNull::new(topic), NonNull::new(rd::rd_kafka_queue_get_main(client.native_ptr())))
        };
        let (Some(topic), Some(reports)) = (topic, reports) else {
            return Err(Error(format!("{WHO}: librdkafka refuses the topic \"{topic:?}\". Check its name.")));
        };
        Ok(Producer { topic, reports, batch: Vec::with_capacity(BATCH), client })
    }

    pub fn client(&self) -> &Client<Observer> {
        &self.client
    }

    /// Offers records from row `from` on, as part of `epoch`; they are copied.
    pub fn offer(&mut self, records: &Records, from: usize, epoch: u64) -> Offered {
        if records.headers.is_empty() {
            return self.offer_batches(records, from, epoch);
        }
        for row in from..records.values.len() {
            match self.offer_with_headers(records, row, epoch) {
                None => {}
                Some(RDKafkaErrorCode::QueueFull) => return Offered { taken: row - from, refused: None },
                refused => return Offered { taken: row - from, refused },
            }
        }
        Offered { taken: records.values.len().saturating_sub(from), refused: None }
    }

    fn offer_batches(&mut self, records: &Records, from: usize, epoch: u64) -> Offered {
        let mut taken = 0;
        for start in (from..records.values.len()).step_by(BATCH) {
            self.batch.clear();
            for row in start..records.values.len().min(start + BATCH) {
                let (payload, len) = parts(records.value(row));
                let (key, key_len) = parts(records.keys.as_ref().and_then(|keys| keys.get(row)));
                self.batch.push(rd::rd_kafka_message_t {
                    err: NO_ERROR,
                    rkt: ptr::null_mut(),
                    partition: 0,
                    payload,
                    len,
                    key,
                    key_len,
                    offset: 0,
                    _private: epoch as *mut c_void,
                });
            }
            // SAFETY: the topic is valid; each message points to a row of `records`, which librdkafka copies (MSG_F_COPY).
            unsafe {
                rd::rd_kafka_produce_batch(
                    self.topic.as_ptr(),
                    PARTITION_UA,
                    rd::RD_KAFKA_MSG_F_COPY,
                    self.batch.as_mut_ptr(),
                    self.batch.len() as i32,
                )
            };
            let refused = self.batch.iter().position(|message| message.err != NO_ERROR);
            let Some(first) = refused else {
                taken += self.batch.len();
                continue;
            };
            let code = RDKafkaErrorCode::from(self.batch[first].err);
            let refused = (code != RDKafkaErrorCode::QueueFull).then_some(code);
            return Offered { taken: taken + first, refused };
        }
        Offered { taken, refused: None }
    }

    fn offer_with_headers(&self, records: &Records, row: usize, epoch: u64) -> Option<RDKafkaErrorCode> {
        let memory = |bytes: Option<&[u8]>| {
            let (ptr, size) = parts(bytes);
            rd::rd_kafka_vu_s__bindgen_ty_1 { mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size } }
        };
        let value = records.value(row);
        let key = records.keys.as_ref().and_then(|keys| keys.get(row));
        let argument = |vtype, u| rd::rd_kafka_vu_t { vtype, u };
        use rd::rd_kafka_vtype_t as Kind;
        let mut arguments = vec![
            argument(Kind::RD_KAFKA_VTYPE_RKT, rd::rd_kafka_vu_s__bindgen_ty_1 { rkt: self.topic.as_ptr() }),
            argument(Kind::RD_KAFKA_VTYPE_MSGFLAGS, rd::rd_kafka_vu_s__bindgen_ty_1 { i: rd::RD_KAFKA_MSG_F_COPY }),
            argument(Kind::RD_KAFKA_VTYPE_VALUE, memory(value)),
            argument(Kind::RD_KAFKA_VTYPE_KEY, memory(key)),
            argument(Kind::RD_KAFKA_VTYPE_OPAQUE, rd::rd_kafka_vu_s__bindgen_ty_1 { ptr: epoch as *mut c_void }),
        ];
        let names: Vec<CString> =
            records.headers.iter().filter_map(|(name, _)| CString::new(name.as_str()).ok()).collect();
        for (name, (_, cells)) in names.iter().zip(&records.headers) {
            let Some(cell) = cells.get(row) else { continue };
            let header = rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_2 {
                name: name.as_ptr(),
                val: cell.as_ptr().cast(),
                size: cell.len() as isize,
            };
            arguments.push(argument(Kind::RD_KAFKA_VTYPE_HEADER, rd::rd_kafka_vu_s__bindgen_ty_1 { header }));
        }
        // SAFETY: every argument's union holds the member that its type names, and points to memory that outlives the
        // call, which copies it; a returned error is destroyed once.
        unsafe {
            let error = rd::rd_kafka_produceva(self.client.native_ptr(), arguments.as_ptr(), arguments.len());
            if error.is_null() {
                return None;
            }
            let code = rd::rd_kafka_error_code(error);
            rd::rd_kafka_error_destroy(error);
            Some(code.into())
        }
    }

    /// Passes on the reports that have come, without waiting.
    pub fn serve(&mut self, mut on_report: impl FnMut(Report)) {
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
        // SAFETY: both handles are valid, and the client, which they need, is dropped after this.
        unsafe {
            rd::rd_kafka_queue_destroy(self.reports.as_ptr());
            rd::rd_kafka_topic_destroy(self.topic.as_ptr());
        }
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
        // SAFETY: the text is static or lives as long as the message.
        let reason = unsafe { text(rd::rd_kafka_message_errstr(message)) };
        on_report(Report::Failed { epoch, partition: message.partition, reason, code: message.err.into() });
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

/// # Safety
/// `text` is null or a C string.
unsafe fn text(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Address and length, as C wants them; nothing is null, which is not the same as empty.
fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}
