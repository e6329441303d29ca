//! InfluxDB's line protocol, one row a line, as InfluxDB and QuestDB read it.
//!
//! # Writings
//! `NAME,LABEL=TEXT VALUE=…,VALUE=… TIME`. Labels (tags; symbols of QuestDB) stand in the order of their names; those that are
//! null or empty are left out, as are values (fields) that are null, NaN or infinite. Integers have an `i` behind them, strings quotes around
//! them; dates and base64 of bytes are strings; decimals are written as floats are. Another timestamp than the row's is an integer in its own unit, or, for QuestDB,
//! microseconds with a `t`. A row whose time is null gets that of its arrival from the server.
//!
//! # Escapes
//! In names and labels a backslash stands before commas, equals signs and blanks, in strings before quotes and backslashes. QuestDB
//! reads it before line ends and itself, too. InfluxDB cannot: there a line end becomes `\n` (two characters), and backslashes
//! right before something that is escaped, or at the end, are left out.

mod encoder;
mod escape;

pub use encoder::LineEncoder;
