//! Functions of strings.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Schema};
use datafusion_expr::Operator;
use datafusion_functions::{regex as regexes, string, unicode};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::{BinaryExpr, LikeExpr, lit};
use regex::{Captures, Regex};

use super::functions::{Output, apply, function};
use super::time::{integer_of, text_of};
use super::types::{self, exactly, integer, strings};
use super::{operators, plan};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// One string after the other; null if any is null.
pub fn concat(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let args = args.into_iter().map(|arg| types::string(arg, schema)).collect::<Result<Args>>()?;
    let joined = args.into_iter().reduce(|all, next| Arc::new(BinaryExpr::new(all, Operator::StringConcat, next)));
    joined.ok_or_else(|| plan("concat takes at least one string"))
}

/// From a character (the first is 0), and at most so many. Arguments: string, start, length?.
pub fn substring(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    if !(2..=3).contains(&args.len()) {
        return Err(plan("substring takes a string, a start and a length, if any"));
    }
    let mut args = args.into_iter().enumerate().map(|(index, arg)| match index {
        0 => types::string(arg, schema),
        // SQL counts from 1.
        1 => operators::binary(Operator::Plus, vec![integer(arg, schema)?, lit(1i64)], schema),
        _ => integer(arg, schema),
    });
    apply(unicode::substr(), args.by_ref().collect::<Result<_>>()?, schema)
}

pub fn like(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [value, pattern] = exactly(strings::<2>(args, schema)?)?;
    Ok(Arc::new(LikeExpr::new(false, false, value, pattern)))
}

/// Arguments: string, separator, number of the part (the first is 1).
pub fn split_part(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [value, separator, index] = exactly(args)?;
    let [value, separator] = exactly(strings::<2>(vec![value, separator], schema)?)?;
    apply(string::split_part(), vec![value, separator, integer(index, schema)?], schema)
}

pub fn regex_match(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let args = strings::<2>(args, schema)?;
    pattern(&args[1])?;
    apply(regexes::regexp_like(), args, schema)
}

/// Replaces every match. Arguments: string, pattern, replacement.
pub fn regex_replace(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [value, regex, by] = exactly(strings::<3>(args, schema)?)?;
    let regex = pattern(&regex)?;
    let replace = move |values: &[ArrayRef]| {
        let rows = values[0].as_string::<i32>().iter().zip(values[1].as_string::<i32>());
        let replaced = rows.map(|(text, by)| Some(replace_all(&regex, text?, by?)));
        Ok(Arc::new(replaced.collect::<StringArray>()) as ArrayRef)
    };
    function(
        "regex_replace",
        vec![value, by],
        Output { data_type: DataType::Utf8, may_be_null: false },
        replace,
        schema,
    )
}

/// `$1` stands for a group whatever follows it; `$$` for a dollar sign.
fn replace_all<'a>(regex: &Regex, text: &'a str, by: &str) -> Cow<'a, str> {
    regex.replace_all(text, |found: &Captures| {
        let mut out = String::new();
        let mut rest = by;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = expand(after, found, &mut out);
        }
        out + rest
    })
}

/// Writes what the reference says that `text` is the rest of, and gives what follows it.
fn expand<'a>(text: &'a str, found: &Captures, out: &mut String) -> &'a str {
    if let Some(rest) = text.strip_prefix('$') {
        out.push('$');
        return rest;
    }
    let braced = text.strip_prefix('{').and_then(|inner| inner.split_once('}'));
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (name, rest) = match braced {
        Some(parts) => parts,
        None if digits > 0 => text.split_at(digits),
        None => {
            out.push('$');
            return text;
        }
    };
    let group = match name.parse() {
        Ok(number) => found.get(number),
        Err(_) => found.name(name),
    };
    out.push_str(group.map_or("", |group| group.as_str()));
    rest
}

/// A group of the first match, null where there is none. Arguments: string, pattern, group.
pub fn regex_extract(mut args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let group = match (args.len() > 2).then(|| args.remove(2)) {
        Some(group) => integer_of(&group).ok_or_else(|| plan("the number of a group is a literal"))?,
        None => 0,
    };
    let [value, regex] = exactly(strings::<2>(args, schema)?)?;
    let regex = pattern(&regex)?;
    let known = usize::try_from(group).ok().filter(|group| *group < regex.captures_len());
    let group = known.ok_or_else(|| plan(format!("{regex} has no group {group}")))?;
    let extract = move |values: &[ArrayRef]| {
        let found = |text| Some(regex.captures(text)?.get(group)?.as_str());
        let found: StringArray = values[0].as_string::<i32>().iter().map(|text| text.and_then(found)).collect();
        Ok(Arc::new(found) as ArrayRef)
    };
    function("regex_extract", vec![value], Output { data_type: DataType::Utf8, may_be_null: true }, extract, schema)
}

/// The pattern of a literal, compiled once.
fn pattern(expr: &Arc<dyn PhysicalExpr>) -> Result<Regex> {
    let text = text_of(expr).ok_or_else(|| plan("a regular expression is a literal"))?;
    Regex::new(&text).map_err(|error| plan(format!("regular expression {text}: {error}")))
}
