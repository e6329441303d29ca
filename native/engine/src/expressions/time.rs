//! Functions of timestamps.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_functions::datetime;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, cast, lit};

use super::functions::{apply, pair};
use super::{operators, plan, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// The start of the unit that the time lies in. Arguments: unit, time.
pub fn truncate(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [unit, time] = pair(args)?;
    let data_type = type_of(&time, schema)?;
    let truncated = apply(datetime::date_trunc(), vec![unit, time], schema)?;
    cast(truncated, schema, data_type).map_err(plan)
}

/// A part of the time as a number. Arguments: unit, time.
pub fn extract(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    cast(apply(datetime::date_part(), args, schema)?, schema, DataType::Int64).map_err(plan)
}

pub fn add_milliseconds(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [time, milliseconds] = pair(args)?;
    let DataType::Timestamp(unit, _) = type_of(&time, schema)? else {
        return Err(plan(format!("milliseconds are added to a timestamp, not to {}", type_of(&time, schema)?)));
    };
    let milliseconds = cast(milliseconds, schema, DataType::Int64).map_err(plan)?;
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
    let time = cast(time, schema, milliseconds).map_err(plan)?;
    cast(time, schema, DataType::Int64).map_err(plan)
}

/// The string of a literal.
pub fn text_of(expr: &Arc<dyn PhysicalExpr>) -> Option<String> {
    match expr.downcast_ref::<datafusion_physical_expr::expressions::Literal>()?.value() {
        ScalarValue::Utf8(text) => text.clone(),
        _ => None,
    }
}
