//! Savepoints that were asked for, and what has become of them.

use std::collections::BTreeMap;

/// A savepoint that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Tells it from others, as a name that failed may be asked for again.
    pub number: u64,
    pub name: String,
    /// It is to be of the last barrier, behind which nothing is processed.
    pub ends_job: bool,
}

/// How far a savepoint has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavepointState {
    /// Its barrier is on its way.
    Waiting,
    Writing,
    Written {
        /// The checkpoint that it is a copy of.
        checkpoint: u64,
        bytes: u64,
    },
    /// Why there is none; the job goes on, if it was not to end with it.
    Failed(String),
}

/// What became of a savepoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavepointOutcome {
    pub name: String,
    pub error: Option<String>,
}

/// No barrier comes any more that it could be of.
pub fn too_late(wanted: &Wanted) -> (u64, SavepointState) {
    let message = format!("savepoint \"{}\": the job has ended before it was written", wanted.name);
    (wanted.number, SavepointState::Failed(message))
}

/// The savepoints of a run, by their number.
#[derive(Debug, Default)]
pub struct Savepoints {
    known: BTreeMap<u64, (String, SavepointState)>,
}

impl Savepoints {
    pub fn ask(&mut self, name: &str, ends_job: bool) -> Wanted {
        let number = self.known.last_key_value().map_or(1, |(last, _)| last + 1);
        self.known.insert(number, (name.to_owned(), SavepointState::Waiting));
        Wanted { number, name: name.to_owned(), ends_job }
    }

    pub fn set(&mut self, number: u64, state: SavepointState) {
        if let Some((_, known)) = self.known.get_mut(&number) {
            *known = state;
        }
    }

    pub fn state(&self, number: u64) -> Option<SavepointState> {
        self.known.get(&number).map(|(_, state)| state.clone())
    }

    pub fn written(&self) -> u64 {
        self.known.values().filter(|(_, state)| matches!(state, SavepointState::Written { .. })).count() as u64
    }

    /// The last that was written or has failed.
    pub fn last(&self) -> Option<SavepointOutcome> {
        self.known.values().rev().find_map(|(name, state)| match state {
            SavepointState::Waiting | SavepointState::Writing => None,
            SavepointState::Written { .. } => Some(SavepointOutcome { name: name.clone(), error: None }),
            SavepointState::Failed(error) => Some(SavepointOutcome { name: name.clone(), error: Some(error.clone()) }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_asked_for_again_is_another_savepoint() {
        let mut savepoints = Savepoints::default();
        let first = savepoints.ask("a", false);
        savepoints.set(first.number, SavepointState::Failed("no room".into()));
        let second = savepoints.ask("a", false);
        assert_eq!(savepoints.state(second.number), Some(SavepointState::Waiting));
        assert_eq!(savepoints.last(), Some(SavepointOutcome { name: "a".into(), error: Some("no room".into()) }));
        savepoints.set(second.number, SavepointState::Written { checkpoint: 3, bytes: 7 });
        assert_eq!((savepoints.written(), savepoints.last().unwrap().error), (1, None));
    }
}
