//! Operators that keep state, and the exchanges that bring rows to it: by key to the slot of the key, or to every slot.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_plan::{BroadcastJoin, Deduplicate, OperatorKind, WindowAggregate};

use super::upstream::{settlement, sources_upstream};
use super::{Builder, Outlet, projection};
use crate::batch::NO_WATERMARK;
use crate::counters::OperatorCounters;
use crate::exchange::{ExchangeReceiver, Sender};
use crate::graph::{Input, Origin, RestoredWindows};
use crate::node::{Node, Work};
use crate::operators::Operator;
use crate::operators::broadcast::{self, Table, TableInBackend};
use crate::operators::keyed::{self, RowKeys, ValueStore, ValuesInBackend};
use crate::operators::state_lines::refused;
use crate::operators::window::{self, PaneStore, PreAggregate, WindowPlan, rearrangement};
use crate::watermarks::Combined;
use crate::{Error, ErrorCode, Result};

impl Builder<'_> {
    pub fn window(&mut self, index: usize, aggregate: &WindowAggregate) -> Result<Outlet> {
        let emitted = Rc::new(Cell::new(NO_WATERMARK));
        let downstream = settlement(&self.job.plan, index);
        let schema = self.job.plan.operators[index].schema.clone();
        let plan =
            Rc::new(WindowPlan::new(index, aggregate, &self.input_schema(index), schema, downstream, emitted.clone())?);
        self.windows.push(RestoredWindows { sources: sources_upstream(&self.job.plan, index), emitted });
        let counters = self.counters(index);
        let before = PreAggregate::new(plan.clone(), self.state.is_some(), counters.clone());
        let after = self.window_aggregate(index, plan, counters)?;
        self.exchanged(index, Box::new(before), Box::new(after))
    }

    pub fn deduplicate(&mut self, index: usize, plan: &Deduplicate) -> Result<Outlet> {
        let schema = self.input_schema(index);
        let before = keyed::Route::new(RowKeys::new(&plan.keys, &schema)?, &schema);
        let keys = RowKeys::new(&plan.keys, &schema)?;
        let lines = keyed::Deduplicate::state_lines(&keys);
        let values = ValueStore::new(
            plan.ttl,
            self.values_in_backend(index, &lines)?,
            self.memory_budget(),
            self.counters(index),
        );
        let after = keyed::Deduplicate::new(index, keys, values, lines, self.job.environment.clone());
        self.exchanged(index, Box::new(before), Box::new(after))
    }

    /// The second input goes to the table of every slot; the first looks up what is there.
    pub fn broadcast_join(&mut self, index: usize, plan: &BroadcastJoin) -> Result<Outlet> {
        let operator = &self.job.plan.operators[index];
        let &[input, broadcast] = operator.inputs.as_slice() else {
            return Err(Error::new(ErrorCode::Internal, "a join has two inputs"));
        };
        let (input_schema, table_schema) = (self.schema_of(input), self.schema_of(broadcast));
        let table = self.table(index, plan, &table_schema)?;
        let on = RowKeys::new(&plan.on, &input_schema)?;
        if on.types() != table.key_types() {
            let (on, keys) = (on.types(), table.key_types());
            let message = format!("rows are matched by {on:?}, but the key is {keys:?}: cast the one to the other");
            return Err(Error::new(ErrorCode::Plan, message));
        }
        let scope = broadcast::BroadcastJoin::scope(&input_schema, table.schema());
        let output = projection(&plan.output, &scope, operator.schema.clone())?;
        let table = Rc::new(RefCell::new(table));
        let counters = self.counters(index);
        let update = broadcast::UpdateTable::new(index, table.clone(), counters.clone());
        self.exchange(index, self.outlets[broadcast], Box::new(update))?;
        let join = broadcast::BroadcastJoin::new(on, table, scope, output, plan.keep_unmatched);
        let join = Node::new(operator.name.clone(), Work::Operator(Box::new(join)), counters);
        self.nodes.push(join);
        let join = self.nodes.len() - 1;
        self.edge(self.outlets[input], join);
        Ok(Outlet::Node(join))
    }

    fn table(&self, index: usize, plan: &BroadcastJoin, schema: &SchemaRef) -> Result<Table> {
        let keys = RowKeys::new(&plan.keys, schema)?;
        let lines = Table::state_lines(&keys, schema);
        let values = self.values_in_backend(index, &lines)?;
        let store =
            self.state.zip(values).map(|(state, values)| TableInBackend::new(values, state.groups.clone(), schema));
        let mut table = Table::new(keys, schema, store.transpose()?, lines)?;
        table.restore(&self.job.plan.operators[index].id, &self.prepared.recovered.state)?;
        Ok(table)
    }

    fn schema_of(&self, index: usize) -> SchemaRef {
        self.job.plan.operators[index].schema.clone()
    }

    /// Adds the halves of an operator and the exchange between them.
    fn exchanged(&mut self, index: usize, before: Box<dyn Operator>, after: Box<dyn Operator>) -> Result<Outlet> {
        let name = self.job.plan.operators[index].name.clone();
        let counters = self.counters(index);
        let before = Node::new(name, Work::Operator(before), counters).without_rows_out();
        let before = Outlet::Node(self.connect(index, before));
        self.exchange(index, before, after)
    }

    /// Adds the exchange of an operator, and what is behind it.
    fn exchange(&mut self, index: usize, from: Outlet, after: Box<dyn Operator>) -> Result<Outlet> {
        let name = self.job.plan.operators[index].name.clone();
        let exchange = self.job.exchanges.get(&index);
        let exchange = exchange.ok_or_else(|| Error::new(ErrorCode::Internal, "state without an exchange"))?.clone();
        let counters = self.counters(index);
        let send = Work::Send(Sender::new(exchange.clone(), self.slot));
        self.nodes.push(Node::new(name.clone(), send, counters.clone()));
        self.edge(from, self.nodes.len() - 1);

        let receiver = ExchangeReceiver::new(exchange, self.slot);
        let origin = Origin::Exchange { receiver, watermarks: Combined::new(self.job.parallelism()) };
        self.inputs.push(Input::new(origin, counters.clone()));
        self.nodes.push(Node::new(name, Work::Operator(after), counters).without_rows_in());
        self.edge(Outlet::Input(self.inputs.len() - 1), self.nodes.len() - 1);
        Ok(Outlet::Node(self.nodes.len() - 1))
    }

    fn window_aggregate(
        &self,
        index: usize,
        plan: Rc<WindowPlan>,
        counters: Arc<OperatorCounters>,
    ) -> Result<window::WindowAggregate> {
        let job = &self.job.plan;
        let Some(state) = self.state else {
            return window::WindowAggregate::new(plan, None, 0, NO_WATERMARK, counters);
        };
        let (id, recovered) = (&job.operators[index].id, &self.prepared.recovered);
        let stored = recovered.state(id);
        let change = if stored.is_empty() { None } else { rearrangement(id, stored, &plan.state_lines)? };
        let (backend, groups) = (state.backend.clone(), state.groups.clone());
        let mut store = PaneStore::new(backend, id, groups, job.max_parallelism, &plan)?;
        if let Some(change) = change {
            store.rearrange(&change.parts, &plan)?;
            change.told.into_iter().for_each(|told| self.job.note_restored(told));
        }
        window::WindowAggregate::new(plan, Some(store), self.memory_budget(), recovered.watermark(id), counters)
    }

    /// Where the values of an operator are stored, whose state is called `lines`.
    fn values_in_backend(&self, index: usize, lines: &[String]) -> Result<Option<ValuesInBackend>> {
        let Some(state) = self.state else { return Ok(None) };
        let (plan, id) = (&self.job.plan, &self.job.plan.operators[index].id);
        let stored = self.prepared.recovered.state(id);
        if !stored.is_empty() && stored != lines {
            return Err(refused(id, stored, lines));
        }
        Ok(Some(ValuesInBackend::new(state.backend.clone(), id, plan.max_parallelism, !stored.is_empty())))
    }

    /// Bytes of memory for the state of one operator in one slot; 0: as many as it takes. What is broadcast has none of it.
    fn memory_budget(&self) -> usize {
        let plan = &self.job.plan;
        let budget = plan.checkpoints.as_ref().map_or(0, |settings| settings.memory_budget_bytes as usize);
        let keeps_to_it =
            |kind: &OperatorKind| matches!(kind, OperatorKind::WindowAggregate(_) | OperatorKind::Deduplicate(_));
        let sharing = plan.operators.iter().filter(|operator| keeps_to_it(&operator.kind)).count();
        budget / (self.job.parallelism() * sharing.max(1))
    }
}
