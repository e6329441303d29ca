use millrace_plan::ExprFunction::{
    Concat, Contains, EndsWith, Length, Like, Lower, Replace, SplitPart, StartsWith, Substring, Trim, Upper,
};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    [shape(), parts(), predicates(), misfits()].into_iter().flatten().collect()
}

#[test]
fn strings_are_of_characters() {
    check(rows());
}

fn shape() -> Vec<Case> {
    vec![
        gives(call(Upper, [a()]), [texts(["aä", "", "ß", NULL])], texts(["AÄ", "", "SS", NULL])),
        gives(call(Lower, [a()]), [texts(["AÄ", "", "Σ", NULL])], texts(["aä", "", "σ", NULL])),
        gives(call(Trim, [a()]), [texts(["  a b ", "", "   ", "\ta", NULL])], texts(["a b", "", "", "\ta", NULL])),
        gives(call(Length, [a()]), [texts(["abc", "", "äö", "🚀", NULL])], int64("3 0 2 1 null")),
        gives(
            call(Concat, [a(), b()]),
            [texts(["a", "", NULL, "x"]), texts(["b", "", "x", NULL])],
            texts(["ab", "", NULL, NULL]),
        ),
        gives(call(Concat, [a(), text("-"), b()]), [texts(["a", "ä"]), texts(["b", "ö"])], texts(["a-b", "ä-ö"])),
        gives(call(Concat, [a()]), [texts(["a", NULL])], texts(["a", NULL])),
    ]
}

fn parts() -> Vec<Case> {
    let words = || texts(["hello", "hé🚀lo", "", NULL]);
    let paths = || texts(["a/b/c", "abc", "", NULL]);
    vec![
        gives(call(Substring, [a(), int(1)]), [words()], texts(["ello", "é🚀lo", "", NULL])),
        gives(call(Substring, [a(), int(1), int(2)]), [words()], texts(["el", "é🚀", "", NULL])),
        gives(call(Substring, [a(), int(0), int(99)]), [words()], words()),
        gives(call(Substring, [a(), int(9)]), [words()], texts(["", "", "", NULL])),
        gives(call(Substring, [a(), int(1), int(0)]), [words()], texts(["", "", "", NULL])),
        gives(
            call(Substring, [a(), b(), c()]),
            [words(), int32("2 null 0 0"), int64("1 1 null 1")],
            texts(["l", NULL, NULL, NULL]),
        ),
        fails(call(Substring, [a(), int(0), int(-1)]), [words()], "negative count not allowed: -1"),
        gives(call(Replace, [a(), text("l"), text("L")]), [words()], texts(["heLLo", "hé🚀Lo", "", NULL])),
        gives(
            call(Replace, [a(), b(), c()]),
            [texts(["aaa", "x", "x"]), texts(["a", NULL, "x"]), texts(["", "y", NULL])],
            texts(["", NULL, NULL]),
        ),
        gives(call(Replace, [a(), text("q"), text("Q")]), [words()], words()),
        gives(call(SplitPart, [a(), text("/"), int(1)]), [paths()], texts(["a", "abc", "", NULL])),
        gives(call(SplitPart, [a(), text("/"), int(3)]), [paths()], texts(["c", "", "", NULL])),
        gives(call(SplitPart, [a(), text("/"), int(4)]), [paths()], texts(["", "", "", NULL])),
        fails(call(SplitPart, [a(), text("/"), int(0)]), [paths()], "must not be zero"),
    ]
}

fn predicates() -> Vec<Case> {
    let words = || texts(["abc", "a%c", "", "ABC", NULL]);
    vec![
        gives(call(StartsWith, [a(), text("a")]), [words()], bools("true true false false null")),
        gives(call(StartsWith, [a(), text("")]), [words()], bools("true true true true null")),
        gives(call(StartsWith, [a(), text("a%")]), [words()], bools("false true false false null")),
        gives(call(EndsWith, [a(), text("c")]), [words()], bools("true true false false null")),
        gives(call(EndsWith, [a(), b()]), [texts(["x", "xy"]), texts([NULL, "y"])], bools("null true")),
        gives(call(Contains, [a(), text("b")]), [words()], bools("true false false false null")),
        gives(
            call(Contains, [a(), b()]),
            [texts(["a.c", "abc", "x"]), texts([".", ".", NULL])],
            bools("true false null"),
        ),
        gives(call(Like, [a(), text("a%")]), [words()], bools("true true false false null")),
        gives(call(Like, [a(), text("a_c")]), [words()], bools("true true false false null")),
        gives(call(Like, [a(), text("a\\%c")]), [words()], bools("false true false false null")),
        gives(call(Like, [a(), text("%")]), [texts(["a\nb", "", NULL])], bools("true true null")),
        gives(call(Like, [a(), text("_")]), [texts(["🚀", "ab", ""])], bools("true false false")),
        gives(call(Like, [a(), text("a.c")]), [texts(["abc", "a.c"])], bools("false true")),
        gives(call(Like, [a(), b()]), [texts(["ab", "ab"]), texts(["a%", NULL])], bools("true null")),
    ]
}

fn misfits() -> Vec<Case> {
    let number = || [int64("1")];
    let message = "a string is expected, not int64";
    let mut rows: Vec<Case> =
        [Upper, Lower, Trim, Length, Concat].map(|f| refused(call(f, [a()]), number(), message)).into();
    rows.extend(
        [StartsWith, EndsWith, Contains, Like, Concat].map(|f| refused(call(f, [text("x"), a()]), number(), message)),
    );
    rows.extend([
        refused(call(Concat, []), number(), "concat takes at least one string"),
        refused(call(Substring, [a(), int(0)]), number(), message),
        refused(call(Substring, [text("x"), text("y")]), number(), "an integer is expected, not string"),
        refused(call(Substring, [text("x")]), number(), "substring takes a string, a start and a length"),
        refused(call(Replace, [text("x"), text("x"), a()]), number(), message),
        refused(call(SplitPart, [text("x"), a(), int(1)]), number(), message),
        refused(call(SplitPart, [text("x"), text("x"), text("1")]), number(), "an integer is expected, not string"),
        refused(call(Like, [text("x")]), number(), "2 values are expected, not 1"),
        refused(call(Upper, [text("x"), text("y")]), number(), "one value is expected, not 2"),
    ]);
    rows
}
