//! What is wrong with a record. All of it is off the fast path: a reader that fails is run again in slow motion here.

use arrow::datatypes::DataType;

use super::skip;
use crate::BadRecord;
pub use crate::bad_record::type_name;
pub(super) use crate::bad_record::{Result, bad_record, bad_value, shown, within};

/// `problem` reads like "expected ':' after a field name".
#[cold]
#[inline(never)]
pub(super) fn broken(json: &[u8], at: usize, problem: &str) -> Box<BadRecord> {
    let end = if at >= json.len() { ", found the end of the record" } else { "" };
    bad_record(format!("broken JSON at byte {at}: {problem}{end}"))
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
