#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use millrace_formats::{Part, file_reader};
use millrace_plan::{Codec, Compression, FileFormat, Parquet};
use tempfile::TempDir;

use super::super::show_staged;
use super::*;

fn config(directory: &TempDir) -> Config {
    Config {
        directory: directory.path().join("out").display().to_string(),
        prefix: "bids".to_owned(),
        compression: Compression::None,
        roll_bytes: 1 << 20,
        roll_interval_ms: 1000,
        format: FileFormat::Lines,
        partition_by: Vec::new(),
        open_files: 64,
    }
}

fn records(rows: &[&str]) -> Records {
    let mut records = Records::default();
    for row in rows {
        records.values.buffer().extend_from_slice(row.as_bytes());
        records.values.end_row();
    }
    records
}

fn write(sink: &mut FileSink, rows: &[&str]) {
    assert_eq!(sink.write(&records(rows), 0).unwrap(), rows.len());
}

/// Names and contents, by name.
fn files(directory: &TempDir) -> Vec<(String, String)> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    let mut files: Vec<_> = fs::read_dir(directory.path().join("out")).unwrap().map(read).collect();
    files.sort();
    files
}

fn file(name: &str, content: &str) -> (String, String) {
    (name.to_owned(), content.to_owned())
}

#[test]
fn a_file_has_its_name_only_when_it_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&config(&directory), 2, None).unwrap();
    write(&mut sink, &["1", "2"]);
    assert_eq!(files(&directory)[0].0, "bids-2-0.jsonl.inprogress");
    sink.flush().unwrap();
    assert_eq!(files(&directory), [file("bids-2-0.jsonl", "1\n2\n")]);
    sink.flush().unwrap();
    write(&mut sink, &["3"]);
    sink.flush().unwrap();
    assert_eq!(files(&directory)[1], file("bids-2-1.jsonl", "3\n"));
}

#[test]
fn a_file_rolls_at_its_size_and_at_its_age() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&Config { roll_bytes: 4, ..config(&directory) }, 0, None).unwrap();
    write(&mut sink, &["1", "2", "3"]);
    sink.poll(5000).unwrap();
    sink.poll(5999).unwrap();
    assert_eq!(files(&directory).len(), 2);
    assert!(files(&directory)[1].0.ends_with(".inprogress"));
    sink.poll(6000).unwrap();
    assert_eq!(files(&directory), [file("bids-0-0.jsonl", "1\n2\n"), file("bids-0-1.jsonl", "3\n")]);
}

#[test]
fn an_epoch_is_durable_when_all_files_with_rows_of_it_are_complete() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&config(&directory), 0, None).unwrap();
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 1);
    write(&mut sink, &["1"]);
    sink.begin_epoch().unwrap();
    write(&mut sink, &["2"]);
    sink.begin_epoch().unwrap();
    assert_eq!(sink.durable_epochs(), 1);
    sink.flush().unwrap();
    assert_eq!(sink.durable_epochs(), 3);
}

#[test]
fn compressed_files_hold_the_same_rows() {
    for (compression, name) in [(Compression::Gzip, "bids-0-0.jsonl.gz"), (Compression::Zstd, "bids-0-0.jsonl.zst")] {
        let directory = tempfile::tempdir().unwrap();
        let config = Config { compression, ..config(&directory) };
        let mut sink = FileSink::open(&config, 0, None).unwrap();
        write(&mut sink, &["1", "2"]);
        sink.flush().unwrap();
        let file = fs::File::open(Path::new(&config.directory).join(name)).unwrap();
        let mut text = String::new();
        match compression {
            Compression::Gzip => flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap(),
            _ => zstd::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap(),
        };
        assert_eq!(text, "1\n2\n");
    }
}

#[test]
fn a_restart_goes_on_after_the_files_that_are_there_and_overwrites_none() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let mut sink = FileSink::open(&config(&directory), 0, None).unwrap();
        write(&mut sink, &[&round.to_string()]);
        sink.flush().unwrap();
    }
    assert_eq!(files(&directory), [file("bids-0-0.jsonl", "0\n"), file("bids-0-1.jsonl", "1\n")]);
}

#[test]
fn two_sinks_of_the_same_slot_do_not_get_into_each_others_way() {
    let directory = tempfile::tempdir().unwrap();
    let mut one = FileSink::open(&config(&directory), 0, None).unwrap();
    write(&mut one, &["one"]);
    let mut other = FileSink::open(&config(&directory), 0, None).unwrap();
    write(&mut other, &["other"]);
    for sink in [&mut one, &mut other] {
        sink.flush().unwrap();
        write(sink, &["more"]);
        sink.flush().unwrap();
    }
    let contents: Vec<String> = files(&directory).into_iter().map(|(_, content)| content).collect();
    let mut sorted = contents.clone();
    sorted.sort();
    assert_eq!(sorted, ["more\n", "more\n", "one\n", "other\n"]);
}

#[test]
fn what_a_dead_process_left_is_removed_and_what_a_live_one_writes_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut live = FileSink::open(&config(&directory), 1, None).unwrap();
    write(&mut live, &["live"]);
    let out = directory.path().join("out");
    fs::write(out.join("bids-7-0.jsonl.inprogress"), "dead").unwrap();
    fs::write(out.join("other-7-0.jsonl.inprogress"), "of another sink").unwrap();
    FileSink::open(&config(&directory), 0, None).unwrap();
    let names: Vec<String> = files(&directory).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["bids-1-0.jsonl.inprogress", "other-7-0.jsonl.inprogress"]);
    live.flush().unwrap();
    assert!(files(&directory).contains(&file("bids-1-0.jsonl", "live\n")));
}

#[test]
fn a_sink_that_is_dropped_leaves_no_file_in_progress() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&config(&directory), 0, None).unwrap();
    write(&mut sink, &["1"]);
    drop(sink);
    assert!(files(&directory).is_empty());
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("out"), "a file").unwrap();
    let error = FileSink::open(&config(&directory), 0, None).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("file sink: ") && error.contains("/out: "), "{error}");
}

/// When a job was started to which everything that is there is old.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

fn staging(directory: &TempDir, slot: usize) -> FileSink {
    FileSink::open(&config(directory), slot, Some(later())).unwrap()
}

fn names(directory: &TempDir) -> Vec<String> {
    files(directory).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn staged_files_are_visible_when_their_epoch_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = staging(&directory, 0);
    for epoch in ["0", "1", "2"] {
        write(&mut sink, &[epoch]);
        sink.flush().unwrap();
        sink.begin_epoch().unwrap();
    }
    assert_eq!(sink.durable_epochs(), 3);
    assert!(names(&directory).iter().all(|name| name.ends_with(".inprogress")));
    sink.commit(2).unwrap();
    assert_eq!(files(&directory)[..2], [file("bids-0-0.jsonl", "0\n"), file("bids-0-1.jsonl", "1\n")]);
    assert_eq!(names(&directory)[2], "bids-0-2.jsonl.inprogress");
    sink.commit(2).unwrap();
    sink.commit(3).unwrap();
    assert_eq!(names(&directory)[2], "bids-0-2.jsonl");
}

#[test]
fn a_checkpoint_names_the_files_of_closed_epochs_that_are_not_committed() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&Config { roll_bytes: 4, ..config(&directory) }, 0, Some(later())).unwrap();
    write(&mut sink, &["1", "2", "3", "4"]);
    assert!(sink.staged().is_empty());
    sink.begin_epoch().unwrap();
    sink.begin_epoch().unwrap();
    write(&mut sink, &["5"]);
    let path = |name: &str| directory.path().join("out").join(name).to_str().unwrap().to_owned();
    let staged = |name: &str| StagedFile { staged: path(&format!("{name}.inprogress")), visible: path(name) };
    assert_eq!(sink.staged(), [staged("bids-0-0.jsonl"), staged("bids-0-1.jsonl")]);
    sink.begin_epoch().unwrap();
    sink.commit(1).unwrap();
    assert_eq!(sink.staged(), [staged("bids-0-2.jsonl")]);
}

#[test]
fn a_restored_checkpoint_shows_its_files_and_leaves_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = staging(&directory, 0);
    for row in ["in the checkpoint", "in none"] {
        write(&mut sink, &[row]);
        sink.begin_epoch().unwrap();
    }
    let checkpoint = &sink.staged()[..1];
    write(&mut sink, &["open"]);
    drop(sink);
    assert_eq!(names(&directory).len(), 2);
    // A crash may come in between, so it may happen again.
    for _ in 0..2 {
        show_staged(checkpoint).unwrap();
    }
    let mut sink = staging(&directory, 0);
    assert_eq!(files(&directory), [file("bids-0-0.jsonl", "in the checkpoint\n")]);
    write(&mut sink, &["next"]);
    assert_eq!(names(&directory)[1], "bids-0-2.jsonl.inprogress");
}

#[test]
fn what_a_live_sink_has_staged_is_no_leftover() {
    let directory = tempfile::tempdir().unwrap();
    let mut live = staging(&directory, 1);
    write(&mut live, &["live"]);
    live.begin_epoch().unwrap();
    staging(&directory, 0);
    live.commit(1).unwrap();
    assert_eq!(files(&directory), [file("bids-1-0.jsonl", "live\n")]);
}

#[test]
fn what_a_later_start_has_staged_is_no_leftover_even_when_its_process_is_dead() {
    let directory = tempfile::tempdir().unwrap();
    let earlier = SystemTime::now();
    let mut sink = staging(&directory, 0);
    write(&mut sink, &["committed"]);
    sink.begin_epoch().unwrap();
    let checkpoint = sink.staged();
    drop(sink);
    FileSink::open(&config(&directory), 0, Some(earlier)).unwrap();
    show_staged(&checkpoint).unwrap();
    assert_eq!(files(&directory), [file("bids-0-0.jsonl", "committed\n")]);
}

#[test]
fn a_file_of_a_checkpoint_that_has_gone_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = staging(&directory, 0);
    write(&mut sink, &["1"]);
    sink.begin_epoch().unwrap();
    let staged = sink.staged();
    fs::remove_file(&staged[0].staged).unwrap();
    let error = show_staged(&staged).unwrap_err().to_string();
    let StagedFile { staged, visible } = &staged[0];
    assert_eq!(
        error,
        format!(
            "file sink: {staged} has gone, and {visible} is not there either: a file of the checkpoint is missing. Put it \
             back, or start the job from another checkpoint or without one."
        )
    );
    assert_eq!(sink.commit(1).unwrap_err().to_string(), error);
}

fn in_folder(folder: &str, rows: &[&str]) -> Records {
    Records { folder: Some(folder.into()), ..records(rows) }
}

/// Paths and contents of the files in all folders, from the sink's on.
fn tree(directory: &TempDir) -> Vec<(String, String)> {
    let root = directory.path().join("out");
    let (mut open, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn rows_go_to_their_folders_and_the_file_that_was_not_written_to_for_longest_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(&Config { open_files: 2, ..config(&directory) }, 0, None).unwrap();
    for (folder, row) in [("k=a/d=1", "1"), ("k=b/d=1", "2"), ("k=a/d=1", "3"), ("k=c/d=2", "4"), ("k=a/d=1", "5")] {
        assert_eq!(sink.write(&in_folder(folder, &[row]), 0).unwrap(), 1);
    }
    let open: Vec<String> = tree(&directory).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        open,
        ["k=a/d=1/bids-0-0.jsonl.inprogress", "k=b/d=1/bids-0-1.jsonl", "k=c/d=2/bids-0-2.jsonl.inprogress"]
    );
    assert_eq!(sink.durable_epochs(), 0);
    sink.begin_epoch().unwrap();
    sink.flush().unwrap();
    assert_eq!(sink.durable_epochs(), 1);
    assert_eq!(
        tree(&directory),
        [
            file("k=a/d=1/bids-0-0.jsonl", "1\n3\n5\n"),
            file("k=b/d=1/bids-0-1.jsonl", "2\n"),
            file("k=c/d=2/bids-0-2.jsonl", "4\n")
        ]
    );
}

#[test]
fn files_in_folders_are_staged_shown_and_left_over_as_others_are() {
    let directory = tempfile::tempdir().unwrap();
    let by = millrace_plan::NamedExpr { name: "k".into(), expr: millrace_plan::Expr::Column("k".into()) };
    let config = Config { partition_by: vec![by], ..config(&directory) };
    let open = || FileSink::open(&config, 0, Some(later())).unwrap();
    let mut sink = open();
    for (folder, row) in [("k=a", "1"), ("k=b", "2")] {
        sink.write(&in_folder(folder, &[row]), 0).unwrap();
    }
    sink.begin_epoch().unwrap();
    let checkpoint = sink.staged();
    sink.write(&in_folder("k=a", &["lost"]), 0).unwrap();
    sink.begin_epoch().unwrap();
    drop(sink);
    show_staged(&checkpoint).unwrap();
    let mut sink = open();
    assert_eq!(tree(&directory), [file("k=a/bids-0-0.jsonl", "1\n"), file("k=b/bids-0-1.jsonl", "2\n")]);
    sink.write(&in_folder("k=b", &["3"]), 0).unwrap();
    sink.begin_epoch().unwrap();
    sink.commit(1).unwrap();
    assert_eq!(tree(&directory)[2], file("k=b/bids-0-3.jsonl", "3\n"));
}

#[test]
fn rows_are_written_as_they_are_to_files_that_roll_at_their_size() {
    let directory = tempfile::tempdir().unwrap();
    let parquet = Parquet { codec: Codec::None, row_group_rows: 1000, row_group_bytes: 1 << 20 };
    let config = Config { format: FileFormat::Parquet(parquet), roll_bytes: 20_000, ..config(&directory) };
    let mut sink = FileSink::open(&config, 0, None).unwrap();
    let mut schema = None;
    for part in 0..5 {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(part * 2000..(part + 1) * 2000));
        let rows = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        schema = Some(rows.schema());
        let records = Records { rows: Some(rows), ..Records::default() };
        assert_eq!(sink.write(&records, 0).unwrap(), 2000);
    }
    sink.flush().unwrap();
    let mut names: Vec<PathBuf> = fs::read_dir(&config.directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 1 && names.iter().all(|name| name.extension().unwrap() == "parquet"), "{names:?}");
    let mut numbers: Vec<i64> = Vec::new();
    for name in names {
        let mut reader =
            file_reader(&config.format, schema.as_ref().unwrap(), fs::File::open(name).unwrap(), 0).unwrap();
        while let Some(part) = reader.next(8192).unwrap() {
            let Part::Rows(rows) = part else { unreachable!("{part:?}") };
            numbers
                .extend(arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&rows["n"]).values().iter());
        }
    }
    numbers.sort();
    assert_eq!(numbers, (0..10_000).collect::<Vec<i64>>());
}
