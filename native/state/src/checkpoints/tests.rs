use tempfile::{TempDir, tempdir};

use super::*;
use crate::{RocksDbOptions, Run, StateKey, open};

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, attempt: &str) -> Checkpoints {
        let location = format!("file:{}", self.at("storage").display());
        Checkpoints::open(&location, "revenue", attempt, 2, &self.at("cache")).unwrap()
    }

    fn stored(&self) -> usize {
        let files = fs::read_dir(self.at("storage/revenue/files"));
        files.map_or(0, |attempts| attempts.map(|attempt| fs::read_dir(attempt.unwrap().path()).unwrap().count()).sum())
    }
}

fn manifest() -> Manifest {
    Manifest { job: "revenue".into(), max_parallelism: 128, ..Manifest::default() }
}

/// A slot's files: each of content that is its name.
fn files(place: &Place, names: &[(&str, bool)]) -> SlotFiles {
    let files = names.iter().map(|&(name, immutable)| {
        let path = place.at("snapshot").join(name);
        fs::create_dir_all(place.at("snapshot")).unwrap();
        fs::write(&path, name).unwrap();
        LocalFile { name: name.into(), size: name.len() as u64, path, immutable }
    });
    let snapshot = Snapshot::new(place.at("snapshot"), files.collect());
    SlotFiles { slot: 0, key_groups: 0..128, backend: BackendKind::RocksDb, snapshot }
}

/// The key groups of the only slot.
fn one_slot() -> Vec<KeyGroups> {
    std::iter::once(0..128).collect()
}

#[test]
fn a_checkpoint_adds_only_what_the_storage_lacks() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, written) =
        checkpoints.write(manifest(), &[files(&place, &[("1.sst", true), ("CURRENT", false)])]).unwrap();
    assert_eq!((first.checkpoint, written.bytes, written.new_bytes), (1, 12, 12));
    let names = [("1.sst", true), ("22.sst", true), ("CURRENT", false)];
    let (second, written) = checkpoints.write(manifest(), &[files(&place, &names)]).unwrap();
    assert_eq!((second.checkpoint, written.bytes, written.new_bytes), (2, 18, 13));
}

#[test]
fn the_files_of_a_checkpoint_come_back_and_are_checked() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (written, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true), ("CURRENT", false)])]).unwrap();
    checkpoints.committed(written.clone()).unwrap();

    let again = place.open("b");
    assert_eq!(again.latest(), Some(&written));
    let restored = again.restore(&written, &place.at("restored"), &|_| {}).unwrap();
    assert_eq!(fs::read_to_string(restored[0].1.join("1.sst")).unwrap(), "1.sst");

    fs::remove_dir_all(place.at("cache")).unwrap();
    let stored = place.at("storage/revenue/files/a/1-0-1.sst");
    fs::write(&stored, "2.sst").unwrap();
    let error = again.restore(&written, &place.at("restored-2"), &|_| {}).unwrap_err();
    assert!(error.0.contains("files/a/1-0-1.sst") && error.0.contains("damaged"), "{error}");
    fs::remove_file(&stored).unwrap();
    let error = again.restore(&written, &place.at("restored-3"), &|_| {}).unwrap_err();
    assert!(error.0.contains("files/a/1-0-1.sst"), "{error}");
}

#[test]
fn a_cached_file_that_changed_is_fetched_again() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (written, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    fs::remove_file(place.at("cache/files_a_1-0-1.sst")).unwrap();
    fs::write(place.at("cache/files_a_1-0-1.sst"), "wrong").unwrap();
    let restored = checkpoints.restore(&written, &place.at("restored"), &|_| {}).unwrap();
    assert_eq!(fs::read_to_string(restored[0].1.join("1.sst")).unwrap(), "1.sst");
}

#[test]
fn a_manifest_names_its_attempt_and_what_came_before_it() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[]).unwrap();
    let (second, _) = checkpoints.write(manifest(), &[]).unwrap();
    assert_eq!((first.previous, second.previous, second.attempt.as_str()), (0, 0, "a"));
    checkpoints.committed(second.clone()).unwrap();

    let mut again = place.open("b");
    again.restored_from(&second, BackendKind::RocksDb, &one_slot());
    let (third, _) = again.write(manifest(), &[]).unwrap();
    assert_eq!((third.checkpoint, third.previous, third.attempt.as_str()), (3, 2, "b"));
}

#[test]
fn what_a_slot_took_over_is_not_written_again() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    let savepoint = checkpoints.write_savepoint(manifest(), &[files(&place, &[("1.sst", true)])], "s").unwrap();
    let mut new_bytes = |restored: &Manifest, slots: &[KeyGroups]| {
        checkpoints.restored_from(restored, BackendKind::RocksDb, slots);
        checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap().1.new_bytes
    };
    assert_eq!(new_bytes(&first, &one_slot()), 0);
    assert_eq!(new_bytes(&first, &[0..64, 64..128]), 5);
    assert_eq!(new_bytes(&savepoint, &one_slot()), 5);
}

#[test]
fn old_checkpoints_go_with_the_files_that_only_they_need() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    for names in
        [[("1.sst", true), ("2.sst", true)], [("2.sst", true), ("3.sst", true)], [("3.sst", true), ("4.sst", true)]]
    {
        let (written, _) = checkpoints.write(manifest(), &[files(&place, &names)]).unwrap();
        checkpoints.committed(written).unwrap();
    }
    assert_eq!(place.stored(), 3);
    assert!(checkpoints.load(1).is_err());
    for checkpoint in [2, 3] {
        let manifest = checkpoints.load(checkpoint).unwrap();
        fs::remove_dir_all(place.at("cache")).ok();
        checkpoints.restore(&manifest, &place.at(&format!("restored-{checkpoint}")), &|_| {}).unwrap();
    }
}

#[test]
fn of_two_workers_at_the_same_checkpoint_one_fails() {
    let place = Place::new();
    let (mut first, mut second) = (place.open("a"), place.open("b"));
    first.write(manifest(), &[]).unwrap();
    let error = second.write(manifest(), &[]).unwrap_err();
    assert!(error.0.contains("runs twice"), "{error}");
}

#[test]
fn what_one_worker_lets_go_of_another_does_not_need() {
    let place = Place::new();
    let mut zombie = place.open("a");
    let (first, _) = zombie.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    zombie.committed(first.clone()).unwrap();
    let (second, _) = zombie.write(manifest(), &[files(&place, &[("1.sst", true), ("2.sst", true)])]).unwrap();
    zombie.committed(second.clone()).unwrap();

    let mut other = place.open("b");
    other.restored_from(&second, BackendKind::RocksDb, &one_slot());
    let (third, _) =
        other.write(manifest(), &[files(&place, &[("1.sst", true), ("2.sst", true), ("3.sst", true)])]).unwrap();
    other.committed(third.clone()).unwrap();

    // The zombie comes back to life and tidies up after its last commit.
    zombie.committed(second).unwrap();
    fs::remove_dir_all(place.at("cache")).unwrap();
    other.restore(&third, &place.at("restored"), &|_| {}).unwrap();
}

#[test]
fn a_savepoint_stands_by_itself() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    checkpoints.committed(first).unwrap();
    checkpoints.write_savepoint(manifest(), &[files(&place, &[("1.sst", true)])], "before").unwrap();
    assert!(checkpoints.write_savepoint(manifest(), &[], "before").is_err());
    fs::remove_dir_all(place.at("storage/revenue/files")).unwrap();
    fs::remove_dir_all(place.at("cache")).unwrap();
    let savepoint = checkpoints.savepoint("before").unwrap();
    let restored = checkpoints.restore(&savepoint, &place.at("restored"), &|_| {}).unwrap();
    assert_eq!(fs::read_to_string(restored[0].1.join("1.sst")).unwrap(), "1.sst");
    assert!(checkpoints.savepoint("after").is_err());
}

#[test]
fn a_checkpoint_of_another_job_is_an_error() {
    let place = Place::new();
    let mut other = manifest();
    other.job = "other".into();
    place.open("a").write(other, &[]).unwrap();
    let location = format!("file:{}", place.at("storage").display());
    let error = Checkpoints::open(&location, "revenue", "b", 2, &place.at("cache")).err().unwrap();
    assert!(error.0.contains("belongs to job \"other\""), "{error}");
}

#[test]
fn a_location_that_is_none_is_an_error() {
    for location in ["checkpoints", "ftp://host/path", ""] {
        let error = Checkpoints::open(location, "revenue", "a", 2, Path::new("/nowhere")).err().unwrap();
        assert!(error.0.contains("is none that is known"), "{error}");
    }
}

#[test]
fn rocksdb_uploads_what_changed_and_not_what_there_is() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let mut backend = open(BackendKind::RocksDb, &place.at("db"), &RocksDbOptions::default(), &(0..128), &[]).unwrap();
    let mut add = |users: std::ops::Range<u32>, namespace: i64, into: &str| {
        let mut run = Run::default();
        for user in users {
            let mut key = Vec::new();
            StateKey::new("window").write_prefix((namespace, 0), 0, &mut key);
            key.extend_from_slice(&user.to_be_bytes());
            run.push(&key, format!("{:032x}", u64::from(user).wrapping_mul(0x9E37_79B9_7F4A_7C15)).as_bytes());
        }
        backend.append(&run).unwrap();
        let snapshot = backend.snapshot(&place.at(into)).unwrap();
        let slot = SlotFiles { slot: 0, key_groups: 0..128, backend: BackendKind::RocksDb, snapshot };
        checkpoints.write(manifest(), &[slot]).unwrap().1
    };
    let first = add(0..100_000, 0, "s1");
    let second = add(0..1_000, 1, "s2");
    assert!(second.new_bytes * 20 < first.new_bytes, "{} of {}", second.new_bytes, first.new_bytes);
}
