//! Timestamps and dates, as integers and as text.

use std::sync::Arc;

use arrow::array::types::Date32Type;
use arrow::array::{
    ArrayRef, Date32Array, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use arrow::compute::kernels::cast_utils::{Parser, string_to_datetime};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::Utc;

use super::error::{Result, wrong_number, wrong_type};
use super::{number, string};
use crate::builders::Primitive;

/// A column of timestamps.
pub(super) struct Timestamps {
    values: Primitive<i64>,
    unit: TimeUnit,
    zone: Option<Arc<str>>,
    scratch: Vec<u8>,
}

impl Timestamps {
    pub fn new(unit: TimeUnit, zone: Option<Arc<str>>) -> Self {
        Timestamps { values: Primitive::new(), unit, zone, scratch: Vec::new() }
    }

    /// Appends the integer or RFC 3339 string at `at`; gives the position after it.
    #[inline]
    pub fn read(&mut self, json: &[u8], at: usize) -> Result<usize> {
        match number::integer(json, at) {
            Some((value, end)) => {
                self.values.append(value);
                Ok(end)
            }
            None => self.read_text(json, at),
        }
    }

    #[inline(never)]
    fn read_text(&mut self, json: &[u8], at: usize) -> Result<usize> {
        let data_type = || DataType::Timestamp(self.unit, None);
        if json.get(at) != Some(&b'"') {
            return Err(wrong_number(json, at, &data_type()));
        }
        let (text, end) = string::text(json, at, &mut self.scratch)?;
        let Some(value) = timestamp(text, self.unit) else { return Err(wrong_type(json, at, &data_type())) };
        self.values.append(value);
        Ok(end)
    }

    pub fn append_null(&mut self) {
        self.values.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
    }

    pub fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.values.finish();
        let zone = self.zone.clone();
        match self.unit {
            TimeUnit::Second => Arc::new(TimestampSecondArray::new(values, nulls).with_timezone_opt(zone)),
            TimeUnit::Millisecond => Arc::new(TimestampMillisecondArray::new(values, nulls).with_timezone_opt(zone)),
            TimeUnit::Microsecond => Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone_opt(zone)),
            TimeUnit::Nanosecond => Arc::new(TimestampNanosecondArray::new(values, nulls).with_timezone_opt(zone)),
        }
    }
}

/// A column of dates.
pub(super) struct Dates {
    values: Primitive<i32>,
    scratch: Vec<u8>,
}

impl Dates {
    pub fn new() -> Self {
        Dates { values: Primitive::new(), scratch: Vec::new() }
    }

    /// Appends the "YYYY-MM-DD" or the days since the epoch at `at`; gives the position after it.
    pub fn read(&mut self, json: &[u8], at: usize) -> Result<usize> {
        let (value, end) = if json.get(at) == Some(&b'"') {
            let (text, end) = string::text(json, at, &mut self.scratch)?;
            (date(text).ok_or_else(|| wrong_type(json, at, &DataType::Date32))?, end)
        } else {
            number::int32(json, at).ok_or_else(|| wrong_number(json, at, &DataType::Date32))?
        };
        self.values.append(value);
        Ok(end)
    }

    pub fn append_null(&mut self) {
        self.values.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
    }

    pub fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.values.finish();
        Arc::new(Date32Array::new(values, nulls))
    }
}

/// An RFC 3339 timestamp in `unit` since the epoch, cut down to it; without an offset it is UTC. `None` where the text
/// is none or the unit cannot reach it.
pub(crate) fn timestamp(text: &[u8], unit: TimeUnit) -> Option<i64> {
    let time = string_to_datetime(&Utc, std::str::from_utf8(text).ok()?).ok()?;
    match unit {
        TimeUnit::Second => Some(time.timestamp()),
        TimeUnit::Millisecond => Some(time.timestamp_millis()),
        TimeUnit::Microsecond => Some(time.timestamp_micros()),
        TimeUnit::Nanosecond => time.timestamp_nanos_opt(),
    }
}

/// The days since the epoch of a "YYYY-MM-DD".
pub(crate) fn date(text: &[u8]) -> Option<i32> {
    // The parser takes more forms than this one; a longer text is a time, which a date must not swallow.
    if text.len() != 10 {
        return None;
    }
    Date32Type::parse(std::str::from_utf8(text).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_cut_down_to_its_unit() {
        let text = b"2023-11-14T22:13:20.123456789Z";
        assert_eq!(timestamp(text, TimeUnit::Second), Some(1700000000));
        assert_eq!(timestamp(text, TimeUnit::Millisecond), Some(1700000000123));
        assert_eq!(timestamp(text, TimeUnit::Microsecond), Some(1700000000123456));
        assert_eq!(timestamp(text, TimeUnit::Nanosecond), Some(1700000000123456789));
        assert_eq!(timestamp(b"1969-12-31T23:59:59.9995Z", TimeUnit::Millisecond), Some(-1));
    }

    #[test]
    fn an_offset_counts_and_none_is_utc() {
        assert_eq!(timestamp(b"1970-01-01T01:00:00+01:00", TimeUnit::Second), Some(0));
        assert_eq!(timestamp(b"1969-12-31 19:00:00-05:00", TimeUnit::Second), Some(0));
        assert_eq!(timestamp(b"1970-01-01T00:00:01", TimeUnit::Second), Some(1));
        assert_eq!(timestamp(b"1970-01-02", TimeUnit::Second), Some(86400));
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        for text in
            ["", "now", "1970-13-01T00:00:00Z", "1970-01-01T25:00:00Z", "1970-01-01T00:00:00 Mars", "1970-01-01Tü"]
        {
            assert_eq!(timestamp(text.as_bytes(), TimeUnit::Millisecond), None, "{text}");
        }
        assert_eq!(timestamp(b"9999-01-01T00:00:00Z", TimeUnit::Nanosecond), None);
    }

    #[test]
    fn a_date_is_days_since_the_epoch() {
        assert_eq!(date(b"1970-01-01"), Some(0));
        assert_eq!(date(b"2024-02-29"), Some(19782));
        assert_eq!(date(b"0001-01-01"), Some(-719162));
        for text in ["2023-02-29", "1970-1-1", "1970/01/01", "1970-01-01T00:00:00Z", "19700101", "1970-01-0a"] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }
}
