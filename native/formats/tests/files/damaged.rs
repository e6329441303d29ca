//! Whatever bytes a file has, it is read, or is said to be damaged.

use std::panic;

use millrace_plan::Codec;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::damage::mutation;
use crate::generate;
use crate::place::{avro, parquet, read, write};
use crate::written::rows_and_schema;

/// The bytes that damage is often done by.
const ALPHABET: &[u8] = &[0, 1, 2, 0x15, 0x7f, 0x80, 0xff];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_of_parquet_does_no_harm(
        batch in generate::schema(1).prop_filter("columns", |schema| !schema.fields().is_empty()).prop_flat_map(generate::batch),
        codec in proptest::sample::select(&[Codec::None, Codec::Gzip, Codec::Lz4, Codec::Snappy, Codec::Zstd][..]),
        mutations in vec(mutation(ALPHABET), 1..5),
        start in 0..10u64,
    ) {
        let format = parquet(codec, 7);
        let Ok(mut content) = write(&format, std::slice::from_ref(&batch)) else { return Ok(()) };
        mutations.iter().for_each(|mutation| mutation.apply(&mut content));
        // What the crate panics at is damage, but would be told on the screen.
        panic::set_hook(Box::new(|_| {}));
        let reading = panic::AssertUnwindSafe(|| _ = read(&format, &content, &batch.schema(), start));
        let outcome = panic::catch_unwind(reading);
        drop(panic::take_hook());
        prop_assert!(outcome.is_ok());
    }

    #[test]
    fn a_damaged_container_does_no_harm(
        (batch, schema) in rows_and_schema(),
        codec in proptest::sample::select(&[Codec::None, Codec::Deflate, Codec::Snappy, Codec::Zstd][..]),
        mutations in vec(mutation(ALPHABET), 1..5),
        start in 0..10u64,
    ) {
        let format = avro(codec, &schema);
        let mut content = write(&format, std::slice::from_ref(&batch)).unwrap();
        mutations.iter().for_each(|mutation| mutation.apply(&mut content));
        prop_assume!(batch.num_columns() > 0);
        read(&format, &content, &batch.schema(), start);
    }

    #[test]
    fn noise_is_no_file(content in vec(any::<u8>(), 0..200), tail in any::<bool>()) {
        let columns = crate::parquet::numbers();
        let mut parquet_like = content.clone();
        if tail {
            parquet_like.extend(*b"PAR1");
        }
        prop_assert!(read(&parquet(Codec::None, 1), &parquet_like, &columns, 0).damaged.is_some());
        let container_like = [b"Obj\x01", content.as_slice()].concat();
        prop_assert!(read(&avro(Codec::None, "\"int\""), &container_like, &columns, 0).damaged.is_some());
    }
}
