//! CSV after RFC 4180, one record a message or line.
//!
//! # Readings
//! Fields are those of the declared columns, in their order; those that the plan does not read are stepped over, though
//! their quotes have to match. Fields that are missing at the end are null. Values are read as JSON's are (see
//! [`crate::json`]) with no quotes around text: timestamps are integers or RFC 3339, dates "YYYY-MM-DD" or days, bytes
//! base64; a bool is `true` or `false`. A field that is not quoted and equals the text for null is null, or, where that is
//! empty and the column is one of strings that are not nullable, the empty string.
//!
//! # Writings
//! As JSON writes, without quotes but where a field needs them: it holds a delimiter, a quote or a line's end, or it would
//! be read as null. NaN and the infinities are null.

mod decoder;
mod encoder;
mod fields;

pub use decoder::CsvDecoder;
pub use encoder::CsvEncoder;
