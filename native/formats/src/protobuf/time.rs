//! `google.protobuf.Timestamp`: seconds since the epoch, and nanoseconds after them.

use arrow::datatypes::TimeUnit;

use super::cursor::{Cursor, VARINT};
use crate::bad_record::{Result, bad_value};
use crate::rescale::per_second;
use crate::varint;

const SECONDS: u32 = 1 << 3 | VARINT;
const NANOS: u32 = 2 << 3 | VARINT;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The unit of a column, in parts of a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit(i64);

impl Unit {
    pub fn of(unit: TimeUnit) -> Unit {
        Unit(per_second(unit))
    }

    /// The time that a message tells.
    pub fn read(self, message: &[u8]) -> Result<i64> {
        let (mut seconds, mut nanos) = (0i64, 0i64);
        let mut cursor = Cursor::new(message);
        while !cursor.is_at_end() {
            match cursor.tag()? {
                SECONDS => seconds = cursor.varint()? as i64,
                NANOS => nanos = i64::from(cursor.varint()? as i32),
                other => cursor.skip(other)?,
            }
        }
        if !(0..NANOS_PER_SECOND).contains(&nanos) {
            return Err(bad_value(format!("a timestamp has {nanos} nanoseconds")));
        }
        let parts = nanos / (NANOS_PER_SECOND / self.0);
        let whole = i128::from(seconds) * i128::from(self.0) + i128::from(parts);
        i64::try_from(whole).map_err(|_| bad_value(format!("the timestamp of {seconds} seconds is out of range")))
    }

    /// Appends the message for a time.
    pub fn write(self, value: i64, out: &mut Vec<u8>) {
        let seconds = value.div_euclid(self.0);
        let nanos = value.rem_euclid(self.0) * (NANOS_PER_SECOND / self.0);
        for (tag, part) in [(SECONDS, seconds), (NANOS, nanos)] {
            if part != 0 {
                varint::write(u64::from(tag), out);
                varint::write(part as u64, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_epoch_have_nanoseconds_after_their_second() {
        let written = |unit, value| {
            let mut out = Vec::new();
            Unit::of(unit).write(value, &mut out);
            assert_eq!(Unit::of(unit).read(&out), Ok(value));
            out
        };
        assert!(written(TimeUnit::Millisecond, 0).is_empty());
        assert_eq!(written(TimeUnit::Second, 300), [8, 0xac, 2]);
        assert_eq!(written(TimeUnit::Nanosecond, 5), [16, 5]);
        let before = written(TimeUnit::Millisecond, -1);
        assert_eq!(Unit::of(TimeUnit::Microsecond).read(&before), Ok(-1_000));
        assert_eq!(Unit::of(TimeUnit::Second).read(&before), Ok(-1));
        for value in [i64::MIN, i64::MAX] {
            written(TimeUnit::Microsecond, value);
            written(TimeUnit::Second, value);
        }
    }

    #[test]
    fn what_is_no_time_is_told() {
        let error = |bytes: &[u8]| Unit::of(TimeUnit::Nanosecond).read(bytes).unwrap_err().message;
        assert_eq!(error(&[16, 0x80, 0x94, 0xeb, 0xdc, 3]), "a timestamp has 1000000000 nanoseconds");
        let mut far = vec![8];
        varint::write(1 << 40, &mut far);
        assert_eq!(error(&far), "the timestamp of 1099511627776 seconds is out of range");
    }
}
