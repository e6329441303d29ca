//! Columns of strings and bytes.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::types::{BinaryType, Utf8Type};
use arrow::array::{ArrayRef, GenericByteArray, NullBufferBuilder, types::ByteArrayType};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::{Result, wrong_type};
use super::string;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Values end to end. Bytes after the last offset belong to a value that is still being read: `end_value` closes it,
/// `truncate` drops it. The decoder holds no more bytes of records than an i32 offset can reach.
struct Variable<T: ByteArrayType<Offset = i32>> {
    data: Vec<u8>,
    /// Where each value ends, after a leading 0.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    array: PhantomData<T>,
}

impl<T: ByteArrayType<Offset = i32>> Variable<T> {
    fn new() -> Self {
        Variable { data: Vec::new(), offsets: vec![0], nulls: NullBufferBuilder::new(0), array: PhantomData }
    }

    #[inline]
    fn end_value(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_non_null();
    }

    fn append_null(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_null();
    }

    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.data.truncate(self.offsets[len] as usize);
        self.nulls.truncate(len);
    }

    /// # Safety
    /// The values must be what `T` asks for: UTF-8 for strings.
    unsafe fn finish(&mut self) -> ArrayRef {
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

pub(super) struct Strings(Variable<Utf8Type>);

impl Strings {
    pub fn new() -> Self {
        Strings(Variable::new())
    }

    /// Appends the string at `at`; gives the position after it.
    #[inline]
    pub fn read(&mut self, json: &[u8], at: usize) -> Result<usize> {
        if json.get(at) != Some(&b'"') {
            return Err(wrong_type(json, at, &DataType::Utf8));
        }
        let end = string::append(json, at, &mut self.0.data)?;
        self.0.end_value();
        Ok(end)
    }

    pub fn append_null(&mut self) {
        self.0.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub fn finish(&mut self) -> ArrayRef {
        // SAFETY: `string::append` verifies what it appends.
        unsafe { self.0.finish() }
    }
}

pub(super) struct Bytes {
    values: Variable<BinaryType>,
    scratch: Vec<u8>,
}

impl Bytes {
    pub fn new() -> Self {
        Bytes { values: Variable::new(), scratch: Vec::new() }
    }

    /// Appends the base64 string at `at`; gives the position after it.
    pub fn read(&mut self, json: &[u8], at: usize) -> Result<usize> {
        if json.get(at) == Some(&b'"') {
            let (text, end) = string::text(json, at, &mut self.scratch)?;
            if BASE64.decode_vec(text, &mut self.values.data).is_ok() {
                self.values.end_value();
                return Ok(end);
            }
        }
        Err(wrong_type(json, at, &DataType::Binary))
    }

    pub fn append_null(&mut self) {
        self.values.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
    }

    pub fn finish(&mut self) -> ArrayRef {
        // SAFETY: any bytes will do.
        unsafe { self.values.finish() }
    }
}
