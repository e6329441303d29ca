//! JSON, one object a record.
//!
//! The decoder makes one pass over a record and writes the fields that the schema names straight into Arrow buffers;
//! there is no tree in between and, once the buffers have grown, no allocation. Fields that the schema does not name
//! are stepped over.
//!
//! # What is verified
//! All that leads to a value that is read: the record's frame (one object, nothing but white space around it), every
//! field name (escapes and UTF-8 included), every `:` and `,` between fields, and the value itself.
//!
//! Of a value that is not read:
//! - numbers and literals are verified in full;
//! - strings are closed and hold no bare control character; their escapes and their UTF-8 are not looked at;
//! - in objects and arrays the brackets match and close, to at most 128 levels, and strings are as above; what stands
//!   between brackets and strings is not looked at.
//!
//! # Readings
//! - A field that is absent is null. Of a field that occurs twice the last value counts, though each must be valid.
//! - Integers are exact: `1.0` and `1e3` are no integers.
//! - A decimal is a number or a string that holds one; digits are never rounded away.
//! - A timestamp is an integer in its unit or an RFC 3339 string; without an offset it is UTC; digits beyond the unit
//!   are cut off. A date is `"YYYY-MM-DD"` or an integer: days since the epoch.
//! - A float beyond the range of an f64 is an error, not an infinity.
//! - Bytes are base64 in the standard alphabet; the padding may be left out.
//!
//! # Writings
//! Every field of a row is written, a null as `null`. Floats have the fewest digits that read back as the same value;
//! NaN and the infinities are `null`. Decimals are number tokens with all digits of their scale, timestamps integers in
//! their unit, dates `"YYYY-MM-DD"` (outside of the years 0 to 9999: days), bytes base64 with padding. What the encoder
//! writes, the decoder reads back.

mod column;
pub(crate) mod decimal;
mod decoder;
mod encoder;
mod error;
mod field_order;
mod list;
pub(crate) mod number;
mod object;
mod scan;
mod skip;
mod string;
pub(crate) mod time;
pub(crate) mod value;
mod variable;

pub use decoder::JsonDecoder;
pub use encoder::JsonEncoder;
pub(crate) use encoder::Nested;
pub use error::type_name;
pub(crate) use variable::BASE64;

/// Levels of objects and arrays that a record may have.
const MAX_DEPTH: usize = 128;
