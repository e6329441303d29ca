//! Records that cannot be decoded, and how messages call what is wrong with them.

use arrow::datatypes::{DataType, TimeUnit};

/// Why a record could not be decoded; nothing of it is left in the decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .column.as_ref().map(|c| format!("column \"{c}\": ")).unwrap_or_default())]
pub struct BadRecord {
    /// The column, with its path where it is nested: "address.city".
    pub column: Option<String>,
    /// What was expected and what was found.
    pub message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Box<BadRecord>>;

/// Characters of a record that a message shows.
const SHOWN_CHARS: usize = 40;

#[cold]
#[inline(never)]
pub(crate) fn bad_record(message: impl Into<String>) -> Box<BadRecord> {
    Box::new(BadRecord { column: None, message: message.into() })
}

/// A fault of a value; the column's name is added by [`within`] on the way up.
#[cold]
#[inline(never)]
pub(crate) fn bad_value(message: impl Into<String>) -> Box<BadRecord> {
    Box::new(BadRecord { column: Some(String::new()), message: message.into() })
}

/// An error where a value was not appended.
#[inline]
pub(crate) fn fits(appended: bool) -> Result<()> {
    if appended { Ok(()) } else { Err(bad_value("too large beside the other rows of one batch")) }
}

#[cold]
#[inline(never)]
pub(crate) fn invalid_utf8(text: &[u8]) -> Box<BadRecord> {
    let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    bad_value(format!("invalid UTF-8 after {} bytes of {}", valid, shown(text)))
}

/// What a column is made for and what it is filled by go by the same type.
#[cold]
#[inline(never)]
pub(crate) fn defect() -> Box<BadRecord> {
    bad_value("it is read as another type than its column has: this is a defect of Millrace")
}

/// Puts the name of a field, or the "[3]" of a list item, before the path of the column at fault.
#[cold]
#[inline(never)]
pub(crate) fn within(mut error: Box<BadRecord>, parent: &str) -> Box<BadRecord> {
    if let Some(path) = &error.column {
        let separator = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        error.column = Some(format!("{parent}{separator}{path}"));
    }
    error
}

/// As much of a record's text as a message has room for.
pub(crate) fn shown(text: &[u8]) -> String {
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
