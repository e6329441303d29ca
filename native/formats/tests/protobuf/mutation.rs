use arrow::array::{RecordBatch, UInt64Array};
use millrace_formats::Decoder;
use millrace_formats::protobuf::ProtobufDecoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::damage::mutation;
use crate::written::{encode, plain, rows_and_proto};

/// The bytes that damage is often done by.
const ALPHABET: &[u8] = &[0, 1, 2, 0x7f, 0x80, 0xff];

/// Decodes good records with a bad one before each; only good ones may be left.
fn decode_between(batch: &RecordBatch, text: &str, bad: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), TestCaseError> {
    let mut decoder = ProtobufDecoder::new(&plain(text), None, batch.schema()).unwrap();
    let mut good_rows = Vec::new();
    for record in encode(batch, text) {
        let rows = decoder.rows();
        match decoder.decode(&bad(&record)) {
            Ok(()) => prop_assert_eq!(decoder.rows(), rows + 1),
            Err(_) => prop_assert_eq!(decoder.rows(), rows),
        }
        good_rows.push(decoder.rows() as u64);
        decoder.decode(&record).unwrap();
    }
    let decoded = decoder.finish();
    let good_rows = UInt64Array::from(good_rows);
    for (column, expected) in decoded.columns().iter().zip(batch.columns()) {
        column.to_data().validate_full().unwrap();
        prop_assert_eq!(&arrow::compute::take(column, &good_rows, None).unwrap(), expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn noise_leaves_nothing_behind((batch, text) in rows_and_proto(), noise in vec(any::<u8>(), 0..60)) {
        decode_between(&batch, &text, |_| noise.clone())?;
    }

    #[test]
    fn a_damaged_record_leaves_nothing_behind(
        (batch, text) in rows_and_proto(), mutations in vec(mutation(ALPHABET), 1..5)
    ) {
        decode_between(&batch, &text, |record| {
            let mut damaged = record.to_vec();
            mutations.iter().for_each(|mutation| mutation.apply(&mut damaged));
            damaged
        })?;
    }

    #[test]
    fn a_proto_of_noise_is_an_error_or_a_proto(text in "[{}=;\"a-z0-9 ]{0,60}", at in any::<Index>()) {
        let columns = std::sync::Arc::new(arrow::datatypes::Schema::empty());
        let _ = ProtobufDecoder::new(&plain(&text), None, columns.clone());
        let mut good = r#"syntax = "proto3"; package a.b; message M1 { map<int32, M1> m = 1; oneof o { M1 n = 2; } }"#.to_owned();
        good.truncate(at.index(good.len()));
        let _ = ProtobufDecoder::new(&plain(&good), None, columns);
    }
}
