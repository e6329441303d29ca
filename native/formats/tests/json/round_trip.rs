use arrow::array::RecordBatch;
use millrace_formats::json::{JsonDecoder, JsonEncoder};
use millrace_formats::{Decoder, Encoder, Rows};
use proptest::prelude::*;

use crate::generate;

fn encode(batch: &RecordBatch) -> Rows {
    let mut rows = Rows::default();
    JsonEncoder::new(batch.schema()).encode(batch, &mut rows);
    rows
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_to_the_same(batch in generate::schema(2).prop_flat_map(generate::batch)) {
        let rows = encode(&batch);
        prop_assert_eq!(rows.len(), batch.num_rows());
        let mut decoder = JsonDecoder::new(batch.schema());
        for row in 0..rows.len() {
            let record = rows.get(row).unwrap();
            if let Err(error) = decoder.decode(record) {
                panic!("{error}: {}", String::from_utf8_lossy(record));
            }
        }
        let decoded = decoder.finish();
        for column in decoded.columns() {
            column.to_data().validate_full().unwrap();
        }
        prop_assert_eq!(decoded, batch);
    }

    #[test]
    fn a_slice_is_encoded_like_its_rows(
        (batch, from, len) in generate::schema(2).prop_flat_map(generate::batch).prop_flat_map(|batch| {
            let rows = batch.num_rows();
            (Just(batch), 0..=rows).prop_flat_map(move |(batch, from)| (Just(batch), Just(from), 0..=rows - from))
        })
    ) {
        let all = encode(&batch);
        let some = encode(&batch.slice(from, len));
        for row in 0..len {
            prop_assert_eq!(some.get(row), all.get(from + row));
        }
    }

    #[test]
    fn every_record_that_is_encoded_is_json(batch in generate::schema(2).prop_flat_map(generate::batch)) {
        let rows = encode(&batch);
        for row in 0..rows.len() {
            serde_json::from_slice::<serde_json::Value>(rows.get(row).unwrap()).unwrap();
        }
    }
}
