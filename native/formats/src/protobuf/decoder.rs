//! The decoder's frame: one record, one row.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::{Framing, Protobuf};
use prost_reflect::MessageDescriptor;

use super::compile::compile;
use super::framing::{self, Frame};
use super::message;
use super::program::Message;
use crate::bad_record::bad_record;
use crate::builders::RowBuilder;
use crate::debezium::Peek;
use crate::registry::{Known, Missing, SchemaKind, in_schema, look_up};
use crate::{BadRecord, Decoder, FormatError, Schemas};

/// Decodes Protobuf records into the columns of a schema.
pub struct ProtobufDecoder {
    rows: RowBuilder,
    programs: Programs,
    failure: Option<String>,
}

enum Programs {
    One(Message),
    /// By what stands before the message.
    ByFrame(ByFrame, Known<Vec<u8>, Arc<Message>>),
}

/// What the programs of frames are made with.
struct ByFrame {
    schemas: Arc<dyn Schemas>,
    columns: SchemaRef,
    /// The message that all records are to be, by which columns are found; without it by that of each record.
    reader: Option<Arc<Message>>,
    /// Its full name, where it is known.
    name: Option<String>,
}

impl ProtobufDecoder {
    /// For records as `protobuf` says; `schemas` is where they are looked up that name their schema.
    pub fn new(
        protobuf: &Protobuf,
        schemas: Option<Arc<dyn Schemas>>,
        columns: SchemaRef,
    ) -> std::result::Result<Self, FormatError> {
        let message = |schema| message::message(&message::file(schema)?, protobuf.message.as_deref());
        let reader = protobuf.schema.as_ref().map(message).transpose()?;
        let program = |message: &MessageDescriptor| {
            compile(message, columns.fields()).map_err(|error| FormatError(error.to_string()))
        };
        let programs = match (&protobuf.framing, schemas, reader) {
            (Framing::Plain, _, Some(message)) => Programs::One(program(&message)?),
            (Framing::Confluent { .. }, Some(schemas), reader) => {
                let name = reader.as_ref().map(|message| message.full_name().to_owned()).or(protobuf.message.clone());
                let reader = reader.map(|message| program(&message).map(Arc::new));
                let (reader, columns) = (reader.transpose()?, columns.clone());
                Programs::ByFrame(ByFrame { schemas, columns, reader, name }, Known::default())
            }
            _ => return Err(FormatError("Protobuf needs the .proto that records are written with".into())),
        };
        Ok(ProtobufDecoder { rows: RowBuilder::new(columns), programs, failure: None })
    }
}

impl ByFrame {
    fn program(&self, frame: &Frame<'_>) -> std::result::Result<Arc<Message>, Missing> {
        let Frame { id, place, .. } = frame;
        let schemas = self.schemas.as_ref();
        let found = look_up(schemas, *id, SchemaKind::Protobuf)?;
        let told = |error| in_schema(error, *id, schemas);
        let file = message::compile(&found.text, &found.references);
        let file = file.map_err(|error| told(bad_record(error.0)))?;
        let message = framing::message_at(&file, place);
        let message = message.ok_or_else(|| told(bad_record(format!("the schema has no message {place:?}"))))?;
        match &self.name {
            Some(name) if name != message.full_name() => {
                let found = message.full_name();
                Err(told(bad_record(format!("expected the message {name}, found {found}"))))
            }
            _ => match &self.reader {
                Some(program) => Ok(program.clone()),
                None => compile(&message, self.columns.fields()).map(Arc::new).map_err(told),
            },
        }
    }
}

impl Decoder for ProtobufDecoder {
    fn decode(&mut self, record: &[u8]) -> std::result::Result<(), BadRecord> {
        let ProtobufDecoder { rows, programs, failure } = self;
        rows.append(record.len(), |rows| {
            let (program, message) = match programs {
                Programs::One(program) => (&*program, record),
                Programs::ByFrame(by_frame, known) => {
                    let make = || {
                        let frame = framing::split(record)?;
                        let bytes = &record[..record.len() - frame.message.len()];
                        Ok((bytes.to_vec(), by_frame.program(&frame)))
                    };
                    let (frame, program) = known.of(|frame| record.starts_with(frame), make, failure)?;
                    (&**program, &record[frame.len()..])
                }
            };
            program.read(message, rows)
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

impl Peek for ProtobufDecoder {
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
