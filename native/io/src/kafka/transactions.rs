//! Outputs to Kafka in transactions, one for each epoch.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::client::{self, OPEN_TIMEOUT, Reserved, advice, is_terminal, is_unreachable, open_error};
use super::producer::{Producer, Report};
use super::sink::{DEFAULTS, WHO, not_written};
use super::transaction::{Failure, Outcome};
use crate::{Error, GroupPositions, Result, Transactions};

/// How long the brokers may be busy with what the last user of an id has left.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long brokers are waited for before the id is taken over, which waits for them, too.
const FIRST_ANSWER: Duration = Duration::from_secs(1);

/// How long a call of a commit may take: long enough for another broker to take the place of one that is lost.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The most that is waited for at a time: brokers are looked after in between.
const ATTEMPT: Duration = Duration::from_secs(2);

/// How long an abort may hold back the end of the process; the next start aborts in any case.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait before a call is made again, and for records before their failures are looked at.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

const TIMEOUT_KEY: &str = "transaction.timeout.ms";

/// As long as brokers allow, unless they are told otherwise: an epoch has to be committed within.
const TIMEOUT_MS: &str = "900000";

/// Without reports of what is stored, whoever waits for all of it is woken at once, rather than by the next look: an epoch
/// of 100 records takes 5 ms from begin to commit rather than 33 ms (example `kafka_commit`).
const FIXED: &[(&str, &str)] = &[("delivery.report.only.error", "true")];

const RESERVED: &[Reserved] = &[
    Reserved { key: "transactional.id", because: "it comes from the job" },
    Reserved { key: "delivery.report.only.error", because: "only failures are waited for" },
];

/// Two transactional producers that take turns, so that records of an epoch are taken while the one before waits for its
/// checkpoint. One object serves all sinks of a process.
pub struct KafkaTransactions {
    turns: [Turn; 2],
    properties: Vec<(String, String)>,
    brokers: String,
}

impl KafkaTransactions {
    /// `properties` are those of the job's Kafka sinks. Fences whoever used the id before, and ends what they left open;
    /// what they committed is to be read after this.
    pub fn open(properties: &[(String, String)], transactional_id: &str) -> Result<KafkaTransactions> {
        let defaults = [DEFAULTS, &[(TIMEOUT_KEY, TIMEOUT_MS)]].concat();
        let mut config = client::config(WHO, properties, &defaults, FIXED, RESERVED)?;
        let brokers = client::brokers(&config).unwrap_or_default();
        let mut open = |number| {
            config.set("transactional.id", format!("{transactional_id}-{number}"));
            Turn::open(&config, transactional_id, &brokers)
        };
        Ok(KafkaTransactions { turns: [open(0)?, open(1)?], properties: sorted(properties), brokers })
    }

    /// All sinks write by the same producers, so they cannot ask for different ones.
    pub fn check_properties(&self, topic: &str, properties: &[(String, String)]) -> Result<()> {
        if sorted(properties) == self.properties {
            return Ok(());
        }
        Err(Error(format!(
            "{WHO}: {topic}: its properties are not those of the job's other Kafka sinks. With exactly-once all of them \
             share one producer: give them the same properties."
        )))
    }

    /// The brokers as the user named them.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    pub fn producers(&self) -> [&Arc<Producer>; 2] {
        self.turns.each_ref().map(|turn| &turn.producer)
    }

    /// Records of the epoch are taken.
    pub fn is_open(&self, epoch: u64) -> bool {
        self.turn(epoch).is_open(epoch)
    }

    /// A record of the epoch was refused: no epoch by its producer can be committed any more.
    pub fn refuse(&self, epoch: u64, topic: &str, reason: &str, code: RDKafkaErrorCode) -> Error {
        let turn = self.turn(epoch);
        let failure = turn.producer.transaction_failure();
        turn.fail(|| match failure {
            Some(failure) => turn.failed("the transaction has failed", &failure),
            None => not_written(topic, None, reason, code),
        })
    }

    /// Serves both producers, from any thread; an error that a record met comes out here.
    pub fn serve(&self) -> Result<()> {
        self.turns.iter().try_for_each(Turn::serve)
    }

    fn turn(&self, epoch: u64) -> &Turn {
        &self.turns[turn(epoch)]
    }
}

impl Transactions for KafkaTransactions {
    fn begin(&self, epoch: u64) -> Result<()> {
        self.turn(epoch).begin(epoch)
    }

    fn flush(&self, epoch: u64) -> Result<()> {
        self.turn(epoch).flush(epoch)
    }

    fn commit(&self, epoch: u64, positions: &[GroupPositions]) -> Result<()> {
        self.turn(epoch).commit(epoch, positions)
    }

    fn is_taken_over(&self) -> bool {
        self.turns.iter().any(|turn| turn.is_taken_over.load(Ordering::Acquire))
    }
}

/// Which of the producers an epoch is written by.
pub fn turn(epoch: u64) -> usize {
    (epoch % 2) as usize
}

/// One of the producers, with the transaction that it has open.
struct Turn {
    producer: Arc<Producer>,
    /// The job's, as errors name it.
    transactional_id: String,
    timeout: Duration,
    /// What the open transaction is of: an epoch and one, or 0 without.
    open: AtomicU64,
    /// When the last transaction began.
    begun: Mutex<Instant>,
    /// The first failure; every call from then on ends with it.
    failure: OnceLock<Error>,
    is_taken_over: AtomicBool,
}

impl Turn {
    fn open(config: &ClientConfig, transactional_id: &str, brokers: &str) -> Result<Turn> {
        let timeout_ms = config.get(TIMEOUT_KEY).and_then(|value| value.parse().ok()).unwrap_or(u64::MAX);
        let turn = Turn {
            producer: Arc::new(Producer::new(config)?),
            transactional_id: transactional_id.to_owned(),
            timeout: Duration::from_millis(timeout_ms),
            open: AtomicU64::new(0),
            begun: Mutex::new(Instant::now()),
            failure: OnceLock::new(),
            is_taken_over: AtomicBool::new(false),
        };
        turn.take_over(brokers)?;
        Ok(turn)
    }

    fn take_over(&self, brokers: &str) -> Result<()> {
        // Who has no answer yet is what librdkafka looks at twice a second only, so the id had to wait for the next look.
        self.producer.wait_for_broker(FIRST_ANSWER);
        let init = |left: Duration| self.producer.init_transactions(left.min(OPEN_TIMEOUT));
        let Err(failure) = insist(TAKE_OVER_TIMEOUT, |failure| !is_unreachable(failure.code), init) else {
            return Ok(());
        };
        if failure.code == RDKafkaErrorCode::InvalidTransactionTimeout {
            return Err(Error(format!(
                "{WHO}: the brokers at {brokers} do not let a transaction take {} ms, which one may until its checkpoint is \
                 complete. Set \"{TIMEOUT_KEY}\" in the sinks' properties to at most the brokers' \
                 transaction.max.timeout.ms, or raise that.",
                self.timeout.as_millis()
            )));
        }
        if is_unreachable(failure.code) {
            let doing = format!("taking over the transactional id \"{}\"", self.transactional_id);
            let (error, cause) = (KafkaError::Global(failure.code), self.producer.cause());
            return Err(open_error(WHO, &doing, brokers, &error, cause.as_deref()));
        }
        Err(self.failed("the id could not be taken over", &failure))
    }

    fn is_open(&self, epoch: u64) -> bool {
        self.open.load(Ordering::Acquire) == epoch + 1
    }

    fn begin(&self, epoch: u64) -> Result<()> {
        self.serve()?;
        let begun = self.producer.begin_transaction();
        begun.map_err(|failure| self.failed(&format!("epoch {epoch} could not begin"), &failure))?;
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.open.store(epoch + 1, Ordering::Release);
        Ok(())
    }

    fn flush(&self, epoch: u64) -> Result<()> {
        self.expect_open(epoch)?;
        // Records that cannot be stored fail by themselves, after delivery.timeout.ms at the latest.
        while !self.producer.flush(RETRY_INTERVAL) {
            self.serve()?;
            // A broken transaction keeps its records until it is aborted.
            if let Some(failure) = self.producer.transaction_failure() {
                return Err(self.fail(|| self.failed("the transaction has failed", &failure)));
            }
        }
        self.serve()
    }

    fn commit(&self, epoch: u64, positions: &[GroupPositions]) -> Result<()> {
        self.expect_open(epoch)?;
        self.serve()?;
        let could_not = |failure: Failure| self.failed(&format!("epoch {epoch} could not be committed"), &failure);
        for group in positions.iter().filter(|group| !group.positions.is_empty()) {
            self.send_positions(group).map_err(could_not)?;
        }
        let commit = |left: Duration| {
            self.producer.keep_brokers();
            self.producer.commit_transaction(ATTEMPT.min(left))
        };
        insist(self.commit_timeout(), |_| true, commit).map_err(could_not)?;
        self.open.store(0, Ordering::Release);
        Ok(())
    }

    /// Adds positions to the open transaction, on a thread that is left behind with its producer if it does not return:
    /// librdkafka 2.12 does not keep to the timeout while it waits for a group's coordinator, and waits for good for one
    /// that the brokers have ceased to list (confluentinc/librdkafka#5456, #5511).
    fn send_positions(&self, group: &GroupPositions) -> Outcome {
        let (producer, timeout) = (self.producer.clone(), self.commit_timeout());
        let (answer, answered) = channel();
        let positions = group.clone();
        let send = move || {
            let outcome = insist(timeout, |_| true, |left| producer.send_positions(&positions, left));
            // Nobody listens any more once it has taken too long.
            let _ = answer.send(outcome);
        };
        let broken = |code, reason| Failure { code, reason, retriable: false, broken: true };
        let thread = Builder::new().name("millrace-positions".into()).spawn(send);
        thread.map_err(|error| broken(RDKafkaErrorCode::Fail, format!("no thread could be started: {error}")))?;
        // Where librdkafka keeps to the timeout, it says why there was no answer.
        let deadline = Instant::now() + timeout + ATTEMPT;
        loop {
            self.producer.keep_brokers();
            match answered.recv_timeout(ATTEMPT) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => {
                    let (name, seconds) = (&group.group, timeout.as_secs());
                    let reason =
                        format!("the coordinator of group \"{name}\" has not taken the positions within {seconds} s");
                    return Err(broken(RDKafkaErrorCode::OperationTimedOut, reason));
                }
            }
        }
    }

    /// After its own timeout a transaction is aborted by the brokers.
    fn commit_timeout(&self) -> Duration {
        COMMIT_TIMEOUT.min(self.timeout)
    }

    fn expect_open(&self, epoch: u64) -> Result<()> {
        if self.is_open(epoch) {
            return Ok(());
        }
        Err(Error(format!(
            "{WHO}: epoch {epoch} has no open transaction. This is a bug of Millrace: please report it."
        )))
    }

    /// Takes the reports that have come.
    fn serve(&self) -> Result<()> {
        self.producer.serve(|report| match report {
            Report::Failed { topic, partition, reason, code, .. } => {
                self.fail(|| not_written(&topic, Some(partition), &reason, code));
            }
            Report::Client { code, fatal, reason } if fatal || is_terminal(code) => {
                self.fail(|| Error(format!("{WHO}: {reason}.{}", advice(Some(code)))));
            }
            // Connections come and go, and librdkafka takes care of them; what is stored is not reported.
            Report::Client { .. } | Report::Stored { .. } => {}
        });
        self.failure.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// Remembers a failure, unless there is one already.
    fn fail(&self, failure: impl FnOnce() -> Error) -> Error {
        // A producer that is fenced drops its records, which fail for no reason of theirs.
        let fenced = || self.producer.fatal_error().is_some_and(|(code, _)| is_fenced(code));
        self.failure.get_or_init(|| if fenced() { self.fenced() } else { failure() }).clone()
    }

    fn failed(&self, what: &str, failure: &Failure) -> Error {
        if is_fenced(failure.code) {
            return self.fenced();
        }
        let advice = match advice(Some(failure.code)) {
            "" => " Start the job again: it goes on from what was committed.",
            known => known,
        };
        Error(format!("{WHO}: {what}: {} (transactional id \"{}\").{advice}", failure.reason, self.transactional_id))
    }

    /// The brokers do not take anything from this producer any more.
    fn fenced(&self) -> Error {
        let open = self.open.load(Ordering::Acquire);
        if open > 0 && self.begun.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= self.timeout {
            return Error(format!(
                "{WHO}: epoch {} was not committed within {TIMEOUT_KEY} ({} ms), so the brokers have aborted it. Find out why \
                 its checkpoint took so long, or raise \"{TIMEOUT_KEY}\" in the sinks' properties.",
                open - 1,
                self.timeout.as_millis()
            ));
        }
        self.is_taken_over.store(true, Ordering::Release);
        Error(format!(
            "{WHO}: another worker of this job has taken over (transactional id \"{}\"): this one has stopped. Run each job \
             once.",
            self.transactional_id
        ))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.open.load(Ordering::Acquire) == 0 {
            return;
        }
        let deadline = Instant::now() + ABORT_TIMEOUT;
        while let Err(failure) = self.producer.abort_transaction(RETRY_INTERVAL)
            && failure.retriable
            && Instant::now() < deadline
        {
            // An abort waits for the reports of the records that it drops.
            self.producer.serve(drop);
        }
    }
}

/// Makes a call until it succeeds, fails for good, or the time is over.
fn insist(timeout: Duration, retriable: impl Fn(&Failure) -> bool, call: impl Fn(Duration) -> Outcome) -> Outcome {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match call(left) {
            Err(failure) if failure.retriable && retriable(&failure) && !left.is_zero() => sleep(RETRY_INTERVAL),
            outcome => return outcome,
        }
    }
}

fn is_fenced(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

fn sorted(properties: &[(String, String)]) -> Vec<(String, String)> {
    let mut sorted = properties.to_vec();
    sorted.sort();
    sorted
}
