//! The values of columns that a writer's schema does not have.

use arrow::datatypes::DataType;
use serde_json::Value as Json;

use super::decimal::Decimal;
use super::schema::Type;
use crate::bad_record::{Result, bad_value, defect, type_name, within};
use crate::builders::Column;
use crate::rescale::Rescale;

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Float64(f64),
    Decimal(i128),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Struct(Vec<Value>),
}

impl Value {
    pub fn append(&self, column: &mut Column) -> Result<()> {
        match (self, column) {
            (Value::Null, column) => column.append_null(),
            (Value::Boolean(value), Column::Boolean(values)) => values.append(*value),
            (Value::Int32(value), Column::Int32(values)) => values.append(*value),
            (Value::Int64(value), Column::Int64(values)) => values.append(*value),
            (Value::Float64(value), Column::Float64(values)) => values.append(*value),
            (Value::Decimal(value), Column::Decimal(values)) => values.append(*value),
            (Value::Text(value), Column::Utf8(values)) => appended(values.append(value.as_bytes()))?,
            (Value::Bytes(value), Column::Binary(values)) => appended(values.append(value))?,
            (Value::List(items), Column::List(list)) => {
                // No record vouches for so many items.
                appended(items.len() <= i32::MAX as usize - list.len)?;
                for item in items {
                    item.append(&mut list.items)?;
                    list.len += 1;
                }
                list.end_list();
            }
            (Value::Struct(values), Column::Struct(structs)) => {
                for (value, column) in values.iter().zip(&mut structs.columns) {
                    value.append(column)?;
                }
                structs.end_struct();
            }
            _ => return Err(defect()),
        }
        Ok(())
    }
}

fn appended(appended: bool) -> Result<()> {
    if appended { Ok(()) } else { Err(bad_value("its default is too large beside the rows of one batch")) }
}

/// What a default of the reader's schema is in a column.
pub(super) fn value(json: &Json, of: &Type, data_type: &DataType, nullable: bool) -> Result<Value> {
    if let Type::Union(branches) = of {
        let mut values = branches.iter().map(|branch| value(json, branch, data_type, nullable));
        return values.find(Result::is_ok).unwrap_or_else(|| Err(misfit(json, data_type)));
    }
    if json.is_null() && matches!(of, Type::Null) && nullable {
        return Ok(Value::Null);
    }
    scalar(json, of, data_type).map_or_else(|| nested(json, of, data_type), Ok)
}

fn scalar(json: &Json, of: &Type, data_type: &DataType) -> Option<Value> {
    Some(match (data_type, of) {
        (DataType::Boolean, Type::Boolean) => Value::Boolean(json.as_bool()?),
        (DataType::Int32 | DataType::Date32, Type::Int(_)) => Value::Int32(json.as_i64()?.try_into().ok()?),
        (DataType::Int64, Type::Int(_) | Type::Long(_)) => Value::Int64(json.as_i64()?),
        (DataType::Timestamp(unit, _), Type::Int(logical) | Type::Long(logical)) => {
            let from = logical.and_then(|logical| logical.unit()).unwrap_or(*unit);
            let value = json.as_i64()?;
            Value::Int64(Rescale::between(from, *unit).map_or(Some(value), |rescale| rescale.apply(value))?)
        }
        (DataType::Float64, Type::Int(_) | Type::Long(_) | Type::Float | Type::Double) => {
            Value::Float64(json.as_f64()?)
        }
        (DataType::Utf8, Type::String | Type::Enum { .. }) => Value::Text(json.as_str()?.to_owned()),
        (DataType::Binary, Type::String) => Value::Bytes(json.as_str()?.as_bytes().to_vec()),
        (DataType::Binary, Type::Bytes(_) | Type::Fixed { .. }) => Value::Bytes(code_points(json)?),
        (DataType::Decimal128(precision, scale), Type::Bytes(logical) | Type::Fixed { logical, .. }) => {
            let from = logical.and_then(|logical| logical.scale())?;
            Value::Decimal(Decimal::new(from, *precision, *scale)?.read(&code_points(json)?)?)
        }
        _ => return None,
    })
}

fn nested(json: &Json, of: &Type, data_type: &DataType) -> Result<Value> {
    match (data_type, of, json) {
        (DataType::List(item), Type::Array(items), Json::Array(found)) => {
            let found = found.iter().map(|one| value(one, items, item.data_type(), item.is_nullable()));
            Ok(Value::List(found.collect::<Result<_>>()?))
        }
        (DataType::Struct(columns), Type::Record { fields, .. }, Json::Object(object)) => {
            let part = |column: &arrow::datatypes::FieldRef| {
                let name = column.name();
                let field = fields.iter().find(|field| field.name == *name);
                let json = field.and_then(|field| object.get(name).or(field.default.as_ref()).zip(Some(field)));
                match json {
                    Some((json, field)) => value(json, &field.schema, column.data_type(), column.is_nullable()),
                    None if column.is_nullable() => Ok(Value::Null),
                    None => Err(bad_value("missing in the default of the reader's schema, and it is not nullable")),
                }
                .map_err(|error| within(error, name))
            };
            Ok(Value::Struct(columns.iter().map(part).collect::<Result<_>>()?))
        }
        _ => Err(misfit(json, data_type)),
    }
}

/// The bytes of a text whose characters stand for one each.
pub(super) fn code_points(json: &Json) -> Option<Vec<u8>> {
    json.as_str()?.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}

fn misfit(json: &Json, data_type: &DataType) -> Box<crate::BadRecord> {
    bad_value(format!("the default {json} of the reader's schema is no {}", type_name(data_type)))
}
