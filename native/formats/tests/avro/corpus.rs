use std::fs;
use std::path::Path;

use crate::fuzz_check;

/// Damaged copies of each seed.
const MUTATIONS: usize = 500;

/// The bytes that lengths, branches and small numbers are made of, so that damage often stays close to Avro.
const ALPHABET: &[u8] = &[0, 1, 2, 3, 4, 6, 13, 14, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xc3, 0xed, 0xf0, 0xfe, 0xff];

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

#[test]
fn seeds_and_their_mutations_keep_the_decoder_s_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/avro_decode");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        fuzz_check::decode(seed);
        for _ in 0..MUTATIONS {
            let mut record = seed.clone();
            for _ in 0..=random.below(4) {
                mutate(&mut record, &seeds, &mut random);
            }
            fuzz_check::decode(&record);
        }
    }
}

fn mutate(record: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(record.len() + 1);
    let byte = ALPHABET[random.below(ALPHABET.len())];
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
