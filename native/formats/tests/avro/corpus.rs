use crate::damage::check_corpus;
use crate::fuzz_check;

/// Damaged copies of each seed.
const MUTATIONS: usize = 500;

/// The bytes that lengths, branches and small numbers are made of, so that damage often stays close to Avro.
const ALPHABET: &[u8] = &[0, 1, 2, 3, 4, 6, 13, 14, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xc3, 0xed, 0xf0, 0xfe, 0xff];

#[test]
fn seeds_and_their_mutations_keep_the_decoder_s_promises() {
    check_corpus("avro_decode", ALPHABET, MUTATIONS, fuzz_check::decode);
}
