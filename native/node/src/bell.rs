use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;

/// Calls `call` on the thread that makes it, whoever rings it. It does not keep the process alive.
pub fn bell(call: Function<'_, (), ()>) -> napi::Result<Box<dyn Fn() + Send + Sync>> {
    let call = call.build_threadsafe_function::<()>().weak::<true>().build()?;
    Ok(Box::new(move || {
        call.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }))
}
