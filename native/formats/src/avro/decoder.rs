//! The decoder's frame: one record, one row.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::compile::compile;
use super::program::Program;
use super::schema::{self, Schema};
use crate::bad_record::{Result, bad_record};
use crate::builders::RowBuilder;
use crate::debezium::Peek;
use crate::registry::{MAX_KNOWN, Missing, SchemaKind, Schemas, framing, look_up};
use crate::{BadRecord, Decoder, FormatError};

/// Decodes Avro records into the columns of a schema.
pub struct AvroDecoder {
    rows: RowBuilder,
    programs: Programs,
    failure: Option<String>,
}

enum Programs {
    One(Program),
    ById(ById),
}

/// The programs of the schemas that records have named so far.
struct ById {
    schemas: Arc<dyn Schemas>,
    reader: Option<Schema>,
    columns: SchemaRef,
    known: Vec<(u32, Result<Program>)>,
    /// Where in `known` the last record's is.
    last: usize,
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
        let programs = ById { schemas, reader, columns: columns.clone(), known: Vec::new(), last: 0 };
        Ok(AvroDecoder::new(Programs::ById(programs), columns))
    }

    fn new(programs: Programs, schema: SchemaRef) -> Self {
        AvroDecoder { rows: RowBuilder::new(schema), programs, failure: None }
    }
}

impl ById {
    #[inline]
    fn program(&mut self, id: u32, failure: &mut Option<String>) -> Result<&Program> {
        if self.known.get(self.last).is_none_or(|(known, _)| *known != id) {
            self.last = self.find(id, failure)?;
        }
        match &self.known[self.last].1 {
            Ok(program) => Ok(program),
            Err(error) => Err(error.clone()),
        }
    }

    #[inline(never)]
    fn find(&mut self, id: u32, failure: &mut Option<String>) -> Result<usize> {
        if let Some(index) = self.known.iter().position(|(known, _)| *known == id) {
            return Ok(index);
        }
        let program = match look_up(self.schemas.as_ref(), id, SchemaKind::Avro) {
            Ok(found) => schema::parse(&found.text, &found.references)
                .map_err(|error| bad_record(error.0))
                .and_then(|writer| compile(&writer, self.reader.as_deref(), self.columns.fields()))
                .map_err(|mut error| {
                    error.message.push_str(&format!(" (schema {id}, {})", self.schemas.place()));
                    error
                }),
            Err(Missing::Bad(error)) => Err(error),
            Err(Missing::Failure(message)) => {
                *failure = Some(message.clone());
                return Err(bad_record(message));
            }
        };
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.push((id, program));
        Ok(self.known.len() - 1)
    }
}

impl Decoder for AvroDecoder {
    fn decode(&mut self, message: &[u8]) -> std::result::Result<(), BadRecord> {
        let AvroDecoder { rows, programs, failure } = self;
        rows.append(message.len(), |rows| {
            let (program, record) = match programs {
                Programs::One(program) => (&*program, message),
                Programs::ById(programs) => {
                    let (id, record) = framing::split(message)?;
                    (programs.program(id, failure)?, record)
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
