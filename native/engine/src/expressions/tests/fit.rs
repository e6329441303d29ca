use super::super::fit;
use super::columns::*;
use super::*;

/// What `a` gives as a column that is declared to be of a type.
fn fitted(column: ArrayRef, declared: DataType) -> Result<ArrayRef, Error> {
    let rows = batch(&[column]);
    let declared = Field::new("total", declared, true);
    evaluate(&fit(compile(&a(), &rows.schema())?, &rows.schema(), &declared)?, &rows)
}

#[test]
fn a_decimal_fits_a_declared_one_of_as_many_fraction_digits() {
    let money = || decimals(20, 2, "1.50 null");
    same(&decimals(20, 2, "1.50 null"), &fitted(money(), DataType::Decimal128(20, 2)).unwrap()).unwrap();
    same(&decimals(10, 2, "1.50 null"), &fitted(money(), DataType::Decimal128(10, 2)).unwrap()).unwrap();
    same(&decimals(30, 4, "1.50 null"), &fitted(money(), DataType::Decimal128(30, 4)).unwrap()).unwrap();
}

#[test]
fn a_decimal_that_has_no_room_fails_the_job_instead_of_losing_digits() {
    let error = fitted(decimals(20, 2, "1.50 100000.00"), DataType::Decimal128(6, 2)).unwrap_err();
    fits(&error, ErrorCode::Expression, "too large to store in a Decimal128 of precision 6").unwrap();
    let error = fitted(decimals(20, 2, "1.50"), DataType::Decimal128(20, 1)).unwrap_err();
    let message = "column \"total\" is declared as decimal(20, 1), but its expression gives decimal(20, 2): cast it";
    fits(&error, ErrorCode::Plan, message).unwrap();
}

#[test]
fn other_types_are_to_be_the_same() {
    let told = |column, declared| fitted(column, declared).unwrap_err().message;
    assert_eq!(
        told(int32("1"), DataType::Int64),
        "column \"total\" is declared as int64, but its expression gives int32: cast it"
    );
    assert_eq!(
        told(lists(texts(["x"]), [Some(1)]), DataType::Utf8),
        "column \"total\" is declared as string, but its expression gives list of string: cast it"
    );
    assert_eq!(
        told(structs([("n", int64("1"))], "true"), timestamp(TimeUnit::Second)),
        "column \"total\" is declared as timestamp(s), but its expression gives struct { n: int64 }: cast it"
    );
}
