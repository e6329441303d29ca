//! What is wrong with a record. All of it is off the fast path: a reader that fails is run again in slow motion here.

use arrow::datatypes::{DataType, TimeUnit};

use super::skip;
use crate::BadRecord;

pub(super) type Result<T> = std::result::Result<T, Box<BadRecord>>;

/// Characters of a record that a message shows.
const SHOWN_CHARS: usize = 40;

#[cold]
#[inline(never)]
pub(super) fn bad_record(message: impl Into<String>) -> Box<BadRecord> {
    Box::new(BadRecord { column: None, message: message.into() })
}

/// `problem` reads like "expected ':' after a field name".
#[cold]
#[inline(never)]
pub(super) fn broken(json: &[u8], at: usize, problem: &str) -> Box<BadRecord> {
    let end = if at >= json.len() { ", found the end of the record" } else { "" };
    bad_record(format!("broken JSON at byte {at}: {problem}{end}"))
}

/// A fault of a value; the column's name is added by [`within`] on the way up.
#[cold]
#[inline(never)]
pub(super) fn bad_value(message: impl Into<String>) -> Box<BadRecord> {
    Box::new(BadRecord { column: Some(String::new()), message: message.into() })
}

/// Puts the name of a field, or the "[3]" of a list item, before the path of the column at fault.
#[cold]
#[inline(never)]
pub(super) fn within(mut error: Box<BadRecord>, parent: &str) -> Box<BadRecord> {
    if let Some(path) = &error.column {
        let separator = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        error.column = Some(format!("{parent}{separator}{path}"));
    }
    error
}

/// The value at `at` is not of the type that its column has, or is no JSON at all.
#[cold]
#[inline(never)]
pub(super) fn wrong_type(json: &[u8], at: usize, expected: &DataType) -> Box<BadRecord> {
    match skip::value(json, at, 0) {
        Ok(end) => {
            let kind = match json[at] {
                b'"' => "string",
                b'{' => "object",
                b'[' => "array",
                b't' | b'f' => "boolean",
                b'n' => "null",
                _ => "number",
            };
            bad_value(format!("expected {}, found {} ({kind})", expectation(expected), shown(&json[at..end])))
        }
        Err(broken) => broken,
    }
}

/// The value at `at` is no number that `expected` can hold.
#[cold]
#[inline(never)]
pub(super) fn wrong_number(json: &[u8], at: usize, expected: &DataType) -> Box<BadRecord> {
    let Ok(end) = skip::value(json, at, 0) else { return wrong_type(json, at, expected) };
    let token = &json[at..end];
    let number = matches!(token.first(), Some(b'-' | b'0'..=b'9'));
    let fraction = token.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if number && (*expected == DataType::Float64 || !fraction) {
        out_of_range(token, expected)
    } else {
        wrong_type(json, at, expected)
    }
}

#[cold]
#[inline(never)]
pub(super) fn out_of_range(token: &[u8], expected: &DataType) -> Box<BadRecord> {
    bad_value(format!("{} is out of range for {}", shown(token), type_name(expected)))
}

/// As much of a record's text as a message has room for.
pub(super) fn shown(text: &[u8]) -> String {
    // Four bytes make at most one character less than they are; no more than these need looking at.
    let head = String::from_utf8_lossy(&text[..text.len().min(4 * SHOWN_CHARS + 4)]);
    match head.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &head[..end]),
        None => head.into_owned(),
    }
}

/// The name of a type as a job's schema has it.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".into(),
        DataType::Int32 => "int32".into(),
        DataType::Int64 => "int64".into(),
        DataType::Float64 => "float64".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision}, {scale})"),
        DataType::Utf8 => "string".into(),
        DataType::Binary => "bytes".into(),
        DataType::Timestamp(unit, _) => format!("timestamp({})", unit_name(*unit)),
        DataType::Date32 => "date".into(),
        DataType::List(_) => "list".into(),
        DataType::Struct(_) => "struct".into(),
        other => other.to_string(),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// The name of a type and, where it does not say it, how JSON writes one.
fn expectation(data_type: &DataType) -> String {
    let name = type_name(data_type);
    match data_type {
        DataType::Binary => format!("{name} in base64"),
        DataType::Timestamp(..) => format!("{name} as an integer or in RFC 3339"),
        DataType::Date32 => format!("{name} as \"YYYY-MM-DD\" or days"),
        _ => name,
    }
}
