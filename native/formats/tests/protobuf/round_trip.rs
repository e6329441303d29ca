use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::written::{decode, encode, rows_and_proto};

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_to_the_same((batch, text) in rows_and_proto()) {
        let records = encode(&batch, &text);
        prop_assert_eq!(records.len(), batch.num_rows());
        prop_assert_eq!(decode(&records, &text, batch.schema()), batch);
    }

    #[test]
    fn a_part_of_the_columns_is_read_as_it_is_among_all(
        ((batch, text), columns) in rows_and_proto().prop_flat_map(|(batch, text)| {
            let columns = subsequence((0..batch.num_columns()).collect::<Vec<_>>(), 0..=batch.num_columns());
            (Just((batch, text)), columns)
        })
    ) {
        let some = Arc::new(batch.schema().project(&columns).unwrap());
        let records = encode(&batch, &text);
        prop_assert_eq!(decode(&records, &text, some), batch.project(&columns).unwrap());
    }

    #[test]
    fn a_slice_is_encoded_like_its_rows(
        ((batch, text), from, len) in rows_and_proto().prop_flat_map(|(batch, text)| {
            let rows = batch.num_rows();
            (Just((batch, text)), 0..=rows).prop_flat_map(move |(given, from)| (Just(given), Just(from), 0..=rows - from))
        })
    ) {
        prop_assert_eq!(encode(&batch.slice(from, len), &text), &encode(&batch, &text)[from..from + len]);
    }
}
