use arrow::array::RecordBatch;
use proptest::prelude::*;
use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::written::{decode, encode, rows_and_proto};

struct Text(String);

impl FileResolver for Text {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == "m.proto" { File::from_source(name, &self.0) } else { Err(protox::Error::file_not_found(name)) }
    }
}

fn message(text: &str) -> MessageDescriptor {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Text(text.to_owned()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("m.proto").unwrap();
    let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap();
    pool.get_message_by_name("a.b.M1").unwrap()
}

/// The record as the crate writes what it has read.
fn again(message: &MessageDescriptor, record: &[u8]) -> Vec<u8> {
    DynamicMessage::decode(message.clone(), record).unwrap().encode_to_vec()
}

/// The crate takes it for a default, which is left out; C++ and Java do not.
fn has_negative_zero(records: &[Vec<u8>]) -> bool {
    records.iter().any(|record| record.windows(8).any(|bytes| bytes == (-0.0f64).to_le_bytes()))
}

proptest! {
    #[test]
    fn the_crate_reads_what_is_written_and_writes_what_is_read((batch, text) in rows_and_proto()) {
        let message = message(&text);
        let records = encode(&batch, &text);
        prop_assume!(!has_negative_zero(&records));
        let again: Vec<Vec<u8>> = records.iter().map(|record| again(&message, record)).collect();
        prop_assert_eq!(decode(&again, &text, batch.schema()), batch);
    }

    #[test]
    fn one_message_after_another_is_both_merged((batch, text) in rows_and_proto()) {
        let message = message(&text);
        let records = encode(&batch, &text);
        prop_assume!(!has_negative_zero(&records));
        let joined: Vec<Vec<u8>> = records.windows(3).map(|records| records.concat()).collect();
        let merged: Vec<Vec<u8>> = joined.iter().map(|record| again(&message, record)).collect();
        let rows = |records: &[Vec<u8>]| -> RecordBatch { decode(records, &text, batch.schema()) };
        prop_assert_eq!(rows(&joined), rows(&merged));
    }
}
