use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::written::{decode, encode, rows_and_schema};

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_to_the_same((batch, schema) in rows_and_schema()) {
        let records = encode(&batch, &schema);
        prop_assert_eq!(records.len(), batch.num_rows());
        prop_assert_eq!(decode(&records, &schema, batch.schema()), batch);
    }

    #[test]
    fn a_part_of_the_columns_is_read_as_it_is_among_all(
        ((batch, schema), columns) in rows_and_schema().prop_flat_map(|(batch, schema)| {
            let columns = subsequence((0..batch.num_columns()).collect::<Vec<_>>(), 0..=batch.num_columns());
            (Just((batch, schema)), columns)
        })
    ) {
        let some = Arc::new(batch.schema().project(&columns).unwrap());
        let records = encode(&batch, &schema);
        prop_assert_eq!(decode(&records, &schema, some), batch.project(&columns).unwrap());
    }

    #[test]
    fn a_slice_is_encoded_like_its_rows(
        ((batch, schema), from, len) in rows_and_schema().prop_flat_map(|(batch, schema)| {
            let rows = batch.num_rows();
            (Just((batch, schema)), 0..=rows).prop_flat_map(move |(given, from)| (Just(given), Just(from), 0..=rows - from))
        })
    ) {
        prop_assert_eq!(encode(&batch.slice(from, len), &schema), &encode(&batch, &schema)[from..from + len]);
    }
}
