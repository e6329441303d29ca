//! Random messages that have room for the rows of a schema.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use millrace_formats::protobuf::{ProtobufDecoder, ProtobufEncoder};
use millrace_formats::{Decoder, Encoder, Rows};
use millrace_plan::{Framing, Protobuf, ProtobufSchema};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generate;

/// Rows, and a .proto that they can be written with. The columns are ones that Protobuf has room for.
pub fn rows_and_proto() -> impl Strategy<Value = (RecordBatch, String)> {
    let batch = generate::schema(2).prop_map(with_room).prop_flat_map(generate::batch);
    (batch, vec(any::<u8>(), 1..40)).prop_map(|(batch, choices)| {
        let text = Writer { choices: Box::new(choices.into_iter().cycle()), out: String::new(), messages: 0 };
        let text = text.file(batch.schema().fields());
        (batch, text)
    })
}

fn with_room(schema: SchemaRef) -> SchemaRef {
    Schema::new(fields(schema.fields())).into()
}

fn fields(of: &Fields) -> Fields {
    let one = |(index, field): (usize, &Arc<Field>)| {
        let data_type = data_type(field.data_type());
        let nullable = field.is_nullable() && !matches!(data_type, DataType::List(_));
        Field::new(format!("f{index}"), data_type, nullable)
    };
    of.iter().enumerate().map(one).collect::<Vec<_>>().into()
}

/// Lists have no nulls and hold no lists.
fn data_type(of: &DataType) -> DataType {
    match of {
        DataType::Struct(inner) => DataType::Struct(fields(inner)),
        DataType::List(item) => {
            let item = match data_type(item.data_type()) {
                list @ DataType::List(_) => DataType::Struct(vec![Field::new("f0", list, false)].into()),
                other => other,
            };
            DataType::List(Field::new("item", item, false).into())
        }
        other => other.clone(),
    }
}

/// `choices` decides where there is more than one way to write.
struct Writer {
    choices: Box<dyn Iterator<Item = u8>>,
    out: String,
    messages: usize,
}

impl Writer {
    fn file(mut self, fields: &Fields) -> String {
        let is_proto2 = self.choose(3) == 0;
        let syntax = if is_proto2 { "proto2" } else { "proto3" };
        self.message(fields, is_proto2);
        let imports = r#"import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";"#;
        format!("syntax = \"{syntax}\"; package a.b; {imports} {}", self.out)
    }

    fn choose(&mut self, of: u8) -> u8 {
        self.choices.next().unwrap_or(0) % of
    }

    /// Writes a message; those inside of it come after it. Gives its name.
    fn message(&mut self, fields: &Fields, is_proto2: bool) -> String {
        self.messages += 1;
        let name = format!("M{}", self.messages);
        let mut text = format!("message {name} {{");
        let mut number = 0;
        let mut after = std::mem::take(&mut self.out);
        for field in fields {
            number += 1 + u32::from(self.choose(4)) * u32::from(self.choose(100));
            let (kind, is_wrapped) = self.kind(field, is_proto2);
            let name = field.name();
            let has_presence = is_wrapped || matches!(field.data_type(), DataType::Struct(_)) || kind.contains('.');
            match (field.data_type(), field.is_nullable()) {
                (DataType::List(_), _) => {
                    let packed = if self.choose(3) == 0 && is_packable(&kind) { " [packed = false]" } else { "" };
                    write!(text, "repeated {kind} {name} = {number}{packed};").unwrap();
                }
                (_, true) if self.choose(4) == 0 => {
                    write!(text, "oneof of_{name} {{ {kind} {name} = {number}; }}").unwrap();
                }
                (_, false) if is_proto2 => write!(text, "required {kind} {name} = {number};").unwrap(),
                (_, true) if is_proto2 || !has_presence => {
                    write!(text, "optional {kind} {name} = {number};").unwrap();
                }
                _ => write!(text, "{kind} {name} = {number};").unwrap(),
            }
        }
        if is_proto2 && self.choose(2) == 0 {
            write!(text, "repeated group Unread = {} {{ optional int32 a = 1; }}", number + 1).unwrap();
        }
        text.push_str("} ");
        after.push_str(&std::mem::take(&mut self.out));
        self.out = text + &after;
        name
    }

    /// The type of a field, or of its items, and whether it is a wrapper.
    fn kind(&mut self, field: &Field, is_proto2: bool) -> (String, bool) {
        let wrapped = field.is_nullable() && self.choose(4) == 0;
        let wrapper = |name: &str| (format!("google.protobuf.{name}Value"), true);
        let one_of = |choice: u8, of: [&str; 3]| (of[usize::from(choice)].to_owned(), false);
        match field.data_type() {
            DataType::Boolean if wrapped => wrapper("Bool"),
            DataType::Int32 if wrapped => wrapper("Int32"),
            DataType::Int64 if wrapped => wrapper("Int64"),
            DataType::Float64 if wrapped => wrapper("Double"),
            DataType::Utf8 if wrapped => wrapper("String"),
            DataType::Binary if wrapped => wrapper("Bytes"),
            DataType::Boolean => ("bool".into(), false),
            DataType::Int32 | DataType::Date32 => one_of(self.choose(3), ["int32", "sint32", "sfixed32"]),
            DataType::Int64 => one_of(self.choose(3), ["int64", "sint64", "sfixed64"]),
            DataType::Timestamp(..) => one_of(self.choose(3), ["int64", "sint64", "google.protobuf.Timestamp"]),
            DataType::Float64 => ("double".into(), false),
            DataType::Utf8 => one_of(self.choose(3), ["string", "bytes", "string"]),
            DataType::Binary => ("bytes".into(), false),
            DataType::Decimal128(..) => ("string".into(), false),
            DataType::Struct(fields) => (self.message(fields, is_proto2), false),
            DataType::List(item) => self.kind(item, is_proto2),
            other => unreachable!("no field for {other}"),
        }
    }
}

fn is_packable(kind: &str) -> bool {
    !kind.contains('.') && !matches!(kind, "string" | "bytes") && !kind.starts_with('M')
}

pub fn plain(text: &str) -> Protobuf {
    let schema = ProtobufSchema::Text { text: text.into(), imports: Vec::new() };
    Protobuf { schema: Some(schema), message: Some("a.b.M1".into()), framing: Framing::Plain }
}

pub fn encode(batch: &RecordBatch, text: &str) -> Vec<Vec<u8>> {
    let mut encoder = ProtobufEncoder::new(&plain(text), None, batch.schema()).unwrap();
    let mut rows = Rows::default();
    encoder.encode(batch, &mut rows);
    assert_eq!(encoder.take_failure(), None);
    (0..rows.len()).map(|row| rows.get(row).unwrap().to_vec()).collect()
}

pub fn decode<'a>(records: impl IntoIterator<Item = &'a Vec<u8>>, text: &str, columns: SchemaRef) -> RecordBatch {
    let mut decoder = ProtobufDecoder::new(&plain(text), None, columns).unwrap();
    for record in records {
        if let Err(error) = decoder.decode(record) {
            panic!("{error}: {record:?}");
        }
    }
    let decoded = decoder.finish();
    for column in decoded.columns() {
        column.to_data().validate_full().unwrap();
    }
    decoded
}
