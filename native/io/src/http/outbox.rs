//! Where requests wait for the host of the job, and answers for the sinks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millrace_plan::HttpShard;

use super::batch::Body;
use crate::{Refused, Waker};

/// One request that is to be made.
#[derive(Debug)]
pub struct Request {
    pub id: u64,
    /// As [`crate::SinkPlace::id`].
    pub sink: Arc<str>,
    pub slot: usize,
    pub shard: usize,
    /// What it belongs to and where it stands in what its sink has sent; unique with the outbox's run.
    pub epoch: u64,
    pub sequence: u64,
    pub body: Body,
}

/// What has become of a request: the rows of it that the endpoint refused, or why the job cannot go on.
pub struct Answer {
    pub request: Arc<Request>,
    pub outcome: Result<Vec<Refused>, String>,
}

/// What a sink has been answered. It is woken when something comes.
pub struct Mailbox {
    answers: Mutex<Vec<Answer>>,
    waker: Waker,
}

impl Mailbox {
    pub fn new(waker: Waker) -> Mailbox {
        Mailbox { answers: Mutex::default(), waker }
    }

    pub fn take(&self) -> Vec<Answer> {
        std::mem::take(&mut lock(&self.answers))
    }
}

/// The shards that a sink spreads its rows over, each with its number, which no other shard of the sink ever has.
pub type LiveShards = Arc<[(usize, HttpShard)]>;

type Bell = Box<dyn Fn() + Send + Sync>;

/// The requests of all sinks of a job. Any thread may call it; nothing waits.
#[derive(Default)]
pub struct Outbox {
    /// A name that no other run of a job has.
    run: String,
    requests: Mutex<Requests>,
    bell: Mutex<Option<Bell>>,
    /// By the id of the sink, where the host tells them.
    shards: Mutex<HashMap<String, LiveShards>>,
    /// How often they have changed.
    shard_changes: AtomicU64,
}

#[derive(Default)]
struct Requests {
    last_id: u64,
    /// In the order in which they came.
    waiting: Vec<Arc<Request>>,
    /// By id, with who wants to know.
    unanswered: HashMap<u64, (Arc<Request>, Arc<Mailbox>)>,
    /// The bell has been rung, and nobody has come yet.
    has_rung: bool,
}

impl Outbox {
    pub fn new(run: String) -> Outbox {
        Outbox { run, ..Outbox::default() }
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// Gives a sink other shards, from its next batch on: at least one, or nothing changes.
    pub fn set_shards(&self, sink: &str, shards: Vec<(usize, HttpShard)>) {
        if !shards.is_empty() {
            lock(&self.shards).insert(sink.to_owned(), shards.into());
            self.shard_changes.fetch_add(1, Ordering::Release);
        }
    }

    /// The shards of a sink if any sink's have changed since it has `seen` so many changes.
    pub fn changed_shards(&self, sink: &str, seen: &mut u64) -> Option<LiveShards> {
        let changes = self.shard_changes.load(Ordering::Acquire);
        if changes == std::mem::replace(seen, changes) {
            return None;
        }
        lock(&self.shards).get(sink).cloned()
    }

    /// Calls `bell`, from any thread, when requests have come; `None`: nobody any more.
    pub fn set_bell(&self, bell: Option<Bell>) {
        *lock(&self.bell) = bell;
        lock(&self.requests).has_rung = false;
        self.ring();
    }

    /// Adds a request, which gets its id here.
    pub fn post(&self, mut request: Request, mailbox: &Arc<Mailbox>) {
        {
            let mut requests = lock(&self.requests);
            requests.last_id += 1;
            request.id = requests.last_id;
            let request = Arc::new(request);
            requests.unanswered.insert(request.id, (request.clone(), mailbox.clone()));
            requests.waiting.push(request);
        }
        self.ring();
    }

    fn ring(&self) {
        let must_ring = {
            let mut requests = lock(&self.requests);
            !requests.waiting.is_empty() && !std::mem::replace(&mut requests.has_rung, true)
        };
        if must_ring && let Some(bell) = lock(&self.bell).as_ref() {
            bell();
        }
    }

    /// Takes what has come.
    pub fn take(&self) -> Vec<Arc<Request>> {
        let mut requests = lock(&self.requests);
        requests.has_rung = false;
        std::mem::take(&mut requests.waiting)
    }

    /// A request that is not answered yet.
    pub fn request(&self, id: u64) -> Option<Arc<Request>> {
        lock(&self.requests).unanswered.get(&id).map(|(request, _)| request.clone())
    }

    /// Says what has become of a request: nothing of it is sent any more.
    pub fn answer(&self, id: u64, outcome: Result<Vec<Refused>, String>) {
        let Some((request, mailbox)) = lock(&self.requests).unanswered.remove(&id) else { return };
        lock(&mailbox.answers).push(Answer { request, outcome });
        (mailbox.waker)();
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
