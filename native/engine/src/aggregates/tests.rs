//! Partial results over slots, merged, equal a plain computation.

use arrow::array::{AsArray, Float64Array, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion_expr::EmitTo;
use millrace_plan::Expr;

use super::*;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("x", DataType::Float64, false),
        Field::new("s", DataType::Utf8, false),
    ]))
}

/// One group; every third `n` is null; times run backwards.
fn rows(numbers: std::ops::Range<i64>) -> (RecordBatch, Int64Array) {
    let n: Int64Array = numbers.clone().map(|i| (i % 3 != 0).then_some(i % 10)).collect();
    let x: Float64Array = numbers.clone().map(|i| i as f64).collect();
    let s: StringArray = numbers.clone().map(|i| Some(format!("s{i}"))).collect();
    let times: Int64Array = numbers.map(|i| 1000 - i).collect();
    (RecordBatch::try_new(schema(), vec![Arc::new(n), Arc::new(x), Arc::new(s)]).unwrap(), times)
}

/// Two slots that each see a half, then a merge.
fn in_two_steps(function: F, column: Option<&str>) -> ArrayRef {
    let expr = column.map(|name| Expr::Column(name.into()));
    let aggregate = WindowedAggregate::new(&Aggregate { function, expr }, &schema()).unwrap();
    let mut merged = aggregate.accumulator().unwrap();
    for half in [0..50, 50..100] {
        let mut partial = aggregate.accumulator().unwrap();
        let (rows, times) = rows(half);
        let groups = vec![0; rows.num_rows()];
        partial.update_batch(&aggregate.arguments(&rows, &times).unwrap(), &groups, None, 1).unwrap();
        let states = partial.state(EmitTo::All).unwrap();
        for (state, field) in states.iter().zip(aggregate.state_fields()) {
            assert_eq!(state.data_type(), field.data_type(), "{function:?}");
        }
        merged.merge_batch(&states, &[0], 1).unwrap();
    }
    let output = aggregate.output(merged.evaluate(EmitTo::All).unwrap()).unwrap();
    assert_eq!(output.data_type(), aggregate.output_type());
    output
}

fn int(function: F, column: Option<&str>) -> i64 {
    in_two_steps(function, column).as_primitive::<Int64Type>().value(0)
}

fn float(function: F, column: &str) -> f64 {
    in_two_steps(function, Some(column)).as_primitive::<Float64Type>().value(0)
}

#[test]
fn counts() {
    assert_eq!(int(F::Count, None), 100);
    assert_eq!(int(F::Count, Some("n")), 66);
    assert_eq!(int(F::CountDistinct, Some("n")), 10);
    assert_eq!(int(F::CountDistinct, Some("s")), 100);
    assert!((98..=102).contains(&int(F::ApproxCountDistinct, Some("s"))));
    assert_eq!(int(F::ApproxCountDistinct, Some("n")), 10);
}

#[test]
fn sums_and_means() {
    let expected: i64 = (0..100).filter(|i| i % 3 != 0).map(|i| i % 10).sum();
    assert_eq!(int(F::Sum, Some("n")), expected);
    assert_eq!(float(F::Avg, "n"), expected as f64 / 66.0);
    assert_eq!(float(F::Sum, "x"), 4950.0);
    assert!((float(F::Stddev, "x") - 29.011_491_975_882_016).abs() < 1e-9);
    assert!((float(F::ApproxQuantile(0.5), "x") - 49.5).abs() < 2.0);
}

#[test]
fn extremes() {
    assert_eq!((int(F::Min, Some("n")), int(F::Max, Some("n"))), (0, 9));
    assert_eq!(in_two_steps(F::Max, Some("s")).as_string::<i32>().value(0), "s99");
}

#[test]
fn first_and_last_go_by_event_time_not_by_arrival() {
    assert_eq!(float(F::First, "x"), 99.0);
    assert_eq!(float(F::Last, "x"), 0.0);
    assert_eq!(in_two_steps(F::First, Some("s")).as_string::<i32>().value(0), "s99");
    assert_eq!(int(F::First, Some("n")), 8, "a null is passed over");
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    let aggregate = Aggregate { function: F::Sum, expr: Some(Expr::Column("n".into())) };
    let mut sum = WindowedAggregate::new(&aggregate, &schema()).unwrap().accumulator().unwrap();
    let values: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let error = sum.update_batch(&[values], &[0, 0], None, 1).map_err(aggregate_error).unwrap_err();
    assert_eq!(error.code, ErrorCode::Expression);
    assert!(error.message.contains("out of range for int64"), "{error}");
}
