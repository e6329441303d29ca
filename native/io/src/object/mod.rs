//! Files of one JSON record a line in an object storage: S3 or HDFS. They are written and read on the local disk; a thread
//! of its own carries them there and back.

mod listing;
mod place;
mod scratch;
mod sink;
mod source;
mod thread;
mod visible;

pub use place::is_remote;
pub use sink::ObjectSink;
pub use source::ObjectSource;
pub use visible::show_staged;
