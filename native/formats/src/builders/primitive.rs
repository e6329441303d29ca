//! Columns whose values have a fixed width.

use arrow::array::{BooleanBufferBuilder, NullBufferBuilder};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;

/// Values and their validity; the bitmap is made when the first null comes.
pub(crate) struct Primitive<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowNativeType> Primitive<T> {
    pub fn new() -> Self {
        Primitive { values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub fn append(&mut self, value: T) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_null(&self, row: usize) -> bool {
        !self.nulls.is_valid(row)
    }

    pub fn append_null(&mut self) {
        self.values.push(T::default());
        self.nulls.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.nulls.truncate(len);
    }

    /// Takes the values out, as the two parts of an array.
    pub fn finish(&mut self) -> (ScalarBuffer<T>, Option<NullBuffer>) {
        // The next batch is likely to be as long.
        let capacity = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity));
        (values.into(), self.nulls.finish())
    }
}

/// The same for single bits.
pub(crate) struct Booleans {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl Booleans {
    pub fn new() -> Self {
        Booleans { values: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) }
    }

    #[inline]
    pub fn append(&mut self, value: bool) {
        self.values.append(value);
        self.nulls.append_non_null();
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_null(&self, row: usize) -> bool {
        !self.nulls.is_valid(row)
    }

    pub fn append_null(&mut self) {
        self.values.append(false);
        self.nulls.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.nulls.truncate(len);
    }

    pub fn finish(&mut self) -> (BooleanBuffer, Option<NullBuffer>) {
        (self.values.finish(), self.nulls.finish())
    }
}
