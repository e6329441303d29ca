//! Steps over values that nobody reads.

use super::cursor::Cursor;
use super::schema::Type;
use crate::bad_record::Result;

/// What is stepped over at once. A record is the sequence of its fields.
pub(super) enum Skip {
    Bytes(usize),
    /// A variable-length integer, or the index of a symbol.
    Long,
    /// Bytes behind their length.
    Sized,
    /// The items of an array, or the keys and values of a map.
    List(Vec<Skip>),
    Union(Vec<Vec<Skip>>),
}

/// Appends what steps over a value of a type; false if that comes to more than `budget`.
pub(super) fn append(of: &Type, skips: &mut Vec<Skip>, budget: &mut usize) -> bool {
    let Some(left) = budget.checked_sub(1) else { return false };
    *budget = left;
    match of {
        Type::Null => {}
        Type::Boolean => append_bytes(1, skips),
        Type::Float => append_bytes(4, skips),
        Type::Double => append_bytes(8, skips),
        Type::Fixed { size, .. } => append_bytes(*size, skips),
        Type::Int(_) | Type::Long(_) | Type::Enum { .. } => skips.push(Skip::Long),
        Type::Bytes(_) | Type::String => skips.push(Skip::Sized),
        Type::Array(items) => {
            let mut item = Vec::new();
            if !append(items, &mut item, budget) {
                return false;
            }
            skips.push(Skip::List(item));
        }
        Type::Map(values) => {
            let mut item = vec![Skip::Sized];
            if !append(values, &mut item, budget) {
                return false;
            }
            skips.push(Skip::List(item));
        }
        Type::Union(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                let mut skips = Vec::new();
                if !append(branch, &mut skips, budget) {
                    return false;
                }
                all.push(skips);
            }
            skips.push(Skip::Union(all));
        }
        Type::Record { fields, .. } => return fields.iter().all(|field| append(&field.schema, skips, budget)),
    }
    true
}

fn append_bytes(bytes: usize, skips: &mut Vec<Skip>) {
    match skips.last_mut() {
        Some(Skip::Bytes(before)) => *before = before.saturating_add(bytes),
        _ => skips.push(Skip::Bytes(bytes)),
    }
}

#[inline]
pub(super) fn run(skips: &[Skip], cursor: &mut Cursor<'_>) -> Result<()> {
    for skip in skips {
        match skip {
            Skip::Sized => _ = cursor.bytes()?,
            Skip::Long => _ = cursor.long()?,
            Skip::Bytes(bytes) => _ = cursor.take(*bytes)?,
            Skip::List(item) => {
                while let Some(items) = cursor.block_to_skip()? {
                    for _ in 0..items {
                        run(item, cursor)?;
                    }
                }
            }
            Skip::Union(branches) => {
                let branch = cursor.index(branches.len())?;
                run(&branches[branch], cursor)?;
            }
        }
    }
    Ok(())
}
