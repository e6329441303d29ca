//! One column under construction: reads a JSON value of its type and appends it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, NullBufferBuilder, StructArray, new_null_array,
};
use arrow::datatypes::{DataType, Fields};

use super::decimal::Decimals;
use super::error::{Result, bad_value, wrong_number, wrong_type};
use super::list::List;
use super::object::Object;
use super::time::{Dates, Timestamps};
use super::variable::{Bytes, Strings};
use super::{number, skip};
use crate::builders::{Booleans, Primitive};

pub(super) enum Column {
    Boolean(Booleans),
    Int32(Primitive<i32>),
    Int64(Primitive<i64>),
    Float64(Primitive<f64>),
    Decimal(Decimals),
    Utf8(Strings),
    Binary(Bytes),
    Timestamp(Timestamps),
    Date(Dates),
    List(Box<List>),
    Struct(Box<Struct>),
    /// A type that no plan has, and its rows: it holds nulls alone.
    Unsupported(DataType, usize),
}

impl Column {
    pub fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Column::Boolean(Booleans::new()),
            DataType::Int32 => Column::Int32(Primitive::new()),
            DataType::Int64 => Column::Int64(Primitive::new()),
            DataType::Float64 => Column::Float64(Primitive::new()),
            DataType::Decimal128(precision, scale) => Column::Decimal(Decimals::new(*precision, *scale)),
            DataType::Utf8 => Column::Utf8(Strings::new()),
            DataType::Binary => Column::Binary(Bytes::new()),
            DataType::Timestamp(unit, zone) => Column::Timestamp(Timestamps::new(*unit, zone.clone())),
            DataType::Date32 => Column::Date(Dates::new()),
            DataType::List(item) => Column::List(Box::new(List::new(item))),
            DataType::Struct(fields) => Column::Struct(Box::new(Struct::new(fields))),
            other => Column::Unsupported(other.clone(), 0),
        }
    }

    /// Appends the value at `at`, which is not null and lies in `depth` objects and arrays; gives the position after
    /// it. On an error [`Column::truncate`] must follow.
    #[inline]
    pub fn read(&mut self, json: &[u8], at: usize, depth: usize) -> Result<usize> {
        match self {
            Column::Int64(values) => match number::integer(json, at) {
                Some((value, end)) => {
                    values.append(value);
                    Ok(end)
                }
                None => Err(wrong_number(json, at, &DataType::Int64)),
            },
            Column::Timestamp(values) => values.read(json, at),
            Column::Utf8(values) => values.read(json, at),
            Column::Int32(values) => match number::int32(json, at) {
                Some((value, end)) => {
                    values.append(value);
                    Ok(end)
                }
                None => Err(wrong_number(json, at, &DataType::Int32)),
            },
            Column::Float64(values) => match number::float(json, at) {
                Some((value, end)) => {
                    values.append(value);
                    Ok(end)
                }
                None => Err(wrong_number(json, at, &DataType::Float64)),
            },
            Column::Boolean(values) => match json.get(at) {
                Some(&first @ (b't' | b'f')) => {
                    let end = skip::value(json, at, depth)?;
                    values.append(first == b't');
                    Ok(end)
                }
                _ => Err(wrong_type(json, at, &DataType::Boolean)),
            },
            Column::Decimal(values) => values.read(json, at),
            Column::Binary(values) => values.read(json, at),
            Column::Date(values) => values.read(json, at),
            Column::List(lists) => lists.read(json, at, depth),
            Column::Struct(structs) => structs.read(json, at, depth),
            Column::Unsupported(data_type, _) => Err(bad_value(format!("JSON is not read as {data_type}"))),
        }
    }

    pub fn append_null(&mut self) {
        match self {
            Column::Boolean(values) => values.append_null(),
            Column::Int32(values) => values.append_null(),
            Column::Int64(values) => values.append_null(),
            Column::Float64(values) => values.append_null(),
            Column::Decimal(values) => values.append_null(),
            Column::Utf8(values) => values.append_null(),
            Column::Binary(values) => values.append_null(),
            Column::Timestamp(values) => values.append_null(),
            Column::Date(values) => values.append_null(),
            Column::List(lists) => lists.append_null(),
            Column::Struct(structs) => structs.append_null(),
            Column::Unsupported(_, rows) => *rows += 1,
        }
    }

    /// Drops all but the first `len` values, and what a failed read left.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Column::Boolean(values) => values.truncate(len),
            Column::Int32(values) => values.truncate(len),
            Column::Int64(values) => values.truncate(len),
            Column::Float64(values) => values.truncate(len),
            Column::Decimal(values) => values.truncate(len),
            Column::Utf8(values) => values.truncate(len),
            Column::Binary(values) => values.truncate(len),
            Column::Timestamp(values) => values.truncate(len),
            Column::Date(values) => values.truncate(len),
            Column::List(lists) => lists.truncate(len),
            Column::Struct(structs) => structs.truncate(len),
            Column::Unsupported(_, rows) => *rows = (*rows).min(len),
        }
    }

    /// Takes the values out.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Boolean(values) => {
                let (values, nulls) = values.finish();
                Arc::new(BooleanArray::new(values, nulls))
            }
            Column::Int32(values) => {
                let (values, nulls) = values.finish();
                Arc::new(Int32Array::new(values, nulls))
            }
            Column::Int64(values) => {
                let (values, nulls) = values.finish();
                Arc::new(Int64Array::new(values, nulls))
            }
            Column::Float64(values) => {
                let (values, nulls) = values.finish();
                Arc::new(Float64Array::new(values, nulls))
            }
            Column::Decimal(values) => values.finish(),
            Column::Utf8(values) => values.finish(),
            Column::Binary(values) => values.finish(),
            Column::Timestamp(values) => values.finish(),
            Column::Date(values) => values.finish(),
            Column::List(lists) => lists.finish(),
            Column::Struct(structs) => structs.finish(),
            Column::Unsupported(data_type, rows) => new_null_array(data_type, std::mem::take(rows)),
        }
    }
}

/// A column of structs.
pub(super) struct Struct {
    object: Object,
    nulls: NullBufferBuilder,
    fields: Fields,
}

impl Struct {
    fn new(fields: &Fields) -> Self {
        Struct { object: Object::new(fields), nulls: NullBufferBuilder::new(0), fields: fields.clone() }
    }

    fn read(&mut self, json: &[u8], at: usize, depth: usize) -> Result<usize> {
        if json.get(at) != Some(&b'{') {
            return Err(wrong_type(json, at, &DataType::Struct(self.fields.clone())));
        }
        let end = self.object.read(json, at, depth)?;
        self.nulls.append_non_null();
        Ok(end)
    }

    pub fn object(&self) -> &Object {
        &self.object
    }

    fn append_null(&mut self) {
        self.object.append_null();
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.object.truncate(len);
        self.nulls.truncate(len);
    }

    fn finish(&mut self) -> ArrayRef {
        let len = self.object.rows();
        let columns = self.object.finish();
        // SAFETY: each column has the type of its field and one value a row; nulls in a field that is not nullable
        // stand only where the struct itself is null.
        Arc::new(unsafe {
            StructArray::new_unchecked_with_length(self.fields.clone(), columns, self.nulls.finish(), len)
        })
    }
}
