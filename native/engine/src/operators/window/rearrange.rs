//! Brings stored states to another order of parts, once, when a step has changed.

use millrace_state::{Backend, KeyGroups, Namespace, Run, StateKey, key_group_range, operands};

use super::state_codec::{damaged, parts, write_part};
use super::stored_state::Part;
use crate::Result;

/// What is in memory at once; it is replaced in the store together.
const CHUNK_BYTES: usize = 16 << 20;

/// Rewrites what an operator has stored. `empty` is the state of a key without rows: new parts are taken from it.
pub fn rearrange(
    backend: &mut dyn Backend,
    key: &StateKey,
    namespaces: &[Namespace],
    groups: &KeyGroups,
    wanted: &[Part],
    empty: &[u8],
) -> Result<()> {
    let mut chunk = Chunk::default();
    for &namespace in namespaces {
        for group in groups.clone() {
            let (from, to) = key_group_range(key, namespace, group);
            backend.scan(&from, &to, &mut |key, stored| {
                let states =
                    operands(stored).map(|state| rearranged(state?, wanted, empty)).collect::<Result<Vec<_>>>()?;
                chunk.run.push_all(key, states.iter().map(Vec::as_slice));
                Ok(())
            })?;
            chunk.end(from, to);
            if chunk.run.bytes() >= CHUNK_BYTES {
                std::mem::take(&mut chunk).replace(backend)?;
            }
        }
    }
    chunk.replace(backend)
}

/// Neighbouring ranges of keys and what is to stand in them.
#[derive(Default)]
struct Chunk {
    run: Run,
    range: Option<(Vec<u8>, Vec<u8>)>,
}

impl Chunk {
    fn end(&mut self, from: Vec<u8>, to: Vec<u8>) {
        let from = self.range.take().map_or(from, |(first, _)| first);
        self.range = Some((from, to));
    }

    fn replace(self, backend: &mut dyn Backend) -> Result<()> {
        let Some((from, to)) = self.range.filter(|_| !self.run.is_empty()) else { return Ok(()) };
        backend.delete_range(&from, &to)?;
        Ok(backend.append(&self.run)?)
    }
}

fn rearranged(state: &[u8], wanted: &[Part], empty: &[u8]) -> Result<Vec<u8>> {
    let (stored, empty) = (parts(state).collect::<Result<Vec<_>>>()?, parts(empty).collect::<Result<Vec<_>>>()?);
    let mut rearranged = Vec::with_capacity(state.len());
    for (index, part) in wanted.iter().enumerate() {
        let part = match part {
            Part::Stored(at) => stored.get(*at),
            Part::New => empty.get(index),
        };
        write_part(part.ok_or_else(damaged)?, &mut rearranged);
    }
    Ok(rearranged)
}

#[cfg(test)]
mod tests {
    use millrace_state::{BackendKind, BackendOptions, namespace_range};
    use tempfile::tempdir;

    use super::*;

    fn state(parts: &[&str]) -> Vec<u8> {
        let mut state = Vec::new();
        parts.iter().for_each(|part| write_part(part.as_bytes(), &mut state));
        state
    }

    fn read(backend: &dyn Backend, key: &StateKey, namespace: Namespace) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
        let (from, to) = namespace_range(key, namespace);
        let mut found = Vec::new();
        let mut visit = |at: &[u8], stored: &[u8]| {
            let states = operands(stored).map(|state| state.map(<[u8]>::to_vec));
            found.push((key.parse(at)?.1.to_vec(), states.collect::<millrace_state::Result<_>>()?));
            Ok(())
        };
        backend.scan(&from, &to, &mut visit).unwrap();
        found
    }

    #[test]
    fn every_state_of_an_operator_is_rearranged_and_nothing_else() {
        for kind in [BackendKind::Filesystem, BackendKind::RocksDb] {
            let folder = tempdir().unwrap();
            let groups = 0..4;
            let at = folder.path().join("db");
            let mut backend = millrace_state::open(kind, &at, &BackendOptions::default(), &groups, &[]).unwrap();
            let (mine, other) = (StateKey::new("mine"), StateKey::new("other"));
            let keys = |key: &StateKey, namespace: i64, group: u32| {
                let mut bytes = Vec::new();
                key.write_prefix((namespace, 0), group, &mut bytes);
                bytes
            };
            let mut all: Vec<_> = [(&mine, 1, 0), (&mine, 1, 3), (&mine, 2, 1), (&other, 1, 2)]
                .map(|(key, namespace, group)| [keys(key, namespace, group), b"user".to_vec()].concat())
                .into();
            all.sort();
            // Two states a key, as two checkpoints leave them.
            for _ in 0..2 {
                let mut run = Run::default();
                all.iter().for_each(|key| run.push(key, &state(&["a", "b"])));
                backend.append(&run).unwrap();
            }

            let wanted = [Part::Stored(1), Part::New, Part::Stored(0)];
            let empty = state(&["x", "new", "x"]);
            rearrange(backend.as_mut(), &mine, &[(1, 0), (2, 0)], &groups, &wanted, &empty).unwrap();

            let entry = |parts: &[&str]| (b"user".to_vec(), vec![state(parts); 2]);
            let changed = entry(&["b", "new", "a"]);
            assert_eq!(read(backend.as_ref(), &mine, (1, 0)), [changed.clone(), changed.clone()]);
            assert_eq!(read(backend.as_ref(), &mine, (2, 0)), [changed]);
            assert_eq!(read(backend.as_ref(), &other, (1, 0)), [entry(&["a", "b"])]);
        }
    }
}
