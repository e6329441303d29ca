//! Functions of strings.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::ScalarValue;
use datafusion_expr::{ColumnarValue, Operator, Volatility, create_udf};
use datafusion_functions::{regex as regexes, unicode};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, Literal, cast, lit};
use regex::Regex;

use super::functions::apply;
use super::time::text_of;
use super::{operators, plan};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// One string after the other; null if any is null.
pub fn concat(args: Args, _schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let joined = args.into_iter().reduce(|all, next| Arc::new(BinaryExpr::new(all, Operator::StringConcat, next)));
    joined.ok_or_else(|| plan("concat takes at least one string"))
}

/// From a character (the first is 0), and at most so many. Arguments: string, start, length?.
pub fn substring(mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    if let Some(start) = args.get_mut(1) {
        // SQL counts from 1.
        let zero_based = cast(start.clone(), schema, DataType::Int64).map_err(plan)?;
        *start = operators::binary(Operator::Plus, vec![zero_based, lit(1i64)], schema)?;
    }
    if let Some(length) = args.get_mut(2) {
        *length = cast(length.clone(), schema, DataType::Int64).map_err(plan)?;
    }
    apply(unicode::substr(), args, schema)
}

pub fn regex_match(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    pattern(args.get(1))?;
    apply(regexes::regexp_like(), args, schema)
}

/// Replaces every match.
pub fn regex_replace(mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    pattern(args.get(1))?;
    args.push(lit("g"));
    apply(regexes::regexp_replace(), args, schema)
}

/// A group of the first match, null where there is none. Arguments: string, pattern, group.
pub fn regex_extract(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let regex = pattern(args.get(1))?;
    let group = match args.get(2).and_then(|group| group.downcast_ref::<Literal>()).map(Literal::value) {
        Some(ScalarValue::Int32(Some(group))) => *group as usize,
        Some(ScalarValue::Int64(Some(group))) => *group as usize,
        None => 0,
        Some(other) => return Err(plan(format!("the number of a group is expected, not {other}"))),
    };
    if group >= regex.captures_len() {
        return Err(plan(format!("{regex} has no group {group}")));
    }
    let extract = move |values: &[ColumnarValue]| {
        let strings = match values {
            [ColumnarValue::Array(strings)] => strings.clone(),
            [ColumnarValue::Scalar(string)] => string.to_array()?,
            _ => return datafusion_common::internal_err!("one string is expected"),
        };
        let found = |text: &str| Some(regex.captures(text)?.get(group)?.as_str().to_owned());
        let found: StringArray = strings.as_string::<i32>().iter().map(|text| text.and_then(found)).collect();
        Ok(ColumnarValue::Array(Arc::new(found) as ArrayRef))
    };
    let udf =
        create_udf("regex_extract", vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(extract));
    apply(Arc::new(udf), args.into_iter().take(1).collect(), schema)
}

/// The pattern of a literal, compiled once.
fn pattern(expr: Option<&Arc<dyn PhysicalExpr>>) -> Result<Regex> {
    let text = expr.and_then(text_of).ok_or_else(|| plan("a regular expression is a literal"))?;
    Regex::new(&text).map_err(|error| plan(format!("regular expression {text}: {error}")))
}
