//! Arrow columns under construction, as the decoders fill them. What a record that turns out bad has appended is taken
//! back by `truncate`.

mod column;
mod primitive;
mod rows;
mod variable;

pub(crate) use column::{Column, List, Struct};
pub(crate) use primitive::{Booleans, Primitive};
pub(crate) use rows::{FULL_BYTES, RowBuilder, check_room};
pub(crate) use variable::Variable;
