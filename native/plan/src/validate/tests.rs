use arrow::datatypes::TimeUnit;

use super::*;

const REVENUE: &[u8] = include_bytes!("../../tests/plans/revenue.plan");
const SOURCE: usize = 0;
const FILTER: usize = 1;
const WINDOW: usize = 2;
const SINK: usize = 3;

/// The message about a plan that was good before `spoil`.
fn message(spoil: impl FnOnce(&mut Plan)) -> String {
    let mut plan = crate::decode(REVENUE).unwrap();
    spoil(&mut plan);
    validate(&plan).unwrap_err().to_string()
}

fn window(plan: &mut Plan) -> &mut WindowAggregate {
    match &mut plan.operators[WINDOW].kind {
        OperatorKind::WindowAggregate(window) => window,
        other => panic!("{other:?}"),
    }
}

fn source(plan: &mut Plan) -> &mut Source {
    match &mut plan.operators[SOURCE].kind {
        OperatorKind::Source(source) => source,
        other => panic!("{other:?}"),
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(name.into())
}

#[test]
fn an_unknown_column_is_named_with_its_step() {
    assert_eq!(
        message(|plan| plan.operators[FILTER].kind = OperatorKind::Filter(column("pric"))),
        "filter: column \"pric\" is not in its input; there are auction, price, dateTime"
    );
    assert_eq!(
        message(|plan| window(plan).output[1].expr = column("$9")),
        "window(tumbling 10s): column \"$9\" is not in its input; there are auction, $start, $end, $0, $1, $2"
    );
}

#[test]
fn steps_stand_in_their_order_and_lead_somewhere() {
    assert_eq!(
        message(|plan| plan.operators[FILTER].inputs = vec![0, 2]),
        "filter: its input 2 does not come before it"
    );
    assert_eq!(message(|plan| plan.operators[FILTER].inputs.clear()), "kafka(bids): its rows go nowhere");
    assert_eq!(message(|plan| plan.operators[SINK].inputs = vec![2, 2]), "kafka(revenue): it cannot have 2 inputs");
    assert_eq!(message(|plan| plan.operators.truncate(SINK)), "window(tumbling 10s): its rows go nowhere");
    assert_eq!(message(|plan| plan.operators.clear()), "the job has no steps");
    assert_eq!(message(|plan| plan.operators[FILTER].id = "source-1".into()), "filter: id \"source-1\" is there twice");
}

#[test]
fn a_window_needs_event_time_and_sizes_within_bounds() {
    assert_eq!(
        message(|plan| source(plan).event_time = None),
        "window(tumbling 10s): \"kafka(bids)\" has no event time: call .eventTime(...) on it"
    );
    let sized = |size_ms, slide_ms| message(|plan| window(plan).window = Window { size_ms, slide_ms, offset_ms: 0 });
    assert_eq!(
        sized(0, 0),
        "window(tumbling 10s): a window of 0 ms cannot slide by 0 ms: 0 < slide <= size <= 100 years"
    );
    assert!(sized(10, 20).contains("cannot slide by 20 ms"));
    assert!(sized(i64::MAX, 1).contains("100 years"));
    assert!(sized(1_000_000, 1).contains("each event would be in 1000000 windows"));
}

#[test]
fn aggregates_have_their_arguments() {
    assert_eq!(message(|plan| window(plan).aggregates[1].expr = None), "window(tumbling 10s): Sum needs an argument");
    assert_eq!(
        message(|plan| window(plan).aggregates[1].function = AggregateFunction::ApproxQuantile(1.5)),
        "window(tumbling 10s): quantile 1.5 is not between 0 and 1"
    );
}

#[test]
fn a_deduplication_needs_keys_and_a_ttl_of_some_length() {
    let deduplicate = |keys: &[&str], duration_ms| {
        let keys = keys.iter().map(|key| NamedExpr { name: (*key).into(), expr: column(key) }).collect();
        let ttl = Some(Ttl { duration_ms, update: TtlUpdate::OnWrite });
        message(|plan| plan.operators[FILTER].kind = OperatorKind::Deduplicate(Deduplicate { keys, ttl }))
    };
    assert_eq!(deduplicate(&[], 1), "filter: a key has at least one column");
    assert_eq!(deduplicate(&["auction"], 0), "filter: a ttl of nothing would keep no state");
    assert!(deduplicate(&["bidder"], 1).contains("column \"bidder\" is not in its input"));
}

#[test]
fn a_join_matches_columns_to_the_keys_of_what_is_broadcast() {
    let named = |name: &str| NamedExpr { name: name.into(), expr: column(name) };
    let join = |on: &[&str], keys: &[&str], output: &str| {
        let joined = OperatorKind::BroadcastJoin(BroadcastJoin {
            on: on.iter().map(|name| named(name)).collect(),
            keys: keys.iter().map(|name| named(name)).collect(),
            output: vec![NamedExpr { name: "auction".into(), expr: column(output) }],
            keep_unmatched: false,
        });
        message(|plan| {
            plan.operators[FILTER].inputs = vec![SOURCE, SOURCE];
            plan.operators[FILTER].kind = joined;
        })
    };
    assert_eq!(join(&[], &["price"], "auction"), "filter: a key has at least one column");
    assert_eq!(
        join(&["auction"], &["auction", "price"], "auction"),
        "filter: rows are matched by 1 columns, but the key has 2"
    );
    assert!(join(&["auction"], &["auction"], "$bidder").contains(
        "column \"$bidder\" is not in its input; there are auction, price, dateTime, $auction, $price, $dateTime"
    ));
    let mut plan = crate::decode(REVENUE).unwrap();
    assert!(is_read_whole(&plan, FILTER).unwrap_err().message.contains("give \"kafka(bids)\" start: \"earliest\""));
    let SourceConnector::Kafka(kafka) = &mut source(&mut plan).connector else { unreachable!() };
    kafka.start = KafkaStart::Earliest;
    assert_eq!(is_read_whole(&plan, FILTER), Ok(()));
}

fn http() -> HttpSink {
    HttpSink {
        shards: ["a", "b"].map(|name| HttpShard { name: name.into(), weight: 1.0 }).into(),
        body: HttpBody::Lines,
        compression: HttpCompression::None,
        batch_rows: 1,
        batch_bytes: 1,
        linger_ms: 0,
        buffer_bytes: 1,
        live: false,
    }
}

fn sink(plan: &mut Plan) -> &mut Sink {
    match &mut plan.operators[SINK].kind {
        OperatorKind::Sink(sink) => sink,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_http_sink_has_endpoints_that_differ_and_batches_that_fit_its_buffer() {
    let with = |spoil: fn(&mut HttpSink)| {
        message(|plan| {
            let mut http = http();
            spoil(&mut http);
            sink(plan).connector = SinkConnector::Http(http);
        })
    };
    assert_eq!(with(|http| http.shards.clear()), "kafka(revenue): there are no endpoints");
    assert_eq!(
        with(|http| http.shards[1].name = "a".into()),
        "kafka(revenue): endpoint \"a\" is there twice: give it a name of its own"
    );
    assert!(
        with(|http| http.shards[0].weight = 0.0).contains("the weight of endpoint \"a\" is 0: it is more than nothing")
    );
    assert!(with(|http| http.shards[0].weight = f64::NAN).contains("more than nothing"));
    assert!(with(|http| http.batch_rows = 0).contains("a batch has at least one row and one byte"));
    assert!(with(|http| http.batch_bytes = 2).contains("a buffer of 1 bytes cannot hold a batch of 2"));
    assert!(with(|http| http.batch_bytes = (1 << 30) + 1).contains("at most 1 GB"));
}

#[test]
fn only_who_is_told_of_refused_rows_has_a_place_for_them() {
    let skip = |connector: Option<SinkConnector>| {
        let mut plan = crate::decode(REVENUE).unwrap();
        let sink = sink(&mut plan);
        sink.on_bad_record = BadRecordPolicy::Skip;
        sink.connector = connector.unwrap_or_else(|| sink.connector.clone());
        validate(&plan).map_err(|error| error.to_string())
    };
    assert_eq!(skip(Some(SinkConnector::Http(http()))), Ok(()));
    assert!(
        skip(None).unwrap_err().contains("only sinks over HTTP and of databases are told of rows that are refused")
    );
}

#[test]
fn an_http_sink_is_not_exactly_once_and_says_what_to_do() {
    let text = message(|plan| {
        sink(plan).connector = SinkConnector::Http(http());
        plan.guarantee = Guarantee::ExactlyOnce;
        plan.checkpoints = Some(Checkpoints {
            storage: "file:state".into(),
            interval_ms: 1,
            min_pause_ms: 0,
            timeout_ms: 1,
            tolerable_failures: 0,
            retained: 1,
            backend: StateBackend::RocksDb,
            memory_budget_bytes: 0,
            directory: "state".into(),
        });
    });
    assert_eq!(
        text,
        "kafka(revenue): what an HTTP endpoint has taken cannot be taken back, so it is not exactly-once: ask for \
         at-least-once, and let the endpoint overwrite or ignore rows that it has already, by an id that is made of their \
         columns"
    );
}

#[test]
fn a_driver_sink_holds_its_batches_and_takes_no_bad_records() {
    let driver = DriverSink { driver: "things".into(), batch_rows: 10, linger_ms: 0, concurrency: 1, buffer_rows: 10 };
    let with = |driver: DriverSink| message(|plan| sink(plan).connector = SinkConnector::Driver(driver));
    assert_eq!(
        with(DriverSink { buffer_rows: 9, ..driver.clone() }),
        "kafka(revenue): a buffer of 9 rows cannot hold a batch of 10"
    );
    assert!(with(DriverSink { concurrency: 0, ..driver.clone() }).contains("at least one is written at once"));
    let dead = Sink {
        connector: SinkConnector::Driver(driver),
        format: Format::Json,
        key: None,
        headers: Vec::new(),
        tombstone: None,
        on_bad_record: BadRecordPolicy::Fail,
    };
    let text = message(|plan| {
        source(plan).on_bad_record = BadRecordPolicy::DeadLetter(Box::new(dead));
    });
    assert!(text.contains("bad records cannot go to things: use Kafka, files or HTTP"), "{text}");
}

#[test]
fn at_most_once_holds_results_back_until_a_checkpoint() {
    let message = |spoil: fn(&mut Plan)| {
        message(|plan| {
            plan.guarantee = Guarantee::AtMostOnce;
            spoil(plan);
        })
    };
    assert_eq!(message(|_| {}), "at-most-once needs checkpoints: give the job a storage for them");
    let table = message(|plan| {
        plan.checkpoints = Some(Checkpoints {
            storage: "file:state".into(),
            interval_ms: 1,
            min_pause_ms: 0,
            timeout_ms: 1,
            tolerable_failures: 0,
            retained: 1,
            backend: StateBackend::RocksDb,
            memory_budget_bytes: 0,
            directory: "state".into(),
        });
        let OperatorKind::Sink(sink) = &mut plan.operators[SINK].kind else { unreachable!() };
        sink.connector = SinkConnector::Table(TableSink { title: String::new() });
    });
    assert_eq!(
        table,
        "kafka(revenue): a table shows its rows at once: write to another sink, or ask for at-least-once"
    );
}

fn avro(schema: Option<&str>, framing: Framing) -> Format {
    Format::Avro(Avro { schema: schema.map(str::to_owned), reader_schema: None, framing })
}

fn csv(delimiter: u8, header: bool) -> Format {
    Format::Csv(Csv { delimiter, quote: b'"', null: String::new(), header })
}

#[test]
fn a_source_reads_a_format_that_goes_with_its_connector_and_columns() {
    let of_kafka = |format: Format| message(|plan| source(plan).format = format);
    let of_files = |format: Format| {
        message(|plan| {
            source(plan).connector =
                SourceConnector::File(FileSource { paths: vec!["a".into()], follow: false, format: FileFormat::Lines });
            source(plan).format = format;
        })
    };
    assert_eq!(
        of_kafka(avro(None, Framing::Plain)),
        "kafka(bids): avro: give the schema that records are written with, or the registry that has it"
    );
    let registry = SchemaRegistry { url: "localhost:8081".into(), subject: None, properties: Vec::new() };
    assert_eq!(
        of_kafka(avro(None, Framing::Confluent { registry, schema_id: None })),
        "kafka(bids): the schema registry \"localhost:8081\" has no URL with http or https"
    );
    let registry = SchemaRegistry { url: "http://localhost:8081".into(), subject: None, properties: Vec::new() };
    assert_eq!(
        of_files(avro(None, Framing::Confluent { registry, schema_id: None })),
        "kafka(bids): avro: files hold their schema, so they need no registry: leave it out"
    );
    assert_eq!(of_kafka(Format::Raw), "kafka(bids): raw records have one column, of strings or bytes");
    assert_eq!(of_kafka(csv(b',', true)), "kafka(bids): csv: only files have a header");
    assert_eq!(
        of_kafka(Format::Debezium(Box::new(Format::Raw))),
        "kafka(bids): debezium: there are no change events in raw"
    );
    let upsert = |key: &str| Format::Upsert(Box::new(Upsert { of: Format::Json, key: key.into() }));
    assert_eq!(of_kafka(upsert("nope")), "kafka(bids): upsert: there is no column \"nope\" for the key");
    assert!(of_kafka(upsert("auction")).ends_with("is not nullable"));
    assert_eq!(
        of_files(upsert("auction")),
        "kafka(bids): files are read and written line by line, and upsert has no lines: use json or csv, or Kafka for upsert"
    );
    assert_eq!(of_kafka(csv(b'"', false)), "kafka(bids): csv: the delimiter and the quote are the same");
    let mut plan = crate::decode(REVENUE).unwrap();
    source(&mut plan).format = csv(b';', false);
    assert_eq!(validate(&plan), Ok(()));
}

#[test]
fn a_sink_writes_a_format_that_goes_with_its_connector() {
    let sink = |connector: SinkConnector, format: Format| {
        message(|plan| {
            let OperatorKind::Sink(sink) = &mut plan.operators[SINK].kind else { unreachable!() };
            (sink.connector, sink.format) = (connector, format);
        })
    };
    assert_eq!(
        sink(SinkConnector::Stdout, avro(Some("{}"), Framing::Plain)),
        "kafka(revenue): standard output is written line by line, and avro has no lines: use json or csv, or Kafka for avro"
    );
    let kafka = || SinkConnector::Kafka(KafkaSink { topic: "t".into(), properties: Vec::new() });
    assert_eq!(sink(kafka(), avro(None, Framing::Plain)), "kafka(revenue): avro: a sink has a schema to write by");
    assert_eq!(sink(kafka(), Format::Raw), "kafka(revenue): raw records have one column, of strings or bytes");
    assert_eq!(sink(kafka(), csv(b',', true)), "kafka(revenue): csv: only files have a header");
    let without = Protobuf { schema: None, message: None, framing: Framing::Plain };
    let protobuf = Format::Protobuf(without);
    assert_eq!(sink(kafka(), protobuf), "kafka(revenue): protobuf: a sink has a proto to write by");
    let debezium = Format::Debezium(Box::new(Format::Json));
    assert_eq!(sink(kafka(), debezium), "kafka(revenue): debezium is read, and not written");
}

#[test]
fn a_tombstone_needs_a_key() {
    let tombstone = message(|plan| {
        sink(plan).tombstone = Some(Expr::Column("start".into()));
        sink(plan).key = None;
    });
    assert_eq!(tombstone, "kafka(revenue): a tombstone deletes what has its key, in Kafka: give the sink a key");
}

#[test]
fn parallelism_stays_within_the_key_groups() {
    assert_eq!(message(|plan| plan.parallelism = 129), "parallelism 129 is more than maxParallelism 128");
    assert_eq!(message(|plan| plan.max_parallelism = 0), "maxParallelism is 0: it is 1 to 32768");
}

#[test]
fn rows_are_what_their_step_declares() {
    assert_eq!(
        message(|plan| plan.operators[SINK].schema = plan.operators[SOURCE].schema.clone()),
        "kafka(revenue): its rows are not those of \"window(tumbling 10s)\""
    );
    assert_eq!(
        message(|plan| window(plan).output.truncate(2)),
        "window(tumbling 10s): its expressions do not make the columns that it declares"
    );
    assert_eq!(
        message(|plan| {
            let all = source(plan).declared.fields().iter().skip(1).cloned().collect::<Vec<_>>();
            source(plan).declared = std::sync::Arc::new(Schema::new(all));
        }),
        "kafka(bids): column \"auction\" is read but not declared, or out of order"
    );
}

fn series(labels: &[&str], values: &[&str], time: &str) -> Series {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect();
    Series {
        name: SeriesName::Text("revenue".into()),
        labels: texts(labels),
        values: texts(values),
        time: time.into(),
        unit: TimeUnit::Millisecond,
        dialect: LineDialect::Influx,
    }
}

#[test]
fn a_request_has_a_body_that_its_format_can_stand_in() {
    let sent = |format: Format, body: HttpBody| {
        let mut plan = crate::decode(REVENUE).unwrap();
        let sink = sink(&mut plan);
        (sink.connector, sink.format) = (SinkConnector::Http(HttpSink { body, ..http() }), format);
        validate(&plan).map_err(|error| error.to_string())
    };
    let lines = || Format::LineProtocol(series(&["auction"], &[], "start"));
    let samples = || Format::RemoteWrite(series(&["auction"], &["total"], "start"));
    for (format, body) in [
        (lines(), HttpBody::Lines),
        (samples(), HttpBody::Joined),
        (Format::Arrow, HttpBody::Arrow),
        (Format::Parquet, HttpBody::Parquet(snappy(1))),
        (csv(b',', false), HttpBody::Lines),
    ] {
        assert_eq!(sent(format, body), Ok(()));
    }
    assert_eq!(
        sent(samples(), HttpBody::Lines).unwrap_err(),
        "kafka(revenue): the body of a request cannot hold rows of remote write like this"
    );
    assert!(sent(Format::Arrow, HttpBody::Array).unwrap_err().contains("cannot hold rows of arrow"));
    assert!(sent(Format::Parquet, HttpBody::Lines).unwrap_err().contains("cannot hold rows of parquet"));
    assert!(sent(Format::Json, HttpBody::Parquet(snappy(1))).unwrap_err().contains("cannot hold rows of json"));
    assert_eq!(
        message(|plan| sink(plan).format = Format::Arrow),
        "kafka(revenue): arrow is what the bodies of HTTP requests are: use an HTTP sink"
    );
    assert_eq!(message(|plan| source(plan).format = lines()), "kafka(bids): line protocol is written and not read");
}

fn snappy(row_group_rows: usize) -> Parquet {
    Parquet { codec: Codec::Snappy, row_group_rows, row_group_bytes: 1 }
}

#[test]
fn a_body_of_parquet_is_compressed_once_and_has_rows_in_its_groups() {
    let sent = |parquet: Parquet, compression: HttpCompression| {
        let mut plan = crate::decode(REVENUE).unwrap();
        let sink = sink(&mut plan);
        sink.connector = SinkConnector::Http(HttpSink { body: HttpBody::Parquet(parquet), compression, ..http() });
        sink.format = Format::Parquet;
        validate(&plan).map_err(|error| error.to_string())
    };
    assert_eq!(sent(Parquet { codec: Codec::None, ..snappy(1) }, HttpCompression::Zstd), Ok(()));
    assert_eq!(
        sent(snappy(1), HttpCompression::Zstd).unwrap_err(),
        "kafka(revenue): a body of parquet would be compressed twice: leave out the sink's compression, or the format's by \
         parquet({ compression: \"none\" })"
    );
    assert!(sent(snappy(0), HttpCompression::None).unwrap_err().contains("rowGroupRows"));
}

#[test]
fn a_time_series_is_made_of_columns_that_there_are() {
    let lines = |series: Series| message(|plan| sink(plan).format = Format::LineProtocol(series));
    assert_eq!(
        lines(series(&["auctoin"], &[], "start")),
        "kafka(revenue): there is no column \"auctoin\" to make a time series of"
    );
    assert_eq!(
        lines(series(&["auction"], &["auction"], "start")),
        "kafka(revenue): column \"auction\" is two things of one time series"
    );
    let none = Series { name: SeriesName::Text(String::new()), ..series(&[], &[], "start") };
    assert_eq!(lines(none), "kafka(revenue): \"\" is no name of a time series");
    let number = Series { name: SeriesName::Column("auction".into()), ..series(&[], &[], "start") };
    assert_eq!(lines(number), "kafka(revenue): column \"auction\": the name of a time series is a string");
    let samples = |series: Series| {
        message(|plan| {
            let sink = sink(plan);
            sink.connector = SinkConnector::Http(HttpSink { body: HttpBody::Joined, ..http() });
            sink.format = Format::RemoteWrite(series);
        })
    };
    assert_eq!(samples(series(&[], &[], "start")), "kafka(revenue): a sample is the number of one column");
}

#[test]
fn dead_letters_over_http_are_lines_or_an_array_of_json() {
    let letters = |format: Format, body: HttpBody| {
        let mut plan = crate::decode(REVENUE).unwrap();
        let dead = || SinkConnector::Http(HttpSink { body, ..http() });
        let sink = sink(&mut plan);
        (sink.connector, sink.format) = (SinkConnector::Http(http()), Format::Json);
        let letters = Sink { connector: dead(), format, ..sink.clone() };
        sink.on_bad_record = BadRecordPolicy::DeadLetter(Box::new(Sink { key: None, headers: Vec::new(), ..letters }));
        validate(&plan).map_err(|error| error.to_string())
    };
    assert_eq!(letters(Format::Json, HttpBody::Lines), Ok(()));
    assert_eq!(
        letters(Format::Arrow, HttpBody::Arrow).unwrap_err(),
        "kafka(revenue): bad records are written as json or csv, not as arrow"
    );
}

#[test]
fn endpoints_that_the_worker_tells_need_not_be_in_the_plan() {
    let mut plan = crate::decode(REVENUE).unwrap();
    sink(&mut plan).connector = SinkConnector::Http(HttpSink { shards: Vec::new(), live: true, ..http() });
    assert_eq!(validate(&plan), Ok(()));
}
