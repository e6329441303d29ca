//! Maps keys to dense group numbers, as the accumulators count them.

use arrow::array::ArrayRef;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::Result;
use crate::key_group::{FixedKey, KeyCodec, KeyHash, Keys};

/// The keys of one pane. A key's number is the count of keys that came before it.
pub enum GroupTable {
    Fixed(FixedTable),
    Encoded(EncodedTable),
}

/// Keys that fit 64 bits lie in the table itself: one cache line a look-up.
#[derive(Default)]
pub struct FixedTable {
    table: HashTable<(i64, u32)>,
    null_group: Option<u32>,
    keys: Vec<FixedKey>,
}

#[derive(Default)]
pub struct EncodedTable {
    table: HashTable<u32>,
    hashes: Vec<KeyHash>,
    /// The encoded keys, one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl GroupTable {
    pub fn new(codec: &KeyCodec) -> Self {
        if codec.is_fixed() {
            GroupTable::Fixed(FixedTable::default())
        } else {
            GroupTable::Encoded(EncodedTable::default())
        }
    }

    pub fn len(&self) -> usize {
        match self {
            GroupTable::Fixed(table) => table.keys.len(),
            GroupTable::Encoded(table) => table.hashes.len(),
        }
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        match self {
            GroupTable::Fixed(FixedTable { table, keys, .. }) => {
                table.allocation_size() + keys.capacity() * size_of::<FixedKey>()
            }
            GroupTable::Encoded(EncodedTable { table, hashes, bytes, ends }) => {
                table.allocation_size() + bytes.capacity() + (hashes.capacity() + ends.capacity()) * size_of::<u64>()
            }
        }
    }

    /// Writes the group of each of the first `rows` keys to `groups`.
    pub fn assign(&mut self, keys: &Keys, rows: usize, groups: &mut Vec<usize>) {
        groups.clear();
        groups.reserve(rows);
        match (self, keys) {
            (GroupTable::Fixed(table), Keys::Fixed(keys)) => {
                groups.extend((0..rows).map(|row| table.group(keys.get(row)) as usize));
            }
            (GroupTable::Encoded(table), Keys::Encoded(keys)) => {
                groups.extend((0..rows).map(|row| table.group(keys.row(row).as_ref()) as usize));
            }
            // One codec makes both the table and the keys.
            _ => debug_assert!(false, "keys of another codec"),
        }
    }

    /// The hash of each group's key.
    pub fn hashes(&self) -> Vec<KeyHash> {
        match self {
            GroupTable::Fixed(table) => table.keys.iter().map(|key| key.hash()).collect(),
            GroupTable::Encoded(table) => table.hashes.clone(),
        }
    }

    /// The key columns, a row a group.
    pub fn columns(&self, codec: &KeyCodec) -> Result<Vec<ArrayRef>> {
        match self {
            GroupTable::Fixed(table) => codec.decode_fixed(&table.keys),
            GroupTable::Encoded(table) => codec.decode((0..table.hashes.len()).map(|group| table.key(group))),
        }
    }
}

impl FixedTable {
    #[inline]
    fn group(&mut self, key: FixedKey) -> u32 {
        let next = self.keys.len() as u32;
        if key.null {
            return *self.null_group.get_or_insert_with(|| {
                self.keys.push(key);
                next
            });
        }
        let entry = self.table.entry(spread(key.bits), |&(bits, _)| bits == key.bits, |&(bits, _)| spread(bits));
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => found.get().1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                free.insert((key.bits, next));
                self.keys.push(key);
                next
            }
        }
    }
}

/// Spreads a key over a table: cheaper than the stable hash, which is needed only once a group.
#[inline]
fn spread(bits: i64) -> u64 {
    let wide = u128::from(bits as u64) * 0x9E37_79B9_7F4A_7C15;
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl EncodedTable {
    #[inline]
    fn group(&mut self, key: &[u8]) -> u32 {
        let hash = xxh3_64(key);
        let EncodedTable { table, hashes, bytes, ends } = self;
        // The slot owns a range of the hash's low digits: they would crowd the table.
        let spread = |hash: KeyHash| hash.rotate_right(20);
        let same = |&group: &u32| hashes[group as usize] == hash && slice(bytes, ends, group as usize) == key;
        match table.entry(spread(hash), same, |&group| spread(hashes[group as usize])) {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let group = hashes.len() as u32;
                free.insert(group);
                hashes.push(hash);
                bytes.extend_from_slice(key);
                ends.push(bytes.len());
                group
            }
        }
    }

    fn key(&self, group: usize) -> &[u8] {
        slice(&self.bytes, &self.ends, group)
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[usize], group: usize) -> &'a [u8] {
    let start = if group == 0 { 0 } else { ends[group - 1] };
    &bytes[start..ends[group]]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, Int64Array, StringArray};
    use arrow::datatypes::DataType;

    use super::*;

    fn assign(codec: &KeyCodec, table: &mut GroupTable, columns: &[ArrayRef]) -> Vec<usize> {
        let mut groups = Vec::new();
        table.assign(&codec.encode(columns).unwrap(), columns[0].len(), &mut groups);
        groups
    }

    #[test]
    fn integer_keys_get_a_group_each_and_null_its_own() {
        let codec = KeyCodec::new(vec![DataType::Int64]).unwrap();
        let mut table = GroupTable::new(&codec);
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(0), Some(7), None]));
        assert_eq!(assign(&codec, &mut table, std::slice::from_ref(&column)), [0, 1, 2, 0, 1]);
        let keys = table.columns(&codec).unwrap();
        assert_eq!(keys[0].as_ref(), &Int64Array::from(vec![Some(7), None, Some(0)]) as &dyn Array);
    }

    #[test]
    fn keys_of_several_columns_come_back_as_they_were() {
        let codec = KeyCodec::new(vec![DataType::Utf8, DataType::Int64]).unwrap();
        let mut table = GroupTable::new(&codec);
        let columns: [ArrayRef; 2] = [
            Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), Some("a")])),
            Arc::new(Int64Array::from(vec![1, 1, 2, 1])),
        ];
        assert_eq!(assign(&codec, &mut table, &columns), [0, 1, 2, 0]);
        let keys = table.columns(&codec).unwrap();
        assert_eq!(keys[0].as_ref(), &StringArray::from(vec![Some("a"), None, Some("a")]) as &dyn Array);
        assert_eq!(keys[1].as_ref(), &Int64Array::from(vec![1, 1, 2]) as &dyn Array);
    }
}
