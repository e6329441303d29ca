//! Requests of HTTP sinks on their way to JavaScript, and answers on theirs back.

use std::sync::Arc;

use millrace_engine::{Error, ErrorCode, HttpOutbox, HttpRequest, Posted, Refused};
use millrace_plan::HttpShard;
use napi::Env;
use napi::bindgen_prelude::{Function, Uint8Array, Uint32Array};
use napi_derive::napi;

use crate::bell::bell;
use crate::error::guarded;
use crate::job::Job;

/// One request; the body is a view of the core's memory.
#[napi(object)]
pub struct Request {
    pub id: f64,
    pub sink: String,
    pub run: String,
    pub slot: u32,
    pub shard: u32,
    pub epoch: f64,
    pub sequence: f64,
    pub rows: u32,
    /// Before compression.
    pub size: f64,
    pub body: Uint8Array,
}

/// Rows that were refused, each with its reason, or why the job cannot go on.
#[napi(object)]
pub struct Answer {
    pub error: Option<String>,
    pub refused: Vec<u32>,
    pub reasons: Vec<String>,
    /// Who refused them.
    pub by: String,
}

/// A shard and its number, which no other shard of its sink ever has.
#[napi(object)]
pub struct Shard {
    pub number: u32,
    pub name: String,
    pub weight: f64,
}

impl Request {
    fn of(posted: &Arc<Posted<HttpRequest>>, run: &str) -> Request {
        let request = &posted.request;
        Request {
            id: posted.id as f64,
            sink: request.sink.to_string(),
            run: run.to_owned(),
            slot: request.slot as u32,
            shard: request.shard as u32,
            epoch: request.epoch as f64,
            sequence: request.sequence as f64,
            rows: request.body.rows() as u32,
            size: request.body.size as f64,
            body: lent(posted.clone()),
        }
    }
}

/// A view of a body, which stays as long as JavaScript holds it.
fn lent(posted: Arc<Posted<HttpRequest>>) -> Uint8Array {
    let body = posted.request.body.sent();
    if body.is_empty() {
        return Uint8Array::new(Vec::new());
    }
    let (start, length) = (body.as_ptr().cast_mut(), body.len());
    // SAFETY: the bytes are valid and do not move while the request lives, and the closure holds it until the view is
    // collected. JavaScript is told not to write to them.
    unsafe { Uint8Array::with_external_data(start, length, move |_, _| drop(posted)) }
}

#[napi]
impl Job {
    /// Calls `call` on this thread when requests have come. It does not keep the process alive.
    #[napi]
    pub fn on_requests(&self, call: Function<(), ()>) -> napi::Result<()> {
        let bell = bell(call)?;
        if let Some(outboxes) = self.job.outboxes() {
            outboxes.http.set_bell(Some(bell));
        }
        Ok(())
    }

    /// The requests that have come since the last call.
    #[napi]
    pub fn take_requests(&self) -> Vec<Request> {
        let Some(outboxes) = self.job.outboxes() else { return Vec::new() };
        outboxes.http.take().iter().map(|posted| Request::of(posted, &outboxes.run)).collect()
    }

    /// The body of a request that is not answered yet, with some of its rows only.
    #[napi]
    pub fn part_of_request(&self, env: Env, id: f64, rows: Uint32Array) -> napi::Result<Uint8Array> {
        guarded(&env, || {
            let posted = self.http_outbox()?.request(id as u64);
            let posted = posted.ok_or_else(|| internal(format!("request {id} is answered already")))?;
            let part = posted.request.body.part(&rows).map_err(internal)?;
            Ok(Uint8Array::new(part))
        })
    }

    /// Spreads the rows of a sink over these shards, from its next batch on.
    #[napi]
    pub fn reshard(&self, sink: String, shards: Vec<Shard>) {
        let shards = shards.into_iter();
        let shards = shards.map(|Shard { number, name, weight }| (number as usize, HttpShard { name, weight }));
        self.job.reshard(&sink, shards.collect());
    }

    /// Says what has become of a request; its sink is woken.
    #[napi]
    pub fn answer(&self, env: Env, id: f64, answer: Answer) -> napi::Result<()> {
        guarded(&env, || {
            let outbox = self.http_outbox()?;
            let Some(posted) = outbox.request(id as u64) else { return Ok(()) };
            let request = &posted.request;
            let outcome = match answer.error {
                Some(error) => Err(error),
                None if answer.refused.is_empty() => Ok(Vec::new()),
                None => {
                    let values = request.body.values(&answer.refused).map_err(internal)?;
                    let (by, shard) = (answer.by, request.shard);
                    let rows = values.into_iter().zip(answer.reasons);
                    Ok(rows.map(|(value, reason)| Refused { by: by.clone(), shard, reason, value }).collect())
                }
            };
            outbox.answer(posted.id, outcome);
            Ok(())
        })
    }

    fn http_outbox(&self) -> Result<Arc<HttpOutbox>, Error> {
        let outboxes = self.job.outboxes().ok_or_else(|| internal("the job has no outbox"))?;
        Ok(outboxes.http.clone())
    }
}

fn internal(message: impl ToString) -> Error {
    Error::new(ErrorCode::Internal, message.to_string())
}
