//! Decimals: two's complement, the highest byte first.

/// The decimals of a column, and how those of a schema become such.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    factor: i128,
    /// What no value comes to.
    limit: i128,
}

impl Decimal {
    /// `None` where digits would be lost.
    pub fn new(from_scale: i8, precision: u8, scale: i8) -> Option<Decimal> {
        let more = u32::try_from(i16::from(scale) - i16::from(from_scale)).ok()?;
        Some(Decimal { factor: 10i128.checked_pow(more)?, limit: 10i128.checked_pow(u32::from(precision))? })
    }

    /// `None` where the value has more digits than the column.
    pub fn read(&self, bytes: &[u8]) -> Option<i128> {
        let value = unscaled(bytes)?.checked_mul(self.factor)?;
        (value > -self.limit && value < self.limit).then_some(value)
    }

    /// The value in units of the schema's last digit.
    pub fn write(&self, value: i128) -> Option<i128> {
        value.checked_mul(self.factor)
    }
}

fn unscaled(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|&first| first >= 0x80);
    let sign = if negative { 0xff } else { 0 };
    let (extension, value) = bytes.split_at(bytes.len().saturating_sub(16));
    let mut whole = [sign; 16];
    whole[16 - value.len()..].copy_from_slice(value);
    let value = i128::from_be_bytes(whole);
    // More than 16 bytes are none too many if they only repeat the sign.
    let fits = extension.iter().all(|&byte| byte == sign) && (value < 0) == negative;
    fits.then_some(value)
}

/// The fewest bytes that hold the value.
pub(super) fn fewest_bytes(whole: &[u8; 16]) -> &[u8] {
    let is_repeated = |pair: &[u8]| matches!((pair[0], pair[1] < 0x80), (0, true) | (0xff, false));
    let repeated = whole.windows(2).take_while(|pair| is_repeated(pair)).count();
    &whole[repeated..]
}

/// Appends the value in `size` bytes; false where it does not fit.
pub(super) fn write_fixed(value: i128, size: usize, out: &mut Vec<u8>) -> bool {
    let whole = value.to_be_bytes();
    let bytes = fewest_bytes(&whole);
    if bytes.len() > size {
        return false;
    }
    out.resize(out.len() + size - bytes.len(), if value < 0 { 0xff } else { 0 });
    out.extend_from_slice(bytes);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_has_the_fewest_bytes_and_is_read_from_any_number() {
        let decimal = Decimal::new(0, 38, 0).unwrap();
        for value in [0, 1, -1, 127, 128, -128, -129, 32767, 1 << 64, -(1 << 100), 10i128.pow(38) - 1] {
            let whole = value.to_be_bytes();
            let bytes = fewest_bytes(&whole);
            assert_eq!(decimal.read(bytes), Some(value));
            let mut wide = Vec::new();
            assert!(write_fixed(value, 20, &mut wide));
            assert_eq!((wide.len(), decimal.read(&wide)), (20, Some(value)));
        }
        assert_eq!(fewest_bytes(&0i128.to_be_bytes()), [0]);
        assert_eq!(fewest_bytes(&128i128.to_be_bytes()), [0, 128]);
        assert_eq!(fewest_bytes(&(-128i128).to_be_bytes()), [128]);
        assert_eq!(decimal.read(&[]), Some(0));
        assert_eq!(decimal.read(&[[1; 1].as_slice(), &[0; 16]].concat()), None);
        assert!(!write_fixed(128, 1, &mut Vec::new()));
    }

    #[test]
    fn a_larger_scale_has_room_for_the_same_value_and_a_smaller_one_has_not() {
        let decimal = Decimal::new(2, 6, 4).unwrap();
        assert_eq!(decimal.read(&[0x30, 0x39]), None);
        assert_eq!(decimal.read(&[0x0d]), Some(1300));
        assert!(Decimal::new(4, 6, 2).is_none());
    }
}
