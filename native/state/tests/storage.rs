//! Checkpoints over every kind of storage: a folder always, S3 and HDFS where MILLRACE_TEST_S3 (an endpoint's URL with the
//! bucket) and MILLRACE_TEST_HDFS (`hdfs://HOST:PORT`) name servers, as `npm test` does.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use millrace_state::{
    Backend, BackendKind, BackendOptions, Checkpoints, KeyGroups, KeyedState, Manifest, Run, SlotFiles, StateKey,
    Storage, key_group_of, open,
};
use millrace_storage::Content;
use tempfile::{TempDir, tempdir};

struct Place {
    location: String,
    local: TempDir,
}

impl Place {
    fn file() -> Option<Place> {
        let local = tempdir().unwrap();
        Some(Place { location: format!("file:{}/storage", local.path().display()), local })
    }

    fn s3() -> Option<Place> {
        let server = variable("MILLRACE_TEST_S3")?;
        let (endpoint, bucket) = server.rsplit_once('/').unwrap();
        let location = format!("s3://{bucket}/{}?endpoint={endpoint}", unique());
        Some(Place { location, local: tempdir().unwrap() })
    }

    fn hdfs() -> Option<Place> {
        let location = format!("{}/{}", variable("MILLRACE_TEST_HDFS")?, unique());
        Some(Place { location, local: tempdir().unwrap() })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.local.path().join(name)
    }

    fn storage(&self) -> Storage {
        // Characters that have a meaning in a URL.
        Storage::open(&self.location, "a job~20%").unwrap()
    }

    fn checkpoints(&self, attempt: &str) -> Checkpoints {
        Checkpoints::open(&self.location, "revenue per day", attempt, 1, &self.at(&format!("cache-{attempt}"))).unwrap()
    }
}

fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        println!("{name} is not set: not tested");
    }
    value
}

fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

macro_rules! over_all_storages {
    ($($(#[$attribute:meta])* fn $name:ident($place:ident: &Place) $body:block)*) => {
        $(fn $name($place: &Place) $body)*
        over_all_storages!(@ file $($name)*);
        over_all_storages!(@ s3 $($name)*);
        over_all_storages!(@ hdfs $($name)*);
    };
    (@ $storage:ident $($name:ident)*) => {
        mod $storage {
            $(#[test] fn $name() { super::Place::$storage().iter().for_each(super::$name); })*
        }
    };
}

over_all_storages! {
    fn a_new_file_is_written_once(place: &Place) {
        let storage = place.storage();
        storage.check("incoming/check").unwrap();
        assert!(storage.put_new("m/1", b"one").unwrap());
        assert!(!storage.put_new("m/1", b"two").unwrap());
        assert_eq!(storage.get("m/1").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(storage.get("m/2").unwrap(), None);
    }

    fn of_several_that_write_a_new_file_at_once_one_does(place: &Place) {
        // S3 sees to that by itself, and the tests' server does not.
        if place.location.starts_with("s3:") {
            return;
        }
        let storage = place.storage();
        let put = |writer: u8| storage.put_new("m/1", &[writer; 100]).unwrap();
        let written = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || put(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).filter(|written| *written).count()
        });
        assert_eq!(written, 1);
    }

    fn files_are_listed_and_removed(place: &Place) {
        let storage = place.storage();
        assert_eq!(storage.list("f/").unwrap(), []);
        for path in ["f/1", "f/22", "f/a/333", "other"] {
            storage.put_new(path, path.as_bytes()).unwrap();
        }
        let listed = || {
            let files = storage.list("f/").unwrap().into_iter();
            files.map(|file| (file.path, (file.size, file.modified.is_some()))).collect::<BTreeMap<_, _>>()
        };
        let of = |size: u64| (size, true);
        assert_eq!(
            listed(),
            BTreeMap::from([("f/1".into(), of(3)), ("f/22".into(), of(4)), ("f/a/333".into(), of(7))])
        );
        storage.delete("f/1").unwrap();
        storage.delete("f/1").unwrap();
        storage.delete("f/22").unwrap();
        assert_eq!(listed(), BTreeMap::from([("f/a/333".into(), of(7))]));
    }

    fn a_file_of_many_parts_comes_back(place: &Place) {
        let storage = place.storage();
        for size in [0, 1, (8 << 20) + 1, 40 << 20] {
            fs::write(place.at("local"), noise(size)).unwrap();
            let content = storage.upload(&place.at("local"), "big/file").unwrap();
            assert_eq!(content.size, size as u64);
            storage.download("big/file", &place.at("back"), content).unwrap();
            assert!(fs::read(place.at("back")).unwrap() == noise(size), "{size} bytes");
            let error = storage.download("big/file", &place.at("back"), Content { size: content.size + 1, ..content });
            let error = error.unwrap_err().0;
            let damaged = format!("reading big/file: the file is damaged ({size} bytes and not {})", size + 1);
            assert!(error.contains(&damaged), "{error}");
        }
        assert_eq!(storage.list("incoming/").unwrap(), []);
    }

    fn a_checkpoint_of_two_slots_is_restored_by_two_and_by_three(place: &Place) {
        let mut checkpoints = place.checkpoints("a");
        let mut slots: Vec<Slot> = split(2).into_iter().map(|groups| Slot::open(place, "a", groups, &[])).collect();
        let mut expected = BTreeMap::new();
        let mut last = Manifest::default();
        for round in 0..3u64 {
            slots.iter_mut().for_each(|slot| slot.add(round, &mut expected));
            let snapshots: Vec<SlotFiles> = slots.iter_mut().enumerate().map(|(index, slot)| slot.files(index)).collect();
            (last, _) = checkpoints.write(manifest(), &snapshots).unwrap();
            checkpoints.committed(last.clone()).unwrap();
        }

        for (attempt, parallelism) in [("b", 2), ("c", 3)] {
            let mut again = place.checkpoints(attempt);
            assert_eq!(again.latest().unwrap().unwrap().checkpoint, last.checkpoint);
            let restored = again.restore(&last, &place.at(attempt), &|_| {}).unwrap();
            let mut slots: Vec<Slot> =
                split(parallelism).into_iter().map(|groups| Slot::open(place, attempt, groups, &restored)).collect();
            let found: BTreeMap<_, _> = slots.iter().flat_map(Slot::contents).collect();
            assert!(found == expected, "{} entries and not {}", found.len(), expected.len());
            again.restored_from(&last, BackendKind::RocksDb, &split(parallelism));
            slots[0].add(9, &mut expected);
            let files: Vec<SlotFiles> = slots.iter_mut().enumerate().map(|(index, slot)| slot.files(index)).collect();
            let (written, figures) = again.write(manifest(), &files).unwrap();
            // What was taken over as it was is there already.
            assert_eq!(figures.new_bytes * 2 < figures.bytes, parallelism == 2, "{figures:?}");
            again.committed(written.clone()).unwrap();
            again.remove_orphans().unwrap();
            last = written;
        }
        let named: usize = last.keyed.iter().map(|keyed| keyed.files.len()).sum();
        let storage = Storage::open(&place.location, "revenue~20per~20day").unwrap();
        assert_eq!(storage.list("files/").unwrap().len(), named);
    }

    fn a_savepoint_is_restored(place: &Place) {
        let checkpoints = place.checkpoints("a");
        let mut slot = Slot::open(place, "a", 0..128, &[]);
        let mut expected = BTreeMap::new();
        slot.add(1, &mut expected);
        let savepoint = checkpoints.write_savepoint(manifest(), &[slot.files(0)], "before").unwrap();
        assert_eq!(checkpoints.savepoints().unwrap(), [("before".to_owned(), savepoint)]);

        let again = place.checkpoints("b");
        let savepoint = again.savepoint("before").unwrap();
        let restored = again.restore(&savepoint, &place.at("b"), &|_| {}).unwrap();
        assert!(Slot::open(place, "b", 0..128, &restored).contents().collect::<BTreeMap<_, _>>() == expected);
    }
}

fn noise(size: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn manifest() -> Manifest {
    Manifest { job: "revenue per day".into(), max_parallelism: 128, ..Manifest::default() }
}

fn split(parallelism: u32) -> Vec<KeyGroups> {
    (0..parallelism).map(|slot| slot * 128 / parallelism..(slot + 1) * 128 / parallelism).collect()
}

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

struct Slot {
    backend: Box<dyn Backend>,
    groups: KeyGroups,
    at: PathBuf,
    snapshots: u32,
}

impl Slot {
    fn open(place: &Place, attempt: &str, groups: KeyGroups, restored: &[(KeyedState, PathBuf)]) -> Slot {
        let at = place.at(&format!("{attempt}-slot-{}", groups.start));
        let backend = open(BackendKind::RocksDb, &at, &BackendOptions::default(), &groups, restored).unwrap();
        Slot { backend, groups, at, snapshots: 0 }
    }

    /// Adds keys of a namespace to the backend and to what is expected.
    fn add(&mut self, namespace: u64, expected: &mut Contents) {
        let mut run = Run::default();
        for group in self.groups.clone() {
            for user in 0..40u8 {
                let mut key = Vec::new();
                StateKey::new("window").write_prefix((namespace as i64, 0), group, &mut key);
                key.push(user);
                let value = noise(20 + usize::from(user));
                run.push(&key, &value);
                let stored = [&(value.len() as u32).to_le_bytes()[..], &value].concat();
                expected.entry(key).or_default().extend_from_slice(&stored);
            }
        }
        self.backend.append(&run).unwrap();
    }

    fn files(&mut self, slot: usize) -> SlotFiles {
        self.snapshots += 1;
        let snapshot = self.backend.snapshot(&self.at.with_extension(format!("s{}", self.snapshots))).unwrap();
        SlotFiles { slot, key_groups: self.groups.clone(), backend: BackendKind::RocksDb, snapshot }
    }

    fn contents(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        self.backend
            .scan(&[], &[u8::MAX; 64], &mut |key, stored| {
                assert!(self.groups.contains(&key_group_of(key).unwrap()));
                all.push((key.to_vec(), stored.to_vec()));
                Ok(())
            })
            .unwrap();
        all.into_iter()
    }
}

/// What a start says to a storage that cannot be used.
fn refused(location: &str) -> String {
    Checkpoints::open(location, "job", "a", 1, Path::new("/nowhere")).err().unwrap().0
}

/// A server that gives every request the same answer; its address.
fn answers(status: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            // The whole request fits, and none has to be read to its end.
            let _ = stream.read(&mut [0; 65_536]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("127.0.0.1:{}", address.port())
}

#[test]
fn credentials_that_are_refused_end_the_start() {
    // Without any, no request is sent.
    if variable("AWS_ACCESS_KEY_ID").is_none() {
        return;
    }
    let server = answers(
        "403 Forbidden",
        "<?xml version=\"1.0\"?><Error><Code>InvalidAccessKeyId</Code><Message>The key is not known.</Message></Error>",
    );
    let location = format!("s3://bucket/path?endpoint=http://{server}");
    assert_eq!(
        refused(&location),
        format!(
            "checkpoint storage {location}: writing incoming/check-a: InvalidAccessKeyId: The key is not known. Check the \
             credentials, and that they allow to read, write, list and delete there."
        )
    );
    let server = answers(
        "403 Forbidden",
        "{\"RemoteException\":{\"exception\":\"AccessControlException\",\"javaClassName\":\"o.a.h.S\",\"message\":\
         \"Permission denied: user=x, access=WRITE\"}}",
    );
    let location = format!("hdfs://{server}/path");
    assert_eq!(
        refused(&location),
        format!(
            "checkpoint storage {location}: writing incoming/check-a: AccessControlException: Permission denied: user=x, \
             access=WRITE. Check the credentials, and that they allow to read, write, list and delete there."
        )
    );
}

#[test]
fn a_bucket_that_is_not_there_ends_the_start() {
    if variable("AWS_ACCESS_KEY_ID").is_none() {
        return;
    }
    let server = answers(
        "404 Not Found",
        "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>",
    );
    let location = format!("s3://bucket/path?endpoint=http://{server}");
    assert_eq!(
        refused(&location),
        format!(
            "checkpoint storage {location}: writing incoming/check-a: NoSuchBucket: The bucket does not exist. Check the \
             address, and that the storage is up."
        )
    );
}
