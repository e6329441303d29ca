//! Fields of structs and items of lists.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int64Type, Schema};
use datafusion_physical_expr::PhysicalExpr;

use super::functions::{Output, function};
use super::time::text_of;
use super::types::{exactly, integer, type_name};
use super::{plan, type_of};
use crate::Result;

type Args = Vec<Arc<dyn PhysicalExpr>>;

/// Arguments: struct, name.
pub fn get_field(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [value, name] = exactly(args)?;
    let name = text_of(&name).ok_or_else(|| plan("the name of a field is a literal"))?;
    let data_type = type_of(&value, schema)?;
    let DataType::Struct(fields) = &data_type else {
        return Err(plan(format!("{} has no fields", type_name(&data_type))));
    };
    let (index, field) = fields.find(&name).ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        plan(format!("there is no field \"{name}\"; there are {}", known.join(", ")))
    })?;
    let get = move |values: &[ArrayRef]| {
        let value = values[0].as_struct();
        let field = value.column(index);
        // A null struct has null fields.
        let nulls = arrow::buffer::NullBuffer::union(value.nulls(), field.nulls());
        let data = field.to_data().into_builder().nulls(nulls).build()?;
        Ok(arrow::array::make_array(data))
    };
    let output = Output { data_type: field.data_type().clone(), may_be_null: field.is_nullable() };
    function("get_field", vec![value], output, get, schema)
}

/// Arguments: list, index from 0; null outside of the list.
pub fn list_element(args: Args, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    let [list, index] = exactly(args)?;
    let item = item_type(&list, schema)?;
    let element = |values: &[ArrayRef]| {
        let (list, index) = (values[0].as_list::<i32>(), values[1].as_primitive::<Int64Type>());
        let at = |row: usize| {
            let inside = list.is_valid(row) && index.is_valid(row);
            let offset =
                u32::try_from(index.value(row)).ok().filter(|&at| i64::from(at) < list.value_length(row).into());
            offset.filter(|_| inside).map(|at| list.value_offsets()[row] as u32 + at)
        };
        let indices: UInt32Array = (0..list.len()).map(at).collect();
        Ok(take(list.values(), &indices, None)?)
    };
    function(
        "list_element",
        vec![list, integer(index, schema)?],
        Output { data_type: item, may_be_null: true },
        element,
        schema,
    )
}

pub fn list_length(list: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    item_type(&list, schema)?;
    let length = |values: &[ArrayRef]| {
        let list = values[0].as_list::<i32>();
        let lengths = (0..list.len()).map(|row| list.is_valid(row).then(|| list.value_length(row)));
        Ok(Arc::new(lengths.collect::<Int32Array>()) as ArrayRef)
    };
    function("list_length", vec![list], Output { data_type: DataType::Int32, may_be_null: false }, length, schema)
}

fn item_type(list: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<DataType> {
    match type_of(list, schema)? {
        DataType::List(item) => Ok(item.data_type().clone()),
        other => Err(plan(format!("{} is not a list", type_name(&other)))),
    }
}
