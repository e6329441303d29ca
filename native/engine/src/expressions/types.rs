//! What arguments have to be; anything else is a plan error.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::cast;

use super::{plan, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

pub fn condition(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expect(&arg, schema, "a condition", |t| *t == DataType::Boolean)?;
    Ok(arg)
}

pub fn number(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expect(&arg, schema, "a number", is_number)?;
    Ok(arg)
}

pub fn float(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    cast(number(arg, schema)?, schema, DataType::Float64).map_err(plan)
}

/// An int32 or int64, as int64.
pub fn integer(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expect(&arg, schema, "an integer", |t| matches!(t, DataType::Int32 | DataType::Int64))?;
    cast(arg, schema, DataType::Int64).map_err(plan)
}

pub fn string(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expect(&arg, schema, "a string", |t| *t == DataType::Utf8)?;
    Ok(arg)
}

/// So many strings.
pub fn strings<const N: usize>(args: Args, schema: &Schema) -> Result<Args> {
    exactly::<N>(args)?.into_iter().map(|arg| string(arg, schema)).collect()
}

pub fn moment(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expect(&arg, schema, "a timestamp or a date", |t| matches!(t, DataType::Timestamp(..) | DataType::Date32))?;
    Ok(arg)
}

pub fn exactly<const N: usize>(args: Args) -> Result<[Arc<dyn PhysicalExpr>; N]> {
    let values = match N {
        1 => "one value is".to_owned(),
        _ => format!("{N} values are"),
    };
    <[_; N]>::try_from(args).map_err(|args| plan(format!("{values} expected, not {}", args.len())))
}

pub fn is_number(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Decimal128(..))
}

/// The name of a type as a job's schema has it.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::List(item) => format!("list of {}", type_name(item.data_type())),
        DataType::Struct(fields) => {
            let field = |field: &Arc<Field>| format!("{}: {}", field.name(), type_name(field.data_type()));
            format!("struct {{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => millrace_formats::json::type_name(other),
    }
}

fn expect(
    arg: &Arc<dyn PhysicalExpr>,
    schema: &Schema,
    what: &str,
    fits: impl FnOnce(&DataType) -> bool,
) -> Result<()> {
    let data_type = type_of(arg, schema)?;
    if fits(&data_type) { Ok(()) } else { Err(plan(format!("{what} is expected, not {}", type_name(&data_type)))) }
}

/// The values of an expression as a column that is declared. Digits of a decimal may be added, never rounded away; a
/// value that has more of them than fit fails the job.
pub fn fit(expr: Arc<dyn PhysicalExpr>, schema: &Schema, declared: &Field) -> Result<Arc<dyn PhysicalExpr>> {
    let data_type = type_of(&expr, schema)?;
    match (&data_type, declared.data_type()) {
        (made, wanted) if made == wanted => Ok(expr),
        (DataType::Decimal128(_, made), DataType::Decimal128(_, wanted)) if made <= wanted => {
            cast(expr, schema, declared.data_type().clone()).map_err(plan)
        }
        (made, wanted) => {
            let (name, made, wanted) = (declared.name(), type_name(made), type_name(wanted));
            Err(plan(format!("column \"{name}\" is declared as {wanted}, but its expression gives {made}: cast it")))
        }
    }
}
