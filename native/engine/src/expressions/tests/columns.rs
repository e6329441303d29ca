//! Columns from what a table row can say: cells apart by spaces, `null` for no value.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, ListArray, StringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, TimeUnit};

/// A string cell that is null.
pub const NULL: &str = "\0null";

pub fn int32(cells: &str) -> ArrayRef {
    of(&DataType::Int32, cells)
}

pub fn int64(cells: &str) -> ArrayRef {
    of(&DataType::Int64, cells)
}

pub fn float64(cells: &str) -> ArrayRef {
    of(&DataType::Float64, cells)
}

pub fn bools(cells: &str) -> ArrayRef {
    of(&DataType::Boolean, cells)
}

pub fn decimals(precision: u8, scale: i8, cells: &str) -> ArrayRef {
    of(&DataType::Decimal128(precision, scale), cells)
}

pub fn dates(cells: &str) -> ArrayRef {
    of(&DataType::Date32, cells)
}

/// Milliseconds, as `2024-01-31T00:00:00`.
pub fn times(cells: &str) -> ArrayRef {
    of(&timestamp(TimeUnit::Millisecond), cells)
}

pub fn times_in(unit: TimeUnit, cells: &str) -> ArrayRef {
    of(&timestamp(unit), cells)
}

pub fn timestamp(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

pub fn of(data_type: &DataType, cells: &str) -> ArrayRef {
    let cells: StringArray = cells.split_whitespace().map(|cell| (cell != "null").then_some(cell)).collect();
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&cells, data_type, &strict).unwrap()
}

pub fn texts<const N: usize>(cells: [&str; N]) -> ArrayRef {
    let cells: StringArray = cells.into_iter().map(|cell| (cell != NULL).then_some(cell)).collect();
    Arc::new(cells)
}

pub fn bytes<const N: usize>(cells: [Option<&[u8]>; N]) -> ArrayRef {
    Arc::new(BinaryArray::from(cells.to_vec()))
}

/// A list a row, of so many of the items; `None` is a null list.
pub fn lists<const N: usize>(items: ArrayRef, lengths: [Option<usize>; N]) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(lengths.map(Option::unwrap_or_default));
    let nulls: NullBuffer = lengths.iter().map(Option::is_some).collect();
    Arc::new(ListArray::new(item_of(items.data_type()), offsets, items, Some(nulls)))
}

fn item_of(data_type: &DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type.clone(), true))
}

/// A struct a row; `valid` tells the null ones, as `bools` does.
pub fn structs<const N: usize>(fields: [(&str, ArrayRef); N], valid: &str) -> ArrayRef {
    let nulls: NullBuffer = valid.split_whitespace().map(|cell| cell == "true").collect();
    let columns = fields.iter().map(|(_, column)| column.clone()).collect();
    let fields: Vec<Field> =
        fields.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    Arc::new(StructArray::new(fields.into(), columns, Some(nulls)))
}
