//! Operators that keep one value a key. The near half says where each row belongs; the far half, behind the exchange, has
//! the values of the keys that its slot owns.

mod deduplicate;
mod route;
mod row_keys;
mod value_store;

pub use deduplicate::Deduplicate;
pub use route::Route;
pub use row_keys::RowKeys;
pub use value_store::{ValueStore, ValuesInBackend};
