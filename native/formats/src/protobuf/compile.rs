//! Makes the program that reads messages of one type into columns.

use std::collections::HashMap;

use arrow::datatypes::{DataType, FieldRef, Fields};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax, Value};

use super::cursor::SIZED;
use super::number::Number;
use super::program::{Absent, Field, Message, Part, Read, Symbols};
use super::time::Unit;
use crate::bad_record::{Result, bad_value, type_name, within};
use crate::varint::{self, zigzag};

/// Numbers below are looked up in a table: those of most fields.
const TABLE: u32 = 256;

pub(super) const TIMESTAMP: &str = "google.protobuf.Timestamp";

/// Messages that hold one value, so that it may be absent.
const WRAPPERS: &[&str] = &[
    "google.protobuf.DoubleValue",
    "google.protobuf.FloatValue",
    "google.protobuf.Int64Value",
    "google.protobuf.UInt64Value",
    "google.protobuf.Int32Value",
    "google.protobuf.UInt32Value",
    "google.protobuf.BoolValue",
    "google.protobuf.StringValue",
    "google.protobuf.BytesValue",
];

/// The program for `columns`.
pub(super) fn compile(message: &MessageDescriptor, columns: &Fields) -> Result<Message> {
    let mut fields: Vec<Field> = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut found: Vec<FieldDescriptor> = Vec::new();
    for (column, field) in columns.iter().enumerate() {
        let at = |error| within(error, field.name());
        let Some(of) = field_of(message, field.name()) else {
            parts.push(missing(message, field).map_err(at)?);
            continue;
        };
        if found.contains(&of) {
            let message = format!("field \"{}\" of the message is another column already", of.name());
            return Err(at(bad_value(message)));
        }
        let part = part(&of, field).map_err(at)?;
        let wire_type = if of.is_packed() { SIZED } else { part.read.wire_type() };
        let is_closed = matches!(&part.read, Read::Symbol(symbols) if symbols.is_closed);
        fields.push(Field {
            number: of.number(),
            tag: of.number() << 3 | wire_type,
            column: Some(column),
            clears: Vec::new(),
            // The one of `optional` has no other members.
            is_plain: of.containing_oneof().is_none_or(|oneof| oneof.is_synthetic()) && !is_closed,
        });
        parts.push(part);
        found.push(of);
    }
    add_oneofs(message, &found, &mut fields);
    fields.sort_by_key(|field| field.number);
    let mut table = vec![0; TABLE as usize];
    for (index, field) in fields.iter().enumerate().filter(|(_, field)| field.number < TABLE) {
        table[field.number as usize] = index as u16 + 1;
    }
    Ok(Message { fields, table, parts })
}

/// The field that a column is read from or written to.
pub(super) fn field_of(message: &MessageDescriptor, column: &str) -> Option<FieldDescriptor> {
    message.get_field_by_name(column).or_else(|| message.get_field_by_json_name(column))
}

pub(super) fn is_wrapper(message: &MessageDescriptor) -> bool {
    WRAPPERS.contains(&message.full_name())
}

pub(super) fn is_closed(of: &EnumDescriptor) -> bool {
    of.parent_file().syntax() == Syntax::Proto2
}

/// Lets each member of a oneof clear the columns of the others.
fn add_oneofs(message: &MessageDescriptor, found: &[FieldDescriptor], fields: &mut Vec<Field>) {
    for oneof in message.oneofs() {
        let numbers: Vec<u32> = oneof.fields().map(|field| field.number()).collect();
        let is_member = |field: &&Field| numbers.contains(&field.number);
        let read: Vec<(u32, usize)> =
            fields.iter().filter(is_member).filter_map(|field| Some((field.number, field.column?))).collect();
        if read.is_empty() {
            continue;
        }
        for member in oneof.fields().filter(|member| !found.contains(member)) {
            let tag = member.number() << 3;
            fields.push(Field { number: member.number(), tag, column: None, clears: Vec::new(), is_plain: false });
        }
        for field in fields.iter_mut().filter(|field| numbers.contains(&field.number)) {
            let others = read.iter().filter(|(number, _)| *number != field.number);
            field.clears = others.map(|(_, column)| *column).collect();
        }
    }
}

fn missing(message: &MessageDescriptor, field: &FieldRef) -> Result<Part> {
    if field.is_nullable() {
        return Ok(Part { read: Read::Never, is_list: false, absent: Absent::Null });
    }
    Err(bad_value(format!("message {} does not have it, and it is not nullable", message.full_name())))
}

fn part(of: &FieldDescriptor, field: &FieldRef) -> Result<Part> {
    if of.is_list() || of.is_map() {
        let DataType::List(item) = field.data_type() else { return Err(mismatch(of, field.data_type())) };
        return Ok(Part { read: value(of, item.data_type())?, is_list: true, absent: Absent::EndOfList });
    }
    let read = value(of, field.data_type())?;
    let absent = if of.supports_presence() {
        let is_message = matches!(of.kind(), Kind::Message(_));
        match of {
            _ if of.is_required() => Absent::Bad("missing, and it is required"),
            _ if field.is_nullable() => Absent::Null,
            // The entry of a map has a value, empty if need be.
            _ if is_message && of.parent_message().is_map_entry() => Absent::Value(vec![0]),
            _ if is_message => Absent::Bad("missing, and it is not nullable"),
            _ => Absent::Value(default(of)),
        }
    } else if matches!(read, Read::Digits { .. }) && field.is_nullable() {
        // No number has no digits.
        Absent::Null
    } else {
        Absent::Value(default(of))
    };
    Ok(Part { read, is_list: false, absent })
}

/// How one value of a field is read.
fn value(of: &FieldDescriptor, data_type: &DataType) -> Result<Read> {
    if of.is_group() {
        return Err(mismatch(of, data_type));
    }
    let kind = of.kind();
    if let Some(number) = Number::of(&kind)
        && let Some(read) = integer(number, data_type)
    {
        return Ok(read);
    }
    Ok(match (&kind, data_type) {
        (Kind::Bool, DataType::Boolean) => Read::Bool,
        (Kind::Float, DataType::Float64) => Read::Float,
        (Kind::Double, DataType::Float64) => Read::Double,
        (Kind::String | Kind::Bytes, DataType::Utf8) => Read::Text,
        (Kind::String | Kind::Bytes, DataType::Binary) => Read::Bytes,
        (Kind::String | Kind::Bytes, DataType::Decimal128(precision, scale)) => {
            Read::Digits { precision: *precision, scale: *scale }
        }
        (Kind::Enum(of), DataType::Utf8) => Read::Symbol(symbols(of)),
        (Kind::Message(message), DataType::Timestamp(unit, _)) if message.full_name() == TIMESTAMP => {
            Read::Timestamp(Unit::of(*unit))
        }
        (Kind::Message(message), DataType::Struct(fields)) => Read::Message(compile(message, fields)?),
        (Kind::Message(message), _) if is_wrapper(message) => {
            let inner = message.get_field(1).ok_or_else(|| mismatch(of, data_type))?;
            let value = value(&inner, data_type)?;
            Read::Wrapped { tag: 1 << 3 | value.wire_type(), value: Box::new(value), default: default(&inner) }
        }
        _ => return Err(mismatch(of, data_type)),
    })
}

fn integer(number: Number, data_type: &DataType) -> Option<Read> {
    match data_type {
        DataType::Int64 | DataType::Timestamp(..) | DataType::Float64 => Some(Read::Number(number)),
        DataType::Int32 | DataType::Date32 if number.fits_int32() => Some(Read::Number(number)),
        DataType::Decimal128(precision, scale) => {
            Some(Read::NumberAsDecimal { number, precision: *precision, scale: *scale })
        }
        _ => None,
    }
}

fn symbols(of: &EnumDescriptor) -> Symbols {
    let mut names = HashMap::new();
    for value in of.values() {
        // Of several names the first counts.
        names.entry(value.number()).or_insert_with(|| value.name().to_owned());
    }
    Symbols { names, is_closed: is_closed(of) }
}

/// The bytes of a field's default.
fn default(of: &FieldDescriptor) -> Vec<u8> {
    let mut bytes = Vec::new();
    let whole = match of.default_value() {
        Value::Bool(value) => i64::from(value),
        Value::I32(value) | Value::EnumNumber(value) => i64::from(value),
        Value::I64(value) => value,
        Value::U32(value) => i64::from(value),
        Value::U64(value) => value as i64,
        Value::F32(value) => {
            bytes.extend(value.to_le_bytes());
            return bytes;
        }
        Value::F64(value) => {
            bytes.extend(value.to_le_bytes());
            return bytes;
        }
        Value::String(value) => {
            sized(value.as_bytes(), &mut bytes);
            return bytes;
        }
        Value::Bytes(value) => {
            sized(&value, &mut bytes);
            return bytes;
        }
        _ => 0,
    };
    match Number::of(&of.kind()) {
        Some(Number::Fixed32 | Number::Sfixed32) => bytes.extend((whole as u32).to_le_bytes()),
        Some(Number::Fixed64 | Number::Sfixed64) => bytes.extend(whole.to_le_bytes()),
        Some(Number::Sint32 | Number::Sint64) => varint::write(zigzag(whole), &mut bytes),
        _ => varint::write(whole as u64, &mut bytes),
    }
    bytes
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// As messages call a field's type.
pub(super) fn kind_name(of: &FieldDescriptor) -> String {
    let kind = match of.kind() {
        Kind::Message(_) if of.is_group() => "a group".to_owned(),
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        other => format!("{other:?}"),
    };
    match of {
        _ if of.is_map() => "a map".to_owned(),
        _ if of.is_list() => format!("repeated {kind}"),
        _ => kind,
    }
}

fn mismatch(of: &FieldDescriptor, data_type: &DataType) -> Box<crate::BadRecord> {
    bad_value(format!("the schema has {} here, which is not read as {}", kind_name(of), type_name(data_type)))
}
