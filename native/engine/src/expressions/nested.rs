//! Fields of structs and items of lists.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int64Type, Schema};
use datafusion_expr::{ColumnarValue, ScalarFunctionImplementation, Volatility, create_udf};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_expr::expressions::cast;

use super::functions::{apply, pair};
use super::time::text_of;
use super::{plan, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// Arguments: struct, name.
pub fn get_field(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [value, name] = pair(args)?;
    let name = text_of(&name).ok_or_else(|| plan("the name of a field is a literal"))?;
    let data_type = type_of(&value, schema)?;
    let DataType::Struct(fields) = &data_type else { return Err(plan(format!("{data_type} has no fields"))) };
    let (index, field) = fields.find(&name).ok_or_else(|| plan(format!("there is no field \"{name}\"")))?;
    let output = field.data_type().clone();
    let get = move |values: &[ArrayRef]| {
        let value = values[0].as_struct();
        let field = value.column(index);
        // A null struct has null fields.
        let nulls = arrow::buffer::NullBuffer::union(value.nulls(), field.nulls());
        let data = field.to_data().into_builder().nulls(nulls).build()?;
        Ok(arrow::array::make_array(data))
    };
    function("get_field", vec![value], data_type.clone(), output, get, schema)
}

/// Arguments: list, index from 0; null outside of the list.
pub fn list_element(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [list, index] = pair(args)?;
    let data_type = type_of(&list, schema)?;
    let DataType::List(item) = &data_type else { return Err(plan(format!("{data_type} is not a list"))) };
    let output = item.data_type().clone();
    let index = cast(index, schema, DataType::Int64).map_err(plan)?;
    let element = move |values: &[ArrayRef]| {
        let (list, index) = (values[0].as_list::<i32>(), values[1].as_primitive::<Int64Type>());
        let at = |row: usize| {
            let inside = list.is_valid(row) && index.is_valid(row);
            let offset = u32::try_from(index.value(row)).ok().filter(|&at| (at as i32) < list.value_length(row));
            offset.filter(|_| inside).map(|at| list.value_offsets()[row] as u32 + at)
        };
        let indices: UInt32Array = (0..list.len()).map(at).collect();
        Ok(take(list.values(), &indices, None)?)
    };
    let types = vec![data_type.clone(), DataType::Int64];
    let udf = create_udf("list_element", types, output, Volatility::Immutable, on_arrays(element));
    apply(Arc::new(udf), vec![list, index], schema)
}

pub fn list_length(list: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let data_type = type_of(&list, schema)?;
    let length = |values: &[ArrayRef]| {
        let list = values[0].as_list::<i32>();
        let lengths = (0..list.len()).map(|row| list.is_valid(row).then(|| list.value_length(row)));
        Ok(Arc::new(lengths.collect::<Int32Array>()) as ArrayRef)
    };
    function("list_length", vec![list], data_type, DataType::Int32, length, schema)
}

fn function(
    name: &str,
    args: Args,
    input: DataType,
    output: DataType,
    compute: impl Fn(&[ArrayRef]) -> datafusion_common::Result<ArrayRef> + Send + Sync + 'static,
    schema: &Schema,
) -> Result<Arc<dyn PhysicalExpr>> {
    let udf = create_udf(name, vec![input], output, Volatility::Immutable, on_arrays(compute));
    apply(Arc::new(udf), args, schema)
}

fn on_arrays(
    compute: impl Fn(&[ArrayRef]) -> datafusion_common::Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarFunctionImplementation {
    Arc::new(move |values: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        compute(&arrays).map(ColumnarValue::Array)
    })
}
