//! The states of a key's aggregates as bytes: for each aggregate the length of its part, then Arrow's row encoding of its
//! columns. So parts can be moved, left out and put in without a look at what they hold.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};

use crate::batch::internal;
use crate::{Error, ErrorCode, Result};

pub struct StateCodec {
    /// One an aggregate.
    converters: Vec<RowConverter>,
}

/// States of many keys, a part an aggregate.
pub struct StateRows {
    parts: Vec<Rows>,
}

impl StateCodec {
    /// `types` are those of each aggregate's columns.
    pub fn new(types: Vec<Vec<DataType>>) -> Result<Self> {
        let converter = |types: Vec<DataType>| RowConverter::new(types.into_iter().map(SortField::new).collect());
        let converters = types.into_iter().map(converter).collect::<std::result::Result<_, _>>().map_err(internal)?;
        Ok(StateCodec { converters })
    }

    /// `states` are the columns of each aggregate.
    pub fn encode(&self, states: &[Vec<ArrayRef>]) -> Result<StateRows> {
        let parts = self.converters.iter().zip(states).map(|(converter, columns)| converter.convert_columns(columns));
        Ok(StateRows { parts: parts.collect::<std::result::Result<_, _>>().map_err(internal)? })
    }

    pub fn empty(&self) -> StateRows {
        StateRows { parts: self.converters.iter().map(|converter| converter.empty_rows(0, 0)).collect() }
    }

    /// Adds the state of one more key.
    pub fn push(&self, state: &[u8], rows: &mut StateRows) -> Result<()> {
        let mut parts = parts(state);
        for (converter, rows) in self.converters.iter().zip(&mut rows.parts) {
            let part = parts.next().ok_or_else(damaged)??;
            rows.push(converter.parser().parse(part));
        }
        Ok(())
    }

    /// The columns of each aggregate.
    pub fn decode(&self, rows: &StateRows) -> Result<Vec<Vec<ArrayRef>>> {
        let parts = self.converters.iter().zip(&rows.parts);
        parts.map(|(converter, rows)| converter.convert_rows(rows.iter()).map_err(internal)).collect()
    }
}

impl StateRows {
    pub fn write(&self, row: usize, into: &mut Vec<u8>) {
        for rows in &self.parts {
            write_part(rows.row(row).as_ref(), into);
        }
    }

    pub fn clear(&mut self) {
        self.parts.iter_mut().for_each(Rows::clear);
    }
}

/// The length stands in groups of seven bits, the low ones first; all but the last have the high bit set.
pub fn write_part(part: &[u8], into: &mut Vec<u8>) {
    let mut length = part.len();
    while length >= 0x80 {
        into.push(length as u8 | 0x80);
        length >>= 7;
    }
    into.push(length as u8);
    into.extend_from_slice(part);
}

/// The parts of a state, in the order of the aggregates.
pub fn parts(state: &[u8]) -> impl Iterator<Item = Result<&[u8]>> {
    let mut rest = state;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let part = next_part(&mut rest);
        if part.is_none() {
            rest = &[];
        }
        Some(part.ok_or_else(damaged))
    })
}

fn next_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (part, after) = rest.split_at_checked(length)?;
            *rest = after;
            return Some(part);
        }
    }
    None
}

pub fn damaged() -> Error {
    Error::new(ErrorCode::State, "a value of the state is damaged: restore an older checkpoint")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn read(state: &[u8]) -> Result<Vec<Vec<u8>>> {
        parts(state).map(|part| part.map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn parts_of_any_length_come_apart() {
        let written: Vec<Vec<u8>> = [0, 1, 127, 128, 20_000].iter().map(|&length| vec![7; length]).collect();
        let mut state = Vec::new();
        written.iter().for_each(|part| write_part(part, &mut state));
        assert_eq!(read(&state).unwrap(), written);
    }

    #[test]
    fn a_state_that_is_cut_off_is_an_error() {
        let mut state = Vec::new();
        write_part(&[7; 300], &mut state);
        for length in 1..state.len() {
            assert!(read(&state[..length]).is_err());
        }
        assert!(read(&[0xff; 20]).is_err());
    }

    #[test]
    fn states_read_back_as_they_were() {
        let codec = StateCodec::new(vec![vec![DataType::Int64], vec![DataType::Utf8, DataType::Int64]]).unwrap();
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![None, Some("text")]));
        let states = [vec![numbers.clone()], vec![texts, numbers]];
        let encoded = codec.encode(&states).unwrap();
        let mut rows = codec.empty();
        for row in 0..2 {
            let mut state = Vec::new();
            encoded.write(row, &mut state);
            codec.push(&state, &mut rows).unwrap();
        }
        assert_eq!(codec.decode(&rows).unwrap(), states);
    }
}
