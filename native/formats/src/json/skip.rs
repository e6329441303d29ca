//! Steps over values that are not read.

use super::error::{Result, broken};
use super::{MAX_DEPTH, number, scan};

/// The position after the value at `at`, which lies in `depth` objects and arrays.
#[inline]
pub(super) fn value(json: &[u8], at: usize, depth: usize) -> Result<usize> {
    match json.get(at) {
        Some(b'"') => string(json, at),
        Some(b'-' | b'0'..=b'9') => match number::end(json, at) {
            Some(end) => Ok(end),
            None => Err(broken(json, at, "expected a number")),
        },
        Some(b'{' | b'[') => nested(json, at, depth),
        Some(b't') => literal(json, at, "true"),
        Some(b'f') => literal(json, at, "false"),
        Some(b'n') => literal(json, at, "null"),
        _ => Err(broken(json, at, "expected a value")),
    }
}

/// The position after `word` at `at`.
#[inline]
pub(super) fn literal(json: &[u8], at: usize, word: &'static str) -> Result<usize> {
    if json[at..].starts_with(word.as_bytes()) {
        Ok(at + word.len())
    } else {
        Err(broken(json, at, &format!("expected {word}")))
    }
}

/// The position after the string whose opening quote is at `at`.
#[inline]
fn string(json: &[u8], at: usize) -> Result<usize> {
    let mut end = scan::string_special(json, at + 1);
    loop {
        match json.get(end) {
            Some(b'"') => return Ok(end + 1),
            Some(b'\\') => end = scan::string_special(json, end + 2),
            Some(_) => return Err(broken(json, end, "a control character in a string must be escaped")),
            None => return Err(broken(json, json.len(), "expected the end of a string")),
        }
    }
}

/// The position after the object or array at `at`.
fn nested(json: &[u8], mut at: usize, depth: usize) -> Result<usize> {
    // One bit for each open bracket, the innermost lowest: 1 is an object.
    let mut open: u128 = 0;
    let mut levels = 0;
    loop {
        match json.get(at) {
            Some(b'"') => at = string(json, at)?,
            Some(&byte @ (b'{' | b'[')) => {
                levels += 1;
                check_depth(json, at, depth + levels)?;
                open = open << 1 | u128::from(byte == b'{');
                at += 1;
            }
            Some(&byte @ (b'}' | b']')) => {
                if (byte == b'}') != (open & 1 == 1) {
                    return Err(broken(json, at, if byte == b'}' { "expected ']'" } else { "expected '}'" }));
                }
                open >>= 1;
                levels -= 1;
                at += 1;
                if levels == 0 {
                    return Ok(at);
                }
            }
            _ => return Err(broken(json, at, if open & 1 == 1 { "expected '}'" } else { "expected ']'" })),
        }
        at = scan::structural(json, at);
    }
}

/// `depth` counts the bracket at `at`.
#[inline]
pub(super) fn check_depth(json: &[u8], at: usize, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(broken(json, at, &format!("nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(())
}
