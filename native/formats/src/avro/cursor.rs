//! The bytes of a record from where reading has come to.

use crate::bad_record::{Result, bad_value};
use crate::varint::{self, Broken};

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Items of lists that may still come: as many as the record has bytes.
    items: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes, items: bytes.len() }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    #[inline(always)]
    pub fn long(&mut self) -> Result<i64> {
        varint::take(&mut self.rest).map(varint::unzigzag).map_err(broken)
    }

    #[inline]
    pub fn int(&mut self) -> Result<i32> {
        let value = self.long()?;
        i32::try_from(value).map_err(|_| bad_value(format!("broken Avro: {value} is out of range for int")))
    }

    #[inline]
    pub fn boolean(&mut self) -> Result<bool> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            other => Err(bad_value(format!("broken Avro: expected a boolean, found the byte {}", other[0]))),
        }
    }

    #[inline]
    pub fn float(&mut self) -> Result<f32> {
        Ok(f32::from_le_bytes(*self.chunk()?))
    }

    #[inline]
    pub fn double(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(*self.chunk()?))
    }

    /// Bytes behind their length.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.long()?;
        match usize::try_from(len) {
            Ok(len) => self.take(len),
            Err(_) => Err(bad_value(format!("broken Avro: a value has {len} bytes"))),
        }
    }

    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(ended()),
        }
    }

    /// The index of an enum's symbol or a union's branch.
    #[inline]
    pub fn index(&mut self, count: usize) -> Result<usize> {
        let index = self.long()?;
        let found = usize::try_from(index).ok().filter(|&index| index < count);
        found.ok_or_else(|| bad_value(format!("broken Avro: {index} is none of {count} branches or symbols")))
    }

    /// The items in the next block of an array or a map, none after the last; and how many bytes are to be left behind it,
    /// where it says so.
    pub fn block(&mut self) -> Result<(usize, Option<usize>)> {
        let count = self.long()?;
        let left = if count < 0 {
            let bytes = usize::try_from(self.long()?).ok();
            Some(bytes.and_then(|bytes| self.left().checked_sub(bytes)).ok_or_else(ended)?)
        } else {
            None
        };
        Ok((self.counted(count)?, left))
    }

    /// Steps over a block if it says how long it is, otherwise gives its items; `None` after the last.
    pub fn block_to_skip(&mut self) -> Result<Option<usize>> {
        let count = self.long()?;
        if count < 0 {
            self.bytes()?;
            return Ok(Some(0));
        }
        Ok(Some(self.counted(count)?).filter(|&items| items > 0))
    }

    fn counted(&mut self, count: i64) -> Result<usize> {
        let items = usize::try_from(count.unsigned_abs()).ok().filter(|&items| items <= self.items);
        let items = items.ok_or_else(|| {
            bad_value(format!("broken Avro: a list claims {count} items, more than its record has bytes"))
        })?;
        self.items -= items;
        Ok(items)
    }

    fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        match self.rest.split_first_chunk() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(chunk)
            }
            None => Err(ended()),
        }
    }
}

#[cold]
#[inline(never)]
fn broken(integer: Broken) -> Box<crate::BadRecord> {
    match integer {
        Broken::Ended => ended(),
        Broken::TooLong => bad_value("broken Avro: an integer has more than 64 bits"),
    }
}

#[cold]
#[inline(never)]
fn ended() -> Box<crate::BadRecord> {
    bad_value("broken Avro: the record ends within a value")
}

/// Appends a variable-length integer.
#[inline]
pub(super) fn write_long(value: i64, out: &mut Vec<u8>) {
    varint::write(varint::zigzag(value), out);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: i64) -> Vec<u8> {
        let mut out = Vec::new();
        write_long(value, &mut out);
        out
    }

    #[test]
    fn integers_have_the_bytes_that_avro_gives_them() {
        assert_eq!(
            [0, -1, 1, -2, 2, -64, 64].map(written),
            [vec![0], vec![1], vec![2], vec![3], vec![4], vec![0x7f], vec![0x80, 1]]
        );
    }

    #[test]
    fn an_integer_that_is_cut_off_or_too_long_is_broken() {
        let message = |bytes: &[u8]| Cursor::new(bytes).long().unwrap_err().message;
        assert_eq!(message(&[]), "broken Avro: the record ends within a value");
        assert_eq!(message(&[0x80; 9]), "broken Avro: the record ends within a value");
        assert_eq!(message(&[0x80; 11]), "broken Avro: an integer has more than 64 bits");
        let mut tenth = [0xff; 10];
        tenth[9] = 2;
        assert_eq!(message(&tenth), "broken Avro: an integer has more than 64 bits");
    }

    #[test]
    fn a_short_record_cannot_claim_many_items() {
        let mut bytes = written(1 << 40);
        bytes.push(0);
        assert_eq!(
            Cursor::new(&bytes).block().unwrap_err().message,
            "broken Avro: a list claims 1099511627776 items, more than its record has bytes"
        );
    }

    proptest! {
        #[test]
        fn integers_are_read_as_they_are_written(
            value in prop_oneof![any::<i64>(), any::<i32>().prop_map(i64::from), -200..200i64],
            after in prop::collection::vec(any::<u8>(), 0..9)
        ) {
            let bytes = [written(value), after.clone()].concat();
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.long(), Ok(value));
            prop_assert_eq!(cursor.left(), after.len());
        }
    }
}
