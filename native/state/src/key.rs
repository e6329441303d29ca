//! How keys of state are laid out: operator, namespace, key group, user key. What leaves together lies together: a closed
//! window is one range.

use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, KeyGroups, Result};

const OPERATOR: usize = 8;
const NAMESPACE: usize = 16;
const GROUP: usize = 2;

/// Bytes before the user key.
pub const KEY_PREFIX: usize = OPERATOR + NAMESPACE + GROUP;

/// A namespace is two numbers, such as the start of a pane and the first window it counts in; they sort as numbers do.
pub type Namespace = (i64, i64);

/// The namespace of operators that keep one value a key.
pub const VALUES: Namespace = (0, 0);

/// Writes keys of one operator's state.
#[derive(Debug, Clone, Copy)]
pub struct StateKey {
    operator: [u8; OPERATOR],
}

impl StateKey {
    /// `operator` is its stable id.
    pub fn new(operator: &str) -> Self {
        StateKey { operator: xxh3_64(operator.as_bytes()).to_be_bytes() }
    }

    /// Whether `key` is that of a value of this operator.
    pub(crate) fn is_value(&self, key: &[u8]) -> bool {
        key.strip_prefix(&self.operator).is_some_and(|rest| {
            let (first, second) = VALUES;
            rest.starts_with(&sortable(first)) && rest[8..].starts_with(&sortable(second))
        })
    }

    /// Writes what stands before the user key.
    pub fn write_prefix(&self, (first, second): Namespace, key_group: u32, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.operator);
        into.extend_from_slice(&sortable(first));
        into.extend_from_slice(&sortable(second));
        into.extend_from_slice(&(key_group as u16).to_be_bytes());
    }

    /// The namespace and the user key of a key of this operator.
    pub fn parse<'a>(&self, key: &'a [u8]) -> Result<(Namespace, &'a [u8])> {
        let damaged = || Error("a key of the state is damaged: restore an older checkpoint".into());
        let rest = key.strip_prefix(&self.operator).ok_or_else(damaged)?;
        let (first, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (second, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let user = rest.get(GROUP..).ok_or_else(damaged)?;
        Ok(((unsortable(*first), unsortable(*second)), user))
    }
}

/// Big-endian with the sign flipped.
fn sortable(number: i64) -> [u8; 8] {
    ((number as u64) ^ (1 << 63)).to_be_bytes()
}

fn unsortable(bytes: [u8; 8]) -> i64 {
    (u64::from_be_bytes(bytes) ^ (1 << 63)) as i64
}

/// The key group that stands in a key.
pub fn key_group_of(key: &[u8]) -> Option<u32> {
    let group = key.get(OPERATOR + NAMESPACE..KEY_PREFIX)?;
    Some(u32::from(u16::from_be_bytes([group[0], group[1]])))
}

/// The keys of one namespace: from, and up to but not including.
pub fn namespace_range(key: &StateKey, namespace: Namespace) -> (Vec<u8>, Vec<u8>) {
    let mut from = Vec::with_capacity(KEY_PREFIX);
    key.write_prefix(namespace, 0, &mut from);
    from.truncate(OPERATOR + NAMESPACE);
    let to = successor(&from);
    (from, to)
}

/// The keys of one key group in a namespace.
pub fn key_group_range(key: &StateKey, namespace: Namespace, key_group: u32) -> (Vec<u8>, Vec<u8>) {
    let mut from = Vec::with_capacity(KEY_PREFIX);
    key.write_prefix(namespace, key_group, &mut from);
    let to = successor(&from);
    (from, to)
}

/// Of the namespace that `key` lies in, the keys of some key groups, and where the next namespace begins at the
/// earliest. `None` for bytes that are no key.
pub(crate) fn within_namespace(key: &[u8], groups: &KeyGroups) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let namespace = key.get(..OPERATOR + NAMESPACE)?;
    let at = |group: u32| match u16::try_from(group) {
        Ok(group) => [namespace, &group.to_be_bytes()].concat(),
        Err(_) => successor(namespace),
    };
    Some((at(groups.start), at(groups.end), successor(namespace)))
}

/// All keys of an operator.
pub fn operator_range(key: &StateKey) -> (Vec<u8>, Vec<u8>) {
    let from = key.operator.to_vec();
    let to = successor(&from);
    (from, to)
}

/// The least key that is greater than all that begin with `prefix`.
fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < u8::MAX {
            next.push(last + 1);
            return next;
        }
    }
    // Nothing is greater than a prefix of 0xFF; a longer one is the best there is.
    vec![u8::MAX; KEY_PREFIX + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(namespace: Namespace, group: u32, user: &[u8]) -> Vec<u8> {
        let mut key = Vec::new();
        StateKey::new("window").write_prefix(namespace, group, &mut key);
        key.extend_from_slice(user);
        key
    }

    #[test]
    fn keys_sort_by_namespace_then_key_group_then_user_key() {
        let sorted = [
            key((-5, 0), 9, b"z"),
            key((0, i64::MIN), 0, b""),
            key((0, 7), 0, b"a"),
            key((0, 7), 1, b"a"),
            key((0, 7), 1, b"b"),
        ];
        assert!(sorted.is_sorted());
    }

    #[test]
    fn a_key_reads_back() {
        let written = key((-3, i64::MAX), 515, b"user");
        let (namespace, user) = StateKey::new("window").parse(&written).unwrap();
        assert_eq!((namespace, user, key_group_of(&written)), ((-3, i64::MAX), &b"user"[..], Some(515)));
    }

    #[test]
    fn a_range_holds_a_namespace_and_nothing_else() {
        let (from, to) = namespace_range(&StateKey::new("window"), (0, 7));
        let inside = |key: &[u8]| *from <= *key && *key < *to;
        assert!(inside(&key((0, 7), 0, b"")) && inside(&key((0, 7), 65_535, &[255; 40])));
        assert!(!inside(&key((0, 6), 65_535, b"")) && !inside(&key((0, 8), 0, b"")));
    }

    #[test]
    fn a_range_holds_a_key_group_and_nothing_else() {
        let (from, to) = key_group_range(&StateKey::new("window"), (0, 7), 65_535);
        let inside = |key: &[u8]| *from <= *key && *key < *to;
        assert!(inside(&key((0, 7), 65_535, b"")) && inside(&key((0, 7), 65_535, &[255; 40])));
        assert!(!inside(&key((0, 7), 65_534, &[255; 40])) && !inside(&key((0, 8), 0, b"")));
    }

    #[test]
    fn key_groups_of_the_namespace_of_a_key_are_a_range() {
        let (from, to, next) = within_namespace(&key((0, 7), 3, b"a"), &(5..9)).unwrap();
        assert!(from == key((0, 7), 5, b"") && to == key((0, 7), 9, b"") && next <= key((0, 8), 0, b""));
        let (_, to, next) = within_namespace(&key((0, 7), 3, b"a"), &(5..65_536)).unwrap();
        assert!(to == next && to > key((0, 7), 65_535, &[255; 40]));
        assert!(within_namespace(b"short", &(0..1)).is_none());
    }
}
