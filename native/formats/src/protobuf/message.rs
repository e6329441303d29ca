//! Messages, from the text of .proto files or from a set of descriptors.

use millrace_plan::ProtobufSchema;
use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::FormatError;

/// What a text without a name is called in errors.
const NAME: &str = "schema.proto";

/// Files that Confluent's schemas import and no registry has.
const CONFLUENT: &[(&str, &str)] = &[
    (
        "confluent/meta.proto",
        r#"syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
"#,
    ),
    (
        "confluent/type/decimal.proto",
        r#"syntax = "proto3";
package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }
"#,
    ),
];

/// The file of a schema.
pub(super) fn file(schema: &ProtobufSchema) -> Result<FileDescriptor, FormatError> {
    let found = match schema {
        ProtobufSchema::Text { text, imports } => return compile(text, imports),
        ProtobufSchema::Descriptors(descriptors) => {
            let pool = DescriptorPool::decode(descriptors.as_slice());
            let pool = pool.map_err(|error| FormatError(format!("the descriptor set cannot be read: {error:?}")))?;
            // Files come after those that they import.
            pool.files().last()
        }
    };
    found.ok_or_else(|| FormatError("the descriptor set is empty".into()))
}

/// The file of a text; `imports` are those that it imports, by their names.
pub(super) fn compile(text: &str, imports: &[(String, String)]) -> Result<FileDescriptor, FormatError> {
    let mut resolver = ChainFileResolver::new();
    let own = imports.iter().cloned().chain([(NAME.to_owned(), text.to_owned())]).collect();
    resolver.add(Texts(own));
    resolver.add(GoogleFileResolver::new());
    resolver.add(Texts(CONFLUENT.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()));
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.open_file(NAME).map_err(|error| {
        let hint = if error.is_file_not_found() { ". Give it under imports" } else { "" };
        FormatError(format!("the .proto cannot be read: {error:?}{hint}"))
    })?;
    let file = compiler.descriptor_pool().get_file_by_name(NAME);
    file.ok_or_else(|| FormatError(format!("the .proto cannot be read: {NAME} is not among its files")))
}

/// The message of a name, or the first of the file.
pub(super) fn message(file: &FileDescriptor, name: Option<&str>) -> Result<MessageDescriptor, FormatError> {
    let Some(name) = name else {
        return file.messages().next().ok_or_else(|| FormatError("the .proto has no message".into()));
    };
    file.parent_pool().get_message_by_name(name).ok_or_else(|| {
        let known: Vec<String> = file.messages().map(|message| message.full_name().to_owned()).collect();
        FormatError(format!("the .proto has no message \"{name}\": there are {}", known.join(", ")))
    })
}

/// Files by their names.
struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((name, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}
