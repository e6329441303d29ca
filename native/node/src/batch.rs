//! Batches on their way to JavaScript and back, by a copy of what is small and of what comes back.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, SchemaRef};
use millrace_engine::{Error, ErrorCode, Result};
use napi::Either;
use napi::bindgen_prelude::{Uint8Array, Uint32Array};
use napi_derive::napi;

/// Rows as columns. Buffers are Arrow's, little-endian, and start with the first row.
#[napi(object)]
pub struct Batch {
    pub length: u32,
    pub columns: Vec<Column>,
}

/// One column. Which buffers there are depends on its type: fixed-width types and booleans (a bit each) have `values`,
/// strings and bytes `offsets` (int32, one more than rows) and `values`, lists `offsets` and one child, structs children.
#[napi(object)]
pub struct Column {
    pub length: u32,
    pub values: Option<Bytes>,
    pub offsets: Option<Bytes>,
    /// A bit a row, 0 for null; absent where there are no nulls.
    pub valid: Option<Bytes>,
    pub children: Vec<Column>,
    /// Of what a function made: it is this column of its input, as it was; there are no buffers.
    pub same: Option<u32>,
}

/// A view of memory, or where bytes begin in the memory of [`Scratch`].
pub type Bytes = Either<Uint8Array, u32>;

/// Memory of JavaScript's that small buffers are copied to, anew for each batch. To lend a buffer costs more than to copy
/// some ten KB of it, and each that is lent hastens the next collection of garbage.
pub struct Scratch {
    memory: Uint8Array,
    used: usize,
}

/// A column of 64 bits of the largest batch is half of it.
const COPIED_BYTES: usize = 128 << 10;

impl Scratch {
    pub fn new(memory: Uint8Array) -> Self {
        Scratch { memory, used: 0 }
    }

    fn give(&mut self, buffer: Buffer) -> Bytes {
        let (start, end) = (self.used, self.used + buffer.len());
        if buffer.len() > COPIED_BYTES || end > self.memory.len() || self.memory.is_empty() {
            return Either::A(lent(buffer));
        }
        // SAFETY: no JavaScript runs on this thread meanwhile, and no other thread has the memory.
        let memory = unsafe { self.memory.as_mut() };
        memory[start..end].copy_from_slice(&buffer);
        // Views of numbers have to be aligned to them.
        self.used = end.next_multiple_of(8);
        Either::B(start as u32)
    }
}

/// What a user function made of a batch.
#[napi(object)]
pub struct Mapped {
    pub rows: Batch,
    /// For each row the input row that it came from; absent where rows map one to one.
    pub origin: Option<Uint32Array>,
}

impl Batch {
    /// Views of the core's memory alone, which stay as long as they are held.
    pub fn lent(rows: &RecordBatch) -> Self {
        Batch::of(rows, &mut Scratch::new(Uint8Array::new(Vec::new())))
    }

    /// Takes rows over; what does not fit `schema` is an error.
    pub fn into_rows(self, schema: &SchemaRef) -> Result<RecordBatch> {
        let nothing = RecordBatch::new_empty(schema.clone());
        Ok(Mapped { rows: self, origin: None }.into_rows(&nothing, schema)?.rows)
    }

    /// Holds until the next one is made of the same memory.
    pub fn of(rows: &RecordBatch, scratch: &mut Scratch) -> Self {
        scratch.used = 0;
        let columns = rows.columns().iter().map(|column| Column::of(&column.to_data(), scratch)).collect();
        Batch { length: rows.num_rows() as u32, columns }
    }
}

impl Column {
    fn of(data: &ArrayData, scratch: &mut Scratch) -> Self {
        let (offset, length) = (data.offset(), data.len());
        let buffer = |index: usize, width: usize, count: usize| {
            data.buffers().get(index).map(|buffer| buffer.slice_with_length(offset * width, count * width))
        };
        let bits = |buffer: &Buffer| buffer.bit_slice(offset, length);
        let (offsets, values) = match data.data_type() {
            DataType::Boolean => (None, data.buffers().first().map(bits)),
            DataType::Utf8 | DataType::Binary => (buffer(0, 4, length + 1), data.buffers().get(1).cloned()),
            DataType::List(_) => (buffer(0, 4, length + 1), None),
            DataType::Struct(_) => (None, None),
            fixed => (None, fixed.primitive_width().and_then(|width| buffer(0, width, length))),
        };
        let nulls = data.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.inner().sliced());
        let mut give = |buffer: Option<Buffer>| buffer.map(|buffer| scratch.give(buffer));
        let (values, offsets, valid) = (give(values), give(offsets), give(nulls));
        let child = |child: &ArrayData| match data.data_type() {
            DataType::Struct(_) => Column::of(&child.slice(offset, length), scratch),
            _ => Column::of(child, scratch),
        };
        let children = data.child_data().iter().map(child).collect();
        Column { length: length as u32, values, offsets, valid, children, same: None }
    }
}

/// A view of the core's memory, which stays as long as JavaScript holds it.
fn lent(buffer: Buffer) -> Uint8Array {
    if buffer.is_empty() {
        return Uint8Array::new(Vec::new());
    }
    // SAFETY: the bytes are valid and do not move while the buffer lives, and the closure holds it until the view is
    // collected. JavaScript is told not to write to them.
    unsafe { Uint8Array::with_external_data(buffer.as_ptr().cast_mut(), buffer.len(), move |_, _| drop(buffer)) }
}

impl Mapped {
    /// Takes the rows over; what does not fit `schema` is an error.
    pub fn into_rows(self, input: &RecordBatch, schema: &SchemaRef) -> Result<millrace_engine::Mapped> {
        let length = self.rows.length as usize;
        if self.rows.columns.len() != schema.fields().len() {
            return Err(wrong("the number of columns is not that of the step"));
        }
        let fields = schema.fields().iter().zip(self.rows.columns);
        let array = |(field, column): (&Arc<Field>, Column)| match column.same {
            Some(same) => input.columns().get(same as usize).cloned().ok_or_else(|| wrong("there is no such column")),
            None => column.into_array(field.data_type()),
        };
        let columns = fields.map(array).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(length));
        let rows = RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(wrong)?;
        Ok(millrace_engine::Mapped { rows, origin: self.origin.map(|origin| origin.to_vec()) })
    }
}

impl Column {
    fn into_array(self, data_type: &DataType) -> Result<ArrayRef> {
        Ok(make_array(self.into_data(data_type)?))
    }

    fn into_data(self, data_type: &DataType) -> Result<ArrayData> {
        let taken = |bytes: Option<Bytes>| match bytes {
            Some(Either::A(bytes)) => Ok(Buffer::from(bytes.as_ref())),
            _ => Err(wrong(format!("a buffer of {data_type} is missing"))),
        };
        let mut builder = ArrayData::builder(data_type.clone()).len(self.length as usize);
        builder = builder.null_bit_buffer(self.valid.map(|valid| taken(Some(valid))).transpose()?);
        let mut children = self.children.into_iter();
        let mut child = |of: &DataType| {
            children.next().ok_or_else(|| wrong(format!("a child of {data_type} is missing")))?.into_data(of)
        };
        builder = match data_type {
            DataType::Utf8 | DataType::Binary => builder.buffers(vec![taken(self.offsets)?, taken(self.values)?]),
            DataType::List(item) => builder.add_buffer(taken(self.offsets)?).add_child_data(child(item.data_type())?),
            DataType::Struct(fields) => {
                builder.child_data(fields.iter().map(|field| child(field.data_type())).collect::<Result<_>>()?)
            }
            _ => builder.add_buffer(taken(self.values)?),
        };
        // Checks lengths, offsets and UTF-8.
        builder.align_buffers(true).build().map_err(wrong)
    }
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Function, format!("what the function returned cannot be taken over: {error}"))
}
