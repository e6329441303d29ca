//! What source and sink have in common: properties, and errors in words.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::Error;

/// How long opening a source or sink waits for an answer of the brokers.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Remembers what librdkafka said last about its connections: the cause when a call times out.
#[derive(Debug, Default)]
pub struct Observer {
    last: Mutex<Option<String>>,
}

impl Observer {
    pub fn last(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Observer {
    fn error(&self, error: KafkaError, reason: &str) {
        // That all brokers are down only follows from the errors before, which say why.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Observer {}

pub type Consumer = BaseConsumer<Observer>;

/// A property that the connector sets itself.
pub struct Reserved {
    pub key: &'static str,
    pub because: &'static str,
}

/// The user's properties over the connector's `defaults`; `fixed` cannot be changed.
pub fn config(
    who: &'static str,
    properties: &[(String, String)],
    defaults: &[(&str, &str)],
    fixed: &[(&str, &str)],
    reserved: &[Reserved],
) -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::new();
    for (key, value) in defaults {
        config.set(*key, *value);
    }
    for (key, value) in properties {
        if let Some(reserved) = reserved.iter().find(|reserved| reserved.key == key) {
            return Err(Error(format!("{who}: property \"{key}\" cannot be set: {}. Remove it.", reserved.because)));
        }
        config.set(key, value);
    }
    for (key, value) in fixed {
        config.set(*key, *value);
    }
    if brokers(&config).is_none() {
        return Err(Error(format!(
            "{who}: no brokers are given. Set `brokers`, or the property \"bootstrap.servers\", to \"host:port\"."
        )));
    }
    // Properties are checked one after the other in no certain order, so the first error is taken from the list.
    for (key, value) in properties {
        let mut one = ClientConfig::new();
        one.set(key, value);
        one.create_native_config().map_err(|error| property_error(who, &error))?;
    }
    Ok(config)
}

/// The brokers as the user named them.
pub fn brokers(config: &ClientConfig) -> Option<String> {
    config.get("bootstrap.servers").or_else(|| config.get("metadata.broker.list")).map(str::to_owned)
}

/// Says that a client could not be made, most often because two properties contradict each other.
pub fn property_error(who: &str, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, reason, key, _) => Error(format!(
            "{who}: property \"{key}\": {reason}. The properties are those of librdkafka; see its CONFIGURATION.md."
        )),
        KafkaError::ClientCreation(reason) => Error(format!("{who}: {reason}. Check the properties.")),
        other => Error(format!("{who}: {other}")),
    }
}

/// Says that the brokers did not answer as hoped while something was being opened; `cause` is what librdkafka said of
/// its connections.
pub fn open_error(who: &str, doing: &str, brokers: &str, error: &KafkaError, cause: Option<&str>) -> Error {
    let code = error.rdkafka_error_code();
    let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    if code.is_some_and(is_unreachable) {
        return Error(format!(
            "{who}: {doing}: no answer from {brokers} within {} s{cause}. Check that the brokers run, that their addresses \
             are right, and that the security properties (security.protocol, sasl.*, ssl.*) are those of the listener.",
            OPEN_TIMEOUT.as_secs()
        ));
    }
    let reason = code.map_or_else(|| error.to_string(), |code| code.to_string());
    Error(format!("{who}: {doing} at {brokers}: {reason}{cause}.{}", advice(code)))
}

/// No broker has answered.
pub fn is_unreachable(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve)
}

/// What the user can do about an error code.
pub fn advice(code: Option<RDKafkaErrorCode>) -> &'static str {
    match code {
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
            " Check sasl.mechanism, sasl.username and sasl.password."
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => " Grant the user access to the topic.",
        Some(RDKafkaErrorCode::GroupAuthorizationFailed) => " Grant the user access to the group, or set group.id.",
        Some(RDKafkaErrorCode::TransactionalIdAuthorizationFailed) => " Grant the user access to the transactional id.",
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            " Create the topic, or correct its name."
        }
        Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset) => {
            " The broker has deleted the records there (see the topic's retention). Start the job again: it goes on at \
             the source's fallback, or at its start."
        }
        Some(RDKafkaErrorCode::UnknownMemberId | RDKafkaErrorCode::IllegalGeneration) => {
            " Another consumer uses the same group.id with subscriptions. Give the job a group.id of its own."
        }
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            " Raise message.max.bytes in the sink's properties and max.message.bytes of the topic."
        }
        Some(RDKafkaErrorCode::InvalidTimestamp | RDKafkaErrorCode::InvalidRecord) => {
            " Brokers take no record whose time is far from theirs (message.timestamp.before.max.ms and \
             message.timestamp.after.max.ms of the topic): set the clock of this machine. A compacted topic takes none \
             without a key."
        }
        Some(RDKafkaErrorCode::MessageTimedOut) => {
            " The brokers did not confirm it within delivery.timeout.ms. Check that the partition has a leader and enough \
             in-sync replicas."
        }
        _ => "",
    }
}

/// librdkafka goes on trying after such an error by itself.
pub fn is_transient(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::NetworkException
            | Code::WaitingForCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::RebalanceInProgress
            | Code::WaitCache
    )
}

/// After such an error of the whole client nothing more is to be hoped for.
pub fn is_terminal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Fatal
            | Code::Fenced
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::OffsetOutOfRange
            | Code::AutoOffsetReset
    )
}
