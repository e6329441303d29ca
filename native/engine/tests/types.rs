//! What a step declares and what its expressions give are of the same types, or the job is not built.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type};
use millrace_engine::ErrorCode;
use millrace_plan::*;
use run::{JobPlan, column, named, schema};

const MONEY: DataType = DataType::Decimal128(12, 2);

fn bids(job: &mut JobPlan) -> usize {
    let generator = GeneratorSource {
        kind: GeneratorKind::Bids,
        seed: 7,
        rate: 0,
        count: 100,
        start_time_ms: 1_700_000_000_000,
        events_per_second: 500,
        out_of_orderness_ms: 0,
        keys: 50,
    };
    job.bids(generator, 0)
}

fn literal(data_type: DataType, value: Value) -> Expr {
    Expr::Literal(Literal { data_type, value: Some(value) })
}

fn money(digits: &str) -> Expr {
    literal(MONEY, Value::String(digits.into()))
}

/// A job that selects one column, `total`.
fn selecting(expr: Expr, declared: DataType) -> JobPlan {
    let mut job = JobPlan::new();
    let bids = bids(&mut job);
    let kind = OperatorKind::Project(vec![named("total", expr)]);
    let select = job.add("select", &[bids], schema(&[("total", declared, false)]), kind);
    job.table(select, "totals");
    job
}

/// A job that has one aggregate, `total`, of all bids on an auction.
fn aggregating(function: AggregateFunction, of: Expr, declared: DataType) -> JobPlan {
    let mut job = JobPlan::new();
    let bids = bids(&mut job);
    let kind = OperatorKind::WindowAggregate(WindowAggregate {
        keys: vec![named("auction", column("auction"))],
        window: Window { size_ms: 60_000, slide_ms: 60_000, offset_ms: 0 },
        aggregates: vec![Aggregate { function, expr: Some(of) }],
        output: vec![named("total", column(&aggregate_column(0)))],
    });
    let window = job.add("window(tumbling 1m)", &[bids], schema(&[("total", declared, true)]), kind);
    job.table(window, "totals");
    job
}

fn refused(job: &JobPlan) -> String {
    let error = job.refusal();
    assert_eq!(error.code, ErrorCode::Plan);
    error.to_string()
}

fn first(rows: &RecordBatch) -> String {
    rows.column(0).as_primitive::<Decimal128Type>().value_as_string(0)
}

#[test]
fn a_selected_column_of_another_type_is_a_plan_error_that_names_step_and_column() {
    assert_eq!(
        refused(&selecting(column("price"), DataType::Utf8)),
        "select: column \"total\" is declared as string, but its expression gives int64: cast it"
    );
}

#[test]
fn an_aggregate_of_another_type_is_a_plan_error_that_names_step_and_column() {
    assert_eq!(
        refused(&aggregating(AggregateFunction::Sum, column("price"), DataType::Float64)),
        "window(tumbling 1m): column \"total\" is declared as float64, but its expression gives int64: cast it"
    );
}

#[test]
fn a_predicate_that_is_no_condition_is_a_plan_error() {
    let mut job = JobPlan::new();
    let bids = bids(&mut job);
    let filter = job.add("filter", &[bids], job.schema_of(bids), OperatorKind::Filter(column("price")));
    job.table(filter, "bids");
    assert_eq!(refused(&job), "filter: a condition is expected, not int64");
}

#[test]
fn a_decimal_becomes_the_declared_one_where_no_digit_is_lost() {
    let sum = Expr::Call { function: ExprFunction::Add, args: vec![money("1.50"), money("0.25")] };
    assert_eq!(first(&selecting(sum.clone(), MONEY).run(1, "totals")), "1.75");
    assert_eq!(first(&selecting(sum, DataType::Decimal128(20, 4)).run(1, "totals")), "1.7500");
    let product = Expr::Call { function: ExprFunction::Mul, args: vec![money("1.50"), money("0.25")] };
    assert_eq!(
        refused(&selecting(product, MONEY)),
        "select: column \"total\" is declared as decimal(12, 2), but its expression gives decimal(25, 4): cast it"
    );
}

#[test]
fn a_sum_of_decimals_has_ten_digits_more_or_as_many_as_are_declared() {
    let wide = DataType::Decimal128(22, 2);
    for declared in [wide, MONEY] {
        let rows = aggregating(AggregateFunction::Sum, money("1.50"), declared.clone()).run(1, "totals");
        assert_eq!(rows.column(0).data_type(), &declared);
        assert!(first(&rows).ends_with(['0', '5']), "{}", first(&rows));
    }
}
