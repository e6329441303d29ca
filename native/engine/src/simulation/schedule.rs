//! Runs a job from a seed, with everything that may befall it, until it has come to its end.

use std::sync::Arc;

use millrace_plan::{Guarantee, StateBackend};

use super::broker::FENCED;
use super::process::{Order, Process};
use super::random::Random;
use super::scenario::{Scenario, draw};
use super::worker::{Stepped, Worker, folder};
use super::world::{SIMULATED, State, World};

/// A job that has not ended after so many steps will not.
const MOST_STEPS: u64 = 2_000_000;

/// One seed in so many keeps its state in RocksDB, which takes its time.
const ROCKSDB_SEEDS: u64 = 50;

/// What a process says that another one has got in the way of.
const BY_RIVAL: [&str; 2] = [FENCED, "another worker has taken over: the job has been started twice"];

/// What a process says that reads, after it has been fenced, what another one has committed or removed.
const MISLED: [&str; 3] = ["is not in the storage", "it is not there", "the committed positions belong to checkpoint"];

/// What a schedule was like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub starts: u64,
    pub steps: u64,
    /// The same for the same seed.
    pub trace: u64,
}

/// RocksDB's own threads make of such a seed what they like: its files, and so what is written, may differ.
pub fn uses_rocksdb(seed: u64) -> bool {
    seed % ROCKSDB_SEEDS == 1
}

struct Schedule {
    world: Arc<World>,
    scenario: Scenario,
    order: Order,
    /// Its own, so that the world's chances do not hang on it.
    random: Random,
    workers: Vec<Worker>,
    /// Crashes, stops and second workers that are still to come.
    troubles_left: u64,
    may_have_rivals: bool,
    has_ended: bool,
    summary: Summary,
}

/// Runs the schedule of a seed; an error says what is wrong.
pub fn run(seed: u64, order: Order, is_verbose: bool) -> Result<Summary, String> {
    let folder = folder();
    let mut random = Random::new(seed);
    let backend = if uses_rocksdb(seed) { StateBackend::RocksDb } else { StateBackend::Filesystem };
    let mut scenario = draw(&mut random, folder.path(), backend);
    let mut state = State::new(random.next());
    state.is_verbose = is_verbose;
    state.broker.inputs = std::mem::take(&mut scenario.inputs).into_iter().collect();
    state.faults_left = random.below(8);
    state.fault_rate = random.pick(&[2, 10, 30]);
    if is_verbose {
        eprintln!("{:#?}", scenario.plan);
    }
    let may_have_rivals = scenario.plan.guarantee == Guarantee::ExactlyOnce;
    let mut schedule = Schedule {
        world: Arc::new(World::new(state)),
        scenario,
        order,
        troubles_left: random.below(16),
        random,
        workers: Vec::new(),
        may_have_rivals,
        has_ended: false,
        summary: Summary::default(),
    };
    let outcome = schedule.run();
    schedule.workers.drain(..).for_each(Worker::end);
    outcome
}

impl Schedule {
    fn run(&mut self) -> Result<Summary, String> {
        self.run_to_end()?;
        self.check()?;
        // Nothing is left to be done: a start changes nothing.
        if self.random.chance(300) {
            self.has_ended = false;
            self.run_to_end()?;
            self.check()?;
        }
        self.summary.trace = self.world.lock().trace;
        Ok(self.summary)
    }

    fn run_to_end(&mut self) -> Result<(), String> {
        while !self.has_ended || !self.workers.is_empty() {
            self.summary.steps += 1;
            if self.summary.steps > MOST_STEPS {
                return Err("the job does not come to its end".into());
            }
            self.go_on()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let state = self.world.lock();
        if let Some(complaint) = state.broker.complaints.first() {
            return Err(complaint.clone());
        }
        let guarantee = self.scenario.plan.guarantee;
        self.scenario.expected.iter().try_for_each(|expected| expected.check(&state.broker, guarantee))
    }

    /// One step of somebody.
    fn go_on(&mut self) -> Result<(), String> {
        if self.workers.is_empty() {
            return self.start();
        }
        match self.random.below(1000) {
            0..100 => self.world.lock().deliver(),
            100..140 => self.world.lock().add_input(),
            140..240 => self.world.lock().now_ms += self.random.below(5),
            240..245 => self.world.lock().land(),
            245..250 => return self.trouble(),
            _ => return self.step(),
        }
        self.note_what_landed();
        Ok(())
    }

    fn note_what_landed(&mut self) {
        if std::mem::take(&mut self.world.lock().has_landed) {
            self.workers.iter_mut().for_each(|worker| worker.had_rivals = true);
        }
    }

    fn start(&mut self) -> Result<(), String> {
        self.summary.starts += 1;
        let number = self.summary.starts;
        let parallelism = self.random.between(1, 3) as usize;
        self.world.lock().note(number, &format!("starts with {parallelism} slots"));
        let process = Process::new(self.world.clone(), number, self.order);
        let worker = Worker::start(process, &self.scenario.plan, parallelism);
        self.workers.push(worker.map_err(|error| format!("the job is refused: {error}"))?);
        if self.workers.len() > 1 {
            self.workers.iter_mut().for_each(|worker| worker.had_rivals = true);
        }
        Ok(())
    }

    fn trouble(&mut self) -> Result<(), String> {
        if self.troubles_left == 0 {
            let mut state = self.world.lock();
            state.add_all_input();
            state.faults_left = 0;
            return Ok(());
        }
        self.troubles_left -= 1;
        let which = self.random.below(self.workers.len() as u64) as usize;
        let number = self.workers[which].process.number;
        let note = |what: &str| self.world.lock().note(number, what);
        match self.random.below(10) {
            0..5 => {
                note("crashes");
                self.workers.swap_remove(which).end();
            }
            5..8 if self.may_have_rivals && self.workers.len() < 2 => {
                self.workers[which].stands_still = self.random.pick(&[0, 100, 1000, 5000]);
                note("stands still, or seems to");
                return self.start();
            }
            8 => {
                note("is told to stop");
                self.workers[which].stop();
            }
            _ => {
                note("is asked for a savepoint");
                self.workers[which].savepoint(&format!("savepoint-{}", self.summary.steps));
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        let which = self.random.below(self.workers.len() as u64) as usize;
        let worker = &mut self.workers[which];
        if worker.stands_still > 0 {
            worker.stands_still -= 1;
            return Ok(());
        }
        match worker.step(&mut self.random) {
            Stepped::Running => Ok(()),
            Stepped::Ended => {
                let worker = self.workers.swap_remove(which);
                self.world.lock().note(worker.process.number, "ends");
                self.has_ended |= !worker.is_stopping();
                worker.end();
                Ok(())
            }
            Stepped::Failed(error) => {
                let worker = self.workers.swap_remove(which);
                let (number, had_rivals) = (worker.process.number, worker.had_rivals);
                let is_fenced = self.world.lock().is_fenced(number);
                self.world.lock().note(number, &format!("fails: {error}"));
                worker.end();
                if is_excused(&error.to_string(), had_rivals, is_fenced) {
                    return Ok(());
                }
                Err(format!("start {number} fails and nobody has made it: {error}"))
            }
        }
    }
}

/// Whether the simulation has brought the error about.
fn is_excused(error: &str, had_rivals: bool, is_fenced: bool) -> bool {
    let says = |texts: &[&str]| texts.iter().any(|text| error.contains(text));
    error.contains(SIMULATED) || (had_rivals && (says(&BY_RIVAL) || (is_fenced && says(&MISLED))))
}
