//! Columns of strings and bytes.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{ArrayRef, GenericByteArray, NullBufferBuilder, types::ByteArrayType};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};

/// Values end to end. Bytes after the last offset belong to a value that is still being read: `end_value` closes it,
/// `truncate` drops it. Whoever appends sees to it that there are no more bytes than an i32 offset can reach.
pub(crate) struct Variable<T: ByteArrayType<Offset = i32>> {
    pub data: Vec<u8>,
    /// Where each value ends, after a leading 0.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    array: PhantomData<T>,
}

impl<T: ByteArrayType<Offset = i32>> Variable<T> {
    pub fn new() -> Self {
        Variable { data: Vec::new(), offsets: vec![0], nulls: NullBufferBuilder::new(0), array: PhantomData }
    }

    /// Appends a value; false where an offset cannot reach its end.
    #[inline]
    pub fn append(&mut self, value: &[u8]) -> bool {
        if value.len() > i32::MAX as usize - self.data.len() {
            return false;
        }
        self.data.extend_from_slice(value);
        self.end_value();
        true
    }

    #[inline]
    pub fn end_value(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_non_null();
    }

    /// A value that is closed, `None` where it is null.
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        let (start, end) = (*self.offsets.get(row)?, *self.offsets.get(row + 1)?);
        self.data.get(start as usize..end as usize).filter(|_| self.nulls.is_valid(row))
    }

    /// Values that are closed.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn append_null(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.data.truncate(self.offsets[len] as usize);
        self.nulls.truncate(len);
    }

    /// # Safety
    /// The values must be what `T` asks for: UTF-8 for strings.
    pub unsafe fn finish(&mut self) -> ArrayRef {
        let mut next_offsets = Vec::with_capacity(self.offsets.len());
        next_offsets.push(0);
        let offsets = std::mem::replace(&mut self.offsets, next_offsets);
        let capacity = self.data.len();
        let data = std::mem::replace(&mut self.data, Vec::with_capacity(capacity));
        // SAFETY: the offsets start at 0, rise and end at the data's length.
        let offsets = unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets)) };
        // SAFETY: there is one offset and one validity a value; the caller vouches for the values.
        Arc::new(unsafe { GenericByteArray::<T>::new_unchecked(offsets, Buffer::from_vec(data), self.nulls.finish()) })
    }
}
