//! Decimals, without a detour through floats.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array};
use arrow::datatypes::DataType;

use super::error::{Result, bad_value, out_of_range, shown, type_name, wrong_type};
use super::{number, string};
use crate::builders::Primitive;

/// A column of decimals.
pub(super) struct Decimals {
    values: Primitive<i128>,
    precision: u8,
    scale: i8,
    scratch: Vec<u8>,
}

impl Decimals {
    pub fn new(precision: u8, scale: i8) -> Self {
        Decimals { values: Primitive::new(), precision, scale, scratch: Vec::new() }
    }

    /// Appends the number, or the string that holds one, at `at`; gives the position after it.
    pub fn read(&mut self, json: &[u8], at: usize) -> Result<usize> {
        let token = match json.get(at) {
            Some(b'"') => Some(string::text(json, at, &mut self.scratch)?),
            _ => number::end(json, at).map(|end| (&json[at..end], end)),
        };
        if let Some((text, end)) = token
            && let Some(value) = parse(text, self.precision, self.scale)
        {
            self.values.append(value?);
            return Ok(end);
        }
        Err(wrong_type(json, at, &self.data_type()))
    }

    pub fn append_null(&mut self) {
        self.values.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
    }

    pub fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.values.finish();
        Arc::new(Decimal128Array::new(values, nulls).with_data_type(self.data_type()))
    }

    fn data_type(&self) -> DataType {
        DataType::Decimal128(self.precision, self.scale)
    }
}

/// Why a number is no value of a decimal type.
enum Misfit {
    OutOfRange,
    /// It has digits after the last that the scale keeps.
    TooFine,
}

/// The value of a number token in units of the last digit of `decimal(precision, scale)`. `None` where `token` is no
/// number at all.
pub(crate) fn parse(token: &[u8], precision: u8, scale: i8) -> Option<Result<i128>> {
    if number::end(token, 0)? != token.len() {
        return None;
    }
    Some(unscaled(token, precision, scale).map_err(|misfit| match misfit {
        Misfit::OutOfRange => out_of_range(token, &DataType::Decimal128(precision, scale)),
        Misfit::TooFine => bad_value(format!(
            "{} has more than {scale} digits after the point, which {} cannot hold",
            shown(token),
            type_name(&DataType::Decimal128(precision, scale))
        )),
    }))
}

fn unscaled(token: &[u8], precision: u8, scale: i8) -> std::result::Result<i128, Misfit> {
    let negative = token.first() == Some(&b'-');
    let mut digits: u128 = 0;
    // Zeros that follow a digit count only once another digit follows them.
    let mut zeros: u32 = 0;
    let mut fraction_digits: i64 = 0;
    let mut exponent: i64 = 0;
    let mut after_point = false;
    for (index, &byte) in token.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                fraction_digits += i64::from(after_point);
                if byte == b'0' {
                    zeros += u32::from(digits != 0);
                } else {
                    let shifted = 10u128.checked_pow(zeros + 1).and_then(|power| digits.checked_mul(power));
                    let sum = shifted.and_then(|shifted| shifted.checked_add(u128::from(byte - b'0')));
                    digits = sum.ok_or(Misfit::OutOfRange)?;
                    zeros = 0;
                }
            }
            b'.' => after_point = true,
            b'e' | b'E' => {
                exponent = parse_exponent(&token[index + 1..]);
                break;
            }
            _ => {}
        }
    }
    if digits == 0 {
        return Ok(0);
    }
    let shift = i64::from(zeros) - fraction_digits + exponent + i64::from(scale);
    let shift = u32::try_from(shift).map_err(|_| Misfit::TooFine)?;
    let magnitude = 10u128.checked_pow(shift).and_then(|power| digits.checked_mul(power)).ok_or(Misfit::OutOfRange)?;
    // No precision is above 38, and 10^38 fits.
    if magnitude >= 10u128.pow(u32::from(precision.min(38))) {
        return Err(Misfit::OutOfRange);
    }
    let value = magnitude as i128;
    Ok(if negative { -value } else { value })
}

/// An exponent as written, held to what no value that fits comes near.
fn parse_exponent(text: &[u8]) -> i64 {
    let negative = text.first() == Some(&b'-');
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let magnitude = digits.fold(0i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1 << 40));
    if negative { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: &str, precision: u8, scale: i8) -> Option<std::result::Result<i128, String>> {
        parse(token.as_bytes(), precision, scale).map(|result| result.map_err(|error| error.message))
    }

    #[test]
    fn a_decimal_is_exact() {
        assert_eq!(read("12.34", 10, 2), Some(Ok(1234)));
        assert_eq!(read("-0.1", 10, 2), Some(Ok(-10)));
        assert_eq!(read("1e3", 10, 2), Some(Ok(100000)));
        assert_eq!(read("1234e-2", 10, 2), Some(Ok(1234)));
        assert_eq!(read("1.5000000000000000000000000000000000000000000000000", 10, 2), Some(Ok(150)));
        assert_eq!(read("0.00000", 3, 0), Some(Ok(0)));
        assert_eq!(read("0e999999999999999999999", 3, 0), Some(Ok(0)));
        assert_eq!(read(&"9".repeat(38), 38, 0), Some(Ok(10i128.pow(38) - 1)));
    }

    #[test]
    fn digits_are_never_lost() {
        let lost = "1.234 has more than 2 digits after the point, which decimal(10, 2) cannot hold";
        assert_eq!(read("1.234", 10, 2), Some(Err(lost.into())));
        assert!(matches!(read("1e-3", 10, 2), Some(Err(_))));
        assert!(matches!(read("1e-99999999999999999999", 10, 2), Some(Err(_))));
    }

    #[test]
    fn a_decimal_beyond_its_precision_is_out_of_range() {
        assert_eq!(read("1000", 5, 2), Some(Err("1000 is out of range for decimal(5, 2)".into())));
        assert_eq!(read("999.99", 5, 2), Some(Ok(99999)));
        assert!(matches!(read("1e99999999999999999999", 38, 0), Some(Err(_))));
        assert!(matches!(read(&"9".repeat(60), 38, 0), Some(Err(_))));
        assert!(matches!(read(&format!("1{}", "0".repeat(60)), 38, 0), Some(Err(_))));
    }

    #[test]
    fn what_is_no_number_is_no_decimal() {
        for text in ["", "abc", "1,5", " 1", "1 ", "+1", "0x1"] {
            assert_eq!(read(text, 10, 2), None, "{text}");
        }
    }
}
