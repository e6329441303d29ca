//! Hands records for one topic to librdkafka, by the batch. All that is unsafe about that stands here.

use std::ffi::{CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaErrorCode;

use super::producer::{NO_ERROR, Producer};
use super::sink::WHO;
use crate::{Error, Records, Result};

/// Records that are handed over by one call.
const BATCH: usize = 1024;

/// No partition is asked for: the partitioner chooses. (A macro in C, which the bindings lack.)
const PARTITION_UA: i32 = -1;

/// What became of records that were offered.
pub struct Offered {
    /// Leading records that were taken.
    pub taken: usize,
    /// Why the record after those cannot be taken, unless there is only no room for it now.
    pub refused: Option<RDKafkaErrorCode>,
}

/// A topic as one sink writes to it.
pub struct Topic {
    topic: NonNull<rd::rd_kafka_topic_t>,
    batch: Vec<rd::rd_kafka_message_t>,
    /// A topic must go before its client does.
    producer: Arc<Producer>,
}

impl Topic {
    pub fn new(producer: &Arc<Producer>, name: &str) -> Result<Topic> {
        let c_name = CString::new(name)
            .map_err(|_| Error(format!("{WHO}: the topic's name {name:?} holds a zero byte. Correct it.")))?;
        let client = producer.client().native_ptr();
        // SAFETY: client and name are valid; the handle is released in `drop`, before the client.
        let topic = unsafe { rd::rd_kafka_topic_new(client, c_name.as_ptr(), ptr::null_mut()) };
        let topic = NonNull::new(topic)
            .ok_or_else(|| Error(format!("{WHO}: librdkafka refuses the topic \"{name}\". Check its name.")))?;
        Ok(Topic { topic, batch: Vec::with_capacity(BATCH), producer: producer.clone() })
    }

    pub fn producer(&self) -> &Arc<Producer> {
        &self.producer
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
            let error =
                rd::rd_kafka_produceva(self.producer.client().native_ptr(), arguments.as_ptr(), arguments.len());
            if error.is_null() {
                return None;
            }
            let code = rd::rd_kafka_error_code(error);
            rd::rd_kafka_error_destroy(error);
            Some(code.into())
        }
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: the handle is valid, and the client, which it needs, is still held by `producer`.
        unsafe { rd::rd_kafka_topic_destroy(self.topic.as_ptr()) };
    }
}

/// Address and length, as C wants them; nothing is null, which is not the same as empty.
fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| (bytes.as_ptr().cast_mut().cast(), bytes.len()))
}
