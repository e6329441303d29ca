//! The engine's host: user functions and table sinks, in JavaScript.

use std::cell::Cell;
use std::rc::Rc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_engine::{Error, ErrorCode, Host, Result};
use millrace_plan::FunctionKind;
use napi::Env;
use napi::bindgen_prelude::{FnArgs, FunctionRef};

use crate::batch::{Batch, Mapped, Scratch};
use crate::error::from_js;

pub struct JsHost {
    env: Rc<Cell<Option<Env>>>,
    call: FunctionRef<FnArgs<(u32, Batch)>, Mapped>,
    show: FunctionRef<FnArgs<(String, Batch)>, ()>,
    scratch: Scratch,
}

impl JsHost {
    pub fn new(
        env: Rc<Cell<Option<Env>>>,
        call: FunctionRef<FnArgs<(u32, Batch)>, Mapped>,
        show: FunctionRef<FnArgs<(String, Batch)>, ()>,
        scratch: Scratch,
    ) -> Self {
        JsHost { env, call, show, scratch }
    }

    fn env(&self) -> Result<Env> {
        let message = "JavaScript was called from outside of a step";
        self.env.get().ok_or_else(|| Error::new(ErrorCode::Internal, message))
    }
}

impl Host for JsHost {
    fn call(
        &mut self,
        number: u32,
        _kind: FunctionKind,
        input: &RecordBatch,
        output: &SchemaRef,
    ) -> Result<millrace_engine::Mapped> {
        let env = self.env()?;
        let call = self.call.borrow_back(&env).map_err(from_js)?;
        let mapped = call.call(FnArgs::from((number, Batch::of(input, &mut self.scratch)))).map_err(from_js)?;
        mapped.into_rows(input, output)
    }

    fn show(&mut self, title: &str, rows: &RecordBatch) -> Result<()> {
        let env = self.env()?;
        let show = self.show.borrow_back(&env).map_err(from_js)?;
        show.call(FnArgs::from((title.to_owned(), Batch::of(rows, &mut self.scratch)))).map_err(from_js)
    }
}
