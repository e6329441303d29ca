//! Files of one JSON record a line, plain or compressed.

mod lines;
mod naming;
mod paths;
mod restored;
mod sink;
mod source;
mod visible;
mod writer;

pub use sink::FileSink;
pub use source::FileSource;
pub use visible::show_staged;

/// The end of the name of a file that is being written; sources leave such files alone.
const IN_PROGRESS: &str = ".inprogress";
