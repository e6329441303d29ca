use millrace_plan::ExprFunction::{And, Div, Gt, Not, NotEq, Or};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    let all = || {
        [
            bools("true true true false false false null null null"),
            bools("true false null true false null true false null"),
        ]
    };
    let guarded = call(And, [call(NotEq, [b(), int(0)]), call(Gt, [call(Div, [a(), b()]), int(1)])]);
    vec![
        gives(call(And, [a(), b()]), all(), bools("true false null false false false null false null")),
        gives(call(Or, [a(), b()]), all(), bools("true true true true false null true null null")),
        gives(call(Not, [a()]), [bools("true false null")], bools("false true null")),
        gives(
            call(And, [a(), b(), c()]),
            [bools("true true null"), bools("true null true"), bools("true false true")],
            bools("true false null"),
        ),
        gives(
            call(Or, [a(), b(), c()]),
            [bools("false false null"), bools("false null false"), bools("true false false")],
            bools("true null null"),
        ),
        gives(call(And, [a()]), [bools("true null")], bools("true null")),
        gives(guarded.clone(), [int64("4 4 1"), int64("1 2 2")], bools("true true false")),
        refused(call(And, []), [bools("true")], "AND takes at least one value"),
        refused(call(Or, []), [bools("true")], "OR takes at least one value"),
        refused(call(And, [a(), b()]), [bools("true"), int64("1")], "a condition is expected, not int64"),
        refused(call(Or, [a(), b()]), [texts(["x"]), bools("true")], "a condition is expected, not string"),
        refused(call(Not, [a()]), [int64("1")], "a condition is expected, not int64"),
        refused(call(Not, [a(), b()]), [bools("true"), bools("true")], "one value is expected, not 2"),
    ]
}

#[test]
fn logic_has_three_values() {
    check(rows());
}
