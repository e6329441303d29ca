use std::sync::Arc;

use apache_avro::types::Value;
use apache_avro::{Codec as CrateCodec, Reader, Schema as CrateSchema, Writer};
use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use millrace_plan::{AvroFile, Codec, FileFormat};
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::place::{Read, avro, read, whole, write};
use crate::written::rows_and_schema;

fn codec() -> impl Strategy<Value = Codec> {
    proptest::sample::select(&[Codec::None, Codec::Deflate, Codec::Snappy, Codec::Zstd][..])
}

proptest! {
    #[test]
    fn what_is_written_is_read_back((batch, schema) in rows_and_schema(), codec in codec(), at in 0..20usize) {
        let (at, format) = (at.min(batch.num_rows()), avro(codec, &schema));
        let content = write(&format, &[batch.slice(0, at), batch.slice(at, batch.num_rows() - at)]).unwrap();
        prop_assert_eq!(whole(&format, &content, &batch.schema()), batch);
    }

    #[test]
    fn a_part_of_the_columns_from_any_row_on_is_as_it_is_among_all(
        ((batch, schema), columns) in rows_and_schema().prop_flat_map(|(batch, schema)| {
            let columns = subsequence((0..batch.num_columns()).collect::<Vec<_>>(), 0..=batch.num_columns());
            (Just((batch, schema)), columns)
        }),
        block_rows in 1..9usize,
        start in 0..20usize,
    ) {
        let format = avro(Codec::Snappy, &schema);
        let blocks = (0..batch.num_rows().max(1)).step_by(block_rows);
        let blocks: Vec<_> = blocks.map(|from| batch.slice(from, block_rows.min(batch.num_rows() - from))).collect();
        let content = write(&format, &blocks).unwrap();
        let (some, start) = (batch.project(&columns).unwrap(), start.min(batch.num_rows()));
        prop_assume!(!columns.is_empty());
        let Read { rows, bad, damaged } = read(&format, &content, &some.schema(), start as u64);
        prop_assert_eq!((bad, damaged), (Vec::new(), None));
        prop_assert_eq!(rows, some.slice(start, some.num_rows() - start));
    }
}

const WRITTEN: &str = r#"{"type": "record", "name": "R", "fields": [
    {"name": "n", "type": "long"}, {"name": "unread", "type": {"type": "array", "items": "string"}},
    {"name": "s", "type": ["null", "string"]}]}"#;

fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, false), Field::new("n", DataType::Int64, false)]))
}

/// Containers of the crate, whose values of `s` may be null.
fn foreign(codec: CrateCodec, rows: &[(i64, Option<&str>)]) -> Vec<u8> {
    let schema = CrateSchema::parse_str(WRITTEN).unwrap();
    let mut writer = Writer::with_codec(&schema, Vec::new(), codec);
    for (n, s) in rows {
        let s = match s {
            None => Value::Union(0, Box::new(Value::Null)),
            Some(s) => Value::Union(1, Box::new(Value::String((*s).into()))),
        };
        let unread = Value::Array(vec![Value::String("x".into()); 3]);
        writer
            .append(Value::Record(vec![("n".into(), Value::Long(*n)), ("unread".into(), unread), ("s".into(), s)]))
            .unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn containers_of_the_crate_are_read() {
    for codec in [CrateCodec::Null, CrateCodec::Deflate(Default::default())] {
        let content = foreign(codec, &[(1, Some("a")), (-2, Some("b"))]);
        let rows = whole(&avro(Codec::None, WRITTEN), &content, &columns());
        let expected: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(StringArray::from(vec!["a", "b"])), Arc::new(Int64Array::from(vec![1, -2]))];
        assert_eq!(rows, RecordBatch::try_new(columns(), expected).unwrap());
    }
}

#[test]
fn the_crate_reads_what_is_written() {
    let schema = r#"{"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}, {"name": "s", "type": "string"}]}"#;
    let numbers = Int64Array::from_iter_values(0..5000);
    let texts = StringArray::from_iter_values((0..5000).map(|n| format!("text {n}")));
    let batch = RecordBatch::try_new(columns(), vec![Arc::new(texts), Arc::new(numbers)]).unwrap();
    for codec in [Codec::None, Codec::Deflate] {
        let content = write(&avro(codec, schema), std::slice::from_ref(&batch)).unwrap();
        let values: Vec<Value> = Reader::new(content.as_slice()).unwrap().map(Result::unwrap).collect();
        assert_eq!(values.len(), 5000);
        let fields = vec![("n".into(), Value::Long(4999)), ("s".into(), Value::String("text 4999".into()))];
        assert_eq!(values[4999], Value::Record(fields));
    }
}

#[test]
fn a_bad_record_is_stepped_over() {
    let content = foreign(CrateCodec::Null, &[(0, Some("a")), (1, None), (2, None), (3, Some("d"))]);
    let Read { rows, bad, damaged } = read(&avro(Codec::None, WRITTEN), &content, &columns(), 0);
    assert_eq!(rows["n"].as_ref(), &Int64Array::from(vec![0, 3]) as &dyn arrow::array::Array);
    let message = "column \"s\": null, and it is not nullable";
    assert_eq!(bad, [(1, 1, message.to_owned()), (2, 1, message.to_owned())]);
    assert_eq!(damaged, None);
}

#[test]
fn aliases_and_defaults_come_from_the_readers_schema() {
    let reader = r#"{"type": "record", "name": "R", "fields": [
        {"name": "number", "type": "long", "aliases": ["n"]}, {"name": "unit", "type": "string", "default": "cm"}]}"#;
    let format = FileFormat::Avro(AvroFile { schema: None, reader_schema: Some(reader.into()), codec: Codec::None });
    let columns: SchemaRef = Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int64, false),
        Field::new("unit", DataType::Utf8, false),
    ]));
    let rows = whole(&format, &foreign(CrateCodec::Null, &[(7, None)]), &columns);
    assert_eq!(rows["number"].as_ref(), &Int64Array::from(vec![7]) as &dyn arrow::array::Array);
    assert_eq!(rows["unit"].as_ref(), &StringArray::from(vec!["cm"]) as &dyn arrow::array::Array);
}

#[test]
fn damage_is_told_and_what_comes_before_it_is_read() {
    let rows: Vec<(i64, Option<&str>)> = (0..4000).map(|n| (n, Some("some text or other"))).collect();
    let mut content = foreign(CrateCodec::Null, &rows);
    let format = avro(Codec::None, WRITTEN);
    let at = content.len() - 3;
    content[at] ^= 1;
    let Read { rows, bad, damaged } = read(&format, &content, &columns(), 0);
    assert!(rows.num_rows() > 1000 && rows.num_rows() < 4000, "{}", rows.num_rows());
    assert_eq!(bad, []);
    assert_eq!(
        damaged.unwrap(),
        "it is no Avro container, or is damaged, or was read before it was complete (a block does not end with the file's \
         marker): put a whole one in its place, and give files their names when they are complete"
    );
    let told = |content: &[u8]| read(&format, content, &columns(), 0).damaged.unwrap();
    assert!(told(b"PAR1").contains("(it does not begin as containers do)"));
    assert!(told(b"Obj\x01").contains("(it ends in the middle)"));
}
