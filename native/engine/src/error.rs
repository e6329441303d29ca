//! Errors as they leave the core: a code, the step they concern and a message that says what to do.

/// Says which error class the user sees; the names cross to JavaScript as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The plan is invalid or asks for what a step cannot do.
    Plan,
    /// A source could not be opened or read.
    Source,
    /// A record could not be decoded and the job is to fail on it.
    BadRecord,
    /// A sink could not be opened or written.
    Sink,
    /// State could not be kept, stored or restored.
    State,
    /// Another worker of the job has begun, and this one has stopped.
    TakenOver,
    /// An expression failed on a value: an overflow, a division by zero, a cast. Or a row has no place in the schema that it is
    /// to be written by.
    Expression,
    /// A user function threw or returned what its step does not allow.
    Function,
    /// A defect of Millrace itself.
    Internal,
}

impl ErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::Plan => "PLAN",
            ErrorCode::Source => "SOURCE",
            ErrorCode::BadRecord => "BAD_RECORD",
            ErrorCode::Sink => "SINK",
            ErrorCode::State => "STATE",
            ErrorCode::TakenOver => "TAKEN_OVER",
            ErrorCode::Expression => "EXPRESSION",
            ErrorCode::Function => "FUNCTION",
            ErrorCode::Internal => "INTERNAL",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .step.as_ref().map(|s| format!("{s}: ")).unwrap_or_default())]
pub struct Error {
    pub code: ErrorCode,
    /// The name of the operator, where one is concerned.
    pub step: Option<String>,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error { code, step: None, message: message.into() }
    }

    /// Names the step, unless a deeper one is named already.
    pub fn at(mut self, step: &str) -> Self {
        self.step.get_or_insert_with(|| step.to_owned());
        self
    }
}
