//! Records of one producer write their fields in one order. Comparing a field with the one that stood there last time
//! is much cheaper than finding its name's end and looking the name up.

use super::scan;

/// Fields of a record that are remembered.
const MAX_FIELDS: usize = 512;

/// Bytes of a name, its quotes, the colon and white space that are remembered.
const MAX_NAME_BYTES: usize = 256;

/// Bytes that are compared at once.
const HEAD: usize = 16;

/// What a field's name leads to: a column, or nothing to read.
pub(super) type Target = Option<usize>;

/// The fields of the last record, in its order.
#[derive(Default)]
pub(super) struct FieldOrder {
    fields: Vec<Expected>,
}

struct Expected {
    /// From the name's opening quote up to the value.
    bytes: Vec<u8>,
    /// The first bytes, as a little-endian number.
    head: u128,
    mask: u128,
    target: Target,
}

impl FieldOrder {
    /// If the field at `at` is one that is expected at `place`, its target and the position of its value. `place` moves
    /// on to the next field.
    #[inline(always)]
    pub fn expect(&self, json: &[u8], at: usize, place: &mut usize) -> Option<(Target, usize)> {
        // The second try is for records that leave out a field.
        for candidate in *place..*place + 2 {
            let expected = self.fields.get(candidate)?;
            if expected.matches(json, at) {
                *place = candidate + 1;
                return Some((expected.target, scan::space(json, at + expected.bytes.len())));
            }
        }
        None
    }

    /// Expects the field `bytes` at `place` from now on.
    pub fn remember(&mut self, place: usize, bytes: &[u8], target: Target) {
        if place >= MAX_FIELDS || bytes.len() > MAX_NAME_BYTES {
            return;
        }
        if place >= self.fields.len() {
            self.fields.push(Expected { bytes: Vec::new(), head: 0, mask: 0, target });
        }
        if let Some(expected) = self.fields.get_mut(place) {
            expected.set(bytes, target);
        }
    }
}

impl Expected {
    fn set(&mut self, bytes: &[u8], target: Target) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.target = target;
        let mut head = [0; HEAD];
        let mut mask = [0; HEAD];
        for (index, &byte) in bytes.iter().take(HEAD).enumerate() {
            head[index] = byte;
            mask[index] = 0xff;
        }
        self.head = u128::from_le_bytes(head);
        self.mask = u128::from_le_bytes(mask);
    }

    #[inline(always)]
    fn matches(&self, json: &[u8], at: usize) -> bool {
        match json.get(at..).and_then(|rest| rest.first_chunk::<HEAD>()) {
            Some(head) => {
                u128::from_le_bytes(*head) & self.mask == self.head
                    && (self.bytes.len() <= HEAD || json[at + HEAD..].starts_with(&self.bytes[HEAD..]))
            }
            None => json.get(at..).is_some_and(|rest| rest.starts_with(&self.bytes)),
        }
    }
}
