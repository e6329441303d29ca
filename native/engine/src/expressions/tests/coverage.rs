use std::collections::HashSet;

use super::*;

fn functions_in(expr: &Expr, found: &mut HashSet<ExprFunction>) {
    match expr {
        Expr::Call { function, args } => {
            found.insert(*function);
            args.iter().for_each(|arg| functions_in(arg, found));
        }
        Expr::Cast { expr, .. } => functions_in(expr, found),
        Expr::Case { whens, otherwise } => {
            let whens = whens.iter().flat_map(|(condition, then)| [condition, then]);
            whens.chain(otherwise.as_deref()).for_each(|part| functions_in(part, found));
        }
        Expr::Column(_) | Expr::Literal(_) => {}
    }
}

/// The functions that no row of `rows` has which is as `wanted`.
fn without<'a>(rows: &'a [Case], wanted: impl Fn(&&'a Case) -> bool) -> Vec<ExprFunction> {
    let mut found = HashSet::new();
    rows.iter().filter(wanted).for_each(|case| functions_in(&case.expr, &mut found));
    ExprFunction::ALL.iter().copied().filter(|function| !found.contains(function)).collect()
}

#[test]
fn every_function_has_rows_with_values_with_nulls_and_with_an_error() {
    let families = [
        arithmetic::rows(),
        comparison::rows(),
        logic::rows(),
        nested::rows(),
        nulls::rows(),
        regex::rows(),
        text::rows(),
        time::rows(),
    ];
    let rows: Vec<Case> = families.into_iter().flatten().collect();
    let nulls = |case: &&Case| case.columns.iter().any(|column| column.null_count() > 0);
    let values = |case: &&Case| matches!(case.expected, Expected::Values(_));
    assert_eq!(without(&rows, values), [], "no row with values");
    assert_eq!(without(&rows, |case| values(case) && nulls(case)), [], "no row with a null");
    assert_eq!(without(&rows, |case| !values(case)), [], "no row with an error");
}
