//! Where the schemas of records come from that name them by a number.

use crate::bad_record::bad_record;

/// What a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaKind {
    Avro,
    Json,
    Protobuf,
}

impl SchemaKind {
    /// As a registry names it.
    pub fn of(name: &str) -> Option<SchemaKind> {
        match name {
            "AVRO" => Some(SchemaKind::Avro),
            "JSON" => Some(SchemaKind::Json),
            "PROTOBUF" => Some(SchemaKind::Protobuf),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            SchemaKind::Avro => "Avro",
            SchemaKind::Json => "JSON Schema",
            SchemaKind::Protobuf => "Protobuf",
        }
    }
}

/// A schema and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaText {
    pub kind: SchemaKind,
    pub text: String,
    /// Schemas that it uses, by the names that it has for them, each after the ones that it uses itself.
    pub references: Vec<(String, String)>,
}

/// Why there is no schema of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSchema {
    /// There is none: the record is at fault.
    Unknown(String),
    /// It could not be asked for: no record can be read now.
    Unavailable(String),
}

/// A registry of schemas. Asked once for each number by each decoder; answers may take as long as a request does.
pub trait Schemas: Send + Sync {
    fn schema(&self, id: u32) -> Result<SchemaText, NoSchema>;

    /// What the records are of, and where it was looked up, as errors say it: "subject \"bids-value\" of http://...".
    fn place(&self) -> String;
}

/// Why a record's schema is of no use.
pub(crate) enum Missing {
    /// The records that name it are bad.
    Bad(Box<crate::BadRecord>),
    /// It may be there another time.
    Failure(String),
}

/// The schema of a number, which has to be of the `kind` that the source reads.
pub(crate) fn look_up(schemas: &dyn Schemas, id: u32, kind: SchemaKind) -> Result<SchemaText, Missing> {
    let place = schemas.place();
    match schemas.schema(id) {
        Ok(found) if found.kind == kind => Ok(found),
        Ok(found) => {
            let message =
                format!("schema {id} of {place} is one of {}, and the source reads {}", found.kind.name(), kind.name());
            Err(Missing::Bad(bad_record(message)))
        }
        Err(NoSchema::Unknown(reason)) => {
            Err(Missing::Bad(bad_record(format!("it names schema {id}, which {place} does not have: {reason}"))))
        }
        Err(NoSchema::Unavailable(reason)) => {
            Err(Missing::Failure(format!("schema {id} of {place} could not be fetched: {reason}")))
        }
    }
}

/// A fault of a schema, which is told with the fault.
pub(crate) fn in_schema(mut error: Box<crate::BadRecord>, id: u32, schemas: &dyn Schemas) -> Missing {
    error.message.push_str(&format!(" (schema {id}, {})", schemas.place()));
    Missing::Bad(error)
}
