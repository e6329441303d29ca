//! Encoded records.

/// Encoded records, one after the other in one buffer.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    data: Vec<u8>,
    /// The end of each row in `data`.
    ends: Vec<usize>,
}

impl Rows {
    /// Rows that are closed.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no row is closed.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all rows.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// The bytes of a row, `None` beyond the last.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let end = *self.ends.get(row)?;
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        self.data.get(start..end)
    }

    /// Appends to the row that the next [`Rows::end_row`] closes.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    /// Closes the row that the buffer's end holds.
    pub fn end_row(&mut self) {
        self.ends.push(self.data.len());
    }

    /// Drops all rows and keeps the room they took.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }
}

/// One optional entry a row: record keys, or one header.
#[derive(Debug, Default, Clone)]
pub struct Cells {
    rows: Rows,
    present: Vec<bool>,
}

impl Cells {
    /// Appends the entry of the next row.
    pub fn push(&mut self, cell: Option<&[u8]>) {
        if let Some(bytes) = cell {
            self.rows.data.extend_from_slice(bytes);
        }
        self.rows.end_row();
        self.present.push(cell.is_some());
    }

    /// The entry of a row, `None` where it is absent.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        if *self.present.get(row)? { self.rows.get(row) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_end_to_end() {
        let mut rows = Rows::default();
        for text in ["one", "", "three"] {
            rows.buffer().extend_from_slice(text.as_bytes());
            rows.end_row();
        }
        assert_eq!((rows.len(), rows.bytes()), (3, 8));
        assert_eq!((rows.get(0), rows.get(1), rows.get(2)), (Some(&b"one"[..]), Some(&b""[..]), Some(&b"three"[..])));
        assert_eq!(rows.get(3), None);
        rows.clear();
        assert!(rows.is_empty());
    }

    #[test]
    fn an_absent_cell_is_not_an_empty_one() {
        let mut cells = Cells::default();
        for cell in [Some(&b"key"[..]), None, Some(b"")] {
            cells.push(cell);
        }
        assert_eq!((cells.get(0), cells.get(1), cells.get(2)), (Some(&b"key"[..]), None, Some(&b""[..])));
        assert_eq!(cells.get(3), None);
    }
}
