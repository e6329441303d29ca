//! The encoder's frame: one row, one object.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Fields, SchemaRef};

use super::value::{Values, write_string};
use crate::registry::framing;
use crate::{Encoder, Rows};

/// Encodes rows as JSON objects.
///
/// Encoding cannot fail: a type that a plan cannot name is written as text, or as null where it has none.
pub struct JsonEncoder {
    names: Names,
    /// Stands before each record.
    header: Vec<u8>,
    /// Bytes of the last record, to reserve room for the next ones.
    record_bytes: usize,
}

/// The names of an object's fields as they are written, and what is nested in each.
pub(crate) struct Names(Vec<Name>);

struct Name {
    /// `,"name":`, without the comma for the first.
    prefix: Vec<u8>,
    nested: Nested,
}

/// The names inside of a type.
pub(crate) enum Nested {
    None,
    Object(Names),
    List(Box<Nested>),
}

/// The fields of rows, or of structs, of one batch.
pub(super) struct Objects<'a>(Vec<(&'a [u8], Values<'a>)>);

impl JsonEncoder {
    /// `schema` names the fields; batches have its columns.
    pub fn new(schema: SchemaRef) -> Self {
        JsonEncoder { names: Names::new(schema.fields()), header: Vec::new(), record_bytes: 0 }
    }

    /// Records name their schema, if there is an `id`.
    pub fn framed(schema: SchemaRef, id: Option<u32>) -> Self {
        let header = id.map_or_else(Vec::new, |id| framing::header(id).to_vec());
        JsonEncoder { header, ..JsonEncoder::new(schema) }
    }
}

impl Encoder for JsonEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        let objects = Objects::new(&self.names, batch.columns());
        let start = out.bytes();
        out.buffer().reserve(self.record_bytes * batch.num_rows());
        for row in 0..batch.num_rows() {
            out.buffer().extend_from_slice(&self.header);
            objects.write(row, out.buffer());
            out.end_row();
        }
        if batch.num_rows() > 0 {
            self.record_bytes = (out.bytes() - start).div_ceil(batch.num_rows());
        }
    }
}

impl Names {
    fn new(fields: &Fields) -> Self {
        let name = |(index, field): (usize, &arrow::datatypes::FieldRef)| {
            let mut prefix = if index == 0 { Vec::new() } else { vec![b','] };
            write_string(field.name().as_bytes(), &mut prefix);
            prefix.push(b':');
            Name { prefix, nested: Nested::new(field.data_type()) }
        };
        Names(fields.iter().enumerate().map(name).collect())
    }
}

impl Nested {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Struct(fields) => Nested::Object(Names::new(fields)),
            DataType::List(item) => Nested::List(Box::new(Nested::new(item.data_type()))),
            _ => Nested::None,
        }
    }
}

impl<'a> Objects<'a> {
    pub fn new(names: &'a Names, columns: &'a [ArrayRef]) -> Self {
        let fields = names.0.iter().zip(columns);
        Objects(fields.map(|(name, column)| (name.prefix.as_slice(), Values::new(&name.nested, column))).collect())
    }

    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        for (prefix, values) in &self.0 {
            out.extend_from_slice(prefix);
            values.write(row, out);
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray, StructArray, UInt64Array};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    #[test]
    fn a_row_is_one_object_with_all_fields() {
        let inner = Fields::from(vec![Field::new("x", DataType::Int64, true)]);
        let structs = StructArray::new(inner.clone(), vec![Arc::new(Int64Array::from(vec![Some(1), None]))], None);
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("a \"name\"", DataType::Utf8, true),
            Field::new("s", DataType::Struct(inner), false),
            Field::new("other", DataType::UInt64, false),
        ]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(i64::MIN), None])),
            Arc::new(StringArray::from(vec![None, Some("a\nb")])),
            Arc::new(structs),
            Arc::new(UInt64Array::from(vec![u64::MAX, 0])),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let mut rows = Rows::default();
        JsonEncoder::new(schema).encode(&batch, &mut rows);
        let texts: Vec<_> = (0..rows.len()).map(|row| std::str::from_utf8(rows.get(row).unwrap()).unwrap()).collect();
        assert_eq!(
            texts,
            [
                r#"{"n":-9223372036854775808,"a \"name\"":null,"s":{"x":1},"other":"18446744073709551615"}"#,
                r#"{"n":null,"a \"name\"":"a\nb","s":{"x":null},"other":"0"}"#,
            ]
        );
    }
}
