//! The aggregates of a window, as accumulators over many groups at once.

mod checked_sum;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{SortOptions, cast};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_common::DataFusionError;
use datafusion_expr::{AggregateUDF, EmitTo, GroupsAccumulator};
use datafusion_functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion_functions_aggregate::approx_percentile_cont::approx_percentile_cont_udaf;
use datafusion_functions_aggregate::average::avg_udaf;
use datafusion_functions_aggregate::count::count_udaf;
use datafusion_functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion_functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion_functions_aggregate::stddev::stddev_udaf;
use datafusion_functions_aggregate::sum::sum_udaf;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::GroupsAccumulatorAdapter;
use datafusion_physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion_physical_expr::expressions::{self, Column, lit};
use datafusion_physical_expr::{PhysicalExpr, PhysicalSortExpr};
use millrace_plan::{Aggregate, AggregateFunction as F};

use crate::batch::internal;
use crate::expressions::{compile, evaluate, expression_error};
use crate::{Error, ErrorCode, Result};
use checked_sum::CheckedSum;

/// The column by which first and last are told.
const TIME_COLUMN: &str = "$time";

/// One aggregate of a windowed aggregation.
pub struct WindowedAggregate {
    argument: Arc<dyn PhysicalExpr>,
    argument_type: DataType,
    kind: Kind,
    state_fields: Vec<FieldRef>,
    output_type: DataType,
}

enum Kind {
    CheckedSum,
    DataFusion { function: AggregateFunctionExpr, ordered: bool },
}

impl WindowedAggregate {
    /// An aggregate over rows of `input`.
    pub fn new(aggregate: &Aggregate, input: &SchemaRef) -> Result<Self> {
        let argument = match &aggregate.expr {
            Some(expr) => compile(expr, input)?,
            None => lit(1i64),
        };
        let argument = widened(aggregate.function, argument, input)?;
        let data_type = argument.data_type(input).map_err(plan)?;
        if aggregate.function == F::Sum && data_type == DataType::Int64 {
            let state_fields = vec![Arc::new(Field::new("sum", DataType::Int64, true))];
            let (argument_type, output_type) = (data_type.clone(), data_type);
            return Ok(WindowedAggregate {
                argument,
                argument_type,
                kind: Kind::CheckedSum,
                state_fields,
                output_type,
            });
        }
        let function = build(aggregate.function, argument.clone(), input).map_err(plan)?;
        let ordered = !function.order_bys().is_empty();
        let output_type = match function.field().data_type() {
            DataType::UInt64 => DataType::Int64,
            other => other.clone(),
        };
        let state_fields = function.state_fields().map_err(plan)?;
        let kind = Kind::DataFusion { function, ordered };
        Ok(WindowedAggregate { argument, argument_type: data_type, kind, state_fields, output_type })
    }

    /// What the accumulator takes of `rows`, which happened at `times`.
    pub fn arguments(&self, rows: &RecordBatch, times: &Int64Array) -> Result<Vec<ArrayRef>> {
        self.with_parameters(evaluate(&self.argument, rows)?, rows, times)
    }

    /// The state of a group without values. An accumulator without rows takes its groups for seen, so it is given a null.
    pub fn empty_state(&self) -> Result<Vec<ArrayRef>> {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let row =
            RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).map_err(internal)?;
        let null = new_null_array(&self.argument_type, 1);
        let arguments = self.with_parameters(null, &row, &Int64Array::from_value(0, 1))?;
        let mut accumulator = self.accumulator()?;
        accumulator.update_batch(&arguments, &[0], None, 1).map_err(aggregate_error)?;
        accumulator.state(EmitTo::All).map_err(aggregate_error)
    }

    fn with_parameters(&self, argument: ArrayRef, rows: &RecordBatch, times: &Int64Array) -> Result<Vec<ArrayRef>> {
        let mut arguments = vec![argument];
        if let Kind::DataFusion { function, ordered } = &self.kind {
            // Parameters, such as the quantile, follow the value.
            for parameter in function.expressions().iter().skip(1) {
                arguments.push(evaluate(parameter, rows)?);
            }
            if *ordered {
                arguments.push(Arc::new(times.clone()));
            }
        }
        Ok(arguments)
    }

    pub fn accumulator(&self) -> Result<Box<dyn GroupsAccumulator>> {
        match &self.kind {
            Kind::CheckedSum => Ok(Box::new(CheckedSum::default())),
            Kind::DataFusion { function, .. } if function.groups_accumulator_supported() => {
                function.create_groups_accumulator().map_err(internal)
            }
            Kind::DataFusion { function, .. } => {
                let function = function.clone();
                Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
            }
        }
    }

    /// The columns of a partial result.
    pub fn state_fields(&self) -> &[FieldRef] {
        &self.state_fields
    }

    pub fn output_type(&self) -> &DataType {
        &self.output_type
    }

    /// Brings what the accumulator gives to the output type.
    pub fn output(&self, values: ArrayRef) -> Result<ArrayRef> {
        if values.data_type() == &self.output_type {
            Ok(values)
        } else {
            cast(&values, &self.output_type).map_err(internal)
        }
    }
}

/// An accumulator failed.
pub fn aggregate_error(error: DataFusionError) -> Error {
    expression_error(&error)
}

fn build(
    function: F,
    argument: Arc<dyn PhysicalExpr>,
    input: &SchemaRef,
) -> datafusion_common::Result<AggregateFunctionExpr> {
    let (udaf, mut arguments): (Arc<AggregateUDF>, _) = match function {
        F::Count | F::CountDistinct => (count_udaf(), vec![argument]),
        F::ApproxCountDistinct => (approx_distinct_udaf(), vec![argument]),
        F::Sum => (sum_udaf(), vec![argument]),
        F::Avg => (avg_udaf(), vec![argument]),
        F::Min => (min_udaf(), vec![argument]),
        F::Max => (max_udaf(), vec![argument]),
        F::First => (first_value_udaf(), vec![argument]),
        F::Last => (last_value_udaf(), vec![argument]),
        F::Stddev => (stddev_udaf(), vec![argument]),
        F::ApproxQuantile(_) => (approx_percentile_cont_udaf(), vec![argument]),
    };
    if let F::ApproxQuantile(quantile) = function {
        arguments.push(lit(quantile));
    }
    let time = Arc::new(Field::new(TIME_COLUMN, DataType::Int64, false));
    let fields: Vec<FieldRef> = input.fields().iter().cloned().chain([time]).collect();
    let ordered = matches!(function, F::First | F::Last);
    let by_time = PhysicalSortExpr {
        expr: Arc::new(Column::new(TIME_COLUMN, input.fields().len())),
        options: SortOptions::default(),
    };
    AggregateExprBuilder::new(udaf, arguments)
        .schema(Arc::new(Schema::new(fields)))
        .alias("aggregate")
        .order_by(if ordered { vec![by_time] } else { Vec::new() })
        .with_ignore_nulls(ordered)
        .with_distinct(function == F::CountDistinct)
        .build()
}

/// Brings the argument to a type that the accumulator is made for.
fn widened(function: F, argument: Arc<dyn PhysicalExpr>, input: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let data_type = argument.data_type(input).map_err(plan)?;
    let target = match (function, &data_type) {
        (F::Sum, DataType::Int32) => DataType::Int64,
        (F::Avg, DataType::Int32 | DataType::Int64) => DataType::Float64,
        (F::Stddev | F::ApproxQuantile(_), DataType::Int32 | DataType::Int64 | DataType::Decimal128(..)) => {
            DataType::Float64
        }
        _ => return Ok(argument),
    };
    expressions::cast(argument, input, target).map_err(plan)
}

fn plan(error: DataFusionError) -> Error {
    Error::new(ErrorCode::Plan, error.strip_backtrace())
}

#[cfg(test)]
mod tests;
