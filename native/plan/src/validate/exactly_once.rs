//! Whether a job can keep the promise of exactly-once.

use super::Result;
use crate::PlanError;
use crate::model::*;

/// Outputs to Kafka and the positions of what they were made from are committed by one transaction, which is one cluster's;
/// files become visible with a checkpoint. Nothing else can take back what a failure makes void.
pub fn validate(plan: &Plan) -> Result<()> {
    for operator in &plan.operators {
        can_keep(plan, operator).map_err(|error| error.at(&operator.name))?;
    }
    one_cluster(plan)
}

fn can_keep(plan: &Plan, operator: &Operator) -> Result<()> {
    match &operator.kind {
        kind if kind.keeps_state() && plan.checkpoints.is_none() => {
            Err(PlanError::new("exactly-once with state needs checkpoints: give the job a storage for them"))
        }
        OperatorKind::Sink(sink) => sink_can_keep(plan, &sink.connector),
        OperatorKind::Source(source) => {
            source.dead_letter().map_or(Ok(()), |sink| sink_can_keep(plan, &sink.connector))
        }
        _ => Ok(()),
    }
}

fn sink_can_keep(plan: &Plan, sink: &SinkConnector) -> Result<()> {
    match sink {
        SinkConnector::Kafka(_) => Ok(()),
        SinkConnector::File(_) if plan.checkpoints.is_some() => Ok(()),
        SinkConnector::File(_) => {
            Err(PlanError::new("files are written exactly once with checkpoints only: give the job a storage for them"))
        }
        SinkConnector::Http(_) => Err(PlanError::new(
            "what an HTTP endpoint has taken cannot be taken back, so it is not exactly-once: ask for at-least-once, and let \
             the endpoint overwrite or ignore rows that it has already, by an id that is made of their columns",
        )),
        SinkConnector::Driver(driver) => Err(PlanError::new(format!(
            "what {} has written cannot be taken back, so it is not exactly-once: ask for at-least-once; with an id that is made \
             of a row's columns it is overwritten by itself",
            driver.driver
        ))),
        SinkConnector::Stdout | SinkConnector::Table(_) => Err(PlanError::new(
            "what is shown cannot be taken back, so it is not exactly-once: write to Kafka or files, or ask for \
             at-least-once",
        )),
    }
}

/// The sinks of a plan that are Kafka's, with the name of their step; dead-letter sinks among them.
fn kafka_sinks(plan: &Plan) -> impl Iterator<Item = (&str, &KafkaSink)> {
    plan.operators.iter().filter_map(|operator| {
        let sink = match &operator.kind {
            OperatorKind::Sink(sink) => Some(sink),
            OperatorKind::Source(source) => source.dead_letter(),
            _ => None,
        };
        match &sink?.connector {
            SinkConnector::Kafka(kafka) => Some((operator.name.as_str(), kafka)),
            _ => None,
        }
    })
}

fn one_cluster(plan: &Plan) -> Result<()> {
    let mut sinks = kafka_sinks(plan);
    let Some((first, of_first)) = sinks.next() else { return Ok(()) };
    for (name, sink) in sinks {
        if sorted(&sink.properties) != sorted(&of_first.properties) {
            return Err(PlanError::new(format!(
                "exactly-once: the job's Kafka sinks share one transaction, so their properties are the same; those of \
                 \"{first}\" differ"
            ))
            .at(name));
        }
    }
    for operator in &plan.operators {
        let OperatorKind::Source(source) = &operator.kind else { continue };
        let same = match &source.connector {
            SourceConnector::Kafka(kafka) => brokers(&kafka.properties) == brokers(&of_first.properties),
            _ => false,
        };
        if !same {
            return Err(PlanError::new(format!(
                "exactly-once to Kafka: the positions of what is read are committed with the outputs, so all sources are \
                 topics of the cluster of \"{first}\"; read from there, or ask for at-least-once"
            ))
            .at(&operator.name));
        }
    }
    Ok(())
}

fn brokers(properties: &[(String, String)]) -> Option<&str> {
    property(properties, "bootstrap.servers").or_else(|| property(properties, "metadata.broker.list"))
}

fn sorted(properties: &[(String, String)]) -> Vec<&(String, String)> {
    let mut sorted: Vec<_> = properties.iter().collect();
    sorted.sort();
    sorted
}
