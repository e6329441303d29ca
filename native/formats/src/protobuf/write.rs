//! How rows are written: which column becomes a field of the message, and how its values do.

use std::collections::HashMap;

use arrow::array::types::{Date32Type, Decimal128Type, DecimalType, Float64Type, Int32Type};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Fields};
use prost_reflect::{FieldDescriptor, Kind as Type, MessageDescriptor};

use super::compile::{TIMESTAMP, field_of, is_closed, is_wrapper, kind_name};
use super::cursor::{FIXED_32, FIXED_64, SIZED, VARINT};
use super::number::Number;
use super::time::Unit;
use crate::arrays::longs;
use crate::bad_record::{Result, bad_record, bad_value, type_name, within};
use crate::varint;

/// Oneofs of one message that are watched over.
const MAX_ONEOFS: usize = u64::BITS as usize;

/// The fields of a message that columns give, by their numbers.
pub(super) struct Message {
    parts: Vec<Part>,
    /// Names of those that have more than one member.
    oneofs: Vec<String>,
}

struct Part {
    /// The column and its name.
    index: usize,
    name: String,
    tag: Vec<u8>,
    kind: Kind,
    presence: Presence,
    oneof: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// A default is not written, and there is no null.
    Implicit,
    /// A null is not written.
    Explicit,
    Required,
    /// Each item is written, or all as one.
    List {
        packed: bool,
    },
}

enum Kind {
    Bool,
    Number(Number),
    Float,
    Double,
    /// Strings or bytes.
    Sized,
    /// A decimal's digits.
    Digits {
        precision: u8,
        scale: i8,
    },
    Symbol {
        numbers: HashMap<String, i32>,
        is_closed: bool,
    },
    Timestamp(Unit),
    /// A message with this field.
    Wrapped {
        tag: u32,
        value: Box<Kind>,
    },
    Message(Message),
}

impl Message {
    pub fn new(message: &MessageDescriptor, columns: &Fields) -> Result<Message> {
        let mut parts = Vec::new();
        let mut given = Vec::new();
        let mut oneofs: Vec<String> = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let at = |error| within(error, column.name());
            let field = field_of(message, column.name()).filter(|field| !given.contains(field)).ok_or_else(|| {
                at(bad_value("the message has no field for it. Add one, or leave the column out by .select(...)"))
            })?;
            let (kind, presence) = part(&field, column.data_type()).map_err(at)?;
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()).map(|oneof| {
                let known = oneofs.iter().position(|name| name == oneof.name());
                known.unwrap_or_else(|| {
                    oneofs.push(oneof.name().to_owned());
                    oneofs.len() - 1
                })
            });
            let mut tag = Vec::new();
            let wire_type = if presence == (Presence::List { packed: true }) { SIZED } else { kind.wire_type() };
            varint::write(u64::from(field.number() << 3 | wire_type), &mut tag);
            parts.push((field.number(), Part { index, name: column.name().clone(), tag, kind, presence, oneof }));
            given.push(field);
        }
        if let Some(field) = message.fields().find(|field| field.is_required() && !given.contains(field)) {
            let error = bad_value("it is required, and no column gives it. Add the column by .select(...)");
            return Err(within(error, field.name()));
        }
        if oneofs.len() > MAX_ONEOFS {
            return Err(bad_record(format!("{} has more than {MAX_ONEOFS} oneofs", message.full_name())));
        }
        parts.sort_by_key(|(number, _)| *number);
        Ok(Message { parts: parts.into_iter().map(|(_, part)| part).collect(), oneofs })
    }
}

fn part(field: &FieldDescriptor, data_type: &DataType) -> Result<(Kind, Presence)> {
    if field.is_list() || field.is_map() {
        let DataType::List(item) = data_type else { return Err(mismatch(field, data_type)) };
        return Ok((kind(field, item.data_type())?, Presence::List { packed: field.is_packed() }));
    }
    let presence = match field {
        _ if field.is_required() => Presence::Required,
        _ if field.supports_presence() => Presence::Explicit,
        _ => Presence::Implicit,
    };
    Ok((kind(field, data_type)?, presence))
}

fn kind(field: &FieldDescriptor, data_type: &DataType) -> Result<Kind> {
    let of = field.kind();
    if field.is_group() {
        return Err(mismatch(field, data_type));
    }
    Ok(match (data_type, &of) {
        (DataType::Boolean, Type::Bool) => Kind::Bool,
        (DataType::Float64, Type::Float) => Kind::Float,
        (DataType::Float64, Type::Double) => Kind::Double,
        (DataType::Utf8, Type::String | Type::Bytes) | (DataType::Binary, Type::Bytes) => Kind::Sized,
        (DataType::Decimal128(precision, scale), Type::String) => Kind::Digits { precision: *precision, scale: *scale },
        (DataType::Utf8, Type::Enum(of)) => {
            let numbers = of.values().map(|value| (value.name().to_owned(), value.number())).collect();
            Kind::Symbol { numbers, is_closed: is_closed(of) }
        }
        (DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(..), of)
            if Number::of(of).is_some() =>
        {
            Kind::Number(Number::of(of).unwrap_or(Number::Int64))
        }
        (DataType::Timestamp(unit, _), Type::Message(message)) if message.full_name() == TIMESTAMP => {
            Kind::Timestamp(Unit::of(*unit))
        }
        (DataType::Struct(fields), Type::Message(message)) => Kind::Message(Message::new(message, fields)?),
        (_, Type::Message(message)) if is_wrapper(message) => {
            let inner = message.get_field(1).ok_or_else(|| mismatch(field, data_type))?;
            let value = kind(&inner, data_type)?;
            Kind::Wrapped { tag: 1 << 3 | value.wire_type(), value: Box::new(value) }
        }
        _ => return Err(mismatch(field, data_type)),
    })
}

fn mismatch(field: &FieldDescriptor, data_type: &DataType) -> Box<crate::BadRecord> {
    bad_value(format!("the schema has {} here, as which {} is not written", kind_name(field), type_name(data_type)))
}

impl Kind {
    fn wire_type(&self) -> u32 {
        match self {
            Kind::Bool | Kind::Symbol { .. } => VARINT,
            Kind::Number(number) => number.wire_type(),
            Kind::Float => FIXED_32,
            Kind::Double => FIXED_64,
            Kind::Sized | Kind::Digits { .. } | Kind::Timestamp(_) | Kind::Wrapped { .. } | Kind::Message(_) => SIZED,
        }
    }
}

/// The columns of a batch, or of a struct, their types found out once.
pub(super) struct Rows<'a> {
    of: &'a Message,
    columns: Vec<Values<'a>>,
}

struct Values<'a> {
    nulls: Option<&'a NullBuffer>,
    typed: Typed<'a>,
}

enum Typed<'a> {
    Bool(&'a BooleanArray),
    Int32(&'a [i32], Number),
    Int64(&'a [i64], Number),
    Float(&'a [f64]),
    Double(&'a [f64]),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Digits { values: &'a [i128], precision: u8, scale: i8 },
    Symbol { values: &'a StringArray, numbers: &'a HashMap<String, i32>, is_closed: bool },
    Timestamp(&'a [i64], Unit),
    Wrapped { tag: u32, value: Box<Values<'a>> },
    Message(Rows<'a>),
    List { offsets: &'a [i32], items: Box<Values<'a>> },
}

impl<'a> Rows<'a> {
    pub fn new(of: &'a Message, columns: &'a [ArrayRef]) -> Self {
        let values = |part: &'a Part| match part.presence {
            Presence::List { .. } => {
                let lists = columns[part.index].as_list::<i32>();
                let items = Box::new(Values::new(&part.kind, lists.values()));
                Values { nulls: lists.nulls(), typed: Typed::List { offsets: lists.value_offsets(), items } }
            }
            _ => Values::new(&part.kind, &columns[part.index]),
        };
        Rows { of, columns: of.parts.iter().map(values).collect() }
    }

    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut given = 0u64;
        for (part, values) in self.of.parts.iter().zip(&self.columns) {
            let written = values.field(part, row, out).map_err(|error| within(error, &part.name))?;
            if let Some(oneof) = part.oneof.filter(|_| written) {
                if given & (1 << oneof) != 0 {
                    let name = &self.of.oneofs[oneof];
                    let message = format!("it is not null, and neither is another member of the oneof \"{name}\"");
                    return Err(within(bad_value(message), &part.name));
                }
                given |= 1 << oneof;
            }
        }
        Ok(())
    }
}

impl<'a> Values<'a> {
    fn new(kind: &'a Kind, array: &'a ArrayRef) -> Self {
        let typed = match (kind, array.data_type()) {
            (Kind::Bool, _) => Typed::Bool(array.as_boolean()),
            (Kind::Number(number), DataType::Int32) => {
                Typed::Int32(array.as_primitive::<Int32Type>().values(), *number)
            }
            (Kind::Number(number), DataType::Date32) => {
                Typed::Int32(array.as_primitive::<Date32Type>().values(), *number)
            }
            (Kind::Number(number), _) => Typed::Int64(longs(array), *number),
            (Kind::Float, _) => Typed::Float(array.as_primitive::<Float64Type>().values()),
            (Kind::Double, _) => Typed::Double(array.as_primitive::<Float64Type>().values()),
            (Kind::Sized, DataType::Utf8) => Typed::Text(array.as_string()),
            (Kind::Sized, _) => Typed::Bytes(array.as_binary()),
            (Kind::Digits { precision, scale }, _) => {
                let values = array.as_primitive::<Decimal128Type>().values();
                Typed::Digits { values, precision: *precision, scale: *scale }
            }
            (Kind::Symbol { numbers, is_closed }, _) => {
                Typed::Symbol { values: array.as_string(), numbers, is_closed: *is_closed }
            }
            (Kind::Timestamp(unit), _) => Typed::Timestamp(longs(array), *unit),
            // Nulls of the array are not written at all, so that those of the value are never looked at.
            (Kind::Wrapped { tag, value }, _) => {
                Typed::Wrapped { tag: *tag, value: Box::new(Values::new(value, array)) }
            }
            (Kind::Message(message), _) => Typed::Message(Rows::new(message, array.as_struct().columns())),
        };
        Values { nulls: array.nulls(), typed }
    }

    #[inline]
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes a field with its tag, if it is to be written.
    #[inline]
    fn field(&self, part: &Part, row: usize, out: &mut Vec<u8>) -> Result<bool> {
        if self.is_null(row) {
            return match part.presence {
                Presence::Explicit => Ok(false),
                Presence::Implicit => Err(bad_value(
                    "null, and its field has no presence. Make it optional in the .proto, or use .coalesce(...)",
                )),
                Presence::Required => Err(bad_value("null, and its field is required")),
                Presence::List { .. } => Err(bad_value("null, and a repeated field has none. Use .coalesce(...)")),
            };
        }
        if part.presence == Presence::Implicit && self.is_default(row)? {
            return Ok(false);
        }
        let Typed::List { offsets, items } = &self.typed else {
            out.extend_from_slice(&part.tag);
            self.write(row, out)?;
            return Ok(true);
        };
        let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
        if let Some(null) = (start..end).find(|&item| items.is_null(item)) {
            return Err(within(bad_value("null, and a repeated field has none"), &format!("[{}]", null - start)));
        }
        let write = |item: usize, out: &mut Vec<u8>| {
            items.write(item, out).map_err(|error| within(error, &format!("[{}]", item - start)))
        };
        if part.presence == (Presence::List { packed: true }) && start < end {
            out.extend_from_slice(&part.tag);
            sized(out, |out| (start..end).try_for_each(|item| write(item, out)))?;
        } else {
            for item in start..end {
                out.extend_from_slice(&part.tag);
                write(item, out)?;
            }
        }
        Ok(start < end)
    }

    #[inline]
    fn is_default(&self, row: usize) -> Result<bool> {
        Ok(match &self.typed {
            Typed::Bool(values) => !values.value(row),
            Typed::Int32(values, _) => values[row] == 0,
            Typed::Int64(values, _) => values[row] == 0,
            // A zero with a sign is none.
            Typed::Float(values) => (values[row] as f32).to_bits() == 0,
            Typed::Double(values) => values[row].to_bits() == 0,
            Typed::Text(values) => values.value(row).is_empty(),
            Typed::Bytes(values) => values.value(row).is_empty(),
            Typed::Symbol { values, numbers, is_closed } => number_of(values.value(row), numbers, *is_closed)? == 0,
            _ => false,
        })
    }

    #[inline]
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        match &self.typed {
            Typed::Bool(values) => out.push(u8::from(values.value(row))),
            Typed::Int32(values, number) => number.write(i64::from(values[row]), out)?,
            Typed::Int64(values, number) => number.write(values[row], out)?,
            Typed::Float(values) => out.extend((values[row] as f32).to_le_bytes()),
            Typed::Double(values) => out.extend(values[row].to_le_bytes()),
            Typed::Text(values) => write_sized(values.value(row).as_bytes(), out),
            Typed::Bytes(values) => write_sized(values.value(row), out),
            Typed::Digits { values, precision, scale } => {
                write_sized(Decimal128Type::format_decimal(values[row], *precision, *scale).as_bytes(), out);
            }
            Typed::Symbol { values, numbers, is_closed } => {
                let number = number_of(values.value(row), numbers, *is_closed)?;
                varint::write(i64::from(number) as u64, out);
            }
            Typed::Timestamp(values, unit) => sized(out, |out| {
                unit.write(values[row], out);
                Ok(())
            })?,
            Typed::Wrapped { tag, value } => sized(out, |out| {
                if value.is_default(row)? {
                    return Ok(());
                }
                varint::write(u64::from(*tag), out);
                value.write(row, out)
            })?,
            Typed::Message(rows) => sized(out, |out| rows.write(row, out))?,
            // A list is a field, and no value of one.
            Typed::List { .. } => return Err(bad_value("a list in a list: this is a defect of Millrace")),
        }
        Ok(())
    }
}

/// The number of an enum's value by its name, or by itself.
fn number_of(name: &str, numbers: &HashMap<String, i32>, is_closed: bool) -> Result<i32> {
    let number = || name.parse().ok().filter(|_| !is_closed);
    let found = numbers.get(name).copied().or_else(number);
    found.ok_or_else(|| bad_value(format!("\"{name}\" is none of the values of its enum")))
}

#[inline]
fn write_sized(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Writes what `write` appends behind its length. Most of it has a length of one byte; what is longer is moved.
fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let at = out.len();
    out.push(0);
    write(out)?;
    let len = out.len() - at - 1;
    if len < 0x80 {
        out[at] = len as u8;
        return Ok(());
    }
    let mut prefix = Vec::with_capacity(10);
    varint::write(len as u64, &mut prefix);
    out.splice(at..=at, prefix);
    Ok(())
}
