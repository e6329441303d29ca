use crate::damage::check_corpus;
use crate::fuzz_check;

/// Damaged copies of each seed.
const MUTATIONS: usize = 2_000;

/// The bytes that JSON is made of, so that damage often stays close to it.
const ALPHABET: &[u8] = b"{}[]\",:\\/0123456789-+.eEntfu \n\x00\x1f\x7f\x80\xc3\xed\xf0\xff";

#[test]
fn seeds_and_their_mutations_keep_the_decoder_s_promises() {
    check_corpus("json_decode", ALPHABET, MUTATIONS, fuzz_check::decode);
}
