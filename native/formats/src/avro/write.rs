//! How rows are written: which column becomes a field of the schema, and how its values do.

use std::collections::HashMap;

use arrow::array::types::{Date32Type, Decimal128Type, Float64Type, Int32Type};
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, FieldRef, Fields};
use serde_json::Value as Json;

use super::compile::is_entry;
use super::cursor::write_long;
use super::decimal::{Decimal, fewest_bytes, write_fixed};
use super::default::code_points;
use super::schema::{Field, Logical, Type};
use crate::arrays::longs;
use crate::bad_record::{Result, bad_record, bad_value, type_name, within};
use crate::rescale::Rescale;

/// How a value of a column is written.
pub(super) struct Write {
    kind: Kind,
    union: Option<Branches>,
}

/// Which branch of a union is written.
#[derive(Clone, Copy)]
struct Branches {
    null: Option<usize>,
    value: usize,
}

enum Kind {
    Null,
    Boolean,
    Integer,
    Timestamp(Rescale),
    Float,
    Double,
    /// Strings or bytes behind their length.
    Sized,
    Fixed(usize),
    Symbol(HashMap<String, usize>),
    Decimal(Decimal),
    FixedDecimal(usize, Decimal),
    List(Box<Write>),
    /// A list of entries.
    Map(Box<Write>),
    Record(Record),
}

/// The fields of a record in the schema's order.
pub(super) struct Record(Vec<Part>);

enum Part {
    Column {
        index: usize,
        name: String,
        write: Write,
    },
    /// A field that no column gives: its default.
    Constant(Vec<u8>),
}

impl Record {
    /// For the columns of rows.
    pub fn of_rows(schema: &Type, fields: &Fields) -> Result<Record> {
        match schema {
            Type::Record { fields: written, .. } => Record::new(written, fields),
            other => Err(bad_record(format!("the schema is {}, and rows are written as records", other.name()))),
        }
    }

    fn new(written: &[Field], fields: &Fields) -> Result<Record> {
        if let Some(unknown) = fields.iter().find(|field| written.iter().all(|known| known.name != *field.name())) {
            let message = "the schema has no field for it. Add one, or leave the column out by .select(...)";
            return Err(within(bad_value(message), unknown.name()));
        }
        let part = |field: &Field| {
            let name = field.name.clone();
            let part = match fields.iter().position(|column| *column.name() == name) {
                Some(index) => Write::new(&field.schema, &fields[index]).map(|write| Part::Column {
                    index,
                    name: name.clone(),
                    write,
                }),
                None => constant(field).map(Part::Constant),
            };
            part.map_err(|error| within(error, &name))
        };
        Ok(Record(written.iter().map(part).collect::<Result<_>>()?))
    }
}

impl Write {
    fn new(schema: &Type, field: &FieldRef) -> Result<Write> {
        let Type::Union(branches) = schema else { return Ok(Write { kind: kind(schema, field)?, union: None }) };
        let null = branches.iter().position(|branch| matches!(**branch, Type::Null));
        let mut first = None;
        for (value, branch) in branches.iter().enumerate().filter(|(index, _)| Some(*index) != null) {
            match kind(branch, field) {
                Ok(kind) => return Ok(Write { kind, union: Some(Branches { null, value }) }),
                Err(error) => _ = first.get_or_insert(error),
            }
        }
        Err(first.unwrap_or_else(|| mismatch(schema, field.data_type())))
    }
}

fn kind(schema: &Type, field: &FieldRef) -> Result<Kind> {
    let data_type = field.data_type();
    Ok(match (data_type, schema) {
        (DataType::Null, Type::Null) => Kind::Null,
        (DataType::Boolean, Type::Boolean) => Kind::Boolean,
        (DataType::Int32 | DataType::Date32, Type::Int(_) | Type::Long(_)) => Kind::Integer,
        (DataType::Int64, Type::Long(_)) => Kind::Integer,
        (DataType::Int32 | DataType::Float64, Type::Double) => Kind::Double,
        (DataType::Float64, Type::Float) => Kind::Float,
        (DataType::Timestamp(unit, _), Type::Long(logical)) => {
            let to = logical.and_then(Logical::unit).unwrap_or(*unit);
            Rescale::between(*unit, to).map_or(Kind::Integer, Kind::Timestamp)
        }
        (DataType::Decimal128(_, scale), Type::Bytes(Some(Logical::Decimal { scale: to }))) => {
            Kind::Decimal(decimal(*scale, *to)?)
        }
        (DataType::Decimal128(_, scale), Type::Fixed { size, logical: Some(Logical::Decimal { scale: to }) }) => {
            Kind::FixedDecimal(*size, decimal(*scale, *to)?)
        }
        (DataType::Utf8 | DataType::Binary, Type::Bytes(None)) | (DataType::Utf8, Type::String) => Kind::Sized,
        (DataType::Binary, Type::Fixed { size, logical: None }) => Kind::Fixed(*size),
        (DataType::Utf8, Type::Enum { symbols }) => {
            Kind::Symbol(symbols.iter().enumerate().map(|(index, symbol)| (symbol.clone(), index)).collect())
        }
        (DataType::List(item), Type::Array(items)) => Kind::List(Box::new(Write::new(items, item)?)),
        (DataType::List(item), Type::Map(values)) => match item.data_type() {
            DataType::Struct(entry) if is_entry(entry) => Kind::Map(Box::new(Write::new(values, &entry[1])?)),
            _ => return Err(mismatch(schema, data_type)),
        },
        (DataType::Struct(fields), Type::Record { fields: written, .. }) => Kind::Record(Record::new(written, fields)?),
        _ => return Err(mismatch(schema, data_type)),
    })
}

fn decimal(from: i8, to: i8) -> Result<Decimal> {
    // No column has more digits than this.
    let decimal = Decimal::new(from, 38, to);
    decimal.ok_or_else(|| {
        bad_value(format!("the schema has a decimal of scale {to} here, which would lose digits of scale {from}"))
    })
}

fn mismatch(schema: &Type, data_type: &DataType) -> Box<crate::BadRecord> {
    bad_value(format!("the schema has {} here, as which {} is not written", schema.name(), type_name(data_type)))
}

/// The bytes of a field's default.
fn constant(field: &Field) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let written = match &field.default {
        Some(default) => write_json(default, &field.schema, &mut bytes).is_some(),
        // What may be null is null.
        None => write_json(&Json::Null, &field.schema, &mut bytes).is_some(),
    };
    if written {
        return Ok(bytes);
    }
    Err(bad_value("no column gives it, and the schema has no default for it. Add the column by .select(...)"))
}

fn write_json(json: &Json, schema: &Type, out: &mut Vec<u8>) -> Option<()> {
    match (schema, json) {
        (Type::Union(branches), _) => {
            let start = out.len();
            for (index, branch) in branches.iter().enumerate() {
                write_long(index as i64, out);
                if write_json(json, branch, out).is_some() {
                    return Some(());
                }
                out.truncate(start);
            }
            return None;
        }
        (Type::Null, Json::Null) => {}
        (Type::Boolean, Json::Bool(value)) => out.push(u8::from(*value)),
        (Type::Int(_), _) => write_long(i64::from(i32::try_from(json.as_i64()?).ok()?), out),
        (Type::Long(_), _) => write_long(json.as_i64()?, out),
        (Type::Float, Json::Number(value)) => out.extend((value.as_f64()? as f32).to_le_bytes()),
        (Type::Double, Json::Number(value)) => out.extend(value.as_f64()?.to_le_bytes()),
        (Type::String, Json::String(value)) => write_sized(value.as_bytes(), out),
        (Type::Bytes(_), _) => write_sized(&code_points(json)?, out),
        (Type::Fixed { size, .. }, _) => out.extend(code_points(json).filter(|bytes| bytes.len() == *size)?),
        (Type::Enum { symbols }, Json::String(value)) => {
            write_long(symbols.iter().position(|symbol| symbol == value)? as i64, out)
        }
        (Type::Array(items), Json::Array(values)) => {
            begin_block(values.len(), out);
            values.iter().try_for_each(|value| write_json(value, items, out))?;
            end_blocks(out);
        }
        (Type::Map(items), Json::Object(entries)) => {
            begin_block(entries.len(), out);
            for (key, value) in entries {
                write_sized(key.as_bytes(), out);
                write_json(value, items, out)?;
            }
            end_blocks(out);
        }
        (Type::Record { fields, .. }, Json::Object(object)) => {
            for field in fields {
                write_json(object.get(&field.name).or(field.default.as_ref())?, &field.schema, out)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// The columns of a batch, their types found out once.
pub(super) struct Rows<'a>(Vec<Source<'a>>);

enum Source<'a> {
    Column(&'a str, Values<'a>),
    Constant(&'a [u8]),
}

struct Values<'a> {
    nulls: Option<&'a NullBuffer>,
    union: Option<Branches>,
    typed: Typed<'a>,
}

enum Typed<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Timestamp(&'a [i64], Rescale),
    IntAsDouble(&'a [i32]),
    Float(&'a [f64]),
    Double(&'a [f64]),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Fixed(&'a BinaryArray, usize),
    Symbol(&'a StringArray, &'a HashMap<String, usize>),
    Decimal(&'a [i128], &'a Decimal),
    FixedDecimal(&'a [i128], usize, &'a Decimal),
    List { offsets: &'a [i32], items: Box<Values<'a>> },
    Map { offsets: &'a [i32], keys: &'a StringArray, values: Box<Values<'a>> },
    Record(Rows<'a>),
}

impl<'a> Rows<'a> {
    pub fn new(record: &'a Record, columns: &'a [ArrayRef]) -> Self {
        let part = |part: &'a Part| match part {
            Part::Column { index, name, write } => Source::Column(name, Values::new(write, &columns[*index])),
            Part::Constant(bytes) => Source::Constant(bytes),
        };
        Rows(record.0.iter().map(part).collect())
    }

    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        for source in &self.0 {
            match source {
                Source::Column(name, values) => values.write(row, out).map_err(|error| within(error, name))?,
                Source::Constant(bytes) => out.extend_from_slice(bytes),
            }
        }
        Ok(())
    }
}

impl<'a> Values<'a> {
    fn new(write: &'a Write, array: &'a ArrayRef) -> Self {
        let typed = match (&write.kind, array.data_type()) {
            (Kind::Null, _) => Typed::Null,
            (Kind::Boolean, _) => Typed::Boolean(array.as_boolean()),
            (Kind::Integer, DataType::Int32) => Typed::Int32(array.as_primitive::<Int32Type>().values()),
            (Kind::Integer, DataType::Date32) => Typed::Int32(array.as_primitive::<Date32Type>().values()),
            (Kind::Integer, _) => Typed::Int64(longs(array)),
            (Kind::Timestamp(rescale), _) => Typed::Timestamp(longs(array), *rescale),
            (Kind::Double, DataType::Int32) => Typed::IntAsDouble(array.as_primitive::<Int32Type>().values()),
            (Kind::Double, _) => Typed::Double(array.as_primitive::<Float64Type>().values()),
            (Kind::Float, _) => Typed::Float(array.as_primitive::<Float64Type>().values()),
            (Kind::Sized, DataType::Utf8) => Typed::Text(array.as_string()),
            (Kind::Sized, _) => Typed::Bytes(array.as_binary()),
            (Kind::Fixed(size), _) => Typed::Fixed(array.as_binary(), *size),
            (Kind::Symbol(symbols), _) => Typed::Symbol(array.as_string(), symbols),
            (Kind::Decimal(decimal), _) => Typed::Decimal(array.as_primitive::<Decimal128Type>().values(), decimal),
            (Kind::FixedDecimal(size, decimal), _) => {
                Typed::FixedDecimal(array.as_primitive::<Decimal128Type>().values(), *size, decimal)
            }
            (Kind::List(item), _) => {
                let lists = array.as_list::<i32>();
                Typed::List { offsets: lists.value_offsets(), items: Box::new(Values::new(item, lists.values())) }
            }
            (Kind::Map(value), _) => {
                let lists = array.as_list::<i32>();
                let entries = lists.values().as_struct();
                Typed::Map {
                    offsets: lists.value_offsets(),
                    keys: entries.column(0).as_string(),
                    values: Box::new(Values::new(value, entries.column(1))),
                }
            }
            (Kind::Record(record), _) => Typed::Record(Rows::new(record, array.as_struct().columns())),
        };
        Values { nulls: array.nulls(), union: write.union, typed }
    }

    #[inline]
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            let null = self.union.and_then(|union| union.null);
            let Some(null) = null else { return Err(bad_value("null, and its schema has no null")) };
            write_long(null as i64, out);
            return Ok(());
        }
        if let Some(union) = self.union {
            write_long(union.value as i64, out);
        }
        match &self.typed {
            Typed::Null => {}
            Typed::Boolean(values) => out.push(u8::from(values.value(row))),
            Typed::Int32(values) => write_long(i64::from(values[row]), out),
            Typed::Int64(values) => write_long(values[row], out),
            Typed::Timestamp(values, rescale) => {
                let value = rescale.apply(values[row]);
                write_long(
                    value.ok_or_else(|| bad_value(format!("the timestamp {} is out of range", values[row])))?,
                    out,
                );
            }
            Typed::IntAsDouble(values) => out.extend(f64::from(values[row]).to_le_bytes()),
            Typed::Float(values) => out.extend((values[row] as f32).to_le_bytes()),
            Typed::Double(values) => out.extend(values[row].to_le_bytes()),
            Typed::Text(values) => write_sized(values.value(row).as_bytes(), out),
            Typed::Bytes(values) => write_sized(values.value(row), out),
            Typed::Fixed(values, size) => match values.value(row) {
                bytes if bytes.len() == *size => out.extend_from_slice(bytes),
                other => return Err(bad_value(format!("{} bytes, and its schema has {size}", other.len()))),
            },
            Typed::Symbol(values, symbols) => {
                let symbol = values.value(row);
                let known = symbols.get(symbol);
                let unknown = || bad_value(format!("\"{symbol}\" is none of the symbols of its schema"));
                write_long(*known.ok_or_else(unknown)? as i64, out);
            }
            Typed::Decimal(values, decimal) => {
                let value = decimal.write(values[row]).ok_or_else(|| too_many_digits(values[row]))?;
                write_sized(fewest_bytes(&value.to_be_bytes()), out);
            }
            Typed::FixedDecimal(values, size, decimal) => {
                let value = decimal.write(values[row]);
                if !value.is_some_and(|value| write_fixed(value, *size, out)) {
                    return Err(too_many_digits(values[row]));
                }
            }
            Typed::List { offsets, items } => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                begin_block(end - start, out);
                for item in start..end {
                    items.write(item, out).map_err(|error| within(error, &format!("[{}]", item - start)))?;
                }
                end_blocks(out);
            }
            Typed::Map { offsets, keys, values } => {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                begin_block(end - start, out);
                for entry in start..end {
                    if keys.is_null(entry) {
                        return Err(bad_value("a key is null"));
                    }
                    write_sized(keys.value(entry).as_bytes(), out);
                    values.write(entry, out).map_err(|error| within(error, &format!("[{}]", entry - start)))?;
                }
                end_blocks(out);
            }
            Typed::Record(rows) => return rows.write(row, out),
        }
        Ok(())
    }
}

#[inline]
fn write_sized(bytes: &[u8], out: &mut Vec<u8>) {
    write_long(bytes.len() as i64, out);
    out.extend_from_slice(bytes);
}

/// An empty list has no block at all.
fn begin_block(items: usize, out: &mut Vec<u8>) {
    if items > 0 {
        write_long(items as i64, out);
    }
}

fn end_blocks(out: &mut Vec<u8>) {
    out.push(0);
}

#[cold]
fn too_many_digits(unscaled: i128) -> Box<crate::BadRecord> {
    bad_value(format!("a decimal of {} digits has no room in its schema", unscaled.unsigned_abs().to_string().len()))
}
