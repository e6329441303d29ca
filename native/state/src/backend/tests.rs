use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::tempdir;

use super::*;
use crate::{StateKey, VALUES, namespace_range, operands, stamp};

const KINDS: [BackendKind; 2] = [BackendKind::Filesystem, BackendKind::RocksDb];

type Contents = Vec<(Vec<u8>, Vec<Vec<u8>>)>;

fn empty(kind: BackendKind, at: &Path) -> Box<dyn Backend> {
    open(kind, at, &BackendOptions::default(), &(0..128), &[]).unwrap()
}

fn key(pane: i64, group: u32, user: u8) -> Vec<u8> {
    let mut key = Vec::new();
    StateKey::new("window").write_prefix((pane, 0), group, &mut key);
    key.push(user);
    key
}

fn run(entries: &[(Vec<u8>, &str)]) -> Run {
    let mut run = Run::default();
    entries.iter().for_each(|(key, value)| run.push(key, value.as_bytes()));
    run
}

fn contents(backend: &dyn Backend) -> Contents {
    let mut all = Vec::new();
    let visit: Visit<'_> = &mut |key, stored| {
        let values = operands(stored).map(|value| value.map(<[u8]>::to_vec)).collect::<Result<_>>()?;
        all.push((key.to_vec(), values));
        Ok(())
    };
    backend.scan(&[], &[u8::MAX; 64], visit).unwrap();
    all
}

fn snapshot_of(backend: &mut dyn Backend, kind: BackendKind, groups: KeyGroups, into: &Path) -> (KeyedState, PathBuf) {
    let folder = backend.snapshot(into).unwrap().keep();
    (KeyedState { key_groups: groups, backend: kind, files: Vec::new() }, folder)
}

#[test]
fn values_of_a_key_add_up_over_runs() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.append(&run(&[(key(1, 0, 1), "a"), (key(1, 0, 2), "b")])).unwrap();
        backend.append(&run(&[(key(1, 0, 1), "c")])).unwrap();
        let expected = vec![(key(1, 0, 1), vec![b"a".to_vec(), b"c".to_vec()]), (key(1, 0, 2), vec![b"b".to_vec()])];
        assert_eq!(contents(backend.as_ref()), expected, "{kind:?}");
    }
}

#[test]
fn parts_that_follow_each_other_are_one_run() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.append(&run(&[(key(1, 0, 2), "a")])).unwrap();
        let mut parts = [(key(1, 0, 1), "b"), (key(1, 0, 2), "c")].into_iter();
        let fill: Fill<'_> = &mut |part| {
            parts.next().into_iter().for_each(|(key, value)| part.push(&key, value.as_bytes()));
            Ok(())
        };
        backend.append_parts(fill).unwrap();
        let expected = vec![(key(1, 0, 1), vec![b"b".to_vec()]), (key(1, 0, 2), vec![b"a".to_vec(), b"c".to_vec()])];
        assert_eq!(contents(backend.as_ref()), expected, "{kind:?}");
        backend.append_parts(&mut |_| Ok(())).unwrap();
        assert_eq!(contents(backend.as_ref()), expected, "{kind:?}: without a part there is nothing to add");
    }
}

#[test]
fn a_run_whose_parts_fail_adds_nothing() {
    let folder = tempdir().unwrap();
    let mut backend = empty(BackendKind::RocksDb, &folder.path().join("db"));
    let mut is_first = true;
    let fill: Fill<'_> = &mut |part| {
        if !std::mem::take(&mut is_first) {
            return Err(crate::Error("no more".into()));
        }
        part.push(&key(1, 0, 1), b"a");
        Ok(())
    };
    assert!(backend.append_parts(fill).is_err());
    assert!(contents(backend.as_ref()).is_empty());
    backend.append(&run(&[(key(1, 0, 1), "b")])).unwrap();
    assert_eq!(contents(backend.as_ref()).len(), 1);
}

#[test]
fn a_range_that_was_deleted_is_gone_and_can_be_filled_again() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.append(&run(&[(key(1, 0, 1), "a"), (key(2, 0, 1), "b")])).unwrap();
        let (from, to) = namespace_range(&StateKey::new("window"), (1, 0));
        backend.delete_range(&from, &to).unwrap();
        assert_eq!(contents(backend.as_ref()).len(), 1, "{kind:?}");
        backend.append(&run(&[(key(1, 0, 1), "c")])).unwrap();
        assert_eq!(contents(backend.as_ref())[0], (key(1, 0, 1), vec![b"c".to_vec()]), "{kind:?}");
    }
}

#[test]
fn a_snapshot_keeps_what_there_was() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.append(&run(&[(key(1, 0, 1), "a")])).unwrap();
        let before = contents(backend.as_ref());
        let taken = snapshot_of(backend.as_mut(), kind, 0..128, &folder.path().join("snapshots/1"));
        backend.append(&run(&[(key(1, 0, 1), "b")])).unwrap();
        drop(backend);
        let at = folder.path().join("again");
        let restored = open(kind, &at, &BackendOptions::default(), &(0..128), &[taken]).unwrap();
        assert_eq!(contents(restored.as_ref()), before, "{kind:?}");
    }
}

#[test]
fn key_groups_are_gathered_from_several_states_and_backends() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut low = empty(BackendKind::RocksDb, &at("low"));
    let mut high = empty(BackendKind::Filesystem, &at("high"));
    low.append(&run(&[(key(1, 3, 1), "a"), (key(1, 50, 1), "b")])).unwrap();
    high.append(&run(&[(key(1, 64, 1), "c"), (key(1, 100, 1), "d")])).unwrap();
    let parts = [
        snapshot_of(low.as_mut(), BackendKind::RocksDb, 0..64, &at("low-snapshot")),
        snapshot_of(high.as_mut(), BackendKind::Filesystem, 64..128, &at("high-snapshot")),
    ];
    for kind in KINDS {
        let restored = open(kind, &at("restored"), &BackendOptions::default(), &(40..90), &parts).unwrap();
        let keys: Vec<Vec<u8>> = contents(restored.as_ref()).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [key(1, 50, 1), key(1, 64, 1)], "{kind:?}");
    }
}

#[test]
fn several_slots_take_their_key_groups_from_one_folder_at_the_same_time() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for kind in KINDS {
        let mut backend = empty(kind, &at("db"));
        let entries: Vec<_> = (0..4).flat_map(|pane| (0..128).map(move |group| (key(pane, group, 1), "a"))).collect();
        backend.append(&run(&entries)).unwrap();
        let parts = [snapshot_of(backend.as_mut(), kind, 0..128, &at(&format!("snapshot-{kind:?}")))];
        std::thread::scope(|scope| {
            for slot in 0..4 {
                let (parts, at) = (&parts, at(&format!("slot-{slot}")));
                scope.spawn(move || {
                    let groups = slot * 32..(slot + 1) * 32;
                    let restored = open(BackendKind::RocksDb, &at, &BackendOptions::default(), &groups, parts).unwrap();
                    let expected: Vec<_> =
                        (0..4).flat_map(|pane| groups.clone().map(move |group| key(pane, group, 1))).collect();
                    let found: Vec<_> = contents(restored.as_ref()).into_iter().map(|(key, _)| key).collect();
                    assert_eq!(found, expected, "{kind:?}");
                });
            }
        });
    }
}

#[test]
fn a_state_is_taken_over_whole_only_by_the_slot_that_has_just_its_key_groups() {
    let state = |key_groups, backend| KeyedState { key_groups, backend, files: Vec::new() };
    let states = [state(0..64, BackendKind::RocksDb), state(64..128, BackendKind::RocksDb)];
    let by = |kind, groups| taken_over(kind, &groups, states.iter());
    assert_eq!(by(BackendKind::RocksDb, 64..128), Some(1));
    assert_eq!(by(BackendKind::Filesystem, 64..128), None);
    assert_eq!(by(BackendKind::RocksDb, 64..100), None);
    assert_eq!(by(BackendKind::RocksDb, 0..128), None);
}

#[test]
fn the_next_key_is_the_first_of_a_range() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.append(&run(&[(key(1, 0, 1), "a"), (key(2, 0, 1), "b"), (key(3, 5, 1), "c")])).unwrap();
        let (from, to) = namespace_range(&StateKey::new("window"), (2, 0));
        assert_eq!(backend.next_key(&[], &[u8::MAX; 64]).unwrap(), Some(key(1, 0, 1)), "{kind:?}");
        assert_eq!(backend.next_key(&from, &to).unwrap(), Some(key(2, 0, 1)), "{kind:?}");
        backend.delete_range(&from, &to).unwrap();
        assert_eq!(backend.next_key(&from, &to).unwrap(), None, "{kind:?}");
        assert_eq!(backend.next_key(&from, &[u8::MAX; 64]).unwrap(), Some(key(3, 5, 1)), "{kind:?}");
    }
}

#[test]
fn a_snapshot_leaves_with_its_folder() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        let snapshot = backend.snapshot(&folder.path().join("snapshot")).unwrap();
        assert!(snapshot.files.iter().all(|file| file.path.exists()), "{kind:?}");
        drop(snapshot);
        assert!(!folder.path().join("snapshot").exists(), "{kind:?}");
    }
}

fn all_of(backend: &dyn Backend) -> Result<()> {
    backend.scan(&[], &[u8::MAX; 64], &mut |_, _| Ok(()))
}

/// Changes a byte in the middle of the files whose names end so.
fn damage(folder: &Path, ending: &str) {
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.to_str().unwrap().ends_with(ending) {
            let mut content = std::fs::read(&file).unwrap();
            let middle = content.len() / 3;
            content[middle] ^= 0xFF;
            std::fs::write(&file, content).unwrap();
        }
    }
}

#[test]
fn a_damaged_file_of_rocksdb_is_an_error() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut backend = empty(BackendKind::RocksDb, &at("db"));
    let value = "x".repeat(50);
    let entries: Vec<_> = (0..200).map(|user| (key(1, 0, user), value.as_str())).collect();
    backend.append(&run(&entries)).unwrap();
    let taken = snapshot_of(backend.as_mut(), BackendKind::RocksDb, 0..128, &at("s"));
    damage(&at("s"), ".sst");
    let advice = ". The local state is damaged: delete the folder and start the job again, it restores from its last \
                  checkpoint.";
    let whole =
        open(BackendKind::RocksDb, &at("whole"), &BackendOptions::default(), &(0..128), std::slice::from_ref(&taken));
    let error = whole.and_then(|backend| all_of(backend.as_ref())).unwrap_err().0;
    assert!(error.starts_with(&format!("state in {}: Corruption: ", at("whole").display())), "{error}");
    assert!(error.ends_with(advice), "{error}");
    let part = open(BackendKind::RocksDb, &at("part"), &BackendOptions::default(), &(0..64), &[taken]);
    let error = part.err().unwrap().0;
    assert!(error.starts_with(&format!("state in {}: Corruption: ", at("s").display())), "{error}");
    assert!(error.ends_with(advice), "{error}");
}

#[test]
fn a_disk_that_is_full_is_an_error() {
    let folder = tempdir().unwrap();
    let mut backend = empty(BackendKind::RocksDb, &folder.path().join("db"));
    std::os::unix::fs::symlink("/dev/full", folder.path().join("db/run-1")).unwrap();
    let error = backend.append(&run(&[(key(1, 0, 1), "a")])).unwrap_err().0;
    assert!(
        error.starts_with(&format!("state in {}/db: IO error: No space left on device", folder.path().display())),
        "{error}"
    );
    assert!(
        error.ends_with(
            ". Free space, or set `state.directory` to a disk that has some; the job goes on from its last checkpoint."
        ),
        "{error}"
    );
    backend.append(&run(&[(key(1, 0, 1), "a")])).unwrap();
}

#[test]
fn a_damaged_state_file_is_an_error() {
    let folder = tempdir().unwrap();
    let mut backend = empty(BackendKind::Filesystem, folder.path());
    backend.append(&run(&[(key(1, 0, 1), "value")])).unwrap();
    let taken = snapshot_of(backend.as_mut(), BackendKind::Filesystem, 0..128, &folder.path().join("s"));
    let path = folder.path().join("s/state");
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let opened = open(
            BackendKind::Filesystem,
            folder.path(),
            &BackendOptions::default(),
            &(0..128),
            std::slice::from_ref(&taken),
        );
        assert!(opened.is_err(), "{length} bytes");
    }
}

fn value_key(user: u32) -> Vec<u8> {
    let mut key = Vec::new();
    StateKey::new("values").write_prefix(VALUES, 0, &mut key);
    key.extend_from_slice(&user.to_be_bytes());
    key
}

/// Values of so many users, of half a KB that does not compress.
fn values(users: std::ops::Range<u32>, used_ms: i64) -> Run {
    let mut run = Run::default();
    for user in users {
        let noise: Vec<u8> = (0..64)
            .flat_map(|n| xxhash_rust::xxh3::xxh3_64(&[user.to_be_bytes(), [0, 0, 0, n]].concat()).to_be_bytes())
            .collect();
        let mut value = Vec::new();
        stamp(used_ms, &noise, &mut value);
        run.push(&value_key(user), &value);
    }
    run
}

fn expiring(ttl_ms: i64) -> BackendOptions {
    let expiry = Expiry::new([(StateKey::new("values"), ttl_ms)]);
    BackendOptions { is_looked_up: true, expiry, ..BackendOptions::default() }
}

/// Does `work` until `done`.
fn until(what: &str, mut work: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !work() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_value_takes_the_place_of_the_one_before_or_goes() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.put(&run(&[(key(0, 0, 1), "a"), (key(0, 0, 2), "b")])).unwrap();
        let mut second = run(&[(key(0, 0, 1), "c")]);
        second.push_none(&key(0, 0, 2));
        backend.put(&second).unwrap();
        assert_eq!(contents(backend.as_ref()), [(key(0, 0, 1), vec![b"c".to_vec()])], "{kind:?}");
        let mut stored = vec![1];
        assert!(!backend.get(&key(0, 0, 2), &mut stored).unwrap() && stored.is_empty(), "{kind:?}");
        assert!(backend.get(&key(0, 0, 1), &mut stored).unwrap(), "{kind:?}");
        assert_eq!(operands(&stored).last().unwrap().unwrap(), b"c", "{kind:?}");
    }
}

#[test]
fn figures_tell_what_there_is() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        assert_eq!((backend.figures().bytes, backend.figures().entries), (0, 0), "{kind:?}");
        backend.put(&values(0..100, 0)).unwrap();
        let figures = backend.figures();
        assert_eq!((figures.entries, figures.stopped_writes), (100, 0), "{kind:?}");
        assert!(figures.bytes > 100 * 500, "{kind:?}: {figures:?}");
        assert_eq!(figures.plus(figures).entries, 200);
    }
}

#[test]
fn the_disk_space_of_what_has_expired_comes_back() {
    const USERS: u32 = 20_000;
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let options = expiring(1000);
        let mut backend = open(kind, &folder.path().join("db"), &options, &(0..128), &[]).unwrap();
        backend.put(&values(0..USERS, 0)).unwrap();
        options.expiry.set_now(999);
        let full = backend.figures().bytes;
        assert!(full > u64::from(USERS) * 500, "{kind:?}: {full} bytes");
        options.expiry.set_now(1000);
        let mut round = 0;
        until("the space is still taken", || {
            round += 1;
            backend.put(&values(USERS..USERS + 10, 1000)).unwrap();
            drop(backend.snapshot(&folder.path().join(format!("snapshot-{round}"))).unwrap());
            backend.figures().bytes < full / 20
        });
        let mut stored = Vec::new();
        assert!(!backend.get(&value_key(0), &mut stored).unwrap(), "{kind:?}");
        assert!(backend.get(&value_key(USERS), &mut stored).unwrap(), "{kind:?}");
    }
}

#[test]
fn the_disk_space_of_a_closed_window_comes_back() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        let value = "x".repeat(1000);
        for pane in 0..4 {
            for group in 0..20 {
                let entries: Vec<_> = (0..=255).map(|user| (key(pane, group, user), value.as_str())).collect();
                backend.append(&run(&entries)).unwrap();
            }
        }
        let full = backend.figures().bytes;
        let (from, to) =
            (namespace_range(&StateKey::new("window"), (0, 0)).0, namespace_range(&StateKey::new("window"), (3, 0)).0);
        backend.delete_range(&from, &to).unwrap();
        until("the space is still taken", || backend.figures().bytes < full / 2);
        assert_eq!(contents(backend.as_ref()).len(), 20 * 256, "{kind:?}");
    }
}

#[test]
fn one_operator_is_read_from_files_of_any_backend() {
    for kind in KINDS {
        let folder = tempdir().unwrap();
        let mut backend = empty(kind, &folder.path().join("db"));
        backend.append(&run(&[(key(1, 0, 1), "of a window")])).unwrap();
        backend.put(&values(0..3, 7)).unwrap();
        let (state, files) = snapshot_of(backend.as_mut(), kind, 0..128, &folder.path().join("s"));
        let mut keys = Vec::new();
        let visit: Visit<'_> = &mut |key, _| {
            keys.push(key.to_vec());
            Ok(())
        };
        read_operator(&state, &files, &StateKey::new("values"), visit).unwrap();
        assert_eq!(keys, [0, 1, 2].map(value_key), "{kind:?}");
    }
}

#[derive(Debug, Clone)]
enum Action {
    Append(BTreeMap<(i64, u8), String>),
    Put(BTreeMap<(i64, u8), Option<String>>),
    Delete(i64),
}

fn action() -> impl Strategy<Value = Action> {
    let entries = proptest::collection::btree_map((0..4i64, 0..6u8), "[a-c]{0,3}", 0..12);
    let values = proptest::collection::btree_map((0..4i64, 0..6u8), proptest::option::of("[a-c]{0,3}"), 0..12);
    prop_oneof![
        4 => entries.prop_map(Action::Append),
        2 => values.prop_map(Action::Put),
        1 => (0..4i64).prop_map(Action::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn both_backends_hold_the_same(actions in proptest::collection::vec(action(), 1..30)) {
        let folder = tempdir().unwrap();
        let mut backends = KINDS.map(|kind| empty(kind, &folder.path().join(format!("{kind:?}"))));
        for action in &actions {
            for backend in &mut backends {
                match action {
                    Action::Append(entries) => {
                        let mut run = Run::default();
                        entries.iter().for_each(|((pane, user), value)| run.push(&key(*pane, 0, *user), value.as_bytes()));
                        backend.append(&run).unwrap();
                    }
                    Action::Put(entries) => {
                        let mut run = Run::default();
                        for ((pane, user), value) in entries {
                            match value {
                                Some(value) => run.push(&key(*pane, 0, *user), value.as_bytes()),
                                None => run.push_none(&key(*pane, 0, *user)),
                            }
                        }
                        backend.put(&run).unwrap();
                    }
                    Action::Delete(pane) => {
                        let (from, to) = namespace_range(&StateKey::new("window"), (*pane, 0));
                        backend.delete_range(&from, &to).unwrap();
                    }
                }
            }
        }
        prop_assert_eq!(contents(backends[0].as_ref()), contents(backends[1].as_ref()));
    }
}
