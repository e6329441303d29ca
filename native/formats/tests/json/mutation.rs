use arrow::array::RecordBatch;
use millrace_formats::json::{JsonDecoder, JsonEncoder};
use millrace_formats::{Decoder, Encoder, Rows};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::damage::mutation;
use crate::generate;

/// The bytes that damage is often done by.
const ALPHABET: &[u8] = b"{}[]\",:\\0-.eE \nntf";

fn rows_of(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let mut rows = Rows::default();
    JsonEncoder::new(batch.schema()).encode(batch, &mut rows);
    (0..rows.len()).map(|row| rows.get(row).unwrap().to_vec()).collect()
}

/// Decodes good records with a bad one before each; only good ones may be left.
fn decode_between(batch: &RecordBatch, bad: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), TestCaseError> {
    let mut decoder = JsonDecoder::new(batch.schema());
    let mut good_rows = Vec::new();
    for record in rows_of(batch) {
        let rows = decoder.rows();
        match decoder.decode(&bad(&record)) {
            Ok(()) => prop_assert_eq!(decoder.rows(), rows + 1),
            Err(_) => prop_assert_eq!(decoder.rows(), rows),
        }
        good_rows.push(decoder.rows() as u64);
        decoder.decode(&record).unwrap();
    }
    let decoded = decoder.finish();
    let good_rows = arrow::array::UInt64Array::from(good_rows);
    for (column, expected) in decoded.columns().iter().zip(batch.columns()) {
        column.to_data().validate_full().unwrap();
        prop_assert_eq!(&arrow::compute::take(column, &good_rows, None).unwrap(), expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn noise_leaves_nothing_behind(
        batch in generate::schema(2).prop_flat_map(generate::batch), noise in vec(any::<u8>(), 0..60)
    ) {
        decode_between(&batch, |_| noise.clone())?;
    }

    #[test]
    fn a_damaged_record_leaves_nothing_behind(
        batch in generate::schema(2).prop_flat_map(generate::batch), mutations in vec(mutation(ALPHABET), 1..5)
    ) {
        decode_between(&batch, |record| {
            let mut damaged = record.to_vec();
            for mutation in &mutations {
                if !damaged.is_empty() {
                    mutation.apply(&mut damaged);
                }
            }
            damaged
        })?;
    }

    /// One mutation cannot both make a name unknown and break the value behind it, which would go unseen.
    #[test]
    fn a_record_is_accepted_only_if_serde_json_accepts_it(
        batch in generate::schema(2).prop_flat_map(generate::batch), mutation in mutation(ALPHABET)
    ) {
        let mut decoder = JsonDecoder::new(batch.schema());
        for mut record in rows_of(&batch) {
            mutation.apply(&mut record);
            if decoder.decode(&record).is_ok() {
                let parsed = serde_json::from_slice::<Value>(&record);
                prop_assert!(parsed.is_ok(), "{:?}: {}", parsed, String::from_utf8_lossy(&record));
            }
        }
    }
}
