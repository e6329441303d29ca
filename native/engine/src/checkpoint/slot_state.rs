//! The state of one slot: the backend that its operators share.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use millrace_plan::{Plan, StateBackend};
use millrace_state::{BackendKind, BackendOptions, KeyGroups, SlotFiles, StateKey, operator_range};

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
        let mut opened = millrace_state::open(kind, &at, &BackendOptions::default(), &groups, &recovered.state)?;
        for id in recovered.dropped(plan) {
            let (from, to) = operator_range(&StateKey::new(id));
            opened.delete_range(&from, &to)?;
        }
        Ok(SlotState { backend: Rc::new(RefCell::new(opened)), slot, groups, kind, directory })
    }

    /// Files that hold everything that the operators have given to the backend.
    pub fn snapshot(&self, barrier: BarrierId) -> Result<SlotFiles> {
        let folder = self.directory.join(format!("barrier-{barrier}"));
        let snapshot = self.backend.borrow_mut().snapshot(&folder)?;
        Ok(SlotFiles { slot: self.slot, key_groups: self.groups.clone(), backend: self.kind, snapshot })
    }
}

pub fn backend_kind(backend: StateBackend) -> BackendKind {
    match backend {
        StateBackend::RocksDb => BackendKind::RocksDb,
        StateBackend::Filesystem => BackendKind::Filesystem,
    }
}
