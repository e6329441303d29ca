use arrow::datatypes::TimeUnit::{Microsecond, Nanosecond, Second};
use millrace_plan::ExprFunction::{AddMilliseconds, EpochMilliseconds, Extract, Sub, Truncate};

use super::columns::*;
use super::*;

pub fn rows() -> Vec<Case> {
    [truncation(), extraction(), moves(), differences()].into_iter().flatten().collect()
}

#[test]
fn times_are_utc() {
    check(rows());
}

/// A Thursday; and the last moment before the epoch, a Wednesday.
fn moments() -> ArrayRef {
    times("2024-02-29T13:45:59.123 1969-12-31T23:59:59.999 null")
}

fn truncation() -> Vec<Case> {
    let to = |unit| call(Truncate, [text(unit), a()]);
    vec![
        gives(to("second"), [moments()], times("2024-02-29T13:45:59 1969-12-31T23:59:59 null")),
        gives(to("minute"), [moments()], times("2024-02-29T13:45:00 1969-12-31T23:59:00 null")),
        gives(to("hour"), [moments()], times("2024-02-29T13:00:00 1969-12-31T23:00:00 null")),
        gives(to("day"), [moments()], times("2024-02-29T00:00:00 1969-12-31T00:00:00 null")),
        gives(to("week"), [moments()], times("2024-02-26T00:00:00 1969-12-29T00:00:00 null")),
        gives(to("month"), [moments()], times("2024-02-01T00:00:00 1969-12-01T00:00:00 null")),
        gives(to("year"), [moments()], times("2024-01-01T00:00:00 1969-01-01T00:00:00 null")),
        // February ends a year that is counted from March.
        gives(
            to("year"),
            [dates("2000-01-01 2000-03-01 1900-02-28 1900-12-31 0001-03-01 9999-12-31")],
            dates("2000-01-01 2000-01-01 1900-01-01 1900-01-01 0001-01-01 9999-01-01"),
        ),
        gives(to("month"), [dates("2000-02-29 1900-03-01 9999-12-31")], dates("2000-02-01 1900-03-01 9999-12-01")),
        gives(to("month"), [times("9999-12-31T23:59:59.999")], times("9999-12-01T00:00:00")),
        gives(to("hour"), [times_in(Second, "2024-02-29T13:45:59")], times_in(Second, "2024-02-29T13:00:00")),
        gives(
            to("second"),
            [times_in(Microsecond, "1969-12-31T23:59:59.999999")],
            times_in(Microsecond, "1969-12-31T23:59:59"),
        ),
        gives(
            to("week"),
            [times_in(Nanosecond, "2024-02-29T13:45:59.123456789")],
            times_in(Nanosecond, "2024-02-26T00:00:00"),
        ),
        gives(to("week"), [dates("2024-02-29 1969-12-31 null")], dates("2024-02-26 1969-12-29 null")),
        gives(to("hour"), [dates("2024-02-29")], dates("2024-02-29")),
        refused(to("decade"), [moments()], "\"decade\" is none of second, minute, hour, day, week, month, year"),
        refused(call(Truncate, [b(), a()]), [moments(), texts(["day", "day", "day"])], "a unit of time is a literal"),
        refused(to("day"), [int64("1")], "a timestamp or a date is expected, not int64"),
    ]
}

fn extraction() -> Vec<Case> {
    let part = |unit| call(Extract, [text(unit), a()]);
    vec![
        gives(part("second"), [moments()], int64("59 59 null")),
        gives(part("minute"), [moments()], int64("45 59 null")),
        gives(part("hour"), [moments()], int64("13 23 null")),
        gives(part("day"), [moments()], int64("29 31 null")),
        gives(part("week"), [moments()], int64("9 1 null")),
        gives(part("month"), [moments()], int64("2 12 null")),
        gives(part("year"), [moments()], int64("2024 1969 null")),
        gives(part("week"), [dates("2021-01-03 2020-12-31")], int64("53 53")),
        gives(part("day"), [dates("2024-02-29 null")], int64("29 null")),
        gives(part("second"), [times_in(Nanosecond, "2024-02-29T13:45:59.999999999")], int64("59")),
        refused(part("epoch"), [moments()], "\"epoch\" is none of second"),
        refused(part("day"), [texts(["2024-01-01"])], "a timestamp or a date is expected, not string"),
    ]
}

fn moves() -> Vec<Case> {
    let add = |by| call(AddMilliseconds, [a(), int(by)]);
    vec![
        gives(add(1), [moments()], times("2024-02-29T13:45:59.124 1970-01-01T00:00:00 null")),
        gives(add(-86_400_000), [moments()], times("2024-02-28T13:45:59.123 1969-12-30T23:59:59.999 null")),
        gives(
            call(AddMilliseconds, [a(), b()]),
            [moments(), int32("1 null 1")],
            times("2024-02-29T13:45:59.124 null null"),
        ),
        gives(add(60_000), [times_in(Second, "2024-02-29T23:59:59")], times_in(Second, "2024-03-01T00:00:59")),
        gives(
            add(1),
            [times_in(Microsecond, "2024-01-01T00:00:00.000001")],
            times_in(Microsecond, "2024-01-01T00:00:00.001001"),
        ),
        gives(add(1), [times_in(Nanosecond, "2024-01-01T00:00:00")], times_in(Nanosecond, "2024-01-01T00:00:00.001")),
        refused(add(1_500), [times_in(Second, "2024-01-01T00:00:00")], "1500 ms is not a number of whole seconds"),
        fails(add(i64::MAX), [moments()], "verflow"),
        fails(add(i64::MAX), [times_in(Nanosecond, "2024-01-01T00:00:00")], "verflow"),
        refused(add(1), [dates("2024-01-01")], "milliseconds are added to a timestamp, not to date"),
        refused(call(AddMilliseconds, [a(), text("1")]), [moments()], "an integer is expected, not string"),
    ]
}

fn differences() -> Vec<Case> {
    let since = || call(Sub, [a(), b()]);
    vec![
        gives(call(EpochMilliseconds, [a()]), [moments()], int64("1709214359123 -1 null")),
        gives(call(EpochMilliseconds, [a()]), [times_in(Second, "1970-01-01T00:00:01")], int64("1000")),
        gives(call(EpochMilliseconds, [a()]), [times_in(Microsecond, "1970-01-01T00:00:01.000999")], int64("1000")),
        gives(call(EpochMilliseconds, [a()]), [dates("1970-01-02 1969-12-31")], int64("86400000 -86400000")),
        refused(call(EpochMilliseconds, [a()]), [int64("1")], "a timestamp or a date is expected, not int64"),
        refused(call(EpochMilliseconds, [a(), a()]), [moments()], "one value is expected, not 2"),
        gives(since(), [moments(), times("2024-02-29T13:45:58.123 1970-01-01T00:00:00 null")], int64("1000 -1 null")),
        gives(
            since(),
            [times_in(Microsecond, "1970-01-01T00:00:01.000999"), times("1970-01-01T00:00:00")],
            int64("1000"),
        ),
        gives(
            since(),
            [times_in(Second, "1970-01-01T00:01:00"), times_in(Second, "1970-01-01T00:00:00")],
            int64("60000"),
        ),
        gives(since(), [dates("1970-01-02 null"), dates("1970-01-01 1970-01-01")], int64("86400000 null")),
        refused(since(), [dates("1970-01-02"), times("1970-01-01T00:00:00")], "do not go together"),
        refused(call(ExprFunction::Add, [a(), a()]), [moments()], "a number is expected, not timestamp(ms)"),
    ]
}

/// An event time may be made of a time that is there, and has to be there itself.
#[test]
fn a_time_that_is_never_null_is_not_when_it_is_truncated() {
    let rows = strict(&[times("2024-02-29T13:45:59.123")]);
    for expr in
        [call(Truncate, [text("hour"), a()]), call(AddMilliseconds, [a(), int(1)]), call(EpochMilliseconds, [a()])]
    {
        assert!(!compile(&expr, &rows.schema()).unwrap().nullable(&rows.schema()).unwrap(), "{expr:?}");
    }
}
