//! The panes of a windowed aggregation as they lie in a state backend: an entry a key, which holds the states of the key's
//! partial results one behind the other.

use std::cell::RefCell;
use std::rc::Rc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::row::{RowConverter, Rows, SortField};
use millrace_state::{Backend, KeyGroups, Run, StateKey, key_group_range, namespace_range, operands, operator_range};

use super::pane::Pane;
use super::panes::PaneId;
use super::plan::WindowPlan;
use super::rearrange;
use super::run_order::{by_key_group, in_key_order};
use super::state_codec::{StateCodec, StateRows};
use super::stored_state::Part;
use crate::batch::internal;
use crate::key_group::key_group;
use crate::{Error, ErrorCode, Result};

/// Partial results that are read back and merged at once.
const LOAD_ROWS: usize = 8192;

/// Partial results that are encoded and written at once, at least; so many stay in the processor's caches meanwhile.
const PART_ROWS: usize = 8192;

pub type SharedBackend = Rc<RefCell<Box<dyn Backend>>>;

pub struct PaneStore {
    backend: SharedBackend,
    key: StateKey,
    /// Of the slot.
    groups: KeyGroups,
    max_parallelism: usize,
    keys: RowConverter,
    states: StateCodec,
}

impl From<millrace_state::Error> for Error {
    fn from(error: millrace_state::Error) -> Self {
        Error::new(ErrorCode::State, error.0)
    }
}

/// On the way through a backend that visits what it holds.
impl From<Error> for millrace_state::Error {
    fn from(error: Error) -> Self {
        millrace_state::Error(error.message)
    }
}

impl PaneStore {
    /// `operator` is the operator's stable id.
    pub fn new(
        backend: SharedBackend,
        operator: &str,
        groups: KeyGroups,
        max_parallelism: usize,
        plan: &WindowPlan,
    ) -> Result<Self> {
        Ok(PaneStore {
            backend,
            key: StateKey::new(operator),
            groups,
            max_parallelism,
            keys: RowConverter::new(plan.key_types().into_iter().map(SortField::new).collect()).map_err(internal)?,
            states: StateCodec::new(plan.state_types())?,
        })
    }

    pub fn groups(&self) -> KeyGroups {
        self.groups.clone()
    }

    /// Brings what is stored to what the plan wants: `parts` says where each aggregate's part comes from.
    pub fn rearrange(&mut self, parts: &[Part], plan: &WindowPlan) -> Result<()> {
        let empty = self.states.encode(&plan.empty_states()?)?;
        let mut state = Vec::new();
        empty.write(0, &mut state);
        let panes = self.panes()?.into_iter().map(|pane| (pane.start, pane.from)).collect::<Vec<_>>();
        rearrange::rearrange(self.backend.borrow_mut().as_mut(), &self.key, &panes, &self.groups, parts, &state)
    }

    /// Adds partial results to what the store has. Panes come in their order.
    pub fn append(&mut self, panes: &[(PaneId, RecordBatch)], plan: &WindowPlan) -> Result<()> {
        let mut parts = Vec::new();
        for (pane, partial) in panes {
            let hashes = plan.hashes(partial)?;
            let group = |row: usize| key_group(hashes.value(row), self.max_parallelism) as u32;
            let rows = by_key_group(partial.num_rows(), self.groups(), PART_ROWS, group);
            parts.extend(rows.into_iter().map(|rows| (*pane, partial, rows)));
        }
        let mut parts = parts.into_iter();
        let mut fill = |run: &mut Run| match parts.next() {
            Some((pane, partial, rows)) => Ok(self.write(pane, partial, rows, plan, run)?),
            None => Ok(()),
        };
        Ok(self.backend.borrow_mut().append_parts(&mut fill)?)
    }

    /// Writes some rows, which are all that there is of their key groups.
    fn write(&self, pane: PaneId, all: &RecordBatch, rows: Vec<u32>, plan: &WindowPlan, run: &mut Run) -> Result<()> {
        let partial = take_record_batch(all, &UInt32Array::from(rows)).map_err(internal)?;
        let (keys, states) = plan.take_apart(&partial);
        let keys = self.keys.convert_columns(&keys).map_err(internal)?;
        let states = self.states.encode(&states)?;
        let hashes = plan.hashes(&partial)?;
        let group = |row: usize| key_group(hashes.value(row), self.max_parallelism) as u32;
        let (mut key, mut state) = (Vec::new(), Vec::new());
        for (group, row) in in_key_order(&keys, group) {
            key.clear();
            state.clear();
            self.key.write_prefix((pane.start, pane.from), group, &mut key);
            key.extend_from_slice(keys.row(row).as_ref());
            states.write(row, &mut state);
            run.push(&key, &state);
        }
        Ok(())
    }

    /// The panes that the store has something of, in their order.
    pub fn panes(&self) -> Result<Vec<PaneId>> {
        let (mut from, to) = operator_range(&self.key);
        let mut panes = Vec::new();
        while let Some(key) = self.backend.borrow().next_key(&from, &to)? {
            let ((start, first), _) = self.key.parse(&key)?;
            panes.push(PaneId { start, from: first });
            from = namespace_range(&self.key, (start, first)).1;
        }
        Ok(panes)
    }

    /// Merges what the store has of one key group of a pane into `into`; gives the number of entries.
    pub fn load(&self, pane: PaneId, group: u32, plan: &WindowPlan, into: &mut Pane) -> Result<u64> {
        let (from, to) = key_group_range(&self.key, (pane.start, pane.from), group);
        let mut loaded = Loaded::new(self);
        let mut entries = 0;
        self.backend.borrow().scan(&from, &to, &mut |key, stored| {
            let (_, user) = self.key.parse(key)?;
            entries += 1;
            for state in operands(stored) {
                loaded.push(user, state?)?;
            }
            if loaded.rows >= LOAD_ROWS {
                loaded.merge(plan, into)?;
            }
            Ok(())
        })?;
        loaded.merge(plan, into)?;
        Ok(entries)
    }

    /// Forgets all of a pane.
    pub fn forget(&mut self, pane: PaneId) -> Result<()> {
        let (from, to) = namespace_range(&self.key, (pane.start, pane.from));
        Ok(self.backend.borrow_mut().delete_range(&from, &to)?)
    }
}

/// Partial results on their way from the store into a pane.
struct Loaded<'a> {
    store: &'a PaneStore,
    keys: Rows,
    states: StateRows,
    rows: usize,
}

impl<'a> Loaded<'a> {
    fn new(store: &'a PaneStore) -> Self {
        let (keys, states) = (store.keys.empty_rows(0, 0), store.states.empty());
        Loaded { store, keys, states, rows: 0 }
    }

    fn push(&mut self, key: &[u8], state: &[u8]) -> Result<()> {
        self.keys.push(self.store.keys.parser().parse(key));
        self.rows += 1;
        self.store.states.push(state, &mut self.states)
    }

    fn merge(&mut self, plan: &WindowPlan, into: &mut Pane) -> Result<()> {
        let keys: Vec<ArrayRef> = self.store.keys.convert_rows(self.keys.iter()).map_err(internal)?;
        let states = self.store.states.decode(&self.states)?;
        into.merge(&plan.codec.encode(&keys)?, self.rows, &states)?;
        self.keys.clear();
        self.states.clear();
        self.rows = 0;
        Ok(())
    }
}
