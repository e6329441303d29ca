//! Expressions and types: their nesting is bounded.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use flatbuffers::{ForwardsUOffset, Vector};

use super::{Result, Tables, unknown};
use crate::generated as fb;
use crate::model::*;
use crate::{ExprFunction, PlanError};

/// Expressions and types nested deeper than this are refused: reading them is recursive.
const MAX_DEPTH: usize = 64;

pub fn named(columns: Tables<'_, fb::NamedExpr<'_>>) -> Result<Vec<NamedExpr>> {
    let one = |column: fb::NamedExpr<'_>| Ok(NamedExpr { name: column.name().into(), expr: expr(column.expr(), 0)? });
    columns.map_or_else(|| Ok(Vec::new()), |columns| columns.iter().map(one).collect())
}

pub fn expr(expression: fb::Expr<'_>, depth: usize) -> Result<Expr> {
    let depth = deeper(depth)?;
    if let Some(column) = expression.node_as_column() {
        Ok(Expr::Column(column.name().into()))
    } else if let Some(literal) = expression.node_as_literal() {
        Ok(Expr::Literal(self::literal(literal)?))
    } else if let Some(call) = expression.node_as_call() {
        let function =
            ExprFunction::from_code(call.function().0).ok_or_else(|| unknown("function", call.function().0))?;
        let args = call.args().iter().map(|arg| expr(arg, depth)).collect::<Result<_>>()?;
        Ok(Expr::Call { function, args })
    } else if let Some(cast) = expression.node_as_cast() {
        let to = data_type(cast.type_(), 0)?;
        Ok(Expr::Cast { expr: Box::new(expr(cast.expr(), depth)?), to, try_: cast.or_null() })
    } else if let Some(case) = expression.node_as_case() {
        let whens = case.whens().iter().map(|when| Ok((expr(when.condition(), depth)?, expr(when.then(), depth)?)));
        let otherwise = case.otherwise().map(|otherwise| expr(otherwise, depth).map(Box::new)).transpose()?;
        Ok(Expr::Case { whens: whens.collect::<Result<_>>()?, otherwise })
    } else {
        Err(unknown("kind of expression", expression.node_type().0))
    }
}

fn literal(literal: fb::Literal<'_>) -> Result<Literal> {
    let value = match literal.value_type() {
        fb::Value::NONE => None,
        fb::Value::BoolValue => literal.value_as_bool_value().map(|v| Value::Bool(v.value())),
        fb::Value::IntValue => literal.value_as_int_value().map(|v| Value::Int(v.value())),
        fb::Value::FloatValue => literal.value_as_float_value().map(|v| Value::Float(v.value())),
        fb::Value::StringValue => literal.value_as_string_value().map(|v| Value::String(v.value().into())),
        fb::Value::BytesValue => literal.value_as_bytes_value().map(|v| Value::Bytes(v.value().bytes().into())),
        other => return Err(unknown("kind of literal", other.0)),
    };
    Ok(Literal { data_type: data_type(literal.type_(), 0)?, value })
}

pub fn schema(fields: Vector<'_, ForwardsUOffset<fb::Field<'_>>>) -> Result<SchemaRef> {
    let fields = fields.iter().map(|one| field(one, 0)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

fn field(field: fb::Field<'_>, depth: usize) -> Result<Field> {
    Ok(Field::new(field.name(), data_type(field.type_(), depth)?, field.nullable()))
}

fn data_type(of: fb::Type<'_>, depth: usize) -> Result<DataType> {
    let depth = deeper(depth)?;
    let children = || {
        let children = of.children();
        children
            .map_or_else(|| Ok(Vec::new()), |all| all.iter().map(|child| field(child, depth)).collect::<Result<_>>())
    };
    Ok(match of.kind() {
        fb::TypeKind::Bool => DataType::Boolean,
        fb::TypeKind::Int32 => DataType::Int32,
        fb::TypeKind::Int64 => DataType::Int64,
        fb::TypeKind::Float64 => DataType::Float64,
        fb::TypeKind::Decimal => match (of.precision(), of.scale()) {
            (precision @ 1..=38, scale @ 0..) if scale as u8 <= precision => DataType::Decimal128(precision, scale),
            (p, s) => {
                return Err(PlanError::new(format!("decimal({p}, {s}): precision is 1 to 38, scale 0 to precision")));
            }
        },
        fb::TypeKind::String => DataType::Utf8,
        fb::TypeKind::Bytes => DataType::Binary,
        fb::TypeKind::Timestamp => DataType::Timestamp(time_unit(of.unit())?, Some("UTC".into())),
        fb::TypeKind::Date => DataType::Date32,
        fb::TypeKind::List => match children()?.as_slice() {
            [item] => DataType::List(Arc::new(item.clone())),
            _ => return Err(PlanError::new("a list has one type of items")),
        },
        fb::TypeKind::Struct => DataType::Struct(children()?.into()),
        other => return Err(unknown("type", other.0)),
    })
}

pub fn time_unit(unit: fb::TimeUnit) -> Result<TimeUnit> {
    Ok(match unit {
        fb::TimeUnit::Second => TimeUnit::Second,
        fb::TimeUnit::Millisecond => TimeUnit::Millisecond,
        fb::TimeUnit::Microsecond => TimeUnit::Microsecond,
        fb::TimeUnit::Nanosecond => TimeUnit::Nanosecond,
        other => return Err(unknown("unit of time", other.0)),
    })
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_DEPTH {
        return Err(PlanError::new(format!("expressions and types nest at most {MAX_DEPTH} deep")));
    }
    Ok(depth + 1)
}
