//! The encoder's frame: one row, one record.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::Protobuf;

use super::write::{Message, Rows as Messages};
use super::{framing, message};
use crate::headed::Headed;
use crate::{Encoder, FormatError, Rows};

/// Encodes rows as Protobuf records of one message.
///
/// A row that has no place in the message is not written; [`Encoder::take_failure`] then tells why.
pub struct ProtobufEncoder {
    message: Message,
    headed: Headed,
}

impl ProtobufEncoder {
    /// For the message that `protobuf` names, which has a field for each column. With an `id` the number of its schema stands
    /// before the records, and which of its messages they are.
    pub fn new(protobuf: &Protobuf, id: Option<u32>, columns: SchemaRef) -> std::result::Result<Self, FormatError> {
        let schema = protobuf.schema.as_ref();
        let schema = schema.ok_or_else(|| FormatError("Protobuf needs the .proto that is written".into()))?;
        let of = message::message(&message::file(schema)?, protobuf.message.as_deref())?;
        let message = Message::new(&of, columns.fields()).map_err(|bad| FormatError(bad.to_string()))?;
        let header = id.map_or_else(Vec::new, |id| framing::header(id, &of));
        Ok(ProtobufEncoder { message, headed: Headed::new(header) })
    }
}

impl Encoder for ProtobufEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        let messages = Messages::new(&self.message, batch.columns());
        self.headed.write(batch.num_rows(), out, |row, out| messages.write(row, out));
    }

    fn take_failure(&mut self) -> Option<String> {
        self.headed.take_failure()
    }
}
