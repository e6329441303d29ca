use millrace_plan::ExprFunction::{Coalesce, Div, IsNotNull, IsNull, NullIf};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    let list = || lists(int64("1 2"), [Some(2), None, Some(0)]);
    let place = || structs([("n", int64("1 2 null"))], "true false true");
    vec![
        gives(call(IsNull, [a()]), [int64("1 null")], bools("false true")),
        gives(call(IsNull, [a()]), [texts(["", NULL])], bools("false true")),
        gives(call(IsNull, [a()]), [list()], bools("false true false")),
        gives(call(IsNull, [a()]), [place()], bools("false true false")),
        gives(call(IsNotNull, [a()]), [float64("NaN null")], bools("true false")),
        gives(call(IsNotNull, [a()]), [place()], bools("true false true")),
        refused(call(IsNull, []), [int64("1")], "one value is expected, not 0"),
        refused(call(IsNotNull, [a(), a()]), [int64("1")], "one value is expected, not 2"),
        gives(call(Coalesce, [a(), b()]), [int64("1 null null"), int64("2 3 null")], int64("1 3 null")),
        gives(call(Coalesce, [a(), b(), c()]), [int64("null null"), int64("null 2"), int64("3 4")], int64("3 2")),
        gives(call(Coalesce, [a(), text("none")]), [texts(["", NULL])], texts(["", "none"])),
        gives(call(Coalesce, [a(), b()]), [int32("1 null"), int64("2 5000000000")], int64("1 5000000000")),
        gives(call(Coalesce, [a(), b()]), [int32("1 null"), float64("2 0.5")], float64("1 0.5")),
        gives(
            call(Coalesce, [a(), b()]),
            [decimals(4, 2, "1.5 null null"), decimals(6, 4, "1 0.0001 null")],
            decimals(6, 4, "1.5 0.0001 null"),
        ),
        gives(
            call(Coalesce, [a(), b()]),
            [times("2024-01-01T00:00:00 null"), times_in(TimeUnit::Second, "2024-01-02T00:00:00 2024-01-03T00:00:00")],
            times("2024-01-01T00:00:00 2024-01-03T00:00:00"),
        ),
        gives(call(Coalesce, [a(), b()]), [list(), list()], list()),
        gives(call(Coalesce, [a()]), [int64("1 null")], int64("1 null")),
        // The second is not computed where the first is there.
        gives(call(Coalesce, [a(), call(Div, [int(1), b()])]), [int64("1 null"), int64("0 1")], int64("1 1")),
        refused(call(Coalesce, []), [int64("1")], "coalesce takes at least one value"),
        refused(call(Coalesce, [a(), b()]), [int64("1"), texts(["x"])], "do not go together"),
        gives(call(NullIf, [a(), b()]), [int64("1 2 null 4"), int64("1 3 5 null")], int64("null 2 null 4")),
        gives(call(NullIf, [a(), text("")]), [texts(["", "x", NULL])], texts([NULL, "x", NULL])),
        gives(call(NullIf, [a(), b()]), [int32("1 2"), int64("1 5000000000")], int32("null 2")),
        gives(call(NullIf, [a(), b()]), [decimals(4, 2, "1.5 2"), decimals(6, 4, "1.5 1")], decimals(4, 2, "null 2")),
        refused(call(NullIf, [a(), b()]), [int64("1"), texts(["x"])], "do not go together"),
        refused(call(NullIf, [a()]), [int64("1")], "takes 2 values, not 1"),
    ]
}

#[test]
fn nulls_are_told_replaced_and_made() {
    check(rows());
}
