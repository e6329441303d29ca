//! Cuts a stream of bytes into lines without copying them.

use std::io::{self, ErrorKind, Read};

/// Bytes that are read at once: large enough that system calls do not count, small enough for the CPU's caches.
const CHUNK_BYTES: usize = 256 << 10;

/// A longer line is more likely a file that has no lines.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// What follows in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'a> {
    /// A line without its end ("\n" or "\r\n").
    Line(&'a [u8]),
    /// The end of what there is now; [`Lines::rest`] holds what came after the last line's end.
    End,
}

/// Reads lines.
pub struct Lines {
    buffer: Vec<u8>,
    /// What is read and not given out.
    start: usize,
    end: usize,
    /// How far it has been searched for the end of a line.
    searched: usize,
    max_line_bytes: usize,
}

impl Lines {
    pub fn new() -> Lines {
        Lines::with_max(MAX_LINE_BYTES)
    }

    fn with_max(max_line_bytes: usize) -> Lines {
        Lines { buffer: Vec::new(), start: 0, end: 0, searched: 0, max_line_bytes }
    }

    /// The next line of `input`. A line that is too long is an error of kind `FileTooLarge`.
    pub fn next(&mut self, input: &mut impl Read) -> io::Result<Next<'_>> {
        loop {
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.searched..self.end]) {
                let (start, end) = (self.start, self.searched + length);
                (self.start, self.searched) = (end + 1, end + 1);
                return Ok(Next::Line(without_return(&self.buffer[start..end])));
            }
            self.searched = self.end;
            if self.end - self.start > self.max_line_bytes {
                return Err(ErrorKind::FileTooLarge.into());
            }
            if !self.read(input)? {
                return Ok(Next::End);
            }
        }
    }

    /// Takes out what came after the last line's end: the last line of a file that does not end with one.
    pub fn rest(&mut self) -> &[u8] {
        let rest = self.start..self.end;
        (self.start, self.searched) = (self.end, self.end);
        without_return(&self.buffer[rest])
    }

    /// Reads on; false at the end.
    fn read(&mut self, input: &mut impl Read) -> io::Result<bool> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.searched, self.end) = (self.searched - self.start, self.end - self.start);
            self.start = 0;
        }
        if self.buffer.len() - self.end < CHUNK_BYTES / 2 {
            // Doubled, so that a long line is not moved over and over.
            self.buffer.resize((self.buffer.len() * 2).max(CHUNK_BYTES), 0);
        }
        loop {
            match input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let bytes = self.0.len().min(self.1).min(into.len());
            into[..bytes].copy_from_slice(&self.0[..bytes]);
            self.0 = &self.0[bytes..];
            Ok(bytes)
        }
    }

    fn all(input: &[u8], at_once: usize) -> (Vec<String>, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (mut lines, mut input, mut found) = (Lines::new(), Drip(input, at_once), Vec::new());
        while let Next::Line(line) = lines.next(&mut input).unwrap() {
            found.push(text(line));
        }
        (found, text(lines.rest()))
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        for at_once in [1, 2, 3, 100] {
            let (lines, rest) = all(b"one\r\ntwo\n\nlast", at_once);
            assert_eq!((lines, rest.as_str()), (vec!["one".to_owned(), "two".to_owned(), String::new()], "last"));
        }
    }

    #[test]
    fn a_line_longer_than_a_chunk_comes_whole() {
        let long = "x".repeat(3 * CHUNK_BYTES + 17);
        let (lines, rest) = all(format!("a\n{long}\nb").as_bytes(), 100_000);
        assert_eq!((lines, rest), (vec!["a".to_owned(), long], "b".to_owned()));
    }

    #[test]
    fn a_line_can_grow_after_its_file_seemed_to_end() {
        let mut lines = Lines::new();
        assert_eq!(lines.next(&mut &b"par"[..]).unwrap(), Next::End);
        assert_eq!(lines.next(&mut &b"tial\n"[..]).unwrap(), Next::Line(b"partial"));
    }

    #[test]
    fn a_line_over_the_limit_is_an_error() {
        let mut lines = Lines::with_max(10);
        let error = lines.next(&mut Drip(b"0123456789abcdef", 4)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }
}
