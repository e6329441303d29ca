//! Schemas of a registry, looked at without running a job.

use millrace_engine::schemas::describe_protobuf;
use millrace_engine::{Error, ErrorCode};
use napi::Env;
use napi_derive::napi;

use crate::error::guarded;

/// A file that a .proto imports.
#[napi(object)]
pub struct ImportedFile {
    pub name: String,
    pub schema: String,
}

/// The columns that a .proto's first message is read as, as JSON.
#[napi]
pub fn protobuf_columns(env: Env, text: String, imports: Vec<ImportedFile>) -> napi::Result<String> {
    guarded(&env, || {
        let imports: Vec<(String, String)> = imports.into_iter().map(|file| (file.name, file.schema)).collect();
        describe_protobuf(&text, &imports).map_err(|error| Error::new(ErrorCode::Plan, error.to_string()))
    })
}
