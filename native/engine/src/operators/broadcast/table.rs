use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use hashbrown::{HashMap, HashSet};
use millrace_state::{KeyGroups, KeyedState, Run, StateKey, operands, read_operator};

use crate::Result;
use crate::batch::internal;
use crate::expressions::type_name;
use crate::key_group::KeyHash;
use crate::operators::keyed::{RowKeys, ValuesInBackend};

/// Rows that are no key's last any more go when there are more of them than of the others, and more than this.
const LEAST_GARBAGE: usize = 8192;

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
    /// An empty table of the rows of an input.
    pub fn new(keys: RowKeys, input: &SchemaRef, store: Option<TableInBackend>) -> Self {
        let fields = input.fields().iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()));
        let state_lines = Table::state_lines(&keys, input).into();
        let mut table = Table { keys, schema, batches: Vec::new(), last: HashMap::new(), rows: 0, store, state_lines };
        table.batches.push(table.nulls());
        table
    }

    /// What its stored state is called. The lines stand in manifests, so they never change.
    pub fn state_lines(keys: &RowKeys, input: &SchemaRef) -> Vec<String> {
        let column = |field: &FieldRef| format!("column {}: {}", field.name(), type_name(field.data_type()));
        let columns = input.fields().iter().map(column);
        ["broadcast".to_owned()].into_iter().chain(keys.lines()).chain(columns).collect()
    }

    /// The same, of this table.
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
        let keys = self.keys.encode(&self.keys.columns(rows)?)?;
        let hashes = self.keys.hashes(rows)?;
        let batch = self.batches.len();
        self.batches.push(RecordBatch::try_new(self.schema.clone(), rows.columns().to_vec()).map_err(internal)?);
        self.rows += rows.num_rows();
        for (row, (key, hash)) in keys.iter().zip(hashes).enumerate() {
            let key: Box<[u8]> = key.as_ref().into();
            if let Some(store) = &mut self.store {
                let group = store.values.key_group(hash);
                if store.groups.contains(&group) {
                    store.fresh.insert((group, hash, key.clone()));
                }
            }
            self.last.insert(key, (batch, row));
        }
        if self.rows > LEAST_GARBAGE.max(2 * self.last.len()) { self.compact() } else { Ok(()) }
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
        self.take(&rows.collect::<Vec<_>>())
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

    fn nulls(&self) -> RecordBatch {
        let columns: Vec<ArrayRef> =
            self.schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
        RecordBatch::try_new(self.schema.clone(), columns)
            .unwrap_or_else(|_| RecordBatch::new_empty(self.schema.clone()))
    }

    fn take(&self, rows: &[(usize, usize)]) -> Result<RecordBatch> {
        take(&self.batches, rows)
    }

    /// Leaves out the rows that are no key's last any more.
    fn compact(&mut self) -> Result<()> {
        let rows: Vec<_> = self.last.values().copied().collect();
        let compacted = self.take(&rows)?;
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
