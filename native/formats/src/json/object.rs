//! The fields of an object, read into one column each.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::datatypes::{FieldRef, Fields};

use super::column::Column;
use super::error::{Result, bad_value, broken, within};
use super::field_order::{FieldOrder, Target};
use super::{scan, skip, string};

/// The columns of a record or of a struct. A row is one object.
pub(super) struct Object {
    fields: Vec<Field>,
    by_name: HashMap<Vec<u8>, usize>,
    order: FieldOrder,
    rows: usize,
    /// A name that is written with escapes.
    name: Vec<u8>,
}

/// A column of an object, or the items of a list.
pub(super) struct Field {
    name: String,
    nullable: bool,
    len: usize,
    /// Whether the last value is null.
    is_null: bool,
    column: Column,
}

impl Object {
    pub fn new(fields: &Fields) -> Self {
        let by_name =
            fields.iter().enumerate().map(|(index, field)| (field.name().as_bytes().to_vec(), index)).collect();
        let fields = fields.iter().map(Field::new).collect();
        Object { fields, by_name, order: FieldOrder::default(), rows: 0, name: Vec::new() }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the object whose opening brace is at `at`, as a part of `depth` objects and arrays; gives the position
    /// after it. On an error [`Object::truncate`] must follow.
    pub fn read(&mut self, json: &[u8], at: usize, depth: usize) -> Result<usize> {
        let depth = depth + 1;
        skip::check_depth(json, at, depth)?;
        let mut at = scan::space(json, at + 1);
        let mut appended = 0;
        if json.get(at) == Some(&b'}') {
            at += 1;
        } else {
            let mut place = 0;
            loop {
                let (target, value) = match self.order.expect(json, at, &mut place) {
                    Some(expected) => expected,
                    None => self.look_up(json, at, &mut place)?,
                };
                at = match target.and_then(|index| self.fields.get_mut(index)) {
                    Some(field) => {
                        // A name that occurs twice: the last value counts.
                        if field.len > self.rows {
                            field.truncate(self.rows);
                            appended -= 1;
                        }
                        appended += 1;
                        match field.read(json, value, depth) {
                            Ok(end) => end,
                            Err(error) => return Err(within(error, &field.name)),
                        }
                    }
                    None => skip::value(json, value, depth)?,
                };
                at = scan::space(json, at);
                match json.get(at) {
                    Some(b',') => at = scan::space(json, at + 1),
                    Some(b'}') => {
                        at += 1;
                        break;
                    }
                    _ => return Err(broken(json, at, "expected ',' or '}' after a field")),
                }
            }
        }
        if appended < self.fields.len() {
            self.append_missing()?;
        }
        self.rows += 1;
        Ok(at)
    }

    /// A row without values, for a struct that is null itself.
    pub fn append_null(&mut self) {
        self.fields.iter_mut().for_each(Field::append_null);
        self.rows += 1;
    }

    /// Drops all but the first `rows` rows, and what a failed read left.
    pub fn truncate(&mut self, rows: usize) {
        self.fields.iter_mut().for_each(|field| field.truncate(rows));
        self.rows = rows;
    }

    /// The field that a path through structs leads to.
    pub fn last(&self, path: &[usize]) -> Option<&Field> {
        let (first, rest) = path.split_first()?;
        let field = self.fields.get(*first)?;
        match &field.column {
            _ if rest.is_empty() => Some(field),
            Column::Struct(structs) => structs.object().last(rest),
            _ => None,
        }
    }

    /// Takes the columns out, each with one value a row.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        self.rows = 0;
        self.fields.iter_mut().map(Field::finish).collect()
    }

    /// Reads the name of the field at `at`; gives what it leads to and the position of its value.
    #[inline(never)]
    fn look_up(&mut self, json: &[u8], at: usize, place: &mut usize) -> Result<(Target, usize)> {
        if json.get(at) != Some(&b'"') {
            return Err(broken(json, at, "expected a field name in quotes"));
        }
        let (name, end) = string::text(json, at, &mut self.name).map_err(in_name)?;
        let target = self.by_name.get(name).copied();
        let colon = scan::space(json, end);
        if json.get(colon) != Some(&b':') {
            return Err(broken(json, colon, "expected ':' after a field name"));
        }
        let value = scan::space(json, colon + 1);
        self.order.remember(*place, &json[at..value], target);
        *place += 1;
        Ok((target, value))
    }

    fn append_missing(&mut self) -> Result<()> {
        for field in &mut self.fields {
            if field.len > self.rows {
                continue;
            }
            if !field.nullable {
                return Err(within(bad_value("missing, and it is not nullable"), &field.name));
            }
            field.append_null();
        }
        Ok(())
    }
}

impl Field {
    pub fn new(field: &FieldRef) -> Self {
        Field {
            name: field.name().clone(),
            nullable: field.is_nullable(),
            len: 0,
            is_null: false,
            column: Column::new(field.data_type()),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends the value at `at`; gives the position after it.
    #[inline(always)]
    pub fn read(&mut self, json: &[u8], at: usize, depth: usize) -> Result<usize> {
        let end = if json.get(at) == Some(&b'n') {
            let end = skip::literal(json, at, "null")?;
            if !self.nullable {
                return Err(bad_value("null, and it is not nullable"));
            }
            self.column.append_null();
            self.is_null = true;
            end
        } else {
            self.is_null = false;
            self.column.read(json, at, depth)?
        };
        self.len += 1;
        Ok(end)
    }

    fn append_null(&mut self) {
        self.column.append_null();
        self.is_null = true;
        self.len += 1;
    }

    pub fn is_null(&self) -> bool {
        self.is_null
    }

    /// The last value of a column of strings.
    pub fn last_text(&self) -> Option<&[u8]> {
        match &self.column {
            Column::Utf8(values) => values.get(self.len.checked_sub(1)?),
            _ => None,
        }
    }

    pub fn truncate(&mut self, len: usize) {
        self.column.truncate(len);
        self.len = len;
    }

    pub fn finish(&mut self) -> ArrayRef {
        self.len = 0;
        self.column.finish()
    }
}

/// A fault of a field's name belongs to no column.
#[cold]
fn in_name(mut error: Box<crate::BadRecord>) -> Box<crate::BadRecord> {
    if error.column.take().is_some() {
        error.message.insert_str(0, "a field name has ");
    }
    error
}
