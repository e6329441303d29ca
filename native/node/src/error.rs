//! The one place where errors of the core become JavaScript errors, and where panics stop.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use millrace_engine::{Error, ErrorCode};
use napi::bindgen_prelude::{JsValue, Object};
use napi::{Env, Status};

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a piece of the core. An error becomes a JavaScript one with `code` and `step`; a panic becomes an error of code
/// INTERNAL instead of the end of the process.
pub fn guarded<T>(env: &Env, body: impl FnOnce() -> Result<T, Error>) -> napi::Result<T> {
    static HOOK: Once = Once::new();
    // The message goes into the error: printed, it would end up in the middle of the user's terminal.
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| LAST_PANIC.with_borrow_mut(|last| *last = Some(info.to_string()))));
    });
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let message = LAST_PANIC.take().unwrap_or_else(|| "a panic without a message".into());
        Err(Error::new(ErrorCode::Internal, format!("{message}. This is a defect of Millrace: please report it")))
    });
    outcome.map_err(|error| to_js(env, &error).unwrap_or_else(|error| error))
}

fn to_js(env: &Env, error: &Error) -> napi::Result<napi::Error> {
    let mut object: Object = env.create_error(napi::Error::new(Status::GenericFailure, error.message.clone()))?;
    object.set("code", error.code.as_str())?;
    if let Some(step) = &error.step {
        object.set("step", step.as_str())?;
    }
    Ok(napi::Error::from(object.to_unknown()))
}

/// An error of the binding's own calls into JavaScript.
pub fn from_js(error: napi::Error) -> Error {
    Error::new(ErrorCode::Function, error.reason.to_string())
}
