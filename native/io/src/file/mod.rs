//! Files of one JSON record a line, plain or compressed.

mod input;
mod lines;
mod naming;
mod paths;
mod restored;
mod sink;
mod source;
mod visible;
mod writer;

pub use input::Input;
pub use naming::name;
pub use restored::{check_gone, start};
pub use sink::{DEFAULT_PREFIX, FileSink};
pub use source::{FileSource, WHO as FILE_SOURCE, hash};
pub use visible::show_staged;
pub use writer::Writer;

/// The end of the name of a file that is being written; sources leave such files alone.
const IN_PROGRESS: &str = ".inprogress";
