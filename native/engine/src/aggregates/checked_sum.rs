//! The sum of integers, exact or an error.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::Int64Type;
use datafusion_common::{Result, exec_err, not_impl_err};
use datafusion_expr::{EmitTo, GroupsAccumulator};

/// One sum a group. DataFusion's wraps around silently; this one refuses to.
#[derive(Debug, Default)]
pub struct CheckedSum {
    sums: Vec<i64>,
    /// Groups that have had a value; the others are null.
    seen: Vec<bool>,
}

impl CheckedSum {
    fn add(&mut self, values: &Int64Array, groups: &[usize], total: usize) -> Result<()> {
        self.sums.resize(total, 0);
        self.seen.resize(total, false);
        // One look at the end instead of a branch a row.
        let mut overflowed = false;
        let CheckedSum { sums, seen } = self;
        let mut add = |group: usize, value: i64| {
            let (sum, overflow) = sums[group].overflowing_add(value);
            sums[group] = sum;
            seen[group] = true;
            overflowed |= overflow;
        };
        match values.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => groups.iter().zip(values.values()).for_each(|(&group, &value)| add(group, value)),
            Some(_) => {
                let present = groups.iter().zip(values).filter_map(|(&group, value)| Some((group, value?)));
                present.for_each(|(group, value)| add(group, value));
            }
        }
        if overflowed {
            return exec_err!("a sum is out of range for int64: cast its argument to float64 or decimal");
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> ArrayRef {
        let sums = emit_to.take_needed(&mut self.sums);
        let seen: BooleanBuffer = emit_to.take_needed(&mut self.seen).into();
        Arc::new(Int64Array::new(sums.into(), Some(NullBuffer::new(seen)).filter(|nulls| nulls.null_count() > 0)))
    }
}

impl GroupsAccumulator for CheckedSum {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        if filter.is_some() {
            return not_impl_err!("a sum takes no filter");
        }
        self.add(values[0].as_primitive::<Int64Type>(), groups, total)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.add(states[0].as_primitive::<Int64Type>(), groups, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.take(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to)])
    }

    fn convert_to_state(&self, values: &[ArrayRef], _filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        Ok(vec![values[0].clone()])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i64>() + self.seen.capacity()
    }
}
