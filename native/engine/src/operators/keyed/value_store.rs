//! One value a key: in memory and, with checkpoints, in a state backend.

use std::sync::Arc;

use hashbrown::HashTable;
use millrace_plan::{Ttl, TtlUpdate};
use millrace_state::{Run, StateKey, VALUES, expired, operands, stamp, stamped};

use crate::Result;
use crate::batch::Millis;
use crate::counters::OperatorCounters;
use crate::key_group::{KeyHash, key_group};
use crate::operators::window::SharedBackend;

/// The values of one operator in one slot. Those in memory are in two generations: what is used comes to the young one, and
/// when there is no room, or nothing in the old one can be alive, the old one goes and the young one takes its place.
pub struct ValueStore {
    young: Values,
    old: Values,
    backend: Option<ValuesInBackend>,
    ttl: Option<Ttl>,
    /// Bytes of both generations; 0: as many as it takes.
    memory_budget: usize,
    /// When the young generation took its place.
    turned_ms: Option<Millis>,
    stored: Vec<u8>,
    counters: Arc<OperatorCounters>,
}

/// Where values lie in a backend.
pub struct ValuesInBackend {
    backend: SharedBackend,
    key: StateKey,
    max_parallelism: usize,
    /// It may have values that the memory has not.
    is_ahead: bool,
}

#[derive(Default)]
struct Values {
    /// Indexes of entries by hash.
    table: HashTable<u32>,
    entries: Vec<Entry>,
    /// The keys of the entries, one behind the other.
    keys: Vec<u8>,
    value_bytes: usize,
    /// Entries that the backend does not have as they are.
    fresh: Vec<u32>,
}

struct Entry {
    hash: KeyHash,
    /// Where its key ends; it begins where that of the entry before ends.
    key_end: usize,
    used_ms: Millis,
    /// `None`: there is no value, and the backend has to be told if it is fresh.
    value: Option<Box<[u8]>>,
    is_fresh: bool,
}

impl ValuesInBackend {
    /// `operator` is the operator's stable id; `holds_some`: the backend has values of it.
    pub fn new(backend: SharedBackend, operator: &str, max_parallelism: usize, holds_some: bool) -> Self {
        ValuesInBackend { backend, key: StateKey::new(operator), max_parallelism, is_ahead: holds_some }
    }

    pub fn key_group(&self, hash: KeyHash) -> u32 {
        key_group(hash, self.max_parallelism) as u32
    }

    pub fn write_key(&self, hash: KeyHash, key: &[u8], into: &mut Vec<u8>) {
        self.key.write_prefix(VALUES, self.key_group(hash), into);
        into.extend_from_slice(key);
    }

    pub fn put(&self, run: &Run) -> Result<()> {
        Ok(self.backend.borrow_mut().put(run)?)
    }
}

impl ValueStore {
    pub fn new(
        ttl: Option<Ttl>,
        backend: Option<ValuesInBackend>,
        memory_budget: usize,
        counters: Arc<OperatorCounters>,
    ) -> Self {
        let (young, old) = Default::default();
        ValueStore { young, old, backend, ttl, memory_budget, turned_ms: None, stored: Vec::new(), counters }
    }

    /// The value of a key, if there is one that lives.
    pub fn get(&mut self, hash: KeyHash, key: &[u8], now_ms: Millis) -> Result<Option<&[u8]>> {
        let Some(index) = self.bring(hash, key, now_ms)? else { return Ok(None) };
        let is_use = self.ttl.is_some_and(|ttl| ttl.update == TtlUpdate::OnReadWrite);
        let used_ms = self.young.entries[index].used_ms;
        if self.young.entries[index].value.is_none() || self.has_expired(used_ms, now_ms) {
            return Ok(None);
        }
        if is_use && used_ms != now_ms {
            self.young.entries[index].used_ms = now_ms;
            self.young.refresh(index);
        }
        Ok(self.young.entries[index].value.as_deref())
    }

    /// Gives a key a value, or none.
    pub fn set(&mut self, hash: KeyHash, key: &[u8], now_ms: Millis, value: Option<&[u8]>) {
        self.turn_when_old_is_over(now_ms);
        self.old.forget(hash, key);
        let index = self.young.find(hash, key).unwrap_or_else(|| self.young.add(hash, key));
        self.young.set(index, now_ms, value);
        self.young.refresh(index);
    }

    /// Gives the backend what it does not have.
    pub fn store(&mut self) -> Result<()> {
        let ValueStore { young, old, backend, counters, .. } = self;
        counters.state.memory_bytes.set((young.bytes() + old.bytes()) as u64);
        counters.state.memory_entries.set((young.table.len() + old.table.len()) as u64);
        let Some(backend) = backend else { return Ok(()) };
        let mut entries: Vec<(u32, &[u8], &Entry)> = Vec::with_capacity(young.fresh.len() + old.fresh.len());
        for values in [&*old, &*young] {
            entries.extend(values.fresh.iter().filter(|index| values.entries[**index as usize].is_fresh).map(
                |index| {
                    let entry = &values.entries[*index as usize];
                    (backend.key_group(entry.hash), values.key(*index as usize), entry)
                },
            ));
        }
        entries
            .sort_unstable_by(|(group, key, _), (other_group, other, _)| group.cmp(other_group).then(key.cmp(other)));
        let (mut run, mut key_bytes, mut value_bytes) = (Run::default(), Vec::new(), Vec::new());
        for (_, key, entry) in entries {
            key_bytes.clear();
            backend.write_key(entry.hash, key, &mut key_bytes);
            match &entry.value {
                None => run.push_none(&key_bytes),
                Some(value) => {
                    value_bytes.clear();
                    stamp(entry.used_ms, value, &mut value_bytes);
                    run.push(&key_bytes, &value_bytes);
                }
            }
        }
        counters.state.writes.add(run.len() as u64);
        backend.put(&run)?;
        young.stored();
        old.stored();
        Ok(())
    }

    /// Values leave the memory, those used least recently first.
    pub fn keep_to_budget(&mut self) -> Result<()> {
        if self.memory_budget == 0 || self.backend.is_none() || self.young.bytes() <= self.memory_budget / 2 {
            return Ok(());
        }
        self.store()?;
        self.turn();
        if let Some(backend) = &mut self.backend {
            backend.is_ahead = true;
        }
        Ok(())
    }

    /// Brings the entry of a key to the young generation, if there is one; gives its index.
    fn bring(&mut self, hash: KeyHash, key: &[u8], now_ms: Millis) -> Result<Option<usize>> {
        self.turn_when_old_is_over(now_ms);
        if let Some(index) = self.young.find(hash, key) {
            return Ok(Some(index));
        }
        if let Some(entry) = self.old.take(hash, key) {
            let index = self.young.add(hash, key);
            self.young.set(index, entry.used_ms, entry.value.as_deref());
            if entry.is_fresh {
                self.young.refresh(index);
            }
            return Ok(Some(index));
        }
        let Some(backend) = self.backend.as_ref().filter(|backend| backend.is_ahead) else { return Ok(None) };
        let mut key_bytes = Vec::with_capacity(millrace_state::KEY_PREFIX + key.len());
        backend.write_key(hash, key, &mut key_bytes);
        if !backend.backend.borrow().get(&key_bytes, &mut self.stored)? {
            return Ok(None);
        }
        self.counters.state.reads.add(1);
        let Some(value) = operands(&self.stored).last() else { return Ok(None) };
        let (used_ms, value) = stamped(value?)?;
        let index = self.young.add(hash, key);
        self.young.set(index, used_ms, Some(value));
        Ok(Some(index))
    }

    fn has_expired(&self, used_ms: Millis, now_ms: Millis) -> bool {
        self.ttl.is_some_and(|ttl| expired(used_ms, ttl.duration_ms, now_ms))
    }

    /// What has not come to the young generation for a whole ttl has not been used for so long.
    fn turn_when_old_is_over(&mut self, now_ms: Millis) {
        let since = *self.turned_ms.get_or_insert(now_ms);
        if self.has_expired(since, now_ms) {
            self.turn();
            self.turned_ms = Some(now_ms);
        }
    }

    fn turn(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}

impl Values {
    fn find(&self, hash: KeyHash, key: &[u8]) -> Option<usize> {
        let same = |index: &u32| {
            let index = *index as usize;
            self.entries[index].hash == hash && self.key(index) == key
        };
        self.table.find(spread(hash), same).map(|index| *index as usize)
    }

    fn key(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.entries[index - 1].key_end };
        &self.keys[start..self.entries[index].key_end]
    }

    /// A key that is not there yet.
    fn add(&mut self, hash: KeyHash, key: &[u8]) -> usize {
        let index = self.entries.len();
        self.keys.extend_from_slice(key);
        let key_end = self.keys.len();
        self.entries.push(Entry { hash, key_end, used_ms: 0, value: None, is_fresh: false });
        let entries = &self.entries;
        self.table.insert_unique(spread(hash), index as u32, |&index| spread(entries[index as usize].hash));
        index
    }

    fn set(&mut self, index: usize, used_ms: Millis, value: Option<&[u8]>) {
        let entry = &mut self.entries[index];
        self.value_bytes += value.map_or(0, <[u8]>::len);
        self.value_bytes -= entry.value.as_ref().map_or(0, |value| value.len());
        entry.used_ms = used_ms;
        entry.value = value.map(Into::into);
    }

    fn refresh(&mut self, index: usize) {
        let entry = &mut self.entries[index];
        if !entry.is_fresh {
            entry.is_fresh = true;
            self.fresh.push(index as u32);
        }
    }

    /// Takes the entry of a key out; it is not found any more.
    fn take(&mut self, hash: KeyHash, key: &[u8]) -> Option<Entry> {
        let index = self.find(hash, key)?;
        self.unlink(index);
        let entry = &mut self.entries[index];
        self.value_bytes -= entry.value.as_ref().map_or(0, |value| value.len());
        let taken = Entry { value: entry.value.take(), ..*entry };
        entry.is_fresh = false;
        Some(taken)
    }

    fn forget(&mut self, hash: KeyHash, key: &[u8]) {
        drop(self.take(hash, key));
    }

    fn unlink(&mut self, index: usize) {
        let entry = self.table.find_entry(spread(self.entries[index].hash), |&found| found as usize == index);
        if let Ok(entry) = entry {
            entry.remove();
        }
    }

    /// The backend has everything.
    fn stored(&mut self) {
        for index in self.fresh.drain(..) {
            self.entries[index as usize].is_fresh = false;
        }
    }

    fn bytes(&self) -> usize {
        let entries = self.entries.capacity() * size_of::<Entry>();
        self.table.allocation_size() + entries + self.keys.capacity() + self.fresh.capacity() * 4 + self.value_bytes
    }
}

/// The slot owns a range of the hash's low digits: they would crowd the table.
fn spread(hash: KeyHash) -> u64 {
    hash.rotate_right(20)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::rc::Rc;

    use millrace_state::{BackendKind, BackendOptions, Expiry};
    use proptest::prelude::*;
    use tempfile::{TempDir, tempdir};
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    const TTL_MS: i64 = 10;

    #[derive(Debug, Clone)]
    enum Action {
        Get(u8),
        Set(u8, Option<String>),
        Pass(i64),
        Store,
        KeepToBudget,
        Restore,
    }

    fn action() -> impl Strategy<Value = Action> {
        let value = proptest::option::weighted(0.8, "[a-c]{0,3}");
        prop_oneof![
            8 => (0..12u8).prop_map(Action::Get),
            8 => (0..12u8, value).prop_map(|(key, value)| Action::Set(key, value)),
            3 => (0..5i64).prop_map(Action::Pass),
            1 => Just(Action::Store),
            3 => Just(Action::KeepToBudget),
            1 => Just(Action::Restore),
        ]
    }

    /// A store and, if it is to have one, its backend.
    struct Place {
        folder: TempDir,
        expiry: Expiry,
        backend: Option<SharedBackend>,
        restored: usize,
    }

    impl Place {
        fn new(kind: Option<BackendKind>) -> Place {
            let folder = tempdir().unwrap();
            let expiry = Expiry::new([(StateKey::new("test"), TTL_MS)]);
            let options = BackendOptions { is_looked_up: true, expiry: expiry.clone(), ..BackendOptions::default() };
            let open = |kind| millrace_state::open(kind, &folder.path().join("db"), &options, &(0..8), &[]).unwrap();
            let backend = kind.map(|kind| Rc::new(RefCell::new(open(kind))));
            Place { folder, expiry, backend, restored: 0 }
        }

        fn store(&self, ttl: Ttl, budget: usize, holds_some: bool) -> ValueStore {
            let backend = self.backend.clone().map(|backend| ValuesInBackend::new(backend, "test", 8, holds_some));
            ValueStore::new(Some(ttl), backend, budget, Arc::default())
        }

        /// What has expired may go.
        fn snapshot(&mut self, now_ms: i64) {
            self.expiry.set_now(now_ms);
            self.restored += 1;
            let into = self.folder.path().join(format!("snapshot-{}", self.restored));
            self.backend.iter().for_each(|backend| drop(backend.borrow_mut().snapshot(&into).unwrap()));
        }
    }

    fn check(kind: Option<BackendKind>, ttl: Ttl, budget: usize, actions: &[Action]) {
        let mut place = Place::new(kind);
        let mut store = place.store(ttl, budget, false);
        let mut model: HashMap<u8, (i64, String)> = HashMap::new();
        let mut now_ms = 0;
        for action in actions {
            match action {
                Action::Get(key) => {
                    let got = store.get(xxh3_64(&[*key]), &[*key], now_ms).unwrap().map(<[u8]>::to_vec);
                    let known = model.get_mut(key).filter(|(used_ms, _)| now_ms - *used_ms < TTL_MS);
                    assert_eq!(
                        got,
                        known.as_ref().map(|(_, value)| value.clone().into_bytes()),
                        "key {key} at {now_ms}"
                    );
                    if let Some((used_ms, _)) = known.filter(|_| ttl.update == TtlUpdate::OnReadWrite) {
                        *used_ms = now_ms;
                    }
                }
                Action::Set(key, value) => {
                    store.set(xxh3_64(&[*key]), &[*key], now_ms, value.as_ref().map(String::as_bytes));
                    match value {
                        Some(value) => model.insert(*key, (now_ms, value.clone())),
                        None => model.remove(key),
                    };
                }
                Action::Pass(time) => now_ms += time,
                Action::Store => {
                    store.store().unwrap();
                    place.snapshot(now_ms);
                }
                Action::KeepToBudget => store.keep_to_budget().unwrap(),
                Action::Restore if kind.is_some() => {
                    store.store().unwrap();
                    place.snapshot(now_ms);
                    store = place.store(ttl, budget, true);
                }
                Action::Restore => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn a_key_has_the_value_that_it_was_given_until_that_expires(
            actions in proptest::collection::vec(action(), 1..120),
            update in prop_oneof![Just(TtlUpdate::OnWrite), Just(TtlUpdate::OnReadWrite)],
            budget in prop_oneof![Just(0), Just(1usize)],
        ) {
            let ttl = Ttl { duration_ms: TTL_MS, update };
            for kind in [None, Some(BackendKind::Filesystem)] {
                check(kind, ttl, budget, &actions);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        #[test]
        fn so_it_has_over_rocksdb(
            actions in proptest::collection::vec(action(), 1..120),
            budget in prop_oneof![Just(0), Just(1usize)],
        ) {
            check(Some(BackendKind::RocksDb), Ttl { duration_ms: TTL_MS, update: TtlUpdate::OnReadWrite }, budget, &actions);
        }
    }
}
