//! Avro's binary encoding, by schemas that are known in full before the first value is read or written.
//!
//! A writer's schema and the columns of a plan are compiled into a program once: which fields to step over, which to read,
//! and how each becomes a value of its column. Running it makes one pass over a record and writes straight into Arrow
//! buffers; there is no tree in between. Fields that the plan does not read are stepped over.
//!
//! # Readings
//! Fields are found by name, or by an alias that the reader's schema gives them. A column that the writer's schema does
//! not have takes the default of the reader's schema; without one it is null, if it may be.
//!
//! | Avro | columns |
//! | --- | --- |
//! | `boolean` | bool |
//! | `int` | int32, int64, float64; date (days); timestamp (in its unit) |
//! | `long` | int64, float64; timestamp (in its unit, or in that of its logical type: digits beyond the column's are cut off) |
//! | `float`, `double` | float64 |
//! | `string`, `bytes` | string (UTF-8 is verified), bytes |
//! | `fixed` | bytes; `uuid` of 16 bytes: string |
//! | `enum` | string: the symbol |
//! | `decimal` | decimal of the same or a larger scale |
//! | `array` | list |
//! | `map` | list of struct with the fields "key" and "value" |
//! | `record` | struct |
//! | union | what its branches are read as, null for `null`; a value of a branch that cannot be read is a bad record |
//!
//! # Writings
//! The schema says how; each of its fields takes the column of its name, or its default where there is none. A value goes
//! to the first branch of a union that fits the column. A float64 becomes a `float` by rounding, a timestamp loses digits
//! beyond its logical type's unit. What the schema has no place for is an error: a null without a `null` branch, a symbol
//! that an enum does not have, a decimal that is too large, bytes of another size than a `fixed`'s.
//!
//! # Limits
//! Schemas that contain themselves are refused: columns have no end of levels. A list has no more items than its record has
//! bytes, so that a short record cannot claim much memory.

mod compile;
mod container;
mod cursor;
mod decimal;
mod decoder;
mod default;
mod encoder;
mod program;
mod schema;
mod skip;
mod write;

pub use container::{AvroFileReader, AvroFileWriter};
pub use decoder::AvroDecoder;
pub use encoder::AvroEncoder;
