//! What the host is asked for, and what it answers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::outbox::{Answered, Mailbox, Outbox};

/// What a step wants of its driver.
#[derive(Debug)]
pub struct Call {
    /// The id of its operator.
    pub step: Arc<str>,
    pub slot: usize,
    pub want: Want,
}

#[derive(Debug)]
pub enum Want {
    /// The parts that a source is read in.
    Splits,
    /// What comes in a split, with these columns; answered when there is something, or nothing more for now. The first call
    /// for a split says where it is taken up, and those that follow go on from there.
    Read { split: String, after: Option<String>, columns: SchemaRef },
    /// These rows are to be written.
    Write { rows: RecordBatch },
    /// What belongs to these keys, with these columns.
    Find { keys: RecordBatch, columns: SchemaRef },
}

#[derive(Debug)]
pub enum Reply {
    Splits(Splits),
    Read(Page),
    /// The rows that were refused for good, and why.
    Written(Vec<(u32, String)>),
    Found(Found),
}

/// Always in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    pub names: Vec<String>,
    /// Each of them ends.
    pub bounded: bool,
}

/// What has come in a split.
#[derive(Debug)]
pub struct Page {
    pub rows: RecordBatch,
    /// What did not fit the columns, in its order.
    pub errors: Vec<PageError>,
    /// Where a later run goes on behind this page; `None`: where it went on before.
    pub token: Option<String>,
    /// There is nothing more for now.
    pub caught_up: bool,
    /// Nothing more comes.
    pub ended: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct PageError {
    /// So many rows come before it.
    pub at: usize,
    pub reason: String,
    /// What it is, as text.
    pub value: Vec<u8>,
}

/// The rows that were found, in the order of their keys; a key has one at most.
#[derive(Debug)]
pub struct Found {
    pub rows: RecordBatch,
    /// The key of each.
    pub keys: Vec<u32>,
}

/// What the driver has to say, or why the job cannot go on.
pub type Answer = Result<Reply, String>;

/// The calls of a job.
pub type Calls = Outbox<Call, Answer>;

/// One step's way to its driver.
pub struct Calling {
    step: Arc<str>,
    slot: usize,
    calls: Arc<Calls>,
    mailbox: Arc<Mailbox<Call, Answer>>,
}

impl Calling {
    /// `waker` is called when something has been answered.
    pub fn new(step: &str, slot: usize, calls: Arc<Calls>, waker: crate::Waker) -> Self {
        Calling { step: step.into(), slot, calls, mailbox: Arc::new(Mailbox::new(waker)) }
    }

    pub fn call(&self, want: Want) -> u64 {
        self.calls.post(Call { step: self.step.clone(), slot: self.slot, want }, &self.mailbox)
    }

    /// What has been answered since the last look: the number of the call, and the answer.
    pub fn answers(&self) -> impl Iterator<Item = (u64, Answer)> {
        self.mailbox.take().into_iter().map(|Answered { posted, answer }| (posted.id, answer))
    }
}
