//! What stands before characters that would end what they are in.

use millrace_plan::LineDialect;

/// A measurement: equals signs do not end it.
pub fn name(text: &[u8], dialect: LineDialect, out: &mut Vec<u8>) {
    bare(text, |byte| matches!(byte, b',' | b' '), dialect, out);
}

/// The name of a label or value, or the text of a label.
pub fn key(text: &[u8], dialect: LineDialect, out: &mut Vec<u8>) {
    bare(text, |byte| matches!(byte, b',' | b' ' | b'='), dialect, out);
}

fn bare(text: &[u8], is_special: impl Fn(u8) -> bool, dialect: LineDialect, out: &mut Vec<u8>) {
    let is_plain = |byte: &u8| !is_special(*byte) && !matches!(byte, b'\\' | b'\n' | b'\r');
    if text.iter().all(is_plain) {
        return out.extend_from_slice(text);
    }
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match (byte, dialect) {
            (b'\\', LineDialect::Influx) => {
                let run = text[at..].iter().take_while(|byte| **byte == b'\\').count();
                let is_lost = text.get(at + run).is_none_or(|&next| is_special(next) || matches!(next, b'\n' | b'\r'));
                if !is_lost {
                    out.resize(out.len() + run + 1, b'\\');
                }
                at += run;
            }
            (b'\n', LineDialect::Influx) => out.extend_from_slice(b"\\n"),
            (b'\r', LineDialect::Influx) => out.extend_from_slice(b"\\r"),
            (b'\\' | b'\n' | b'\r', LineDialect::QuestDb) => out.extend_from_slice(&[b'\\', byte]),
            _ if is_special(byte) => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
}

/// A string, with its quotes.
pub fn string(text: &[u8], dialect: LineDialect, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match (byte, dialect) {
            (b'"' | b'\\', _) | (b'\n' | b'\r', LineDialect::QuestDb) => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(with: fn(&[u8], LineDialect, &mut Vec<u8>), dialect: LineDialect, text: &str) -> String {
        let mut out = Vec::new();
        with(text.as_bytes(), dialect, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_and_labels_escape_what_would_end_them() {
        for dialect in [LineDialect::Influx, LineDialect::QuestDb] {
            assert_eq!(escaped(name, dialect, "a b,c=d"), "a\\ b\\,c=d");
            assert_eq!(escaped(key, dialect, "a b,c=\"d\""), "a\\ b\\,c\\=\"d\"");
            assert_eq!(escaped(key, dialect, "größer"), "größer");
        }
    }

    #[test]
    fn influxdb_has_no_line_ends_and_no_backslash_before_what_is_escaped() {
        let influx = |text| escaped(key, LineDialect::Influx, text);
        assert_eq!(influx("a\nb\r"), "a\\nb\\r");
        assert_eq!(influx(r"C:\x\\y"), r"C:\x\\y");
        assert_eq!(influx(r"a\\,b\ c\"), r"a\,b\ c");
        assert_eq!(influx("a\\\nb"), "a\\nb");
    }

    #[test]
    fn questdb_reads_an_escape_before_everything() {
        assert_eq!(escaped(key, LineDialect::QuestDb, "a\\,\n"), "a\\\\\\,\\\n");
    }

    #[test]
    fn strings_escape_quotes_and_backslashes() {
        assert_eq!(escaped(string, LineDialect::Influx, "say \"a\\b\", 1=2\n"), "\"say \\\"a\\\\b\\\", 1=2\n\"");
        assert_eq!(escaped(string, LineDialect::QuestDb, "a\n"), "\"a\\\n\"");
    }
}
