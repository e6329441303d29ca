//! The fields of a record.

use crate::bad_record::{Result, bad_record};

/// A field's text, and whether it was quoted.
pub(super) struct Field<'a> {
    pub text: &'a [u8],
    pub is_quoted: bool,
}

/// Where reading a record has come to.
pub(super) struct Fields<'a> {
    record: &'a [u8],
    delimiter: u8,
    quote: u8,
    /// The start of the next field; `None` after the last.
    at: Option<usize>,
}

impl<'a> Fields<'a> {
    pub fn new(record: &'a [u8], delimiter: u8, quote: u8) -> Self {
        Fields { record, delimiter, quote, at: Some(0) }
    }

    /// The next field; its text is held by `scratch` where quotes in it are doubled.
    #[inline]
    pub fn next<'b>(&mut self, scratch: &'b mut Vec<u8>) -> Result<Option<Field<'b>>>
    where
        'a: 'b,
    {
        let Some(start) = self.at else { return Ok(None) };
        if self.record.get(start) == Some(&self.quote) {
            return self.quoted(start + 1, scratch).map(Some);
        }
        let rest = &self.record[start..];
        let len = rest.iter().position(|&byte| byte == self.delimiter).unwrap_or(rest.len());
        self.at = (start + len < self.record.len()).then_some(start + len + 1);
        Ok(Some(Field { text: &rest[..len], is_quoted: false }))
    }

    /// The quoted field whose text begins at `start`.
    fn quoted<'b>(&mut self, start: usize, scratch: &'b mut Vec<u8>) -> Result<Field<'b>>
    where
        'a: 'b,
    {
        scratch.clear();
        let mut from = start;
        loop {
            let rest = &self.record[from..];
            let Some(len) = rest.iter().position(|&byte| byte == self.quote) else {
                return Err(bad_record(format!("broken CSV: the quote at byte {} is not closed", start - 1)));
            };
            let end = from + len;
            match self.record.get(end + 1) {
                Some(&next) if next == self.quote => {
                    scratch.extend_from_slice(&self.record[from..=end]);
                    from = end + 2;
                }
                None => self.at = None,
                Some(&next) if next == self.delimiter => self.at = Some(end + 2),
                Some(_) => {
                    return Err(bad_record(format!("broken CSV: expected a delimiter at byte {}", end + 1)));
                }
            }
            if self.record.get(end + 1) != Some(&self.quote) {
                let text = if scratch.is_empty() {
                    &self.record[from..end]
                } else {
                    scratch.extend_from_slice(&self.record[from..end]);
                    scratch.as_slice()
                };
                return Ok(Field { text, is_quoted: true });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(record: &str) -> std::result::Result<Vec<(String, bool)>, String> {
        let mut fields = Fields::new(record.as_bytes(), b',', b'"');
        let (mut all, mut scratch) = (Vec::new(), Vec::new());
        while let Some(field) = fields.next(&mut scratch).map_err(|error| error.message)? {
            all.push((String::from_utf8(field.text.to_vec()).unwrap(), field.is_quoted));
        }
        Ok(all)
    }

    #[test]
    fn fields_are_those_of_rfc_4180() {
        let texts = |record: &str| fields(record).unwrap().into_iter().map(|(text, _)| text).collect::<Vec<_>>();
        assert_eq!(texts("a,b,c"), ["a", "b", "c"]);
        assert_eq!(texts(""), [""]);
        assert_eq!(texts(","), ["", ""]);
        assert_eq!(texts(r#""a,b","c ""d""","""#.trim_end_matches('"').to_owned().as_str()), ["a,b", "c \"d\"", ""]);
        assert_eq!(texts("\"\"\"\",\"\",\"\n\""), ["\"", "", "\n"]);
        assert_eq!(fields("\"\",").unwrap(), [(String::new(), true), (String::new(), false)]);
        assert_eq!(texts("a\"b,c"), ["a\"b", "c"]);
    }

    #[test]
    fn quotes_that_do_not_match_are_broken() {
        assert_eq!(fields("a,\"b").unwrap_err(), "broken CSV: the quote at byte 2 is not closed");
        assert_eq!(fields("\"a\"b,c").unwrap_err(), "broken CSV: expected a delimiter at byte 3");
        assert_eq!(fields("\"").unwrap_err(), "broken CSV: the quote at byte 0 is not closed");
        assert_eq!(fields("\"\"\"").unwrap_err(), "broken CSV: the quote at byte 0 is not closed");
    }
}
