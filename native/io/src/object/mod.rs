//! Files in an object storage or HDFS. They are written and read on the local disk; a thread
//! of its own carries them there and back.

mod listing;
mod place;
mod scratch;
mod sink;
mod source;
mod thread;
mod visible;

pub use sink::ObjectSink;
pub use source::ObjectSource;
pub use visible::show_staged;
