//! Windowed aggregation in two steps: every slot aggregates what it reads, pane by pane; the exchange brings the
//! partial results of a key together; the window operator merges and emits them.

mod group_table;
mod pane;
mod pane_state;
mod pane_store;
mod panes;
mod plan;
mod pre_aggregate;
mod rearrange;
mod run_order;
mod state_codec;
mod stored_state;
mod window_aggregate;

pub use pane_store::{PaneStore, SharedBackend};
pub use panes::{PaneId, Panes, Settled, Settlement};
pub use plan::WindowPlan;
pub use pre_aggregate::PreAggregate;
pub use stored_state::rearrangement;
pub use window_aggregate::WindowAggregate;
