//! Writes rows to standard output, one a line.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use crate::{Error, Records, Result, Sink};

/// Bytes that are held back at most before they are written.
const BUFFER_BYTES: usize = 64 << 10;

/// How long to wait for a reader that is slower than the job.
const RETRY: Duration = Duration::from_millis(1);

/// Slots take turns, so that their lines do not mix.
static TURN: Mutex<()> = Mutex::new(());

/// Standard output of the process, shared by all slots. It is written at once when something is idle or an epoch ends;
/// a reader that does not read holds the job back.
pub struct StdoutSink<W = File> {
    output: W,
    /// Whole lines.
    buffer: Vec<u8>,
    epochs: u64,
}

impl StdoutSink {
    pub fn open() -> Result<StdoutSink> {
        // A handle of its own, as the standard library's buffers lines, and loses count when a write would block.
        let output = io::stdout().as_fd().try_clone_to_owned().map_err(|error| failed(&error))?;
        Ok(StdoutSink::new(File::from(output)))
    }
}

impl<W: Write> StdoutSink<W> {
    fn new(output: W) -> StdoutSink<W> {
        StdoutSink { output, buffer: Vec::with_capacity(BUFFER_BYTES), epochs: 0 }
    }

    fn write_out(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = self.buffer.as_slice();
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(failed(&ErrorKind::WriteZero.into())),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Node makes pipes and terminals non-blocking.
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(RETRY),
                Err(error) => return Err(failed(&error)),
            }
        }
        self.buffer.clear();
        Ok(())
    }
}

impl<W: Write> Sink for StdoutSink<W> {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        for row in from..records.values.len() {
            self.buffer.extend_from_slice(records.values.get(row).unwrap_or_default());
            self.buffer.push(b'\n');
            if self.buffer.len() >= BUFFER_BYTES {
                self.write_out()?;
            }
        }
        Ok(records.values.len().saturating_sub(from))
    }

    fn poll(&mut self, _now_ms: u64) -> Result<()> {
        self.write_out()
    }

    fn begin_epoch(&mut self) -> Result<()> {
        self.write_out()?;
        self.epochs += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        self.epochs
    }

    fn flush(&mut self) -> Result<()> {
        self.write_out()
    }
}

fn failed(error: &io::Error) -> Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return Error(
            "stdout sink: the program that reads the output has ended. Keep it running, or write to a file.".into(),
        );
    }
    Error(format!("stdout sink: the output could not be written: {error}. Check where it goes."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Takes a few bytes at a time and blocks in between.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
        blocks: bool,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.blocks = !self.blocks;
            if self.blocks {
                return Err(ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(3);
            self.taken.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
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

    #[test]
    fn rows_become_lines_when_the_epoch_ends() {
        let mut sink = StdoutSink::new(Vec::new());
        assert_eq!(sink.write(&records(&["skipped", "{\"a\":1}", ""]), 1).unwrap(), 2);
        assert_eq!((sink.output.len(), sink.durable_epochs()), (0, 0));
        sink.begin_epoch().unwrap();
        assert_eq!((sink.output.as_slice(), sink.durable_epochs()), (&b"{\"a\":1}\n\n"[..], 1));
    }

    #[test]
    fn rows_are_written_by_the_next_poll_without_waiting_for_an_epoch() {
        let mut sink = StdoutSink::new(Vec::new());
        sink.write(&records(&["a"]), 0).unwrap();
        sink.poll(0).unwrap();
        assert_eq!(sink.output, b"a\n");
    }

    #[test]
    fn a_slow_reader_gets_every_byte_in_order() {
        let mut sink = StdoutSink::new(Slow::default());
        sink.write(&records(&["first line", "second line"]), 0).unwrap();
        sink.flush().unwrap();
        assert_eq!(sink.output.taken, b"first line\nsecond line\n");
    }

    #[test]
    fn a_reader_that_has_gone_is_an_error_that_says_so() {
        let mut sink = StdoutSink::new(Closed);
        sink.write(&records(&["a"]), 0).unwrap();
        let error = sink.begin_epoch().unwrap_err().to_string();
        assert!(error.contains("the program that reads the output has ended"), "{error}");
    }
}
