//! A join with what is broadcast: every slot has the last row of each key, and rows of the other input look theirs up.

mod join;
mod table;
mod update;

pub use join::BroadcastJoin;
pub use table::{SharedTable, Table, TableInBackend};
pub use update::UpdateTable;
