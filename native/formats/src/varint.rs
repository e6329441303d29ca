//! Integers of variable length, as Avro and Protobuf have them: seven bits a byte, the lowest first.

/// Bytes of the longest.
const MAX_BYTES: usize = 10;

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The bytes end within it.
    Ended,
    /// It has more than 64 bits.
    TooLong,
}

/// Takes one from the front.
#[inline(always)]
pub(crate) fn take(rest: &mut &[u8]) -> Result<u64, Broken> {
    match *rest {
        [first, after @ ..] if *first < 0x80 => {
            *rest = after;
            Ok(u64::from(*first))
        }
        _ => take_many_bytes(rest),
    }
}

#[inline]
fn take_many_bytes(rest: &mut &[u8]) -> Result<u64, Broken> {
    if let Some(word) = rest.first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // The last byte is the first whose high bit is not set.
        let last = (!word & 0x8080_8080_8080_8080).trailing_zeros();
        if last < u64::BITS {
            *rest = &rest[last as usize / 8 + 1..];
            return Ok(join_groups(word & (u64::MAX >> (63 - last))));
        }
    }
    take_slowly(rest)
}

#[inline(never)]
fn take_slowly(rest: &mut &[u8]) -> Result<u64, Broken> {
    let mut value = 0u64;
    for index in 0..MAX_BYTES {
        let &byte = rest.get(index).ok_or(Broken::Ended)?;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            // The tenth byte has room for one bit.
            if index == MAX_BYTES - 1 && byte > 1 {
                break;
            }
            *rest = &rest[index + 1..];
            return Ok(value);
        }
    }
    Err(Broken::TooLong)
}

/// Joins the low seven bits of each byte, the first byte lowest.
#[inline]
fn join_groups(word: u64) -> u64 {
    let pairs = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let quads = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    (quads & 0x0000_0000_0fff_ffff) | (quads & 0x0fff_ffff_0000_0000) >> 4
}

#[inline]
pub(crate) fn write(value: u64, out: &mut Vec<u8>) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes that one takes.
#[inline]
pub(crate) fn length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Signed numbers in turn: 0, -1, 1, -2, ...
#[inline]
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

#[inline]
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_that_is_cut_off_or_too_long_is_broken() {
        let taken = |bytes: &[u8]| take(&mut &*bytes);
        assert_eq!(taken(&[]), Err(Broken::Ended));
        assert_eq!(taken(&[0x80; 9]), Err(Broken::Ended));
        assert_eq!(taken(&[0x80; 11]), Err(Broken::TooLong));
        let mut tenth = [0xff; 10];
        tenth[9] = 2;
        assert_eq!(taken(&tenth), Err(Broken::TooLong));
    }

    #[test]
    fn a_number_takes_a_byte_for_each_seven_bits() {
        for (value, bytes) in [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (u64::MAX, 10)] {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!((out.len(), length(value)), (bytes, bytes), "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_taken(
            value in prop_oneof![any::<u64>(), any::<u32>().prop_map(u64::from), 0..300u64],
            after in prop::collection::vec(any::<u8>(), 0..9)
        ) {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            bytes.extend_from_slice(&after);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(take(&mut rest), Ok(value));
            prop_assert_eq!(rest, after.as_slice());
            let signed = value as i64;
            prop_assert_eq!(unzigzag(zigzag(signed)), signed);
        }
    }
}
