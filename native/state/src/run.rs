//! Entries on their way into a backend.

use crate::{Error, Result};

/// Entries in the order of their keys, each key once. Values are added to what their key has or take its place, as a
/// backend is told; it keeps the values of a key one behind the other, and [`operands`] takes them apart.
#[derive(Debug, Default)]
pub struct Run {
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Where the key and the value of each entry end.
    ends: Vec<(usize, usize)>,
}

impl Run {
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.push_all(key, [value]);
    }

    /// Adds a key that is to have no value.
    pub fn push_none(&mut self, key: &[u8]) {
        self.push_all(key, []);
    }

    /// Adds a key with several values, the oldest first.
    pub fn push_all<'a>(&mut self, key: &[u8], values: impl IntoIterator<Item = &'a [u8]>) {
        self.keys.extend_from_slice(key);
        for value in values {
            self.values.extend_from_slice(&(value.len() as u32).to_le_bytes());
            self.values.extend_from_slice(value);
        }
        self.ends.push((self.keys.len(), self.values.len()));
    }

    /// Adds a key with values as a backend keeps them.
    pub(crate) fn push_stored(&mut self, key: &[u8], stored: &[u8]) {
        self.keys.extend_from_slice(key);
        self.values.extend_from_slice(stored);
        self.ends.push((self.keys.len(), self.values.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.ends.clear();
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn bytes(&self) -> usize {
        self.keys.len() + self.values.len()
    }

    /// Keys and stored values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.ends.len()).map(|index| {
            let (key, value) = if index == 0 { (0, 0) } else { self.ends[index - 1] };
            let (key_end, value_end) = self.ends[index];
            (&self.keys[key..key_end], &self.values[value..value_end])
        })
    }
}

/// The values that were added to a key, oldest first.
pub fn operands(stored: &[u8]) -> impl Iterator<Item = Result<&[u8]>> {
    let mut rest = stored;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let value = rest.split_first_chunk::<4>().and_then(|(length, after)| {
            let (value, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(value)
        });
        if value.is_none() {
            rest = &[];
        }
        Some(value.ok_or_else(|| Error("a value of the state is damaged: restore an older checkpoint".into())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_key_come_apart_in_their_order() {
        let mut run = Run::default();
        run.push_all(b"a", [&b"one"[..], b""]);
        run.push(b"b", b"three");
        let stored: Vec<u8> = run.iter().flat_map(|(_, value)| value.to_vec()).collect();
        let values: Vec<&[u8]> = operands(&stored).collect::<Result<_>>().unwrap();
        assert_eq!(values, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn a_value_that_is_cut_off_is_an_error() {
        let mut run = Run::default();
        run.push(b"a", b"one");
        let stored = run.iter().next().unwrap().1.to_vec();
        assert!(operands(&stored[..5]).any(|value| value.is_err()));
        assert!(operands(&stored[..2]).any(|value| value.is_err()));
    }
}
