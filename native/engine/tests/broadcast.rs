//! Joins with what is broadcast.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod run;

use std::path::Path;

use arrow::datatypes::DataType;
use millrace_engine::{ErrorCode, Start};
use millrace_plan::*;
use run::{JobPlan, Until, checkpoints, column, generated_bids, lines, named, schema};
use tempfile::tempdir;

const EVENTS: u64 = 60_000;
const AUCTIONS: u64 = 3_000;

/// Bids joined with themselves by their auction: every bid has a match once its own has been broadcast, and the match is of
/// its auction.
fn job(folder: &Path, backend: StateBackend, keep_unmatched: bool) -> JobPlan {
    let mut job = JobPlan::new();
    job.exactly_once(checkpoints(folder, backend));
    let bids = job.bids(GeneratorSource { out_of_orderness_ms: 0, keys: AUCTIONS, ..generated_bids(EVENTS) }, 0);
    let join = BroadcastJoin {
        on: vec![named("auction", column("auction"))],
        keys: vec![named("auction", column("auction"))],
        output: vec![
            named("auction", column("auction")),
            named("of", column(&broadcast_column("auction"))),
            named("price", column(&broadcast_column("price"))),
        ],
        keep_unmatched,
    };
    let fields = ["auction", "of", "price"].map(|name| (name, DataType::Int64, true));
    let joined = job.add_with_id("join", "join", &[bids, bids], schema(&fields), OperatorKind::BroadcastJoin(join));
    job.files(joined, &folder.join("results"));
    job
}

fn number(line: &str, column: &str) -> Option<i64> {
    let after = line.split(&format!("\"{column}\":")).nth(1)?;
    after.split([',', '}']).next()?.parse().ok()
}

#[test]
fn every_row_comes_once_with_a_match_of_its_key_over_cuts() {
    for (backend, parallelism) in [(StateBackend::RocksDb, 2), (StateBackend::Filesystem, 3)] {
        let folder = tempdir().unwrap();
        let mut cuts = 0;
        loop {
            let until = Until::Checkpoints { at_least: 1, steps: cuts * 3 };
            if job(folder.path(), backend, true).run_until(parallelism, Start::Latest, until).unwrap().ended {
                break;
            }
            cuts += 1;
        }
        let lines = lines(folder.path());
        let what = format!("{backend:?}, {cuts} cuts");
        assert!(cuts > 0, "{what}");
        assert_eq!(lines.values().sum::<usize>() as u64, EVENTS, "{what}");
        let matched: Vec<_> = lines.keys().filter(|line| number(line, "of").is_some()).collect();
        assert!(matched.iter().all(|line| number(line, "of") == number(line, "auction")), "{what}");
        // How many is a matter of who comes first.
        assert!(!matched.is_empty(), "{what}");
    }
}

#[test]
fn keys_of_another_type_are_refused() {
    let folder = tempdir().unwrap();
    let mut job = job(folder.path(), StateBackend::RocksDb, false);
    job.change(1, |operator| {
        let OperatorKind::BroadcastJoin(join) = &mut operator.kind else { unreachable!() };
        join.on = vec![named("channel", column("channel"))];
    });
    let error = job.refusal();
    assert_eq!(error.code, ErrorCode::Plan);
    assert!(error.message.contains("rows are matched by [Utf8], but the key is [Int64]"), "{error}");
}
