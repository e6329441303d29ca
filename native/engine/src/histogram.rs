//! Durations by their size: what most of them keep to is read out of how many there are of each.

use std::sync::atomic::{AtomicU64, Ordering};

/// Each doubling is parted into so many buckets (as a power of two), so a figure is at most an eighth too great.
const PARTS_BITS: u32 = 3;
const PARTS: u64 = 1 << PARTS_BITS;

/// Up to 2⁴⁸ µs, which is nine years.
const DOUBLINGS: u64 = 48 - PARTS_BITS as u64 + 1;
const BUCKETS: usize = (DOUBLINGS * PARTS) as usize;

/// Counts durations; one thread records them while others may read.
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    max_us: AtomicU64,
}

/// What histograms have counted, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durations {
    buckets: Vec<u64>,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { buckets: std::array::from_fn(|_| AtomicU64::new(0)), max_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts a duration `times` times.
    pub fn record(&self, duration_us: u64, times: u64) {
        self.buckets[bucket_of(duration_us)].fetch_add(times, Ordering::Relaxed);
        self.max_us.fetch_max(duration_us, Ordering::Relaxed);
    }
}

impl Default for Durations {
    fn default() -> Self {
        Durations { buckets: vec![0; BUCKETS], max_us: 0 }
    }
}

impl Durations {
    pub fn add(&mut self, histogram: &Histogram) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        self.max_us = self.max_us.max(histogram.max_us.load(Ordering::Relaxed));
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub fn max_us(&self) -> u64 {
        self.max_us
    }

    /// The duration that a share of all, 0 to 1, keep to; 0 where there are none.
    pub fn quantile_us(&self, share: f64) -> u64 {
        let rank = ((self.count() as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return greatest_of(index).min(self.max_us);
            }
        }
        0
    }
}

fn bucket_of(duration_us: u64) -> usize {
    if duration_us < PARTS {
        return duration_us as usize;
    }
    let exponent = duration_us.ilog2();
    let part = (duration_us >> (exponent - PARTS_BITS)) & (PARTS - 1);
    let doubling = u64::from(exponent - PARTS_BITS + 1);
    ((doubling * PARTS + part) as usize).min(BUCKETS - 1)
}

/// The greatest duration that belongs to a bucket.
fn greatest_of(bucket: usize) -> u64 {
    let (doubling, part) = (bucket as u64 / PARTS, bucket as u64 % PARTS);
    if doubling == 0 {
        return part;
    }
    ((PARTS + part + 1) << (doubling - 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(recorded: impl IntoIterator<Item = u64>) -> Durations {
        let histogram = Histogram::default();
        recorded.into_iter().for_each(|duration| histogram.record(duration, 1));
        let mut durations = Durations::default();
        durations.add(&histogram);
        durations
    }

    #[test]
    fn every_duration_is_in_the_bucket_that_ends_at_most_an_eighth_above_it() {
        let powers = (0..48).flat_map(|exponent| [1_u64 << exponent, (1 << exponent) + 1, (2 << exponent) - 1]);
        for duration in (0..1000).chain(powers).filter(|duration| *duration < 1 << 48) {
            let greatest = greatest_of(bucket_of(duration));
            assert!(greatest >= duration && greatest <= duration + duration / PARTS, "{duration}: {greatest}");
        }
    }

    #[test]
    fn a_duration_beyond_all_buckets_is_in_the_last_and_is_the_greatest() {
        let durations = durations([u64::MAX, 5]);
        assert_eq!(durations.count(), 2);
        assert_eq!(durations.max_us(), u64::MAX);
        assert_eq!(durations.quantile_us(0.5), 5);
    }

    #[test]
    fn quantiles_are_those_of_what_was_recorded_within_an_eighth_above() {
        let durations = durations(1..=10_000);
        for (share, exact) in [(0.5, 5_000), (0.9, 9_000), (0.99, 9_900), (1.0, 10_000)] {
            let quantile = durations.quantile_us(share);
            assert!((exact..=exact + exact / 8).contains(&quantile), "{share}: {quantile}");
        }
        assert!(durations.quantile_us(1.0) <= durations.max_us());
    }

    #[test]
    fn slots_add_up_and_a_duration_may_count_for_many() {
        let (first, second) = (Histogram::default(), Histogram::default());
        first.record(10, 99);
        second.record(1_000, 1);
        let mut both = Durations::default();
        both.add(&first);
        both.add(&second);
        assert_eq!(both.count(), 100);
        assert_eq!((both.quantile_us(0.99), both.max_us()), (10, 1_000));
        assert_eq!(both.quantile_us(1.0), 1_000);
    }

    #[test]
    fn there_is_no_quantile_of_nothing() {
        assert_eq!(Durations::default().quantile_us(0.5), 0);
    }
}
