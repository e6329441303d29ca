//! Windowed results of whole jobs equal a plain computation, at every parallelism.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};
use millrace_plan::*;
use run::{JobPlan, column, generated_bids, named, schema, timestamp};

const EVENTS: u64 = 20_000;

fn generator(out_of_orderness_ms: i64) -> GeneratorSource {
    GeneratorSource { events_per_second: 500, out_of_orderness_ms, keys: 50, ..generated_bids(EVENTS) }
}

fn aggregate(function: AggregateFunction, of: Option<&str>) -> Aggregate {
    Aggregate { function, expr: of.map(column) }
}

/// Count, sum and greatest of the prices in each window.
fn prices(job: &mut JobPlan, input: usize, keys: &[&str], window: Window) -> usize {
    let input_schema = job.schema_of(input);
    let mut fields: Vec<(&str, DataType, bool)> =
        keys.iter().map(|key| (*key, input_schema.field_with_name(key).unwrap().data_type().clone(), false)).collect();
    let mut output: Vec<NamedExpr> = keys.iter().map(|key| named(key, column(key))).collect();
    let times = [("start", timestamp(), Window::START), ("end", timestamp(), Window::END)];
    for (name, data_type, from) in times {
        fields.push((name, data_type, false));
        output.push(named(name, column(from)));
    }
    for (index, name) in ["n", "total", "top"].into_iter().enumerate() {
        fields.push((name, DataType::Int64, true));
        output.push(named(name, column(&aggregate_column(index))));
    }
    let kind = OperatorKind::WindowAggregate(WindowAggregate {
        keys: keys.iter().map(|key| named(key, column(key))).collect(),
        window,
        aggregates: vec![
            aggregate(AggregateFunction::Count, None),
            aggregate(AggregateFunction::Sum, Some("price")),
            aggregate(AggregateFunction::Max, Some("price")),
        ],
        output,
    });
    job.add("window", &[input], schema(&fields), kind)
}

type Results = BTreeMap<(String, i64, i64), (i64, i64, i64)>;

fn key_text(rows: &RecordBatch, keys: &[&str], row: usize) -> String {
    let text = |key: &&str| {
        let column = rows.column_by_name(key).unwrap();
        match column.data_type() {
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
            _ => column.as_string::<i32>().value(row).to_owned(),
        }
    };
    keys.iter().map(text).collect::<Vec<_>>().join("|")
}

fn results(rows: &RecordBatch, keys: &[&str]) -> Results {
    let mut results = Results::new();
    let time = |name| rows.column_by_name(name).unwrap().as_primitive::<TimestampMillisecondType>();
    let number = |name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>();
    for row in 0..rows.num_rows() {
        let key = (key_text(rows, keys, row), time("start").value(row), time("end").value(row));
        let values = (number("n").value(row), number("total").value(row), number("top").value(row));
        assert!(results.insert(key.clone(), values).is_none(), "{key:?} was emitted twice");
    }
    results
}

fn model(bids: &RecordBatch, keys: &[&str], window: Window) -> Results {
    let mut results = Results::new();
    let times = bids.column_by_name("dateTime").unwrap().as_primitive::<TimestampMillisecondType>();
    let prices = bids.column_by_name("price").unwrap().as_primitive::<Int64Type>();
    for row in 0..bids.num_rows() {
        let (time, price) = (times.value(row), prices.value(row));
        let mut start = (time - window.offset_ms).div_euclid(window.slide_ms) * window.slide_ms + window.offset_ms;
        while start + window.size_ms > time {
            let key = (key_text(bids, keys, row), start, start + window.size_ms);
            let (n, total, top) = results.entry(key).or_insert((0, 0, i64::MIN));
            (*n, *total, *top) = (*n + 1, *total + price, price.max(*top));
            start -= window.slide_ms;
        }
    }
    results
}

fn assert_equals_model(keys: &[&str], window: Window) {
    let mut raw = JobPlan::new();
    let bids = raw.bids(generator(800), 1000);
    raw.table(bids, "bids");
    let bids = raw.run(1, "bids");
    assert_eq!(bids.num_rows() as u64, EVENTS);

    let mut job = JobPlan::new();
    let source = job.bids(generator(800), 1000);
    let windowed = prices(&mut job, source, keys, window);
    job.table(windowed, "prices");
    let expected = model(&bids, keys, window);
    for parallelism in [1, 2, 4] {
        let got = results(&job.run(parallelism, "prices"), keys);
        assert_eq!(got, expected, "at parallelism {parallelism}");
    }
}

#[test]
fn tumbling_windows_by_an_integer() {
    assert_equals_model(&["auction"], Window { size_ms: 5000, slide_ms: 5000, offset_ms: 0 });
}

#[test]
fn tumbling_windows_with_an_offset_by_several_columns() {
    assert_equals_model(&["channel", "auction"], Window { size_ms: 5000, slide_ms: 5000, offset_ms: 1500 });
}

#[test]
fn hopping_windows() {
    assert_equals_model(&["auction"], Window { size_ms: 6000, slide_ms: 1000, offset_ms: 0 });
}

#[test]
fn hopping_windows_whose_slide_does_not_divide_their_size() {
    assert_equals_model(&["channel"], Window { size_ms: 5000, slide_ms: 2000, offset_ms: 0 });
}
