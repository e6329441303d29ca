//! The decoder's frame: one record, one row.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::compile::compile;
use super::program::Program;
use super::schema::{self, Schema};
use crate::bad_record::bad_record;
use crate::builders::RowBuilder;
use crate::debezium::Peek;
use crate::registry::{Known, Missing, SchemaKind, Schemas, framing, in_schema, look_up};
use crate::{BadRecord, Decoder, FormatError};

/// Decodes Avro records into the columns of a schema.
pub struct AvroDecoder {
    rows: RowBuilder,
    programs: Programs,
    failure: Option<String>,
}

enum Programs {
    One(Program),
    ById(ById, Known<u32, Program>),
}

/// What the programs of schemas are made with that records name.
struct ById {
    schemas: Arc<dyn Schemas>,
    reader: Option<Schema>,
    columns: SchemaRef,
}

impl AvroDecoder {
    /// For records that are written with the schema `writer`. `reader` gives columns aliases and defaults.
    pub fn plain(writer: &str, reader: Option<&str>, columns: SchemaRef) -> std::result::Result<Self, FormatError> {
        let reader = reader.map(|text| schema::parse(text, &[])).transpose()?;
        let program = compile(schema::parse(writer, &[])?.as_ref(), reader.as_deref(), columns.fields());
        let program = program.map_err(|bad| FormatError(bad.to_string()))?;
        Ok(AvroDecoder::new(Programs::One(program), columns))
    }

    /// For records that name their schema.
    pub fn framed(
        schemas: Arc<dyn Schemas>,
        reader: Option<&str>,
        columns: SchemaRef,
    ) -> std::result::Result<Self, FormatError> {
        let reader = reader.map(|text| schema::parse(text, &[])).transpose()?;
        let by_id = ById { schemas, reader, columns: columns.clone() };
        Ok(AvroDecoder::new(Programs::ById(by_id, Known::default()), columns))
    }

    fn new(programs: Programs, schema: SchemaRef) -> Self {
        AvroDecoder { rows: RowBuilder::new(schema), programs, failure: None }
    }
}

impl ById {
    fn program(&self, id: u32) -> std::result::Result<Program, Missing> {
        let schemas = self.schemas.as_ref();
        let found = look_up(schemas, id, SchemaKind::Avro)?;
        let writer = schema::parse(&found.text, &found.references).map_err(|error| bad_record(error.0));
        let program = writer.and_then(|writer| compile(&writer, self.reader.as_deref(), self.columns.fields()));
        program.map_err(|error| in_schema(error, id, schemas))
    }
}

impl Decoder for AvroDecoder {
    fn decode(&mut self, message: &[u8]) -> std::result::Result<(), BadRecord> {
        let AvroDecoder { rows, programs, failure } = self;
        rows.append(message.len(), |rows| {
            let (program, record) = match programs {
                Programs::One(program) => (&*program, message),
                Programs::ById(by_id, known) => {
                    let (id, record) = framing::split(message)?;
                    let (_, program) = known.of(|known| *known == id, || Ok((id, by_id.program(id))), failure)?;
                    (program, record)
                }
            };
            program.read(record, rows)
        })
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn is_full(&self) -> bool {
        self.rows.is_full()
    }

    fn finish(&mut self) -> RecordBatch {
        self.rows.finish()
    }

    fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }
}

impl Peek for AvroDecoder {
    fn last_is_null(&self, path: &[usize]) -> bool {
        self.rows.last_is_null(path)
    }

    fn last_text(&self, path: &[usize]) -> Option<&[u8]> {
        self.rows.last_text(path)
    }

    fn drop_last(&mut self) {
        self.rows.drop_last();
    }
}
