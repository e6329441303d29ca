//! Writes the values of one column.

use std::fmt::Display;

use arrow::array::types::{
    Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Datelike;

use super::encoder::{Nested, Objects};
use super::scan;

/// Text for types that a plan cannot name: a value that has none is null.
const TEXT_OPTIONS: FormatOptions<'static> = FormatOptions::new().with_display_error(true);

/// A column of a batch, its type found out once.
pub(crate) struct Values<'a> {
    nulls: Option<&'a NullBuffer>,
    typed: Typed<'a>,
}

enum Typed<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Float64(&'a [f64]),
    Decimal { unscaled: &'a [i128], scale: i8 },
    Utf8(&'a StringArray),
    Binary(&'a BinaryArray),
    Date(&'a [i32]),
    List { offsets: &'a [i32], items: Box<Values<'a>> },
    Struct(Objects<'a>),
    Text(Box<ArrayFormatter<'a>>),
}

impl<'a> Values<'a> {
    /// `nested` holds the names inside of the column's type.
    pub fn new(nested: &'a Nested, array: &'a ArrayRef) -> Self {
        let typed = match (array.data_type(), nested) {
            (DataType::Boolean, _) => Typed::Boolean(array.as_boolean()),
            (DataType::Int32, _) => Typed::Int32(array.as_primitive::<Int32Type>().values()),
            (DataType::Int64, _) => Typed::Int64(array.as_primitive::<Int64Type>().values()),
            (DataType::Float64, _) => Typed::Float64(array.as_primitive::<Float64Type>().values()),
            (DataType::Decimal128(_, scale), _) => {
                Typed::Decimal { unscaled: array.as_primitive::<Decimal128Type>().values(), scale: *scale }
            }
            (DataType::Utf8, _) => Typed::Utf8(array.as_string()),
            (DataType::Binary, _) => Typed::Binary(array.as_binary()),
            (DataType::Timestamp(unit, _), _) => Typed::Int64(match unit {
                TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
            }),
            (DataType::Date32, _) => Typed::Date(array.as_primitive::<Date32Type>().values()),
            (DataType::List(_), Nested::List(item)) => {
                let lists = array.as_list::<i32>();
                Typed::List { offsets: lists.value_offsets(), items: Box::new(Values::new(item, lists.values())) }
            }
            (DataType::Struct(_), Nested::Object(names)) => {
                Typed::Struct(Objects::new(names, array.as_struct().columns()))
            }
            (DataType::Null, _) => Typed::Null,
            _ => ArrayFormatter::try_new(array, &TEXT_OPTIONS).map_or(Typed::Null, |text| Typed::Text(Box::new(text))),
        };
        Values { nulls: array.nulls(), typed }
    }

    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return out.extend_from_slice(b"null");
        }
        match &self.typed {
            Typed::Null => out.extend_from_slice(b"null"),
            Typed::Boolean(values) => out.extend_from_slice(if values.value(row) { b"true" } else { b"false" }),
            Typed::Int32(values) => write_integer(values[row], out),
            Typed::Int64(values) => write_integer(values[row], out),
            Typed::Float64(values) => write_float(values[row], out),
            Typed::Decimal { unscaled, scale } => write_decimal(unscaled[row], *scale, out),
            Typed::Utf8(values) => write_string(values.value(row).as_bytes(), out),
            Typed::Binary(values) => write_base64(values.value(row), out),
            Typed::Date(values) => write_date(values[row], out),
            Typed::List { offsets, items } => {
                out.push(b'[');
                for item in offsets[row]..offsets[row + 1] {
                    if item > offsets[row] {
                        out.push(b',');
                    }
                    items.write(item as usize, out);
                }
                out.push(b']');
            }
            Typed::Struct(objects) => objects.write(row, out),
            Typed::Text(values) => write_text(&values.value(row), out),
        }
    }
}

#[inline]
fn write_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

fn write_decimal(unscaled: i128, scale: i8, out: &mut Vec<u8>) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs()).as_bytes();
    let zeros = |count: usize| std::iter::repeat_n(b'0', count);
    let Some(fraction) = usize::try_from(scale).ok().filter(|&scale| scale > 0) else {
        out.extend_from_slice(digits);
        out.extend(zeros(if unscaled == 0 { 0 } else { usize::from(scale.unsigned_abs()) }));
        return;
    };
    let (whole, rest) = digits.split_at(digits.len().saturating_sub(fraction));
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    out.push(b'.');
    out.extend(zeros(fraction - rest.len()));
    out.extend_from_slice(rest);
}

#[inline]
pub(super) fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut start = 0;
    loop {
        let end = scan::string_special(text, start);
        out.extend_from_slice(&text[start..end]);
        let Some(&special) = text.get(end) else { break };
        write_escape(special, out);
        start = end + 1;
    }
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        b'"' | b'\\' => byte,
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend([byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
            return;
        }
    };
    out.extend([b'\\', short]);
}

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // The room is exactly what the padded form takes.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or_default();
    out.truncate(start + written);
    out.push(b'"');
}

fn write_date(days: i32, out: &mut Vec<u8>) {
    match Date32Type::to_naive_date_opt(days) {
        Some(date) if (0..=9999).contains(&date.year()) => {
            let (year, month, day) = (date.year() as u32, date.month(), date.day());
            let pair = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
            out.push(b'"');
            out.extend(pair(year / 100));
            out.extend(pair(year));
            out.push(b'-');
            out.extend(pair(month));
            out.push(b'-');
            out.extend(pair(day));
            out.push(b'"');
        }
        _ => write_integer(days, out),
    }
}

fn write_text(value: &impl Display, out: &mut Vec<u8>) {
    write_string(value.to_string().as_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_decimal_shows_all_digits_of_its_scale() {
        let text = |unscaled, scale| written(|out| write_decimal(unscaled, scale, out));
        assert_eq!(text(1234, 2), "12.34");
        assert_eq!(text(-5, 2), "-0.05");
        assert_eq!(text(0, 2), "0.00");
        assert_eq!(text(7, 0), "7");
        assert_eq!(text(7, -3), "7000");
        assert_eq!(text(0, -3), "0");
        assert_eq!(text(-(10i128.pow(38) - 1), 38), format!("-0.{}", "9".repeat(38)));
    }

    #[test]
    fn a_float_has_the_fewest_digits_and_no_infinity() {
        let text = |value| written(|out| write_float(value, out));
        assert_eq!(text(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(text(1.0), "1.0");
        assert_eq!(text(-0.0), "-0.0");
        assert_eq!(text(f64::NAN), "null");
        assert_eq!(text(f64::NEG_INFINITY), "null");
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e21, 1e-7, 123456789012345680.0] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text(value)).unwrap().as_f64(), Some(value));
        }
    }

    #[test]
    fn a_string_is_escaped_where_it_must_be() {
        let text = written(|out| write_string("a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}ü/".as_bytes(), out));
        assert_eq!(text, "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}ü/\"");
    }

    #[test]
    fn a_date_without_four_digits_of_a_year_is_its_days() {
        let text = |days| written(|out| write_date(days, out));
        assert_eq!(text(0), "\"1970-01-01\"");
        assert_eq!(text(19782), "\"2024-02-29\"");
        assert_eq!(text(-719162), "\"0001-01-01\"");
        assert_eq!(text(2932896), "\"9999-12-31\"");
        assert_eq!(text(2932897), "2932897");
        assert_eq!(text(i32::MIN), "-2147483648");
    }
}
