//! One list of all functions.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{ColumnarValue, Operator, ScalarUDF, Volatility, create_udf};
use datafusion_functions::{math, string, unicode};
use datafusion_physical_expr::expressions::{IsNotNullExpr, IsNullExpr, NotExpr, cast};
use datafusion_physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use millrace_plan::ExprFunction as F;

use super::types::{condition, exactly, float, number, strings};
use super::{nested, operators, plan, text, time, type_of};
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
        F::Not => Arc::new(NotExpr::new(condition(single(args)?, schema)?)),
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
        F::Abs => named(math::abs(), vec![number(single(args)?, schema)?])?,
        F::Round => named(math::round(), floats::<1>(args, schema)?)?,
        F::Floor => named(math::floor(), floats::<1>(args, schema)?)?,
        F::Ceil => named(math::ceil(), floats::<1>(args, schema)?)?,
        F::Sqrt => named(math::sqrt(), floats::<1>(args, schema)?)?,
        F::Power => named(math::power(), floats::<2>(args, schema)?)?,
        F::Upper => named(string::upper(), strings::<1>(args, schema)?)?,
        F::Lower => named(string::lower(), strings::<1>(args, schema)?)?,
        F::Trim => named(string::btrim(), strings::<1>(args, schema)?)?,
        F::Length => {
            let characters = named(unicode::character_length(), strings::<1>(args, schema)?)?;
            cast(characters, schema, DataType::Int64).map_err(plan)?
        }
        F::Concat => text::concat(args, schema)?,
        F::Substring => text::substring(args, schema)?,
        F::StartsWith => named(string::starts_with(), strings::<2>(args, schema)?)?,
        F::EndsWith => named(string::ends_with(), strings::<2>(args, schema)?)?,
        F::Contains => named(string::contains(), strings::<2>(args, schema)?)?,
        F::Replace => named(string::replace(), strings::<3>(args, schema)?)?,
        F::Like => text::like(args, schema)?,
        F::SplitPart => text::split_part(args, schema)?,
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

/// A function that is computed here, from arrays of the arguments' types to one as `output` says.
pub fn function(
    name: &str,
    args: Args,
    output: Output,
    compute: impl Fn(&[ArrayRef]) -> datafusion_common::Result<ArrayRef> + Send + Sync + 'static,
    schema: &Schema,
) -> Result<Arc<dyn PhysicalExpr>> {
    let inputs = args.iter().map(|arg| type_of(arg, schema)).collect::<Result<_>>()?;
    let compute = move |values: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        compute(&arrays).map(ColumnarValue::Array)
    };
    let Output { data_type, may_be_null } = output;
    let nullable = args.iter().map(|arg| arg.nullable(schema)).collect::<datafusion_common::Result<Vec<_>>>();
    let any_null = nullable.map_err(plan)?.contains(&true);
    let field = Field::new(name, data_type.clone(), may_be_null || any_null);
    let udf = create_udf(name, inputs, data_type, Volatility::Immutable, Arc::new(compute));
    Ok(Arc::new(ScalarFunctionExpr::new(name, Arc::new(udf), args, Arc::new(field), Arc::default())))
}

/// What a function gives.
pub struct Output {
    pub data_type: DataType,
    /// Though no argument is.
    pub may_be_null: bool,
}

fn single(args: Args) -> Result<Arc<dyn PhysicalExpr>> {
    let [only] = exactly(args)?;
    Ok(only)
}

fn at_least_two(args: Args) -> Result<Args> {
    if args.len() < 2 { Err(plan("in takes a value and a list")) } else { Ok(args) }
}

fn floats<const N: usize>(args: Args, schema: &Schema) -> Result<Args> {
    exactly::<N>(args)?.into_iter().map(|arg| float(arg, schema)).collect()
}
