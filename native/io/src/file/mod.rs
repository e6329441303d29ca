//! Local files: of a record a line, plain or compressed, or of a format that has a structure of its own.

mod input;
mod lines;
mod naming;
mod open_files;
mod paths;
mod restored;
mod rows;
mod sink;
mod source;
mod visible;
mod writer;

pub use input::Input;
pub use naming::name;
pub use open_files::{Open, OpenFiles};
pub use restored::{check_gone, start};
pub use rows::RowsOf;
pub use sink::{DEFAULT_PREFIX, FileSink};
pub use source::{FileSource, WHO as FILE_SOURCE, hash, rows_of};
pub use visible::show_staged;
pub use writer::Writer;

/// The end of the name of a file that is being written; sources leave such files alone.
const IN_PROGRESS: &str = ".inprogress";
