//! State in RocksDB. A run becomes one sorted file that the database takes over as it is: nothing is written twice, and
//! no write-ahead log is needed, as what follows the last checkpoint is read from the sources again.

use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::compaction_filter::{CompactionFilter, Decision};
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompactionStyle, DBCompressionType, IngestExternalFileOptions, LogLevel,
    MergeOperands, Options, ReadOptions, SstFileWriter, WriteBatch, WriteOptions, properties,
};

use super::{Backend, BackendFigures, BackendOptions, Fill, LocalFile, Snapshot, Visit, failed};
use crate::key::within_namespace;
use crate::{Error, Expiry, KeyGroups, Result, Run};

/// Range deletions are all that goes through a memtable.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// Every snapshot has a copy of RocksDB's own manifest, which grows by some 100 bytes a run until it is written anew.
const MANIFEST_BYTES: usize = 256 << 10;

/// Runs that may lie side by side until some are merged.
const RUNS: i32 = 8;

const READAHEAD_BYTES: usize = 1 << 20;

/// Where ranges are read and no single keys. The index has an entry a block, and lies in memory: it takes a quarter of what it
/// does with the default of 4 KB (the benchmark's `--query large-state --state 4000MB`: 90 MB less).
const SCANNED_BLOCK_BYTES: usize = 16 << 10;

pub struct RocksDb {
    /// `None` only while it is dropped.
    db: Option<DB>,
    at: PathBuf,
    options: Options,
    runs: u64,
}

impl RocksDb {
    /// Opens the database in the folder `at`, from the files in `restored` if that is given.
    pub fn open(at: &Path, options: &BackendOptions, restored: Option<&Path>) -> Result<RocksDb> {
        let failed = |error: &dyn std::fmt::Display| failed(at, error);
        if at.exists() {
            fs::remove_dir_all(at).map_err(|error| failed(&error))?;
        }
        fs::create_dir_all(at).map_err(|error| failed(&error))?;
        restored.map_or(Ok(()), |files| place(files, at)).map_err(|error| failed(&error))?;
        let options = database_options(options);
        let db = DB::open(&options, at).map_err(|error| failed(&error))?;
        Ok(RocksDb { db: Some(db), at: at.to_owned(), options, runs: 0 })
    }

    fn db(&self) -> Result<&DB> {
        self.db.as_ref().ok_or_else(|| Error("the state is closed".into()))
    }

    fn failed(&self, error: impl std::fmt::Display) -> Error {
        failed(&self.at, error)
    }

    fn take_in_run(&mut self, run: &Run, write: Write) -> Result<()> {
        if run.is_empty() {
            return Ok(());
        }
        let at = self.at.clone();
        self.take_in(|writer| add(run, writer, write, &at))
    }

    /// Takes in the file that `write` fills.
    fn take_in(&mut self, write: impl FnOnce(&mut SstFileWriter<'_>) -> Result<()>) -> Result<()> {
        self.runs += 1;
        // Beside the database's own files, which it knows by their names.
        let path = self.at.join(format!("run-{}", self.runs));
        let taken = self.write_file(&path, write).and_then(|()| {
            let mut options = IngestExternalFileOptions::default();
            options.set_move_files(true);
            let taken = self.db()?.ingest_external_file_opts(&options, vec![&path]);
            taken.map_err(|error| self.failed(error))
        });
        if taken.is_err() {
            // Left behind it would only take up room; the failure is what is told.
            let _ = fs::remove_file(&path);
        }
        taken
    }

    fn write_file(&self, path: &Path, write: impl FnOnce(&mut SstFileWriter<'_>) -> Result<()>) -> Result<()> {
        let mut writer = SstFileWriter::create(&self.options);
        writer.open(path).map_err(|error| self.failed(error))?;
        write(&mut writer)?;
        writer.finish().map_err(|error| self.failed(error))
    }
}

/// Adds a run to a file, each entry by `write`.
fn add(run: &Run, writer: &mut SstFileWriter<'_>, write: Write, at: &Path) -> Result<()> {
    run.iter().try_for_each(|(key, value)| write(writer, key, value)).map_err(|error| failed(at, error))
}

/// Puts one entry into a file.
type Write = fn(&mut SstFileWriter<'_>, &[u8], &[u8]) -> std::result::Result<(), rocksdb::Error>;

/// The defaults but for what keeps a small database small, and universal compaction: it merges runs of like sizes, where the
/// default merges every few runs into most of what there is, and a checkpoint has to upload it all again (the benchmark's
/// `--query incremental` with 2,000,000 keys: 2 MB rather than 6 MB a checkpoint; 16 runs side by side do no better than 8).
/// With the default compaction, files of 8 MB changed what the example `runs` measures by no more than its noise. LZ4 takes 0.13 of 0.36 µs an entry and leaves a quarter of random values away, more of real ones.
fn database_options(asked: &BackendOptions) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(1);
    options.set_log_level(LogLevel::Warn);
    options.set_max_manifest_file_size(MANIFEST_BYTES);
    options.set_compaction_style(DBCompactionStyle::Universal);
    options.set_level_zero_file_num_compaction_trigger(RUNS);
    options.set_merge_operator_associative("append", append);
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&Cache::new_lru_cache(asked.block_cache_bytes));
    blocks.set_format_version(5);
    if asked.is_looked_up {
        blocks.set_bloom_filter(BLOOM_BITS, false);
    } else {
        blocks.set_block_size(SCANNED_BLOCK_BYTES);
    }
    if let Some(shortest_ms) = asked.expiry.shortest_ms() {
        options.set_compaction_filter_factory(Expiring(asked.expiry.clone()));
        // A file that nothing is written over is compacted at this age: what has expired in it goes.
        options.set_periodic_compaction_seconds((shortest_ms / 1000).max(1) as u64);
    }
    options.set_block_based_table_factory(&blocks);
    options
}

/// Bits of a bloom filter for each key: one look-up in a hundred reads a file in vain.
const BLOOM_BITS: f64 = 10.0;

/// Leaves values that have expired out of the files that compactions write.
struct Expiring(Expiry);

const EXPIRING: &CStr = c"expiring";

impl CompactionFilterFactory for Expiring {
    type Filter = Expiring;

    fn create(&mut self, _context: CompactionFilterContext) -> Expiring {
        Expiring(self.0.clone())
    }

    fn name(&self) -> &CStr {
        EXPIRING
    }
}

impl CompactionFilter for Expiring {
    fn filter(&mut self, _level: u32, key: &[u8], value: &[u8]) -> Decision {
        if self.0.has_expired(key, value) { Decision::Remove } else { Decision::Keep }
    }

    fn name(&self) -> &CStr {
        EXPIRING
    }
}

/// Values of a key are kept one behind the other.
fn append(_key: &[u8], stored: Option<&[u8]>, operands: &MergeOperands) -> Option<Vec<u8>> {
    let mut value = stored.map(<[u8]>::to_vec).unwrap_or_default();
    operands.iter().for_each(|operand| value.extend_from_slice(operand));
    Some(value)
}

/// Links the files that never change and copies the others.
fn place(files: &Path, at: &Path) -> std::io::Result<()> {
    for file in fs::read_dir(files)? {
        let file = file?;
        let to = at.join(file.file_name());
        if !is_immutable(&file.file_name().to_string_lossy()) || fs::hard_link(file.path(), &to).is_err() {
            fs::copy(file.path(), &to)?;
        }
    }
    Ok(())
}

/// Visits what the files of a snapshot hold of some key groups. They are only read, without RocksDB's lock.
pub fn read_groups(files: &Path, groups: &KeyGroups, visit: Visit<'_>) -> Result<()> {
    let options = database_options(&BackendOptions::default());
    let failed = |error: rocksdb::Error| failed(files, error);
    let db = DB::open_for_read_only(&options, files, false).map_err(failed)?;
    let mut next = next_key(&db, &[], LAST).map_err(failed)?;
    while let Some((from, to, after)) = next.and_then(|key| within_namespace(&key, groups)) {
        read(&db, range(&from, &to), visit, failed)?;
        next = next_key(&db, &after, LAST).map_err(failed)?;
    }
    Ok(())
}

/// Visits what the files of a snapshot hold from the key `from` up to, not including, `to`.
pub fn read_range(files: &Path, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()> {
    let options = database_options(&BackendOptions::default());
    let failed = |error: rocksdb::Error| failed(files, error);
    let db = DB::open_for_read_only(&options, files, false).map_err(failed)?;
    read(&db, range(from, to), visit, failed)
}

/// No key lies behind it.
const LAST: &[u8] = &[u8::MAX; 64];

fn next_key(db: &DB, from: &[u8], to: &[u8]) -> std::result::Result<Option<Vec<u8>>, rocksdb::Error> {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(from);
    options.set_iterate_upper_bound(to);
    let mut entries = db.raw_iterator_opt(options);
    entries.seek_to_first();
    let first = entries.key().map(<[u8]>::to_vec);
    entries.status()?;
    Ok(first)
}

fn read(db: &DB, range: ReadOptions, visit: Visit<'_>, failed: impl Fn(rocksdb::Error) -> Error) -> Result<()> {
    let mut entries = db.raw_iterator_opt(range);
    entries.seek_to_first();
    while let Some((key, value)) = entries.item() {
        visit(key, value)?;
        entries.next();
    }
    entries.status().map_err(failed)
}

/// To read a range once, from its beginning to its end.
fn range(from: &[u8], to: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(from);
    options.set_iterate_upper_bound(to);
    options.set_readahead_size(READAHEAD_BYTES);
    options.fill_cache(false);
    options
}

fn is_immutable(name: &str) -> bool {
    name.ends_with(".sst")
}

impl Backend for RocksDb {
    fn append(&mut self, run: &Run) -> Result<()> {
        self.take_in_run(run, |file, key, value| file.merge(key, value))
    }

    fn append_parts(&mut self, fill: Fill<'_>) -> Result<()> {
        let mut part = Run::default();
        fill(&mut part)?;
        if part.is_empty() {
            return Ok(());
        }
        let at = self.at.clone();
        self.take_in(|writer| {
            while !part.is_empty() {
                add(&part, writer, |file, key, value| file.merge(key, value), &at)?;
                part.clear();
                fill(&mut part)?;
            }
            Ok(())
        })
    }

    fn put(&mut self, run: &Run) -> Result<()> {
        self.take_in_run(run, |file, key, value| if value.is_empty() { file.delete(key) } else { file.put(key, value) })
    }

    fn get(&self, key: &[u8], stored: &mut Vec<u8>) -> Result<bool> {
        stored.clear();
        let found = self.db()?.get_pinned(key).map_err(|error| self.failed(error))?;
        found.iter().for_each(|value| stored.extend_from_slice(value));
        Ok(found.is_some())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()> {
        read(self.db()?, range(from, to), visit, |error| self.failed(error))
    }

    fn next_key(&self, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>> {
        next_key(self.db()?, from, to).map_err(|error| self.failed(error))
    }

    fn delete_range(&mut self, from: &[u8], to: &[u8]) -> Result<()> {
        let mut batch = WriteBatch::default();
        batch.delete_range(from, to);
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        let db = self.db()?;
        // Whole files go at once; the rest when they are compacted.
        let deleted = db.write_opt(batch, &options).and_then(|()| db.delete_file_in_range(from, to));
        deleted.map_err(|error| self.failed(error))
    }

    fn snapshot(&mut self, into: &Path) -> Result<Snapshot> {
        let list = || -> std::io::Result<Vec<LocalFile>> {
            let files = fs::read_dir(into)?.map(|file| {
                let file = file?;
                let name = file.file_name().to_string_lossy().into_owned();
                let size = file.metadata()?.len();
                Ok(LocalFile { immutable: is_immutable(&name), path: file.path(), name, size })
            });
            files.collect()
        };
        if let Some(parent) = into.parent() {
            fs::create_dir_all(parent).map_err(|error| self.failed(error))?;
        }
        let made = Checkpoint::new(self.db()?).and_then(|checkpoint| checkpoint.create_checkpoint(into));
        made.map_err(|error| self.failed(error))?;
        let mut snapshot = Snapshot::new(into.to_owned(), Vec::new());
        snapshot.files = list().map_err(|error| self.failed(error))?;
        Ok(snapshot)
    }

    fn figures(&self) -> BackendFigures {
        let property = |name: &CStr| self.db.as_ref().and_then(|db| db.property_int_value(name).ok().flatten());
        let figure = |name| property(name).unwrap_or(0);
        BackendFigures {
            bytes: figure(properties::LIVE_SST_FILES_SIZE),
            entries: figure(properties::ESTIMATE_NUM_KEYS),
            running_compactions: figure(properties::NUM_RUNNING_COMPACTIONS),
            pending_compaction_bytes: figure(properties::ESTIMATE_PENDING_COMPACTION_BYTES),
            delayed_write_rate: figure(properties::ACTUAL_DELAYED_WRITE_RATE),
            stopped_writes: figure(properties::IS_WRITE_STOPPED),
            block_cache_bytes: figure(properties::BLOCK_CACHE_USAGE),
        }
    }
}

impl Drop for RocksDb {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            db.cancel_all_background_work(true);
        }
    }
}
