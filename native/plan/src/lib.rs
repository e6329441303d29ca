//! Decodes and validates a plan; knows nothing of running one.

mod decode;
mod function;
#[allow(clippy::all, clippy::undocumented_unsafe_blocks, clippy::unwrap_used, unsafe_op_in_unsafe_fn)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/plan_generated.rs"));
    pub use millrace::plan::*;
}
mod model;
mod validate;

pub use function::ExprFunction;
pub use model::*;

/// What is wrong with a plan, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .step.as_ref().map(|s| format!("{s}: ")).unwrap_or_default())]
pub struct PlanError {
    pub step: Option<String>,
    pub message: String,
}

impl PlanError {
    pub fn new(message: impl Into<String>) -> Self {
        PlanError { step: None, message: message.into() }
    }

    /// Names the step, unless one is named already.
    pub fn at(mut self, step: &str) -> Self {
        self.step.get_or_insert_with(|| step.to_owned());
        self
    }
}

/// Reads a plan and checks that it can be run.
pub fn decode(bytes: &[u8]) -> Result<Plan, PlanError> {
    let plan = decode::decode_structure(bytes)?;
    validate::validate(&plan)?;
    Ok(plan)
}
