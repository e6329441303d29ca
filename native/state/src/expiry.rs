//! Values that expire: each carries the time of its last use, and goes once that is long enough ago.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::{Error, Result, StateKey, operands};

/// Which operators' values expire, and what time it is. Clones share the time.
#[derive(Debug, Clone, Default)]
pub struct Expiry {
    operators: Arc<[(StateKey, i64)]>,
    now_ms: Arc<AtomicI64>,
}

impl Expiry {
    /// Of operators, each with the milliseconds that its values live without being used.
    pub fn new(operators: impl IntoIterator<Item = (StateKey, i64)>) -> Self {
        Expiry { operators: operators.into_iter().collect(), now_ms: Arc::default() }
    }

    /// Tells what time it is. Values that have expired by then may be forgotten.
    pub fn set_now(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }

    /// The shortest time that values live; `None` where none expires.
    pub(crate) fn shortest_ms(&self) -> Option<i64> {
        self.operators.iter().map(|(_, ttl_ms)| *ttl_ms).min()
    }

    /// Whether an entry of a backend is a value that has expired.
    pub(crate) fn has_expired(&self, key: &[u8], stored: &[u8]) -> bool {
        let Some((_, ttl_ms)) = self.operators.iter().find(|(operator, _)| operator.is_value(key)) else {
            return false;
        };
        // What cannot be read is left for whoever reads it to tell.
        let Some(Ok(Ok((used_ms, _)))) = operands(stored).last().map(|value| value.map(stamped)) else { return false };
        expired(used_ms, *ttl_ms, self.now_ms.load(Ordering::Relaxed))
    }
}

/// Whether a value that was last used at `used_ms` has expired.
pub fn expired(used_ms: i64, ttl_ms: i64, now_ms: i64) -> bool {
    now_ms.saturating_sub(used_ms) >= ttl_ms
}

/// Writes a value with the time of its last use.
pub fn stamp(used_ms: i64, value: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&used_ms.to_le_bytes());
    into.extend_from_slice(value);
}

/// Takes a value that [`stamp`] has written apart.
pub fn stamped(value: &[u8]) -> Result<(i64, &[u8])> {
    let (used_ms, value) = value
        .split_first_chunk()
        .ok_or_else(|| Error("a value of the state is damaged: restore an older checkpoint".into()))?;
    Ok((i64::from_le_bytes(*used_ms), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Run, VALUES};

    fn entry(operator: &str, used_ms: i64) -> (Vec<u8>, Vec<u8>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        StateKey::new(operator).write_prefix(VALUES, 0, &mut key);
        stamp(used_ms, b"value", &mut value);
        let mut run = Run::default();
        run.push(&key, &value);
        let stored = run.iter().next().unwrap().1.to_vec();
        (key, stored)
    }

    #[test]
    fn a_value_expires_when_it_has_not_been_used_for_so_long() {
        let expiry = Expiry::new([(StateKey::new("a"), 10)]);
        let (key, stored) = entry("a", 5);
        for (now_ms, gone) in [(0, false), (14, false), (15, true), (i64::MAX, true)] {
            expiry.set_now(now_ms);
            assert_eq!(expiry.has_expired(&key, &stored), gone, "{now_ms}");
        }
    }

    #[test]
    fn nothing_else_expires() {
        let expiry = Expiry::new([(StateKey::new("a"), 10)]);
        expiry.set_now(i64::MAX);
        let (key, stored) = entry("b", 5);
        assert!(!expiry.has_expired(&key, &stored));
        let mut timer = Vec::new();
        StateKey::new("a").write_prefix((1, 0), 0, &mut timer);
        assert!(!expiry.has_expired(&timer, &stored));
        let (key, _) = entry("a", 5);
        assert!(!expiry.has_expired(&key, b"damaged"));
    }

    #[test]
    fn a_stamped_value_comes_apart() {
        let mut value = Vec::new();
        stamp(-7, b"x", &mut value);
        assert_eq!(stamped(&value).unwrap(), (-7, &b"x"[..]));
        assert!(stamped(&value[..7]).is_err());
    }
}
