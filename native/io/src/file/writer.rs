//! One file of a sink, from its first row to its last.

use std::fs::{File, TryLockError, remove_file};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use flate2::write::GzEncoder;
use millrace_formats::{FileWriter, file_writer};
use millrace_plan::{Compression, FileFormat, FileSink};

use super::IN_PROGRESS;
use crate::Records;

/// Bytes that go to the operating system at once.
const BUFFER_BYTES: usize = 128 << 10;

/// A file being written. It is locked, so that another process can tell it from what a dead one left, and it disappears
/// if it is dropped: what it holds was never promised to anyone.
pub struct Writer {
    /// `None` after the last row.
    encoder: Option<Encoder>,
    names: Names,
    complete: bool,
}

/// A file that is on disk under its name for the time being. It stays there, and locked.
pub struct Complete {
    pub names: Names,
    _locked: File,
}

/// Where a file is and where it will be.
#[derive(Clone)]
pub struct Names {
    pub in_progress: PathBuf,
    pub path: PathBuf,
}

enum Encoder {
    Plain(Counted),
    Gzip(Box<GzEncoder<Counted>>),
    Zstd(Box<zstd::Encoder<'static, Counted>>),
    Rows(Box<dyn FileWriter<Counted>>),
}

impl Writer {
    /// Begins the file that will have this path, with what stands before the first of these records; `None` if the path, or
    /// the one for the time being, is taken.
    pub fn create(path: PathBuf, config: &FileSink, records: &Records) -> io::Result<Option<Writer>> {
        let in_progress = in_progress(&path);
        let file = match File::create_new(&in_progress) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            created => created?,
        };
        // Another process may have taken it for a leftover, before it was locked.
        if !lock(&file)? || !is_at(&file, &in_progress)? {
            return Ok(None);
        }
        // Whoever makes a file of this number holds the name for the time being, so it cannot appear after this.
        if path.exists() {
            remove_file(&in_progress)?;
            return Ok(None);
        }
        let counted = Counted { output: BufWriter::with_capacity(BUFFER_BYTES, file), bytes: 0 };
        // From here on the file is removed if it is not completed.
        let mut writer = Writer { encoder: None, names: Names { in_progress, path }, complete: false };
        writer.encoder = Some(match (&config.format, &records.rows, config.compression) {
            (FileFormat::Lines, _, Compression::None) => Encoder::Plain(counted),
            (FileFormat::Lines, _, Compression::Gzip) => {
                Encoder::Gzip(Box::new(GzEncoder::new(counted, flate2::Compression::fast())))
            }
            (FileFormat::Lines, _, Compression::Zstd) => {
                Encoder::Zstd(Box::new(zstd::Encoder::new(counted, zstd::DEFAULT_COMPRESSION_LEVEL)?))
            }
            (format, Some(rows), _) => Encoder::Rows(file_writer(format, &rows.schema(), counted)?),
            (_, None, _) => return Err(io::Error::other("it was given records, and takes rows")),
        });
        if let Some(line) = &records.first_line {
            writer.write_line(line)?;
        }
        Ok(Some(writer))
    }

    pub fn path(&self) -> &Path {
        &self.names.path
    }

    /// Bytes of the file so far, less what the compression still holds back.
    pub fn bytes(&self) -> u64 {
        match &self.encoder {
            None => 0,
            Some(Encoder::Plain(counted)) => counted.bytes,
            Some(Encoder::Gzip(encoder)) => encoder.get_ref().bytes,
            Some(Encoder::Zstd(encoder)) => encoder.get_ref().bytes,
            Some(Encoder::Rows(writer)) => writer.bytes(),
        }
    }

    /// Bytes of memory that rows wait in.
    pub fn held_bytes(&self) -> usize {
        match &self.encoder {
            Some(Encoder::Rows(writer)) => writer.held_bytes(),
            _ => 0,
        }
    }

    /// Writes rows that wait in memory.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.encoder {
            Some(Encoder::Rows(writer)) => writer.flush(),
            _ => Ok(()),
        }
    }

    pub fn write_rows(&mut self, rows: &RecordBatch) -> io::Result<()> {
        match &mut self.encoder {
            Some(Encoder::Rows(writer)) => writer.write(rows),
            _ => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    pub fn write_line(&mut self, row: &[u8]) -> io::Result<()> {
        let output: &mut dyn Write = match &mut self.encoder {
            None | Some(Encoder::Rows(_)) => return Err(ErrorKind::BrokenPipe.into()),
            Some(Encoder::Plain(counted)) => counted,
            Some(Encoder::Gzip(encoder)) => encoder,
            Some(Encoder::Zstd(encoder)) => encoder,
        };
        output.write_all(row)?;
        output.write_all(b"\n")
    }

    /// Puts the file on disk; its name only is when its directory is, too.
    pub fn complete(mut self) -> io::Result<Complete> {
        let counted = match self.encoder.take() {
            None => return Err(ErrorKind::BrokenPipe.into()),
            Some(Encoder::Plain(counted)) => counted,
            Some(Encoder::Gzip(encoder)) => encoder.finish()?,
            Some(Encoder::Zstd(encoder)) => encoder.finish()?,
            Some(Encoder::Rows(writer)) => writer.finish()?,
        };
        let file = counted.output.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        self.complete = true;
        Ok(Complete { names: self.names.clone(), _locked: file })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.complete {
            // If that fails, the next start does it.
            let _ = remove_file(&self.names.in_progress);
        }
    }
}

/// Removes a file that a process which has ended was writing; leaves it if somebody still writes it.
pub fn remove_leftover(path: &Path) -> io::Result<()> {
    let gone = |error: io::Error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return gone(error),
    };
    if lock(&file)? && is_at(&file, path)? { remove_file(path).or_else(gone) } else { Ok(()) }
}

pub fn in_progress(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(IN_PROGRESS);
    PathBuf::from(name)
}

/// Locks a file; false if another process or slot holds it.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The path still leads to this file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Counts what goes into a file.
struct Counted {
    output: BufWriter<File>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
