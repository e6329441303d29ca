//! Strings that are read: escapes are resolved, UTF-8 is verified.

use super::error::{Result, bad_value, broken};
use super::scan;

/// Appends the text of the string whose opening quote is at `at`; gives the position after its closing quote.
#[inline]
pub(super) fn append(json: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize> {
    let start = at + 1;
    let end = scan::string_special(json, start);
    if json.get(end) == Some(&b'"') {
        out.extend_from_slice(utf8(json, start, end)?);
        return Ok(end + 1);
    }
    append_escaped(json, start, out)
}

/// The text of the string whose opening quote is at `at`, held by `scratch` if it has escapes, and the position after
/// its closing quote.
#[inline]
pub(super) fn text<'a>(json: &'a [u8], at: usize, scratch: &'a mut Vec<u8>) -> Result<(&'a [u8], usize)> {
    let start = at + 1;
    let end = scan::string_special(json, start);
    if json.get(end) == Some(&b'"') {
        return Ok((utf8(json, start, end)?, end + 1));
    }
    scratch.clear();
    let end = append_escaped(json, start, scratch)?;
    Ok((scratch, end))
}

/// The same for the rest of a string from `at` on.
#[inline(never)]
fn append_escaped(json: &[u8], mut at: usize, out: &mut Vec<u8>) -> Result<usize> {
    loop {
        let end = scan::string_special(json, at);
        // An escape is ASCII: no character spans it, so that the parts can be verified one by one.
        out.extend_from_slice(utf8(json, at, end)?);
        match json.get(end) {
            Some(b'"') => return Ok(end + 1),
            Some(b'\\') => at = append_escape(json, end, out)?,
            Some(_) => return Err(broken(json, end, "a control character in a string must be escaped")),
            None => return Err(broken(json, end, "expected the end of a string")),
        }
    }
}

/// Appends what the escape at `at` stands for; gives the position after it.
fn append_escape(json: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize> {
    let byte = match json.get(at + 1) {
        Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return append_unicode(json, at, out),
        _ => return Err(broken(json, at, "unknown escape in a string")),
    };
    out.push(byte);
    Ok(at + 2)
}

fn append_unicode(json: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize> {
    let unit = code_unit(json, at)?;
    let (code, end) = match unit {
        0xd800..0xdc00 => {
            let low = if json[at + 6..].starts_with(b"\\u") { code_unit(json, at + 6)? } else { 0 };
            if !(0xdc00..0xe000).contains(&low) {
                return Err(broken(json, at, "half of a surrogate pair in a string"));
            }
            (0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00)), at + 12)
        }
        _ => (unit, at + 6),
    };
    match char::from_u32(code) {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => return Err(broken(json, at, "half of a surrogate pair in a string")),
    }
    Ok(end)
}

/// The number in the "\uXXXX" at `at`.
fn code_unit(json: &[u8], at: usize) -> Result<u32> {
    let digits = json.get(at + 2..at + 6).unwrap_or_default();
    let value = digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?));
    match value {
        Some(value) if digits.len() == 4 => Ok(value),
        _ => Err(broken(json, at, "expected four hexadecimal digits after \"\\u\"")),
    }
}

#[inline]
fn utf8(json: &[u8], start: usize, end: usize) -> Result<&[u8]> {
    let text = &json[start..end];
    if simdutf8::basic::from_utf8(text).is_ok() { Ok(text) } else { Err(invalid_utf8(text, start)) }
}

#[cold]
#[inline(never)]
fn invalid_utf8(text: &[u8], start: usize) -> Box<crate::BadRecord> {
    let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    bad_value(format!("invalid UTF-8 at byte {}", start + valid))
}
