//! Joins with what a driver finds.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use millrace_io::Calling;
use millrace_plan::LookupJoin;

use super::{Builder, Outlet, projection};
use crate::graph::{Input, Origin};
use crate::lookup::{Cache, Lookup, LookupKeys, LookupParts};
use crate::node::{Node, Work};
use crate::operators::Project;
use crate::operators::broadcast::BroadcastJoin;
use crate::{Error, ErrorCode, Result};

impl Builder<'_> {
    /// Rows go into the lookup, come out of it beside their matches, and become those of the step.
    pub fn lookup_join(&mut self, index: usize, plan: &LookupJoin) -> Result<Outlet> {
        let operator = &self.job.plan.operators[index];
        let input = self.input_schema(index);
        let scope = BroadcastJoin::scope(&input, &plan.columns);
        let output = projection(&plan.output, &scope, operator.schema.clone())?;
        let counters = self.counters(index);
        let lookup = Rc::new(RefCell::new(Lookup::new(LookupParts {
            step: operator.name.clone(),
            keys: LookupKeys::new(&plan.on, &input)?,
            columns: plan.columns.clone(),
            scope,
            keep_unmatched: plan.keep_unmatched,
            batch_keys: plan.batch_keys,
            cache: Cache::new(plan.cache_rows / self.job.parallelism(), plan.cache_ttl_ms),
            calling: self.calling(index)?,
            environment: self.job.environment.clone(),
            counters: counters.clone(),
        })));
        self.connect(index, Node::new(operator.name.clone(), Work::LookUp(lookup.clone()), counters.clone()));
        self.inputs.push(Input::new(Origin::Lookup(lookup), counters.clone()));
        let joined = Node::new(operator.name.clone(), Work::Operator(Box::new(Project::new(output))), counters);
        self.nodes.push(joined.without_rows_in());
        let joined = self.nodes.len() - 1;
        self.edge(Outlet::Input(self.inputs.len() - 1), joined);
        Ok(Outlet::Node(joined))
    }

    fn calling(&self, index: usize) -> Result<Calling> {
        let outboxes = self.job.environment.outboxes();
        let outboxes = outboxes.ok_or_else(|| Error::new(ErrorCode::Internal, "there is nobody to ask"))?;
        let (wakers, slot) = (self.job.wakers.clone(), self.slot);
        let id = &self.job.plan.operators[index].id;
        Ok(Calling::new(id, slot, outboxes.calls.clone(), Arc::new(move || wakers.wake(slot))))
    }
}
