//! The groups of one pane, or of one window, and their accumulators.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion_expr::{EmitTo, GroupsAccumulator};

use super::group_table::GroupTable;
use super::plan::WindowPlan;
use crate::Result;
use crate::aggregates::aggregate_error;
use crate::key_group::Keys;

pub struct Pane {
    groups: GroupTable,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// The group of each row of the batch at hand.
    scratch: Vec<usize>,
}

impl Pane {
    pub fn new(plan: &WindowPlan) -> Result<Self> {
        let accumulators = plan.aggregates.iter().map(|aggregate| aggregate.accumulator()).collect::<Result<_>>()?;
        Ok(Pane { groups: GroupTable::new(&plan.codec), accumulators, scratch: Vec::new() })
    }

    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Bytes that the table and the accumulators hold.
    pub fn bytes(&self) -> usize {
        self.groups.bytes() + self.accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>()
    }

    /// Adds rows: their keys and, for each aggregate, its arguments.
    pub fn update(&mut self, keys: &Keys, rows: usize, arguments: &[Vec<ArrayRef>]) -> Result<()> {
        self.groups.assign(keys, rows, &mut self.scratch);
        let total = self.groups.len();
        for (accumulator, arguments) in self.accumulators.iter_mut().zip(arguments) {
            accumulator.update_batch(arguments, &self.scratch, None, total).map_err(aggregate_error)?;
        }
        Ok(())
    }

    /// Adds partial results: their keys and, for each aggregate, its states.
    pub fn merge(&mut self, keys: &Keys, rows: usize, states: &[Vec<ArrayRef>]) -> Result<()> {
        self.groups.assign(keys, rows, &mut self.scratch);
        let total = self.groups.len();
        for (accumulator, states) in self.accumulators.iter_mut().zip(states) {
            accumulator.merge_batch(states, &self.scratch, total).map_err(aggregate_error)?;
        }
        Ok(())
    }

    /// The groups as partial results.
    pub fn into_partial(mut self, plan: &WindowPlan) -> Result<RecordBatch> {
        let mut states = Vec::new();
        for accumulator in &mut self.accumulators {
            states.extend(accumulator.state(EmitTo::All).map_err(aggregate_error)?);
        }
        let hashes = Arc::new(UInt64Array::from(self.groups.hashes()));
        plan.partial(self.groups.columns(&plan.codec)?, hashes, states)
    }

    /// The key columns and the value of each aggregate.
    pub fn into_values(mut self, plan: &WindowPlan) -> Result<(Vec<ArrayRef>, Vec<ArrayRef>)> {
        let mut values = Vec::new();
        for (accumulator, aggregate) in self.accumulators.iter_mut().zip(&plan.aggregates) {
            values.push(aggregate.output(accumulator.evaluate(EmitTo::All).map_err(aggregate_error)?)?);
        }
        Ok((self.groups.columns(&plan.codec)?, values))
    }
}
