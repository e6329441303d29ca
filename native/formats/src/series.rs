//! What formats of time series have in common: columns that are found once, and times.

use arrow::array::types::{
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};

use crate::FormatError;
use crate::json::Nested;
use crate::json::value::Values;
use crate::rescale::Rescale;

pub fn column(schema: &SchemaRef, name: &str) -> Result<usize, FormatError> {
    schema.index_of(name).map_err(|_| FormatError(format!("there is no column \"{name}\" to make a time series of")))
}

/// A column whose values are written as text, without quotes.
pub enum Texts<'a> {
    Strings(&'a StringArray),
    /// As JSON has them, which has nothing in its quotes to escape.
    Other(Values<'a>, &'a ArrayRef),
}

impl<'a> Texts<'a> {
    pub fn new(array: &'a ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => Texts::Strings(array.as_string()),
            _ => Texts::Other(Values::new(&Nested::None, array), array),
        }
    }

    /// The text of a row, which `scratch` may hold; empty for null.
    pub fn get<'b>(&'b self, row: usize, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        match self {
            Texts::Strings(texts) if texts.is_null(row) => b"",
            Texts::Strings(texts) => texts.value(row).as_bytes(),
            Texts::Other(_, array) if array.is_null(row) => b"",
            Texts::Other(values, _) => {
                scratch.clear();
                values.write(row, scratch);
                scratch.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(scratch)
            }
        }
    }
}

/// The times of a column, as they are written.
pub struct Times<'a> {
    array: &'a ArrayRef,
    values: &'a [i64],
    from: TimeUnit,
    to: TimeUnit,
    /// What brings them from the one unit to the other.
    rescale: Option<Rescale>,
}

impl<'a> Times<'a> {
    /// A column of integers holds times in unit `to`. `None` where it holds none.
    pub fn new(array: &'a ArrayRef, to: TimeUnit) -> Option<Self> {
        let (from, values) = match array.data_type() {
            DataType::Int64 => (to, array.as_primitive_opt::<Int64Type>()?.values()),
            DataType::Timestamp(unit, _) => {
                let values = match unit {
                    TimeUnit::Second => array.as_primitive_opt::<TimestampSecondType>()?.values(),
                    TimeUnit::Millisecond => array.as_primitive_opt::<TimestampMillisecondType>()?.values(),
                    TimeUnit::Microsecond => array.as_primitive_opt::<TimestampMicrosecondType>()?.values(),
                    TimeUnit::Nanosecond => array.as_primitive_opt::<TimestampNanosecondType>()?.values(),
                };
                (*unit, values)
            }
            _ => return None,
        };
        Some(Times { array, values, from, to, rescale: Rescale::between(from, to) })
    }

    /// `Ok(None)` for null; an error where the unit has no such time.
    pub fn get(&self, row: usize) -> Result<Option<i64>, String> {
        if self.array.is_null(row) {
            return Ok(None);
        }
        let value = self.values[row];
        match self.rescale.map_or(Some(value), |rescale| rescale.apply(value)) {
            Some(time) => Ok(Some(time)),
            None => Err(format!("a time of {value} {} is too far away for {}", name(self.from), name(self.to))),
        }
    }
}

fn name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "seconds",
        TimeUnit::Millisecond => "milliseconds",
        TimeUnit::Microsecond => "microseconds",
        TimeUnit::Nanosecond => "nanoseconds",
    }
}
