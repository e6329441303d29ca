//! Which key group a key belongs to, and which slot a key group.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int32Array, Int64Array, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow::row::{RowConverter, Rows, SortField};
use millrace_state::KeyGroups;
use xxhash_rust::xxh3::xxh3_64;

use crate::Result;
use crate::batch::internal;

/// The hash of a key. Stored state is laid out by it, so it is the same on every machine and in every version.
pub type KeyHash = u64;

pub fn key_group(hash: KeyHash, max_parallelism: usize) -> usize {
    (hash % max_parallelism as u64) as usize
}

/// The slot that owns a key group: contiguous ranges, as even as they can be.
pub fn slot_of(key_group: usize, max_parallelism: usize, slots: usize) -> usize {
    key_group * slots / max_parallelism
}

/// The key groups that a slot owns.
pub fn key_groups_of(slot: usize, max_parallelism: usize, slots: usize) -> KeyGroups {
    let first = |slot: usize| (slot * max_parallelism).div_ceil(slots) as u32;
    first(slot)..first(slot + 1)
}

/// The keys of one batch, ready to be looked up.
pub enum Keys {
    Fixed(FixedKeys),
    /// Anything that is not a single integer or time: row-encoded by Arrow.
    Encoded(Rows),
}

impl Keys {
    pub fn hash(&self, row: usize) -> KeyHash {
        match self {
            Keys::Fixed(keys) => keys.get(row).hash(),
            Keys::Encoded(rows) => xxh3_64(rows.row(row).as_ref()),
        }
    }
}

/// A single column of integers or times, widened to 64 bits.
pub struct FixedKeys {
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
}

/// A single integer key; null is a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedKey {
    pub bits: i64,
    pub null: bool,
}

impl FixedKeys {
    #[inline]
    pub fn get(&self, row: usize) -> FixedKey {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => FixedKey { bits: 0, null: true },
            _ => FixedKey { bits: self.values[row], null: false },
        }
    }
}

impl FixedKey {
    /// Hashes what the row encoding of the key would be: a byte for presence, then big-endian with the sign flipped.
    #[inline]
    pub fn hash(self) -> KeyHash {
        let mut encoded = [0u8; 9];
        if !self.null {
            encoded[0] = 1;
            encoded[1..].copy_from_slice(&((self.bits as u64) ^ (1 << 63)).to_be_bytes());
        }
        xxh3_64(&encoded)
    }
}

/// Turns key columns into [`Keys`] and back.
pub struct KeyCodec {
    types: Vec<DataType>,
    converter: Option<RowConverter>,
}

impl KeyCodec {
    pub fn new(types: Vec<DataType>) -> Result<Self> {
        let converter = match types.as_slice() {
            [only] if is_fixed(only) => None,
            _ => {
                let fields = types.iter().cloned().map(SortField::new).collect();
                Some(RowConverter::new(fields).map_err(internal)?)
            }
        };
        Ok(KeyCodec { types, converter })
    }

    pub fn is_fixed(&self) -> bool {
        self.converter.is_none()
    }

    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Keys> {
        match (&self.converter, columns) {
            (Some(converter), _) => Ok(Keys::Encoded(converter.convert_columns(columns).map_err(internal)?)),
            (None, [column]) => Ok(Keys::Fixed(fixed_keys(column)?)),
            (None, _) => Err(internal("a single key column is expected")),
        }
    }

    /// The column of keys that are fixed.
    pub fn decode_fixed(&self, keys: &[FixedKey]) -> Result<Vec<ArrayRef>> {
        let [only] = self.types.as_slice() else { return Err(internal("a single key column is expected")) };
        Ok(vec![fixed_column(only, keys)?])
    }

    /// The columns of keys that are row-encoded.
    pub fn decode<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let converter = self.converter.as_ref().ok_or_else(|| internal("fixed keys have no encoding to decode"))?;
        let parser = converter.parser();
        converter.convert_rows(keys.map(|key| parser.parse(key))).map_err(internal)
    }
}

fn is_fixed(data_type: &DataType) -> bool {
    use DataType::{Date32, Int32, Int64, Timestamp};
    matches!(data_type, Int32 | Int64 | Date32 | Timestamp(_, _))
}

fn fixed_keys(column: &ArrayRef) -> Result<FixedKeys> {
    let widened = |values: &[i32]| values.iter().map(|&v| i64::from(v)).collect::<ScalarBuffer<i64>>();
    let values = match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().values().clone(),
        DataType::Int32 => widened(column.as_primitive::<Int32Type>().values()),
        DataType::Date32 => widened(column.as_primitive::<Date32Type>().values()),
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => column.as_primitive::<TimestampSecondType>().values().clone(),
            TimeUnit::Millisecond => column.as_primitive::<TimestampMillisecondType>().values().clone(),
            TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().values().clone(),
            TimeUnit::Nanosecond => column.as_primitive::<TimestampNanosecondType>().values().clone(),
        },
        other => return Err(internal(format!("{other} is not a fixed key"))),
    };
    Ok(FixedKeys { values, nulls: column.nulls().cloned() })
}

/// The column of a type that [`KeyCodec::is_fixed`], from its keys.
fn fixed_column(data_type: &DataType, keys: &[FixedKey]) -> Result<ArrayRef> {
    let nulls = keys.iter().any(|k| k.null).then(|| keys.iter().map(|k| !k.null).collect::<NullBuffer>());
    let wide = || keys.iter().map(|k| k.bits).collect::<ScalarBuffer<i64>>();
    // The bits were 32 wide when they came in.
    let narrow = || keys.iter().map(|k| k.bits as i32).collect::<ScalarBuffer<i32>>();
    Ok(match data_type {
        DataType::Int64 => Arc::new(Int64Array::new(wide(), nulls)),
        DataType::Int32 => Arc::new(Int32Array::new(narrow(), nulls)),
        DataType::Date32 => Arc::new(Date32Array::new(narrow(), nulls)),
        DataType::Timestamp(unit, zone) => match unit {
            TimeUnit::Second => Arc::new(TimestampSecondArray::new(wide(), nulls).with_timezone_opt(zone.clone())),
            TimeUnit::Millisecond => {
                Arc::new(TimestampMillisecondArray::new(wide(), nulls).with_timezone_opt(zone.clone()))
            }
            TimeUnit::Microsecond => {
                Arc::new(TimestampMicrosecondArray::new(wide(), nulls).with_timezone_opt(zone.clone()))
            }
            TimeUnit::Nanosecond => {
                Arc::new(TimestampNanosecondArray::new(wide(), nulls).with_timezone_opt(zone.clone()))
            }
        },
        other => return Err(internal(format!("{other} is not a fixed key"))),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn hashes_of_keys_never_change() {
        let hashes: Vec<KeyHash> =
            [0, 1, -1, i64::MAX].iter().map(|&bits| FixedKey { bits, null: false }.hash()).collect();
        assert_eq!(hashes, GOLDEN_FIXED);
        assert_eq!(FixedKey { bits: 0, null: true }.hash(), GOLDEN_NULL);

        let codec = KeyCodec::new(vec![DataType::Utf8, DataType::Int64]).unwrap();
        let columns: [ArrayRef; 2] =
            [Arc::new(StringArray::from(vec!["", "bids", "ключ"])), Arc::new(Int64Array::from(vec![0, 7, -7]))];
        let Keys::Encoded(rows) = codec.encode(&columns).unwrap() else { unreachable!() };
        let hashes: Vec<KeyHash> = rows.iter().map(|row| xxh3_64(row.as_ref())).collect();
        assert_eq!(hashes, GOLDEN_ENCODED);
    }

    #[test]
    fn a_fixed_key_hashes_as_its_row_encoding() {
        let converter = RowConverter::new(vec![SortField::new(DataType::Int64)]).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(42), None, Some(-42)]));
        let rows = converter.convert_columns(std::slice::from_ref(&column)).unwrap();
        let fixed = fixed_keys(&column).unwrap();
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(xxh3_64(row.as_ref()), fixed.get(i).hash());
        }
    }

    #[test]
    fn every_slot_owns_a_fair_share_of_key_groups() {
        for slots in 1..=16 {
            let mut owned = vec![0; slots];
            (0..128).for_each(|group| owned[slot_of(group, 128, slots)] += 1);
            for (slot, owned) in owned.iter().enumerate() {
                let groups = key_groups_of(slot, 128, slots);
                assert!(groups.clone().all(|group| slot_of(group as usize, 128, slots) == slot));
                assert_eq!(groups.len(), *owned);
            }
            let (least, most) = (owned.iter().min().unwrap(), owned.iter().max().unwrap());
            assert!(most - least <= 1, "{slots} slots own {owned:?}");
        }
    }

    const GOLDEN_FIXED: [KeyHash; 4] =
        [6834552262684119129, 9386959315897320766, 11800374392842861564, 6027492765397423756];
    const GOLDEN_NULL: KeyHash = 3767706845506508887;
    const GOLDEN_ENCODED: [KeyHash; 3] = [304130102497011765, 17086270007429312821, 16617987091512028292];
}
