//! Names of the files of a sink: `PREFIX-SLOT-SEQUENCE.jsonl`, `.gz` or `.zst` after it where it is compressed, `.parquet` or
//! `.avro`.

use millrace_plan::{Compression, FileFormat, FileSink};

use super::IN_PROGRESS;

/// How the names of a sink's files end.
pub fn extension(config: &FileSink) -> &'static str {
    match (&config.format, config.compression) {
        (FileFormat::Parquet(_), _) => ".parquet",
        (FileFormat::Avro(_), _) => ".avro",
        (FileFormat::Lines, Compression::None) => ".jsonl",
        (FileFormat::Lines, Compression::Gzip) => ".jsonl.gz",
        (FileFormat::Lines, Compression::Zstd) => ".jsonl.zst",
    }
}

/// The name of a file that is complete.
pub fn name(prefix: &str, slot: usize, sequence: u64, config: &FileSink) -> String {
    format!("{prefix}-{slot}-{sequence}{}", extension(config))
}

/// Slot and sequence number in the name of a file, complete or not, that a sink with this prefix wrote.
pub fn parse(prefix: &str, name: &str) -> Option<(usize, u64)> {
    let name = name.strip_suffix(IN_PROGRESS).unwrap_or(name);
    let name =
        [".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet", ".avro"].iter().find_map(|end| name.strip_suffix(end))?;
    let (slot, sequence) = name.strip_prefix(prefix)?.strip_prefix('-')?.split_once('-')?;
    Some((slot.parse().ok()?, sequence.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(format: FileFormat, compression: Compression) -> FileSink {
        FileSink {
            directory: "out".into(),
            prefix: String::new(),
            compression,
            roll_bytes: 1,
            roll_interval_ms: 1,
            format,
            partition_by: Vec::new(),
            open_files: 1,
        }
    }

    #[test]
    fn a_name_tells_slot_and_sequence() {
        use millrace_plan::{AvroFile, Codec, Parquet};
        let parquet = Parquet { codec: Codec::None, row_group_rows: 1, row_group_bytes: 1 };
        let avro = AvroFile { schema: None, reader_schema: None, codec: Codec::None };
        for config in [
            config(FileFormat::Lines, Compression::None),
            config(FileFormat::Lines, Compression::Gzip),
            config(FileFormat::Lines, Compression::Zstd),
            config(FileFormat::Parquet(parquet), Compression::None),
            config(FileFormat::Avro(avro), Compression::None),
        ] {
            let name = name("part", 3, 12, &config);
            assert_eq!(parse("part", &name), Some((3, 12)));
            assert_eq!(parse("part", &format!("{name}.inprogress")), Some((3, 12)));
        }
    }

    #[test]
    fn names_of_other_sinks_are_not_taken_for_ones_own() {
        for other in ["part-a-1-2.jsonl", "part-1.jsonl", "other-1-2.jsonl", "part-1-2.txt", "part-1-2-3.jsonl"] {
            assert_eq!(parse("part", other), None, "{other}");
        }
    }
}
