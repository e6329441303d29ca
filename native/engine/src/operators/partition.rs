use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrowPrimitiveType, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::row::{RowConverter, SortField};
use arrow::temporal_conversions::as_datetime;
use datafusion_physical_expr::PhysicalExpr;
use millrace_plan::NamedExpr;

use crate::batch::internal;
use crate::expressions::{compile, evaluate, type_name};
use crate::{Error, ErrorCode, Result};

/// What Hive has where there is no value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Names of files and folders are no longer anywhere.
const MAX_NAME_BYTES: usize = 255;

/// Deals rows out to folders by the values of expressions: `day=2026-11-25/country=de`, as Hive and its kin read them.
pub struct Partitions {
    /// What stands before the values, and their expressions.
    columns: Vec<(String, Arc<dyn PhysicalExpr>)>,
    converter: RowConverter,
}

impl Partitions {
    /// `None` where there are no columns to go by.
    pub fn new(columns: &[NamedExpr], schema: &SchemaRef) -> Result<Option<Partitions>> {
        if columns.is_empty() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        let mut compiled = Vec::new();
        for NamedExpr { name, expr } in columns {
            let expr = compile(expr, schema)?;
            let data_type = expr.data_type(schema).map_err(internal)?;
            if !has_text(&data_type) {
                let message = format!(
                    "partitionBy \"{name}\" is {}: a folder is called by a bool, an int, a string, a date or a timestamp",
                    type_name(&data_type)
                );
                return Err(Error::new(ErrorCode::Plan, message));
            }
            fields.push(SortField::new(data_type));
            compiled.push((format!("{}=", escaped(name)), expr));
        }
        Ok(Some(Partitions { columns: compiled, converter: RowConverter::new(fields).map_err(internal)? }))
    }

    /// The rows of each folder, in the order in which the folders appear.
    pub fn split(&self, rows: &RecordBatch) -> Result<Vec<(Arc<str>, RecordBatch)>> {
        let values = self.columns.iter().map(|(_, expr)| evaluate(expr, rows)).collect::<Result<Vec<_>>>()?;
        let keys = self.converter.convert_columns(&values).map_err(internal)?;
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut known = HashMap::new();
        let mut last = None;
        for (row, key) in keys.iter().enumerate() {
            // Rows that come together often belong together.
            let group = match last {
                Some((before, group)) if before == key => group,
                _ => *known.entry(key).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                }),
            };
            groups[group].push(row as u32);
            last = Some((key, group));
        }
        let alone = groups.len() == 1;
        let parts = groups.into_iter().map(|members| {
            let folder = self.folder(&values, members[0] as usize)?;
            let part = if alone { Ok(rows.clone()) } else { take_record_batch(rows, &UInt32Array::from(members)) };
            Ok((folder.into(), part.map_err(internal)?))
        });
        parts.collect()
    }

    fn folder(&self, values: &[Arc<dyn Array>], row: usize) -> Result<String> {
        let mut folder = String::new();
        for ((name, _), values) in self.columns.iter().zip(values) {
            let value = text(values.as_ref(), row).filter(|text| !text.is_empty());
            let part = format!("{name}{}", value.map_or(NO_VALUE.into(), |text| escaped(&text)));
            if part.len() > MAX_NAME_BYTES {
                let shown: String = part.chars().take(40).collect();
                let message = format!(
                    "the folder \"{shown}…\" would have a name of {} bytes, and none has more than {MAX_NAME_BYTES}: partition by \
                     something shorter",
                    part.len()
                );
                return Err(Error::new(ErrorCode::Expression, message));
            }
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&part);
        }
        Ok(folder)
    }
}

fn has_text(data_type: &DataType) -> bool {
    use DataType::*;
    matches!(data_type, Boolean | Int32 | Int64 | Utf8 | Date32 | Timestamp(..))
}

/// A value as folders are called by it; `None` for null.
fn text(values: &dyn Array, row: usize) -> Option<String> {
    if values.is_null(row) {
        return None;
    }
    Some(match values.data_type() {
        DataType::Boolean => values.as_boolean().value(row).to_string(),
        DataType::Int32 => values.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Utf8 => values.as_string::<i32>().value(row).to_owned(),
        DataType::Date32 => time::<Date32Type>(values, row, "%Y-%m-%d"),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => time::<TimestampSecondType>(values, row, TIME),
            TimeUnit::Millisecond => time::<TimestampMillisecondType>(values, row, TIME),
            TimeUnit::Microsecond => time::<TimestampMicrosecondType>(values, row, TIME),
            TimeUnit::Nanosecond => time::<TimestampNanosecondType>(values, row, TIME),
        },
        _ => values.as_primitive_opt::<Int64Type>().map_or_else(String::new, |values| values.value(row).to_string()),
    })
}

const TIME: &str = "%Y-%m-%d %H:%M:%S%.f";

/// A time beyond the calendar is its number.
fn time<T: ArrowPrimitiveType>(values: &dyn Array, row: usize, format: &str) -> String
where
    T::Native: Into<i64>,
{
    let value: i64 = values.as_primitive::<T>().value(row).into();
    as_datetime::<T>(value).map_or_else(|| value.to_string(), |time| time.format(format).to_string())
}

/// As Hive writes what has a meaning in paths or globs.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_ascii_control() || "\"#%'*/:=?\\{}[]^".contains(char) {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{:02X}", char as u32);
        } else {
            escaped.push(char);
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMillisecondArray};
    use millrace_plan::Expr;

    use super::*;

    fn split(columns: Vec<(&str, ArrayRef)>, by: &[&str]) -> Result<Vec<(String, Vec<i64>)>> {
        let length = columns[0].1.len() as i64;
        let all = columns.into_iter().chain([("row", Arc::new(Int64Array::from_iter_values(0..length)) as ArrayRef)]);
        let rows = RecordBatch::try_from_iter(all).unwrap();
        let by: Vec<NamedExpr> =
            by.iter().map(|name| NamedExpr { name: (*name).into(), expr: Expr::Column((*name).into()) }).collect();
        let partitions = Partitions::new(&by, &rows.schema())?.unwrap();
        let numbers = |part: &RecordBatch| part["row"].as_primitive::<Int64Type>().values().to_vec();
        Ok(partitions.split(&rows)?.iter().map(|(folder, part)| (folder.to_string(), numbers(part))).collect())
    }

    #[test]
    fn rows_go_to_the_folder_of_their_values_in_their_order() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![20_782, 20_783, 20_782, 20_782]));
        let countries: ArrayRef = Arc::new(StringArray::from(vec!["de", "de", "fr", "de"]));
        assert_eq!(
            split(vec![("day", days), ("country", countries)], &["day", "country"]).unwrap(),
            [
                ("day=2026-11-25/country=de".to_owned(), vec![0, 3]),
                ("day=2026-11-26/country=de".to_owned(), vec![1]),
                ("day=2026-11-25/country=fr".to_owned(), vec![2]),
            ]
        );
    }

    #[test]
    fn what_has_a_meaning_in_a_path_is_escaped_and_no_value_has_a_name_of_its_own() {
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a/b=ü %*"), None, Some(""), Some("..")]));
        let folders: Vec<String> = split(vec![("x", values)], &["x"]).unwrap().into_iter().map(|(f, _)| f).collect();
        assert_eq!(folders, ["x=a%2Fb%3Dü %25%2A", &format!("x={NO_VALUE}"), &format!("x={NO_VALUE}"), "x=.."]);
    }

    #[test]
    fn a_timestamp_has_as_many_digits_as_it_needs() {
        let times: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![0, 1_764_072_000_250]));
        let folders: Vec<String> = split(vec![("at", times)], &["at"]).unwrap().into_iter().map(|(f, _)| f).collect();
        assert_eq!(folders, ["at=1970-01-01 00%3A00%3A00", "at=2025-11-25 12%3A00%3A00.250"]);
    }

    #[test]
    fn what_makes_no_name_of_a_folder_is_refused() {
        let numbers: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![1.0]));
        let error = split(vec![("x", numbers)], &["x"]).unwrap_err().to_string();
        assert!(error.contains("partitionBy \"x\" is float64: a folder is called by a bool, an int"), "{error}");
        let long: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(300)]));
        let error = split(vec![("x", long)], &["x"]).unwrap_err().to_string();
        assert!(error.contains("would have a name of 302 bytes"), "{error}");
    }
}
