//! What the outputs of a job are to be, computed from its input without an engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use millrace_plan::{Expr, ExprFunction, Guarantee, Literal, Value, Window};

use super::broker::Broker;
use super::scenario::column;

#[derive(Debug, Clone, Copy)]
pub struct Event {
    pub id: i64,
    pub key: i64,
    pub price: i64,
    pub at: i64,
}

impl Event {
    pub fn line(&self) -> String {
        let Event { id, key, price, at } = self;
        format!(r#"{{"id":{id},"key":{key},"price":{price},"at":{at}}}"#)
    }
}

/// Rows that cost less are filtered out.
const LEAST_PRICE: i64 = 20;

pub fn predicate() -> Expr {
    let least = Expr::Literal(Literal { data_type: DataType::Int64, value: Some(Value::Int(LEAST_PRICE)) });
    Expr::Call { function: ExprFunction::GtEq, args: vec![column("price"), least] }
}

/// By partition and then in their order.
pub fn rows(partitions: &[Vec<Event>]) -> Vec<String> {
    partitions.iter().flatten().filter(|event| event.price >= LEAST_PRICE).map(Event::line).collect()
}

/// Every row with its key.
pub fn joined(partitions: &[Vec<Event>]) -> Vec<String> {
    let line = |event: &Event| format!(r#"{{"id":{},"key":{}}}"#, event.id, event.key);
    partitions.iter().flatten().map(line).collect()
}

/// The keys that there are, each once.
pub fn keys(partitions: &[Vec<Event>]) -> Vec<String> {
    let keys: BTreeSet<i64> = partitions.iter().flatten().map(|event| event.key).collect();
    keys.iter().map(|key| format!(r#"{{"key":{key}}}"#)).collect()
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Aggregates {
    count: i64,
    sum: i64,
    max: i64,
}

impl Aggregates {
    fn add(&mut self, value: i64) {
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.count += 1;
        self.sum += value;
    }
}

/// By end and key.
pub type Results = BTreeMap<(i64, i64), Aggregates>;

/// An event counts in every window over it that its own partition has not passed.
pub fn windows(partitions: &[Vec<Event>], window: Window, out_of_orderness_ms: i64) -> Results {
    let mut results = Results::new();
    for events in partitions {
        let mut reached = i64::MIN;
        for event in events {
            for end in ends(window, event.at).filter(|&end| end > reached) {
                results.entry((end, event.key)).or_default().add(event.price);
            }
            reached = reached.max(event.at - out_of_orderness_ms);
        }
    }
    results
}

/// A result happened just before the end of its window, and is never late.
pub fn windows_of_results(of: &Results, window: Window) -> Results {
    let mut results = Results::new();
    for (&(end, key), aggregates) in of {
        for end in ends(window, end - 1) {
            results.entry((end, key)).or_default().add(aggregates.sum);
        }
    }
    results
}

/// The ends of the windows over a time.
fn ends(Window { size_ms, slide_ms, .. }: Window, at: i64) -> impl Iterator<Item = i64> {
    let last_start = at.div_euclid(slide_ms) * slide_ms;
    let starts = std::iter::successors(Some(last_start), move |start| Some(start - slide_ms));
    starts.take_while(move |start| start + size_ms > at).map(move |start| start + size_ms)
}

pub fn lines(results: &Results) -> Vec<String> {
    let line = |(&(end, key), &Aggregates { count, sum, max })| {
        format!(r#"{{"key":{key},"end":{end},"count":{count},"sum":{sum},"max":{max}}}"#)
    };
    results.iter().map(line).collect()
}

/// What one output is to hold.
pub struct Expected {
    output: Output,
    rows: BTreeMap<String, usize>,
}

enum Output {
    Topic(String),
    Files(PathBuf),
}

impl Expected {
    pub fn topic(name: &str, rows: &[String]) -> Self {
        Expected { output: Output::Topic(name.into()), rows: counted(rows.iter().cloned()) }
    }

    pub fn files(directory: &Path, rows: &[String]) -> Self {
        Expected { output: Output::Files(directory.into()), rows: counted(rows.iter().cloned()) }
    }

    /// Says what is wrong with what is visible.
    pub fn check(&self, broker: &Broker, guarantee: Guarantee) -> Result<(), String> {
        let (may_miss, may_double) = (guarantee == Guarantee::AtMostOnce, guarantee == Guarantee::AtLeastOnce);
        let (name, partitions) = match &self.output {
            Output::Topic(topic) => {
                let text = |row: &&[u8]| String::from_utf8_lossy(row).into_owned();
                let partitions = broker.committed(topic);
                (topic.clone(), partitions.iter().map(|rows| rows.iter().map(text).collect()).collect::<Vec<Vec<_>>>())
            }
            Output::Files(directory) => (directory.display().to_string(), visible(directory)),
        };
        let got = counted(partitions.iter().flatten().cloned());
        let missing: Vec<_> = self.rows.keys().filter(|row| !may_miss && !got.contains_key(*row)).take(5).collect();
        let wrong: Vec<_> = got.keys().filter(|row| !self.rows.contains_key(*row)).take(5).collect();
        let doubled: Vec<_> = got.iter().filter(|(_, times)| **times > 1 && !may_double).take(5).collect();
        if !missing.is_empty() || !wrong.is_empty() || !doubled.is_empty() {
            return Err(format!("{name}: missing {missing:?}, wrong {wrong:?}, doubled {doubled:?}"));
        }
        let in_order = partitions.iter().all(|rows| is_in_order(rows));
        if !may_double && matches!(self.output, Output::Topic(_)) && !in_order {
            return Err(format!("{name}: rows of one partition are out of order: {partitions:?}"));
        }
        Ok(())
    }
}

/// Rows of one partition of the input stay in their order.
fn is_in_order(rows: &[String]) -> bool {
    let mut ids = rows.iter().filter_map(|row| row.strip_prefix(r#"{"id":"#)?.split(',').next()?.parse::<i64>().ok());
    let mut last = BTreeMap::new();
    ids.all(|id| last.insert(id / 1000, id).is_none_or(|before| before < id))
}

/// The lines of the files that have their final names.
fn visible(directory: &Path) -> Vec<Vec<String>> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let files =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "jsonl"));
    files.map(|path| std::fs::read_to_string(path).unwrap().lines().map(String::from).collect()).collect()
}

fn counted(rows: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    rows.for_each(|row| *counted.entry(row).or_default() += 1);
    counted
}
