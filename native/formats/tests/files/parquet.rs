use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use millrace_plan::Codec;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::generate;
use crate::place::{Read, parquet, read, whole, write};

fn codec() -> impl Strategy<Value = Codec> {
    proptest::sample::select(&[Codec::None, Codec::Gzip, Codec::Lz4, Codec::Snappy, Codec::Zstd][..])
}

/// Rows of some columns, whose timestamps in seconds have room in milliseconds.
fn rows() -> impl Strategy<Value = RecordBatch> {
    let some = generate::schema(2).prop_filter("columns", |schema| !schema.fields().is_empty());
    some.prop_flat_map(generate::batch)
        .prop_filter("seconds", |batch| write(&parquet(Codec::None, 1000), std::slice::from_ref(batch)).is_ok())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(batch in rows(), codec in codec(), group_rows in 1..9usize, at in 0..20usize) {
        let (at, format) = (at.min(batch.num_rows()), parquet(codec, group_rows));
        let content = write(&format, &[batch.slice(0, at), batch.slice(at, batch.num_rows() - at)]).unwrap();
        prop_assert_eq!(whole(&format, &content, &batch.schema()), batch);
    }

    #[test]
    fn a_part_of_the_columns_from_any_row_on_is_as_it_is_among_all(
        (batch, columns) in rows().prop_flat_map(|batch| {
            let columns = subsequence((0..batch.num_columns()).collect::<Vec<_>>(), 1..=batch.num_columns());
            (Just(batch), columns)
        }),
        group_rows in 1..9usize,
        start in 0..20usize,
    ) {
        let format = parquet(Codec::Snappy, group_rows);
        let content = write(&format, std::slice::from_ref(&batch)).unwrap();
        let (some, start) = (batch.project(&columns).unwrap(), start.min(batch.num_rows()));
        let Read { rows, bad, damaged } = read(&format, &content, &some.schema(), start as u64);
        prop_assert_eq!((bad, damaged), (Vec::new(), None));
        prop_assert_eq!(rows, some.slice(start, some.num_rows() - start));
    }
}

/// A file as others write it, whose types are not those of the plan.
fn foreign(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn schema(fields: &[(&str, DataType, bool)]) -> SchemaRef {
    let field = |(name, data_type, nullable): &(&str, DataType, bool)| Field::new(*name, data_type.clone(), *nullable);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

pub fn numbers() -> SchemaRef {
    schema(&[("n", DataType::Int64, false)])
}

fn utc(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

#[test]
fn types_of_other_writers_become_those_of_the_columns() {
    let content = foreign(vec![
        ("small", Arc::new(arrow::array::Int16Array::from(vec![-3, 4]))),
        ("single", Arc::new(arrow::array::Float32Array::from(vec![0.5, 1.0]))),
        ("text", Arc::new(BinaryArray::from(vec![&b"a"[..], b"b"]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![1_999, 2_000]))),
        ("epoch", Arc::new(Int64Array::from(vec![1, 2]))),
        ("words", Arc::new(StringArray::from(vec!["x", "y"]))),
    ]);
    let columns = schema(&[
        ("words", DataType::Utf8, false),
        ("small", DataType::Int64, false),
        ("single", DataType::Float64, false),
        ("text", DataType::Utf8, false),
        ("at", utc(TimeUnit::Millisecond), false),
        ("epoch", utc(TimeUnit::Second), false),
        ("missing", DataType::Date32, true),
    ]);
    let rows = whole(&parquet(Codec::None, 1), &content, &columns);
    let expected: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["x", "y"])),
        Arc::new(Int64Array::from(vec![-3, 4])),
        Arc::new(arrow::array::Float64Array::from(vec![0.5, 1.0])),
        Arc::new(StringArray::from(vec!["a", "b"])),
        Arc::new(TimestampMillisecondArray::from(vec![1, 2]).with_timezone("UTC")),
        Arc::new(arrow::array::TimestampSecondArray::from(vec![1, 2]).with_timezone("UTC")),
        Arc::new(arrow::array::Date32Array::from(vec![None, None])),
    ];
    assert_eq!(rows, RecordBatch::try_new(columns, expected).unwrap());
}

#[test]
fn rows_with_values_that_have_no_room_are_bad_and_the_others_are_read() {
    let numbers = UInt64Array::from(vec![Some(1), Some(u64::MAX), None, Some(4), Some(5)]);
    let texts = BinaryArray::from(vec![&b"a"[..], b"b", b"c", b"\xff", b"e"]);
    let content = foreign(vec![("n", Arc::new(numbers)), ("s", Arc::new(texts))]);
    let columns = schema(&[("n", DataType::Int64, false), ("s", DataType::Utf8, false)]);
    let Read { rows, bad, damaged } = read(&parquet(Codec::None, 1), &content, &columns, 0);
    assert_eq!(rows["n"].as_ref(), &Int64Array::from(vec![1, 5]) as &dyn Array);
    assert_eq!(damaged, None);
    assert_eq!(
        bad,
        [
            (1, 1, "column \"n\": 18446744073709551615 has no room in int64".to_owned()),
            (2, 1, "column \"n\": null, and it is not nullable".to_owned()),
            (3, 1, "column \"s\": invalid UTF-8".to_owned()),
        ]
    );
}

#[test]
fn what_is_wrong_deep_inside_is_told_with_its_place() {
    let items = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1)]),
        Some(vec![Some(2), None]),
        None,
        Some(vec![]),
    ]);
    let field = Arc::new(Field::new("items", items.data_type().clone(), true));
    let structs = StructArray::from(vec![(field, Arc::new(items) as ArrayRef)]);
    let content = foreign(vec![("deep", Arc::new(structs))]);
    let item = Arc::new(Field::new("item", DataType::Int64, false));
    let inner = Field::new("items", DataType::List(item), true);
    let columns = schema(&[("deep", DataType::Struct(vec![inner].into()), false)]);
    let Read { rows, bad, .. } = read(&parquet(Codec::None, 1), &content, &columns, 0);
    assert_eq!(rows.num_rows(), 3);
    assert_eq!(bad, [(1, 1, "column \"deep.items[1]\": null, and it is not nullable".to_owned())]);
}

#[test]
fn a_file_that_does_not_fit_is_told_by_its_column() {
    let content = foreign(vec![("n", Arc::new(Int64Array::from(vec![1])))]);
    let told = |name, data_type| {
        let columns = schema(&[(name, data_type, false)]);
        read(&parquet(Codec::None, 1), &content, &columns, 0).damaged.unwrap()
    };
    assert_eq!(told("other", DataType::Int64), "column \"other\": the file does not have it, and it is not nullable");
    assert_eq!(told("n", DataType::Utf8), "column \"n\": the file has Int64 here, as which string is not read");
}

#[test]
fn what_is_no_file_of_parquet_is_said_to_be_none() {
    let columns = numbers();
    let told = |content: &[u8]| read(&parquet(Codec::None, 1), content, &columns, 0).damaged.unwrap();
    let prefix = "it is no Parquet file, or is damaged, or was read before it was complete (";
    let none = told(b"");
    assert!(none.starts_with(prefix), "{none}");
    assert!(told(b"{\"n\": 1}\n{\"n\": 2}\n").starts_with(prefix));
    let mut cut = foreign(vec![("n", Arc::new(Int64Array::from(vec![1])))]);
    cut.truncate(cut.len() / 2);
    assert!(told(&cut).ends_with("put a whole one in its place, and give files their names when they are complete"));
}

#[test]
fn a_row_group_ends_with_its_rows_or_bytes() {
    let batch =
        RecordBatch::try_from_iter([("n", Arc::new(Int32Array::from_iter_values(0..100)) as ArrayRef)]).unwrap();
    let content = write(&parquet(Codec::None, 30), std::slice::from_ref(&batch)).unwrap();
    let metadata =
        parquet::file::metadata::ParquetMetaDataReader::new().parse_and_finish(&parquet_bytes(content)).unwrap();
    let rows: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [30, 30, 30, 10]);
    assert_eq!(metadata.file_metadata().key_value_metadata(), None, "other readers know no schema of Arrow");
}

fn parquet_bytes(content: Vec<u8>) -> std::fs::File {
    use std::io::Write;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&content).unwrap();
    file
}
