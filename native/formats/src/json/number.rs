//! Number tokens, integers and floats.

/// 10^n for the digits of one block.
const POWERS_OF_TEN: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Digits that fit into an u64 whatever they are.
const MAX_DIGITS: usize = 19;

/// The position after the number at `at`; `None` where there is none by JSON's grammar.
#[inline]
pub(super) fn end(json: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(json.get(at) == Some(&b'-'));
    let mut end = digits_end(json, start);
    if end == start || (json[start] == b'0' && end > start + 1) {
        return None;
    }
    if json.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits_end(json, fraction);
        if end == fraction {
            return None;
        }
    }
    if let Some(b'e' | b'E') = json.get(end) {
        let exponent = end + 1 + usize::from(matches!(json.get(end + 1), Some(b'+' | b'-')));
        end = digits_end(json, exponent);
        if end == exponent {
            return None;
        }
    }
    Some(end)
}

/// The integer at `at` and the position after it; `None` where there is no integer or it is out of range.
#[inline]
pub(crate) fn integer(json: &[u8], at: usize) -> Option<(i64, usize)> {
    let negative = json.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let mut end = start;
    // Wraps only beyond MAX_DIGITS, which are refused below.
    let mut magnitude = 0u64;
    loop {
        let (value, digits) = leading_digits(json, end);
        magnitude = magnitude.wrapping_mul(POWERS_OF_TEN[digits]).wrapping_add(value);
        end += digits;
        if digits < 8 {
            break;
        }
    }
    let digits = end - start;
    let zero_led = digits > 1 && json[start] == b'0';
    if digits == 0 || digits > MAX_DIGITS || zero_led || matches!(json.get(end), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    let limit = i64::MAX as u64 + u64::from(negative);
    if magnitude > limit {
        return None;
    }
    let value = if negative { (magnitude as i64).wrapping_neg() } else { magnitude as i64 };
    Some((value, end))
}

/// The same within the range of an i32.
#[inline]
pub(crate) fn int32(json: &[u8], at: usize) -> Option<(i32, usize)> {
    let (value, end) = integer(json, at)?;
    Some((value.try_into().ok()?, end))
}

/// The float at `at` and the position after it; `None` where there is no number or it is out of range.
#[inline]
pub(crate) fn float(json: &[u8], at: usize) -> Option<(f64, usize)> {
    let end = end(json, at)?;
    let value: f64 = fast_float2::parse(&json[at..end]).ok()?;
    value.is_finite().then_some((value, end))
}

#[inline]
fn digits_end(json: &[u8], mut at: usize) -> usize {
    while let Some(block) = block(json, at) {
        let digits = count_digits(block);
        at += digits;
        if digits < 8 {
            return at;
        }
    }
    while json.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// The value and the number of the digits at `at`, at most 8 of them.
#[inline]
fn leading_digits(json: &[u8], at: usize) -> (u64, usize) {
    if let Some(block) = block(json, at) {
        let digits = count_digits(block);
        return (if digits == 0 { 0 } else { parse_digits(block, digits) }, digits);
    }
    let digits = json.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).take(8);
    digits.fold((0, 0), |(value, count), digit| (value * 10 + u64::from(digit - b'0'), count + 1))
}

/// Eight bytes, the first one lowest, less the code of "0".
#[inline]
fn block(json: &[u8], at: usize) -> Option<u64> {
    let bytes = json.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes) ^ 0x3030_3030_3030_3030)
}

/// Digits before the first byte that is none.
#[inline]
fn count_digits(block: u64) -> usize {
    // A byte above 9 gets its high bit set by the sum or has it already. A carry spoils only bytes after such a one.
    let others = (block.wrapping_add(0x7676_7676_7676_7676) | block) & 0x8080_8080_8080_8080;
    others.trailing_zeros() as usize / 8
}

/// The value of the first `digits` digits, 1 to 8.
#[inline]
fn parse_digits(block: u64, digits: usize) -> u64 {
    // Shifted up, the digits have zeros before them; then pairs, quadruples and all eight are joined.
    let eight = block << (64 - 8 * digits);
    let pairs = eight.wrapping_mul(10).wrapping_add(eight >> 8);
    let high = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let low = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    high.wrapping_add(low) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_integer_is_exact_to_its_last_digit() {
        for value in [0, 1, -1, 7, 99999999, 100000000, -12345678, 1700000000123, i64::MAX, i64::MIN, i64::MAX - 1] {
            for after in ["", ",", "}", " ,\"next\":1"] {
                let text = format!("{value}{after}");
                let end = text.len() - after.len();
                assert_eq!(integer(text.as_bytes(), 0), Some((value, end)), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_integer_is_refused() {
        for text in
            ["", "-", "+1", "01", "-01", "00", "1.0", "1e3", "1E3", "a", "9223372036854775808", "99999999999999999999"]
        {
            assert_eq!(integer(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(integer(b"-9223372036854775809", 0), None);
        assert_eq!(integer(b"18446744073709551617", 0), None);
        assert_eq!(integer(b"100000000000000000000000000000000000000000", 0), None);
    }

    #[test]
    fn the_grammar_of_numbers_is_json_s() {
        for text in ["0", "-0", "10", "0.5", "1.25e10", "1E-7", "1e+7", "123456789.123456789", "-0.0"] {
            assert_eq!(end(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
        for text in ["", "-", ".5", "5.", "1e", "1e+", "01", "-.5", "1.e3", "NaN"] {
            assert_eq!(end(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn a_float_beyond_the_range_is_refused() {
        assert_eq!(float(b"1e308", 0), Some((1e308, 5)));
        assert_eq!(float(b"1e309", 0), None);
        assert_eq!(float(b"1e-400", 0), Some((0.0, 6)));
    }

    proptest! {
        #[test]
        fn integers_agree_with_the_standard_library(text in "-?[0-9]{1,22}", after in "[,} ]{0,9}") {
            let whole = format!("{text}{after}");
            let unsigned = text.trim_start_matches('-');
            let expected = if unsigned.len() > 1 && unsigned.starts_with('0') { None } else { text.parse::<i64>().ok() };
            prop_assert_eq!(integer(whole.as_bytes(), 0), expected.map(|value| (value, text.len())));
        }

        #[test]
        fn floats_agree_with_the_standard_library(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
            let text = format!("{value:e}");
            prop_assert_eq!(float(text.as_bytes(), 0), Some((value, text.len())));
        }
    }
}
