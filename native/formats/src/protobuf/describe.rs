//! The columns that a message is read as, for whoever writes them down.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::compile::{TIMESTAMP, is_wrapper, kind_name};
use super::message;
use crate::FormatError;

/// Messages in messages.
const MAX_DEPTH: usize = 32;

/// The fields of a message as JSON, each with its "name", its "type" as the SDK has types, and whether it is "nullable"; and the
/// "name" of the message, which is the first of the file.
pub fn describe(text: &str, imports: &[(String, String)]) -> Result<String, FormatError> {
    let message = message::message(&message::compile(text, imports)?, None)?;
    let described = json!({ "name": message.name(), "fields": fields(&message, &[])? });
    Ok(described.to_string())
}

fn fields(message: &MessageDescriptor, path: &[&str]) -> Result<Vec<Value>, FormatError> {
    message.fields().map(|field| described(&field, path)).collect()
}

fn described(field: &FieldDescriptor, path: &[&str]) -> Result<Value, FormatError> {
    let path: Vec<&str> = path.iter().copied().chain([field.name()]).collect();
    let is_entry = field.parent_message().is_map_entry();
    let nullable = field.supports_presence() && !field.is_required() && !is_entry;
    let of = if field.is_list() || field.is_map() {
        json!({ "kind": "list", "item": { "name": "item", "type": data_type(field, &path)?, "nullable": false } })
    } else {
        data_type(field, &path)?
    };
    Ok(json!({ "name": field.name(), "type": of, "nullable": nullable }))
}

fn data_type(field: &FieldDescriptor, path: &[&str]) -> Result<Value, FormatError> {
    if path.len() > MAX_DEPTH {
        let start = path[..3].join(".");
        return Err(FormatError(format!("{start}...: it contains itself, and columns have an end of levels")));
    }
    let named = |kind: &str| Ok(json!({ "kind": kind }));
    match field.kind() {
        Kind::Bool => named("bool"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => named("int32"),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint32 | Kind::Fixed32 => named("int64"),
        Kind::Uint64 | Kind::Fixed64 => Ok(json!({ "kind": "decimal", "precision": 20, "scale": 0 })),
        Kind::Float | Kind::Double => named("float64"),
        Kind::String | Kind::Enum(_) => named("string"),
        Kind::Bytes => named("bytes"),
        Kind::Message(_) if field.is_group() => {
            Err(FormatError(format!("{}: there is no column of {}", path.join("."), kind_name(field))))
        }
        Kind::Message(message) if message.full_name() == TIMESTAMP => Ok(json!({ "kind": "timestamp", "unit": "ms" })),
        Kind::Message(message) if is_wrapper(&message) => match message.get_field(1) {
            Some(value) => data_type(&value, path),
            None => Err(FormatError(format!("{}: it wraps nothing", path.join(".")))),
        },
        Kind::Message(message) => Ok(json!({ "kind": "struct", "fields": fields(&message, path)? })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_the_column_that_it_is_read_as() {
        let text = r#"syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
            message M { uint64 a = 1; repeated E b = 2; map<string, In> c = 3; google.protobuf.Timestamp d = 4;
                google.protobuf.Int64Value e = 5; oneof f { bytes g = 6; } }
            enum E { X = 0; } message In { optional float h = 1; }"#;
        let field = |name: &str, of: Value, nullable: bool| json!({ "name": name, "type": of, "nullable": nullable });
        let list = |of: Value| json!({ "kind": "list", "item": field("item", of, false) });
        let kind = |kind: &str| json!({ "kind": kind });
        let inner = json!({ "kind": "struct", "fields": [field("h", kind("float64"), true)] });
        let entry =
            json!({ "kind": "struct", "fields": [field("key", kind("string"), false), field("value", inner, false)] });
        let fields = [
            field("a", json!({ "kind": "decimal", "precision": 20, "scale": 0 }), false),
            field("b", list(kind("string")), false),
            field("c", list(entry), false),
            field("d", json!({ "kind": "timestamp", "unit": "ms" }), true),
            field("e", kind("int64"), true),
            field("g", kind("bytes"), true),
        ];
        let found: Value = serde_json::from_str(&describe(text, &[]).unwrap()).unwrap();
        assert_eq!(found, json!({ "name": "M", "fields": fields }));
    }

    #[test]
    fn a_message_that_contains_itself_has_no_columns() {
        let error = describe(r#"syntax = "proto3"; message M { M m = 1; }"#, &[]).unwrap_err();
        assert_eq!(error.0, "m.m.m...: it contains itself, and columns have an end of levels");
    }
}
