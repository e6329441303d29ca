//! The plan's expressions as DataFusion's physical expressions.

mod calendar;
mod functions;
mod nested;
mod notation;
mod operators;
mod text;
mod time;
mod types;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{CaseExpr, Column, Literal, cast};
use millrace_plan::{Expr, Value};

use crate::{Error, ErrorCode, Result};
pub use notation::notation;
use operators::Decimals;
pub use types::{fit, type_name};

/// Makes an expression over rows of `schema`. Anything that does not fit is a plan error.
pub fn compile(expr: &Expr, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(match expr {
        Expr::Column(name) => Arc::new(column(name, schema)?),
        Expr::Literal(value) => Arc::new(Literal::new(literal(value)?)),
        Expr::Cast { expr, to, try_ } => {
            let inner = compile(expr, schema)?;
            if *try_ {
                datafusion_physical_expr::expressions::try_cast(inner, schema, to.clone()).map_err(plan)?
            } else {
                cast(inner, schema, to.clone()).map_err(plan)?
            }
        }
        Expr::Case { whens, otherwise } => case(whens, otherwise.as_deref(), schema)?,
        Expr::Call { function, args } => {
            let args = args.iter().map(|arg| compile(arg, schema)).collect::<Result<Vec<_>>>()?;
            functions::call(*function, args, schema)?
        }
    })
}

/// Makes an expression that is true, false or null.
pub fn condition(expr: &Expr, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    types::condition(compile(expr, schema)?, schema)
}

/// The value of an expression for each row.
pub fn evaluate(expr: &Arc<dyn PhysicalExpr>, rows: &RecordBatch) -> Result<ArrayRef> {
    expr.evaluate(rows).and_then(|value| value.into_array(rows.num_rows())).map_err(|error| expression_error(&error))
}

/// An expression or an aggregate failed on a value.
pub fn expression_error(error: &DataFusionError) -> Error {
    let message = match error.find_root() {
        DataFusionError::ArrowError(error, _) => error.to_string(),
        other => other.strip_backtrace(),
    };
    Error::new(ErrorCode::Expression, message)
}

fn column(name: &str, schema: &Schema) -> Result<Column> {
    let index = schema.index_of(name).map_err(|_| {
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        plan(format!("column \"{name}\" is not in its input; there are {}", known.join(", ")))
    })?;
    Ok(Column::new(name, index))
}

fn literal(literal: &millrace_plan::Literal) -> Result<ScalarValue> {
    let data_type = &literal.data_type;
    let wrong = || plan(format!("{} is not a value of type {}", shown(&literal.value), types::type_name(data_type)));
    let scalar = match &literal.value {
        None => ScalarValue::try_from(data_type).map_err(plan)?,
        Some(Value::Bool(value)) => ScalarValue::Boolean(Some(*value)),
        Some(Value::Int(value)) => match data_type {
            DataType::Int32 | DataType::Date32 => ScalarValue::Int32(Some(i32::try_from(*value).map_err(|_| wrong())?))
                .cast_to(data_type)
                .map_err(plan)?,
            _ => ScalarValue::Int64(Some(*value)).cast_to(data_type).map_err(plan)?,
        },
        Some(Value::Float(value)) => ScalarValue::Float64(Some(*value)),
        // Digits that the type has no room for would be rounded away.
        Some(Value::String(value)) if !has_room(data_type, value) => return Err(wrong()),
        Some(Value::String(value)) => ScalarValue::Utf8(Some(value.clone())).cast_to(data_type).map_err(plan)?,
        Some(Value::Bytes(value)) => ScalarValue::Binary(Some(value.clone())),
    };
    if scalar.data_type() == *data_type { Ok(scalar) } else { Err(wrong()) }
}

fn shown(value: &Option<Value>) -> String {
    match value {
        None => "null".into(),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Int(value)) => value.to_string(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::String(value)) => format!("\"{value}\""),
        Some(Value::Bytes(value)) => format!("{} bytes", value.len()),
    }
}

fn has_room(data_type: &DataType, digits: &str) -> bool {
    let DataType::Decimal128(_, scale) = data_type else { return true };
    let fraction = digits.split_once('.').map_or("", |(_, fraction)| fraction.trim_end_matches('0'));
    !digits.contains(['e', 'E']) && i8::try_from(fraction.len()).is_ok_and(|length| length <= *scale)
}

fn case(whens: &[(Expr, Expr)], otherwise: Option<&Expr>, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    if whens.is_empty() {
        return Err(plan("a choice has at least one condition"));
    }
    let pair = |(when, then): &(Expr, Expr)| Ok((condition(when, schema)?, compile(then, schema)?));
    let mut whens = whens.iter().map(pair).collect::<Result<Vec<_>>>()?;
    let mut otherwise = otherwise.map(|otherwise| compile(otherwise, schema)).transpose()?;
    let results = whens.iter_mut().map(|(_, then)| then).chain(&mut otherwise).collect();
    operators::widen(results, schema, Decimals::Alike)?;
    Ok(Arc::new(CaseExpr::try_new(None, whens, otherwise).map_err(plan)?))
}

fn type_of(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<DataType> {
    expr.data_type(schema).map_err(plan)
}

fn plan(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Plan, error.to_string())
}
