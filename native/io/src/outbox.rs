//! Where requests wait for the host of the job, and answers for who has made them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Waker;

/// A request that is not answered yet.
#[derive(Debug)]
pub struct Posted<Q> {
    pub id: u64,
    pub request: Q,
}

/// What has become of a request.
#[derive(Debug)]
pub struct Answered<Q, A> {
    pub posted: Arc<Posted<Q>>,
    pub answer: A,
}

/// What somebody has been answered. They are woken when something comes.
pub struct Mailbox<Q, A> {
    answers: Mutex<Vec<Answered<Q, A>>>,
    waker: Waker,
}

impl<Q, A> Mailbox<Q, A> {
    pub fn new(waker: Waker) -> Mailbox<Q, A> {
        Mailbox { answers: Mutex::default(), waker }
    }

    pub fn take(&self) -> Vec<Answered<Q, A>> {
        std::mem::take(&mut lock(&self.answers))
    }
}

type Bell = Box<dyn Fn() + Send + Sync>;

/// A request, and who wants to know what has become of it.
type Unanswered<Q, A> = (Arc<Posted<Q>>, Arc<Mailbox<Q, A>>);

/// The requests of a job. Any thread may call it; nothing waits.
pub struct Outbox<Q, A> {
    requests: Mutex<Requests<Q, A>>,
    bell: Mutex<Option<Bell>>,
}

struct Requests<Q, A> {
    last_id: u64,
    /// In the order in which they came.
    waiting: Vec<Arc<Posted<Q>>>,
    /// By id.
    unanswered: HashMap<u64, Unanswered<Q, A>>,
    /// The bell has been rung, and nobody has come yet.
    has_rung: bool,
}

impl<Q, A> Default for Outbox<Q, A> {
    fn default() -> Self {
        let requests = Requests { last_id: 0, waiting: Vec::new(), unanswered: HashMap::new(), has_rung: false };
        Outbox { requests: Mutex::new(requests), bell: Mutex::default() }
    }
}

impl<Q, A> Outbox<Q, A> {
    /// Calls `bell`, from any thread, when requests have come; `None`: nobody any more.
    pub fn set_bell(&self, bell: Option<Bell>) {
        *lock(&self.bell) = bell;
        lock(&self.requests).has_rung = false;
        self.ring();
    }

    /// Adds a request, whose answer comes to the mailbox. Gives its id.
    pub fn post(&self, request: Q, mailbox: &Arc<Mailbox<Q, A>>) -> u64 {
        let id = {
            let mut requests = lock(&self.requests);
            requests.last_id += 1;
            let posted = Arc::new(Posted { id: requests.last_id, request });
            requests.unanswered.insert(posted.id, (posted.clone(), mailbox.clone()));
            requests.waiting.push(posted);
            requests.last_id
        };
        self.ring();
        id
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
    pub fn take(&self) -> Vec<Arc<Posted<Q>>> {
        let mut requests = lock(&self.requests);
        requests.has_rung = false;
        std::mem::take(&mut requests.waiting)
    }

    /// A request that is not answered yet.
    pub fn request(&self, id: u64) -> Option<Arc<Posted<Q>>> {
        lock(&self.requests).unanswered.get(&id).map(|(posted, _)| posted.clone())
    }

    /// Says what has become of a request: nothing more comes of it.
    pub fn answer(&self, id: u64, answer: A) {
        let Some((posted, mailbox)) = lock(&self.requests).unanswered.remove(&id) else { return };
        lock(&mailbox.answers).push(Answered { posted, answer });
        (mailbox.waker)();
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
