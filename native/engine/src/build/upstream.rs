//! What lies before and behind an operator of the plan.

use std::collections::{BTreeMap, BTreeSet};

use millrace_plan::{Operator, OperatorKind, Plan};

use crate::operators::window::{Panes, Settlement};

/// The operators that make their rows from those of another.
fn consumers(plan: &Plan, index: usize) -> impl Iterator<Item = usize> {
    let makes_rows_of = move |operator: &Operator| match operator.kind {
        // What is broadcast only changes the rows of the other input.
        OperatorKind::BroadcastJoin(_) => operator.inputs.first() == Some(&index),
        _ => operator.inputs.contains(&index),
    };
    let operators = plan.operators.iter().enumerate();
    operators.filter(move |(_, operator)| makes_rows_of(operator)).map(|(consumer, _)| consumer)
}

/// When everything that follows from rows leaving an operator has been emitted.
pub fn settlement(plan: &Plan, index: usize) -> Settlement {
    let mut paths: BTreeMap<usize, BTreeSet<Vec<Panes>>> = BTreeMap::new();
    for upstream in (index..plan.operators.len()).rev() {
        let mut found = BTreeSet::new();
        for consumer in consumers(plan, upstream) {
            let Some(beyond) = paths.get(&consumer) else { continue };
            found.extend(beyond.iter().map(|path| match &plan.operators[consumer].kind {
                OperatorKind::WindowAggregate(w) => [&[Panes::new(w.window)], path.as_slice()].concat(),
                _ => path.clone(),
            }));
        }
        if matches!(plan.operators[upstream].kind, OperatorKind::Sink(_)) {
            found.insert(Vec::new());
        }
        paths.insert(upstream, found);
    }
    Settlement { paths: paths.remove(&index).unwrap_or_default().into_iter().collect() }
}

/// The windowed aggregations that what is made of an operator's rows comes to.
pub fn windows_downstream(plan: &Plan, index: usize) -> Vec<usize> {
    let mut reached = BTreeSet::from([index]);
    for operator in index..plan.operators.len() {
        if reached.contains(&operator) {
            reached.extend(consumers(plan, operator));
        }
    }
    let is_window = |operator: &usize| matches!(plan.operators[*operator].kind, OperatorKind::WindowAggregate(_));
    reached.into_iter().filter(is_window).collect()
}

/// Rows that leave an operator come to one that keeps state.
pub fn leads_to_state(plan: &Plan, index: usize) -> bool {
    let mut reached = BTreeSet::from([index]);
    for (operator, o) in plan.operators.iter().enumerate().skip(index + 1) {
        if o.inputs.iter().any(|input| reached.contains(input)) {
            reached.insert(operator);
        }
    }
    reached.into_iter().any(|operator| plan.operators[operator].kind.keeps_state())
}

/// The sources whose rows come to a windowed aggregation.
pub fn sources_upstream(plan: &Plan, index: usize) -> Vec<usize> {
    let is_source = |o: &usize| matches!(plan.operators[*o].kind, OperatorKind::Source(_));
    (0..index).filter(is_source).filter(|source| windows_downstream(plan, *source).contains(&index)).collect()
}
