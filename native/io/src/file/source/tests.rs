#![allow(clippy::unwrap_used)]

use std::fs::{OpenOptions, rename, write};
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use millrace_formats::{BadRecord, file_writer};
use millrace_plan::{Codec, Parquet};
use tempfile::TempDir;

use super::*;
use crate::{Error, Record};

#[derive(Default)]
struct Collected {
    /// File, line number and content.
    lines: Vec<(usize, i64, String)>,
    ended: Vec<usize>,
    /// File, row, the row that is next, and what is wrong.
    bad: Vec<(usize, i64, i64, String)>,
}

impl Collected {
    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|(_, _, text)| text.as_str()).collect()
    }
}

impl Receiver for Collected {
    type Error = Error;

    fn record(&mut self, record: Record<'_>) -> Result<()> {
        let text = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
        self.lines.push((record.split, record.offset, text));
        Ok(())
    }

    fn rows(&mut self, split: usize, first_offset: i64, rows: RecordBatch) -> Result<()> {
        let numbers = rows.column(0).as_primitive::<Int64Type>().values();
        let lines = numbers.iter().zip(first_offset..).map(|(number, offset)| (split, offset, number.to_string()));
        self.lines.extend(lines);
        Ok(())
    }

    fn unreadable(&mut self, record: Record<'_>, next: i64, bad: &BadRecord) -> Result<()> {
        self.bad.push((record.split, record.offset, next, bad.to_string()));
        Ok(())
    }

    fn end(&mut self, split: usize) -> Result<()> {
        self.ended.push(split);
        Ok(())
    }
}

fn config(directory: &TempDir, glob: &str, follow: bool) -> Config {
    Config { paths: vec![format!("{}/{glob}", directory.path().display())], follow, format: FileFormat::Lines }
}

fn put(directory: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    write(directory.path().join(name), content).unwrap();
}

fn append(directory: &TempDir, name: &str, content: &str) {
    let mut file = OpenOptions::new().append(true).open(directory.path().join(name)).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

fn read_all(config: &Config, slot: usize, slots: usize) -> Result<Collected> {
    let mut source = FileSource::open(config, Arc::new(Schema::empty()), slot, slots, None)?;
    let mut collected = Collected::default();
    while source.poll(2, &mut collected)? != Poll::End {}
    Ok(collected)
}

/// Reads what there is now; follows on with the next call.
fn catch_up(source: &mut FileSource, collected: &mut Collected) -> Result<()> {
    while source.poll(100, collected)? == Poll::More {}
    Ok(())
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_are_read_in_order_with_line_numbers_and_without_blank_lines() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "b.jsonl", "3\n");
    put(&directory, "a.jsonl", "1\n\n  \n2");
    let read = read_all(&config(&directory, "*.jsonl", false), 0, 1).unwrap();
    assert_eq!(read.lines, [(0, 0, "1".to_owned()), (0, 3, "2".to_owned()), (1, 0, "3".to_owned())]);
    assert_eq!(read.ended, [0, 1]);
}

#[test]
fn slots_share_the_files_out() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        put(&directory, name, format!("{name}\n"));
    }
    for (follow, slots) in [(false, 2), (false, 4), (true, 3)] {
        let config = config(&directory, "*", follow);
        let mut collected = Collected::default();
        for slot in 0..slots {
            catch_up(
                &mut FileSource::open(&config, Arc::new(Schema::empty()), slot, slots, None).unwrap(),
                &mut collected,
            )
            .unwrap();
        }
        let mut texts = collected.texts();
        texts.sort_unstable();
        assert_eq!(texts, ["a", "b", "c"]);
    }
}

#[test]
fn compressed_files_of_several_parts_are_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a.gz", [gzip("1\n2"), gzip("3\n")].concat());
    let frames = [zstd::encode_all(&b"4\n5"[..], 1).unwrap(), zstd::encode_all(&b"6\n7"[..], 1).unwrap()].concat();
    put(&directory, "b.zst", frames);
    assert_eq!(read_all(&config(&directory, "*", false), 0, 1).unwrap().texts(), ["1", "23", "4", "56", "7"]);
}

#[test]
fn a_damaged_file_is_an_error_that_names_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let whole = gzip("1\n");
    put(&directory, "a.gz", &whole[..whole.len() - 4]);
    let error = read_all(&config(&directory, "a.gz", false), 0, 1).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("a.gz:2: ") && error.contains("Check that the file is whole"), "{error}");
}

#[test]
fn a_followed_file_gives_lines_as_they_are_completed() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "log", "1\n2");
    let mut source = FileSource::open(&config(&directory, "log", true), Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    assert_eq!(collected.texts(), ["1"]);
    append(&directory, "log", "0\n3\n4");
    catch_up(&mut source, &mut collected).unwrap();
    assert_eq!(collected.texts(), ["1", "20", "3"]);
    assert_eq!(collected.lines[2].1, 2);
    assert!(collected.ended.is_empty());
}

#[test]
fn files_that_come_to_match_are_followed_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut source =
        FileSource::open(&config(&directory, "*.log", true), Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    put(&directory, "b.log", "1\n");
    catch_up(&mut source, &mut collected).unwrap();
    put(&directory, "a.log", "2\n");
    catch_up(&mut source, &mut collected).unwrap();
    append(&directory, "b.log", "3\n");
    catch_up(&mut source, &mut collected).unwrap();
    assert_eq!(collected.lines, [(0, 0, "1".to_owned()), (1, 0, "2".to_owned()), (0, 1, "3".to_owned())]);
    assert_eq!(Source::<Collected>::splits(&source).len(), 2);
}

#[test]
fn a_compressed_file_among_followed_ones_is_read_once_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a.gz", gzip("1\n"));
    let mut source = FileSource::open(&config(&directory, "*", true), Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    catch_up(&mut source, &mut collected).unwrap();
    assert_eq!((collected.texts(), collected.ended.as_slice()), (vec!["1"], &[0][..]));
}

#[test]
fn a_file_rotated_by_renaming_is_read_to_its_end_and_then_its_successor() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "log", "1\n");
    let mut source = FileSource::open(&config(&directory, "log", true), Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    append(&directory, "log", "2\n");
    rename(directory.path().join("log"), directory.path().join("log.1")).unwrap();
    catch_up(&mut source, &mut collected).unwrap();
    append(&directory, "log.1", "late\n");
    put(&directory, "log", "3\n");
    catch_up(&mut source, &mut collected).unwrap();
    let texts = collected.texts();
    assert!(texts.starts_with(&["1", "2"]) && texts.ends_with(&["3"]), "{texts:?}");
    assert_eq!((collected.lines.last(), collected.ended.as_slice()), (Some(&(1, 0, "3".to_owned())), &[0][..]));
    let splits = Source::<Collected>::splits(&source);
    assert!(splits[0].resource == splits[1].resource && splits[0].partition != splits[1].partition);
}

#[test]
fn a_followed_file_that_shrinks_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "log", "1\n2\n");
    let mut source = FileSource::open(&config(&directory, "log", true), Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    OpenOptions::new().write(true).open(directory.path().join("log")).unwrap().set_len(2).unwrap();
    let error = catch_up(&mut source, &mut collected).unwrap_err().to_string();
    assert!(error.contains("has shrunk from 4 to 2 bytes"), "{error}");
}

#[test]
fn a_paused_file_gives_way_to_the_next() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a", "1\n");
    put(&directory, "b", "2\n");
    let mut source = FileSource::open(&config(&directory, "*", false), Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    Source::<Collected>::pause(&mut source, 0, true).unwrap();
    while source.poll(10, &mut collected).unwrap() == Poll::More {}
    assert_eq!((collected.texts(), collected.ended.as_slice()), (vec!["2"], &[1][..]));
    Source::<Collected>::pause(&mut source, 0, false).unwrap();
    assert_eq!(source.poll(10, &mut collected).unwrap(), Poll::End);
    assert_eq!((collected.texts(), collected.ended.as_slice()), (vec!["2", "1"], &[1, 0][..]));
}

fn at(directory: &TempDir, name: &str, partition: i32, offset: i64) -> Restored {
    Restored { resource: directory.path().join(name).display().to_string(), partition, offset, token: None }
}

fn go_on(config: &Config, restored: &[Restored]) -> Result<Collected> {
    let mut source = FileSource::open(config, Arc::new(Schema::empty()), 0, 1, Some(restored))?;
    let mut collected = Collected::default();
    while source.poll(2, &mut collected)? == Poll::More {}
    Ok(collected)
}

#[test]
fn a_checkpoint_goes_on_at_its_lines_and_reads_new_files_from_their_beginning() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a", "0\n\n2\n3\n4");
    put(&directory, "b.gz", gzip("0\n1\n2\n"));
    put(&directory, "c", "new\n");
    put(&directory, "d", "0\n1");
    let restored = [at(&directory, "a", 0, 3), at(&directory, "b.gz", 0, 2), at(&directory, "d", 0, 2)];
    let config = config(&directory, "*", false);
    let read = go_on(&config, &restored).unwrap();
    let line = |split, offset, text: &str| (split, offset, text.to_owned());
    assert_eq!(read.lines, [line(0, 3, "3"), line(0, 4, "4"), line(1, 2, "2"), line(2, 0, "new")]);
    assert_eq!(read.ended, [0, 1, 2, 3]);
    let source = FileSource::open(&config, Arc::new(Schema::empty()), 0, 1, Some(&restored)).unwrap();
    let starts = Source::<Collected>::splits(&source).iter().map(|split| split.start);
    assert_eq!(starts.collect::<Vec<_>>(), [3, 2, 0, 2]);
}

#[test]
fn a_file_that_was_read_to_its_end_is_not_read_again_and_may_be_gone() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a", "1\n");
    let ended = |name| at(&directory, name, 0, Restored::READ_TO_END);
    let read = go_on(&config(&directory, "*", false), &[ended("a"), ended("gone")]).unwrap();
    assert_eq!((read.lines.as_slice(), read.ended.as_slice()), (&[][..], &[0][..]));
    let read = go_on(&config(&directory, "gone", false), &[ended("gone")]).unwrap();
    assert!(read.lines.is_empty());
}

#[test]
fn a_file_of_a_checkpoint_that_has_gone_or_is_too_short_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a", "1\n2\n");
    for follow in [false, true] {
        let error = |name| {
            let opened = go_on(&config(&directory, "*", follow), &[at(&directory, name, 0, 5)]);
            opened.map(|_| ()).unwrap_err().to_string()
        };
        let path = directory.path().display();
        let advice = "Put back the file as it was, or start the job without the checkpoint.";
        assert_eq!(
            error("gone"),
            format!("file source: {path}/gone: the checkpoint goes on at line 6 and the file has gone. {advice}")
        );
        assert_eq!(
            error("a"),
            format!(
                "file source: {path}/a: the checkpoint goes on at line 6 and the file ends after line 2: it is not the one \
                 that the job was reading. {advice}"
            )
        );
    }
}

/// The splits as a checkpoint holds them, with how many lines were read of each.
fn checkpoint(source: &FileSource, lines: &[i64]) -> Vec<Restored> {
    let splits = Source::<Collected>::splits(source).iter().zip(lines);
    let of = |(split, &offset): (&Split, &i64)| Restored {
        resource: split.resource.clone(),
        partition: split.partition,
        offset,
        token: None,
    };
    splits.map(of).collect()
}

#[test]
fn a_followed_file_goes_on_if_it_is_still_the_same() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "log", "1\n2\n");
    let config = config(&directory, "log", true);
    let mut source = FileSource::open(&config, Arc::new(Schema::empty()), 0, 1, None).unwrap();
    catch_up(&mut source, &mut Collected::default()).unwrap();
    let restored = checkpoint(&source, &[2]);
    drop(source);
    append(&directory, "log", "3\n");
    assert_eq!(go_on(&config, &restored).unwrap().lines, [(0, 2, "3".to_owned())]);

    rename(directory.path().join("log"), directory.path().join("log.1")).unwrap();
    put(&directory, "log", "1\n2\n3\n4\n");
    let error = go_on(&config, &restored).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("/log: the checkpoint goes on at line 3 of a file that had this path"), "{error}");
}

#[test]
fn a_followed_file_that_took_the_place_of_one_that_was_read_to_its_end_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "log", "1\n2\n3\n");
    let config = config(&directory, "log", true);
    let mut source = FileSource::open(&config, Arc::new(Schema::empty()), 0, 1, None).unwrap();
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    rename(directory.path().join("log"), directory.path().join("log.1")).unwrap();
    put(&directory, "log", "4\n");
    catch_up(&mut source, &mut collected).unwrap();
    assert_eq!(collected.texts(), ["1", "2", "3", "4"]);
    append(&directory, "log", "5\n");
    for first in [3, Restored::READ_TO_END] {
        assert_eq!(go_on(&config, &checkpoint(&source, &[first, 1])).unwrap().lines, [(0, 1, "5".to_owned())]);
    }
}

fn parquet() -> FileFormat {
    FileFormat::Parquet(Parquet { codec: Codec::Snappy, row_group_rows: 10, row_group_bytes: 1 << 20 })
}

fn numbers(range: std::ops::Range<i64>) -> Vec<u8> {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
    let rows = RecordBatch::try_from_iter([("n", numbers.clone()), ("unread", numbers)]).unwrap();
    let mut writer = file_writer(&parquet(), &rows.schema(), Vec::new()).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap()
}

fn open_rows(config: &Config, restored: Option<&[Restored]>) -> FileSource {
    let columns = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    FileSource::open(config, columns, 0, 1, restored).unwrap()
}

#[test]
fn rows_of_files_go_on_at_their_number_and_new_files_are_followed() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a.parquet", numbers(0..25));
    put(&directory, "b.parquet", numbers(100..105));
    let config = Config { format: parquet(), ..config(&directory, "*.parquet", true) };
    let restored = [at(&directory, "a.parquet", 0, 12), at(&directory, "b.parquet", 0, 5)];
    let mut source = open_rows(&config, Some(&restored));
    let mut collected = Collected::default();
    catch_up(&mut source, &mut collected).unwrap();
    let expected: Vec<_> = (12..25).map(|n: i64| (0, n, n.to_string())).collect();
    assert_eq!((collected.lines.as_slice(), collected.ended.as_slice()), (expected.as_slice(), &[0, 1][..]));
    put(&directory, "c.parquet", numbers(200..201));
    catch_up(&mut source, &mut collected).unwrap();
    assert_eq!(collected.lines.last(), Some(&(2, 0, "200".to_owned())));
}

#[test]
fn a_damaged_file_is_told_once_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a.parquet", "no Parquet");
    put(&directory, "b.parquet", numbers(0..3));
    let config = Config { format: parquet(), ..config(&directory, "*.parquet", false) };
    let mut collected = Collected::default();
    catch_up(&mut open_rows(&config, None), &mut collected).unwrap();
    assert_eq!(collected.texts(), ["0", "1", "2"]);
    let [(split, first, next, message)] = collected.bad.as_slice() else { unreachable!("{:?}", collected.bad) };
    assert_eq!((*split, *first, *next), (0, 0, Restored::READ_TO_END));
    assert!(message.starts_with("it is no Parquet file, or is damaged"), "{message}");

    let mut again = Collected::default();
    catch_up(&mut open_rows(&config, Some(&[at(&directory, "a.parquet", 0, *next)])), &mut again).unwrap();
    assert_eq!((again.bad.len(), again.texts()), (0, vec!["0", "1", "2"]));
}

#[test]
fn a_file_with_fewer_rows_than_were_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "a.parquet", numbers(0..3));
    let config = Config { format: parquet(), ..config(&directory, "*.parquet", false) };
    let mut source = open_rows(&config, Some(&[at(&directory, "a.parquet", 0, 5)]));
    let error = catch_up(&mut source, &mut Collected::default()).unwrap_err().to_string();
    assert!(
        error.contains("/a.parquet: the checkpoint goes on after 5 rows, and the file has 3: it is not"),
        "{error}"
    );
}
