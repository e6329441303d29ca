//! What both halves of a windowed aggregation know of it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMillisecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion_physical_expr::PhysicalExpr;
use millrace_plan::{Aggregate, AggregateFunction, Window, aggregate_column};

use super::panes::{Panes, Settlement};
use super::stored_state;
use crate::Result;
use crate::aggregates::WindowedAggregate;
use crate::batch::{Millis, internal};
use crate::build::projection;
use crate::exchange::HASH_COLUMN;
use crate::expressions::{compile, evaluate};
use crate::key_group::KeyCodec;
use crate::operators::Projection;

pub struct WindowPlan {
    /// The index of the operator in the plan.
    pub operator: usize,
    pub panes: Panes,
    pub codec: KeyCodec,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    pub aggregates: Vec<WindowedAggregate>,
    /// The aggregate that counts all rows: late ones are counted by it.
    pub count: usize,
    /// Aggregates of the plan; one more may count rows.
    planned: usize,
    /// Keys, hash, states of the aggregates.
    partial: SchemaRef,
    /// What the output is made from: keys, start, end, aggregates.
    scope: SchemaRef,
    output: Projection,
    downstream: Settlement,
    emitted: Rc<Cell<Millis>>,
    /// What the stored state is called.
    pub state_lines: Arc<[String]>,
}

impl WindowPlan {
    pub fn new(
        operator: usize,
        plan: &millrace_plan::WindowAggregate,
        input: &SchemaRef,
        output: SchemaRef,
        downstream: Settlement,
        emitted: Rc<Cell<Millis>>,
    ) -> Result<Self> {
        let keys = plan.keys.iter().map(|key| compile(&key.expr, input)).collect::<Result<Vec<_>>>()?;
        let mut key_fields = Vec::new();
        for (key, expr) in plan.keys.iter().zip(&keys) {
            let nullable = expr.nullable(input).map_err(internal)?;
            key_fields.push(Arc::new(Field::new(&key.name, expr.data_type(input).map_err(internal)?, nullable)));
        }
        let codec = KeyCodec::new(key_fields.iter().map(|field| field.data_type().clone()).collect())?;

        let mut planned = plan.aggregates.clone();
        let counts_rows = |a: &Aggregate| a.function == AggregateFunction::Count && a.expr.is_none();
        let count = planned.iter().position(counts_rows).unwrap_or(planned.len());
        if count == planned.len() {
            planned.push(Aggregate { function: AggregateFunction::Count, expr: None });
        }
        let aggregates = planned.iter().map(|a| WindowedAggregate::new(a, input)).collect::<Result<Vec<_>>>()?;

        let hash = Arc::new(Field::new(HASH_COLUMN, DataType::UInt64, false));
        let states = aggregates.iter().enumerate().flat_map(|(index, a)| {
            let field = move |(state, field): (usize, &FieldRef)| {
                Arc::new(field.as_ref().clone().with_name(format!("${index}.{state}")).with_nullable(true))
            };
            a.state_fields().iter().enumerate().map(field)
        });
        let partial = Schema::new(key_fields.iter().cloned().chain([hash]).chain(states).collect::<Vec<FieldRef>>());

        let named: Vec<_> = key_fields.iter().map(|key| (key.name().clone(), key.data_type().clone())).collect();
        let typed: Vec<_> = planned.into_iter().zip(aggregates.iter().map(types_of)).collect();
        let state_lines = stored_state::lines(plan.window, &named, &typed).into();

        let time = |name| Arc::new(Field::new(name, window_time(), false));
        let times = [time(Window::START), time(Window::END)];
        let values = aggregates[..plan.aggregates.len()].iter().enumerate().map(|(index, aggregate)| {
            Arc::new(Field::new(aggregate_column(index), aggregate.output_type().clone(), true))
        });
        let scope = Schema::new(key_fields.iter().cloned().chain(times).chain(values).collect::<Vec<FieldRef>>());
        let scope = Arc::new(scope);
        Ok(WindowPlan {
            operator,
            panes: Panes::new(plan.window),
            codec,
            keys,
            aggregates,
            count,
            planned: plan.aggregates.len(),
            partial: Arc::new(partial),
            output: projection(&plan.output, &scope, output)?,
            scope,
            downstream,
            emitted,
            state_lines,
        })
    }

    /// The key columns of rows.
    pub fn keys_of(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.keys.iter().map(|key| evaluate(key, rows)).collect()
    }

    /// What each aggregate takes of rows.
    pub fn arguments_of(&self, rows: &RecordBatch, times: &Int64Array) -> Result<Vec<Vec<ArrayRef>>> {
        self.aggregates.iter().map(|aggregate| aggregate.arguments(rows, times)).collect()
    }

    /// Puts partial results together for the exchange.
    pub fn partial(&self, keys: Vec<ArrayRef>, hashes: ArrayRef, states: Vec<ArrayRef>) -> Result<RecordBatch> {
        let columns = keys.into_iter().chain([hashes]).chain(states).collect();
        RecordBatch::try_new(self.partial.clone(), columns).map_err(internal)
    }

    /// The keys of partial results, and the states for each aggregate.
    pub fn take_apart(&self, partial: &RecordBatch) -> (Vec<ArrayRef>, Vec<Vec<ArrayRef>>) {
        let columns = partial.columns();
        (columns[..self.keys.len()].to_vec(), self.by_aggregate(&columns[self.keys.len() + 1..]))
    }

    /// The columns of all states, parted by aggregate.
    pub fn by_aggregate(&self, states: &[ArrayRef]) -> Vec<Vec<ArrayRef>> {
        let mut states = states.iter().cloned();
        self.aggregates.iter().map(|a| states.by_ref().take(a.state_fields().len()).collect()).collect()
    }

    /// The hashes of the keys of partial results.
    pub fn hashes<'a>(&self, partial: &'a RecordBatch) -> Result<&'a UInt64Array> {
        partial.column(self.keys.len()).as_primitive_opt().ok_or_else(|| internal("hashes are not uint64"))
    }

    pub fn key_types(&self) -> Vec<DataType> {
        self.partial.fields()[..self.keys.len()].iter().map(|field| field.data_type().clone()).collect()
    }

    /// The types of the columns of each aggregate's state.
    pub fn state_types(&self) -> Vec<Vec<DataType>> {
        self.aggregates.iter().map(types_of).collect()
    }

    /// The state of each aggregate for a key without rows.
    pub fn empty_states(&self) -> Result<Vec<Vec<ArrayRef>>> {
        self.aggregates.iter().map(WindowedAggregate::empty_state).collect()
    }

    /// The rows of a window that ends at `end`.
    pub fn output(&self, keys: Vec<ArrayRef>, end: Millis, values: Vec<ArrayRef>) -> Result<RecordBatch> {
        let rows = keys.first().map_or(0, |key| key.len());
        let constant = |time: Millis| -> ArrayRef {
            Arc::new(TimestampMillisecondArray::from_value(time, rows).with_timezone("UTC"))
        };
        let times = [constant(end - self.panes.size()), constant(end)];
        let columns = keys.into_iter().chain(times).chain(values.into_iter().take(self.planned)).collect();
        self.output.apply(&RecordBatch::try_new(self.scope.clone(), columns).map_err(internal)?)
    }

    /// The run before has emitted the window that ends at `end`, and everything that follows from it.
    pub fn was_emitted(&self, end: Millis) -> bool {
        let emitted = self.emitted.get();
        end <= emitted && self.downstream.settles_at(end - 1) <= emitted
    }
}

fn types_of(aggregate: &WindowedAggregate) -> Vec<DataType> {
    aggregate.state_fields().iter().map(|field| field.data_type().clone()).collect()
}

fn window_time() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}
