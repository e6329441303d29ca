use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use millrace_io::{Call, Calls, Posted};
use millrace_plan::{Expr, NamedExpr};

use super::*;
use crate::live::Live;
use crate::operators::broadcast::BroadcastJoin;

fn input() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]))
}

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("name", DataType::Utf8, false)]))
}

fn lookup(keep_unmatched: bool, cache_rows: usize) -> (Lookup, Arc<Calls>) {
    let calls: Arc<Calls> = Arc::default();
    let on = [NamedExpr { name: "key".into(), expr: Expr::Column("id".into()) }];
    let lookup = Lookup::new(LookupParts {
        step: "lookupJoin".into(),
        keys: LookupKeys::new(&on, &input()).unwrap(),
        columns: columns(),
        scope: BroadcastJoin::scope(&input(), &columns()),
        keep_unmatched,
        batch_keys: 3,
        cache: Cache::new(cache_rows, None),
        calling: Calling::new("lookup-1", 0, calls.clone(), Arc::new(|| {})),
        environment: Arc::new(Live::new()),
        counters: Arc::default(),
    });
    (lookup, calls)
}

fn batch(ids: &[Option<i64>]) -> Batch {
    let column: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
    Batch { rows: RecordBatch::try_new(input(), vec![column]).unwrap(), times: None, pane: None }
}

fn some(ids: std::ops::Range<i64>) -> Batch {
    batch(&ids.map(Some).collect::<Vec<_>>())
}

fn asked(call: &Posted<Call>) -> Vec<i64> {
    let Want::Find { keys, .. } = &call.request.want else { panic!("{call:?}") };
    assert_eq!(keys.schema().field(0).name(), "key");
    keys.column(0).as_primitive::<Int64Type>().values().to_vec()
}

/// Even keys have a row.
fn answer(calls: &Calls, call: &Posted<Call>) {
    let even = asked(call).into_iter().zip(0..).filter(|(key, _)| key % 2 == 0);
    let (names, keys): (Vec<String>, Vec<u32>) = even.map(|(key, index)| (format!("n{key}"), index)).unzip();
    let rows = RecordBatch::try_new(columns(), vec![Arc::new(StringArray::from(names))]).unwrap();
    calls.answer(call.id, Ok(Reply::Found(Found { rows, keys })));
}

fn answer_all(calls: &Calls) -> Vec<Vec<i64>> {
    let waiting = calls.take();
    waiting.iter().for_each(|call| answer(calls, call));
    waiting.iter().map(|call| asked(call)).collect()
}

/// Rows as "id name", what else comes by its name.
fn received(lookup: &mut Lookup) -> Vec<String> {
    let mut all = Vec::new();
    while let Some((event, _)) = lookup.receive().unwrap() {
        match event {
            Event::Watermark(watermark) => all.push(format!("watermark {}", watermark.time)),
            Event::Barrier(barrier) => all.push(format!("barrier {barrier}")),
            Event::Batch(batch) => {
                let ids = batch.rows.column(0).as_primitive::<Int64Type>().iter();
                let names = batch.rows.column_by_name("$name").unwrap().as_string::<i32>().iter();
                let text = |(id, name): (Option<i64>, Option<&str>)| {
                    format!("{} {}", id.map_or("-".into(), |id| id.to_string()), name.unwrap_or("-"))
                };
                all.extend(ids.zip(names).map(text));
            }
        }
    }
    all
}

#[test]
fn rows_come_out_beside_their_matches_and_each_key_is_asked_for_once() {
    let (mut lookup, calls) = lookup(false, 100);
    lookup.send(batch(&[Some(2), Some(3), Some(2), None, Some(4), Some(6)]), 0).unwrap();
    assert!(received(&mut lookup).is_empty());
    assert_eq!(answer_all(&calls), [vec![2, 3, 4], vec![6]]);
    assert_eq!(received(&mut lookup), ["2 n2", "2 n2", "4 n4", "6 n6"]);
}

#[test]
fn a_left_join_keeps_rows_without_a_match_and_without_a_key() {
    let (mut lookup, calls) = lookup(true, 100);
    lookup.send(batch(&[Some(2), Some(3), None]), 0).unwrap();
    answer_all(&calls);
    assert_eq!(received(&mut lookup), ["2 n2", "3 -", "- -"]);
}

#[test]
fn what_comes_later_waits_for_what_came_before() {
    let (mut lookup, calls) = lookup(true, 100);
    lookup.send(some(0..2), 0).unwrap();
    lookup.watermark(Watermark { time: 5, idle: false }, 0);
    lookup.send(some(0..3), 0).unwrap();
    lookup.barrier(1, 0);
    let waiting = calls.take();
    assert_eq!(
        waiting.iter().map(|call| asked(call)).collect::<Vec<_>>(),
        [vec![0, 1], vec![2]],
        "two are on their way"
    );
    answer(&calls, &waiting[1]);
    assert!(received(&mut lookup).is_empty());
    answer(&calls, &waiting[0]);
    assert_eq!(received(&mut lookup), ["0 n0", "1 -", "watermark 5", "0 n0", "1 -", "2 n2", "barrier 1"]);
}

#[test]
fn what_was_found_is_kept_as_far_as_there_is_room() {
    let (mut with, of_with) = lookup(true, 100);
    let (mut without, of_without) = lookup(true, 0);
    for (lookup, calls, asks_again) in [(&mut with, &of_with, false), (&mut without, &of_without, true)] {
        lookup.send(some(0..3), 0).unwrap();
        answer_all(calls);
        let first = received(lookup);
        lookup.send(some(0..3), 0).unwrap();
        assert_eq!(answer_all(calls), if asks_again { vec![vec![0, 1, 2]] } else { Vec::new() });
        assert_eq!(received(lookup), first);
    }
}

#[test]
fn a_cache_that_turns_over_gives_the_same_as_none() {
    let (mut lookup, calls) = lookup(true, 40);
    let mut seed = 7_u64;
    for _ in 0..200 {
        let ids: Vec<i64> = (0..15)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((seed >> 33) % 40) as i64
            })
            .collect();
        lookup.send(batch(&ids.iter().copied().map(Some).collect::<Vec<_>>()), 0).unwrap();
        answer_all(&calls);
        let expected = ids.iter().map(|id| if id % 2 == 0 { format!("{id} n{id}") } else { format!("{id} -") });
        assert_eq!(received(&mut lookup), expected.collect::<Vec<_>>());
    }
    assert!(lookup.counters.lookups.hits.get() > lookup.counters.lookups.misses.get());
}

#[test]
fn too_much_that_waits_blocks_what_leads_here() {
    let (mut lookup, calls) = lookup(true, 100);
    while !lookup.is_blocked() {
        lookup.send(some(0..1000), 0).unwrap();
    }
    answer_all(&calls);
    received(&mut lookup);
    assert!(!lookup.is_blocked());
}

#[test]
fn a_failure_ends_the_step_with_its_reason() {
    let (mut lookup, calls) = lookup(true, 100);
    lookup.send(some(0..1), 0).unwrap();
    calls.answer(calls.take()[0].id, Err("things: gone".into()));
    let error = lookup.receive().err().unwrap();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Source, "things: gone"));
}
