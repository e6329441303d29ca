use millrace_plan::ExprFunction::{RegexExtract, RegexMatch, RegexReplace};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    let words = || texts(["item-42", "Item-7", "", NULL]);
    let group = |pattern, group| call(RegexExtract, [a(), text(pattern), int(group)]);
    let replace = |pattern, by| call(RegexReplace, [a(), text(pattern), text(by)]);
    vec![
        gives(call(RegexMatch, [a(), text("item-\\d+")]), [words()], bools("true false false null")),
        gives(call(RegexMatch, [a(), text("(?i)^ITEM")]), [words()], bools("true true false null")),
        gives(call(RegexMatch, [a(), text("")]), [words()], bools("true true true null")),
        gives(call(RegexMatch, [a(), text("^.$")]), [texts(["ä", "ab"])], bools("true false")),
        refused(call(RegexMatch, [a(), text("(")]), [words()], "regular expression (: "),
        refused(call(RegexMatch, [a(), text("(?=x)")]), [words()], "look-around"),
        refused(call(RegexMatch, [a(), b()]), [words(), words()], "a regular expression is a literal"),
        refused(call(RegexMatch, [a(), text("x")]), [int64("1")], "a string is expected, not int64"),
        gives(group("(\\w+)-(\\d+)", 0), [words()], texts(["item-42", "Item-7", NULL, NULL])),
        gives(group("(\\w+)-(\\d+)", 2), [words()], texts(["42", "7", NULL, NULL])),
        gives(group("i(x)?t", 1), [words()], texts([NULL, NULL, NULL, NULL])),
        gives(call(RegexExtract, [a(), text("\\d")]), [words()], texts(["4", "7", NULL, NULL])),
        refused(group("\\d", 1), [words()], "\\d has no group 1"),
        refused(group("\\d", -1), [words()], "\\d has no group -1"),
        refused(
            call(RegexExtract, [a(), text("\\d"), b()]),
            [words(), int64("0 0 0 0")],
            "the number of a group is a literal",
        ),
        refused(call(RegexExtract, [a(), text("x")]), [int64("1")], "a string is expected, not int64"),
        gives(replace("\\d", "#"), [words()], texts(["item-##", "Item-#", "", NULL])),
        gives(replace("(\\w+)-(\\d+)", "$2-$1"), [words()], texts(["42-item", "7-Item", "", NULL])),
        gives(replace("(\\d)", "$1x"), [words()], texts(["item-4x2x", "Item-7x", "", NULL])),
        gives(replace("(\\d)", "${1}0$0"), [words()], texts(["item-404202", "Item-707", "", NULL])),
        gives(replace("\\d", "$$"), [words()], texts(["item-$$", "Item-$", "", NULL])),
        gives(replace("\\d+", "\\1"), [words()], texts(["item-\\1", "Item-\\1", "", NULL])),
        gives(replace("x*", "-"), [texts(["ab", ""])], texts(["-a-b-", "-"])),
        gives(
            call(RegexReplace, [a(), text("\\d+"), b()]),
            [texts(["a1", "b2", "c3"]), texts(["x", "[$0]", NULL])],
            texts(["ax", "b[2]", NULL]),
        ),
        refused(replace("[", ""), [words()], "regular expression [: "),
        refused(call(RegexReplace, [a(), text("x"), text("y")]), [int64("1")], "a string is expected, not int64"),
    ]
}

#[test]
fn regular_expressions_match_anywhere() {
    check(rows());
}
