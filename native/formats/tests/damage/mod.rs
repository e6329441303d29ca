//! Records that are damaged, whatever their format.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Debug, Clone)]
pub enum Mutation {
    Replace(Index, u8),
    Insert(Index, u8),
    Delete(Index),
    Truncate(Index),
}

impl Mutation {
    pub fn apply(&self, record: &mut Vec<u8>) {
        match self {
            Mutation::Insert(at, byte) => record.insert(at.index(record.len() + 1), *byte),
            _ if record.is_empty() => {}
            Mutation::Replace(at, byte) => {
                let at = at.index(record.len());
                record[at] = *byte;
            }
            Mutation::Delete(at) => {
                record.remove(at.index(record.len()));
            }
            Mutation::Truncate(at) => record.truncate(at.index(record.len())),
        }
    }
}

/// Any damage, often by bytes of `alphabet`.
pub fn mutation(alphabet: &'static [u8]) -> impl Strategy<Value = Mutation> {
    let byte = || prop_oneof![any::<u8>(), proptest::sample::select(alphabet)];
    prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), byte()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        any::<Index>().prop_map(Mutation::Delete),
        any::<Index>().prop_map(Mutation::Truncate),
    ]
}

/// Marsaglia's xorshift: the run is the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Checks the seeds of a corpus, and so many damaged copies of each, by bytes of `alphabet`.
pub fn check_corpus(name: &str, alphabet: &[u8], mutations: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        check(seed);
        for _ in 0..mutations {
            let mut record = seed.clone();
            for _ in 0..=random.below(4) {
                mutate(&mut record, &seeds, alphabet, &mut random);
            }
            check(&record);
        }
    }
}

fn mutate(record: &mut Vec<u8>, seeds: &[Vec<u8>], alphabet: &[u8], random: &mut Random) {
    let at = random.below(record.len() + 1);
    let byte = alphabet[random.below(alphabet.len())];
    match random.below(5) {
        0 if at < record.len() => record[at] = byte,
        1 if at < record.len() => drop(record.remove(at)),
        2 => record.truncate(at),
        3 => {
            let other = &seeds[random.below(seeds.len())];
            record.truncate(at);
            record.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        _ => record.insert(at, byte),
    }
}
