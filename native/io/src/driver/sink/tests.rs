use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;

use super::*;
use crate::driver::call::{Answer, Call, Calls};
use crate::outbox::Posted;

fn config() -> Config {
    Config { driver: "things".into(), batch_rows: 3, linger_ms: 100, concurrency: 1, buffer_rows: 8 }
}

fn open(config: &Config) -> (DriverSink, Arc<Calls>) {
    let calls: Arc<Calls> = Arc::default();
    (DriverSink::open(config, Calling::new("sink-1", 0, calls.clone(), Arc::new(|| {}))), calls)
}

fn records(numbers: std::ops::Range<i64>) -> Records {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    Records { rows: Some(RecordBatch::try_from_iter([("n", column)]).unwrap()), ..Records::default() }
}

fn numbers(posted: &Posted<Call>) -> Vec<i64> {
    let Want::Write { rows } = &posted.request.want else { panic!("{posted:?}") };
    rows.column(0).as_primitive::<Int64Type>().values().to_vec()
}

fn written() -> Answer {
    Ok(Reply::Written(Vec::new()))
}

#[test]
fn batches_are_whole_and_come_one_after_the_other() {
    let (mut sink, calls) = open(&config());
    assert_eq!(sink.write(&records(0..7), 0).unwrap(), 7);
    let first = calls.take();
    assert_eq!(first.iter().map(|call| numbers(call)).collect::<Vec<_>>(), [[0, 1, 2]]);
    calls.answer(first[0].id, written());
    sink.poll(10).unwrap();
    let second = calls.take();
    assert_eq!(numbers(&second[0]), [3, 4, 5]);
    calls.answer(second[0].id, written());
    sink.poll(20).unwrap();
    assert!(calls.take().is_empty(), "the last row waits for others");
    assert_eq!(sink.next_poll_ms(), Some(100));
    sink.poll(100).unwrap();
    assert_eq!(numbers(&calls.take()[0]), [6]);
}

#[test]
fn what_is_not_written_is_bounded() {
    let (mut sink, calls) = open(&config());
    assert_eq!(sink.write(&records(0..20), 0).unwrap(), 8);
    assert_eq!(sink.write(&records(0..20), 8).unwrap(), 0);
    assert!(sink.fill() >= 1.0);
    calls.answer(calls.take()[0].id, written());
    sink.poll(0).unwrap();
    assert_eq!(sink.write(&records(0..20), 8).unwrap(), 3);
}

#[test]
fn an_epoch_is_durable_when_all_of_it_is_written() {
    let (mut sink, calls) = open(&Config { concurrency: 2, ..config() });
    sink.write(&records(0..4), 0).unwrap();
    sink.begin_epoch().unwrap();
    let both = calls.take();
    assert_eq!(both.iter().map(|call| numbers(call)).collect::<Vec<_>>(), [vec![0, 1, 2], vec![3]]);
    calls.answer(both[1].id, written());
    sink.poll(0).unwrap();
    assert_eq!(sink.durable_epochs(), 0);
    calls.answer(both[0].id, written());
    sink.poll(0).unwrap();
    assert_eq!(sink.durable_epochs(), 1);
}

#[test]
fn refused_rows_are_told_as_json_with_the_reason() {
    let (mut sink, calls) = open(&config());
    sink.write(&records(5..8), 0).unwrap();
    calls.answer(calls.take()[0].id, Ok(Reply::Written(vec![(1, "too even".into())])));
    sink.poll(0).unwrap();
    let refused = Refused { by: "things".into(), shard: 0, reason: "too even".into(), value: b"{\"n\":6}".to_vec() };
    assert_eq!(sink.take_refused(), [refused]);
}

#[test]
fn after_a_failure_nothing_is_durable_and_every_call_says_why() {
    let (mut sink, calls) = open(&config());
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 1);
    sink.write(&records(0..3), 0).unwrap();
    calls.answer(calls.take()[0].id, Err("things: gone".into()));
    assert_eq!(sink.poll(0), Err(Error("things: gone".into())));
    assert_eq!(sink.write(&records(0..3), 0), Err(Error("things: gone".into())));
    assert_eq!(sink.durable_epochs(), 0);
}
