//! Timestamps in another unit.

use arrow::datatypes::TimeUnit;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rescale {
    Multiply(i64),
    /// What is finer is cut off, towards the past.
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

/// How many of a unit a second has.
pub(crate) fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_off_towards_the_past_and_never_wrap_around() {
        let rescaled = |value, from, to| Rescale::between(from, to).and_then(|rescale| rescale.apply(value));
        assert_eq!(rescaled(-1, TimeUnit::Millisecond, TimeUnit::Second), Some(-1));
        assert_eq!(rescaled(1_999, TimeUnit::Millisecond, TimeUnit::Second), Some(1));
        assert_eq!(rescaled(7, TimeUnit::Second, TimeUnit::Nanosecond), Some(7_000_000_000));
        assert_eq!(rescaled(i64::MAX / 1000, TimeUnit::Millisecond, TimeUnit::Nanosecond), None);
    }
}
