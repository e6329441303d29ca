use millrace_plan::ExprFunction::{GetField, ListElement, ListLength};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    let list = || lists(int64("1 2 3 null"), [Some(3), None, Some(0), Some(1)]);
    let names = || lists(texts(["x", "y"]), [Some(1), Some(1)]);
    let place =
        || structs([("city", texts(["Bern", "Basel", NULL])), ("open", bools("true false true"))], "true false true");
    let nested = || structs([("tags", list())], "true true true false");
    vec![
        gives(call(GetField, [a(), text("city")]), [place()], texts(["Bern", NULL, NULL])),
        gives(call(GetField, [a(), text("open")]), [place()], bools("true null true")),
        gives(call(ListLength, [call(GetField, [a(), text("tags")])]), [nested()], int32("3 null 0 null")),
        refused(call(GetField, [a(), text("town")]), [place()], "there is no field \"town\"; there are city, open"),
        refused(
            call(GetField, [a(), b()]),
            [place(), texts(["city", "city", "city"])],
            "the name of a field is a literal",
        ),
        refused(call(GetField, [a(), text("x")]), [int64("1")], "int64 has no fields"),
        gives(call(ListElement, [a(), int(0)]), [list()], int64("1 null null null")),
        gives(call(ListElement, [a(), int(2)]), [list()], int64("3 null null null")),
        gives(call(ListElement, [a(), int(3)]), [list()], int64("null null null null")),
        gives(call(ListElement, [a(), b()]), [list(), int32("1 0 0 0")], int64("2 null null null")),
        gives(call(ListElement, [a(), b()]), [list(), int64("null -1 -1 -1")], int64("null null null null")),
        gives(call(ListElement, [a(), int(4_294_967_296)]), [list()], int64("null null null null")),
        gives(call(ListElement, [a(), int(0)]), [names()], texts(["x", "y"])),
        refused(call(ListElement, [a(), int(0)]), [int64("1")], "int64 is not a list"),
        refused(call(ListElement, [a(), text("0")]), [list()], "an integer is expected, not string"),
        gives(call(ListLength, [a()]), [list()], int32("3 null 0 1")),
        refused(call(ListLength, [a()]), [texts(["x"])], "string is not a list"),
    ]
}

#[test]
fn parts_are_taken_out_of_lists_and_structs() {
    check(rows());
}
