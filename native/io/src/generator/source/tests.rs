#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Field, Int64Type, Schema, TimestampMillisecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::*;

#[derive(Default)]
struct Collected {
    /// Rows as text, by offset.
    rows: Vec<(i64, Vec<String>)>,
    batches: Vec<RecordBatch>,
    ended: bool,
}

impl Receiver for Collected {
    type Error = Error;

    fn record(&mut self, _: crate::Record<'_>) -> Result<()> {
        unreachable!("a generator gives rows")
    }

    fn rows(&mut self, _: usize, first_offset: i64, rows: RecordBatch) -> Result<()> {
        let options = FormatOptions::default();
        let columns: Vec<ArrayFormatter<'_>> =
            rows.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..rows.num_rows() {
            let values = columns.iter().map(|column| column.value(row).to_string()).collect();
            self.rows.push((first_offset + row as i64, values));
        }
        drop(columns);
        self.batches.push(rows);
        Ok(())
    }

    fn end(&mut self, _: usize) -> Result<()> {
        self.ended = true;
        Ok(())
    }
}

fn config(kind: GeneratorKind, count: u64) -> Config {
    Config {
        kind,
        seed: 42,
        rate: 0,
        count,
        start_time_ms: 1_700_000_000_000,
        events_per_second: 1000,
        out_of_orderness_ms: 50,
        keys: 1000,
    }
}

fn schema(kind: GeneratorKind) -> SchemaRef {
    let field = |column: &columns::Column| {
        let data_type = match column.value {
            Value::Int64(_) => DataType::Int64,
            Value::String(_) => DataType::Utf8,
            Value::Timestamp(_) => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        };
        Field::new(column.name, data_type, false)
    };
    Arc::new(Schema::new(columns::of(kind).iter().map(field).collect::<Vec<_>>()))
}

fn still() -> Clock {
    Arc::new(|| 0)
}

/// All events of all slots, by event number.
fn events(config: &Config, schema: &SchemaRef, slots: usize, max_records: usize) -> BTreeMap<u64, Vec<String>> {
    let mut events = BTreeMap::new();
    for slot in 0..slots {
        let mut source = GeneratorSource::open(config, schema.clone(), slot, slots, still(), None).unwrap();
        let mut collected = Collected::default();
        while source.poll(max_records, &mut collected).unwrap() != Poll::End {}
        assert!(collected.ended);
        for (offset, row) in collected.rows {
            events.insert(offset as u64 * slots as u64 + slot as u64, row);
        }
    }
    events
}

#[test]
fn the_same_seed_gives_the_same_events_at_every_parallelism_and_batch_size() {
    for kind in [GeneratorKind::Bids, GeneratorKind::Persons, GeneratorKind::Auctions] {
        let (config, schema) = (config(kind, 1001), schema(kind));
        let alone = events(&config, &schema, 1, 8192);
        assert_eq!(alone.len(), 1001);
        assert_eq!(events(&config, &schema, 2, 100), alone);
        assert_eq!(events(&config, &schema, 4, 7), alone);
    }
}

#[test]
fn the_first_events_are_what_they_always_were() {
    let first = |kind| {
        events(&config(kind, 2), &schema(kind), 1, 10).into_values().map(|row| row.join(" | ")).collect::<Vec<_>>()
    };
    assert_eq!(
        first(GeneratorKind::Bids),
        [
            "380 | 218 | 95900 | Baidu | https://www.example.com/shop-780/item.htm?auction=380 | 2023-11-14T22:13:19.967Z | ekcbhknaobceaono",
            "836 | 399 | 831 | Google | https://www.example.com/shop-416/item.htm?auction=836 | 2023-11-14T22:13:19.960Z | iiimaagfhoennjch"
        ]
    );
    assert_eq!(
        first(GeneratorKind::Persons),
        [
            "0 | Walter Spencer | walter.spencer@example.com | 0134 3932 8733 4295 | Boise | ID | 2023-11-14T22:13:19.967Z | ekcbhknaobceaono",
            "1 | Sarah Walton | sarah.walton@example.com | 5678 3900 9690 9719 | Boise | ID | 2023-11-14T22:13:19.960Z | iiimaagfhoennjch"
        ]
    );
    assert_eq!(
        first(GeneratorKind::Auctions),
        [
            "0 | sturdy radio | sturdy radio, hardly used | 95900 | 518900 | 2023-11-14T22:13:19.967Z | 2023-11-14T22:13:25.575Z | 218 | 10 | ekcbhknaobceaono",
            "1 | rare painting | plain painting, hardly used | 831 | 61931 | 2023-11-14T22:13:19.960Z | 2023-11-14T22:13:33.640Z | 399 | 11 | iiimaagfhoennjch"
        ]
    );
}

#[test]
fn another_seed_gives_other_events() {
    let schema = schema(GeneratorKind::Bids);
    let one = config(GeneratorKind::Bids, 10);
    let other = Config { seed: 43, ..one.clone() };
    assert_ne!(events(&one, &schema, 1, 10), events(&other, &schema, 1, 10));
}

#[test]
fn a_column_does_not_depend_on_which_others_are_read() {
    let config = config(GeneratorKind::Bids, 100);
    let all = schema(GeneratorKind::Bids);
    let price = Arc::new(all.project(&[2]).unwrap());
    let whole = events(&config, &all, 1, 100);
    let alone = events(&config, &price, 1, 100);
    assert!(whole.values().zip(alone.values()).all(|(whole, alone)| whole[2] == alone[0]));
}

#[test]
fn a_schema_without_columns_still_counts_rows() {
    let mut source =
        GeneratorSource::open(&config(GeneratorKind::Bids, 5), Arc::new(Schema::empty()), 0, 1, still(), None).unwrap();
    let mut collected = Collected::default();
    source.poll(10, &mut collected).unwrap();
    assert_eq!(collected.batches[0].num_rows(), 5);
}

#[test]
fn timestamps_come_in_the_declared_unit() {
    let schema = |unit| Arc::new(Schema::new(vec![Field::new("dateTime", DataType::Timestamp(unit, None), false)]));
    let first = |unit| {
        let mut source =
            GeneratorSource::open(&config(GeneratorKind::Bids, 1), schema(unit), 0, 1, still(), None).unwrap();
        let mut collected = Collected::default();
        source.poll(1, &mut collected).unwrap();
        let column = collected.batches[0].column(0);
        arrow::compute::cast(column, &DataType::Int64).unwrap().as_primitive::<Int64Type>().value(0)
    };
    let ms = first(TimeUnit::Millisecond);
    assert_eq!(first(TimeUnit::Second), ms / 1000);
    assert_eq!(first(TimeUnit::Microsecond), ms * 1000);
    assert_eq!(first(TimeUnit::Nanosecond), ms * 1_000_000);
}

#[test]
fn a_rate_is_kept_over_all_slots_by_the_clock() {
    let now = Arc::new(AtomicU64::new(5000));
    let mut config = config(GeneratorKind::Bids, 0);
    config.rate = 1000;
    let schema = schema(GeneratorKind::Bids);
    let mut sources: Vec<GeneratorSource> = (0..2)
        .map(|slot| {
            let now = now.clone();
            GeneratorSource::open(&config, schema.clone(), slot, 2, Arc::new(move || now.load(Ordering::Relaxed)), None)
                .unwrap()
        })
        .collect();
    let mut collected = Collected::default();
    let polled = sources[0].poll(100, &mut collected).unwrap();
    assert_eq!(polled, Poll::Empty { retry_after_ms: Some(10) });
    now.store(5101, Ordering::Relaxed);
    for source in &mut sources {
        while source.poll(100, &mut collected).unwrap() == Poll::More {}
    }
    assert_eq!(collected.rows.len(), 101);
    let time = collected.batches[0].column_by_name("dateTime").unwrap();
    assert!(time.as_primitive::<TimestampMillisecondType>().null_count() == 0);
}

fn share_of(slot: i32, offset: i64) -> Restored {
    Restored { resource: "bids".to_owned(), partition: slot, offset, token: None }
}

#[test]
fn a_checkpoint_goes_on_at_the_events_of_each_share() {
    let (config, schema) = (config(GeneratorKind::Bids, 100), schema(GeneratorKind::Bids));
    let open = |slot, restored: Option<&[Restored]>| {
        GeneratorSource::open(&config, schema.clone(), slot, 2, still(), restored).unwrap()
    };
    let read = |mut source: GeneratorSource| {
        let mut collected = Collected::default();
        while source.poll(7, &mut collected).unwrap() != Poll::End {}
        collected.rows
    };
    let restored = [share_of(0, 20), share_of(1, 50)];
    for (slot, start) in [(0, 20), (1, 50)] {
        let source = open(slot, Some(&restored));
        let split = &Source::<Collected>::splits(&source)[0];
        assert_eq!((split.partition, split.start), (slot as i32, start));
        assert_eq!(read(source), read(open(slot, None))[start as usize..]);
    }
}

#[test]
fn a_rate_counts_from_where_a_checkpoint_goes_on() {
    let now = Arc::new(AtomicU64::new(5000));
    let config = Config { rate: 1000, ..config(GeneratorKind::Bids, 0) };
    let clock: Clock = {
        let now = now.clone();
        Arc::new(move || now.load(Ordering::Relaxed))
    };
    let schema = schema(GeneratorKind::Bids);
    let mut source = GeneratorSource::open(&config, schema, 0, 1, clock, Some(&[share_of(0, 1_000_000)])).unwrap();
    let mut collected = Collected::default();
    assert_eq!(source.poll(100, &mut collected).unwrap(), Poll::Empty { retry_after_ms: Some(10) });
    now.store(5050, Ordering::Relaxed);
    assert_eq!(source.poll(100, &mut collected).unwrap(), Poll::More);
    assert_eq!((collected.rows.len(), collected.rows[0].0), (50, 1_000_000));
}

#[test]
fn shares_of_another_number_of_slots_are_an_error_that_names_both() {
    let config = config(GeneratorKind::Bids, 0);
    let restored: Vec<Restored> = (0..4).map(|slot| share_of(slot, 10)).collect();
    let opened = GeneratorSource::open(&config, schema(GeneratorKind::Bids), 0, 2, still(), Some(&restored));
    assert_eq!(
        opened.map(|_| ()).unwrap_err().to_string(),
        "generator source: bids: the checkpoint holds 4 shares, and the job runs in 2 slots, which divide the events \
         otherwise. Run the job with a parallelism of 4, or start it without the checkpoint."
    );
}

#[test]
fn a_paused_share_gives_nothing() {
    let mut source =
        GeneratorSource::open(&config(GeneratorKind::Bids, 0), schema(GeneratorKind::Bids), 0, 1, still(), None)
            .unwrap();
    let mut collected = Collected::default();
    Source::<Collected>::pause(&mut source, 0, true).unwrap();
    assert!(matches!(source.poll(10, &mut collected).unwrap(), Poll::Empty { .. }));
    Source::<Collected>::pause(&mut source, 0, false).unwrap();
    assert_eq!(source.poll(10, &mut collected).unwrap(), Poll::More);
    assert_eq!(collected.rows.len(), 10);
}

#[test]
fn an_unknown_column_is_an_error_that_lists_what_there_is() {
    let schema = |name, data_type| Arc::new(Schema::new(vec![Field::new(name, data_type, false)]));
    let open = |schema| {
        let opened = GeneratorSource::open(&config(GeneratorKind::Bids, 0), schema, 0, 1, still(), None);
        opened.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        open(schema("amount", DataType::Int64)),
        "generator source: bids have no column \"amount\". Their columns are auction, bidder, price, channel, url, \
         dateTime, extra; declare only those."
    );
    assert_eq!(
        open(schema("price", DataType::Float64)),
        "generator source: column \"price\" of bids is declared as Float64. Declare it as int64."
    );
}
