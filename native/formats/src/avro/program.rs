//! How a record is read: what is stepped over, and what becomes a value of which column.

use super::cursor::Cursor;
use super::decimal::Decimal;
use super::default::Value;
use super::skip::{self, Skip};
use crate::bad_record::{Result, bad_record, bad_value, defect, fits, invalid_utf8, within};
use crate::builders::{Column, List, Struct};
use crate::rescale::Rescale;

/// Reads records of one writer's schema.
pub(super) struct Program {
    /// One, or those of a union.
    pub branches: Vec<Branch<Record>>,
    pub is_union: bool,
}

/// A branch of a union; what a value of it is told to be where it cannot be read.
pub(super) type Branch<T> = std::result::Result<T, String>;

impl Program {
    /// Appends the row of a record. On an error [`Struct::truncate`] must follow.
    #[inline]
    pub fn read(&self, record: &[u8], rows: &mut Struct) -> Result<()> {
        let mut cursor = Cursor::new(record);
        self.read_next(&mut cursor, rows)?;
        match cursor.left() {
            0 => Ok(()),
            left => Err(bad_record(format!(
                "broken Avro: {left} bytes follow the record; it may have been written with another schema"
            ))),
        }
    }

    /// Appends the row of a record that others may follow. On an error [`Struct::truncate`] must follow.
    #[inline]
    pub fn read_next(&self, cursor: &mut Cursor<'_>, rows: &mut Struct) -> Result<()> {
        let branch = if self.is_union { cursor.index(self.branches.len())? } else { 0 };
        match &self.branches[branch] {
            Ok(record) => record.read(cursor, rows),
            Err(found) => Err(bad_record(format!("expected a record with the columns, found {found}"))),
        }
    }
}

/// The fields of a record.
pub(super) struct Record {
    /// In the writer's order.
    pub steps: Vec<Step>,
    /// Columns that the writer's schema does not have.
    pub missing: Vec<(usize, Value)>,
}

pub(super) enum Step {
    Skip(Vec<Skip>),
    Read { column: usize, read: Read },
}

impl Record {
    #[inline]
    fn read(&self, cursor: &mut Cursor<'_>, structs: &mut Struct) -> Result<()> {
        for step in &self.steps {
            match step {
                Step::Read { column, read } => match read.value(cursor, &mut structs.columns[*column]) {
                    Ok(()) => {}
                    Err(error) => return Err(within(error, structs.fields[*column].name())),
                },
                Step::Skip(skips) => skip::run(skips, cursor).map_err(|error| bad_record(error.message))?,
            }
        }
        for (column, value) in &self.missing {
            let append = value.append(&mut structs.columns[*column]);
            append.map_err(|error| within(error, structs.fields[*column].name()))?;
        }
        structs.end_struct();
        Ok(())
    }
}

/// How a value becomes one of its column.
pub(super) enum Read {
    Null {
        nullable: bool,
    },
    Boolean,
    Int32,
    Int64,
    Timestamp(Rescale),
    LongAsFloat,
    Float,
    Double,
    /// Strings or bytes, in a column of strings.
    Text,
    /// The same, in a column of bytes.
    Bytes,
    FixedBytes(usize),
    Uuid,
    Symbol(Vec<String>),
    Decimal(Decimal),
    FixedDecimal(usize, Decimal),
    List(Box<Read>),
    /// A list of structs with keys and values.
    Map(Box<Read>),
    Struct(Record),
    /// A union of null and one other.
    Nullable {
        null_index: usize,
        nullable: bool,
        other: Box<Read>,
    },
    Union(Vec<Branch<Read>>),
}

impl Read {
    /// Appends the next value. On an error [`Column::truncate`] must follow.
    #[inline]
    pub fn value(&self, cursor: &mut Cursor<'_>, column: &mut Column) -> Result<()> {
        match (self, column) {
            (Read::Int64, Column::Int64(values)) => values.append(cursor.long()?),
            (Read::Text, Column::Utf8(values)) => {
                let text = cursor.bytes()?;
                // Most text is ASCII, and most is short: that is seen without the larger machinery.
                if !text.is_ascii() && simdutf8::basic::from_utf8(text).is_err() {
                    return Err(invalid_utf8(text));
                }
                fits(values.append(text))?;
            }
            (Read::Nullable { null_index, nullable, other }, column) => {
                if cursor.index(2)? != *null_index {
                    return other.value(cursor, column);
                }
                append_null(*nullable, column)?;
            }
            (Read::Int32, Column::Int32(values)) => values.append(cursor.int()?),
            (Read::Double, Column::Float64(values)) => values.append(cursor.double()?),
            (Read::Boolean, Column::Boolean(values)) => values.append(cursor.boolean()?),
            (Read::Timestamp(rescale), Column::Int64(values)) => {
                let value = cursor.long()?;
                let rescaled = rescale.apply(value);
                values.append(rescaled.ok_or_else(|| bad_value(format!("the timestamp {value} is out of range")))?);
            }
            (Read::LongAsFloat, Column::Float64(values)) => values.append(cursor.long()? as f64),
            (Read::Float, Column::Float64(values)) => values.append(f64::from(cursor.float()?)),
            (Read::Bytes, Column::Binary(values)) => fits(values.append(cursor.bytes()?))?,
            (Read::FixedBytes(size), Column::Binary(values)) => fits(values.append(cursor.take(*size)?))?,
            (Read::Uuid, Column::Utf8(values)) => fits(values.append(&uuid(cursor.take(16)?)))?,
            (Read::Symbol(symbols), Column::Utf8(values)) => {
                let index = cursor.index(symbols.len())?;
                fits(values.append(symbols[index].as_bytes()))?;
            }
            (Read::Decimal(decimal), Column::Decimal(values)) => {
                values.append(decimal_of(decimal, cursor.bytes()?)?);
            }
            (Read::FixedDecimal(size, decimal), Column::Decimal(values)) => {
                values.append(decimal_of(decimal, cursor.take(*size)?)?);
            }
            (Read::List(item), Column::List(list)) => {
                read_list(cursor, list, |cursor, items| item.value(cursor, items))?
            }
            (Read::Map(values), Column::List(list)) => read_list(cursor, list, |cursor, items| {
                let Column::Struct(entries) = items else { return Err(defect()) };
                let [key, value] = entries.columns.as_mut_slice() else { return Err(defect()) };
                Read::Text.value(cursor, key)?;
                values.value(cursor, value)?;
                entries.end_struct();
                Ok(())
            })?,
            (Read::Struct(record), Column::Struct(structs)) => return record.read(cursor, structs),
            (Read::Union(branches), column) => match &branches[cursor.index(branches.len())?] {
                Ok(read) => return read.value(cursor, column),
                Err(found) => return Err(bad_value(format!("the record has {found} here, which is not read"))),
            },
            (Read::Null { nullable }, column) => append_null(*nullable, column)?,
            _ => return Err(defect()),
        }
        Ok(())
    }
}

fn read_list(
    cursor: &mut Cursor<'_>,
    list: &mut List,
    mut item: impl FnMut(&mut Cursor<'_>, &mut Column) -> Result<()>,
) -> Result<()> {
    let first = list.len;
    loop {
        let (items, left) = cursor.block()?;
        if items == 0 {
            break;
        }
        for _ in 0..items {
            match item(cursor, &mut list.items) {
                Ok(()) => list.len += 1,
                Err(error) => return Err(within(error, &format!("[{}]", list.len - first))),
            }
        }
        if left.is_some_and(|left| left != cursor.left()) {
            return Err(bad_value("broken Avro: a part of a list is not as long as it says"));
        }
    }
    list.end_list();
    Ok(())
}

fn append_null(nullable: bool, column: &mut Column) -> Result<()> {
    if !nullable {
        return Err(bad_value("null, and it is not nullable"));
    }
    column.append_null();
    Ok(())
}

fn decimal_of(decimal: &Decimal, bytes: &[u8]) -> Result<i128> {
    decimal.read(bytes).ok_or_else(|| bad_value("a decimal with more digits than its column has"))
}

/// The text of a UUID.
fn uuid(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        text.extend([byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
    text
}
