//! Encoded records.

/// Encoded records, one after the other in one buffer.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    data: Vec<u8>,
    /// The end of each row in `data`.
    ends: Vec<usize>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all rows.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let end = *self.ends.get(row)?;
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        self.data.get(start..end)
    }

    /// Appends to the row that the next [`Rows::end_row`] closes.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    pub fn end_row(&mut self) {
        self.ends.push(self.data.len());
    }

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
    pub fn push(&mut self, cell: Option<&[u8]>) {
        if let Some(bytes) = cell {
            self.rows.data.extend_from_slice(bytes);
        }
        self.rows.end_row();
        self.present.push(cell.is_some());
    }

    /// `None` where the entry is absent.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        if *self.present.get(row)? { self.rows.get(row) } else { None }
    }
}
