use millrace_plan::ExprFunction::{Div, Eq, Gt};

use super::columns::*;
use super::*;

fn when<const N: usize>(whens: [(Expr, Expr); N], otherwise: Option<Expr>) -> Expr {
    Expr::Case { whens: whens.into(), otherwise: otherwise.map(Box::new) }
}

fn rows() -> Vec<Case> {
    let sizes = when(
        [(call(Gt, [a(), int(100)]), text("large")), (call(Gt, [a(), int(10)]), text("middle"))],
        Some(text("small")),
    );
    let divided = when([(call(Eq, [b(), int(0)]), int(0))], Some(call(Div, [a(), b()])));
    vec![
        gives(sizes, [int64("101 11 1 null")], texts(["large", "middle", "small", "small"])),
        gives(when([(a(), b())], None), [bools("true false null"), int64("1 2 3")], int64("1 null null")),
        gives(when([(a(), b())], Some(int(7))), [bools("true false null"), int32("1 2 3")], int64("1 7 7")),
        gives(
            when([(a(), b())], Some(c())),
            [bools("true false"), decimals(4, 2, "1.5 1"), decimals(6, 4, "1 0.0001")],
            decimals(6, 4, "1.5 0.0001"),
        ),
        gives(
            when([(a(), b())], Some(c())),
            [bools("true false"), decimals(4, 2, "1.5 1"), int64("1 5000000000")],
            decimals(21, 2, "1.5 5000000000"),
        ),
        gives(
            when([(a(), null(DataType::Utf8))], Some(b())),
            [bools("true false"), texts(["x", "y"])],
            texts([NULL, "y"]),
        ),
        // A branch is computed only for the rows that come to it.
        gives(divided, [int64("4 4 null"), int64("2 0 1")], int64("2 0 null")),
        refused(when([(a(), int(1))], Some(text("x"))), [bools("true")], "do not go together"),
        refused(when([(a(), int(1))], None), [int64("1")], "a condition is expected, not int64"),
        refused(when([], Some(a())), [int64("1")], "a choice has at least one condition"),
        fails(when([(a(), call(Div, [int(1), b()]))], None), [bools("false true"), int64("0 0")], "Divide by zero"),
    ]
}

#[test]
fn the_first_condition_that_is_true_decides() {
    check(rows());
}
