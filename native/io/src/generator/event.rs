//! What one event is made of. An event depends on its number and the seed alone, so any slot can make any event.

use millrace_plan::GeneratorSource as Config;

/// The number of an event with what it is drawn from.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub number: u64,
    pub config: &'a Config,
}

/// What a random number is drawn for: each has its own sequence, so no column depends on which others are read.
#[derive(Debug, Clone, Copy)]
pub enum Draw {
    Lateness = 1,
    Auction,
    Bidder,
    Price,
    Channel,
    Url,
    Extra,
    FirstName,
    LastName,
    CreditCard,
    Place,
    Item,
    Description,
    Reserve,
    Expiry,
    Category,
}

impl Event<'_> {
    /// 64 random bits.
    pub fn draw(&self, draw: Draw) -> u64 {
        mix(mix(self.config.seed ^ (draw as u64) << 56).wrapping_add(self.number.wrapping_mul(GOLDEN)))
    }

    /// Uniform in `0..below` (which is at least 1), up to a bias of `below / 2^64`.
    pub fn below(&self, draw: Draw, below: u64) -> u64 {
        ((u128::from(self.draw(draw)) * u128::from(below.max(1))) >> 64) as u64
    }

    /// Uniform over the distinct auctions or persons.
    pub fn key(&self, draw: Draw) -> i64 {
        self.below(draw, self.config.keys) as i64
    }

    /// Event time in ms since the epoch.
    pub fn time_ms(&self) -> i64 {
        let Config { start_time_ms, events_per_second, out_of_orderness_ms, .. } = *self.config;
        let after_ms = u128::from(self.number) * 1000 / u128::from(events_per_second.max(1));
        let late_ms = match u64::try_from(out_of_orderness_ms) {
            Ok(most) if most > 0 => self.below(Draw::Lateness, most.saturating_add(1)) as i64,
            _ => 0,
        };
        start_time_ms.saturating_add(i64::try_from(after_ms).unwrap_or(i64::MAX)).saturating_sub(late_ms)
    }

    /// Cents, from 1.00 to 999,000.00; each power of ten is as likely as the next.
    pub fn price(&self, draw: Draw) -> i64 {
        let bits = self.draw(draw);
        let (digits, power) = (100 + (bits >> 8) % 900, (bits & 0xff) % 6);
        (digits * 10_u64.pow(power as u32)) as i64
    }
}

/// The increment and the mixing function of splitmix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use millrace_plan::GeneratorKind;

    use super::*;

    fn config() -> Config {
        Config {
            kind: GeneratorKind::Bids,
            seed: 7,
            rate: 0,
            count: 0,
            start_time_ms: 1_000_000,
            events_per_second: 500,
            out_of_orderness_ms: 0,
            keys: 100,
        }
    }

    #[test]
    fn event_time_goes_on_by_the_declared_rate() {
        let config = config();
        let at = |number| Event { number, config: &config }.time_ms();
        assert_eq!([at(0), at(1), at(500), at(u64::MAX)], [1_000_000, 1_000_002, 1_001_000, i64::MAX]);
    }

    #[test]
    fn events_are_late_by_no_more_than_the_declared_out_of_orderness() {
        let config = Config { out_of_orderness_ms: 10, ..config() };
        let in_order = Config { out_of_orderness_ms: 0, ..config.clone() };
        let late = |number| {
            let of = |config| Event { number, config }.time_ms();
            of(&in_order) - of(&config)
        };
        let lateness: std::collections::BTreeSet<i64> = (0..1000).map(late).collect();
        assert_eq!(lateness, (0..=10).collect());
    }

    #[test]
    fn keys_are_spread_evenly_over_what_was_declared() {
        let config = config();
        let mut seen = [0_u32; 100];
        for number in 0..100_000 {
            seen[Event { number, config: &config }.key(Draw::Auction) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1200).contains(&count)), "{seen:?}");
    }

    #[test]
    fn prices_stay_in_their_range() {
        let config = config();
        let mut prices = (0..10_000).map(|number| Event { number, config: &config }.price(Draw::Price));
        assert!(prices.all(|price| (100..=99_900_000).contains(&price)));
    }
}
