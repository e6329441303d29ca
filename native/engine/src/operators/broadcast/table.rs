use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use arrow::row::{RowConverter, SortField};
use hashbrown::{HashMap, HashSet};
use millrace_state::{KeyGroups, KeyedState, Run, StateKey, operands, read_operator};

use crate::Result;
use crate::batch::{internal, nullable, row_of_nulls};
use crate::expressions::type_name;
use crate::key_group::KeyHash;
use crate::operators::keyed::{RowKeys, ValuesInBackend};

/// Rows that are no key's last any more go when there are more of them than of the others, and more than this.
const LEAST_GARBAGE: usize = 8192;

/// A batch of fewer rows takes more in.
const FULL_BATCH: usize = 8192;

pub type SharedTable = Rc<RefCell<Table>>;

/// The last row of each key, in memory. A slot stores the rows of the key groups that it owns, and so each is stored once.
pub struct Table {
    keys: RowKeys,
    /// Of its rows; every column may be null.
    schema: SchemaRef,
    /// The first is a row of nulls.
    batches: Vec<RecordBatch>,
    /// Where the last row of each key is: a batch, and the row in it.
    last: HashMap<Box<[u8]>, (usize, usize)>,
    rows: usize,
    store: Option<TableInBackend>,
    state_lines: Arc<[String]>,
}

/// Where a slot stores its part of a table.
pub struct TableInBackend {
    values: ValuesInBackend,
    /// Of the slot.
    groups: KeyGroups,
    /// Of rows.
    converter: RowConverter,
    /// Keys of its groups whose row is not stored yet.
    fresh: HashSet<(u32, KeyHash, Box<[u8]>)>,
}

impl TableInBackend {
    pub fn new(values: ValuesInBackend, groups: KeyGroups, schema: &SchemaRef) -> Result<Self> {
        Ok(TableInBackend { values, groups, converter: converter(schema)?, fresh: HashSet::new() })
    }
}

impl Table {
    /// An empty table of the rows of an input; `state_lines` are [`Table::state_lines`].
    pub fn new(
        keys: RowKeys,
        input: &SchemaRef,
        store: Option<TableInBackend>,
        state_lines: Vec<String>,
    ) -> Result<Self> {
        let schema = nullable(input);
        let nulls = row_of_nulls(&schema)?;
        let last = HashMap::new();
        Ok(Table { keys, schema, batches: vec![nulls], last, rows: 0, store, state_lines: state_lines.into() })
    }

    /// What its stored state is called. The lines stand in manifests, so they never change.
    pub fn state_lines(keys: &RowKeys, input: &SchemaRef) -> Vec<String> {
        let column = |field: &FieldRef| format!("column {}: {}", field.name(), type_name(field.data_type()));
        let columns = input.fields().iter().map(column);
        ["broadcast".to_owned()].into_iter().chain(keys.lines()).chain(columns).collect()
    }

    /// What its own stored state is called.
    pub fn lines(&self) -> Arc<[String]> {
        self.state_lines.clone()
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn key_types(&self) -> &[DataType] {
        self.keys.types()
    }

    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let keys: usize = self.last.keys().map(|key| key.len()).sum();
        keys + self.last.allocation_size() + self.batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>()
    }

    /// Takes over rows: the last of each key.
    pub fn update(&mut self, rows: &RecordBatch) -> Result<()> {
        let columns = self.keys.columns(rows)?;
        let (keys, hashes) = (self.keys.encode(&columns)?, self.keys.hashes(&columns)?);
        let (batch, first) = self.append(rows)?;
        for (row, (key, hash)) in keys.iter().zip(hashes).enumerate() {
            let key: Box<[u8]> = key.as_ref().into();
            if let Some(store) = &mut self.store {
                let group = store.values.key_group(hash);
                if store.groups.contains(&group) {
                    store.fresh.insert((group, hash, key.clone()));
                }
            }
            self.last.insert(key, (batch, first + row));
        }
        if self.rows > LEAST_GARBAGE.max(2 * self.last.len()) { self.compact() } else { Ok(()) }
    }

    /// Puts rows behind those that there are, a small batch to the end of the last one: whoever looks rows up has to look
    /// through all batches. Gives where they begin.
    fn append(&mut self, rows: &RecordBatch) -> Result<(usize, usize)> {
        self.rows += rows.num_rows();
        let rows = RecordBatch::try_new(self.schema.clone(), rows.columns().to_vec()).map_err(internal)?;
        // The row of nulls stays alone.
        if let Some(last) = self.batches[1..].last_mut().filter(|last| last.num_rows() < FULL_BATCH) {
            let first = last.num_rows();
            *last = concat_batches(&self.schema, [&*last, &rows]).map_err(internal)?;
            return Ok((self.batches.len() - 1, first));
        }
        self.batches.push(rows);
        Ok((self.batches.len() - 1, 0))
    }

    /// The rows of keys, in their order: nulls where there is none. `found` is told of each whether there is one.
    pub fn look_up<'a>(
        &self,
        keys: impl Iterator<Item = Option<&'a [u8]>>,
        mut found: impl FnMut(bool),
    ) -> Result<RecordBatch> {
        let rows = keys.map(|key| {
            let row = key.and_then(|key| self.last.get(key).copied());
            found(row.is_some());
            row.unwrap_or((0, 0))
        });
        take(&self.batches, &rows.collect::<Vec<_>>())
    }

    /// Stores what has changed; gives the number of rows.
    pub fn store(&mut self) -> Result<usize> {
        let Some(store) = &mut self.store else { return Ok(0) };
        let mut fresh: Vec<_> = store.fresh.drain().collect();
        fresh.sort_unstable_by(|(group, _, key), (other_group, _, other)| group.cmp(other_group).then(key.cmp(other)));
        let rows: Vec<_> = fresh.iter().filter_map(|(_, _, key)| self.last.get(key).copied()).collect();
        let columns = take(&self.batches, &rows)?;
        let encoded = store.converter.convert_columns(columns.columns()).map_err(internal)?;
        let (mut run, mut bytes) = (Run::default(), Vec::new());
        for ((_, hash, key), row) in fresh.iter().zip(encoded.iter()) {
            bytes.clear();
            store.values.write_key(*hash, key, &mut bytes);
            run.push(&bytes, row.as_ref());
        }
        store.values.put(&run)?;
        Ok(run.len())
    }

    /// Takes over what all slots have stored of the operator `id`.
    pub fn restore(&mut self, id: &str, states: &[(KeyedState, PathBuf)]) -> Result<()> {
        let converter = converter(&self.schema)?;
        let mut rows = converter.empty_rows(0, 0);
        for (state, files) in states {
            read_operator(state, files, &StateKey::new(id), &mut |_, stored| {
                if let Some(row) = operands(stored).last() {
                    rows.push(converter.parser().parse(row?));
                }
                Ok(())
            })?;
        }
        if rows.num_rows() > 0 {
            let columns = converter.convert_rows(rows.iter()).map_err(internal)?;
            self.update(&RecordBatch::try_new(self.schema.clone(), columns).map_err(internal)?)?;
        }
        if let Some(store) = &mut self.store {
            store.fresh.clear();
        }
        Ok(())
    }

    /// Leaves out the rows that are no key's last any more.
    fn compact(&mut self) -> Result<()> {
        let rows: Vec<_> = self.last.values().copied().collect();
        let compacted = take(&self.batches, &rows)?;
        self.last.values_mut().enumerate().for_each(|(row, place)| *place = (1, row));
        self.rows = rows.len();
        self.batches.truncate(1);
        self.batches.push(compacted);
        Ok(())
    }
}

fn take(batches: &[RecordBatch], rows: &[(usize, usize)]) -> Result<RecordBatch> {
    interleave_record_batch(&batches.iter().collect::<Vec<_>>(), rows).map_err(internal)
}

fn converter(schema: &SchemaRef) -> Result<RowConverter> {
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
    RowConverter::new(fields.collect()).map_err(internal)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{Field, Int64Type, Schema};
    use millrace_plan::{Expr, NamedExpr};
    use proptest::prelude::*;

    use super::*;

    const KEYS: i64 = 3_000;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(["key", "value"].map(|name| Field::new(name, DataType::Int64, false)).to_vec()))
    }

    fn row_keys() -> RowKeys {
        RowKeys::new(&[NamedExpr { name: "key".into(), expr: Expr::Column("key".into()) }], &schema()).unwrap()
    }

    fn rows(of: &[(i64, i64)]) -> RecordBatch {
        let (keys, values): (Vec<i64>, Vec<i64>) = of.iter().copied().unzip();
        RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(keys)), Arc::new(Int64Array::from(values))])
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn every_key_has_its_last_row_however_rows_come(
            updates in prop::collection::vec(prop::collection::vec((0..KEYS, any::<i64>()), 1..2_000), 1..40),
        ) {
            let lines = Table::state_lines(&row_keys(), &schema());
            let mut table = Table::new(row_keys(), &schema(), None, lines).unwrap();
            let mut model = HashMap::new();
            for update in &updates {
                table.update(&rows(update)).unwrap();
                model.extend(update.iter().copied());
            }
            let asked = (0..KEYS).map(|key| (key, 0)).collect::<Vec<_>>();
            let keys = table.keys.encode(&table.keys.columns(&rows(&asked)).unwrap()).unwrap();
            let found = table.look_up(keys.iter().map(|key| Some(key.data())), |_| ()).unwrap();
            let values = found.column(1).as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
            let expected = (0..KEYS).map(|key| model.get(&key).copied()).collect::<Vec<_>>();
            prop_assert_eq!(values, expected);
            prop_assert!(table.batches.len() <= 2 + table.rows / FULL_BATCH);
        }
    }
}
