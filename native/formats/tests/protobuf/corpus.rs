use crate::damage::check_corpus;
use crate::fuzz_check;

/// Damaged copies of each seed.
const MUTATIONS: usize = 500;

/// Tags, lengths and small numbers, so that damage often stays close to Protobuf.
const ALPHABET: &[u8] = &[
    0, 1, 2, 3, 4, 6, 0x08, 0x0a, 0x0d, 0x10, 0x12, 0x18, 0x2a, 0x32, 0x42, 0x4d, 0x50, 0x52, 0x5a, 0x7f, 0x80, 0xc3,
    0xff,
];

#[test]
fn seeds_and_their_mutations_keep_the_decoder_s_promises() {
    check_corpus("protobuf_decode", ALPHABET, MUTATIONS, fuzz_check::decode);
}
