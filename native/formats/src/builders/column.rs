//! A column of any type that a plan can name.

use std::sync::Arc;

use arrow::array::types::{BinaryType, Utf8Type};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, ListArray,
    NullBufferBuilder, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, new_null_array,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields, TimeUnit};

use super::{Booleans, Primitive, Variable};

pub(crate) enum Column {
    Boolean(Booleans),
    /// Dates, too.
    Int32(Primitive<i32>),
    /// Timestamps, too.
    Int64(Primitive<i64>),
    Float64(Primitive<f64>),
    Decimal(Primitive<i128>),
    Utf8(Variable<Utf8Type>),
    Binary(Variable<BinaryType>),
    List(Box<List>),
    Struct(Box<Struct>),
    /// A type that no plan has, and its rows: it holds nulls alone.
    Unsupported(usize),
}

impl Column {
    pub fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Column::Boolean(Booleans::new()),
            DataType::Int32 | DataType::Date32 => Column::Int32(Primitive::new()),
            DataType::Int64 | DataType::Timestamp(..) => Column::Int64(Primitive::new()),
            DataType::Float64 => Column::Float64(Primitive::new()),
            DataType::Decimal128(..) => Column::Decimal(Primitive::new()),
            DataType::Utf8 => Column::Utf8(Variable::new()),
            DataType::Binary => Column::Binary(Variable::new()),
            DataType::List(item) => Column::List(Box::new(List::new(item))),
            DataType::Struct(fields) => Column::Struct(Box::new(Struct::new(fields))),
            _ => Column::Unsupported(0),
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
            Column::List(lists) => lists.append_null(),
            Column::Struct(structs) => structs.append_null(),
            Column::Unsupported(rows) => *rows += 1,
        }
    }

    /// Values that are complete.
    #[inline]
    pub fn rows(&self) -> usize {
        match self {
            Column::Boolean(values) => values.len(),
            Column::Int32(values) => values.len(),
            Column::Int64(values) => values.len(),
            Column::Float64(values) => values.len(),
            Column::Decimal(values) => values.len(),
            Column::Utf8(values) => values.len(),
            Column::Binary(values) => values.len(),
            Column::List(lists) => lists.offsets.len() - 1,
            Column::Struct(structs) => structs.len(),
            Column::Unsupported(rows) => *rows,
        }
    }

    /// Whether one of its complete values is null.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Column::Boolean(values) => values.is_null(row),
            Column::Int32(values) => values.is_null(row),
            Column::Int64(values) => values.is_null(row),
            Column::Float64(values) => values.is_null(row),
            Column::Decimal(values) => values.is_null(row),
            Column::Utf8(values) => values.get(row).is_none(),
            Column::Binary(values) => values.get(row).is_none(),
            Column::List(lists) => !lists.nulls.is_valid(row),
            Column::Struct(structs) => !structs.nulls.is_valid(row),
            Column::Unsupported(_) => true,
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
            Column::List(lists) => lists.truncate(len),
            Column::Struct(structs) => structs.truncate(len),
            Column::Unsupported(rows) => *rows = (*rows).min(len),
        }
    }

    /// Takes the values out; `data_type` is the one that the column was made for.
    pub fn finish(&mut self, data_type: &DataType) -> ArrayRef {
        match self {
            Column::Boolean(values) => {
                let (values, nulls) = values.finish();
                Arc::new(BooleanArray::new(values, nulls))
            }
            Column::Int32(values) => {
                let (values, nulls) = values.finish();
                match data_type {
                    DataType::Date32 => Arc::new(Date32Array::new(values, nulls)),
                    _ => Arc::new(Int32Array::new(values, nulls)),
                }
            }
            Column::Int64(values) => {
                let (values, nulls) = values.finish();
                let DataType::Timestamp(unit, zone) = data_type else {
                    return Arc::new(Int64Array::new(values, nulls));
                };
                let zone = zone.clone();
                match unit {
                    TimeUnit::Second => Arc::new(TimestampSecondArray::new(values, nulls).with_timezone_opt(zone)),
                    TimeUnit::Millisecond => {
                        Arc::new(TimestampMillisecondArray::new(values, nulls).with_timezone_opt(zone))
                    }
                    TimeUnit::Microsecond => {
                        Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone_opt(zone))
                    }
                    TimeUnit::Nanosecond => {
                        Arc::new(TimestampNanosecondArray::new(values, nulls).with_timezone_opt(zone))
                    }
                }
            }
            Column::Float64(values) => {
                let (values, nulls) = values.finish();
                Arc::new(Float64Array::new(values, nulls))
            }
            Column::Decimal(values) => {
                let (values, nulls) = values.finish();
                Arc::new(Decimal128Array::new(values, nulls).with_data_type(data_type.clone()))
            }
            // SAFETY: whoever appends to a column of strings appends UTF-8.
            Column::Utf8(values) => unsafe { values.finish() },
            // SAFETY: any bytes will do.
            Column::Binary(values) => unsafe { values.finish() },
            Column::List(lists) => lists.finish(),
            Column::Struct(structs) => structs.finish(),
            Column::Unsupported(rows) => new_null_array(data_type, std::mem::take(rows)),
        }
    }
}

/// A column of lists: the items of all of them end to end.
pub(crate) struct List {
    pub items: Column,
    pub item_field: FieldRef,
    /// Items so far; the ones after the last offset belong to a list that is still being read.
    pub len: usize,
    /// Where each list ends in `items`, after a leading 0.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl List {
    fn new(item_field: &FieldRef) -> Self {
        List {
            items: Column::new(item_field.data_type()),
            item_field: item_field.clone(),
            len: 0,
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
        }
    }

    /// Closes a list after its last item. There are no more items than an i32 offset can reach.
    pub fn end_list(&mut self) {
        self.offsets.push(self.len as i32);
        self.nulls.append_non_null();
    }

    /// Items of the list that is still being read.
    pub fn open_items(&self) -> usize {
        self.len - self.offsets.last().map_or(0, |&end| end as usize)
    }

    fn append_null(&mut self) {
        self.offsets.push(self.len as i32);
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.len = self.offsets.last().map_or(0, |&end| end as usize);
        self.items.truncate(self.len);
        self.nulls.truncate(len);
    }

    fn finish(&mut self) -> ArrayRef {
        self.len = 0;
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        // SAFETY: the offsets start at 0, rise and end at the number of items.
        let offsets = unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets)) };
        let items = self.items.finish(self.item_field.data_type());
        // SAFETY: there is one validity a list, and the items have the type of their field.
        Arc::new(unsafe { ListArray::new_unchecked(self.item_field.clone(), offsets, items, self.nulls.finish()) })
    }
}

/// A column of structs, or the columns of a batch.
pub(crate) struct Struct {
    pub columns: Vec<Column>,
    pub fields: Fields,
    nulls: NullBufferBuilder,
    len: usize,
}

impl Struct {
    pub fn new(fields: &Fields) -> Self {
        Struct {
            columns: fields.iter().map(|field| Column::new(field.data_type())).collect(),
            fields: fields.clone(),
            nulls: NullBufferBuilder::new(0),
            len: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Closes a struct when each of its columns has its value.
    #[inline]
    pub fn end_struct(&mut self) {
        self.nulls.append_non_null();
        self.len += 1;
    }

    fn append_null(&mut self) {
        self.columns.iter_mut().for_each(Column::append_null);
        self.nulls.append_null();
        self.len += 1;
    }

    pub fn truncate(&mut self, len: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(len));
        self.nulls.truncate(len);
        self.len = len;
    }

    /// Takes the columns out, each with one value a row.
    fn take(&mut self) -> Vec<ArrayRef> {
        self.len = 0;
        let columns = self.columns.iter_mut().zip(&self.fields);
        columns.map(|(column, field)| column.finish(field.data_type())).collect()
    }

    /// Takes the rows out, none of which is null itself.
    pub fn take_rows(&mut self) -> (Vec<ArrayRef>, usize) {
        let rows = self.len;
        self.nulls = NullBufferBuilder::new(0);
        (self.take(), rows)
    }

    fn finish(&mut self) -> ArrayRef {
        let len = self.len;
        let columns = self.take();
        // SAFETY: each column has the type of its field and one value a row; nulls in a field that is not nullable
        // stand only where the struct itself is null.
        Arc::new(unsafe {
            StructArray::new_unchecked_with_length(self.fields.clone(), columns, self.nulls.finish(), len)
        })
    }
}
