//! The columns of a file as the plan has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, make_array, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::schema::types::SchemaDescriptor;

use crate::BadRecord;
use crate::bad_record::{Result, bad_value, type_name, within};
use crate::file::Part;

type ArrowResult<T> = std::result::Result<T, ArrowError>;

/// Why rows are bad, by their index.
type Faults = BTreeMap<usize, Box<BadRecord>>;

/// Where the columns of the plan are in a file.
pub struct Columns {
    schema: SchemaRef,
    /// The columns of the file that are read, in its order.
    roots: Vec<usize>,
    /// Where each column of the plan is among those; `None`: the file does not have it.
    sources: Vec<Option<usize>>,
}

impl Columns {
    /// The file's columns have these types as Arrow has them.
    pub fn new(wanted: &SchemaRef, types: &Schema, file: &SchemaDescriptor) -> Result<Self> {
        let names = file.root_schema().get_fields();
        let find = |field: &FieldRef| {
            let root = names.iter().position(|known| known.name() == field.name());
            match (root, types.field_with_name(field.name())) {
                (Some(root), Ok(found)) => check(found.data_type(), field.data_type()).map(|()| Some(root)),
                _ if field.is_nullable() => Ok(None),
                _ => Err(bad_value("the file does not have it, and it is not nullable")),
            }
        };
        let found = wanted.fields().iter().map(|field| find(field).map_err(|error| within(error, field.name())));
        let found: Vec<Option<usize>> = found.collect::<Result<_>>()?;
        let mut roots: Vec<usize> = found.iter().copied().flatten().collect();
        roots.sort_unstable();
        roots.dedup();
        let among = |root: &usize| roots.binary_search(root).ok();
        let sources = found.iter().map(|root| root.as_ref().and_then(among)).collect();
        Ok(Columns { schema: wanted.clone(), roots, sources })
    }

    /// The indexes of the file's columns that are read.
    pub fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// Rows of the plan's columns, and those between them that are bad.
    pub fn convert(&self, batch: &RecordBatch) -> ArrowResult<Vec<Part>> {
        let mut faults = Faults::new();
        let mut columns = Vec::with_capacity(self.sources.len());
        for (field, source) in self.schema.fields().iter().zip(&self.sources) {
            let mut own = Faults::new();
            columns.push(match source {
                Some(index) => convert(batch.column(*index), field, &mut own)?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
            for (row, error) in own {
                faults.entry(row).or_insert_with(|| within(error, field.name()));
            }
        }
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        let (mut parts, mut next) = (Vec::new(), 0);
        for (row, reason) in faults {
            if row > next {
                parts.push(Part::Rows(rows.slice(next, row - next)));
            }
            parts.push(Part::Bad { rows: 1, reason: *reason });
            next = row + 1;
        }
        if next < rows.num_rows() {
            parts.push(Part::Rows(rows.slice(next, rows.num_rows() - next)));
        }
        Ok(parts)
    }
}

/// Whether values of a type are read into a column.
fn check(from: &DataType, to: &DataType) -> Result<()> {
    use DataType::*;
    let fits = match (from, to) {
        (from, to) if from == to => true,
        (Int8 | Int16 | UInt8 | UInt16, Int32 | Int64 | Float64) => true,
        (Int32 | UInt32, Int64 | Float64) => true,
        (Int64 | UInt64, Int64 | Float64 | Timestamp(..)) => true,
        (Float16 | Float32, Float64) => true,
        (Utf8 | Binary | FixedSizeBinary(_), Utf8 | Binary) => true,
        (Decimal128(_, from) | Decimal256(_, from), Decimal128(_, to)) => from <= to,
        (Timestamp(..), Timestamp(..) | Int64) => true,
        (List(from), List(to)) => {
            return check(from.data_type(), to.data_type()).map_err(|error| within(error, "[]"));
        }
        (Map(entries, _), List(to)) => match (entries.data_type(), to.data_type()) {
            (Struct(from), Struct(to)) if is_entry(to) && from.len() == 2 => {
                let both = from.iter().zip(to).map(|(from, to)| check(from.data_type(), to.data_type()));
                return both.collect::<Result<()>>().map_err(|error| within(error, "[]"));
            }
            _ => false,
        },
        (Struct(from), Struct(to)) => {
            return to.iter().try_for_each(|to| {
                let checked = match from.find(to.name()) {
                    Some((_, from)) => check(from.data_type(), to.data_type()),
                    None if to.is_nullable() => Ok(()),
                    None => Err(bad_value("the file does not have it, and it is not nullable")),
                };
                checked.map_err(|error| within(error, to.name()))
            });
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(bad_value(format!("the file has {} here, as which {} is not read", from, type_name(to))))
}

fn is_entry(fields: &Fields) -> bool {
    matches!(fields.as_ref(), [key, value] if key.name() == "key" && value.name() == "value")
}

/// Values of a column. Where one is at fault, what stands there is of no meaning.
fn convert(array: &ArrayRef, to: &Field, faults: &mut Faults) -> ArrowResult<ArrayRef> {
    use DataType::*;
    let converted: ArrayRef = match (array.data_type(), to.data_type()) {
        (from, to) if from == to => array.clone(),
        (Struct(_), Struct(fields)) => structs(array.as_struct(), fields, faults)?,
        (List(_), List(item)) => {
            let lists = array.as_list::<i32>();
            list(lists.offsets(), lists.values(), array, item, faults)?
        }
        (Map(..), List(item)) => {
            let maps = array.as_map();
            let renamed = |field: &FieldRef, name| Arc::new(field.as_ref().clone().with_name(name));
            let (fields, columns, nulls) = maps.entries().clone().into_parts();
            let names = fields.iter().zip(["key", "value"]).map(|(field, name)| renamed(field, name));
            let entries: ArrayRef = Arc::new(StructArray::try_new(names.collect(), columns, nulls)?);
            list(maps.offsets(), &entries, array, item, faults)?
        }
        (FixedSizeBinary(_), Utf8) => cast(&cast(array, &Binary)?, &Utf8)?,
        (_, data_type) => cast(array, data_type)?,
    };
    if converted.null_count() > array.null_count() {
        for row in (0..array.len()).filter(|row| converted.is_null(*row) && array.is_valid(*row)) {
            faults.entry(row).or_insert_with(|| no_room(array, row, to.data_type()));
        }
    }
    if to.is_nullable() || converted.null_count() == 0 {
        return Ok(converted);
    }
    for row in (0..array.len()).filter(|row| converted.is_null(*row)) {
        faults.entry(row).or_insert_with(|| bad_value("null, and it is not nullable"));
    }
    Ok(make_array(converted.to_data().into_builder().nulls(None).build()?))
}

fn structs(array: &StructArray, fields: &Fields, faults: &mut Faults) -> ArrowResult<ArrayRef> {
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let mut own = Faults::new();
        columns.push(match array.column_by_name(field.name()) {
            Some(column) => convert(column, field, &mut own)?,
            None => new_null_array(field.data_type(), array.len()),
        });
        // What is inside of a null is nothing.
        for (row, error) in own.into_iter().filter(|(row, _)| array.is_valid(*row)) {
            faults.entry(row).or_insert_with(|| within(error, field.name()));
        }
    }
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, array.nulls().cloned())?))
}

fn list(
    offsets: &OffsetBuffer<i32>,
    values: &ArrayRef,
    lists: &ArrayRef,
    item: &FieldRef,
    faults: &mut Faults,
) -> ArrowResult<ArrayRef> {
    let mut own = Faults::new();
    let items = convert(values, item, &mut own)?;
    for (index, error) in own {
        let rows_before = offsets.partition_point(|start| *start as usize <= index);
        let Some(row) = rows_before.checked_sub(1).filter(|row| *row < lists.len()) else { continue };
        let place = format!("[{}]", index - offsets[row] as usize);
        faults.entry(row).or_insert_with(|| within(error, &place));
    }
    Ok(Arc::new(ListArray::try_new(item.clone(), offsets.clone(), items, lists.nulls().cloned())?))
}

fn no_room(array: &ArrayRef, row: usize, to: &DataType) -> Box<BadRecord> {
    let shown = arrow::util::display::array_value_to_string(array, row).unwrap_or_default();
    match array.data_type() {
        DataType::Binary | DataType::FixedSizeBinary(_) => bad_value("invalid UTF-8"),
        _ => bad_value(format!("{shown} has no room in {}", type_name(to))),
    }
}
