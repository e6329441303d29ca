//! One list of all functions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{Operator, ScalarUDF};
use datafusion_functions::{math, string, unicode};
use datafusion_physical_expr::expressions::{IsNotNullExpr, IsNullExpr, LikeExpr, NotExpr, cast};
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use millrace_plan::ExprFunction as F;

use super::{nested, operators, plan, text, time};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

pub fn call(function: F, args: Args, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    let named = |udf: Arc<ScalarUDF>, args: Args| apply(udf, args, schema);
    Ok(match function {
        F::Eq => operators::binary(Operator::Eq, args, schema)?,
        F::NotEq => operators::binary(Operator::NotEq, args, schema)?,
        F::Lt => operators::binary(Operator::Lt, args, schema)?,
        F::LtEq => operators::binary(Operator::LtEq, args, schema)?,
        F::Gt => operators::binary(Operator::Gt, args, schema)?,
        F::GtEq => operators::binary(Operator::GtEq, args, schema)?,
        F::In => operators::one_of(at_least_two(args)?, schema)?,
        F::And => operators::logical(Operator::And, args, schema)?,
        F::Or => operators::logical(Operator::Or, args, schema)?,
        F::Not => Arc::new(NotExpr::new(single(args)?)),
        F::IsNull => Arc::new(IsNullExpr::new(single(args)?)),
        F::IsNotNull => Arc::new(IsNotNullExpr::new(single(args)?)),
        F::Coalesce => operators::coalesce(args, schema)?,
        F::NullIf => operators::null_if(args, schema)?,
        F::Add => operators::binary(Operator::Plus, args, schema)?,
        F::Sub => operators::binary(Operator::Minus, args, schema)?,
        F::Mul => operators::binary(Operator::Multiply, args, schema)?,
        F::Div => operators::binary(Operator::Divide, args, schema)?,
        F::Mod => operators::binary(Operator::Modulo, args, schema)?,
        F::Neg => operators::negative(single(args)?, schema)?,
        F::Abs => named(math::abs(), args)?,
        F::Round => named(math::round(), floats(args, schema)?)?,
        F::Floor => named(math::floor(), floats(args, schema)?)?,
        F::Ceil => named(math::ceil(), floats(args, schema)?)?,
        F::Sqrt => named(math::sqrt(), floats(args, schema)?)?,
        F::Power => named(math::power(), floats(args, schema)?)?,
        F::Upper => named(string::upper(), args)?,
        F::Lower => named(string::lower(), args)?,
        F::Trim => named(string::btrim(), args)?,
        F::Length => cast(named(unicode::character_length(), args)?, schema, DataType::Int64).map_err(plan)?,
        F::Concat => text::concat(args, schema)?,
        F::Substring => text::substring(args, schema)?,
        F::StartsWith => named(string::starts_with(), args)?,
        F::EndsWith => named(string::ends_with(), args)?,
        F::Contains => named(string::contains(), args)?,
        F::Replace => named(string::replace(), args)?,
        F::Like => {
            let [value, pattern] = pair(args)?;
            Arc::new(LikeExpr::new(false, false, value, pattern))
        }
        F::SplitPart => named(string::split_part(), args)?,
        F::RegexMatch => text::regex_match(args, schema)?,
        F::RegexExtract => text::regex_extract(args, schema)?,
        F::RegexReplace => text::regex_replace(args, schema)?,
        F::Truncate => time::truncate(args, schema)?,
        F::Extract => time::extract(args, schema)?,
        F::AddMilliseconds => time::add_milliseconds(args, schema)?,
        F::EpochMilliseconds => time::epoch_milliseconds(single(args)?, schema)?,
        F::GetField => nested::get_field(args, schema)?,
        F::ListElement => nested::list_element(args, schema)?,
        F::ListLength => nested::list_length(single(args)?, schema)?,
    })
}

/// A function of DataFusion's, or one made in its form.
pub fn apply(udf: Arc<ScalarUDF>, args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let call = ScalarFunctionExpr::try_new(udf, args, schema, Arc::new(ConfigOptions::default())).map_err(plan)?;
    Ok(Arc::new(call))
}

pub fn single(args: Args) -> Result<Arc<dyn PhysicalExpr>> {
    let [only] = <[_; 1]>::try_from(args).map_err(|args| plan(format!("one value is expected, not {}", args.len())))?;
    Ok(only)
}

pub fn pair(args: Args) -> Result<[Arc<dyn PhysicalExpr>; 2]> {
    <[_; 2]>::try_from(args).map_err(|args| plan(format!("two values are expected, not {}", args.len())))
}

fn at_least_two(args: Args) -> Result<Args> {
    if args.len() < 2 { Err(plan("in takes a value and a list")) } else { Ok(args) }
}

fn floats(args: Args, schema: &Schema) -> Result<Args> {
    args.into_iter().map(|arg| cast(arg, schema, DataType::Float64).map_err(plan)).collect()
}
