//! Avro's object container files: the schema, then blocks of records, each behind their number and followed by a marker that
//! the file has of its own.

mod codec;
mod reader;
mod writer;

pub use reader::AvroFileReader;
pub use writer::AvroFileWriter;

const MAGIC: [u8; 4] = *b"Obj\x01";
const SCHEMA: &str = "avro.schema";
const CODEC: &str = "avro.codec";

/// The marker between blocks.
type Marker = [u8; 16];
