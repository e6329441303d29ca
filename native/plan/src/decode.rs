//! FlatBuffer to [`Plan`]: every offset is verified, every enum value known, every nesting bounded.

mod format;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use flatbuffers::{ForwardsUOffset, Vector, VerifierOptions};

use self::format::{file_format, format};
use crate::generated as fb;
use crate::model::*;
use crate::{ExprFunction, PlanError};

type Result<T> = std::result::Result<T, PlanError>;
type Tables<'a, T> = Option<Vector<'a, ForwardsUOffset<T>>>;

/// The newest version of the format that is understood.
const VERSION: u32 = 1;

/// Expressions and types nested deeper than this are refused: reading them is recursive.
const MAX_DEPTH: usize = 64;

/// Reads the structure of a plan; what it means is for `validate`.
pub fn decode_structure(bytes: &[u8]) -> Result<Plan> {
    if !flatbuffers::buffer_has_identifier(bytes.get(..8).map_or(&[0; 8][..], |_| bytes), fb::JOB_IDENTIFIER, false) {
        return Err(PlanError::new("this is not a plan (its identifier is not MLRP)"));
    }
    let options = VerifierOptions { max_depth: 512, max_tables: 1_000_000, ..VerifierOptions::default() };
    let job = fb::root_as_job_with_opts(&options, bytes);
    let job = job.map_err(|error| PlanError::new(format!("the plan is corrupt: {error}")))?;
    if job.version() > VERSION {
        let message = format!(
            "the plan has version {}, this worker reads up to {VERSION}: update @millrace/worker",
            job.version()
        );
        return Err(PlanError::new(message));
    }
    let operators =
        job.operators().iter().map(|operator| self::operator(operator).map_err(|error| error.at(operator.name())));
    Ok(Plan {
        name: job.name().into(),
        parallelism: job.parallelism() as usize,
        max_parallelism: job.max_parallelism() as usize,
        commit_interval_ms: positive("commit interval", job.commit_interval())?,
        guarantee: match job.guarantee() {
            fb::Guarantee::AtLeastOnce => Guarantee::AtLeastOnce,
            fb::Guarantee::ExactlyOnce => Guarantee::ExactlyOnce,
            fb::Guarantee::AtMostOnce => Guarantee::AtMostOnce,
            other => return Err(unknown("guarantee", other.0)),
        },
        checkpoints: job.checkpoints().map(checkpoints).transpose()?,
        operators: operators.collect::<Result<_>>()?,
    })
}

fn checkpoints(checkpoints: fb::Checkpoints<'_>) -> Result<Checkpoints> {
    Ok(Checkpoints {
        storage: checkpoints.storage().into(),
        interval_ms: positive("the checkpoints' interval", checkpoints.interval())?,
        min_pause_ms: positive("the pause between checkpoints", checkpoints.min_pause())?,
        timeout_ms: positive("the checkpoints' timeout", checkpoints.timeout())?,
        tolerable_failures: checkpoints.tolerable_failures(),
        retained: checkpoints.retained() as usize,
        backend: match checkpoints.backend() {
            fb::StateBackend::RocksDb => StateBackend::RocksDb,
            fb::StateBackend::Filesystem => StateBackend::Filesystem,
            other => return Err(unknown("state backend", other.0)),
        },
        memory_budget_bytes: positive("the memory budget", checkpoints.memory_budget())?,
        directory: checkpoints.directory().into(),
    })
}

fn operator(operator: fb::Operator<'_>) -> Result<Operator> {
    let kind = if let Some(source) = operator.kind_as_source() {
        OperatorKind::Source(self::source(source)?)
    } else if let Some(filter) = operator.kind_as_filter() {
        OperatorKind::Filter(expr(filter.predicate(), 0)?)
    } else if let Some(project) = operator.kind_as_project() {
        OperatorKind::Project(named(Some(project.columns()))?)
    } else if operator.kind_as_union().is_some() {
        OperatorKind::Union
    } else if let Some(window) = operator.kind_as_window_aggregate() {
        OperatorKind::WindowAggregate(window_aggregate(window)?)
    } else if let Some(function) = operator.kind_as_js_function() {
        let kind = match function.kind() {
            fb::FunctionKind::Map => FunctionKind::Map,
            fb::FunctionKind::FlatMap => FunctionKind::FlatMap,
            fb::FunctionKind::MapBatch => FunctionKind::MapBatch,
            other => return Err(unknown("kind of function", other.0)),
        };
        OperatorKind::Function(Function { kind, number: function.function() })
    } else if let Some(sink) = operator.kind_as_sink() {
        OperatorKind::Sink(self::sink(sink)?)
    } else if let Some(deduplicate) = operator.kind_as_deduplicate() {
        let ttl = deduplicate.ttl().map(ttl).transpose()?;
        OperatorKind::Deduplicate(Deduplicate { keys: named(Some(deduplicate.keys()))?, ttl })
    } else if let Some(join) = operator.kind_as_broadcast_join() {
        OperatorKind::BroadcastJoin(BroadcastJoin {
            on: named(Some(join.on()))?,
            keys: named(Some(join.keys()))?,
            output: named(Some(join.output()))?,
            keep_unmatched: join.keep_unmatched(),
        })
    } else if let Some(join) = operator.kind_as_lookup_join() {
        OperatorKind::LookupJoin(lookup_join(join)?)
    } else {
        return Err(unknown("kind of operator", operator.kind_type().0));
    };
    Ok(Operator {
        id: operator.id().into(),
        name: operator.name().into(),
        inputs: operator.inputs().map_or_else(Vec::new, |inputs| inputs.iter().map(|input| input as usize).collect()),
        schema: schema(operator.fields())?,
        kind,
    })
}

fn source(source: fb::Source<'_>) -> Result<Source> {
    let connector = if let Some(kafka) = source.connector_as_kafka_source() {
        SourceConnector::Kafka(kafka_source(kafka)?)
    } else if let Some(file) = source.connector_as_file_source() {
        let paths = file.paths().iter().map(str::to_owned).collect();
        SourceConnector::File(FileSource { paths, follow: file.follow_(), format: file_format(source.format())? })
    } else if let Some(generator) = source.connector_as_generator_source() {
        SourceConnector::Generator(generator_source(generator)?)
    } else if let Some(driver) = source.connector_as_driver_source() {
        SourceConnector::Driver(DriverSource { driver: driver.driver().into() })
    } else {
        return Err(unknown("source connector", source.connector_type().0));
    };
    Ok(Source {
        connector,
        format: format(source.format())?,
        declared: schema(source.fields())?,
        event_time: source.event_time().map(event_time).transpose()?,
        on_bad_record: on_bad_record(source.on_bad_record(), source.dead_letter())?,
    })
}

fn lookup_join(join: fb::LookupJoin<'_>) -> Result<LookupJoin> {
    let ttl = positive("cache.ttl", join.cache_ttl())?;
    Ok(LookupJoin {
        driver: join.driver().into(),
        on: named(Some(join.on()))?,
        columns: schema(join.columns())?,
        output: named(Some(join.output()))?,
        keep_unmatched: join.keep_unmatched(),
        batch_keys: join.batch_keys() as usize,
        cache_rows: join.cache_rows() as usize,
        cache_ttl_ms: (ttl > 0).then_some(ttl),
    })
}

fn kafka_source(kafka: fb::KafkaSource<'_>) -> Result<KafkaSource> {
    let topics: Vec<String> = kafka.topics().map_or_else(Vec::new, |topics| topics.iter().map(str::to_owned).collect());
    let topics = match (topics.is_empty(), kafka.pattern()) {
        (false, None) => KafkaTopics::Names(topics),
        (true, Some(pattern)) => KafkaTopics::Pattern(pattern.into()),
        _ => return Err(PlanError::new("a Kafka source names either topics or a pattern")),
    };
    let start = |start| match start {
        fb::KafkaStart::GroupOffsets => Ok(KafkaStart::GroupOffsets),
        fb::KafkaStart::Earliest => Ok(KafkaStart::Earliest),
        fb::KafkaStart::Latest => Ok(KafkaStart::Latest),
        fb::KafkaStart::Timestamp => Ok(KafkaStart::Timestamp(kafka.start_timestamp())),
        other => Err(unknown("start", other.0)),
    };
    let fallback = start(kafka.fallback())?;
    if !matches!(fallback, KafkaStart::Earliest | KafkaStart::Latest) {
        return Err(PlanError::new("a partition without a committed position starts at the earliest or the latest"));
    }
    Ok(KafkaSource {
        topics,
        start: start(kafka.start())?,
        fallback,
        until_latest: kafka.until_latest(),
        properties: properties(kafka.properties()),
    })
}

fn generator_source(generator: fb::GeneratorSource<'_>) -> Result<GeneratorSource> {
    let kind = match generator.kind() {
        fb::GeneratorKind::Bids => GeneratorKind::Bids,
        fb::GeneratorKind::Persons => GeneratorKind::Persons,
        fb::GeneratorKind::Auctions => GeneratorKind::Auctions,
        other => return Err(unknown("kind of generator", other.0)),
    };
    Ok(GeneratorSource {
        kind,
        seed: generator.seed(),
        rate: generator.rate(),
        count: generator.count(),
        start_time_ms: generator.start_time(),
        events_per_second: generator.events_per_second(),
        out_of_orderness_ms: generator.out_of_orderness(),
        keys: generator.keys(),
    })
}

fn event_time(time: fb::EventTime<'_>) -> Result<EventTime> {
    let idle_timeout = positive("idleTimeout", time.idle_timeout())?;
    let max_drift = positive("maxDrift", time.max_drift())?;
    Ok(EventTime {
        expr: time.expr().map(|time| expr(time, 0)).transpose()?,
        out_of_orderness_ms: positive("outOfOrderness", time.out_of_orderness())? as i64,
        idle_timeout_ms: (idle_timeout > 0).then_some(idle_timeout),
        idle_advance: time.idle_advance(),
        max_drift_ms: (max_drift > 0).then_some(max_drift as i64),
    })
}

fn window_aggregate(window: fb::WindowAggregate<'_>) -> Result<WindowAggregate> {
    let aggregates = window.aggregates().iter().map(|aggregate| {
        Ok(Aggregate {
            function: aggregate_function(aggregate)?,
            expr: aggregate.expr().map(|of| expr(of, 0)).transpose()?,
        })
    });
    Ok(WindowAggregate {
        keys: named(Some(window.keys()))?,
        window: Window {
            size_ms: window.window().size(),
            slide_ms: window.window().slide(),
            offset_ms: window.window().offset(),
        },
        aggregates: aggregates.collect::<Result<_>>()?,
        output: named(Some(window.output()))?,
    })
}

fn aggregate_function(aggregate: fb::Aggregate<'_>) -> Result<AggregateFunction> {
    Ok(match aggregate.function() {
        fb::AggregateFunction::Count => AggregateFunction::Count,
        fb::AggregateFunction::CountDistinct => AggregateFunction::CountDistinct,
        fb::AggregateFunction::ApproxCountDistinct => AggregateFunction::ApproxCountDistinct,
        fb::AggregateFunction::Sum => AggregateFunction::Sum,
        fb::AggregateFunction::Avg => AggregateFunction::Avg,
        fb::AggregateFunction::Min => AggregateFunction::Min,
        fb::AggregateFunction::Max => AggregateFunction::Max,
        fb::AggregateFunction::First => AggregateFunction::First,
        fb::AggregateFunction::Last => AggregateFunction::Last,
        fb::AggregateFunction::Stddev => AggregateFunction::Stddev,
        fb::AggregateFunction::ApproxQuantile => AggregateFunction::ApproxQuantile(aggregate.quantile()),
        other => return Err(unknown("aggregate", other.0)),
    })
}

fn ttl(ttl: fb::Ttl<'_>) -> Result<Ttl> {
    let update = match ttl.update() {
        fb::TtlUpdate::OnWrite => TtlUpdate::OnWrite,
        fb::TtlUpdate::OnReadWrite => TtlUpdate::OnReadWrite,
        other => return Err(unknown("use of state", other.0)),
    };
    Ok(Ttl { duration_ms: positive("ttl", ttl.duration())? as i64, update })
}

fn on_bad_record(policy: fb::BadRecord, dead_letter: Option<fb::Sink<'_>>) -> Result<BadRecordPolicy> {
    Ok(match policy {
        fb::BadRecord::Fail => BadRecordPolicy::Fail,
        fb::BadRecord::Skip => BadRecordPolicy::Skip,
        fb::BadRecord::DeadLetter => {
            let sink = dead_letter.ok_or_else(|| PlanError::new("onBadRecord names no dead-letter sink"))?;
            if sink.on_bad_record() == fb::BadRecord::DeadLetter {
                return Err(PlanError::new("a dead-letter sink has no dead-letter sink of its own"));
            }
            BadRecordPolicy::DeadLetter(Box::new(self::sink(sink)?))
        }
        other => return Err(unknown("onBadRecord policy", other.0)),
    })
}

fn sink(sink: fb::Sink<'_>) -> Result<Sink> {
    let connector = if let Some(kafka) = sink.connector_as_kafka_sink() {
        SinkConnector::Kafka(KafkaSink { topic: kafka.topic().into(), properties: properties(kafka.properties()) })
    } else if let Some(file) = sink.connector_as_file_sink() {
        SinkConnector::File(FileSink {
            directory: file.directory().into(),
            prefix: file.prefix().unwrap_or_default().into(),
            compression: compression(file.compression(), "gz", "zst")?,
            roll_bytes: positive("rollBytes", file.roll_bytes())?,
            roll_interval_ms: positive("rollInterval", file.roll_interval())?,
            format: file_format(sink.format())?,
            partition_by: named(file.partition_by())?,
            open_files: file.open_files() as usize,
        })
    } else if sink.connector_as_stdout_sink().is_some() {
        SinkConnector::Stdout
    } else if let Some(table) = sink.connector_as_table_sink() {
        SinkConnector::Table(TableSink { title: table.title().unwrap_or_default().into() })
    } else if let Some(http) = sink.connector_as_http_sink() {
        SinkConnector::Http(http_sink(http)?)
    } else if let Some(driver) = sink.connector_as_driver_sink() {
        SinkConnector::Driver(DriverSink {
            driver: driver.driver().into(),
            batch_rows: driver.batch_rows() as usize,
            linger_ms: positive("batch.linger", driver.linger())?,
            concurrency: driver.concurrency() as usize,
            buffer_rows: driver.buffer_rows() as usize,
        })
    } else {
        return Err(unknown("sink connector", sink.connector_type().0));
    };
    Ok(Sink {
        connector,
        format: format(sink.format())?,
        key: sink.key().map(|key| expr(key, 0)).transpose()?,
        headers: named(sink.headers())?,
        tombstone: sink.tombstone().map(|tombstone| expr(tombstone, 0)).transpose()?,
        on_bad_record: on_bad_record(sink.on_bad_record(), sink.dead_letter())?,
    })
}

fn http_sink(http: fb::HttpSink<'_>) -> Result<HttpSink> {
    let shards = http.shards().iter().map(|shard| HttpShard { name: shard.name().into(), weight: shard.weight() });
    Ok(HttpSink {
        shards: shards.collect(),
        body: match http.body() {
            fb::HttpBody::Lines => HttpBody::Lines,
            fb::HttpBody::Array => HttpBody::Array,
            fb::HttpBody::Bulk => HttpBody::Bulk,
            fb::HttpBody::Joined => HttpBody::Joined,
            fb::HttpBody::Arrow => HttpBody::Arrow,
            other => return Err(unknown("body of requests", other.0)),
        },
        compression: match http.compression() {
            Some("snappy") => HttpCompression::Snappy,
            other => match compression(other, "gzip", "zstd")? {
                Compression::None => HttpCompression::None,
                Compression::Gzip => HttpCompression::Gzip,
                Compression::Zstd => HttpCompression::Zstd,
            },
        },
        batch_rows: http.batch_rows() as usize,
        batch_bytes: positive("batch.bytes", http.batch_bytes())? as usize,
        linger_ms: positive("batch.linger", http.linger())?,
        buffer_bytes: positive("buffer", http.buffer_bytes())? as usize,
        live: http.live(),
    })
}

fn compression(name: Option<&str>, gzip: &str, zstd: &str) -> Result<Compression> {
    match name.unwrap_or_default() {
        "" => Ok(Compression::None),
        name if name == gzip => Ok(Compression::Gzip),
        name if name == zstd => Ok(Compression::Zstd),
        other => Err(PlanError::new(format!("compression \"{other}\": there are \"{gzip}\" and \"{zstd}\""))),
    }
}

fn properties(properties: Tables<'_, fb::Property<'_>>) -> Vec<(String, String)> {
    properties.map_or_else(Vec::new, |all| all.iter().map(|p| (p.key().into(), p.value().into())).collect())
}

fn named(columns: Tables<'_, fb::NamedExpr<'_>>) -> Result<Vec<NamedExpr>> {
    let one = |column: fb::NamedExpr<'_>| Ok(NamedExpr { name: column.name().into(), expr: expr(column.expr(), 0)? });
    columns.map_or_else(|| Ok(Vec::new()), |columns| columns.iter().map(one).collect())
}

fn expr(expression: fb::Expr<'_>, depth: usize) -> Result<Expr> {
    let depth = deeper(depth)?;
    if let Some(column) = expression.node_as_column() {
        Ok(Expr::Column(column.name().into()))
    } else if let Some(literal) = expression.node_as_literal() {
        Ok(Expr::Literal(self::literal(literal)?))
    } else if let Some(call) = expression.node_as_call() {
        let function =
            ExprFunction::from_code(call.function().0).ok_or_else(|| unknown("function", call.function().0))?;
        let args = call.args().iter().map(|arg| expr(arg, depth)).collect::<Result<_>>()?;
        Ok(Expr::Call { function, args })
    } else if let Some(cast) = expression.node_as_cast() {
        let to = data_type(cast.type_(), 0)?;
        Ok(Expr::Cast { expr: Box::new(expr(cast.expr(), depth)?), to, try_: cast.or_null() })
    } else if let Some(case) = expression.node_as_case() {
        let whens = case.whens().iter().map(|when| Ok((expr(when.condition(), depth)?, expr(when.then(), depth)?)));
        let otherwise = case.otherwise().map(|otherwise| expr(otherwise, depth).map(Box::new)).transpose()?;
        Ok(Expr::Case { whens: whens.collect::<Result<_>>()?, otherwise })
    } else {
        Err(unknown("kind of expression", expression.node_type().0))
    }
}

fn literal(literal: fb::Literal<'_>) -> Result<Literal> {
    let value = match literal.value_type() {
        fb::Value::NONE => None,
        fb::Value::BoolValue => literal.value_as_bool_value().map(|v| Value::Bool(v.value())),
        fb::Value::IntValue => literal.value_as_int_value().map(|v| Value::Int(v.value())),
        fb::Value::FloatValue => literal.value_as_float_value().map(|v| Value::Float(v.value())),
        fb::Value::StringValue => literal.value_as_string_value().map(|v| Value::String(v.value().into())),
        fb::Value::BytesValue => literal.value_as_bytes_value().map(|v| Value::Bytes(v.value().bytes().into())),
        other => return Err(unknown("kind of literal", other.0)),
    };
    Ok(Literal { data_type: data_type(literal.type_(), 0)?, value })
}

fn schema(fields: Vector<'_, ForwardsUOffset<fb::Field<'_>>>) -> Result<SchemaRef> {
    let fields = fields.iter().map(|one| field(one, 0)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

fn field(field: fb::Field<'_>, depth: usize) -> Result<Field> {
    Ok(Field::new(field.name(), data_type(field.type_(), depth)?, field.nullable()))
}

fn data_type(of: fb::Type<'_>, depth: usize) -> Result<DataType> {
    let depth = deeper(depth)?;
    let children = || {
        let children = of.children();
        children
            .map_or_else(|| Ok(Vec::new()), |all| all.iter().map(|child| field(child, depth)).collect::<Result<_>>())
    };
    Ok(match of.kind() {
        fb::TypeKind::Bool => DataType::Boolean,
        fb::TypeKind::Int32 => DataType::Int32,
        fb::TypeKind::Int64 => DataType::Int64,
        fb::TypeKind::Float64 => DataType::Float64,
        fb::TypeKind::Decimal => match (of.precision(), of.scale()) {
            (precision @ 1..=38, scale @ 0..) if scale as u8 <= precision => DataType::Decimal128(precision, scale),
            (p, s) => {
                return Err(PlanError::new(format!("decimal({p}, {s}): precision is 1 to 38, scale 0 to precision")));
            }
        },
        fb::TypeKind::String => DataType::Utf8,
        fb::TypeKind::Bytes => DataType::Binary,
        fb::TypeKind::Timestamp => DataType::Timestamp(time_unit(of.unit())?, Some("UTC".into())),
        fb::TypeKind::Date => DataType::Date32,
        fb::TypeKind::List => match children()?.as_slice() {
            [item] => DataType::List(Arc::new(item.clone())),
            _ => return Err(PlanError::new("a list has one type of items")),
        },
        fb::TypeKind::Struct => DataType::Struct(children()?.into()),
        other => return Err(unknown("type", other.0)),
    })
}

fn time_unit(unit: fb::TimeUnit) -> Result<TimeUnit> {
    Ok(match unit {
        fb::TimeUnit::Second => TimeUnit::Second,
        fb::TimeUnit::Millisecond => TimeUnit::Millisecond,
        fb::TimeUnit::Microsecond => TimeUnit::Microsecond,
        fb::TimeUnit::Nanosecond => TimeUnit::Nanosecond,
        other => return Err(unknown("unit of time", other.0)),
    })
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_DEPTH {
        return Err(PlanError::new(format!("expressions and types nest at most {MAX_DEPTH} deep")));
    }
    Ok(depth + 1)
}

fn positive(what: &str, value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| PlanError::new(format!("{what} is {value}: it cannot be negative")))
}

fn unknown(what: &str, code: impl std::fmt::Display) -> PlanError {
    PlanError::new(format!("unknown {what} ({code}): the SDK is newer than the worker; update @millrace/worker"))
}
