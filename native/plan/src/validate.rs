//! What a plan means: every step in its place, every column known, every figure within its bounds. Types of expressions
//! are for whoever compiles them.

use std::collections::HashSet;

use arrow::datatypes::Schema;

mod exactly_once;
mod format;
#[cfg(test)]
mod tests;

use crate::PlanError;
use crate::model::*;

type Result<T> = std::result::Result<T, PlanError>;

/// Key groups are stored in 15 bits.
const MAX_KEY_GROUPS: usize = 1 << 15;

/// A hundred years: sums of event times and window sizes stay far from overflowing.
const MAX_WINDOW_MS: i64 = 100 * 366 * 24 * 3600 * 1000;

/// The ends of rows in a request's body are 32 bits.
const MAX_BODY_BYTES: usize = 1 << 30;

/// Windows that one event may be in.
const MAX_OVERLAP: i64 = 10_000;

/// Checks a plan as a whole and each of its operators.
pub fn validate(plan: &Plan) -> Result<()> {
    if plan.name.is_empty() {
        return Err(PlanError::new("the job has no name"));
    }
    if !(1..=MAX_KEY_GROUPS).contains(&plan.max_parallelism) {
        let message = format!("maxParallelism is {}: it is 1 to {MAX_KEY_GROUPS}", plan.max_parallelism);
        return Err(PlanError::new(message));
    }
    if plan.parallelism > plan.max_parallelism {
        let (slots, max) = (plan.parallelism, plan.max_parallelism);
        return Err(PlanError::new(format!("parallelism {slots} is more than maxParallelism {max}")));
    }
    if plan.operators.is_empty() {
        return Err(PlanError::new("the job has no steps"));
    }
    if let Some(checkpoints) = &plan.checkpoints {
        validate_checkpoints(checkpoints)?;
    }
    let mut ids = HashSet::new();
    for (index, operator) in plan.operators.iter().enumerate() {
        if !ids.insert(operator.id.as_str()) {
            return Err(PlanError::new(format!("id \"{}\" is there twice", operator.id)).at(&operator.name));
        }
        validate_operator(plan, index).map_err(|error| error.at(&operator.name))?;
    }
    match plan.guarantee {
        Guarantee::AtLeastOnce => Ok(()),
        Guarantee::ExactlyOnce => exactly_once::validate(plan),
        Guarantee::AtMostOnce => at_most_once(plan),
    }
}

/// Results are held back until the checkpoint is complete that says that they have been made.
fn at_most_once(plan: &Plan) -> Result<()> {
    if plan.checkpoints.is_none() {
        return Err(PlanError::new("at-most-once needs checkpoints: give the job a storage for them"));
    }
    let is_table =
        |o: &&Operator| matches!(&o.kind, OperatorKind::Sink(s) if matches!(s.connector, SinkConnector::Table(_)));
    plan.operators.iter().find(is_table).map_or(Ok(()), |table| {
        let message = "a table shows its rows at once: write to another sink, or ask for at-least-once";
        Err(PlanError::new(message).at(&table.name))
    })
}

fn validate_checkpoints(checkpoints: &Checkpoints) -> Result<()> {
    let Checkpoints { interval_ms, timeout_ms, retained, directory, .. } = checkpoints;
    if *interval_ms == 0 || *timeout_ms == 0 {
        return Err(PlanError::new("a checkpoint's interval and timeout are more than nothing"));
    }
    if *retained == 0 {
        return Err(PlanError::new("at least one checkpoint is retained: nothing could be restored otherwise"));
    }
    if directory.is_empty() {
        return Err(PlanError::new("the state has no local directory"));
    }
    Ok(())
}

fn validate_operator(plan: &Plan, index: usize) -> Result<()> {
    let operator = &plan.operators[index];
    let inputs = inputs_of(plan, index)?;
    unique_columns(&operator.schema)?;
    let is_sink = matches!(operator.kind, OperatorKind::Sink(_));
    let has_consumer = plan.operators[index + 1..].iter().any(|later| later.inputs.contains(&index));
    if is_sink == has_consumer {
        return Err(PlanError::new(if is_sink { "nothing follows a sink" } else { "its rows go nowhere" }));
    }
    match (&operator.kind, inputs.as_slice()) {
        (OperatorKind::Source(source), []) => validate_source(source, &operator.schema),
        (OperatorKind::Filter(predicate), [input]) => {
            columns_exist(predicate, &input.schema)?;
            passes_on(operator, input)
        }
        (OperatorKind::Project(columns), [input]) => {
            columns.iter().try_for_each(|column| columns_exist(&column.expr, &input.schema))?;
            makes(columns, operator)
        }
        (OperatorKind::Union, [_, _, ..]) => inputs.iter().try_for_each(|input| passes_on(operator, input)),
        (OperatorKind::WindowAggregate(window), [input]) => {
            validate_window(window, &input.schema)?;
            makes(&window.output, operator)?;
            has_event_time(plan, index)
        }
        (OperatorKind::Function(_), [_]) => Ok(()),
        (OperatorKind::Deduplicate(deduplicate), [input]) => {
            passes_on(operator, input)?;
            validate_keys(&deduplicate.keys, &input.schema)?;
            deduplicate.ttl.map_or(Ok(()), validate_ttl)
        }
        (OperatorKind::Sink(sink), [input]) => {
            passes_on(operator, input)?;
            validate_sink(sink, &input.schema)
        }
        (OperatorKind::BroadcastJoin(join), [input, table]) => {
            validate_join(join, &input.schema, &table.schema)?;
            makes(&join.output, operator)?;
            if plan.checkpoints.is_none() { is_read_whole(plan, operator.inputs[1]) } else { Ok(()) }
        }
        (OperatorKind::LookupJoin(join), [input]) => {
            validate_lookup(join, &input.schema)?;
            makes(&join.output, operator)
        }
        (_, inputs) => Err(PlanError::new(format!("it cannot have {} inputs", inputs.len()))),
    }
}

fn inputs_of(plan: &Plan, index: usize) -> Result<Vec<&Operator>> {
    let before = |&input: &usize| {
        let found = plan.operators[..index].get(input);
        found.ok_or_else(|| PlanError::new(format!("its input {input} does not come before it")))
    };
    plan.operators[index].inputs.iter().map(before).collect()
}

fn validate_source(source: &Source, read: &Schema) -> Result<()> {
    format::of_source(source)?;
    unique_columns(&source.declared)?;
    let mut declared = source.declared.fields().iter();
    if let Some(field) = read.fields().iter().find(|field| !declared.any(|known| known == *field)) {
        return Err(PlanError::new(format!("column \"{}\" is read but not declared, or out of order", field.name())));
    }
    if let Some(time) = source.event_time.as_ref().and_then(|time| time.expr.as_ref()) {
        columns_exist(time, read)?;
    }
    if let BadRecordPolicy::DeadLetter(sink) = &source.on_bad_record {
        validate_dead_letter(sink)?;
    }
    match &source.connector {
        SourceConnector::Kafka(kafka) => match &kafka.topics {
            KafkaTopics::Names(names) if names.iter().any(String::is_empty) => {
                Err(PlanError::new("a topic has no name"))
            }
            KafkaTopics::Pattern(pattern) if pattern.is_empty() => Err(PlanError::new("the pattern is empty")),
            _ => Ok(()),
        },
        SourceConnector::File(file) if file.paths.is_empty() => Err(PlanError::new("there are no paths")),
        SourceConnector::Generator(generator) if generator.events_per_second == 0 || generator.keys == 0 => {
            Err(PlanError::new("eventsPerSecond and keys are at least 1"))
        }
        _ => Ok(()),
    }
}

fn validate_dead_letter(sink: &Sink) -> Result<()> {
    if matches!(sink.connector, SinkConnector::Table(_)) {
        return Err(PlanError::new("bad records cannot go to a table: use Kafka, files or stdout"));
    }
    if let SinkConnector::Driver(driver) = &sink.connector {
        let message = format!("bad records cannot go to {}: use Kafka, files or HTTP", driver.driver);
        return Err(PlanError::new(message));
    }
    if let SinkConnector::File(file) = &sink.connector
        && (file.format != FileFormat::Lines || !file.partition_by.is_empty())
    {
        return Err(PlanError::new(
            "bad records go to files of lines in one folder: use json or csv, without partitionBy",
        ));
    }
    if sink.key.is_some() || !sink.headers.is_empty() {
        return Err(PlanError::new("bad records keep their own key and headers"));
    }
    format::of_dead_letter(sink)?;
    validate_connector(sink)
}

fn validate_window(plan: &WindowAggregate, input: &Schema) -> Result<()> {
    let Window { size_ms, slide_ms, offset_ms } = plan.window;
    if !(1..=MAX_WINDOW_MS).contains(&size_ms) || !(1..=size_ms).contains(&slide_ms) {
        let message = format!("a window of {size_ms} ms cannot slide by {slide_ms} ms: 0 < slide <= size <= 100 years");
        return Err(PlanError::new(message));
    }
    if size_ms / slide_ms > MAX_OVERLAP {
        let message =
            format!("each event would be in {} windows, at most {MAX_OVERLAP} are possible", size_ms / slide_ms);
        return Err(PlanError::new(message));
    }
    if !(-MAX_WINDOW_MS..=MAX_WINDOW_MS).contains(&offset_ms) {
        return Err(PlanError::new(format!("an offset of {offset_ms} ms is more than 100 years")));
    }
    validate_keys(&plan.keys, input)?;
    for aggregate in &plan.aggregates {
        match (&aggregate.expr, aggregate.function) {
            (None, AggregateFunction::Count) => {}
            (None, function) => return Err(PlanError::new(format!("{function:?} needs an argument"))),
            (_, AggregateFunction::ApproxQuantile(q)) if !(0.0..=1.0).contains(&q) => {
                return Err(PlanError::new(format!("quantile {q} is not between 0 and 1")));
            }
            (Some(expr), _) => columns_exist(expr, input)?,
        }
    }
    let aggregates = (0..plan.aggregates.len()).map(aggregate_column);
    let keys = plan.keys.iter().map(|key| key.name.clone());
    let times = [Window::START, Window::END].map(str::to_owned);
    let scope: Vec<String> = keys.chain(times).chain(aggregates).collect();
    let known: HashSet<&str> = scope.iter().map(String::as_str).collect();
    if known.len() < scope.len() {
        return Err(PlanError::new("two columns of the key have the same name, or one is called as an aggregate is"));
    }
    let names: Vec<&str> = scope.iter().map(String::as_str).collect();
    plan.output.iter().try_for_each(|column| names_exist(&column.expr, &names))
}

fn validate_keys(keys: &[NamedExpr], input: &Schema) -> Result<()> {
    if keys.is_empty() {
        return Err(PlanError::new("a key has at least one column"));
    }
    keys.iter().try_for_each(|key| columns_exist(&key.expr, input))
}

fn validate_join(join: &BroadcastJoin, input: &Schema, table: &Schema) -> Result<()> {
    validate_keys(&join.on, input)?;
    validate_keys(&join.keys, table)?;
    if join.on.len() != join.keys.len() {
        let (on, keys) = (join.on.len(), join.keys.len());
        return Err(PlanError::new(format!("rows are matched by {on} columns, but the key has {keys}")));
    }
    matches_are_named(&join.output, input, table)
}

fn validate_lookup(join: &LookupJoin, input: &Schema) -> Result<()> {
    validate_keys(&join.on, input)?;
    unique_columns(&join.columns)?;
    if join.batch_keys == 0 {
        return Err(PlanError::new("at least one key is asked for at once"));
    }
    matches_are_named(&join.output, input, &join.columns)
}

/// The columns of a join's output are made of those of both sides.
fn matches_are_named(output: &[NamedExpr], input: &Schema, matches: &Schema) -> Result<()> {
    let of_matches = matches.fields().iter().map(|field| broadcast_column(field.name()));
    let scope: Vec<String> = input.fields().iter().map(|field| field.name().clone()).chain(of_matches).collect();
    let names: Vec<&str> = scope.iter().map(String::as_str).collect();
    output.iter().try_for_each(|column| names_exist(&column.expr, &names))
}

/// What is broadcast is in memory only, so every start has to read all of it again.
fn is_read_whole(plan: &Plan, index: usize) -> Result<()> {
    let operator = &plan.operators[index];
    match &operator.kind {
        OperatorKind::Source(Source { connector: SourceConnector::Kafka(kafka), .. })
            if kafka.start != KafkaStart::Earliest =>
        {
            Err(PlanError::new(format!(
                "without checkpoints every start has to read all that is broadcast: give \"{}\" start: \"earliest\", or the \
                 job a storage for checkpoints",
                operator.name
            )))
        }
        _ => operator.inputs.iter().try_for_each(|&input| is_read_whole(plan, input)),
    }
}

fn validate_ttl(Ttl { duration_ms, .. }: Ttl) -> Result<()> {
    if duration_ms > 0 { Ok(()) } else { Err(PlanError::new("a ttl of nothing would keep no state")) }
}

fn validate_sink(sink: &Sink, input: &Schema) -> Result<()> {
    format::of_sink(sink, input)?;
    let key = sink.key.iter();
    let headers = sink.headers.iter().map(|header| &header.expr);
    key.chain(headers).chain(&sink.tombstone).try_for_each(|expr| columns_exist(expr, input))?;
    if sink.tombstone.is_some() && !(matches!(sink.connector, SinkConnector::Kafka(_)) && sink.key.is_some()) {
        return Err(PlanError::new("a tombstone deletes what has its key, in Kafka: give the sink a key"));
    }
    let is_told = matches!(sink.connector, SinkConnector::Http(_) | SinkConnector::Driver(_));
    if !is_told && sink.on_bad_record != BadRecordPolicy::Fail {
        return Err(PlanError::new(
            "only sinks over HTTP and of databases are told of rows that are refused: leave out onBadRecord",
        ));
    }
    if let SinkConnector::File(file) = &sink.connector {
        validate_partitions(file, input)?;
    }
    sink.dead_letter().map_or(Ok(()), validate_dead_letter)?;
    validate_connector(sink)
}

fn validate_partitions(file: &FileSink, input: &Schema) -> Result<()> {
    let mut names = HashSet::new();
    for NamedExpr { name, expr } in &file.partition_by {
        if name.is_empty() || name.starts_with(['_', '.']) {
            let message = format!(
                "a folder cannot be called \"{name}=…\": what begins with an underscore or a point is left alone"
            );
            return Err(PlanError::new(message));
        }
        if !names.insert(name.as_str()) {
            return Err(PlanError::new(format!("partitionBy has \"{name}\" twice")));
        }
        columns_exist(expr, input)?;
    }
    Ok(())
}

fn validate_connector(sink: &Sink) -> Result<()> {
    match &sink.connector {
        SinkConnector::Http(http) => validate_http(http),
        SinkConnector::Driver(driver) => validate_driver(driver),
        SinkConnector::Kafka(kafka) if kafka.topic.is_empty() => Err(PlanError::new("the topic has no name")),
        SinkConnector::File(file) if file.open_files == 0 => Err(PlanError::new("openFiles is at least 1")),
        SinkConnector::File(file) if file.roll_bytes == 0 || file.roll_interval_ms == 0 => {
            Err(PlanError::new("rollBytes and rollInterval are more than nothing"))
        }
        _ => Ok(()),
    }
}

fn validate_driver(sink: &DriverSink) -> Result<()> {
    if sink.batch_rows == 0 || sink.concurrency == 0 {
        return Err(PlanError::new("a batch has at least one row, and at least one is written at once"));
    }
    if sink.buffer_rows < sink.batch_rows {
        let DriverSink { batch_rows, buffer_rows, .. } = sink;
        return Err(PlanError::new(format!("a buffer of {buffer_rows} rows cannot hold a batch of {batch_rows}")));
    }
    Ok(())
}

fn validate_http(http: &HttpSink) -> Result<()> {
    if http.shards.is_empty() && !http.live {
        return Err(PlanError::new("there are no endpoints"));
    }
    let mut names = HashSet::new();
    if let Some(twice) = http.shards.iter().find(|shard| !names.insert(shard.name.as_str())) {
        let message = format!("endpoint \"{}\" is there twice: give it a name of its own", twice.name);
        return Err(PlanError::new(message));
    }
    if let Some(shard) = http.shards.iter().find(|shard| !shard.weight.is_finite() || shard.weight <= 0.0) {
        let message = format!("the weight of endpoint \"{}\" is {}: it is more than nothing", shard.name, shard.weight);
        return Err(PlanError::new(message));
    }
    if http.batch_rows == 0 || http.batch_bytes == 0 {
        return Err(PlanError::new("a batch has at least one row and one byte"));
    }
    if http.batch_bytes > MAX_BODY_BYTES {
        return Err(PlanError::new(format!("batch.bytes is {}: at most 1 GB", http.batch_bytes)));
    }
    if http.buffer_bytes < http.batch_bytes {
        let message = format!("a buffer of {} bytes cannot hold a batch of {}", http.buffer_bytes, http.batch_bytes);
        return Err(PlanError::new(message));
    }
    Ok(())
}

/// Windows are of event time: every source upstream has to tell it.
fn has_event_time(plan: &Plan, index: usize) -> Result<()> {
    let mut open = vec![index];
    while let Some(next) = open.pop() {
        let operator = &plan.operators[next];
        match &operator.kind {
            OperatorKind::Source(source) if source.event_time.is_none() => {
                let message = format!("\"{}\" has no event time: call .eventTime(...) on it", operator.name);
                return Err(PlanError::new(message));
            }
            // What comes out of a window has its event time from there.
            OperatorKind::WindowAggregate(_) if next != index => {}
            // Rows have the time of their own side.
            OperatorKind::BroadcastJoin(_) => open.push(operator.inputs[0]),
            _ => open.extend(&operator.inputs),
        }
    }
    Ok(())
}

fn unique_columns(schema: &Schema) -> Result<()> {
    let mut names = HashSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(twice) => Err(PlanError::new(format!("column \"{}\" is there twice", twice.name()))),
        None if schema.fields().is_empty() => Err(PlanError::new("its rows have no columns")),
        None => Ok(()),
    }
}

/// Rows leave as they came.
fn passes_on(operator: &Operator, input: &Operator) -> Result<()> {
    if operator.schema == input.schema {
        return Ok(());
    }
    Err(PlanError::new(format!("its rows are not those of \"{}\"", input.name)))
}

/// The expressions give the columns that are declared.
fn makes(columns: &[NamedExpr], operator: &Operator) -> Result<()> {
    let made = columns.iter().map(|column| column.name.as_str());
    if made.eq(operator.schema.fields().iter().map(|field| field.name().as_str())) {
        return Ok(());
    }
    Err(PlanError::new("its expressions do not make the columns that it declares"))
}

fn columns_exist(expr: &Expr, schema: &Schema) -> Result<()> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    names_exist(expr, &names)
}

fn names_exist(expr: &Expr, names: &[&str]) -> Result<()> {
    match expr {
        Expr::Column(name) if !names.contains(&name.as_str()) => {
            Err(PlanError::new(format!("column \"{name}\" is not in its input; there are {}", names.join(", "))))
        }
        Expr::Column(_) | Expr::Literal(_) => Ok(()),
        Expr::Call { args, .. } => args.iter().try_for_each(|arg| names_exist(arg, names)),
        Expr::Cast { expr, .. } => names_exist(expr, names),
        Expr::Case { whens, otherwise } => {
            let whens = whens.iter().flat_map(|(condition, then)| [condition, then]);
            whens.chain(otherwise.as_deref()).try_for_each(|part| names_exist(part, names))
        }
    }
}
