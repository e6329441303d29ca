//! Writing and reading files.

use std::fs::File;
use std::io::{Result, Seek, SeekFrom, Write};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use millrace_formats::{Part, file_reader, file_writer};
use millrace_plan::{AvroFile, Codec, FileFormat, Parquet};

pub fn parquet(codec: Codec, row_group_rows: usize) -> FileFormat {
    FileFormat::Parquet(Parquet { codec, row_group_rows, row_group_bytes: 1 << 20 })
}

pub fn avro(codec: Codec, schema: &str) -> FileFormat {
    FileFormat::Avro(AvroFile { schema: Some(schema.into()), reader_schema: None, codec })
}

/// The bytes of a file with these rows, each part flushed by itself.
pub fn write(format: &FileFormat, parts: &[RecordBatch]) -> Result<Vec<u8>> {
    let mut writer = file_writer(format, &parts[0].schema(), Vec::new())?;
    for part in parts {
        writer.write(part)?;
        writer.flush()?;
    }
    writer.finish()
}

/// What is read from row `start` on: rows, and by their number what is wrong.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub rows: RecordBatch,
    pub bad: Vec<(u64, u64, String)>,
    pub damaged: Option<String>,
}

pub fn read(format: &FileFormat, content: &[u8], columns: &SchemaRef, start: u64) -> Read {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    read_file(format, file, columns, start)
}

pub fn read_file(format: &FileFormat, file: File, columns: &SchemaRef, start: u64) -> Read {
    let mut reader = file_reader(format, columns, file, start).unwrap();
    let (mut parts, mut bad, mut damaged) = (Vec::new(), Vec::new(), None);
    let mut before = None;
    loop {
        let row = reader.row();
        let Some(part) = reader.next(7).unwrap() else { break };
        assert!(damaged.is_none(), "nothing follows damage");
        match part {
            Part::Rows(rows) => {
                assert!(rows.num_rows() > 0);
                rows.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
                let first = reader.row() - rows.num_rows() as u64;
                assert!(before.is_none_or(|before| before == first) && (before.is_some() || first == start));
                parts.push(rows);
            }
            Part::Bad { rows, reason } => bad.push((row, rows, reason.to_string())),
            Part::Damaged(reason) => damaged = Some(reason.to_string()),
        }
        before = Some(reader.row());
    }
    Read { rows: concat_batches(columns, &parts).unwrap(), bad, damaged }
}

pub fn whole(format: &FileFormat, content: &[u8], columns: &SchemaRef) -> RecordBatch {
    let Read { rows, bad, damaged } = read(format, content, columns, 0);
    assert_eq!((bad, damaged), (Vec::new(), None));
    rows
}
