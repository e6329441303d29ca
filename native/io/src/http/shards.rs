//! Which endpoint a row goes to.

use millrace_plan::HttpShard;
use xxhash_rust::xxh3::xxh3_64;

/// Spreads keys by rendezvous hashing: each endpoint gives a key a score that depends on nothing but the two of them, and
/// the highest wins. So an endpoint that is added takes keys to itself and moves no others, and one that goes leaves its keys
/// to all the others. Scores never change from one version to the next.
pub struct Shards {
    /// A hash of each endpoint's name.
    seeds: Vec<u64>,
    /// `None` where all are the same.
    weights: Option<Vec<f64>>,
}

impl Shards {
    pub fn new<'a>(shards: impl IntoIterator<Item = &'a HttpShard>) -> Shards {
        let (seeds, weights): (Vec<u64>, Vec<f64>) =
            shards.into_iter().map(|shard| (xxh3_64(shard.name.as_bytes()), shard.weight)).unzip();
        let are_same = weights.windows(2).all(|pair| pair[0] == pair[1]);
        Shards { seeds, weights: (!are_same).then_some(weights) }
    }

    /// The endpoint of a key, by its place among those that were given.
    pub fn of(&self, key: &[u8]) -> usize {
        let hash = xxh3_64(key);
        let scores = self.seeds.iter().map(|seed| mixed(hash ^ seed));
        match &self.weights {
            None => first_greatest(scores),
            Some(weights) => first_greatest(scores.zip(weights).map(|(score, weight)| weighted(score, *weight))),
        }
    }
}

/// The finalizer of SplitMix64: every bit of the input changes half of those of the output.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// An endpoint of twice the weight wins twice as many keys; with equal weights those of the highest `score`.
fn weighted(score: u64, weight: f64) -> f64 {
    // Strictly between 0 and 1.
    let share = ((score >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -weight / share.ln()
}

fn first_greatest<T: PartialOrd>(scores: impl Iterator<Item = T>) -> usize {
    let mut best: Option<(usize, T)> = None;
    for (index, score) in scores.enumerate() {
        if best.as_ref().is_none_or(|(_, highest)| score > *highest) {
            best = Some((index, score));
        }
    }
    best.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: usize = 10_000;

    fn spread(shards: &[(&str, f64)]) -> Vec<usize> {
        let shards: Vec<_> = shards.iter().map(|&(name, weight)| HttpShard { name: name.into(), weight }).collect();
        let shards = Shards::new(&shards);
        (0..KEYS).map(|key| shards.of(format!("key-{key}").as_bytes())).collect()
    }

    fn share(spread: &[usize], shard: usize) -> f64 {
        spread.iter().filter(|&&of| of == shard).count() as f64 / spread.len() as f64
    }

    #[test]
    fn keys_are_spread_evenly_and_the_same_every_time() {
        let four = [("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)];
        let spread_over_four = spread(&four);
        for shard in 0..4 {
            let share = share(&spread_over_four, shard);
            assert!((0.23..0.27).contains(&share), "shard {shard} has {share}");
        }
        assert_eq!(spread_over_four[..12], [1, 3, 3, 1, 1, 2, 2, 0, 2, 3, 3, 1], "scores have changed");
    }

    #[test]
    fn an_added_endpoint_takes_its_share_and_moves_no_other_key() {
        let three = spread(&[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let four = spread(&[("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)]);
        let moved = three.iter().zip(&four).filter(|(before, after)| before != after).count();
        assert!(three.iter().zip(&four).all(|(before, after)| before == after || *after == 3));
        assert!((0.23..0.27).contains(&(moved as f64 / KEYS as f64)), "{moved} of {KEYS} moved");
    }

    #[test]
    fn the_order_of_endpoints_does_not_matter() {
        let names = ["c", "a", "b"];
        let here = spread(&[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let there = spread(&[("c", 1.0), ("a", 1.0), ("b", 1.0)]);
        assert!(here.iter().zip(there).all(|(&here, there)| ["a", "b", "c"][here] == names[there]));
    }

    #[test]
    fn an_endpoint_of_twice_the_weight_gets_twice_the_keys() {
        let spread = spread(&[("a", 1.0), ("b", 2.0), ("c", 1.0)]);
        assert!((0.48..0.52).contains(&share(&spread, 1)), "{}", share(&spread, 1));
        assert!((0.23..0.27).contains(&share(&spread, 2)), "{}", share(&spread, 2));
    }

    #[test]
    fn a_greater_weight_takes_keys_and_gives_none_away() {
        let before = spread(&[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let after = spread(&[("a", 1.0), ("b", 1.5), ("c", 1.0)]);
        assert!(before.iter().zip(after).all(|(before, after)| *before == after || after == 1));
    }
}
