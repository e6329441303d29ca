//! Searches for the bytes that matter, sixteen at a time.

const BLOCK: usize = 16;

/// The position of the first `"`, `\` or control byte from `at` on, or the end.
#[inline]
pub(super) fn string_special(bytes: &[u8], at: usize) -> usize {
    find(bytes, at, block::string_special, |byte| matches!(byte, b'"' | b'\\' | 0..0x20))
}

/// The position of the first `"` or bracket (`{}[]`) from `at` on, or the end.
#[inline]
pub(super) fn structural(bytes: &[u8], at: usize) -> usize {
    find(bytes, at, block::structural, |byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))
}

/// The first byte from `at` on that is no white space.
#[inline]
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// `hits` gives a bit for each byte of a block that is looked for, `is_hit` says the same of one byte.
#[inline(always)]
fn find(bytes: &[u8], mut at: usize, hits: fn(&[u8; BLOCK]) -> u32, is_hit: fn(u8) -> bool) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let found = hits(block);
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    let rest = bytes.len().saturating_sub(at);
    match bytes.last_chunk() {
        // The last block overlaps what is already searched: those bytes are shifted out.
        Some(block) if rest > 0 => {
            let found = hits(block) >> (BLOCK - rest);
            at + if found == 0 { rest } else { found.trailing_zeros() as usize }
        }
        _ => at + bytes.get(at..).map_or(0, |tail| tail.iter().position(|&byte| is_hit(byte)).unwrap_or(rest)),
    }
}

#[cfg(target_arch = "x86_64")]
mod block {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    use super::BLOCK;

    #[inline(always)]
    pub fn string_special(block: &[u8; BLOCK]) -> u32 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            let bytes = load(block);
            let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
            let quote_or_escape = _mm_or_si128(equal(bytes, b'"'), equal(bytes, b'\\'));
            _mm_movemask_epi8(_mm_or_si128(control, quote_or_escape)) as u32
        }
    }

    #[inline(always)]
    pub fn structural(block: &[u8; BLOCK]) -> u32 {
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            let bytes = load(block);
            // This bit is the only difference between "[" and "{", and between "]" and "}".
            let folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
            let bracket = _mm_or_si128(equal(folded, b'{'), equal(folded, b'}'));
            _mm_movemask_epi8(_mm_or_si128(bracket, equal(bytes, b'"'))) as u32
        }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(block: &[u8; BLOCK]) -> __m128i {
        // SAFETY: the reference covers the 16 bytes that an unaligned load reads.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal(bytes: __m128i, byte: u8) -> __m128i {
        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8))
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod block {
    use super::BLOCK;

    pub fn string_special(block: &[u8; BLOCK]) -> u32 {
        mask(block, |byte| byte == b'"' || byte == b'\\' || byte < 0x20)
    }

    pub fn structural(block: &[u8; BLOCK]) -> u32 {
        mask(block, |byte| byte == b'"' || byte | 0x20 == b'{' || byte | 0x20 == b'}')
    }

    #[inline(always)]
    fn mask(block: &[u8; BLOCK], is_hit: fn(u8) -> bool) -> u32 {
        (0..BLOCK).fold(0, |mask, index| mask | u32::from(is_hit(block[index])) << index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_byte_at_every_place() {
        for len in 0..50 {
            for hit in 0..len {
                for from in 0..=len {
                    let expected = if from <= hit { hit } else { len };
                    for byte in [b'"', b'\\', 0, 0x1f, b'\n'] {
                        let mut text = vec![b'a'; len];
                        text[hit] = byte;
                        assert_eq!(string_special(&text, from), expected);
                    }
                    for byte in *b"\"{}[]" {
                        let mut text = vec![b'a'; len];
                        text[hit] = byte;
                        assert_eq!(structural(&text, from), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn finds_nothing_else() {
        let others: Vec<u8> = (0x20..=0xff).filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
        assert_eq!(string_special(&others, 0), others.len());
        let others: Vec<u8> = (0..=0xff).filter(|byte| !b"\"{}[]".contains(byte)).collect();
        assert_eq!(structural(&others, 0), others.len());
    }
}
