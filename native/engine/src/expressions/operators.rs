//! Comparison, arithmetic and logic.

use std::sync::Arc;

use arrow::datatypes::DataType::{Date32, Decimal128, Float64, Int32, Int64, Timestamp};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Schema};
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, CaseExpr, IsNotNullExpr, NegativeExpr, cast, in_list, lit};

use super::types::{condition, is_number, number, type_name};
use super::{plan, time, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// An operator between two values; they are brought to a type that holds both, and overflow is an error.
pub fn binary(operator: Operator, args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [mut left, mut right] =
        <[_; 2]>::try_from(args).map_err(|args| plan(format!("{operator} takes 2 values, not {}", args.len())))?;
    let computes =
        matches!(operator, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo);
    widen(vec![&mut left, &mut right], schema, if computes { Decimals::AsTheyAre } else { Decimals::Alike })?;
    if operator == Operator::Minus && matches!(type_of(&left, schema)?, Timestamp(..) | Date32) {
        return time::difference(left, right, schema);
    }
    if computes {
        (left, right) = (number(left, schema)?, number(right, schema)?);
    }
    let expr: Arc<dyn PhysicalExpr> = Arc::new(BinaryExpr::new(left, operator, right).with_fail_on_overflow(true));
    expr.data_type(schema).map_err(plan)?;
    Ok(expr)
}

/// Both hold, any holds: folds more than two.
pub fn logical(operator: Operator, args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let args = args.into_iter().map(|arg| condition(arg, schema)).collect::<Result<Args>>()?;
    let folded = args.into_iter().reduce(|all, next| Arc::new(BinaryExpr::new(all, operator, next)));
    folded.ok_or_else(|| plan(format!("{operator} takes at least one value")))
}

pub fn one_of(mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    widen(args.iter_mut().collect(), schema, Decimals::Alike)?;
    let value = args.remove(0);
    in_list(value, args, &false, schema).map_err(plan)
}

/// Minus a number. Written as a subtraction, as that is checked for overflow.
pub fn negative(arg: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let arg = number(arg, schema)?;
    let data_type = type_of(&arg, schema)?;
    if data_type.is_integer() {
        let zero = ScalarValue::new_zero(&data_type).map_err(plan)?;
        return binary(Operator::Minus, vec![lit(zero), arg], schema);
    }
    Ok(Arc::new(NegativeExpr::new(arg)))
}

/// The first value that is not null.
pub fn coalesce(mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    widen(args.iter_mut().collect(), schema, Decimals::Alike)?;
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

/// What is done to decimals of different digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decimals {
    /// They become of one type.
    Alike,
    /// They stay: arithmetic finds the type of its result itself.
    AsTheyAre,
}

/// Brings values that differ to the type that holds them all: int32 to int64, numbers to float64, timestamps to the
/// finer unit. Other types have to be the same.
pub fn widen(exprs: Vec<&mut Arc<dyn PhysicalExpr>>, schema: &Schema, decimals: Decimals) -> Result<()> {
    let types = exprs.iter().map(|expr| type_of(expr, schema)).collect::<Result<Vec<_>>>()?;
    let Some(common) = types.iter().cloned().map(Some).reduce(|a, b| wider(&a?, &b?)) else { return Ok(()) };
    let Some(common) = common else {
        let names: Vec<String> = types.iter().map(type_name).collect();
        return Err(plan(format!("{} do not go together: cast one of them", names.join(" and "))));
    };
    for (expr, data_type) in exprs.into_iter().zip(types) {
        let target = match (digits(&data_type), &common) {
            (Some((precision, scale)), Decimal128(..)) if decimals == Decimals::AsTheyAre => {
                Decimal128(precision, scale)
            }
            _ => common.clone(),
        };
        if data_type != target {
            *expr = cast(expr.clone(), schema, target).map_err(plan)?;
        }
    }
    Ok(())
}

fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Int32, Int64) | (Int64, Int32) => Int64,
        (Float64, other) | (other, Float64) if is_number(other) => Float64,
        (Timestamp(x, zone), Timestamp(y, _)) => Timestamp(*x.max(y), zone.clone()),
        _ => {
            let ((p, s), (q, t)) = (digits(a)?, digits(b)?);
            let (scale, whole) = (s.max(t), (p as i8 - s).max(q as i8 - t));
            Decimal128(((whole + scale) as u8).min(DECIMAL128_MAX_PRECISION), scale)
        }
    })
}

/// Precision and scale of the decimals that hold all values of a type.
fn digits(data_type: &DataType) -> Option<(u8, i8)> {
    match data_type {
        Int32 => Some((10, 0)),
        Int64 => Some((19, 0)),
        Decimal128(precision, scale) => Some((*precision, *scale)),
        _ => None,
    }
}
