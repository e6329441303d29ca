//! Columns of lists.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef};

use super::error::{Result, broken, within, wrong_type};
use super::object::Field;
use super::{scan, skip};

/// The items of all lists end to end.
pub(super) struct List {
    items: Field,
    /// Where each list ends in `items`, after a leading 0.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    item_field: FieldRef,
}

impl List {
    pub fn new(item_field: &FieldRef) -> Self {
        List {
            items: Field::new(item_field),
            offsets: vec![0],
            nulls: NullBufferBuilder::new(0),
            item_field: item_field.clone(),
        }
    }

    /// Appends the array at `at`; gives the position after it.
    pub fn read(&mut self, json: &[u8], at: usize, depth: usize) -> Result<usize> {
        if json.get(at) != Some(&b'[') {
            return Err(wrong_type(json, at, &DataType::List(self.item_field.clone())));
        }
        let depth = depth + 1;
        skip::check_depth(json, at, depth)?;
        let first = self.items.len();
        let mut at = scan::space(json, at + 1);
        if json.get(at) == Some(&b']') {
            at += 1;
        } else {
            loop {
                at = match self.items.read(json, at, depth) {
                    Ok(end) => scan::space(json, end),
                    Err(error) => return Err(within(error, &format!("[{}]", self.items.len() - first))),
                };
                match json.get(at) {
                    Some(b',') => at = scan::space(json, at + 1),
                    Some(b']') => {
                        at += 1;
                        break;
                    }
                    _ => return Err(broken(json, at, "expected ',' or ']' after an item")),
                }
            }
        }
        self.offsets.push(self.items.len() as i32);
        self.nulls.append_non_null();
        Ok(at)
    }

    pub fn append_null(&mut self) {
        self.offsets.push(self.items.len() as i32);
        self.nulls.append_null();
    }

    pub fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.items.truncate(self.offsets[len] as usize);
        self.nulls.truncate(len);
    }

    pub fn finish(&mut self) -> ArrayRef {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        // SAFETY: the offsets start at 0, rise and end at the number of items.
        let offsets = unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets)) };
        let items = self.items.finish();
        // SAFETY: there is one validity a list, and the items have the type of their field.
        Arc::new(unsafe { ListArray::new_unchecked(self.item_field.clone(), offsets, items, self.nulls.finish()) })
    }
}
