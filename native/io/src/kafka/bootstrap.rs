//! The brokers that the user named, told a client once more when it knows of none. All that is unsafe about that stands here.

use std::ffi::CString;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::client::Client;

use super::client::Observer;

const INTERVAL: Duration = Duration::from_secs(2);

/// Brokers that are alive and that an answer of theirs does not list, as when a lone one is fenced after a pause, are
/// forgotten by librdkafka 2.12, which may ask nobody from then on (confluentinc/librdkafka#5301).
pub struct Bootstrap {
    servers: CString,
    next_look: Mutex<Instant>,
}

impl Bootstrap {
    /// `servers` as the user named them.
    pub fn new(servers: &str) -> Bootstrap {
        // No client is made of a name with a zero byte.
        let servers = CString::new(servers).unwrap_or_default();
        Bootstrap { servers, next_look: Mutex::new(Instant::now() + INTERVAL) }
    }

    /// To be called again and again; looks at the client every two seconds.
    pub fn keep(&self, client: &Client<Observer>) {
        let now = Instant::now();
        {
            let mut next_look = self.next_look.lock().unwrap_or_else(PoisonError::into_inner);
            if now < *next_look {
                return;
            }
            *next_look = now + INTERVAL;
        }
        // SAFETY: the client is valid, and the names, which are copied, end with a zero byte.
        unsafe {
            // The controller that the last answer named, without waiting: there is none where it listed no brokers.
            if rd::rd_kafka_controllerid(client.native_ptr(), 0) < 0 {
                rd::rd_kafka_brokers_add(client.native_ptr(), self.servers.as_ptr());
            }
        }
    }
}
