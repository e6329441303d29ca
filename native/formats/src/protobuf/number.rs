//! Integers, as each of Protobuf's types writes them.

use prost_reflect::Kind;

use super::cursor::{Cursor, FIXED_32, FIXED_64, VARINT};
use crate::bad_record::{Result, bad_value};
use crate::varint::{self, unzigzag, zigzag};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
}

impl Number {
    pub fn of(kind: &Kind) -> Option<Number> {
        Some(match kind {
            Kind::Int32 | Kind::Enum(_) => Number::Int32,
            Kind::Int64 => Number::Int64,
            Kind::Uint32 => Number::Uint32,
            Kind::Uint64 => Number::Uint64,
            Kind::Sint32 => Number::Sint32,
            Kind::Sint64 => Number::Sint64,
            Kind::Fixed32 => Number::Fixed32,
            Kind::Fixed64 => Number::Fixed64,
            Kind::Sfixed32 => Number::Sfixed32,
            Kind::Sfixed64 => Number::Sfixed64,
            _ => return None,
        })
    }

    pub fn wire_type(self) -> u32 {
        match self {
            Number::Fixed32 | Number::Sfixed32 => FIXED_32,
            Number::Fixed64 | Number::Sfixed64 => FIXED_64,
            _ => VARINT,
        }
    }

    /// Whether each of its values is an i32.
    pub fn fits_int32(self) -> bool {
        matches!(self, Number::Int32 | Number::Sint32 | Number::Sfixed32)
    }

    /// As the specification has it, what is too long for 32 bits loses those that are too high.
    #[inline]
    pub fn read(self, cursor: &mut Cursor<'_>) -> Result<i64> {
        Ok(match self {
            Number::Int64 => cursor.varint()? as i64,
            Number::Int32 => i64::from(cursor.varint()? as i32),
            Number::Uint32 => i64::from(cursor.varint()? as u32),
            Number::Uint64 => within_int64(cursor.varint()?)?,
            Number::Sint32 => i64::from(unzigzag(u64::from(cursor.varint()? as u32)) as i32),
            Number::Sint64 => unzigzag(cursor.varint()?),
            Number::Fixed32 => i64::from(u32::from_le_bytes(cursor.fixed_32()?)),
            Number::Fixed64 => within_int64(u64::from_le_bytes(cursor.fixed_64()?))?,
            Number::Sfixed32 => i64::from(i32::from_le_bytes(cursor.fixed_32()?)),
            Number::Sfixed64 => i64::from_le_bytes(cursor.fixed_64()?),
        })
    }

    /// The whole range, also of what an int64 has no room for.
    pub fn read_wide(self, cursor: &mut Cursor<'_>) -> Result<i128> {
        Ok(match self {
            Number::Uint64 => i128::from(cursor.varint()?),
            Number::Fixed64 => i128::from(u64::from_le_bytes(cursor.fixed_64()?)),
            other => i128::from(other.read(cursor)?),
        })
    }

    #[inline]
    pub fn write(self, value: i64, out: &mut Vec<u8>) -> Result<()> {
        let as_int32 = || i32::try_from(value).map_err(|_| self.out_of_range(value));
        let as_uint32 = || u32::try_from(value).map_err(|_| self.out_of_range(value));
        let as_uint64 = || u64::try_from(value).map_err(|_| self.out_of_range(value));
        match self {
            Number::Int64 => varint::write(value as u64, out),
            // Negative ones have ten bytes, too.
            Number::Int32 => varint::write(i64::from(as_int32()?) as u64, out),
            Number::Uint32 => varint::write(u64::from(as_uint32()?), out),
            Number::Uint64 => varint::write(as_uint64()?, out),
            Number::Sint32 => varint::write(zigzag(i64::from(as_int32()?)), out),
            Number::Sint64 => varint::write(zigzag(value), out),
            Number::Fixed32 => out.extend(as_uint32()?.to_le_bytes()),
            Number::Fixed64 => out.extend(as_uint64()?.to_le_bytes()),
            Number::Sfixed32 => out.extend(as_int32()?.to_le_bytes()),
            Number::Sfixed64 => out.extend(value.to_le_bytes()),
        }
        Ok(())
    }

    #[cold]
    fn out_of_range(self, value: i64) -> Box<crate::BadRecord> {
        bad_value(format!("{value} is out of range for {}", format!("{self:?}").to_lowercase()))
    }
}

fn within_int64(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| bad_value(format!("{value} is out of range for int64: read it as decimal(20, 0)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Number; 10] = [
        Number::Int32,
        Number::Int64,
        Number::Uint32,
        Number::Uint64,
        Number::Sint32,
        Number::Sint64,
        Number::Fixed32,
        Number::Fixed64,
        Number::Sfixed32,
        Number::Sfixed64,
    ];

    #[test]
    fn what_is_written_is_read_and_what_has_no_room_is_told() {
        for number in ALL {
            for value in
                [0, 1, -1, 127, 128, -129, i32::MAX.into(), i32::MIN.into(), u32::MAX.into(), i64::MAX, i64::MIN]
            {
                let mut out = Vec::new();
                match number.write(value, &mut out) {
                    Ok(()) => {
                        let mut cursor = Cursor::new(&out);
                        assert_eq!(number.read(&mut cursor), Ok(value), "{number:?}");
                        assert!(cursor.is_at_end());
                    }
                    Err(error) => {
                        assert!(error.message.starts_with(&format!("{value} is out of range for ")), "{error}")
                    }
                }
            }
        }
    }

    #[test]
    fn unsigned_numbers_beyond_int64_are_decimals() {
        let bytes = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Number::Uint64.read_wide(&mut Cursor::new(&bytes)), Ok(i128::from(u64::MAX)));
        let error = Number::Uint64.read(&mut Cursor::new(&bytes)).unwrap_err();
        assert_eq!(error.message, "18446744073709551615 is out of range for int64: read it as decimal(20, 0)");
    }
}
