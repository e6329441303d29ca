//! What stored state is called in manifests, in lines that say what it depends on.

use arrow::datatypes::DataType;

use crate::expressions::type_name;
use crate::{Error, ErrorCode};

pub const KEY: &str = "key ";

/// The line of a key column.
pub fn key_line(name: &str, data_type: &DataType) -> String {
    format!("{KEY}{name}: {}", type_name(data_type))
}

/// The error of a step with the id `id` that cannot go on with what is stored.
pub fn refused(id: &str, stored: &[String], wanted: &[String]) -> Error {
    let message = format!(
        "the stored state of id \"{id}\" has ({}), the step wants ({}). Change the step back; or give it another id, and \
         leave this state out with --allow-dropped {id}; or start from nothing with --fresh.",
        stored.join(", "),
        wanted.join(", ")
    );
    Error::new(ErrorCode::State, message)
}
