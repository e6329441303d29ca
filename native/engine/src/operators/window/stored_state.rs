//! What the stored state of a windowed aggregation is called, and what may differ between what is stored and what a step
//! wants. The lines stand in manifests, so what is written of a step never changes.

use arrow::datatypes::DataType;
use millrace_plan::{Aggregate, AggregateFunction as F, Window};

use crate::Result;
use crate::expressions::{notation, type_name};
use crate::operators::state_lines::{KEY, key_line, refused};

const WINDOW: &str = "window ";

/// The lines of a step: its window, its keys, and the aggregates in the order of their parts in a state.
pub fn lines(window: Window, keys: &[(String, DataType)], aggregates: &[(Aggregate, Vec<DataType>)]) -> Vec<String> {
    let keys = keys.iter().map(|(name, data_type)| key_line(name, data_type));
    let aggregates = aggregates.iter().map(|(aggregate, types)| {
        let types: Vec<String> = types.iter().map(type_name).collect();
        format!("{}: {}", aggregate_name(aggregate), types.join(", "))
    });
    [window_line(window)].into_iter().chain(keys).chain(aggregates).collect()
}

fn window_line(Window { size_ms, slide_ms, offset_ms }: Window) -> String {
    let slide = if slide_ms == size_ms { String::new() } else { format!(" every {slide_ms} ms") };
    let offset = if offset_ms == 0 { String::new() } else { format!(" from {offset_ms} ms") };
    format!("{WINDOW}{size_ms} ms{slide}{offset}")
}

/// "sum(price)".
fn aggregate_name(aggregate: &Aggregate) -> String {
    let of = aggregate.expr.as_ref().map(notation).unwrap_or_default();
    match aggregate.function {
        F::Count => format!("count({of})"),
        F::CountDistinct => format!("countDistinct({of})"),
        F::ApproxCountDistinct => format!("approxCountDistinct({of})"),
        F::Sum => format!("sum({of})"),
        F::Avg => format!("avg({of})"),
        F::Min => format!("min({of})"),
        F::Max => format!("max({of})"),
        F::First => format!("first({of})"),
        F::Last => format!("last({of})"),
        F::Stddev => format!("stddev({of})"),
        F::ApproxQuantile(quantile) => format!("approxQuantile({of}, {quantile})"),
    }
}

/// Where the part of an aggregate comes from when stored state is brought to what a step wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The part at this place of what is stored.
    Stored(usize),
    /// It is new: it begins as if there had been no rows.
    New,
}

/// How stored state differs from what a step wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rearrangement {
    /// For each aggregate that is wanted.
    pub parts: Vec<Part>,
    /// In words, for whoever looks after the job; nothing where only the order differs.
    pub told: Option<String>,
}

/// `None`: what is stored is what is wanted. Aggregates may come, go and change places; nothing else may.
pub fn rearrangement(id: &str, stored: &[String], wanted: &[String]) -> Result<Option<Rearrangement>> {
    if stored == wanted {
        return Ok(None);
    }
    let (stored_frame, stored_parts) = take_apart(stored);
    let (frame, parts) = take_apart(wanted);
    if stored_frame != frame {
        return Err(refused(id, stored_frame, frame));
    }
    let origin = |line: &String| match stored_parts.iter().position(|known| known == line) {
        Some(at) => Ok(Part::Stored(at)),
        None => match same_name(stored_parts, line) {
            Some(other) => Err(refused(id, std::slice::from_ref(other), std::slice::from_ref(line))),
            None => Ok(Part::New),
        },
    };
    let origins = parts.iter().map(origin).collect::<Result<Vec<_>>>()?;
    let added = parts.iter().zip(&origins).filter(|(_, origin)| **origin == Part::New).map(|(line, _)| name(line));
    let removed = stored_parts.iter().filter(|line| !parts.contains(line)).map(|line| name(line));
    let told = told(id, &added.collect::<Vec<_>>(), &removed.collect::<Vec<_>>());
    Ok(Some(Rearrangement { parts: origins, told }))
}

/// The window and the keys, and the aggregates.
fn take_apart(lines: &[String]) -> (&[String], &[String]) {
    let is_frame = |line: &&String| line.starts_with(WINDOW) || line.starts_with(KEY);
    lines.split_at(lines.iter().take_while(is_frame).count())
}

/// "sum(price)" of "sum(price): int64". What is aggregated may have anything in quotes, but no type has this in it.
fn name(line: &str) -> &str {
    line.rfind("): ").map_or(line, |end| &line[..=end])
}

fn same_name<'a>(lines: &'a [String], line: &str) -> Option<&'a String> {
    lines.iter().find(|known| name(known) == name(line))
}

fn told(id: &str, added: &[&str], removed: &[&str]) -> Option<String> {
    let added = (!added.is_empty()).then(|| format!("{} began empty in windows that were open", added.join(", ")));
    let removed = (!removed.is_empty()).then(|| format!("{} was left out", removed.join(", ")));
    let changes: Vec<String> = added.into_iter().chain(removed).collect();
    (!changes.is_empty()).then(|| format!("stored state of id \"{id}\": {}", changes.join("; ")))
}

#[cfg(test)]
mod tests {
    use millrace_plan::Expr;

    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn compared(stored: &[&str], wanted: &[&str]) -> Result<Option<Rearrangement>> {
        rearrangement("w", &owned(stored), &owned(wanted))
    }

    #[test]
    fn lines_never_change() {
        let price = || Some(Expr::Column("price".into()));
        let aggregates = [
            (Aggregate { function: F::Count, expr: None }, vec![DataType::Int64]),
            (Aggregate { function: F::Avg, expr: price() }, vec![DataType::UInt64, DataType::Float64]),
            (Aggregate { function: F::ApproxQuantile(0.5), expr: price() }, vec![DataType::Float64]),
        ];
        let keys = [("account".to_owned(), DataType::Utf8)];
        let window = Window { size_ms: 20_000, slide_ms: 5_000, offset_ms: 100 };
        assert_eq!(
            lines(window, &keys, &aggregates),
            [
                "window 20000 ms every 5000 ms from 100 ms",
                "key account: string",
                "count(): int64",
                "avg(price): UInt64, float64",
                "approxQuantile(price, 0.5): float64",
            ]
        );
        assert_eq!(window_line(Window { size_ms: 1000, slide_ms: 1000, offset_ms: 0 }), "window 1000 ms");
    }

    #[test]
    fn what_is_the_same_needs_nothing() {
        let lines = ["window 1 ms", "key a: int64", "count(): int64"];
        assert_eq!(compared(&lines, &lines).unwrap(), None);
    }

    #[test]
    fn aggregates_may_come_and_go_and_change_places() {
        let frame = ["window 1 ms", "key a: int64"];
        let stored = [&frame[..], &["count(): int64", "min(x): int64", "max(x): int64"]].concat();
        let wanted = [&frame[..], &["max(x): int64", "sum(x): int64", "count(): int64"]].concat();
        let change = compared(&stored, &wanted).unwrap().unwrap();
        assert_eq!(change.parts, [Part::Stored(2), Part::New, Part::Stored(0)]);
        assert_eq!(
            change.told.unwrap(),
            "stored state of id \"w\": sum(x) began empty in windows that were open; min(x) was left out"
        );
        let reordered = [&frame[..], &["max(x): int64", "min(x): int64", "count(): int64"]].concat();
        assert_eq!(compared(&stored, &reordered).unwrap().unwrap().told, None);
    }

    #[test]
    fn an_aggregate_that_is_there_twice_has_one_state() {
        let frame = ["window 1 ms", "key a: int64"];
        let stored = [&frame[..], &["count(): int64"]].concat();
        let wanted = [&frame[..], &["count(): int64", "count(): int64"]].concat();
        let change = compared(&stored, &wanted).unwrap().unwrap();
        assert_eq!((change.parts, change.told), (vec![Part::Stored(0), Part::Stored(0)], None));
    }

    #[test]
    fn other_keys_another_window_and_another_type_are_refused_with_both() {
        let stored = ["window 1 ms", "key a: int64", "sum(x): int64"];
        for (wanted, named) in [
            (["window 1 ms", "key b: int64", "sum(x): int64"], ["key a: int64", "key b: int64"]),
            (["window 2 ms", "key a: int64", "sum(x): int64"], ["window 1 ms", "window 2 ms"]),
            (["window 1 ms", "key a: int64", "sum(x): float64"], ["sum(x): int64", "sum(x): float64"]),
        ] {
            let error = compared(&stored, &wanted).unwrap_err().to_string();
            assert!(named.iter().all(|line| error.contains(line)), "{error}");
            assert!(error.contains("--allow-dropped w"), "{error}");
        }
    }
}
