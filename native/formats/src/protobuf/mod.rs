//! Protobuf's wire format, proto2 and proto3, by messages that are known in full before the first value is read or written.
//!
//! A message and the columns of a plan are compiled into a program once: by which number a column is found, and how its values
//! are read. Running it makes one pass over a record and writes straight into Arrow buffers; there is no tree in between.
//! Fields that the plan does not read, and those that the message does not have, are stepped over.
//!
//! # Readings
//! A column takes the field of its name, or the one whose JSON name it has. A field that a record does not have is null, if it
//! has presence (`optional`, a member of a oneof, a message) and the column is nullable; otherwise it has its default. A message
//! has none: where it is missing and the column is not nullable, the record is bad, and so it is without a `required` field.
//!
//! | Protobuf | columns |
//! | --- | --- |
//! | `bool` | bool |
//! | `int32`, `sint32`, `sfixed32` | int32, int64, float64, decimal; date (days); timestamp (in its unit) |
//! | the other integers | int64, float64, decimal; timestamp (in its unit). What int64 has no room for is a bad value |
//! | `float`, `double` | float64 |
//! | `string`, `bytes` | string (UTF-8 is verified), bytes, decimal (its digits) |
//! | `enum` | string: the value's name, or its number, where it has none; int32, int64 |
//! | `repeated` | list, packed or not, whatever the schema says |
//! | `map` | list of struct with the fields "key" and "value", in the order of the record |
//! | message | struct |
//! | `google.protobuf.Timestamp` | timestamp: digits beyond its unit are cut off |
//! | `google.protobuf.Int64Value` and the like | what their values are read as, null where there is none |
//!
//! As the specification has it, the last of several values of a field counts, several messages of a field are merged, and a
//! member of a oneof takes the place of the one before it. Values of proto2's enums that have no name are as if they were not
//! there.
//!
//! # Writings
//! Fields are written by their numbers, so the same row comes to the same bytes. A default is left out where the field has no
//! presence. What the message has no place for is an error: a null where a field has no presence or is repeated, two members
//! of one oneof, a number out of range, the name of no value of an enum.

mod compile;
mod cursor;
mod decoder;
mod describe;
mod encoder;
mod framing;
mod message;
mod number;
mod program;
mod time;
mod write;

pub use decoder::ProtobufDecoder;
pub use describe::describe;
pub use encoder::ProtobufEncoder;
