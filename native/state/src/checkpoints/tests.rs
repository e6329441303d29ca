use tempfile::{TempDir, tempdir};

use super::*;
use crate::{BackendOptions, Run, StateKey, open};

const WHOLE: KeyGroups = 0..128;

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
        fs::read_dir(self.at("storage/revenue/files")).map_or(0, Iterator::count)
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
    assert_eq!(again.latest().unwrap(), Some(&written));
    let restored = again.restore(&written, &place.at("restored"), &|_| {}).unwrap();
    assert_eq!(fs::read_to_string(restored[0].1.join("1.sst")).unwrap(), "1.sst");

    fs::remove_dir_all(place.at("cache")).unwrap();
    let stored = place.at("storage/revenue/files/2-a-1-0-1.sst");
    fs::write(&stored, "2.sst").unwrap();
    let error = again.restore(&written, &place.at("restored-2"), &|_| {}).unwrap_err();
    assert!(error.0.contains("files/2-a-1-0-1.sst") && error.0.contains("damaged"), "{error}");
    fs::remove_file(&stored).unwrap();
    let error = again.restore(&written, &place.at("restored-3"), &|_| {}).unwrap_err();
    assert!(error.0.contains("files/2-a-1-0-1.sst"), "{error}");
}

#[test]
fn a_cached_file_that_changed_is_fetched_again() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (written, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    let cached = fs::read_dir(place.at("cache")).unwrap().next().unwrap().unwrap().path();
    fs::write(&cached, "wrong").unwrap();
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
    again.restored_from(&second, BackendKind::RocksDb, &[WHOLE]);
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
    assert_eq!(new_bytes(&first, &[WHOLE]), 0);
    assert_eq!(new_bytes(&first, &[0..64, 64..128]), 5);
    assert_eq!(new_bytes(&savepoint, &[WHOLE]), 5);
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
fn the_worker_that_started_last_goes_on_and_the_others_stop() {
    let place = Place::new();
    let (mut first, mut second) = (place.open("a"), place.open("b"));
    let error = first.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap_err();
    assert_eq!(
        error.0,
        "checkpoint 1 of job \"revenue\": another worker has taken over: the job has been started twice. Stop one of them; \
         this one has stopped."
    );
    assert_eq!((place.stored(), first.is_taken_over(), second.is_taken_over()), (0, true, false));
    assert_eq!(second.write(manifest(), &[]).unwrap().0.checkpoint, 1);
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
    other.restored_from(&second, BackendKind::RocksDb, &[WHOLE]);
    let (third, _) =
        other.write(manifest(), &[files(&place, &[("1.sst", true), ("2.sst", true), ("3.sst", true)])]).unwrap();
    other.committed(third.clone()).unwrap();

    // The zombie comes back to life and tidies up after its last commit.
    zombie.committed(second).unwrap();
    fs::remove_dir_all(place.at("cache")).unwrap();
    other.restore(&third, &place.at("restored"), &|_| {}).unwrap();
}

#[test]
fn a_row_that_goes_on_from_an_older_checkpoint_leaves_the_others_behind() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let all: Vec<Manifest> = ["1.sst", "2.sst", "3.sst"]
        .map(|name| {
            let (written, _) = checkpoints.write(manifest(), &[files(&place, &[(name, true)])]).unwrap();
            written
        })
        .into();
    let mut again = place.open("b");
    again.restored_from(&all[0], BackendKind::RocksDb, &[WHOLE]);
    let (fourth, written) = again.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    assert_eq!((fourth.checkpoint, fourth.previous, written.new_bytes), (4, 1, 0));
    again.committed(fourth).unwrap();
    assert_eq!(again.list().map(|held| held.checkpoint).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(place.stored(), 1);
}

#[test]
fn a_damaged_checkpoint_is_told_and_not_passed_over() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[]).unwrap();
    checkpoints.write(manifest(), &[]).unwrap();
    let path = place.at("storage/revenue/manifests/00000000000000000003");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();

    let mut again = place.open("b");
    let damaged = "manifests/00000000000000000003 is damaged (its checksum is wrong): restore from another, or from a \
                   savepoint";
    assert_eq!(again.latest().unwrap_err().0, format!("{damaged} (there are: 1)"));
    assert_eq!(
        again.load(2).unwrap_err().0,
        format!(
            "checkpoint 2 of job \"revenue\" is not in the storage (there are: 1). Check that the storage is the one that \
             the job has written to, or restore from a savepoint. {damaged}."
        )
    );
    assert_eq!(again.load(1).unwrap(), first);
    again.restored_from(&first, BackendKind::RocksDb, &[]);
    let (next, _) = again.write(manifest(), &[]).unwrap();
    assert!(next.checkpoint > 2);
    again.committed(next.clone()).unwrap();
    assert_eq!(place.open("c").latest().unwrap(), Some(&next));
}

#[test]
fn what_was_left_behind_goes_and_what_a_checkpoint_names_stays() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    checkpoints.committed(first).unwrap();
    for name in ["2-gone-7-0-1.sst", "4-later-1-0-1.sst", "not one of ours"] {
        fs::write(place.at("storage/revenue/files").join(name), "x").unwrap();
    }
    // It has taken place 3, so what is for place 4 is not of the past.
    place.open("b").remove_orphans().unwrap();
    let mut left: Vec<_> = fs::read_dir(place.at("storage/revenue/files"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["2-a-1-0-1.sst", "4-later-1-0-1.sst", "not one of ours"]);
}

#[test]
fn the_cache_holds_what_the_newest_checkpoint_needs() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    for names in [["1.sst", "22.sst"], ["22.sst", "333.sst"], ["333.sst", "4444.sst"]] {
        let names = names.map(|name| (name, true));
        let (written, _) = checkpoints.write(manifest(), &[files(&place, &names)]).unwrap();
        checkpoints.committed(written).unwrap();
        assert_eq!(fs::read_dir(place.at("cache")).unwrap().count(), 2);
    }
}

#[test]
fn a_cached_copy_is_not_the_file_that_it_was_made_of_when_that_is_written_again() {
    let place = Place::new();
    fs::create_dir_all(place.at("a")).unwrap();
    fs::write(place.at("a/live"), "live").unwrap();
    fs::write(place.at("a/other"), "other").unwrap();
    link(&place.at("a/live"), &place.at("a/copy")).unwrap();
    assert!(link(&place.at("a/other"), &place.at("a/copy")).is_err());
    assert_eq!(fs::read_to_string(place.at("a/live")).unwrap(), "live");
}

#[test]
fn history_can_be_read_while_the_job_runs() {
    let place = Place::new();
    let location = format!("file:{}", place.at("storage").display());
    assert_eq!(History::read(&location, "revenue").unwrap(), History::default());
    assert!(!place.at("storage").exists());
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[]).unwrap();
    checkpoints.write_savepoint(manifest(), &[], "s").unwrap();
    let history = History::read(&location, "revenue").unwrap();
    assert_eq!(history.checkpoints, [first]);
    assert_eq!(history.savepoints.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["s"]);
    checkpoints.write(manifest(), &[]).unwrap();
}

#[test]
fn a_savepoint_stands_by_itself() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let (first, _) = checkpoints.write(manifest(), &[files(&place, &[("1.sst", true)])]).unwrap();
    checkpoints.committed(first).unwrap();
    checkpoints.write_savepoint(manifest(), &[files(&place, &[("1.sst", true)])], "before").unwrap();
    fs::remove_dir_all(place.at("storage/revenue/files")).unwrap();
    fs::remove_dir_all(place.at("cache")).unwrap();
    let savepoint = checkpoints.savepoint("before").unwrap();
    let restored = checkpoints.restore(&savepoint, &place.at("restored"), &|_| {}).unwrap();
    assert_eq!(fs::read_to_string(restored[0].1.join("1.sst")).unwrap(), "1.sst");
}

#[test]
fn a_savepoint_whose_name_is_taken_or_is_none_is_an_error() {
    let place = Place::new();
    let checkpoints = place.open("a");
    let write = |name: &str| checkpoints.write_savepoint(manifest(), &[files(&place, &[("1.sst", true)])], name);
    let kept = write("before").unwrap();
    assert_eq!(
        write("before").unwrap_err().0,
        "savepoint \"before\" of job \"revenue\" is there already: choose another name"
    );
    assert_eq!(checkpoints.savepoint("before").unwrap(), kept);
    for name in ["", "a/b", "../x", ".hidden"] {
        assert_eq!(
            write(name).unwrap_err().0,
            format!(
                "savepoint \"{name}\" of job \"revenue\": a name has letters, digits, \"-\", \"_\" and \".\", and does not \
                 begin with a dot"
            )
        );
    }
    assert_eq!(
        checkpoints.savepoint("after").unwrap_err().0,
        "there is no savepoint \"after\" of job \"revenue\": `millrace savepoint list` shows those there are"
    );
}

#[test]
fn after_a_restore_from_a_savepoint_older_checkpoints_go_one_by_one() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let savepoint = checkpoints.write_savepoint(manifest(), &[], "s").unwrap();
    for _ in 0..2 {
        let (written, _) = checkpoints.write(manifest(), &[]).unwrap();
        checkpoints.committed(written).unwrap();
    }
    let mut again = place.open("b");
    again.restored_from(&savepoint, BackendKind::RocksDb, &[]);
    let mut held = Vec::new();
    for _ in 0..2 {
        let (written, _) = again.write(manifest(), &[]).unwrap();
        again.committed(written).unwrap();
        held.push(again.list().map(|held| held.checkpoint).collect::<Vec<_>>());
    }
    assert_eq!(held, [[2, 3], [3, 4]]);
}

#[test]
fn a_checkpoint_of_another_job_is_an_error() {
    let place = Place::new();
    let mut other = manifest();
    other.job = "other".into();
    place.open("a").write(other, &[]).unwrap();
    let location = format!("file:{}", place.at("storage").display());
    let error = Checkpoints::open(&location, "revenue", "b", 2, &place.at("cache")).err().unwrap();
    assert_eq!(
        error.0,
        "manifests/00000000000000000002 belongs to job \"other\", not \"revenue\": give this job a folder of its own"
    );
}

#[test]
fn a_checkpoint_of_a_newer_worker_is_an_error_and_does_not_stop_that_worker() {
    let place = Place::new();
    let mut newer = place.open("a");
    let path = place.at("storage/revenue/manifests/00000000000000000002");
    fs::write(&path, Manifest::encode_as_newer("revenue")).unwrap();
    let location = format!("file:{}", place.at("storage").display());
    let error = Checkpoints::open(&location, "revenue", "b", 2, &place.at("cache")).err().unwrap();
    assert_eq!(
        error.0,
        "manifests/00000000000000000002 has version 2, this worker reads up to 1: update @millrace/worker"
    );
    fs::remove_file(&path).unwrap();
    newer.write(manifest(), &[]).unwrap();
}

#[test]
fn rocksdb_uploads_what_changed_and_not_what_there_is() {
    let place = Place::new();
    let mut checkpoints = place.open("a");
    let mut backend = open(BackendKind::RocksDb, &place.at("db"), &BackendOptions::default(), &(0..128), &[]).unwrap();
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
