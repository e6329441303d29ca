//! Columns of strings and bytes.

use arrow::array::ArrayRef;
use arrow::array::types::{BinaryType, Utf8Type};
use arrow::datatypes::DataType;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::{Result, wrong_type};
use super::string;
use crate::builders::Variable;

pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

    pub fn get(&self, row: usize) -> Option<&[u8]> {
        self.0.get(row)
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
