use std::fs;

use tempfile::{TempDir, tempdir};

use millrace_storage::Done;

use super::*;

fn folder() -> (TempDir, Storage) {
    let folder = tempdir().unwrap();
    let storage = Storage::open(&format!("file:{}", folder.path().display()), "job").unwrap();
    (folder, storage)
}

fn refused(location: &str) -> String {
    Storage::open(location, "job").err().unwrap().0
}

/// A storage that refuses everything for one reason.
struct Refusing(Cause, &'static str);

impl Refusing {
    fn refuse<T>(&self) -> Done<T> {
        Err(Failure::new(self.0, self.1))
    }
}

impl Store for Refusing {
    fn put_new(&self, _path: &str, _content: &[u8]) -> Done<bool> {
        self.refuse()
    }
    fn get(&self, _path: &str) -> Done<Option<Vec<u8>>> {
        self.refuse()
    }
    fn list(&self, _folder: &str) -> Done<Vec<Stored>> {
        self.refuse()
    }
    fn delete(&self, _path: &str) -> Done<()> {
        self.refuse()
    }
    fn upload(&self, _from: &Path, _path: &str) -> Done<Content> {
        self.refuse()
    }
    fn download(&self, _path: &str, _to: &Path, _size: u64) -> Done<Content> {
        self.refuse()
    }
    fn settle(&self, _folder: &str) -> Done<()> {
        self.refuse()
    }
}

#[test]
fn a_location_that_is_none_is_an_error() {
    let expected = |location: &str| {
        format!(
            "checkpoint storage \"{location}\" is none that is known: give \"file:PATH\", \"s3://BUCKET/PATH\", \
             \"gs://BUCKET/PATH\", \"azblob://CONTAINER/PATH\" or \"hdfs://HOST:PORT/PATH\""
        )
    };
    for location in ["checkpoints", "ftp://host/path", "", "file:", "file://host/path", "s3:", "s3:///path", "hdfs:/p"]
    {
        assert_eq!(refused(location), expected(location));
    }
}

#[test]
fn locations_with_and_without_slashes_name_the_same_folder() {
    let folder = tempdir().unwrap();
    let path = folder.path().display();
    let at = |location: String| Storage::open(&location, "job").unwrap();
    at(format!("file:{path}")).put_new("a b", b"one").unwrap();
    assert_eq!(at(format!("file://{path}")).get("a b").unwrap().as_deref(), Some(&b"one"[..]));
}

#[test]
fn of_several_that_write_a_new_file_at_once_one_does() {
    let (_folder, storage) = folder();
    let written = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8u8)
            .map(|writer| {
                scope.spawn({
                    let storage = &storage;
                    move || storage.put_new("m/1", &[writer; 9])
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap().unwrap()).filter(|written| *written).count()
    });
    assert_eq!(written, 1);
    let content = storage.get("m/1").unwrap().unwrap();
    assert!(content.len() == 9 && content.iter().all(|byte| *byte == content[0]));
}

#[test]
fn a_list_holds_what_is_below_a_folder() {
    let (_folder, storage) = folder();
    for path in ["a/1", "a/b/22", "c/3"] {
        storage.put_new(path, path.as_bytes()).unwrap();
    }
    let mut found: Vec<_> = storage.list("a/").unwrap().into_iter().map(|file| (file.path, file.size)).collect();
    found.sort();
    assert_eq!(found, [("a/1".into(), 3), ("a/b/22".into(), 6)]);
    assert_eq!(storage.list("nothing/").unwrap(), []);
    storage.delete("a/1").unwrap();
    storage.delete("a/1").unwrap();
    assert_eq!(storage.list("a/").unwrap().len(), 1);
}

#[test]
fn a_copy_that_fails_leaves_nothing_behind() {
    let (folder, storage) = folder();
    let error = storage.upload(&folder.path().join("gone"), "files/1").unwrap_err();
    assert_eq!(
        error.0,
        format!("state file {}/gone: No such file or directory (os error 2).", folder.path().display())
    );
    assert_eq!(storage.list("").unwrap(), []);
}

#[test]
fn a_file_that_changed_in_the_storage_is_an_error() {
    let (folder, storage) = folder();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("local"), "content").unwrap();
    let content = storage.upload(&at("local"), "files/1").unwrap();
    storage.download("files/1", &at("back"), content).unwrap();
    assert_eq!(fs::read_to_string(at("back")).unwrap(), "content");
    let location = format!("checkpoint storage file:{}: reading files/1: ", folder.path().display());

    fs::write(at("job/files/1"), "CONTENT").unwrap();
    let error = storage.download("files/1", &at("back"), content).unwrap_err();
    assert_eq!(
        error.0,
        location.clone()
            + "the file is damaged (checksum 47813cb03557b888 and not 55f2b31a6acfaa64). Restore from \
               another checkpoint or from a savepoint."
    );
    fs::remove_file(at("job/files/1")).unwrap();
    let error = storage.download("files/1", &at("back"), content).unwrap_err();
    assert_eq!(
        error.0,
        location
            + "No such file or directory (os error 2). It has been removed: restore from another checkpoint or from a \
               savepoint."
    );
}

#[test]
fn a_local_disk_that_is_full_is_named() {
    let (folder, storage) = folder();
    fs::write(folder.path().join("local"), "content").unwrap();
    let content = storage.upload(&folder.path().join("local"), "files/1").unwrap();
    let error = storage.download("files/1", Path::new("/dev/full"), content).unwrap_err();
    assert_eq!(
        error.0,
        "state file /dev/full: No space left on device (os error 28). Free space there, or set `state.directory` to a disk that \
         has some."
    );
}

#[test]
fn an_error_says_what_to_do() {
    let error = |cause, text| Storage::of("s3://b", Box::new(Refusing(cause, text))).get("files/1").unwrap_err().0;
    assert_eq!(
        error(Cause::Full, "no room"),
        "checkpoint storage s3://b: reading files/1: no room. Free space there: until there is some, no checkpoint can be \
         written."
    );
    assert_eq!(
        error(Cause::Denied, "AccessDenied"),
        "checkpoint storage s3://b: reading files/1: AccessDenied. Check the credentials, and that they allow to read, \
         write, list and delete there."
    );
    assert_eq!(
        error(Cause::Unreachable, "refused"),
        "checkpoint storage s3://b: reading files/1: refused. Check the address, and that the storage is up."
    );
    assert_eq!(error(Cause::Other, "broken"), "checkpoint storage s3://b: reading files/1: broken.");
}
