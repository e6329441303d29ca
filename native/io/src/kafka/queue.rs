//! Messages of several partitions by the batch, each lent out in librdkafka's own memory. All that is unsafe about
//! consuming stands here.

use std::ffi::{CStr, CString, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::bindings as rd;
use rdkafka::consumer::Consumer as _;
use rdkafka::types::RDKafkaErrorCode;

use super::client::Consumer;
use crate::Waker;

/// A queue that partitions are led into.
pub struct MessageQueue {
    queue: NonNull<rd::rd_kafka_queue_t>,
    /// Where librdkafka puts the messages of a batch.
    batch: Vec<*mut rd::rd_kafka_message_t>,
    /// Librdkafka holds a pointer to it until the queue goes.
    _waker: Box<Waker>,
    /// A queue must go before its client does.
    consumer: Arc<Consumer>,
}

impl MessageQueue {
    /// A queue that calls `waker` when it gets something after it was empty.
    pub fn new(consumer: &Arc<Consumer>, batch_size: usize, waker: &Waker) -> Option<MessageQueue> {
        // SAFETY: the client lives as long as the queue, which holds it.
        let queue = NonNull::new(unsafe { rd::rd_kafka_queue_new(consumer.client().native_ptr()) })?;
        let waker = Box::new(waker.clone());
        // SAFETY: the pointer to the waker is valid until `drop` takes it back, as the box does not move its content.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(queue.as_ptr(), Some(wake), ptr::from_ref(&*waker) as *mut c_void)
        };
        Some(MessageQueue {
            queue,
            batch: vec![ptr::null_mut(); batch_size],
            _waker: waker,
            consumer: consumer.clone(),
        })
    }

    /// Leads a partition's messages here. To be called before the partition is assigned, or some go elsewhere.
    pub fn lead(&self, topic: &str, partition: i32) -> bool {
        let Ok(topic) = CString::new(topic) else { return false };
        let client = self.consumer.client().native_ptr();
        // SAFETY: client and topic are valid for the call; the returned queue is released once it has been forwarded.
        unsafe {
            let of_partition = rd::rd_kafka_queue_get_partition(client, topic.as_ptr(), partition);
            if of_partition.is_null() {
                return false;
            }
            rd::rd_kafka_queue_forward(of_partition, self.queue.as_ptr());
            rd::rd_kafka_queue_destroy(of_partition);
        }
        true
    }

    /// Takes what there is, up to `max` messages and the size of a batch.
    pub fn take(&mut self, max: usize) -> Batch<'_> {
        let max = max.min(self.batch.len());
        // SAFETY: the queue is valid, and `batch` has room for `max` pointers.
        let taken = unsafe { rd::rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0, self.batch.as_mut_ptr(), max) };
        // A negative count is an error of the arguments: nothing was taken.
        let taken = usize::try_from(taken).unwrap_or(0);
        Batch { messages: &self.batch[..taken], next: 0 }
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        // SAFETY: the queue is valid, and the client, which it needs, is still held by `consumer`.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            rd::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

/// Called by a thread of librdkafka.
unsafe extern "C" fn wake(_client: *mut rd::rd_kafka_t, waker: *mut c_void) {
    // SAFETY: `waker` is the pointer that `MessageQueue::new` gave and that stays valid until the queue goes.
    let waker = unsafe { &*waker.cast::<Waker>() };
    waker();
}

/// Messages that were taken from a queue; those not looked at are let go.
pub struct Batch<'a> {
    messages: &'a [*mut rd::rd_kafka_message_t],
    next: usize,
}

impl Batch<'_> {
    pub fn len(&self) -> usize {
        self.messages.len()
    }
}

impl<'a> Iterator for Batch<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let message = NonNull::new(*self.messages.get(self.next)?)?;
        self.next += 1;
        Some(Message { message, batch: PhantomData })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

/// Which partition a message is of: cheap to compare, and the same as long as the client lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    topic: usize,
    partition: i32,
}

/// One message; its bytes live in librdkafka's memory until it is dropped.
pub struct Message<'a> {
    message: NonNull<rd::rd_kafka_message_t>,
    batch: PhantomData<Batch<'a>>,
}

impl Message<'_> {
    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: librdkafka gave the message out to nobody else, and it is destroyed only in `drop`.
        unsafe { self.message.as_ref() }
    }

    /// What stands in the message's place, if it is none.
    pub fn error(&self) -> Option<RDKafkaErrorCode> {
        let error = self.raw().err;
        (error != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| error.into())
    }

    /// The text of an error; for a message itself, nothing.
    pub fn error_text(&self) -> Option<String> {
        self.error()?;
        // SAFETY: the message is valid; the text is null or lives as long as it.
        let text = unsafe { rd::rd_kafka_message_errstr(self.message.as_ptr()) };
        // SAFETY: a text of librdkafka ends with a zero byte.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    pub fn address(&self) -> Address {
        Address { topic: self.raw().rkt as usize, partition: self.raw().partition }
    }

    /// The topic's name; `None` for an error that concerns no topic.
    pub fn topic(&self) -> Option<String> {
        let topic = self.raw().rkt;
        if topic.is_null() {
            return None;
        }
        // SAFETY: the topic is held by the message; its name is a C string that lives as long.
        Some(unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(topic)) }.to_string_lossy().into_owned())
    }

    pub fn partition(&self) -> i32 {
        self.raw().partition
    }

    pub fn offset(&self) -> i64 {
        self.raw().offset
    }

    /// Milliseconds since the epoch.
    pub fn timestamp(&self) -> Option<i64> {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is valid.
        let timestamp = unsafe { rd::rd_kafka_message_timestamp(self.message.as_ptr(), &mut kind) };
        (timestamp >= 0).then_some(timestamp)
    }

    pub fn key(&self) -> Option<&[u8]> {
        // SAFETY: a message's key is null or `key_len` bytes that live as long as it.
        unsafe { bytes(self.raw().key, self.raw().key_len) }
    }

    pub fn value(&self) -> Option<&[u8]> {
        // SAFETY: a message's payload is null or `len` bytes that live as long as it.
        unsafe { bytes(self.raw().payload, self.raw().len) }
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        // SAFETY: the message came from a batch and is destroyed once, here.
        unsafe { rd::rd_kafka_message_destroy(self.message.as_ptr()) };
    }
}

/// # Safety
/// `start` is null or the start of `len` bytes that live as long as `'a`.
unsafe fn bytes<'a>(start: *mut c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}
