use super::columns::*;
use super::*;

fn to(to: DataType) -> Expr {
    Expr::Cast { expr: Box::new(a()), to, try_: false }
}

fn or_null(to: DataType) -> Expr {
    Expr::Cast { expr: Box::new(a()), to, try_: true }
}

#[test]
fn a_cast_fits_or_fails() {
    use DataType::{Boolean, Date32, Decimal128, Float64, Int32, Int64, Utf8};
    let milliseconds = || timestamp(TimeUnit::Millisecond);
    check(vec![
        gives(to(Int64), [int32("1 -1 null")], int64("1 -1 null")),
        gives(to(Int32), [int64("2147483647 null")], int32("2147483647 null")),
        fails(to(Int32), [int64("1 2147483648")], "Can't cast value 2147483648 to type Int32"),
        gives(to(Float64), [int64("9007199254740993 null")], float64("9007199254740992 null")),
        gives(to(Int64), [float64("1.9 -1.9 null")], int64("1 -1 null")),
        fails(to(Int64), [float64("NaN")], "Can't cast value NaN to type Int64"),
        fails(to(Int32), [float64("1e10")], "Can't cast value 10000000000"),
        gives(to(Int64), [texts(["42", "-7", NULL])], int64("42 -7 null")),
        fails(to(Int64), [texts(["1", "x"])], "Cannot cast string 'x' to value of Int64 type"),
        fails(to(Int64), [texts([""])], "Cannot cast string '' to value of Int64 type"),
        fails(to(Int64), [texts(["9223372036854775808"])], "Cannot cast string '9223372036854775808'"),
        gives(to(Float64), [texts(["1.5", "1e3", "NaN", NULL])], float64("1.5 1000 NaN null")),
        gives(to(Boolean), [texts(["true", "false", NULL])], bools("true false null")),
        fails(to(Boolean), [texts(["maybe"])], "Cannot cast"),
        gives(to(Utf8), [int64("1 -1 null")], texts(["1", "-1", NULL])),
        gives(to(Utf8), [float64("1.5 1 null")], texts(["1.5", "1.0", NULL])),
        gives(to(Utf8), [bools("true false")], texts(["true", "false"])),
        gives(to(Utf8), [decimals(4, 2, "1.5 -0.01")], texts(["1.50", "-0.01"])),
        gives(to(Utf8), [dates("2024-02-29")], texts(["2024-02-29"])),
        gives(to(Utf8), [times("2024-02-29T01:02:03.004")], texts(["2024-02-29T01:02:03.004Z"])),
        gives(to(Decimal128(6, 2)), [texts(["1.5", "-2", NULL])], decimals(6, 2, "1.50 -2 null")),
        gives(to(Decimal128(6, 2)), [int64("9999 null")], decimals(6, 2, "9999 null")),
        fails(to(Decimal128(6, 2)), [int64("10000")], "too large to store in a Decimal128"),
        gives(to(Decimal128(6, 1)), [decimals(6, 2, "1.25 -1.25 1.24")], decimals(6, 1, "1.3 -1.3 1.2")),
        gives(to(Int64), [decimals(6, 2, "1.99 -1.99")], int64("1 -1")),
        gives(to(Float64), [decimals(6, 2, "1.25")], float64("1.25")),
        gives(to(Date32), [texts(["2024-02-29", NULL])], dates("2024-02-29 null")),
        fails(to(Date32), [texts(["2024-02-30"])], "2024-02-30"),
        gives(to(Date32), [times("2024-02-29T23:59:59.999 1969-12-31T23:00:00")], dates("2024-02-29 1969-12-31")),
        gives(
            to(milliseconds()),
            [texts(["2024-02-29T01:02:03Z", "2024-02-29T01:02:03+01:00"])],
            times("2024-02-29T01:02:03 2024-02-29T00:02:03"),
        ),
        fails(to(milliseconds()), [texts(["yesterday"])], "yesterday"),
        gives(to(milliseconds()), [int64("0 -1 null")], times("1970-01-01T00:00:00 1969-12-31T23:59:59.999 null")),
        gives(to(milliseconds()), [dates("2024-02-29")], times("2024-02-29T00:00:00")),
        gives(to(milliseconds()), [times_in(TimeUnit::Second, "2024-02-29T01:02:03")], times("2024-02-29T01:02:03")),
        gives(to(Utf8), [bytes([Some(b"abc"), None])], texts(["abc", NULL])),
        gives(to(DataType::Binary), [texts(["abc", NULL])], bytes([Some(b"abc"), None])),
        refused(to(Date32), [bools("true")], "Unsupported CAST from Boolean to Date32"),
    ]);
}

#[test]
fn a_cast_or_null_never_fails_on_a_value() {
    use DataType::{Date32, Decimal128, Float64, Int32, Int64};
    check(vec![
        gives(or_null(Int32), [int64("1 2147483648 null")], int32("1 null null")),
        gives(or_null(Int64), [texts(["1", "x", "", "9223372036854775808", NULL])], int64("1 null null null null")),
        gives(or_null(Int64), [float64("1.5 NaN inf null")], int64("1 null null null")),
        gives(or_null(Float64), [texts(["1.5", "one"])], float64("1.5 null")),
        gives(or_null(Date32), [texts(["2024-02-29", "2024-02-30"])], dates("2024-02-29 null")),
        gives(or_null(Decimal128(4, 2)), [texts(["1.5", "100", "x"])], decimals(4, 2, "1.5 null null")),
        gives(or_null(Decimal128(4, 2)), [int64("99 100 null")], decimals(4, 2, "99 null null")),
        gives(
            or_null(timestamp(TimeUnit::Millisecond)),
            [texts(["2024-02-29T00:00:00Z", "x"])],
            times("2024-02-29T00:00:00 null"),
        ),
        gives(
            or_null(timestamp(TimeUnit::Nanosecond)),
            [times("2024-02-29T00:00:00 9999-01-01T00:00:00")],
            times_in(TimeUnit::Nanosecond, "2024-02-29T00:00:00 null"),
        ),
        refused(or_null(Date32), [bools("true")], "Unsupported TRY_CAST from Boolean to Date32"),
    ]);
}

#[test]
fn a_literal_is_of_its_type() {
    let lit = |data_type, value| Expr::Literal(Literal { data_type, value: Some(value) });
    let digits = |text: &str| lit(DataType::Decimal128(4, 2), Value::String(text.into()));
    check(vec![
        gives(digits("1.5"), [], decimals(4, 2, "1.50")),
        gives(digits("-99.990"), [], decimals(4, 2, "-99.99")),
        refused(digits("1.005"), [], "\"1.005\""),
        refused(digits("100"), [], "100"),
        refused(digits("1e2x"), [], "1e2x"),
        gives(lit(DataType::Date32, Value::Int(2)), [], dates("1970-01-03")),
        gives(lit(timestamp(TimeUnit::Second), Value::Int(1)), [], times_in(TimeUnit::Second, "1970-01-01T00:00:01")),
        refused(lit(DataType::Int32, Value::Int(2_147_483_648)), [], "is not a value of type int32"),
        refused(lit(DataType::Utf8, Value::Bool(true)), [], "is not a value of type string"),
        refused(lit(DataType::Int64, Value::Float(1.5)), [], "is not a value of type int64"),
        gives(null(DataType::Decimal128(4, 2)), [], decimals(4, 2, "null")),
    ]);
}
