//! Comparison, arithmetic and logic.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, CaseExpr, IsNotNullExpr, NegativeExpr, cast, in_list, lit};

use super::{plan, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// An operator between two values; numbers are brought to the wider type of the two, and overflow is an error.
pub fn binary(operator: Operator, mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    if !matches!(operator, Operator::And | Operator::Or) {
        widen(args.iter_mut().collect(), schema)?;
    }
    let [left, right] =
        <[_; 2]>::try_from(args).map_err(|args| plan(format!("{operator} takes 2 values, not {}", args.len())))?;
    let times = matches!(type_of(&left, schema)?, DataType::Timestamp(_, _));
    let expr: Arc<dyn PhysicalExpr> = Arc::new(BinaryExpr::new(left, operator, right).with_fail_on_overflow(true));
    expr.data_type(schema).map_err(plan)?;
    if operator == Operator::Minus && times {
        let duration = cast(expr, schema, DataType::Duration(TimeUnit::Millisecond)).map_err(plan)?;
        return cast(duration, schema, DataType::Int64).map_err(plan);
    }
    Ok(expr)
}

/// Both hold, any holds: folds more than two.
pub fn logical(operator: Operator, args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let mut args = args.into_iter();
    let first = args.next().ok_or_else(|| plan(format!("{operator} takes at least one value")))?;
    args.try_fold(first, |all, next| binary(operator, vec![all, next], schema))
}

pub fn one_of(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let mut args = args;
    widen(args.iter_mut().collect(), schema)?;
    let value = args.remove(0);
    in_list(value, args, &false, schema).map_err(plan)
}

/// Minus a number. Written as a subtraction, as that is checked for overflow.
pub fn negative(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let data_type = type_of(&arg, schema)?;
    if data_type.is_integer() {
        let zero = ScalarValue::new_zero(&data_type).map_err(plan)?;
        return binary(Operator::Minus, vec![lit(zero), arg], schema);
    }
    Ok(Arc::new(NegativeExpr::new(arg)))
}

/// The first value that is not null.
pub fn coalesce(mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    widen(args.iter_mut().collect(), schema)?;
    let last = args.pop().ok_or_else(|| plan("coalesce takes at least one value"))?;
    if args.is_empty() {
        return Ok(last);
    }
    let present = |arg: &Arc<dyn PhysicalExpr>| Arc::new(IsNotNullExpr::new(arg.clone())) as Arc<dyn PhysicalExpr>;
    let whens = args.into_iter().map(|arg| (present(&arg), arg)).collect();
    Ok(Arc::new(CaseExpr::try_new(None, whens, Some(last)).map_err(plan)?))
}

/// Null where the two are equal, the first elsewhere.
pub fn null_if(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let first = args.first().cloned().ok_or_else(|| plan("nullIf takes 2 values"))?;
    let null = lit(ScalarValue::try_from(&type_of(&first, schema)?).map_err(plan)?);
    let equal = binary(Operator::Eq, args, schema)?;
    Ok(Arc::new(CaseExpr::try_new(None, vec![(equal, null)], Some(first)).map_err(plan)?))
}

/// Brings values that differ to the type that holds them all: int32 to int64, numbers to float64, timestamps to the
/// finer unit. Other types have to be the same.
pub fn widen(exprs: Vec<&mut Arc<dyn PhysicalExpr>>, schema: &Schema) -> Result<()> {
    let types = exprs.iter().map(|expr| type_of(expr, schema)).collect::<Result<Vec<_>>>()?;
    let Some(common) = types.iter().cloned().map(Some).reduce(|a, b| wider(&a?, &b?)).flatten() else {
        let names: Vec<String> = types.iter().map(ToString::to_string).collect();
        return Err(plan(format!("{} do not go together: cast one of them", names.join(" and "))));
    };
    for (expr, data_type) in exprs.into_iter().zip(types) {
        // Decimals of different scale are brought together by the operator itself.
        if data_type != common && !matches!((&data_type, &common), (DataType::Decimal128(..), DataType::Decimal128(..)))
        {
            *expr = cast(expr.clone(), schema, common.clone()).map_err(plan)?;
        }
    }
    Ok(())
}

fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Decimal128, Float64, Int32, Int64, Timestamp};
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Int32, Int64) | (Int64, Int32) => Int64,
        (Float64, Int32 | Int64 | Decimal128(..)) | (Int32 | Int64 | Decimal128(..), Float64) => Float64,
        (Decimal128(..), Int32 | Int64 | Decimal128(..)) => a.clone(),
        (Int32 | Int64, Decimal128(..)) => b.clone(),
        (Timestamp(x, zone), Timestamp(y, _)) => Timestamp(*x.max(y), zone.clone()),
        _ => return None,
    })
}
