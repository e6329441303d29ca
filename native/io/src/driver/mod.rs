//! Connectors whose transport is a driver of the host's, as there is one for most databases. The core says what it wants, the
//! host asks its driver and answers, both in Arrow's columns.

mod call;
mod sink;
mod source;

pub use call::{Call, Calling, Calls, Found, Page, PageError, Reply, Splits, Want};
pub use sink::DriverSink;
pub use source::DriverSource;
