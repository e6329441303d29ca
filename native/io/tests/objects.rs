//! Files in storages: S3 and HDFS, where MILLRACE_TEST_S3 (an endpoint's URL with the bucket) and MILLRACE_TEST_HDFS
//! (`hdfs://HOST:PORT`) name servers, as `npm test` does; Google Cloud Storage and Azure, where MILLRACE_TEST_GS and
//! MILLRACE_TEST_AZBLOB do so as MILLRACE_TEST_S3 does.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use millrace_formats::Rows;
use millrace_io::{
    Clock, Delivery, Error, Poll, Receiver, Record, Records, Restored, Result, Sink, SinkPlace, Source, Waker,
    open_sink, open_source, show_staged,
};
use millrace_plan::{Codec, Compression, FileFormat, FileSink, FileSource, Parquet, SinkConnector, SourceConnector};
use millrace_storage::{Remote, Store, remote};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A folder of a server that no other test has.
struct Place {
    path: String,
    options: String,
}

impl Place {
    fn s3() -> Option<Place> {
        let server = variable("MILLRACE_TEST_S3")?;
        let (endpoint, bucket) = server.rsplit_once('/').unwrap();
        Some(Place { path: format!("s3://{bucket}/{}", unique()), options: format!("?endpoint={endpoint}") })
    }

    fn hdfs() -> Option<Place> {
        Some(Place { path: format!("{}/{}", variable("MILLRACE_TEST_HDFS")?, unique()), options: String::new() })
    }

    fn gs() -> Option<Place> {
        let server = variable("MILLRACE_TEST_GS")?;
        let (endpoint, bucket) = server.rsplit_once('/').unwrap();
        let options = format!("?anonymous=true&endpoint={endpoint}");
        Some(Place { path: format!("gs://{bucket}/{}", unique()), options })
    }

    fn azblob() -> Option<Place> {
        let server = variable("MILLRACE_TEST_AZBLOB")?;
        let (endpoint, container) = server.rsplit_once('/').unwrap();
        Some(Place { path: format!("azblob://{container}/{}", unique()), options: format!("?endpoint={endpoint}") })
    }

    fn at(&self, name: &str) -> String {
        format!("{}{name}{}", self.path, self.options)
    }

    fn storage(&self) -> Remote {
        remote("test", &self.at(""), "").unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = self.storage().list("").unwrap().into_iter().map(|file| file.path);
        let mut names: Vec<String> = files.filter(|path| !path.starts_with("incoming/")).collect();
        names.sort();
        names
    }

    fn sink(&self, since: Option<SystemTime>) -> Box<dyn Sink> {
        self.sink_of(since, FileFormat::Lines, 64)
    }

    fn sink_of(&self, since: Option<SystemTime>, format: FileFormat, open_files: usize) -> Box<dyn Sink> {
        let lines = format == FileFormat::Lines;
        let config = FileSink {
            directory: self.at("/out/"),
            prefix: String::new(),
            compression: if lines { Compression::Zstd } else { Compression::None },
            roll_bytes: 1 << 20,
            roll_interval_ms: 1000,
            format,
            partition_by: Vec::new(),
            open_files,
        };
        let delivery = match since {
            None => Delivery::AtOnce,
            Some(since) => Delivery::WithCheckpoint { since, transactions: None },
        };
        let place = SinkPlace { id: "sink".into(), slot: 0, waker: Arc::new(|| {}) };
        open_sink(&SinkConnector::File(config), &place, &delivery, &Arc::default()).unwrap()
    }

    fn source(&self, pattern: &str, follow: bool, restored: Option<&[Restored]>) -> Result<Reading> {
        let config = FileSource { paths: vec![self.at(pattern)], follow, format: FileFormat::Lines };
        Self::open(config, Schema::empty(), restored)
    }

    fn rows_of(&self, pattern: &str) -> Result<Reading> {
        let format = FileFormat::Parquet(Parquet { codec: Codec::None, row_group_rows: 1, row_group_bytes: 1 });
        let config = FileSource { paths: vec![self.at(pattern)], follow: false, format };
        Self::open(config, Schema::new(vec![Field::new("n", DataType::Int64, false)]), None)
    }

    fn open(config: FileSource, columns: Schema, restored: Option<&[Restored]>) -> Result<Reading> {
        let woken = Arc::new((Mutex::new(false), Condvar::new()));
        let wake = woken.clone();
        let waker: Waker = Arc::new(move || {
            *wake.0.lock().unwrap() = true;
            wake.1.notify_all();
        });
        let clock: Clock = Arc::new(|| 0);
        let source = open_source(&SourceConnector::File(config), Arc::new(columns), 0, 1, waker, clock, restored)?;
        Ok(Reading { source, woken })
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
    format!("objects-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

struct Reading {
    source: Box<dyn Source<Collected>>,
    woken: Arc<(Mutex<bool>, Condvar)>,
}

/// File, line number and content.
#[derive(Default)]
struct Collected(Vec<(usize, i64, String)>);

impl Receiver for Collected {
    type Error = Error;

    fn record(&mut self, record: Record<'_>) -> Result<()> {
        self.0.push((record.split, record.offset, String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
        Ok(())
    }

    fn rows(&mut self, split: usize, first_offset: i64, rows: RecordBatch) -> Result<()> {
        let numbers = rows.column(0).as_primitive::<Int64Type>().values();
        self.0.extend(numbers.iter().zip(first_offset..).map(|(number, offset)| (split, offset, number.to_string())));
        Ok(())
    }

    fn end(&mut self, _: usize) -> Result<()> {
        Ok(())
    }
}

impl Reading {
    /// Reads until there are so many lines, or to the end; gives them in order.
    fn read(&mut self, lines: usize) -> Result<Vec<String>> {
        let (mut collected, deadline) = (Collected::default(), Instant::now() + TIMEOUT);
        while collected.0.len() < lines {
            assert!(Instant::now() < deadline, "{} of {lines} lines", collected.0.len());
            match self.source.poll(100, &mut collected)? {
                Poll::More => {}
                Poll::End => break,
                Poll::Empty { retry_after_ms } => {
                    let nap = Duration::from_millis(retry_after_ms.unwrap_or(1000));
                    let (woken, condvar) = (&self.woken.0, &self.woken.1);
                    let (mut woken, _) =
                        condvar.wait_timeout_while(woken.lock().unwrap(), nap, |woken| !*woken).unwrap();
                    *woken = false;
                }
            }
        }
        let mut texts: Vec<String> = collected.0.into_iter().map(|(_, _, text)| text).collect();
        texts.sort();
        Ok(texts)
    }
}

fn lines(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|line| format!("line {line:05}")).collect()
}

fn write(sink: &mut dyn Sink, range: std::ops::Range<usize>) {
    let mut records = Records { values: Rows::default(), ..Records::default() };
    for line in lines(range) {
        records.values.buffer().extend_from_slice(line.as_bytes());
        records.values.end_row();
    }
    assert_eq!(sink.write(&records, 0).unwrap(), records.values.len());
}

fn until_durable(sink: &mut dyn Sink, epochs: u64) {
    let deadline = Instant::now() + TIMEOUT;
    while sink.durable_epochs() < epochs {
        assert!(Instant::now() < deadline, "{} of {epochs} epochs", sink.durable_epochs());
        sink.poll(0).unwrap();
        std::thread::yield_now();
    }
}

macro_rules! over_all_storages {
    ($(fn $name:ident($place:ident: &Place) $body:block)*) => {
        $(fn $name($place: &Place) $body)*
        over_all_storages!(@ s3 $($name)*);
        over_all_storages!(@ hdfs $($name)*);
        over_all_storages!(@ gs $($name)*);
        over_all_storages!(@ azblob $($name)*);
    };
    (@ $storage:ident $($name:ident)*) => {
        mod $storage {
            $(#[test] fn $name() { super::Place::$storage().iter().for_each(super::$name); })*
        }
    };
}

over_all_storages! {
    fn what_is_written_is_read_back(place: &Place) {
        let mut sink = place.sink(None);
        for file in 0..3 {
            write(&mut *sink, file * 1000..(file + 1) * 1000);
            sink.begin_epoch().unwrap();
            assert!(sink.durable_epochs() <= file as u64, "an epoch is durable before its file is there");
            sink.flush().unwrap();
        }
        until_durable(&mut *sink, 3);
        assert_eq!(place.names().len(), 3);

        let read = place.source("/out/part-*.jsonl.zst", false, None).unwrap().read(usize::MAX).unwrap();
        assert_eq!(read, lines(0..3000));
    }

    fn a_file_is_visible_when_its_checkpoint_is_committed(place: &Place) {
        let mut sink = place.sink(Some(SystemTime::now()));
        write(&mut *sink, 0..10);
        sink.begin_epoch().unwrap();
        write(&mut *sink, 10..20);
        sink.begin_epoch().unwrap();
        until_durable(&mut *sink, 2);
        let staged = sink.staged();
        assert_eq!(staged.len(), 2);
        assert!(place.names().iter().all(|name| name.starts_with("out/_staged/")), "{:?}", place.names());
        assert!(place.source("/**/*.zst", false, None).err().unwrap().0.contains("no file matches"));

        sink.commit(1).unwrap();
        assert_eq!(place.source("/out/*.zst", false, None).unwrap().read(usize::MAX).unwrap(), lines(0..10));
        // As after a crash between the checkpoint and the commit, and in the middle of that.
        drop(sink);
        show_staged(&staged).unwrap();
        show_staged(&staged).unwrap();
        assert_eq!(place.source("/out/*.zst", false, None).unwrap().read(usize::MAX).unwrap(), lines(0..20));
        assert!(place.names().iter().all(|name| !name.contains("_staged")), "{:?}", place.names());
    }

    fn rows_of_parquet_lie_in_the_folders_of_their_values(place: &Place) {
        let parquet = Parquet { codec: Codec::Snappy, row_group_rows: 1000, row_group_bytes: 1 << 20 };
        let mut sink = place.sink_of(Some(SystemTime::now()), FileFormat::Parquet(parquet), 2);
        let folders = ["d=1/k=a b", "d=1/k=%2Fü%3F", "d=2/k=c+d&e"];
        for (folder, first) in folders.into_iter().zip([0, 10, 20]) {
            let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + 10));
            let rows = Some(RecordBatch::try_from_iter([("n", numbers)]).unwrap());
            let records = Records { rows, folder: Some(folder.into()), ..Records::default() };
            assert_eq!(sink.write(&records, 0).unwrap(), 10);
        }
        sink.begin_epoch().unwrap();
        until_durable(&mut *sink, 1);
        assert!(place.names().iter().all(|name| name.starts_with("out/_staged/")), "{:?}", place.names());
        let staged = sink.staged();
        drop(sink);
        show_staged(&staged).unwrap();
        show_staged(&staged).unwrap();
        let mut found: Vec<String> =
            place.names().iter().map(|name| name["out/".len()..].rsplit_once('/').unwrap().0.to_owned()).collect();
        found.sort();
        let mut folders = folders.map(str::to_owned).to_vec();
        folders.sort();
        assert_eq!(found, folders);

        let mut reading = place.rows_of("/out/**/*.parquet").unwrap();
        let read: Vec<i64> = reading.read(usize::MAX).unwrap().iter().map(|n| n.parse().unwrap()).collect();
        assert_eq!(read.iter().sum::<i64>(), (0..30i64).sum::<i64>());
        assert_eq!(read.len(), 30);
    }

    fn what_no_checkpoint_names_is_removed_by_the_next_start(place: &Place) {
        let mut sink = place.sink(Some(SystemTime::now()));
        write(&mut *sink, 0..10);
        sink.begin_epoch().unwrap();
        until_durable(&mut *sink, 1);
        assert_eq!(place.names().len(), 1);
        let first = place.names();
        // Of a start before which this one began nothing is known.
        drop(place.sink(Some(SystemTime::UNIX_EPOCH)));
        assert_eq!(place.names(), first);
        drop(place.sink(Some(SystemTime::now() + Duration::from_secs(1))));
        assert_eq!(place.names(), Vec::<String>::new());
        let error = show_staged(&sink.staged()).unwrap_err().0;
        assert!(error.contains("has gone, and") && error.contains("is not there either"), "{error}");
    }

    fn reading_goes_on_where_a_checkpoint_says(place: &Place) {
        let storage = place.storage();
        for (name, range) in [("in/a.jsonl", 0..10), ("in/b.jsonl", 10..20), ("in/c.jsonl", 20..30)] {
            storage.put_new(name, lines(range).join("\n").as_bytes()).unwrap();
        }
        let at = |name: &str, offset| Restored { resource: place.at(name), partition: 0, offset };
        let restored = [at("/in/a.jsonl", Restored::READ_TO_END), at("/in/b.jsonl", 5)];
        let mut reading = place.source("/in/*.jsonl", false, Some(&restored)).unwrap();
        assert_eq!(reading.read(usize::MAX).unwrap(), lines(15..30));

        storage.delete("in/b.jsonl").unwrap();
        let error = place.source("/in/*.jsonl", false, Some(&restored)).err().unwrap().0;
        assert!(error.contains("goes on at line 6 and the file has gone"), "{error}");
    }

    fn objects_that_come_later_are_read_where_the_source_follows(place: &Place) {
        let storage = place.storage();
        storage.put_new("in/a.jsonl", lines(0..10).join("\n").as_bytes()).unwrap();
        let mut reading = place.source("/in/*.jsonl", true, None).unwrap();
        assert_eq!(reading.read(10).unwrap(), lines(0..10));
        storage.put_new("in/b.jsonl", lines(10..20).join("\n").as_bytes()).unwrap();
        assert_eq!(reading.read(10).unwrap(), lines(10..20));
    }

    fn a_place_without_files_is_an_error(place: &Place) {
        let error = place.source("/nothing/*.jsonl", false, None).err().unwrap().0;
        assert!(error.starts_with(&format!("file source: no file matches {}", place.at("/nothing/*.jsonl"))), "{error}");
        let error = place.source("/folder/", false, None).err().unwrap().0;
        assert!(error.contains("names no file"), "{error}");
    }
}
