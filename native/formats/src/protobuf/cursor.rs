//! The bytes of a message from where reading has come to.

use crate::bad_record::{Result, bad_value};
use crate::varint::{self, Broken};

/// Wire types, as the low three bits of a tag have them.
pub(super) const VARINT: u32 = 0;
pub(super) const FIXED_64: u32 = 1;
pub(super) const SIZED: u32 = 2;
const GROUP_START: u32 = 3;
const GROUP_END: u32 = 4;
pub(super) const FIXED_32: u32 = 5;

/// Groups in groups that are stepped over.
const MAX_GROUPS: usize = 100;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    #[inline]
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64> {
        varint::take(&mut self.rest).map_err(broken)
    }

    /// The number of the next field, and the wire type of its value.
    #[inline(always)]
    pub fn tag(&mut self) -> Result<u32> {
        let tag = self.varint()?;
        match u32::try_from(tag) {
            Ok(tag) if tag >= 8 => Ok(tag),
            _ => Err(no_tag(tag)),
        }
    }

    #[inline]
    pub fn fixed_32(&mut self) -> Result<[u8; 4]> {
        self.chunk()
    }

    #[inline]
    pub fn fixed_64(&mut self) -> Result<[u8; 8]> {
        self.chunk()
    }

    /// Bytes behind their length.
    #[inline]
    pub fn sized(&mut self) -> Result<&'a [u8]> {
        let len = self.varint()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Steps over the value behind a tag.
    #[inline]
    pub fn skip(&mut self, tag: u32) -> Result<()> {
        match tag & 7 {
            VARINT => self.varint().map(drop),
            FIXED_64 => self.take(8).map(drop),
            SIZED => self.sized().map(drop),
            FIXED_32 => self.take(4).map(drop),
            GROUP_START => self.skip_group(tag >> 3),
            other => Err(no_wire_type(other)),
        }
    }

    #[cold]
    fn skip_group(&mut self, number: u32) -> Result<()> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let tag = self.tag()?;
            match tag & 7 {
                GROUP_START if open.len() < MAX_GROUPS => open.push(tag >> 3),
                GROUP_START => return Err(bad_value(format!("groups nest more than {MAX_GROUPS} deep"))),
                GROUP_END if tag >> 3 == innermost => _ = open.pop(),
                GROUP_END => return Err(bad_value("broken Protobuf: a group ends that has not begun")),
                _ => self.skip(tag)?,
            }
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(broken(Broken::Ended)),
        }
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest.split_first_chunk() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(*chunk)
            }
            None => Err(broken(Broken::Ended)),
        }
    }
}

#[cold]
#[inline(never)]
fn broken(integer: Broken) -> Box<crate::BadRecord> {
    bad_value(match integer {
        Broken::Ended => "broken Protobuf: the message ends within a value",
        Broken::TooLong => "broken Protobuf: an integer has more than 64 bits",
    })
}

#[cold]
#[inline(never)]
fn no_tag(tag: u64) -> Box<crate::BadRecord> {
    bad_value(format!("broken Protobuf: a field has the number {}", tag >> 3))
}

#[cold]
#[inline(never)]
fn no_wire_type(found: u32) -> Box<crate::BadRecord> {
    bad_value(match found {
        GROUP_END => "broken Protobuf: a group ends that has not begun".to_owned(),
        other => format!("broken Protobuf: there is no wire type {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stepping over the first field leaves.
    fn skipped(bytes: &[u8]) -> std::result::Result<&[u8], String> {
        let mut cursor = Cursor::new(bytes);
        let tag = cursor.tag().map_err(|error| error.message)?;
        cursor.skip(tag).map_err(|error| error.message)?;
        Ok(cursor.rest)
    }

    #[test]
    fn values_of_every_wire_type_are_stepped_over() {
        assert_eq!(skipped(&[8, 0x96, 1, 9]), Ok(&[9][..]));
        assert_eq!(skipped(&[9, 1, 2, 3, 4, 5, 6, 7, 8, 9]), Ok(&[9][..]));
        assert_eq!(skipped(&[10, 2, 1, 2, 9]), Ok(&[9][..]));
        assert_eq!(skipped(&[13, 1, 2, 3, 4, 9]), Ok(&[9][..]));
        // A group of a number and of another group.
        assert_eq!(skipped(&[11, 16, 1, 19, 20, 12, 9]), Ok(&[9][..]));
    }

    #[test]
    fn what_is_no_field_is_broken() {
        let broken = |bytes: &[u8]| skipped(bytes).unwrap_err();
        assert_eq!(broken(&[8]), "broken Protobuf: the message ends within a value");
        assert_eq!(broken(&[10, 5, 1]), "broken Protobuf: the message ends within a value");
        assert_eq!(broken(&[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), broken(&[8]));
        assert_eq!(broken(&[0, 1]), "broken Protobuf: a field has the number 0");
        assert_eq!(broken(&[14]), "broken Protobuf: there is no wire type 6");
        assert_eq!(broken(&[12]), "broken Protobuf: a group ends that has not begun");
        assert_eq!(broken(&[11, 20]), "broken Protobuf: a group ends that has not begun");
        assert_eq!(broken(&[11; 200]), "groups nest more than 100 deep");
        assert_eq!(broken(&[11, 16, 1]), "broken Protobuf: the message ends within a value");
    }
}
