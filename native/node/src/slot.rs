//! One slot, driven by the thread that made it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use millrace_engine::Step;
use napi::Env;
use napi::bindgen_prelude::{FnArgs, Function, Uint8Array};
use napi_derive::napi;

use crate::batch::{Batch, Mapped, Scratch};
use crate::error::guarded;
use crate::host::JsHost;
use crate::job;

#[napi]
pub struct Slot {
    slot: millrace_engine::Slot,
    /// Set while JavaScript is within a call of ours, which is when the core may call it back.
    env: Rc<Cell<Option<Env>>>,
}

#[napi]
impl Slot {
    #[napi(constructor)]
    pub fn new(
        env: Env,
        job_id: u32,
        index: u32,
        call: Function<FnArgs<(u32, Batch)>, Mapped>,
        show: Function<FnArgs<(String, Batch)>, ()>,
        scratch: Uint8Array,
    ) -> napi::Result<Self> {
        let current = Rc::new(Cell::new(None));
        let host = JsHost::new(current.clone(), call.create_ref()?, show.create_ref()?, Scratch::new(scratch));
        guarded(&env, || {
            let slot = millrace_engine::Slot::open(job::find(job_id)?, index as usize, Box::new(host))?;
            Ok(Slot { slot, env: current })
        })
    }

    /// Works for about so many milliseconds; true: the job has ended for this slot.
    #[napi]
    pub fn step(&mut self, env: Env, budget_ms: u32) -> napi::Result<bool> {
        self.env.set(Some(env));
        let finished = guarded(&env, || {
            let step = self.slot.step(Duration::from_millis(u64::from(budget_ms)))?;
            Ok(step == Step::Finished)
        });
        self.env.set(None);
        finished
    }
}
