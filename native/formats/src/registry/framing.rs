//! The five bytes before a record that name its schema, as Confluent's serializers write them.

use crate::bad_record::{Result, bad_record};

const MAGIC: u8 = 0;

/// The number of the schema, and the record.
#[inline]
pub(crate) fn split(message: &[u8]) -> Result<(u32, &[u8])> {
    match message {
        [MAGIC, a, b, c, d, record @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), record)),
        other => Err(unframed(other)),
    }
}

/// What stands before a record of a schema.
pub(crate) fn header(id: u32) -> [u8; 5] {
    let [a, b, c, d] = id.to_be_bytes();
    [MAGIC, a, b, c, d]
}

#[cold]
fn unframed(message: &[u8]) -> Box<crate::BadRecord> {
    let found = match message.first() {
        None => "an empty record".into(),
        Some(&MAGIC) => format!("{} bytes", message.len()),
        Some(first) => format!("the byte {first}"),
    };
    bad_record(format!(
        "expected a byte 0 and the four bytes of a schema's id, found {found}: it was not written with a schema registry"
    ))
}
