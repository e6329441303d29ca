//! Parquet files.
//!
//! # Writings
//! A row group is held in memory, encoded, until it has its rows or bytes. Types are those of Parquet that say the same; a
//! timestamp in seconds, which Parquet does not have, is written in milliseconds.
//!
//! # Readings
//! Only the columns that the plan reads are decoded. They are found by name; one that the file does not have is null, if it may
//! be. The position is the number of a row: a start in the middle passes over whole row groups by what the file says of them.
//!
//! | Parquet | columns |
//! | --- | --- |
//! | boolean | bool |
//! | integers of 8 to 32 bits | int32 (not from unsigned 32), int64, float64 |
//! | integers of 64 bits | int64, float64; timestamp (in the column's unit) |
//! | half, float, double | float64 |
//! | string, byte array, fixed byte array | string (UTF-8 is verified), bytes |
//! | decimal | decimal with room for it |
//! | date | date |
//! | timestamp, int96 | timestamp of any unit: digits beyond it are cut off; int64 |
//! | list, struct | list, struct |
//! | map | list of struct with the fields "key" and "value" |
//!
//! A null where none may be, and a value that its column has no room for, make a bad row.
//!
//! # Damage
//! What follows from damaged bytes is checked nowhere but in the crate `parquet`, which reports it or panics; both are told as
//! damage here. Pages that have a checksum are not verified against it.

mod columns;
mod content;
mod reader;
mod writer;

pub use content::{content, rows};
pub use reader::ParquetReader;
pub use writer::ParquetWriter;
