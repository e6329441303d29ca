//! The state of one slot: the backend that its operators share.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use millrace_plan::{OperatorKind, Plan, StateBackend};
use millrace_state::{BackendKind, BackendOptions, Expiry, KeyGroups, SlotFiles, StateKey, operator_range};

use super::recovery::Recovered;
use crate::Result;
use crate::barrier::BarrierId;
use crate::operators::window::SharedBackend;

pub struct SlotState {
    pub backend: SharedBackend,
    slot: usize,
    pub groups: KeyGroups,
    kind: BackendKind,
    directory: PathBuf,
    expiry: Expiry,
}

impl SlotState {
    /// Opens the state of the slot's key groups in the folder `directory`; what the plan has no step for is left out.
    pub fn open(
        plan: &Plan,
        backend: StateBackend,
        slot: usize,
        groups: KeyGroups,
        directory: PathBuf,
        recovered: &Recovered,
    ) -> Result<SlotState> {
        let kind = backend_kind(backend);
        let at = directory.join("db");
        let expiry = expiry(plan);
        let options = BackendOptions { is_looked_up: keeps_values(plan), expiry: expiry.clone(), ..Default::default() };
        let mut opened = millrace_state::open(kind, &at, &options, &groups, &recovered.state)?;
        for id in recovered.dropped(plan) {
            let (from, to) = operator_range(&StateKey::new(id));
            opened.delete_range(&from, &to)?;
        }
        Ok(SlotState { backend: Rc::new(RefCell::new(opened)), slot, groups, kind, directory, expiry })
    }

    /// Files that hold everything that the operators have given to the backend, but for what has expired by `now_ms`.
    pub fn snapshot(&self, barrier: BarrierId, now_ms: u64) -> Result<SlotFiles> {
        self.expiry.set_now(now_ms as i64);
        let folder = self.directory.join(format!("barrier-{barrier}"));
        let snapshot = self.backend.borrow_mut().snapshot(&folder)?;
        Ok(SlotFiles { slot: self.slot, key_groups: self.groups.clone(), backend: self.kind, snapshot })
    }
}

/// How long values live, of the operators that have some.
fn expiry(plan: &Plan) -> Expiry {
    let values = plan.operators.iter().filter_map(|operator| match &operator.kind {
        OperatorKind::Deduplicate(deduplicate) => Some((StateKey::new(&operator.id), deduplicate.ttl?.duration_ms)),
        _ => None,
    });
    Expiry::new(values)
}

fn keeps_values(plan: &Plan) -> bool {
    plan.operators.iter().any(|operator| matches!(operator.kind, OperatorKind::Deduplicate(_)))
}

pub fn backend_kind(backend: StateBackend) -> BackendKind {
    match backend {
        StateBackend::RocksDb => BackendKind::RocksDb,
        StateBackend::Filesystem => BackendKind::Filesystem,
    }
}
