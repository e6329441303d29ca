//! Names of the files of a sink: `PREFIX-SLOT-SEQUENCE.jsonl`, `.gz` or `.zst` after it where it is compressed.

use millrace_plan::Compression;

use super::IN_PROGRESS;

/// The name of a file that is complete.
pub fn name(prefix: &str, slot: usize, sequence: u64, compression: Compression) -> String {
    let extension = match compression {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
    };
    format!("{prefix}-{slot}-{sequence}.jsonl{extension}")
}

/// Slot and sequence number in the name of a file, complete or not, that a sink with this prefix wrote.
pub fn parse(prefix: &str, name: &str) -> Option<(usize, u64)> {
    let name = name.strip_suffix(IN_PROGRESS).unwrap_or(name);
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    let (slot, sequence) = name.strip_prefix(prefix)?.strip_prefix('-')?.strip_suffix(".jsonl")?.split_once('-')?;
    Some((slot.parse().ok()?, sequence.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_slot_and_sequence() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let name = name("part", 3, 12, compression);
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
