use millrace_plan::ExprFunction::{Eq, Gt, GtEq, In, Lt, LtEq, NotEq};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    [numbers(), decimals_of_any_scale(), other_types(), membership(), misfits()].into_iter().flatten().collect()
}

#[test]
fn values_compare_as_their_type_says() {
    check(rows());
}

fn numbers() -> Vec<Case> {
    let ints = || [int64("1 2 3 null 1 9223372036854775807"), int64("2 2 2 1 null -9223372036854775808")];
    let floats = || [float64("0.5 -inf NaN NaN null"), float64("0.5 inf NaN 1 NaN")];
    vec![
        gives(call(Eq, [a(), b()]), ints(), bools("false true false null null false")),
        gives(call(NotEq, [a(), b()]), ints(), bools("true false true null null true")),
        gives(call(Lt, [a(), b()]), ints(), bools("true false false null null false")),
        gives(call(LtEq, [a(), b()]), ints(), bools("true true false null null false")),
        gives(call(Gt, [a(), b()]), ints(), bools("false false true null null true")),
        gives(call(GtEq, [a(), b()]), ints(), bools("false true true null null true")),
        // NaN equals itself and is above all else, so that a key or a sort has a place for it.
        gives(call(Eq, [a(), b()]), floats(), bools("true false true false null")),
        gives(call(Lt, [a(), b()]), floats(), bools("false true false false null")),
        gives(call(Gt, [a(), b()]), floats(), bools("false false false true null")),
        gives(call(Eq, [a(), b()]), [int32("1 -1 null"), int64("1 4294967295 1")], bools("true false null")),
        gives(call(Lt, [a(), b()]), [int32("1 2"), float64("1.5 1.5")], bools("true false")),
        gives(call(Eq, [a(), int(7)]), [int32("7 8 null")], bools("true false null")),
    ]
}

fn decimals_of_any_scale() -> Vec<Case> {
    let money = || decimals(10, 2, "1.50 2.00 null -1.25");
    let fine = || decimals(12, 4, "1.5000 2.0001 1 -1.25");
    vec![
        gives(call(Eq, [a(), b()]), [money(), fine()], bools("true false null true")),
        gives(call(Lt, [a(), b()]), [money(), fine()], bools("false true null false")),
        gives(call(GtEq, [b(), a()]), [money(), fine()], bools("true true null true")),
        // An integer that has no room in the decimal's type is still compared.
        gives(call(Lt, [a(), b()]), [decimals(4, 2, "1.50 99.99"), int64("5000000000 -1")], bools("true false")),
        gives(call(Eq, [a(), b()]), [int32("2 2147483647"), decimals(4, 2, "2 2.01")], bools("true false")),
        gives(call(Gt, [a(), b()]), [money(), float64("1.25 2.5 1 -2")], bools("true false null true")),
        gives(call(In, [a(), b(), c()]), [money(), fine(), int64("9 2 1 1")], bools("true true null true")),
    ]
}

fn other_types() -> Vec<Case> {
    let names = || [texts(["a", "", "ä", NULL]), texts(["b", "", "a", "a"])];
    vec![
        gives(call(Eq, [a(), b()]), names(), bools("false true false null")),
        gives(call(Lt, [a(), b()]), names(), bools("true false false null")),
        gives(call(Eq, [a(), b()]), [bools("true false null"), bools("true true true")], bools("true false null")),
        gives(
            call(Lt, [a(), b()]),
            [bytes([Some(b"\x00"), Some(b""), None]), bytes([Some(b"\xff"), Some(b""), Some(b"")])],
            bools("true false null"),
        ),
        gives(
            call(GtEq, [a(), b()]),
            [dates("2024-02-29 1969-12-31 null"), dates("2024-02-28 1970-01-01 2024-01-01")],
            bools("true false null"),
        ),
        gives(
            call(Eq, [a(), b()]),
            [times("2024-01-01T00:00:00 1969-12-31T23:59:59.999"), times("2024-01-01T00:00:00 1970-01-01T00:00:00")],
            bools("true false"),
        ),
        gives(
            call(Lt, [a(), b()]),
            [times("2024-01-01T00:00:00"), times_in(TimeUnit::Microsecond, "2024-01-01T00:00:00.000001")],
            bools("true"),
        ),
    ]
}

fn membership() -> Vec<Case> {
    vec![
        gives(call(In, [a(), int(1), int(3)]), [int64("1 2 3 null")], bools("true false true null")),
        gives(call(In, [a(), int(1), null(DataType::Int64)]), [int64("1 2 null")], bools("true null null")),
        gives(call(In, [a(), b(), c()]), [int64("1 2 3"), int64("1 0 null"), int64("5 2 4")], bools("true true null")),
        gives(call(In, [a(), int(4_294_967_297)]), [int32("1 null")], bools("false null")),
        gives(call(In, [a(), text("x"), text("")]), [texts(["x", "", "y", NULL])], bools("true true false null")),
        gives(call(In, [a(), b()]), [float64("NaN 1"), float64("NaN 2")], bools("true false")),
        refused(call(In, [a()]), [int64("1")], "in takes a value and a list"),
        refused(call(In, [a(), text("1")]), [int64("1")], "int64 and string do not go together"),
    ]
}

fn misfits() -> Vec<Case> {
    let both = || [int64("1"), texts(["1"])];
    let message = "int64 and string do not go together: cast one of them";
    let mut rows: Vec<Case> =
        [Eq, NotEq, Lt, LtEq, Gt, GtEq].map(|function| refused(call(function, [a(), b()]), both(), message)).into();
    rows.push(refused(call(Eq, [a()]), [int64("1")], "= takes 2 values, not 1"));
    rows.push(refused(call(Eq, [a(), b()]), [dates("2024-01-01"), times("2024-01-01T00:00:00")], "do not go together"));
    rows.push(refused(call(Lt, [a(), Expr::Column("d".into())]), [int64("1")], "column \"d\" is not in its input"));
    rows
}
