//! The plan's expressions as DataFusion's physical expressions.

mod functions;
mod nested;
mod operators;
mod text;
mod time;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{CaseExpr, Column, Literal, cast};
use millrace_plan::{Expr, Value};

use crate::{Error, ErrorCode, Result};

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
    let wrong = || plan(format!("{:?} is not a value of type {data_type}", literal.value));
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
        Some(Value::String(value)) => ScalarValue::Utf8(Some(value.clone())).cast_to(data_type).map_err(plan)?,
        Some(Value::Bytes(value)) => ScalarValue::Binary(Some(value.clone())),
    };
    if scalar.data_type() == *data_type { Ok(scalar) } else { Err(wrong()) }
}

fn case(whens: &[(Expr, Expr)], otherwise: Option<&Expr>, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    let pair = |(condition, then): &(Expr, Expr)| Ok((compile(condition, schema)?, compile(then, schema)?));
    let mut whens = whens.iter().map(pair).collect::<Result<Vec<_>>>()?;
    let mut otherwise = otherwise.map(|otherwise| compile(otherwise, schema)).transpose()?;
    let results = whens.iter_mut().map(|(_, then)| then).chain(&mut otherwise).collect();
    operators::widen(results, schema)?;
    Ok(Arc::new(CaseExpr::try_new(None, whens, otherwise).map_err(plan)?))
}

fn type_of(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<DataType> {
    expr.data_type(schema).map_err(plan)
}

fn plan(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Plan, error.to_string())
}
