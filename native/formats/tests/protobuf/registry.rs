//! Records that name their schema, and which of its messages they are.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, SchemaRef};
use millrace_formats::protobuf::{ProtobufDecoder, ProtobufEncoder};
use millrace_formats::{Decoder, Encoder, NoSchema, Rows, SchemaKind, SchemaText, Schemas};
use millrace_plan::{Framing, Protobuf, ProtobufSchema, SchemaRegistry};

use crate::reading::columns;

const FIRST: &str = r#"syntax = "proto3"; message Bid { int64 v = 1; message Inner { string s = 3; int64 v = 1; } } message Ask { int64 v = 7; }"#;
/// The column has another number here.
const SECOND: &str = r#"syntax = "proto3"; import "shared.proto"; message Bid { Kind kind = 1; int64 v = 2; }"#;

struct Versions {
    asked: Mutex<Vec<u32>>,
}

impl Schemas for Versions {
    fn schema(&self, id: u32) -> Result<SchemaText, NoSchema> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(id);
        let (kind, text) = match id {
            1 => (SchemaKind::Protobuf, FIRST),
            2 => (SchemaKind::Protobuf, SECOND),
            3 => (SchemaKind::Avro, "\"long\""),
            4 if asked.len() == 1 => return Err(NoSchema::Unavailable("503".into())),
            4 => (SchemaKind::Protobuf, FIRST),
            5 => (SchemaKind::Protobuf, "message {"),
            _ => return Err(NoSchema::Unknown("not found".into())),
        };
        let shared = r#"syntax = "proto3"; enum Kind { A = 0; }"#;
        Ok(SchemaText { kind, text: text.into(), references: vec![("shared.proto".into(), shared.into())] })
    }

    fn place(&self) -> String {
        "http://registry".into()
    }
}

fn framed(text: Option<&str>, message: Option<&str>, schema_id: Option<u32>) -> Protobuf {
    let registry = SchemaRegistry { url: "http://registry".into(), subject: None, properties: Vec::new() };
    Protobuf {
        schema: text.map(|text| ProtobufSchema::Text { text: text.into(), imports: Vec::new() }),
        message: message.map(str::to_owned),
        framing: Framing::Confluent { registry, schema_id },
    }
}

fn decoder(text: Option<&str>, message: Option<&str>, columns: SchemaRef) -> (ProtobufDecoder, Arc<Versions>) {
    let registry = Arc::new(Versions { asked: Mutex::default() });
    (ProtobufDecoder::new(&framed(text, message, None), Some(registry.clone()), columns).unwrap(), registry)
}

#[test]
fn each_record_is_read_by_the_schema_and_the_message_that_it_names() {
    let (mut decoder, registry) = decoder(None, None, columns(&[("v", DataType::Int64, false)]));
    for record in [
        &[0, 0, 0, 0, 1, 0, 8, 1][..],
        // The same message, with its index.
        &[0, 0, 0, 0, 1, 2, 0, 8, 2],
        &[0, 0, 0, 0, 1, 2, 2, 56, 3],
        &[0, 0, 0, 0, 1, 4, 0, 0, 8, 4],
        &[0, 0, 0, 0, 2, 0, 8, 9, 16, 5],
        &[0, 0, 0, 0, 1, 0, 8, 6],
    ] {
        decoder.decode(record).unwrap();
    }
    let mut error = |record: &[u8]| decoder.decode(record).unwrap_err().to_string();
    assert_eq!(error(&[0, 0, 0, 0, 1, 2, 8]), "the schema has no message [4] (schema 1, http://registry)");
    assert_eq!(error(&[0, 0, 0, 0, 3, 0]), "schema 3 of http://registry is one of Avro, and the source reads Protobuf");
    assert_eq!(error(&[0, 0, 0, 0, 9, 0]), "it names schema 9, which http://registry does not have: not found");
    assert!(error(&[0, 0, 0, 0, 5, 0]).ends_with(" (schema 5, http://registry)"));
    let unframed = "after its schema's id it does not say which message it is: it was not written as Protobuf with a schema \
                    registry";
    assert_eq!(error(&[0, 0, 0, 0, 1]), unframed);
    assert_eq!(error(&[0, 0, 0, 0, 1, 1]), unframed);
    assert_eq!(decoder.finish().column(0).as_ref(), &Int64Array::from(vec![1, 2, 3, 4, 5, 6]));
    assert_eq!(*registry.asked.lock().unwrap(), [1, 1, 1, 1, 2, 1, 3, 9, 5]);
}

#[test]
fn with_a_reader_s_proto_columns_go_by_its_numbers_and_records_have_to_be_its_message() {
    let reader = r#"syntax = "proto3"; message Bid { int64 renamed = 1; optional string added = 5; }"#;
    let read = columns(&[("renamed", DataType::Int64, false), ("added", DataType::Utf8, true)]);
    let (mut decoder, _) = decoder(Some(reader), None, read);
    decoder.decode(&[0, 0, 0, 0, 1, 0, 8, 1]).unwrap();
    decoder.decode(&[0, 0, 0, 0, 4, 0, 42, 1, b'x']).unwrap();
    assert_eq!(
        decoder.decode(&[0, 0, 0, 0, 1, 2, 2, 56, 3]).unwrap_err().to_string(),
        "expected the message Bid, found Ask (schema 1, http://registry)"
    );
    let batch = decoder.finish();
    assert_eq!(batch.column(0).as_ref(), &Int64Array::from(vec![1, 0]));
    assert_eq!(batch.column(1).as_ref(), &StringArray::from(vec![None, Some("x")]));
}

#[test]
fn of_several_messages_the_named_one_is_read() {
    let (mut decoder, _) = decoder(None, Some("Ask"), columns(&[("v", DataType::Int64, false)]));
    decoder.decode(&[0, 0, 0, 0, 1, 2, 2, 56, 3]).unwrap();
    assert!(
        decoder
            .decode(&[0, 0, 0, 0, 1, 0, 8, 1])
            .unwrap_err()
            .message
            .starts_with("expected the message Ask, found Bid")
    );
}

#[test]
fn a_registry_that_is_down_is_no_fault_of_the_record() {
    let (mut decoder, _) = decoder(None, None, columns(&[("v", DataType::Int64, false)]));
    decoder.decode(&[0, 0, 0, 0, 4, 0]).unwrap_err();
    assert_eq!(decoder.take_failure().as_deref(), Some("schema 4 of http://registry could not be fetched: 503"));
    decoder.decode(&[0, 0, 0, 0, 4, 0]).unwrap();
}

#[test]
fn records_are_written_with_their_schema_s_number_and_their_message_s_place() {
    let batch = RecordBatch::try_from_iter([("v", Arc::new(Int64Array::from(vec![5])) as ArrayRef)]).unwrap();
    let written = |message| {
        let protobuf = framed(Some(FIRST), message, Some(258));
        let mut rows = Rows::default();
        ProtobufEncoder::new(&protobuf, Some(258), batch.schema()).unwrap().encode(&batch, &mut rows);
        rows.get(0).unwrap().to_vec()
    };
    assert_eq!(written(None), [0, 0, 0, 1, 2, 0, 8, 5]);
    assert_eq!(written(Some("Ask")), [0, 0, 0, 1, 2, 2, 2, 56, 5]);
    assert_eq!(written(Some("Bid.Inner")), [0, 0, 0, 1, 2, 4, 0, 0, 8, 5]);
}
