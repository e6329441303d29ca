use std::fmt::Display;

use crate::Rows;

/// Writes records that begin with the same bytes: those that name their schema.
#[derive(Default)]
pub(crate) struct Headed {
    header: Vec<u8>,
    /// Bytes of the last record, to reserve room for the next ones.
    record_bytes: usize,
    failure: Option<String>,
}

impl Headed {
    pub fn new(header: Vec<u8>) -> Self {
        Headed { header, ..Headed::default() }
    }

    /// So many records, each as `write` appends it. Ends before the first that it cannot write; [`Headed::take_failure`] tells why.
    #[inline]
    pub fn write<E: Display>(
        &mut self,
        records: usize,
        out: &mut Rows,
        write: impl Fn(usize, &mut Vec<u8>) -> Result<(), E>,
    ) {
        let start = out.bytes();
        out.buffer().reserve(self.record_bytes * records);
        for record in 0..records {
            let begin = out.bytes();
            out.buffer().extend_from_slice(&self.header);
            if let Err(error) = write(record, out.buffer()) {
                out.buffer().truncate(begin);
                self.failure = Some(error.to_string());
                return;
            }
            out.end_row();
        }
        if records > 0 {
            self.record_bytes = (out.bytes() - start).div_ceil(records);
        }
    }

    pub fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }
}
