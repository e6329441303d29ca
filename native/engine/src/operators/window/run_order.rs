//! Brings partial results into the order in which they are stored, in steps that stay in the processor's caches.

use arrow::row::Rows;
use millrace_state::KeyGroups;

/// Deals rows out by their key groups: each part has all rows of some groups, at least `least` rows of them but for the
/// last part. The groups of a part come before those of the next.
pub fn by_key_group(rows: usize, groups: KeyGroups, least: usize, group: impl Fn(usize) -> u32) -> Vec<Vec<u32>> {
    let mut places = vec![0usize; groups.len()];
    let place = |row: usize| (group(row) - groups.start) as usize;
    (0..rows).for_each(|row| places[place(row)] += 1);
    let mut parts: Vec<Vec<u32>> = Vec::new();
    let mut room = 0;
    // What was the number of a group's rows becomes the part that takes them.
    for rows in &mut places {
        if parts.is_empty() || room >= least {
            parts.push(Vec::new());
            room = 0;
        }
        room += *rows;
        *rows = parts.len() - 1;
    }
    for row in 0..rows {
        parts[places[place(row)]].push(row as u32);
    }
    parts.retain(|rows| !rows.is_empty());
    parts
}

/// The key group and the number of each row, in the order of groups and then of keys.
pub fn in_key_order(keys: &Rows, group: impl Fn(usize) -> u32) -> impl Iterator<Item = (u32, usize)> {
    let key = |row: usize| keys.row(row);
    let rows = 0..keys.num_rows();
    let mut order: Vec<(u32, u128, u32)> =
        rows.map(|row| (group(row), beginning(key(row).as_ref()), row as u32)).collect();
    order.sort_unstable_by(|(group, beginning, row), (other_group, other_beginning, other)| {
        let by_beginning = (group, beginning).cmp(&(other_group, other_beginning));
        by_beginning.then_with(|| key(*row as usize).cmp(&key(*other as usize)))
    });
    order.into_iter().map(|(group, _, row)| (group, row as usize))
}

/// The first bytes of a key, as a number that sorts as they do. Most keys differ here, without a look at where they lie.
fn beginning(key: &[u8]) -> u128 {
    let mut bytes = [0; size_of::<u128>()];
    let known = key.len().min(bytes.len());
    bytes[..known].copy_from_slice(&key[..known]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::datatypes::DataType;
    use arrow::row::{RowConverter, SortField};

    use super::*;

    #[test]
    fn parts_hold_whole_groups_in_their_order() {
        let groups = [7, 4, 5, 7, 4, 4, 9];
        let parts = by_key_group(groups.len(), 4..10, 2, |row| groups[row]);
        assert_eq!(parts, [vec![1, 4, 5], vec![0, 2, 3], vec![6]]);
        assert!(by_key_group(0, 4..10, 2, |_| 4).is_empty());
    }

    #[test]
    fn keys_are_in_order_where_they_differ_early_late_or_in_length() {
        let texts = ["b", "a", "", "a long beginning of a key, then b", "a long beginning of a key, then a", "a\0"];
        let converter = RowConverter::new(vec![SortField::new(DataType::Utf8)]).unwrap();
        let keys = converter.convert_columns(&[Arc::new(StringArray::from(texts.to_vec()))]).unwrap();
        let order: Vec<_> = in_key_order(&keys, |row| u32::from(row == 2)).collect();
        assert_eq!(order, [(0, 1), (0, 5), (0, 4), (0, 3), (0, 0), (1, 2)]);
    }
}
