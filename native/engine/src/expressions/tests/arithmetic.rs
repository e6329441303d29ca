use millrace_plan::ExprFunction::{Abs, Add, Ceil, Div, Floor, Mod, Mul, Neg, Power, Round, Sqrt, Sub};

use super::columns::*;
use super::*;

const MAX: &str = "9223372036854775807";
const MIN: &str = "-9223372036854775808";

pub fn rows() -> Vec<Case> {
    [integers(), overflow(), floats(), decimal(), signs(), functions(), misfits()].into_iter().flatten().collect()
}

#[test]
fn numbers_are_computed_exactly_or_not_at_all() {
    check(rows());
}

fn integers() -> Vec<Case> {
    let pairs = || [int64("7 -7 7 -7 null 7 0"), int64("2 2 -2 -2 2 null 5")];
    vec![
        gives(call(Add, [a(), b()]), pairs(), int64("9 -5 5 -9 null null 5")),
        gives(call(Sub, [a(), b()]), pairs(), int64("5 -9 9 -5 null null -5")),
        gives(call(Mul, [a(), b()]), pairs(), int64("14 -14 -14 14 null null 0")),
        gives(call(Div, [a(), b()]), pairs(), int64("3 -3 -3 3 null null 0")),
        gives(call(Mod, [a(), b()]), pairs(), int64("1 -1 1 -1 null null 0")),
        gives(call(Add, [a(), b()]), [int32("1 null"), int32("2 2")], int32("3 null")),
        gives(call(Add, [a(), b()]), [int32("2147483647"), int64("1")], int64("2147483648")),
        gives(call(Sub, [a(), b()]), [int64("1"), int32("2")], int64("-1")),
        gives(call(Mul, [a(), b()]), [int32("3"), float64("0.5")], float64("1.5")),
        gives(call(Add, [a(), int(1)]), [int64("1 null")], int64("2 null")),
        gives(call(Add, [a(), int(1)]), [int64(MIN)], int64("-9223372036854775807")),
    ]
}

fn overflow() -> Vec<Case> {
    let full = || [int64(&format!("1 {MAX}")), int64("1 1")];
    let twice = || [int64("1 4611686018427387904"), int64("1 2")];
    let least = || [int64(&format!("1 {MIN}")), int64("1 -1")];
    let zero = || [int64("1 1"), int64("1 0")];
    vec![
        fails(call(Add, [a(), b()]), full(), "Overflow happened on: 9223372036854775807 + 1"),
        fails(call(Sub, [b(), a()]), [int64(&format!("1 {MAX}")), int64("1 -2")], "Overflow happened on: -2 - 9"),
        fails(call(Mul, [a(), b()]), twice(), "Overflow happened on: 4611686018427387904 * 2"),
        fails(call(Div, [a(), b()]), least(), "Overflow happened on: -9223372036854775808 / -1"),
        gives(call(Mod, [a(), b()]), least(), int64("0 0")),
        fails(call(Add, [a(), b()]), [int32("2147483647"), int32("1")], "Overflow happened on: 2147483647 + 1"),
        fails(call(Div, [a(), b()]), zero(), "Divide by zero"),
        fails(call(Mod, [a(), b()]), zero(), "Divide by zero"),
        // What stands under a null is not divided by.
        gives(call(Div, [a(), b()]), [int64("1 null"), int64("null 0")], int64("null null")),
    ]
}

fn floats() -> Vec<Case> {
    let zero = || [float64("1 -1 0 null inf"), float64("0 0 0 0 inf")];
    vec![
        gives(call(Div, [a(), b()]), zero(), float64("inf -inf NaN null NaN")),
        gives(call(Add, [a(), b()]), zero(), float64("1 -1 0 null inf")),
        gives(call(Mul, [a(), b()]), [float64("1e308 -0.5"), float64("10 0.5")], float64("inf -0.25")),
        gives(call(Sub, [a(), b()]), [float64("0.3 null"), float64("0.1 1")], float64("0.19999999999999998 null")),
        gives(call(Mod, [a(), b()]), [float64("5.5 -5.5 1"), float64("2 2 0")], float64("1.5 -1.5 NaN")),
    ]
}

fn decimal() -> Vec<Case> {
    let money = || decimals(10, 2, "1.50 -0.01 null 99999999.99");
    vec![
        gives(call(Add, [a(), a()]), [money()], decimals(11, 2, "3.00 -0.02 null 199999999.98")),
        gives(call(Sub, [a(), a()]), [money()], decimals(11, 2, "0 0 null 0")),
        gives(
            call(Add, [a(), b()]),
            [money(), decimals(6, 4, "1 1 1 0.0001")],
            decimals(13, 4, "2.5 0.99 null 99999999.9901"),
        ),
        gives(
            call(Mul, [a(), b()]),
            [money(), decimals(4, 3, "2 2 2 0.5")],
            decimals(15, 5, "3 -0.02 null 49999999.995"),
        ),
        gives(
            call(Div, [a(), b()]),
            [decimals(6, 2, "1 2 null"), decimals(6, 2, "3 -3 1")],
            decimals(12, 6, "0.333333 -0.666666 null"),
        ),
        gives(
            call(Mod, [a(), b()]),
            [decimals(6, 2, "7.5 -7.5 null"), decimals(6, 2, "2 2 2")],
            decimals(6, 2, "1.5 -1.5 null"),
        ),
        fails(call(Div, [a(), b()]), [decimals(6, 2, "1"), decimals(6, 2, "0")], "Divide by zero"),
        fails(call(Mod, [a(), b()]), [decimals(6, 2, "1"), decimals(6, 2, "0")], "Divide by zero"),
        fails(
            call(Mul, [a(), b()]),
            [decimals(38, 0, "99999999999999999999999999999999999999"), decimals(38, 0, "2")],
            "Overflow happened on",
        ),
        refused(call(Mul, [a(), b()]), [decimals(38, 20, "1"), decimals(38, 20, "1")], "would exceed max scale"),
        gives(call(Mul, [a(), b()]), [money(), float64("2 2 2 0.5")], float64("3 -0.02 null 49999999.995")),
        // Integers have as many digits as they need.
        gives(
            call(Add, [a(), b()]),
            [decimals(4, 2, "1.5 null"), int64("5000000000 1")],
            decimals(22, 2, "5000000001.5 null"),
        ),
        gives(
            call(Mul, [a(), b()]),
            [int32("3 2147483647"), decimals(4, 2, "1.5 99.99")],
            decimals(15, 2, "4.5 214726889863.53"),
        ),
    ]
}

fn signs() -> Vec<Case> {
    vec![
        gives(call(Neg, [a()]), [int64(&format!("1 -1 0 null {MAX}"))], int64("-1 1 0 null -9223372036854775807")),
        gives(call(Neg, [a()]), [int32("1 null")], int32("-1 null")),
        gives(call(Neg, [a()]), [float64("1.5 -inf NaN null")], float64("-1.5 inf -NaN null")),
        gives(call(Neg, [a()]), [decimals(4, 2, "1.50 -99.99 null")], decimals(4, 2, "-1.50 99.99 null")),
        fails(call(Neg, [a()]), [int64(MIN)], "Overflow happened on: 0 - -9223372036854775808"),
        gives(call(Abs, [a()]), [int64(&format!("1 -1 0 null {MAX}"))], int64(&format!("1 1 0 null {MAX}"))),
        gives(call(Abs, [a()]), [int32("-5 null")], int32("5 null")),
        gives(call(Abs, [a()]), [float64("-1.5 -inf null")], float64("1.5 inf null")),
        gives(call(Abs, [a()]), [decimals(4, 2, "-1.50 null")], decimals(4, 2, "1.50 null")),
        fails(call(Abs, [a()]), [int64(&format!("1 {MIN}"))], "overflow"),
    ]
}

fn functions() -> Vec<Case> {
    let halves = || [float64("0.5 1.5 -0.5 -1.5 2.4 null inf")];
    vec![
        gives(call(Round, [a()]), halves(), float64("1 2 -1 -2 2 null inf")),
        gives(call(Floor, [a()]), halves(), float64("0 1 -1 -2 2 null inf")),
        gives(call(Ceil, [a()]), halves(), float64("1 2 -0 -1 3 null inf")),
        gives(call(Round, [a()]), [int64("3 null")], float64("3 null")),
        gives(call(Floor, [a()]), [decimals(4, 2, "1.99 -1.01")], float64("1 -2")),
        gives(call(Ceil, [a()]), [int32("3")], float64("3")),
        gives(call(Sqrt, [a()]), [float64("4 2 0 null inf")], float64("2 1.4142135623730951 0 null inf")),
        fails(call(Sqrt, [a()]), [float64("4 -1")], "cannot take square root of a negative number"),
        gives(call(Sqrt, [a()]), [int64("9 null")], float64("3 null")),
        gives(
            call(Power, [a(), b()]),
            [float64("2 2 0 null 1e300"), float64("10 -1 0 1 2")],
            float64("1024 0.5 1 null inf"),
        ),
        gives(call(Power, [a(), b()]), [int64("2 3"), int32("63 null")], float64("9223372036854775808 null")),
        gives(call(Power, [a(), b()]), [float64("-8"), float64("0.5")], float64("NaN")),
    ]
}

fn misfits() -> Vec<Case> {
    let name = || [texts(["x"])];
    let mut rows: Vec<Case> = [Neg, Abs, Round, Floor, Ceil, Sqrt]
        .map(|f| refused(call(f, [a()]), name(), "a number is expected, not string"))
        .into();
    rows.extend(
        [Add, Sub, Mul, Div, Mod]
            .map(|f| refused(call(f, [a(), b()]), [int64("1"), texts(["1"])], "do not go together")),
    );
    rows.extend(
        [Add, Sub, Mul, Div, Mod]
            .map(|f| refused(call(f, [a(), b()]), [texts(["1"]), texts(["1"])], "a number is expected, not string")),
    );
    rows.push(refused(call(Power, [a(), b()]), [int64("1"), texts(["1"])], "a number is expected, not string"));
    rows.push(refused(call(Round, [a(), b()]), [float64("1"), int64("1")], "one value is expected, not 2"));
    rows
}
