//! Timestamps in the unit of another place.

use arrow::datatypes::TimeUnit;

use super::schema::Logical;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rescale {
    Multiply(i64),
    /// What is finer is cut off.
    Divide(i64),
}

impl Rescale {
    /// `None` where the units are the same.
    pub fn between(from: TimeUnit, to: TimeUnit) -> Option<Rescale> {
        let (from, to) = (per_second(from), per_second(to));
        match from.cmp(&to) {
            std::cmp::Ordering::Less => Some(Rescale::Multiply(to / from)),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Rescale::Divide(from / to)),
        }
    }

    /// `None` beyond the range of an i64.
    #[inline]
    pub fn apply(self, value: i64) -> Option<i64> {
        match self {
            Rescale::Multiply(factor) => value.checked_mul(factor),
            Rescale::Divide(factor) => Some(value.div_euclid(factor)),
        }
    }
}

impl Logical {
    /// The unit of a timestamp.
    pub fn unit(self) -> Option<TimeUnit> {
        match self {
            Logical::Milliseconds => Some(TimeUnit::Millisecond),
            Logical::Microseconds => Some(TimeUnit::Microsecond),
            Logical::Nanoseconds => Some(TimeUnit::Nanosecond),
            Logical::Decimal { .. } | Logical::Uuid => None,
        }
    }

    /// The scale of a decimal.
    pub fn scale(self) -> Option<i8> {
        match self {
            Logical::Decimal { scale } => Some(scale),
            _ => None,
        }
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
