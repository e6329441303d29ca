//! Debezium's envelope: a record says what a row of a table was before a change and what it is after it.
//!
//! Each change becomes a row: the columns of "after", of "before" where the row was deleted, with its "op" ("c": created, "u":
//! updated, "d": deleted, "r": read by a snapshot) and its "sourceTime", when the database made the change. Whatever format the
//! envelope has, its decoder reads it as a struct of each part; the envelope's chooses between them. JSON may have it in
//! "payload", beside its schema. Tombstones, truncations and logical messages are no rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMillisecondType,
};

use crate::bad_record::{Result, bad_record, bad_value, shown, within};
use crate::{BadRecord, Decoder, FormatError};

/// Columns that a row has beside those of its table.
const OP: &str = "op";
const SOURCE_TIME: &str = "sourceTime";

/// Where the parts of an envelope are, and the one around it.
const BEFORE: usize = 0;
const AFTER: usize = 1;
const OP_PART: usize = 2;
const SOURCE: usize = 3;
const PAYLOAD: usize = 4;

/// A decoder whose last row can be looked at. A path leads through structs.
pub(crate) trait Peek: Decoder {
    /// Whether there is null in the last row, there or on the way there.
    fn last_is_null(&self, path: &[usize]) -> bool;

    /// The text there, if it is not null.
    fn last_text(&self, path: &[usize]) -> Option<&[u8]>;

    fn drop_last(&mut self);
}

/// Decodes change events into the columns of a schema.
pub struct DebeziumDecoder {
    envelope: Box<dyn Peek>,
    schema: SchemaRef,
    /// Those of the table that are read.
    columns: Fields,
    /// Of the rows so far: whether they were deleted, and whether their envelope is in a payload.
    deleted: Vec<bool>,
    in_payload: Vec<bool>,
}

impl DebeziumDecoder {
    /// `open` makes the decoder of the envelope's format for the columns of the envelope.
    pub(crate) fn new(
        schema: SchemaRef,
        open: impl FnOnce(SchemaRef) -> std::result::Result<Box<dyn Peek>, FormatError>,
    ) -> std::result::Result<Self, FormatError> {
        check_columns(&schema)?;
        let columns: Fields = schema
            .fields()
            .iter()
            .filter(|field| ![OP, SOURCE_TIME].contains(&field.name().as_str()))
            .cloned()
            .collect();
        let envelope = open(Arc::new(envelope(&columns)))?;
        Ok(DebeziumDecoder { envelope, schema, columns, deleted: Vec::new(), in_payload: Vec::new() })
    }

    /// Whether the last envelope is a row.
    fn check(&self) -> Result<Option<Change>> {
        let in_payload = !self.envelope.last_is_null(&[PAYLOAD]);
        let path = |part: usize, column: Option<usize>| -> Vec<usize> {
            in_payload.then_some(PAYLOAD).into_iter().chain([part]).chain(column).collect()
        };
        let is_null = |part, column| self.envelope.last_is_null(&path(part, column));
        let Some(op) = self.envelope.last_text(&path(OP_PART, None)) else {
            return Err(bad_record("it is no change event of Debezium: it has no \"op\""));
        };
        match op {
            b"c" | b"u" | b"r" if is_null(AFTER, None) => {
                Err(bad_record(format!("a change event with op \"{}\" has no \"after\"", shown(op))))
            }
            b"c" | b"u" | b"r" => Ok(Some(Change { deleted: false, in_payload })),
            b"d" if is_null(BEFORE, None) => Err(bad_record(
                "a change event with op \"d\" has no \"before\": let the database log whole rows (REPLICA IDENTITY FULL)",
            )),
            b"d" => {
                let lost = |(index, field): &(usize, &FieldRef)| !field.is_nullable() && is_null(BEFORE, Some(*index));
                match self.columns.iter().enumerate().find(lost) {
                    Some((_, field)) => Err(within(
                        bad_value(
                            "the row was deleted, its \"before\" does not have it, and it is not nullable: let the database \
                             log whole rows (REPLICA IDENTITY FULL), or make it .nullable()",
                        ),
                        field.name(),
                    )),
                    None => Ok(Some(Change { deleted: true, in_payload })),
                }
            }
            // A table was emptied, or a message is in the log.
            b"t" | b"m" => Ok(None),
            other => Err(bad_record(format!("a change event has the unknown op \"{}\"", shown(other)))),
        }
    }
}

/// Those of the envelope have the types that it has.
fn check_columns(schema: &SchemaRef) -> std::result::Result<(), FormatError> {
    let times = |data_type: &DataType| matches!(data_type, DataType::Timestamp(TimeUnit::Millisecond, _));
    let is_wrong = |field: &&FieldRef| match field.name().as_str() {
        OP => *field.data_type() != DataType::Utf8,
        SOURCE_TIME => !times(field.data_type()) || !field.is_nullable(),
        _ => false,
    };
    match schema.fields().iter().find(is_wrong) {
        Some(field) => {
            let what = if field.name() == OP { "a string" } else { "a nullable timestamp(ms)" };
            Err(FormatError(format!("column \"{}\" is that of Debezium's envelope, which is {what}", field.name())))
        }
        None => Ok(()),
    }
}

struct Change {
    deleted: bool,
    in_payload: bool,
}

/// The columns of the envelope of rows with `columns`.
fn envelope(columns: &Fields) -> Schema {
    // What is deleted may be told by its key alone, and what was before an update does not matter.
    let before: Fields = columns.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let source = Fields::from(vec![Field::new("ts_ms", DataType::Int64, true)]);
    let mut parts = vec![
        Field::new("before", DataType::Struct(before), true),
        Field::new("after", DataType::Struct(columns.clone()), true),
        Field::new("op", DataType::Utf8, true),
        Field::new("source", DataType::Struct(source), true),
    ];
    parts.push(Field::new("payload", DataType::Struct(parts.clone().into()), true));
    Schema::new(parts)
}

impl Decoder for DebeziumDecoder {
    fn decode(&mut self, record: &[u8]) -> std::result::Result<(), BadRecord> {
        self.envelope.decode(record)?;
        match self.check() {
            Ok(Some(change)) => {
                self.deleted.push(change.deleted);
                self.in_payload.push(change.in_payload);
                Ok(())
            }
            Ok(None) => {
                self.envelope.drop_last();
                Ok(())
            }
            Err(error) => {
                self.envelope.drop_last();
                Err(*error)
            }
        }
    }

    /// It follows a delete, for Kafka to forget the key.
    fn tombstone(&mut self, _key: Option<&[u8]>) -> std::result::Result<(), BadRecord> {
        Ok(())
    }

    fn rows(&self) -> usize {
        self.envelope.rows()
    }

    fn is_full(&self) -> bool {
        self.envelope.is_full()
    }

    fn finish(&mut self) -> RecordBatch {
        let batch = self.envelope.finish();
        let parts = Parts { batch: &batch, in_payload: Choice::of(std::mem::take(&mut self.in_payload)) };
        let deleted = Choice::of(std::mem::take(&mut self.deleted));
        let column = |field: &FieldRef| match field.name().as_str() {
            OP => parts.part(OP_PART),
            SOURCE_TIME => source_time(&parts.part(SOURCE), field.data_type()),
            name => {
                let of = |part| parts.part(part).as_struct().column_by_name(name).cloned();
                let nulls = || new_null_array(field.data_type(), batch.num_rows());
                deleted.choose(|| of(BEFORE).unwrap_or_else(nulls), || of(AFTER).unwrap_or_else(nulls))
            }
        };
        let columns = self.schema.fields().iter().map(column).collect();
        // SAFETY: the columns have the types of the schema's fields and one value a row; `check` has seen to it that there is
        // no null where a field is not nullable.
        unsafe { RecordBatch::new_unchecked(self.schema.clone(), columns, batch.num_rows()) }
    }

    fn take_failure(&mut self) -> Option<String> {
        self.envelope.take_failure()
    }
}

/// The parts of envelopes, wherever they are.
struct Parts<'a> {
    batch: &'a RecordBatch,
    in_payload: Choice,
}

impl Parts<'_> {
    fn part(&self, part: usize) -> ArrayRef {
        let payload = || self.batch.column(PAYLOAD).as_struct();
        self.in_payload.choose(|| payload().column(part).clone(), || self.batch.column(part).clone())
    }
}

/// Which of two each row takes.
enum Choice {
    First,
    Second,
    Mixed(BooleanArray),
}

impl Choice {
    fn of(first: Vec<bool>) -> Choice {
        match first.iter().filter(|is_first| **is_first).count() {
            0 => Choice::Second,
            count if count == first.len() => Choice::First,
            _ => Choice::Mixed(first.into()),
        }
    }

    fn choose(&self, first: impl Fn() -> ArrayRef, second: impl Fn() -> ArrayRef) -> ArrayRef {
        match self {
            Choice::First => first(),
            Choice::Second => second(),
            // The two have the same type and length, and it is nothing else that can go wrong.
            Choice::Mixed(mask) => zip(mask, &first(), &second()).unwrap_or_else(|_| second()),
        }
    }
}

fn source_time(source: &ArrayRef, data_type: &DataType) -> ArrayRef {
    let times = source.as_struct().column(0).as_primitive::<Int64Type>();
    let times = times.reinterpret_cast::<TimestampMillisecondType>();
    Arc::new(times.with_data_type(data_type.clone()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};
    use millrace_plan::{Avro, Format, Framing};

    use super::*;

    fn columns(fields: Vec<Field>) -> SchemaRef {
        let envelope = [Field::new(OP, DataType::Utf8, false), Field::new(SOURCE_TIME, time(), true)];
        Arc::new(Schema::new(fields.into_iter().chain(envelope).collect::<Vec<_>>()))
    }

    fn time() -> DataType {
        DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
    }

    fn row() -> SchemaRef {
        columns(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)])
    }

    fn decoder(of: Format, schema: SchemaRef) -> Box<dyn Decoder> {
        crate::decoder(&Format::Debezium(Box::new(of)), schema.clone(), &schema, None).unwrap()
    }

    fn check(batch: &RecordBatch, ids: &[i64], names: &[Option<&str>], ops: &[&str], times: &[Option<i64>]) {
        batch.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
        assert_eq!(batch.column(0).as_ref(), &Int64Array::from(ids.to_vec()));
        assert_eq!(batch.column(1).as_ref(), &StringArray::from(names.to_vec()));
        assert_eq!(batch.column(2).as_ref(), &StringArray::from(ops.to_vec()));
        assert_eq!(batch.column(3).as_primitive::<TimestampMillisecondType>().iter().collect::<Vec<_>>(), times);
    }

    #[test]
    fn each_change_is_a_row_of_what_is_after_it_or_was_before_it() {
        let mut decoder = decoder(Format::Json, row());
        for record in [
            r#"{"before": null, "after": {"id": 1, "name": "a", "x": 2}, "source": {"ts_ms": 5, "db": "d"}, "op": "c", "ts_ms": 9}"#,
            r#"{"before": {"id": 1}, "after": {"id": 1, "name": "b"}, "source": {}, "op": "u"}"#,
            r#"{"schema": {"type": "struct"}, "payload": {"before": {"id": 1, "name": "b"}, "after": null, "op": "d"}}"#,
            r#"{"op": "t", "source": {"ts_ms": 6}}"#,
            r#"{"before": null, "after": {"id": 2, "name": null}, "source": {"ts_ms": 7}, "op": "r"}"#,
        ] {
            decoder.decode(record.as_bytes()).unwrap();
        }
        decoder.tombstone(Some(b"1")).unwrap();
        assert_eq!(decoder.rows(), 4);
        let batch = decoder.finish();
        check(
            &batch,
            &[1, 1, 1, 2],
            &[Some("a"), Some("b"), Some("b"), None],
            &["c", "u", "d", "r"],
            &[Some(5), None, None, Some(7)],
        );
        decoder.decode(br#"{"payload": {"after": {"id": 3}, "op": "c", "source": {"ts_ms": 1}}}"#).unwrap();
        check(&decoder.finish(), &[3], &[None], &["c"], &[Some(1)]);
    }

    #[test]
    fn what_is_no_change_is_told_and_leaves_nothing() {
        let mut decoder = decoder(Format::Json, row());
        let mut error = |record: &str| decoder.decode(record.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("{}"), "it is no change event of Debezium: it has no \"op\"");
        assert_eq!(error(r#"{"op": "x"}"#), "a change event has the unknown op \"x\"");
        assert_eq!(error(r#"{"op": "c"}"#), "a change event with op \"c\" has no \"after\"");
        assert!(error(r#"{"op": "d"}"#).contains("REPLICA IDENTITY FULL"));
        assert!(error(r#"{"op": "d", "before": {"name": "a"}}"#).starts_with("column \"id\": the row was deleted"));
        assert_eq!(error(r#"{"op": "c", "after": {}}"#), "column \"after.id\": missing, and it is not nullable");
        assert_eq!(decoder.rows(), 0);
    }

    #[test]
    fn the_envelope_may_be_avro() {
        let text = r#"{"type": "record", "name": "Envelope", "fields": [
            {"name": "before", "type": ["null", {"type": "record", "name": "Value", "fields": [
                {"name": "id", "type": "long"}, {"name": "name", "type": ["null", "string"]}]}]},
            {"name": "after", "type": ["null", "Value"]},
            {"name": "source", "type": {"type": "record", "name": "Source", "fields": [{"name": "ts_ms", "type": "long"}]}},
            {"name": "op", "type": "string"}]}"#;
        let avro = Avro { schema: Some(text.into()), reader_schema: None, framing: Framing::Plain };
        let mut decoder = decoder(Format::Avro(avro), row());
        decoder.decode(&[0, 2, 2, 2, 2, b'a', 10, 2, b'c']).unwrap();
        decoder.decode(&[2, 2, 2, 2, b'a', 0, 12, 2, b'd']).unwrap();
        assert_eq!(
            decoder.decode(&[0, 0, 12, 2, b'c']).unwrap_err().message,
            "a change event with op \"c\" has no \"after\""
        );
        check(&decoder.finish(), &[1, 1], &[Some("a"), Some("a")], &["c", "d"], &[Some(5), Some(6)]);
    }

    #[test]
    fn columns_of_the_envelope_have_its_types() {
        let schema = Arc::new(Schema::new(vec![Field::new(OP, DataType::Int64, true)]));
        let error =
            crate::decoder(&Format::Debezium(Box::new(Format::Json)), schema.clone(), &schema, None).err().unwrap();
        assert_eq!(error.0, "column \"op\" is that of Debezium's envelope, which is a string");
    }
}
