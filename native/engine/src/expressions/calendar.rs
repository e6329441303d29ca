//! The starts of units of time, over the whole range of every type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use datafusion_common::{Result, exec_err};

const DAY_SECONDS: i64 = 24 * 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    pub const NAMES: [(&str, Unit); 7] = [
        ("second", Unit::Second),
        ("minute", Unit::Minute),
        ("hour", Unit::Hour),
        ("day", Unit::Day),
        ("week", Unit::Week),
        ("month", Unit::Month),
        ("year", Unit::Year),
    ];

    /// The start of the unit that a time lies in; `second` is the length of one.
    fn start(self, time: i64, second: i64) -> Option<i64> {
        let length = match self {
            Unit::Second => second,
            Unit::Minute => 60 * second,
            Unit::Hour => 3600 * second,
            Unit::Day => DAY_SECONDS * second,
            Unit::Week | Unit::Month | Unit::Year => {
                let day = DAY_SECONDS * second;
                return self.start_day(time.div_euclid(day)).checked_mul(day);
            }
        };
        time.checked_sub(time.rem_euclid(length))
    }

    /// The same in days since the epoch, which was a Thursday.
    fn start_day(self, day: i64) -> i64 {
        match self {
            Unit::Second | Unit::Minute | Unit::Hour | Unit::Day => day,
            Unit::Week => day - (day + 3).rem_euclid(7),
            Unit::Month => Civil::of(day).month_start,
            Unit::Year => Civil::of(day).year_start,
        }
    }
}

/// What the Gregorian calendar says about a day, in days since the epoch.
struct Civil {
    month_start: i64,
    year_start: i64,
}

impl Civil {
    /// Years are counted from March here, so that a leap day is the last of its year.
    fn of(day: i64) -> Self {
        const FOUR_CENTURIES: i64 = 146_097;
        const EPOCH: i64 = 719_468;
        let era = (day + EPOCH).div_euclid(FOUR_CENTURIES);
        let day_of_era = (day + EPOCH).rem_euclid(FOUR_CENTURIES);
        let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let march = 365 * year + year / 4 - year / 100;
        let day_of_year = day_of_era - march;
        let month = (5 * day_of_year + 2) / 153;
        let first_of_month = (153 * month + 2) / 5;
        let january = 306;
        // January and February belong to the year that began with them, the other months to the one before.
        let new_year = if day_of_year >= january {
            march + january
        } else {
            let leap = (year % 4 == 0 && year % 100 != 0) || year == 0;
            march - 59 - i64::from(leap)
        };
        let origin = era * FOUR_CENTURIES - EPOCH;
        Civil { month_start: origin + march + first_of_month, year_start: origin + new_year }
    }
}

/// Brings timestamps and dates to the start of their unit.
pub fn truncate(times: &dyn Array, unit: Unit) -> Result<ArrayRef> {
    match times.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => ticks::<TimestampSecondType>(times, unit, 1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => ticks::<TimestampMillisecondType>(times, unit, 1_000),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ticks::<TimestampMicrosecondType>(times, unit, 1_000_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => ticks::<TimestampNanosecondType>(times, unit, 1_000_000_000),
        DataType::Date32 => {
            let days = times.as_primitive::<Date32Type>();
            let start = |day: i32| i32::try_from(unit.start_day(day.into())).or_else(|_| out_of_range());
            Ok(Arc::new(days.try_unary::<_, Date32Type, _>(start)?))
        }
        other => exec_err!("{other} has no units of time"),
    }
}

fn ticks<T: ArrowPrimitiveType<Native = i64>>(times: &dyn Array, unit: Unit, second: i64) -> Result<ArrayRef> {
    let start = |time: i64| unit.start(time, second).map_or_else(out_of_range, Ok);
    let starts: PrimitiveArray<T> = times.as_primitive::<T>().try_unary(start)?;
    Ok(Arc::new(starts.with_data_type(times.data_type().clone())))
}

fn out_of_range<T>() -> Result<T> {
    exec_err!("the start of a unit of time is out of range")
}
