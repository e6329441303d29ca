//! Makes the program that reads records of one writer's schema into columns.

use arrow::datatypes::{DataType, FieldRef, Fields};

use super::decimal::Decimal;
use super::default::{self, Value};
use super::program::{Branch, Program, Read, Record, Step};
use super::schema::{Field, Logical, Schema, Type};
use super::skip;
use crate::bad_record::{Result, bad_record, bad_value, type_name, within};
use crate::rescale::Rescale;

/// Parts of a program. A schema that uses a type again and again on every level would come to no end otherwise.
pub(super) const MAX_PARTS: usize = 100_000;

/// The program for `fields`. `reader` gives aliases and defaults; its types are those of the columns.
pub(super) fn compile(writer: &Type, reader: Option<&Type>, fields: &Fields) -> Result<Program> {
    let mut compiler = Compiler { budget: MAX_PARTS };
    let is_union = matches!(writer, Type::Union(_));
    let branches = match writer {
        Type::Record { fields: written, .. } => vec![Ok(compiler.record(written, reader, fields)?)],
        Type::Union(branches) => compiler.branches(branches, |compiler, branch| match branch {
            Type::Record { fields: written, .. } => compiler.record(written, reader, fields),
            other => Err(no_record(other)),
        })?,
        other => return Err(no_record(other)),
    };
    Ok(Program { branches, is_union })
}

struct Compiler {
    budget: usize,
}

impl Compiler {
    fn record(&mut self, written: &[Field], reader: Option<&Type>, fields: &Fields) -> Result<Record> {
        let reader = reader.and_then(Type::fields).unwrap_or_default();
        let declared: Vec<Option<&Field>> =
            fields.iter().map(|field| reader.iter().find(|known| known.name == *field.name())).collect();
        // By field of the writer.
        let mut columns: Vec<Option<usize>> = vec![None; written.len()];
        let mut missing = Vec::new();
        for (column, field) in fields.iter().enumerate() {
            match source(written, field.name(), declared[column]) {
                Some(index) if columns[index].is_some() => {
                    let message =
                        format!("field \"{}\" of the writer's schema is another column already", written[index].name);
                    return Err(within(bad_value(message), field.name()));
                }
                Some(index) => columns[index] = Some(column),
                None => {
                    let value = missing_value(field, declared[column]).map_err(|error| within(error, field.name()))?;
                    missing.push((column, value));
                }
            }
        }
        let mut steps = Vec::new();
        for (field, column) in written.iter().zip(columns) {
            match column {
                None => {
                    if !matches!(steps.last(), Some(Step::Skip(_))) {
                        steps.push(Step::Skip(Vec::new()));
                    }
                    if let Some(Step::Skip(skips)) = steps.last_mut()
                        && !skip::append(&field.schema, skips, &mut self.budget)
                    {
                        return Err(too_large());
                    }
                }
                Some(column) => {
                    let reader = declared[column].map(|declared| declared.schema.as_ref());
                    let read = self.value(&field.schema, reader, &fields[column]);
                    let read = read.map_err(|error| within(error, fields[column].name()))?;
                    steps.push(Step::Read { column, read });
                }
            }
        }
        Ok(Record { steps, missing })
    }

    fn value(&mut self, writer: &Type, reader: Option<&Type>, field: &FieldRef) -> Result<Read> {
        self.budget = self.budget.checked_sub(1).ok_or_else(too_large)?;
        let (data_type, nullable) = (field.data_type(), field.is_nullable());
        Ok(match (writer, data_type) {
            (Type::Union(branches), _) => self.union(branches, reader, field)?,
            (Type::Null, _) if nullable => Read::Null { nullable },
            (Type::Boolean, DataType::Boolean) => Read::Boolean,
            (Type::Int(_), DataType::Int32 | DataType::Date32) => Read::Int32,
            (Type::Int(_), DataType::Int64 | DataType::Timestamp(..)) => Read::Int64,
            (Type::Long(_), DataType::Int64) => Read::Int64,
            (Type::Long(logical), DataType::Timestamp(unit, _)) => {
                let from = logical.and_then(Logical::unit).unwrap_or(*unit);
                Rescale::between(from, *unit).map_or(Read::Int64, Read::Timestamp)
            }
            (Type::Int(_) | Type::Long(_), DataType::Float64) => Read::LongAsFloat,
            (Type::Float, DataType::Float64) => Read::Float,
            (Type::Double, DataType::Float64) => Read::Double,
            (Type::Bytes(Some(Logical::Decimal { scale: from })), DataType::Decimal128(precision, scale)) => {
                Read::Decimal(decimal(*from, *precision, *scale)?)
            }
            (
                Type::Fixed { size, logical: Some(Logical::Decimal { scale: from }) },
                DataType::Decimal128(precision, scale),
            ) => Read::FixedDecimal(*size, decimal(*from, *precision, *scale)?),
            (Type::String | Type::Bytes(_), DataType::Utf8) => Read::Text,
            (Type::String | Type::Bytes(_), DataType::Binary) => Read::Bytes,
            (Type::Fixed { logical: Some(Logical::Uuid), .. }, DataType::Utf8) => Read::Uuid,
            (Type::Fixed { size, .. }, DataType::Binary) => Read::FixedBytes(*size),
            (Type::Enum { symbols }, DataType::Utf8) => Read::Symbol(symbols.clone()),
            (Type::Array(items), DataType::List(item)) => {
                let reader = reader.and_then(|reader| items_of(non_null(reader)));
                Read::List(Box::new(self.value(items, reader, item)?))
            }
            (Type::Map(values), DataType::List(item)) => match item.data_type() {
                DataType::Struct(entry) if is_entry(entry) => Read::Map(Box::new(self.value(values, None, &entry[1])?)),
                _ => return Err(mismatch(writer, data_type)),
            },
            (Type::Record { fields, .. }, DataType::Struct(columns)) => {
                Read::Struct(self.record(fields, reader, columns)?)
            }
            _ => return Err(mismatch(writer, data_type)),
        })
    }

    fn union(&mut self, branches: &[Schema], reader: Option<&Type>, field: &FieldRef) -> Result<Read> {
        let nullable = field.is_nullable();
        let null = branches.iter().position(|branch| matches!(**branch, Type::Null));
        if let (Some(null_index), [a, b]) = (null, branches) {
            let other = if null_index == 0 { b } else { a };
            let other = Box::new(self.value(other, reader, field)?);
            return Ok(Read::Nullable { null_index, nullable, other });
        }
        let read = self.branches(branches, |compiler, branch| match branch {
            // Told apart from the others by its value: a null that must not be is told to be one.
            Type::Null => Ok(Read::Null { nullable }),
            branch => compiler.value(branch, reader, field),
        })?;
        Ok(Read::Union(read))
    }

    /// Each branch of a union, or what it is where it cannot be read; an error if none can.
    fn branches<T>(
        &mut self,
        branches: &[Schema],
        mut read: impl FnMut(&mut Self, &Type) -> Result<T>,
    ) -> Result<Vec<Branch<T>>> {
        let mut first = None;
        let mut made = Vec::new();
        for branch in branches {
            made.push(read(self, branch).map_err(|error| {
                first.get_or_insert(error);
                branch.name()
            }));
        }
        let readable = branches.iter().zip(&made).any(|(branch, made)| made.is_ok() && !matches!(**branch, Type::Null));
        match first {
            Some(error) if !readable => Err(error),
            _ => Ok(made),
        }
    }
}

/// The field of the writer's schema that a column is read from.
fn source(written: &[Field], name: &str, declared: Option<&Field>) -> Option<usize> {
    let position = |name: &str| written.iter().position(|field| field.name == name);
    let aliases = declared.map_or(&[][..], |declared| declared.aliases.as_slice());
    position(name).or_else(|| aliases.iter().find_map(|alias| position(alias)))
}

fn missing_value(field: &FieldRef, declared: Option<&Field>) -> Result<Value> {
    match declared.and_then(|declared| declared.default.as_ref().map(|default| (default, &declared.schema))) {
        Some((default, schema)) => default::value(default, schema, field.data_type(), field.is_nullable()),
        None if field.is_nullable() => Ok(Value::Null),
        None => Err(bad_value(
            "the writer's schema does not have it, it is not nullable, and no reader's schema gives it a default",
        )),
    }
}

fn decimal(from: i8, precision: u8, scale: i8) -> Result<Decimal> {
    Decimal::new(from, precision, scale).ok_or_else(|| {
        bad_value(format!("the writer's schema has a decimal of scale {from} here, whose digits decimal({precision}, {scale}) would lose"))
    })
}

/// The struct of a map's entries.
pub(super) fn is_entry(fields: &Fields) -> bool {
    matches!(fields.as_ref(), [key, value] if key.name() == "key" && value.name() == "value" && *key.data_type() == DataType::Utf8)
}

fn non_null(of: &Type) -> &Type {
    match of {
        Type::Union(branches) => {
            branches.iter().find(|branch| !matches!(***branch, Type::Null)).map_or(of, |branch| branch.as_ref())
        }
        other => other,
    }
}

fn items_of(of: &Type) -> Option<&Type> {
    match of {
        Type::Array(items) => Some(items.as_ref()),
        _ => None,
    }
}

fn mismatch(writer: &Type, data_type: &DataType) -> Box<crate::BadRecord> {
    bad_value(format!("the writer's schema has {} here, which is not read as {}", writer.name(), type_name(data_type)))
}

fn no_record(found: &Type) -> Box<crate::BadRecord> {
    bad_record(format!("the writer's schema is {}, and columns are read from a record", found.name()))
}

fn too_large() -> Box<crate::BadRecord> {
    bad_record(format!("the writer's schema comes to more than {MAX_PARTS} parts"))
}
