//! Every function and operator of expressions, as tables: an expression, columns `a`, `b`, `c`, and what comes of it.

mod arithmetic;
mod casts;
mod choice;
mod columns;
mod comparison;
mod coverage;
mod fit;
mod logic;
mod nested;
mod nulls;
mod regex;
mod text;
mod time;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, Schema, TimeUnit,
};
use arrow::util::display::array_value_to_string;
use millrace_plan::{Expr, ExprFunction, Literal, Value};

use super::{compile, evaluate};
use crate::{Error, ErrorCode};

/// One row of a table.
struct Case {
    expr: Expr,
    columns: Vec<ArrayRef>,
    expected: Expected,
}

enum Expected {
    Values(ArrayRef),
    /// It cannot be compiled; a part of the message.
    Refused(&'static str),
    /// It fails on a value; a part of the message.
    Fails(&'static str),
}

/// The expression gives these values, of this type.
fn gives<const N: usize>(expr: Expr, columns: [ArrayRef; N], values: ArrayRef) -> Case {
    Case { expr, columns: columns.into(), expected: Expected::Values(values) }
}

/// The expression is a plan error.
fn refused<const N: usize>(expr: Expr, columns: [ArrayRef; N], message: &'static str) -> Case {
    Case { expr, columns: columns.into(), expected: Expected::Refused(message) }
}

/// The expression fails the job on one of the rows.
fn fails<const N: usize>(expr: Expr, columns: [ArrayRef; N], message: &'static str) -> Case {
    Case { expr, columns: columns.into(), expected: Expected::Fails(message) }
}

fn call<const N: usize>(function: ExprFunction, args: [Expr; N]) -> Expr {
    Expr::Call { function, args: args.into() }
}

fn a() -> Expr {
    Expr::Column("a".into())
}

fn b() -> Expr {
    Expr::Column("b".into())
}

fn c() -> Expr {
    Expr::Column("c".into())
}

fn null(data_type: DataType) -> Expr {
    Expr::Literal(Literal { data_type, value: None })
}

fn int(value: i64) -> Expr {
    Expr::Literal(Literal { data_type: DataType::Int64, value: Some(Value::Int(value)) })
}

fn text(value: &str) -> Expr {
    Expr::Literal(Literal { data_type: DataType::Utf8, value: Some(Value::String(value.into())) })
}

fn check(cases: Vec<Case>) {
    let failures: Vec<String> = cases.iter().filter_map(|case| case.check().err()).collect();
    assert!(failures.is_empty(), "{} of {} rows fail\n\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let told = |what: String| format!("{:?}\nover {}\n{what}", self.expr, shown_all(&self.columns));
        let outcome = run(&self.expr, &batch(&self.columns));
        let values = match (&self.expected, outcome) {
            (Expected::Values(values), Ok(got)) => {
                same(values, &got).map_err(told)?;
                values
            }
            (Expected::Refused(message), Err(error)) => return fits(&error, ErrorCode::Plan, message).map_err(told),
            (Expected::Fails(message), Err(error)) => {
                return fits(&error, ErrorCode::Expression, message).map_err(told);
            }
            (Expected::Values(_), Err(error)) => return Err(told(format!("{:?}: {error}", error.code))),
            (_, Ok(got)) => return Err(told(format!("gives {}, not an error", shown(&got)))),
        };
        self.check_strict(values).map_err(|what| told(format!("with columns that have no nulls: {what}")))?;
        self.check_slice(values).map_err(|what| told(format!("in a part of the batch: {what}")))?;
        self.check_literals(values).map_err(|what| told(format!("with literals for columns: {what}")))
    }

    /// A batch that begins inside of longer columns gives the same, and so does an empty one.
    fn check_slice(&self, values: &ArrayRef) -> Result<(), String> {
        let rows = batch(&self.columns);
        for start in 0..=values.len() {
            let part = rows.slice(start, values.len() - start);
            let got = run(&self.expr, &part).map_err(|error| error.to_string())?;
            same(&values.slice(start, values.len() - start), &got)?;
        }
        Ok(())
    }

    /// Columns without nulls give the same values, and what the expression says of its own nulls holds then too.
    fn check_strict(&self, values: &ArrayRef) -> Result<(), String> {
        let got = run(&self.expr, &strict(&self.columns)).map_err(|error| error.to_string())?;
        same(values, &got)
    }

    /// A literal says the same as a column that holds it.
    fn check_literals(&self, values: &ArrayRef) -> Result<(), String> {
        for row in 0..values.len() {
            let expr = with_literals(&self.expr, &self.columns, row);
            let got = run(&expr, &batch(&self.columns).slice(row, 1)).map_err(|error| error.to_string())?;
            same(&values.slice(row, 1), &got)?;
        }
        Ok(())
    }
}

/// As [`batch`], of columns that are said to have nulls only if they do.
fn strict(columns: &[ArrayRef]) -> RecordBatch {
    batch_of(columns, |column| column.null_count() > 0)
}

fn batch(columns: &[ArrayRef]) -> RecordBatch {
    batch_of(columns, |_| true)
}

fn batch_of(columns: &[ArrayRef], nullable: fn(&ArrayRef) -> bool) -> RecordBatch {
    let field =
        |(column, name): (&ArrayRef, char)| Field::new(name.to_string(), column.data_type().clone(), nullable(column));
    let schema = Schema::new(columns.iter().zip('a'..).map(field).collect::<Vec<_>>());
    let options = RecordBatchOptions::new().with_row_count(Some(columns.first().map_or(1, |column| column.len())));
    RecordBatch::try_new_with_options(Arc::new(schema), columns.to_vec(), &options).unwrap()
}

/// Compiles and evaluates; what the compiled expression says of itself has to be so.
fn run(expr: &Expr, rows: &RecordBatch) -> Result<ArrayRef, Error> {
    let compiled = compile(expr, &rows.schema())?;
    let declared = compiled.data_type(&rows.schema()).unwrap();
    let nullable = compiled.nullable(&rows.schema()).unwrap();
    let values = evaluate(&compiled, rows)?;
    assert_eq!(values.len(), rows.num_rows(), "{expr:?}: rows");
    assert_eq!(values.data_type(), &declared, "{expr:?}: the type that it declares");
    assert!(nullable || values.null_count() == 0, "{expr:?} gives nulls that it does not declare");
    Ok(values)
}

fn same(expected: &ArrayRef, got: &ArrayRef) -> Result<(), String> {
    if with_one_nan(expected) == with_one_nan(got) {
        Ok(())
    } else {
        Err(format!("expected {}\n     got {}", shown(expected), shown(got)))
    }
}

/// The sign of a NaN is not told.
fn with_one_nan(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float64Type>() {
        Some(floats) => Arc::new(floats.unary::<_, Float64Type>(|x| if x.is_nan() { f64::NAN } else { x })),
        None => column.clone(),
    }
}

fn fits(error: &Error, code: ErrorCode, part: &str) -> Result<(), String> {
    if error.code == code && error.message.contains(part) {
        return Ok(());
    }
    Err(format!("expected {code:?}: … {part} …\n     got {:?}: {}", error.code, error.message))
}

fn shown(column: &ArrayRef) -> String {
    let cell = |row| if column.is_null(row) { "null".into() } else { array_value_to_string(column, row).unwrap() };
    format!("{} [{}]", column.data_type(), (0..column.len()).map(cell).collect::<Vec<_>>().join(", "))
}

fn shown_all(columns: &[ArrayRef]) -> String {
    columns.iter().map(shown).collect::<Vec<_>>().join(" and ")
}

fn with_literals(expr: &Expr, columns: &[ArrayRef], row: usize) -> Expr {
    let replace = |expr: &Expr| with_literals(expr, columns, row);
    match expr {
        Expr::Column(name) => {
            let index = usize::from(name.as_bytes()[0] - b'a');
            literal(&columns[index], row).map_or_else(|| expr.clone(), Expr::Literal)
        }
        Expr::Literal(_) => expr.clone(),
        Expr::Call { function, args } => Expr::Call { function: *function, args: args.iter().map(replace).collect() },
        Expr::Cast { expr, to, try_ } => Expr::Cast { expr: Box::new(replace(expr)), to: to.clone(), try_: *try_ },
        Expr::Case { whens, otherwise } => Expr::Case {
            whens: whens.iter().map(|(condition, then)| (replace(condition), replace(then))).collect(),
            otherwise: otherwise.as_ref().map(|otherwise| Box::new(replace(otherwise))),
        },
    }
}

/// A cell as a plan says it; lists and structs have no literals.
fn literal(column: &ArrayRef, row: usize) -> Option<Literal> {
    let data_type = column.data_type().clone();
    let value = match &data_type {
        DataType::List(_) | DataType::Struct(_) => return None,
        _ if column.is_null(row) => return Some(Literal { data_type, value: None }),
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Int32 => Value::Int(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => Value::Int(column.as_primitive::<Date32Type>().value(row).into()),
        DataType::Timestamp(..) => {
            let ticks = arrow::compute::cast(column, &DataType::Int64).unwrap();
            Value::Int(ticks.as_primitive::<Int64Type>().value(row))
        }
        DataType::Decimal128(..) => Value::String(column.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Utf8 => Value::String(column.as_string::<i32>().value(row).into()),
        DataType::Binary => Value::Bytes(column.as_binary::<i32>().value(row).into()),
        other => unreachable!("plans have no {other}"),
    };
    Some(Literal { data_type, value: Some(value) })
}
