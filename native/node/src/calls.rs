//! What steps want of their drivers on its way to JavaScript, and answers on theirs back.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_engine::{Call, Calls, Error, ErrorCode, Found, Page, PageError, Posted, Reply, Splits, Want};
use napi::Env;
use napi::bindgen_prelude::{Function, Uint8Array, Uint32Array};
use napi_derive::napi;

use crate::batch::Batch;
use crate::bell::bell;
use crate::error::guarded;
use crate::job::Job;

/// One call. What there is beside `want` depends on it.
#[napi(object)]
pub struct DriverCall {
    pub id: f64,
    pub step: String,
    pub slot: u32,
    /// "splits", "read", "write" or "find".
    pub want: String,
    pub split: Option<String>,
    pub after: Option<String>,
    /// The columns of what is to be read or found, by name.
    pub columns: Vec<String>,
    /// What is to be written, or the keys; views of the core's memory.
    pub rows: Option<Batch>,
}

impl DriverCall {
    fn of(posted: &Posted<Call>) -> DriverCall {
        let Call { step, slot, want } = &posted.request;
        let call = DriverCall {
            id: posted.id as f64,
            step: step.to_string(),
            slot: *slot as u32,
            want: String::new(),
            split: None,
            after: None,
            columns: Vec::new(),
            rows: None,
        };
        let names = |schema: &SchemaRef| schema.fields().iter().map(|f| f.name().clone()).collect();
        match want {
            Want::Splits => DriverCall { want: "splits".into(), ..call },
            Want::Read { split, after, columns } => DriverCall {
                want: "read".into(),
                split: Some(split.clone()),
                after: after.clone(),
                columns: names(columns),
                ..call
            },
            Want::Write { rows } => DriverCall { want: "write".into(), rows: Some(Batch::lent(rows)), ..call },
            Want::Find { keys, columns } => {
                DriverCall { want: "find".into(), columns: names(columns), rows: Some(Batch::lent(keys)), ..call }
            }
        }
    }
}

#[napi(object)]
pub struct DriverPage {
    pub rows: Batch,
    pub errors: Vec<DriverPageError>,
    pub token: Option<String>,
    pub caught_up: bool,
    pub ended: bool,
}

#[napi(object)]
pub struct DriverPageError {
    pub at: u32,
    pub reason: String,
    pub value: Uint8Array,
}

#[napi]
impl Job {
    /// Calls `call` on this thread when there are calls. It does not keep the process alive.
    #[napi]
    pub fn on_calls(&self, call: Function<(), ()>) -> napi::Result<()> {
        let bell = bell(call)?;
        if let Some(outboxes) = self.job.outboxes() {
            outboxes.calls.set_bell(Some(bell));
        }
        Ok(())
    }

    /// The calls that have come since the last look.
    #[napi]
    pub fn take_calls(&self) -> Vec<DriverCall> {
        let Some(outboxes) = self.job.outboxes() else { return Vec::new() };
        outboxes.calls.take().iter().map(|posted| DriverCall::of(posted)).collect()
    }

    /// The job ends with an error: what was wanted cannot be had.
    #[napi]
    pub fn call_failed(&self, env: Env, id: f64, reason: String) -> napi::Result<()> {
        guarded(&env, || {
            self.calls()?.answer(id as u64, Err(reason));
            Ok(())
        })
    }

    #[napi]
    pub fn splits(&self, env: Env, id: f64, names: Vec<String>, bounded: bool) -> napi::Result<()> {
        guarded(&env, || {
            self.calls()?.answer(id as u64, Ok(Reply::Splits(Splits { names, bounded })));
            Ok(())
        })
    }

    /// What has come in a split.
    #[napi]
    pub fn read(&self, env: Env, id: f64, page: DriverPage) -> napi::Result<()> {
        guarded(&env, || {
            let calls = self.calls()?;
            let Some(posted) = calls.request(id as u64) else { return Ok(()) };
            let Want::Read { columns, .. } = &posted.request.want else { return Err(not_wanted("a page")) };
            let rows = page.rows.into_rows(columns)?;
            let DriverPage { token, caught_up, ended, .. } = page;
            let errors = page.errors.into_iter().map(|error| PageError {
                at: error.at as usize,
                reason: error.reason,
                value: error.value.to_vec(),
            });
            let page = Page { rows, errors: errors.collect(), token, caught_up, ended };
            calls.answer(posted.id, Ok(Reply::Read(page)));
            Ok(())
        })
    }

    /// Rows have been written, but for those that were refused, each with its reason.
    #[napi]
    pub fn written(&self, env: Env, id: f64, refused: Vec<u32>, reasons: Vec<String>) -> napi::Result<()> {
        guarded(&env, || {
            let refused = refused.into_iter().zip(reasons).collect();
            self.calls()?.answer(id as u64, Ok(Reply::Written(refused)));
            Ok(())
        })
    }

    /// What was found, and for each row the number of its key.
    #[napi]
    pub fn found(&self, env: Env, id: f64, rows: Batch, keys: Uint32Array) -> napi::Result<()> {
        guarded(&env, || {
            let calls = self.calls()?;
            let Some(posted) = calls.request(id as u64) else { return Ok(()) };
            let Want::Find { columns, .. } = &posted.request.want else { return Err(not_wanted("a find")) };
            let rows = rows.into_rows(columns)?;
            calls.answer(posted.id, Ok(Reply::Found(Found { rows, keys: keys.to_vec() })));
            Ok(())
        })
    }

    fn calls(&self) -> Result<Arc<Calls>, Error> {
        let outboxes = self.job.outboxes();
        let outboxes = outboxes.ok_or_else(|| Error::new(ErrorCode::Internal, "the job has no outbox"))?;
        Ok(outboxes.calls.clone())
    }
}

fn not_wanted(what: &str) -> Error {
    Error::new(ErrorCode::Internal, format!("a call was answered with {what} that it did not want"))
}
