//! What stands before a message under a registry: the number of its schema, and which of the schema's messages it is.

use prost_reflect::{FileDescriptor, MessageDescriptor};

use crate::bad_record::{Result, bad_record};
use crate::registry::framing;
use crate::varint::{self, unzigzag, zigzag};

/// Messages in messages.
const MAX_DEPTH: usize = 32;

/// A record's frame: the number of its schema, its message's place in it, and the message.
pub(super) struct Frame<'a> {
    pub id: u32,
    /// The message's index in the file, then that of the one within it, and so on.
    pub place: Vec<usize>,
    pub message: &'a [u8],
}

pub(super) fn split(record: &[u8]) -> Result<Frame<'_>> {
    let (id, mut rest) = framing::split(record)?;
    let count = take(&mut rest)?;
    if count > MAX_DEPTH {
        return Err(broken());
    }
    // The first message of a file is written as no index at all.
    let place = if count == 0 { vec![0] } else { (0..count).map(|_| take(&mut rest)).collect::<Result<_>>()? };
    Ok(Frame { id, place, message: rest })
}

fn take(rest: &mut &[u8]) -> Result<usize> {
    let value = varint::take(rest).map(unzigzag).map_err(|_| broken())?;
    usize::try_from(value).map_err(|_| broken())
}

#[cold]
fn broken() -> Box<crate::BadRecord> {
    bad_record(
        "after its schema's id it does not say which message it is: it was not written as Protobuf with a schema registry",
    )
}

/// What stands before a message.
pub(super) fn header(id: u32, message: &MessageDescriptor) -> Vec<u8> {
    let mut header = framing::header(id).to_vec();
    // A path has the number of the list before each index.
    let place: Vec<i64> = message.path().iter().skip(1).step_by(2).map(|&index| i64::from(index)).collect();
    if place == [0] {
        header.push(0);
        return header;
    }
    varint::write(zigzag(place.len() as i64), &mut header);
    place.iter().for_each(|&index| varint::write(zigzag(index), &mut header));
    header
}

/// The message at a place of a file.
pub(super) fn message_at(file: &FileDescriptor, place: &[usize]) -> Option<MessageDescriptor> {
    let (first, inner) = place.split_first()?;
    let outer = file.messages().nth(*first)?;
    inner.iter().try_fold(outer, |message, &index| message.child_messages().nth(index))
}
