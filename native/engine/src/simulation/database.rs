//! A database that keys are looked up in. It answers when it pleases, and not in the order in which it was asked.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use millrace_io::{Call, Calls, Found, Posted, Reply, Want};

use super::random::Random;
use super::world::SIMULATED;

/// What the ids of steps begin with that look up all keys there are, and of those that find every second one.
pub const FINDS_ALL: &str = "inner lookup";
pub const FINDS_SOME: &str = "left lookup";

/// One process's connection to it.
#[derive(Default)]
pub struct Connection {
    asked: Vec<Arc<Posted<Call>>>,
}

impl Connection {
    /// Answers one of the questions that there are; false: there are none.
    pub fn answer(&mut self, calls: &Calls, random: &mut Random) -> bool {
        self.asked.extend(calls.take());
        if self.asked.is_empty() {
            return false;
        }
        let question = self.asked.swap_remove(random.below(self.asked.len() as u64) as usize);
        let answer =
            if random.chance(2) { Err(format!("{SIMULATED} the database is gone")) } else { Ok(found(&question)) };
        calls.answer(question.id, answer);
        true
    }
}

/// A key's row has the key again.
fn found(question: &Posted<Call>) -> Reply {
    let Call { step, want, .. } = &question.request;
    let Want::Find { keys, columns } = want else { unreachable!("only lookups ask: {want:?}") };
    let keys = keys.column(0).as_primitive::<Int64Type>().values();
    let is_found = |key: i64| step.starts_with(FINDS_ALL) || key % 2 == 0;
    let (keys, values): (Vec<u32>, Vec<i64>) = (0..).zip(keys).filter(|(_, key)| is_found(**key)).unzip();
    let rows = RecordBatch::try_new(columns.clone(), vec![Arc::new(Int64Array::from(values))]).unwrap();
    Reply::Found(Found { rows, keys })
}
