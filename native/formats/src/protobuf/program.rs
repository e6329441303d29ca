//! How a message is read: what becomes a value of which column, and what those get that it does not have.

use std::collections::HashMap;

use super::cursor::{Cursor, FIXED_32, FIXED_64, SIZED, VARINT};
use super::number::Number;
use super::time::Unit;
use crate::bad_record::{Result, bad_value, defect, fits, invalid_utf8, shown, within};
use crate::builders::{Column, List, Struct};
use crate::json::decimal;

/// Reads messages of one type.
pub(super) struct Message {
    /// By their numbers.
    pub fields: Vec<Field>,
    /// By number: the field's index and one more, 0 where there is none. Fields beyond it are searched for.
    pub table: Vec<u16>,
    /// By column.
    pub parts: Vec<Part>,
}

/// A field that is read, or one whose value takes the place of another's that is.
pub(super) struct Field {
    pub number: u32,
    /// As its schema has it written.
    pub tag: u32,
    /// The column that it is read into.
    pub column: Option<usize>,
    /// Columns of the other members of its oneof.
    pub clears: Vec<usize>,
    /// One value, for which nothing has to be cleared and which is never as if it were not there.
    pub is_plain: bool,
}

/// What becomes of a column.
pub(super) struct Part {
    pub read: Read,
    /// Each value of the field is an item.
    pub is_list: bool,
    pub absent: Absent,
}

/// What a column gets whose field the record does not have.
pub(super) enum Absent {
    Null,
    /// A default: the bytes that it is read from.
    Value(Vec<u8>),
    /// The end of its list, which may have items.
    EndOfList,
    /// The record is bad.
    Bad(&'static str),
}

/// How a value becomes one of its column.
pub(super) enum Read {
    /// The message has no such field.
    Never,
    Bool,
    /// In a column of integers, times or floats.
    Number(Number),
    NumberAsDecimal {
        number: Number,
        precision: u8,
        scale: i8,
    },
    Float,
    Double,
    /// Strings or bytes, in a column of strings.
    Text,
    /// The same, in a column of bytes.
    Bytes,
    /// A decimal's digits.
    Digits {
        precision: u8,
        scale: i8,
    },
    Symbol(Symbols),
    Timestamp(Unit),
    /// The value of a wrapper: a message with one field.
    Wrapped {
        tag: u32,
        value: Box<Read>,
        default: Vec<u8>,
    },
    Message(Message),
}

/// The values of an enum.
pub(super) struct Symbols {
    pub names: HashMap<i32, String>,
    /// Values without a name are as if they were not there (proto2).
    pub is_closed: bool,
}

impl Message {
    /// Appends the row of a message. On an error [`Struct::truncate`] must follow.
    pub fn read(&self, message: &[u8], structs: &mut Struct) -> Result<()> {
        let row = structs.len();
        let mut cursor = Cursor::new(message);
        let mut next = 0;
        // Columns whose messages came more than once, and have all been read.
        let mut merged: Vec<usize> = Vec::new();
        while !cursor.is_at_end() {
            let tag = cursor.tag().map_err(outside)?;
            let index = match self.fields.get(next) {
                Some(field) if field.tag == tag => next,
                _ => match self.find(tag >> 3) {
                    Some(index) => index,
                    None => {
                        cursor.skip(tag).map_err(outside)?;
                        continue;
                    }
                },
            };
            let field = &self.fields[index];
            next = index + 1;
            let Some(column) = field.column else {
                cursor.skip(tag).map_err(outside)?;
                field.clear(row, structs);
                continue;
            };
            let part = &self.parts[column];
            let target = &mut structs.columns[column];
            let read = if part.is_list {
                // Where items are not packed, the next one is likely to follow.
                next = index;
                part.read.items(tag, &mut cursor, target)
            } else if field.is_plain && tag == field.tag && target.rows() == row {
                part.read.value(&mut cursor, target)
            } else {
                self.one(field, column, Occurrence { tag, message, row }, &mut cursor, structs, &mut merged)
            };
            if let Err(error) = read {
                return Err(within(error, structs.fields[column].name()));
            }
        }
        self.end(row, structs)
    }

    #[inline]
    fn find(&self, number: u32) -> Option<usize> {
        match self.table.get(number as usize) {
            Some(index) => usize::from(*index).checked_sub(1),
            None => self.fields.binary_search_by_key(&number, |field| field.number).ok(),
        }
    }

    /// Reads a value that takes the place of another one, or may do so.
    #[inline(never)]
    fn one(
        &self,
        field: &Field,
        column: usize,
        of: Occurrence<'_>,
        cursor: &mut Cursor<'_>,
        structs: &mut Struct,
        merged: &mut Vec<usize>,
    ) -> Result<()> {
        let Occurrence { tag, message, row } = of;
        let read = &self.parts[column].read;
        read.check_wire_type(tag)?;
        if let Read::Symbol(symbols) = read
            && symbols.skips(cursor)?
        {
            return Ok(());
        }
        field.clear(row, structs);
        let target = &mut structs.columns[column];
        if target.rows() == row {
            return read.value(cursor, target);
        }
        if !read.merges() {
            target.truncate(row);
            return read.value(cursor, target);
        }
        cursor.skip(tag)?;
        if !merged.contains(&column) {
            merged.push(column);
            target.truncate(row);
            read.message(&all_of(tag, message)?, target)?;
        }
        Ok(())
    }

    /// Gives each column its value that has got none.
    #[inline]
    fn end(&self, row: usize, structs: &mut Struct) -> Result<()> {
        for (index, part) in self.parts.iter().enumerate() {
            let column = &mut structs.columns[index];
            if column.rows() > row {
                continue;
            }
            let appended = match (&part.absent, column) {
                (Absent::Value(bytes), column) => part.read.value(&mut Cursor::new(bytes), column),
                (Absent::EndOfList, Column::List(list)) => {
                    list.end_list();
                    Ok(())
                }
                (Absent::Null, column) => {
                    column.append_null();
                    Ok(())
                }
                (Absent::EndOfList, _) => Err(defect()),
                (Absent::Bad(message), _) => Err(bad_value(*message)),
            };
            if let Err(error) = appended {
                return Err(within(error, structs.fields[index].name()));
            }
        }
        structs.end_struct();
        Ok(())
    }
}

/// Where a value came up: in which message, whose row is which.
struct Occurrence<'a> {
    tag: u32,
    message: &'a [u8],
    row: usize,
}

impl Field {
    #[inline]
    fn clear(&self, row: usize, structs: &mut Struct) {
        for &column in &self.clears {
            structs.columns[column].truncate(row);
        }
    }
}

impl Read {
    pub fn wire_type(&self) -> u32 {
        match self {
            Read::Never | Read::Bool | Read::Symbol(_) => VARINT,
            Read::Number(number) | Read::NumberAsDecimal { number, .. } => number.wire_type(),
            Read::Float => FIXED_32,
            Read::Double => FIXED_64,
            Read::Text | Read::Bytes | Read::Digits { .. } => SIZED,
            Read::Timestamp(_) | Read::Wrapped { .. } | Read::Message(_) => SIZED,
        }
    }

    /// Several of them are one, with the fields of all.
    fn merges(&self) -> bool {
        matches!(self, Read::Timestamp(_) | Read::Wrapped { .. } | Read::Message(_))
    }

    #[inline]
    fn check_wire_type(&self, tag: u32) -> Result<()> {
        if tag & 7 == self.wire_type() { Ok(()) } else { Err(other_wire_type(tag & 7)) }
    }

    /// Appends the next value. On an error [`Column::truncate`] must follow.
    #[inline]
    fn value(&self, cursor: &mut Cursor<'_>, column: &mut Column) -> Result<()> {
        match (self, column) {
            (Read::Number(number), Column::Int64(values)) => values.append(number.read(cursor)?),
            (Read::Text, Column::Utf8(values)) => {
                let text = cursor.sized()?;
                // Most text is ASCII, and most is short: that is seen without the larger machinery.
                if !text.is_ascii() && simdutf8::basic::from_utf8(text).is_err() {
                    return Err(invalid_utf8(text));
                }
                fits(values.append(text))?;
            }
            // What is no int32 is not read as one.
            (Read::Number(number), Column::Int32(values)) => values.append(number.read(cursor)? as i32),
            (Read::Number(number), Column::Float64(values)) => values.append(number.read(cursor)? as f64),
            (Read::Double, Column::Float64(values)) => values.append(f64::from_le_bytes(cursor.fixed_64()?)),
            (Read::Float, Column::Float64(values)) => values.append(f64::from(f32::from_le_bytes(cursor.fixed_32()?))),
            (Read::Bool, Column::Boolean(values)) => values.append(cursor.varint()? != 0),
            (Read::Bytes, Column::Binary(values)) => fits(values.append(cursor.sized()?))?,
            (Read::Symbol(symbols), Column::Utf8(values)) => {
                let number = cursor.varint()? as i32;
                fits(match symbols.names.get(&number) {
                    Some(name) => values.append(name.as_bytes()),
                    None => values.append(itoa::Buffer::new().format(number).as_bytes()),
                })?;
            }
            (Read::NumberAsDecimal { number, precision, scale }, Column::Decimal(values)) => {
                let value = number.read_wide(cursor)?;
                let scaled = value.checked_mul(10i128.pow(u32::from(scale.unsigned_abs())));
                let fits = |scaled: &i128| scaled.unsigned_abs() < 10u128.pow(u32::from(*precision));
                let misfit = || bad_value(format!("{value} is out of range for decimal({precision}, {scale})"));
                values.append(scaled.filter(fits).ok_or_else(misfit)?);
            }
            (Read::Digits { precision, scale }, Column::Decimal(values)) => {
                let text = cursor.sized()?;
                let value = decimal::parse(text, *precision, *scale);
                let no_number = || bad_value(format!("expected the digits of a decimal, found \"{}\"", shown(text)));
                values.append(value.ok_or_else(no_number)??);
            }
            (Read::Timestamp(_) | Read::Wrapped { .. } | Read::Message(_), column) => {
                return self.message(cursor.sized()?, column);
            }
            _ => return Err(defect()),
        }
        Ok(())
    }

    fn message(&self, message: &[u8], column: &mut Column) -> Result<()> {
        match (self, column) {
            (Read::Message(of), Column::Struct(structs)) => of.read(message, structs),
            (Read::Timestamp(unit), Column::Int64(values)) => {
                values.append(unit.read(message)?);
                Ok(())
            }
            (Read::Wrapped { tag, value, default }, column) => {
                let row = column.rows();
                let mut cursor = Cursor::new(message);
                while !cursor.is_at_end() {
                    match cursor.tag()? {
                        found if found == *tag => {
                            column.truncate(row);
                            value.value(&mut cursor, column)?;
                        }
                        other => cursor.skip(other)?,
                    }
                }
                if column.rows() == row { value.value(&mut Cursor::new(default), column) } else { Ok(()) }
            }
            _ => Err(defect()),
        }
    }

    /// Appends an item, or all that are packed together.
    #[inline]
    fn items(&self, tag: u32, cursor: &mut Cursor<'_>, column: &mut Column) -> Result<()> {
        let Column::List(list) = column else { return Err(defect()) };
        if tag & 7 == self.wire_type() {
            return self.item(cursor, list);
        }
        if tag & 7 != SIZED {
            return Err(other_wire_type(tag & 7));
        }
        let mut packed = Cursor::new(cursor.sized()?);
        while !packed.is_at_end() {
            self.item(&mut packed, list)?;
        }
        Ok(())
    }

    #[inline]
    fn item(&self, cursor: &mut Cursor<'_>, list: &mut List) -> Result<()> {
        if let Read::Symbol(symbols) = self
            && symbols.skips(cursor)?
        {
            return Ok(());
        }
        match self.value(cursor, &mut list.items) {
            Ok(()) => {
                list.len += 1;
                Ok(())
            }
            Err(error) => Err(within(error, &format!("[{}]", list.open_items()))),
        }
    }
}

impl Symbols {
    /// Steps over the next value if it is as if it were not there.
    fn skips(&self, cursor: &mut Cursor<'_>) -> Result<bool> {
        if !self.is_closed {
            return Ok(false);
        }
        let mut after = *cursor;
        let is_known = self.names.contains_key(&(after.varint()? as i32));
        if !is_known {
            *cursor = after;
        }
        Ok(!is_known)
    }
}

/// All messages of one field, as one.
fn all_of(tag: u32, message: &[u8]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut cursor = Cursor::new(message);
    while !cursor.is_at_end() {
        match cursor.tag()? {
            found if found == tag => all.extend_from_slice(cursor.sized()?),
            other => cursor.skip(other)?,
        }
    }
    Ok(all)
}

/// A fault of no column that is read.
#[cold]
fn outside(mut error: Box<crate::BadRecord>) -> Box<crate::BadRecord> {
    error.column = None;
    error
}

#[cold]
#[inline(never)]
fn other_wire_type(found: u32) -> Box<crate::BadRecord> {
    let found = match found {
        VARINT => "an integer or a bool",
        FIXED_64 => "8 bytes of fixed size",
        SIZED => "a string, bytes or a message",
        FIXED_32 => "4 bytes of fixed size",
        _ => "a group",
    };
    bad_value(format!("the record has {found} here, which its schema does not: it was written with another one"))
}
