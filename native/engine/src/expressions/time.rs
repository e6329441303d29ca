//! Functions of timestamps and dates.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_functions::datetime;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, Literal, cast, lit};

use super::calendar::{self, Unit};
use super::functions::{Output, apply, function};
use super::types::{exactly, integer, moment, type_name};
use super::{operators, plan, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// The start of the unit that the time lies in. Arguments: unit, time.
pub fn truncate(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [unit, time] = exactly(args)?;
    let (unit, time) = (unit_of(&unit)?, moment(time, schema)?);
    let data_type = type_of(&time, schema)?;
    let start = move |times: &[_]| calendar::truncate(&times[0], unit);
    function("truncate", vec![time], Output { data_type, may_be_null: false }, start, schema)
}

/// A part of the time as a number. Arguments: unit, time.
pub fn extract(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [unit, time] = exactly(args)?;
    unit_of(&unit)?;
    let part = apply(datetime::date_part(), vec![unit, moment(time, schema)?], schema)?;
    cast(part, schema, DataType::Int64).map_err(plan)
}

pub fn add_milliseconds(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [time, milliseconds] = exactly(args)?;
    let data_type = type_of(&time, schema)?;
    let DataType::Timestamp(unit, _) = data_type else {
        return Err(plan(format!("milliseconds are added to a timestamp, not to {}", type_name(&data_type))));
    };
    if let (TimeUnit::Second, Some(part)) = (unit, integer_of(&milliseconds).filter(|by| by % 1000 != 0)) {
        return Err(plan(format!("{part} ms is not a number of whole seconds, which the timestamp is in")));
    }
    let milliseconds = integer(milliseconds, schema)?;
    let scaled = |operator, by: i64| operators::binary(operator, vec![milliseconds.clone(), lit(by)], schema);
    let amount = match unit {
        TimeUnit::Second => scaled(Operator::Divide, 1000)?,
        TimeUnit::Millisecond => milliseconds,
        TimeUnit::Microsecond => scaled(Operator::Multiply, 1000)?,
        TimeUnit::Nanosecond => scaled(Operator::Multiply, 1_000_000)?,
    };
    let duration = cast(amount, schema, DataType::Duration(unit)).map_err(plan)?;
    Ok(Arc::new(BinaryExpr::new(time, Operator::Plus, duration).with_fail_on_overflow(true)))
}

pub fn epoch_milliseconds(time: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let milliseconds = DataType::Timestamp(TimeUnit::Millisecond, None);
    let time = cast(moment(time, schema)?, schema, milliseconds).map_err(plan)?;
    cast(time, schema, DataType::Int64).map_err(plan)
}

/// The milliseconds from `other` to `time`.
pub fn difference(
    time: Arc<dyn PhysicalExpr>,
    other: Arc<dyn PhysicalExpr>,
    schema: &Schema,
) -> Result<Arc<dyn PhysicalExpr>> {
    let exact = |time| match type_of(&time, schema)? {
        DataType::Date32 => cast(time, schema, DataType::Timestamp(TimeUnit::Millisecond, None)).map_err(plan),
        _ => Ok(time),
    };
    let expr = BinaryExpr::new(exact(time)?, Operator::Minus, exact(other)?).with_fail_on_overflow(true);
    let duration = cast(Arc::new(expr), schema, DataType::Duration(TimeUnit::Millisecond)).map_err(plan)?;
    cast(duration, schema, DataType::Int64).map_err(plan)
}

fn unit_of(expr: &Arc<dyn PhysicalExpr>) -> Result<Unit> {
    let name = text_of(expr).ok_or_else(|| plan("a unit of time is a literal"))?;
    let names = || Unit::NAMES.map(|(name, _)| name).join(", ");
    let found = Unit::NAMES.into_iter().find(|(known, _)| *known == name);
    Ok(found.ok_or_else(|| plan(format!("\"{name}\" is none of {}", names())))?.1)
}

/// The string of a literal.
pub fn text_of(expr: &Arc<dyn PhysicalExpr>) -> Option<String> {
    match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::Utf8(text) => text.clone(),
        _ => None,
    }
}

/// The integer of a literal.
pub fn integer_of(expr: &Arc<dyn PhysicalExpr>) -> Option<i64> {
    match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int64(value) => *value,
        _ => None,
    }
}
