//! What a plan means: every step in its place, every column known, every figure within its bounds. Types of expressions
//! are for whoever compiles them.

use std::collections::HashSet;

use arrow::datatypes::Schema;

mod exactly_once;

use crate::PlanError;
use crate::model::*;

type Result<T> = std::result::Result<T, PlanError>;

/// Key groups are stored in 15 bits.
const MAX_KEY_GROUPS: usize = 1 << 15;

/// A hundred years: sums of event times and window sizes stay far from overflowing.
const MAX_WINDOW_MS: i64 = 100 * 366 * 24 * 3600 * 1000;

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
    unique_columns(&source.declared)?;
    let mut declared = source.declared.fields().iter();
    if let Some(field) = read.fields().iter().find(|field| !declared.any(|known| known == *field)) {
        return Err(PlanError::new(format!("column \"{}\" is read but not declared, or out of order", field.name())));
    }
    if let Some(time) = source.event_time.as_ref().and_then(|time| time.expr.as_ref()) {
        columns_exist(time, read)?;
    }
    if let BadRecordPolicy::DeadLetter(sink) = &source.on_bad_record {
        if matches!(sink.connector, SinkConnector::Table(_)) {
            return Err(PlanError::new("bad records cannot go to a table: use Kafka, files or stdout"));
        }
        if sink.key.is_some() || !sink.headers.is_empty() {
            return Err(PlanError::new("bad records keep their own key and headers"));
        }
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
    let of_table = table.fields().iter().map(|field| broadcast_column(field.name()));
    let scope: Vec<String> = input.fields().iter().map(|field| field.name().clone()).chain(of_table).collect();
    let names: Vec<&str> = scope.iter().map(String::as_str).collect();
    join.output.iter().try_for_each(|column| names_exist(&column.expr, &names))
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
    let key = sink.key.iter();
    key.chain(sink.headers.iter().map(|header| &header.expr)).try_for_each(|expr| columns_exist(expr, input))?;
    match &sink.connector {
        SinkConnector::Kafka(kafka) if kafka.topic.is_empty() => Err(PlanError::new("the topic has no name")),
        SinkConnector::File(file) if file.roll_bytes == 0 || file.roll_interval_ms == 0 => {
            Err(PlanError::new("rollBytes and rollInterval are more than nothing"))
        }
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const REVENUE: &[u8] = include_bytes!("../tests/plans/revenue.plan");
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
        assert_eq!(
            message(|plan| plan.operators[FILTER].id = "source-1".into()),
            "filter: id \"source-1\" is there twice"
        );
    }

    #[test]
    fn a_window_needs_event_time_and_sizes_within_bounds() {
        assert_eq!(
            message(|plan| source(plan).event_time = None),
            "window(tumbling 10s): \"kafka(bids)\" has no event time: call .eventTime(...) on it"
        );
        let sized =
            |size_ms, slide_ms| message(|plan| window(plan).window = Window { size_ms, slide_ms, offset_ms: 0 });
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
        assert_eq!(
            message(|plan| window(plan).aggregates[1].expr = None),
            "window(tumbling 10s): Sum needs an argument"
        );
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
}
