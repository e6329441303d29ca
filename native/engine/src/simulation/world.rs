//! Everything that outlives a process: the brokers, the storage, time, and what happens by chance.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::{Mutex, MutexGuard};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::broker::{Broker, Place, Position};
use super::random::Random;

/// One record in so many that is delivered comes to grief.
const LOST_DELIVERIES: u64 = 3000;

/// As every error begins that the simulation has made up.
pub const SIMULATED: &str = "[simulated]";

pub struct World(Mutex<State>);

pub struct State {
    pub random: Random,
    pub now_ms: u64,
    pub broker: Broker,
    /// The storage of checkpoints.
    pub files: BTreeMap<String, Vec<u8>>,
    pub clients: Vec<Client>,
    /// Commits of positions that nobody waits for, by process, in their order.
    pub commits: BTreeMap<u64, VecDeque<(Place, Position)>>,
    /// Calls that processes had made when they died.
    in_flight: VecDeque<InFlight>,
    /// A call of a dead process has come to something since the last look.
    pub has_landed: bool,
    /// Calls that may still fail, and how many in a thousand do.
    pub faults_left: u64,
    pub fault_rate: u64,
    /// Follows from everything that has happened.
    pub trace: u64,
    pub is_verbose: bool,
}

type InFlight = Box<dyn FnOnce(&mut State) + Send>;

/// How much of a call comes to pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// A part that follows from the number.
    Part(u64),
}

/// What a call fails before, in the midst of, or after.
#[derive(Clone, Copy)]
pub enum Fault {
    Before,
    During,
    After,
}

/// A producer in a process, with the records that the brokers have not got yet.
pub struct Client {
    pub process: u64,
    /// The transactional id and its epoch.
    pub owner: Option<(String, u64)>,
    /// The job's epoch whose transaction is open.
    pub open: Option<u64>,
    pub failure: Option<String>,
    pub buffer: VecDeque<((String, u64), Vec<u8>)>,
    pub sent: u64,
    pub stored: u64,
}

impl World {
    pub fn new(state: State) -> World {
        World(Mutex::new(state))
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl State {
    pub fn new(seed: u64) -> State {
        State {
            random: Random::new(seed),
            now_ms: 0,
            broker: Broker::default(),
            files: BTreeMap::new(),
            clients: Vec::new(),
            commits: BTreeMap::new(),
            in_flight: VecDeque::new(),
            has_landed: false,
            faults_left: 0,
            fault_rate: 0,
            trace: seed,
            is_verbose: false,
        }
    }

    pub fn note(&mut self, who: u64, what: &str) {
        self.trace = xxh3_64_with_seed(what.as_bytes(), self.trace ^ who);
        if self.is_verbose {
            eprintln!("{:>6} ms  process {who}: {what}", self.now_ms);
        }
    }

    /// Whether a call fails.
    pub fn fault(&mut self) -> Option<Fault> {
        if self.faults_left == 0 || !self.random.chance(self.fault_rate) {
            return None;
        }
        self.faults_left -= 1;
        Some(self.random.pick(&[Fault::Before, Fault::During, Fault::After]))
    }

    /// What becomes of a call whose process has died before the answer.
    pub fn leave_behind<T>(&mut self, act: impl FnOnce(&mut State, Extent) -> T + Send + 'static) {
        match self.random.below(4) {
            0 => {}
            1 => {
                let part = Extent::Part(self.random.next());
                act(self, part);
            }
            2 => {
                act(self, Extent::Whole);
            }
            _ => self.in_flight.push_back(Box::new(move |state| {
                act(state, Extent::Whole);
            })),
        }
    }

    /// A call of a dead process comes to something.
    pub fn land(&mut self) {
        if let Some(call) = self.in_flight.pop_front() {
            self.note(0, "a call of a dead process lands");
            self.has_landed = true;
            call(self);
        }
    }

    /// The brokers get some records of some producer, and positions that were committed by the way.
    pub fn deliver(&mut self) {
        let waiting: Vec<usize> = (0..self.clients.len()).filter(|&c| !self.clients[c].buffer.is_empty()).collect();
        if !waiting.is_empty() {
            let (client, count) = (self.random.pick(&waiting), self.random.between(1, 20));
            self.deliver_of(client, count);
        }
        let waiting: Vec<u64> = self.commits.iter().filter(|(_, queue)| !queue.is_empty()).map(|(p, _)| *p).collect();
        if !waiting.is_empty() {
            let process = self.random.pick(&waiting);
            self.commit_of(process, 1);
        }
    }

    pub fn commit_of(&mut self, process: u64, count: u64) {
        for _ in 0..count {
            let Some((place, position)) = self.commits.get_mut(&process).and_then(VecDeque::pop_front) else { return };
            self.broker.set_position(place, position);
        }
    }

    fn deliver_of(&mut self, client: usize, count: u64) {
        self.note(self.clients[client].process, "records are delivered");
        for _ in 0..count {
            let client = &mut self.clients[client];
            let Some((to, value)) = client.buffer.pop_front() else { return };
            let owner = client.owner.as_ref().map(|(id, epoch)| (id.as_str(), *epoch));
            let is_lost = self.faults_left > 0 && self.random.below(LOST_DELIVERIES) == 0;
            let outcome = if is_lost {
                self.faults_left -= 1;
                Err(format!("{SIMULATED} a record was not stored"))
            } else {
                self.broker.append(owner, to, value)
            };
            match outcome {
                Ok(()) => client.stored += 1,
                Err(failure) => {
                    client.failure = Some(failure);
                    client.buffer.clear();
                }
            }
        }
    }

    /// The process has died: of what it had sent, a part arrives.
    pub fn bury(&mut self, process: u64) {
        for client in 0..self.clients.len() {
            if self.clients[client].process == process {
                let some = self.random.below(self.clients[client].buffer.len() as u64 + 1);
                self.deliver_of(client, some);
                self.clients[client].buffer.clear();
            }
        }
        let waiting = self.commits.get(&process).map_or(0, VecDeque::len) as u64;
        let some = self.random.below(waiting + 1);
        self.commit_of(process, some);
        self.commits.remove(&process);
    }

    /// The process can commit nothing any more: others have taken over what it needs for that.
    pub fn is_fenced(&self, process: u64) -> bool {
        let own = self.clients.iter().filter(|client| client.process == process);
        let mut owners = own.filter_map(|client| client.owner.as_ref()).peekable();
        // Its two producers may be fenced at different times; without the one it commits no more than without both.
        owners.peek().is_none() || owners.any(|(id, epoch)| self.broker.is_fenced(id, *epoch))
    }

    /// Some more of the input is there.
    pub fn add_input(&mut self) {
        let topics: Vec<String> = self.broker.inputs.keys().cloned().collect();
        let topic = &topics[self.random.below(topics.len() as u64) as usize];
        let Some(partitions) = self.broker.inputs.get_mut(topic) else { return };
        let partition = self.random.below(partitions.len() as u64) as usize;
        let input = &mut partitions[partition];
        input.there = (input.there + self.random.between(1, 30) as usize).min(input.records.len());
    }

    pub fn add_all_input(&mut self) {
        for input in self.broker.inputs.values_mut().flatten() {
            input.there = input.records.len();
        }
    }
}
