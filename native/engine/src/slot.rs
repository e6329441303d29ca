//! One of a job's threads of work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use millrace_io::Transactions;

use crate::barrier::{BarrierId, BarrierReport};
use crate::build::build_graph;
use crate::checkpoint::{Prepared, SlotState, if_taken_over};
use crate::graph::{Graph, Origin, Ran};
use crate::host::Host;
use crate::job::Job;
use crate::key_group::key_groups_of;
use crate::wake::Bed;
use crate::{Error, ErrorCode, Result};

/// How long the last commit may take when the job ends.
const CLOSE_TIMEOUT_MS: u64 = 10_000;

/// The longest nap: whoever drives the slot gets a turn now and then.
const LONGEST_NAP: Duration = Duration::from_millis(500);

/// Messages taken from one exchange before the other inputs get a turn.
const MESSAGES_PER_ROUND: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Call again.
    Working,
    /// The job has ended for this slot.
    Finished,
}

/// Runs a copy of every operator over its share of the partitions and of the key groups. It is made and used on one
/// thread.
pub struct Slot {
    job: Arc<Job>,
    index: usize,
    bed: Bed,
    graph: Graph,
    /// `None` where no operator keeps state that is stored.
    state: Option<SlotState>,
    running: bool,
    /// What is to be told of the barrier that has passed this slot, once everything before it is durable.
    passed: Option<(BarrierId, BarrierReport)>,
    /// The last barrier that has passed this slot and is durable, and the last that has been dealt with in it as complete.
    acknowledged: BarrierId,
    committed: BarrierId,
    /// With them go the positions, too.
    transactions: Option<Arc<dyn Transactions>>,
    told_end: bool,
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    Worked,
    /// Some input could not run as something downstream is full, or all have ended and a sink has not done its part.
    Blocked,
    Idle,
    Finished,
}

/// The state of a slot in a job with checkpoints and operators that keep some.
fn open_state(job: &Job, slot: usize, prepared: &Prepared) -> Result<Option<SlotState>> {
    let (Some(settings), Some(local)) = (&job.plan.checkpoints, &prepared.local) else { return Ok(None) };
    if job.exchanges.is_empty() {
        return Ok(None);
    }
    let groups = key_groups_of(slot, job.plan.max_parallelism, job.parallelism());
    SlotState::open(&job.plan, settings.backend, slot, groups, local.slot(slot), &prepared.recovered).map(Some)
}

impl Slot {
    /// Connects the sources and sinks of slot `index`. That takes as long as they take to answer.
    pub fn open(job: Arc<Job>, index: usize, host: Box<dyn Host>) -> Result<Slot> {
        let opened = Self::connect(job.clone(), index, host);
        if opened.is_err() {
            job.cancel();
        }
        opened
    }

    fn connect(job: Arc<Job>, index: usize, host: Box<dyn Host>) -> Result<Slot> {
        let bed = job.wakers.bed(index);
        let bed = bed.ok_or_else(|| Error::new(ErrorCode::Internal, format!("slot {index} is open already")))?;
        let prepared = job.prepared()?;
        let state = open_state(&job, index, &prepared)?;
        let graph = build_graph(&job, index, host, &prepared, state.as_ref())?;
        let restored: Vec<_> = graph.sources().map(|source| (source.operator(), source.restored())).collect();
        job.slot_opened(&restored);
        Ok(Slot {
            job,
            index,
            bed,
            graph,
            state,
            running: false,
            passed: None,
            acknowledged: 0,
            committed: 0,
            transactions: prepared.outputs.transactions(),
            told_end: false,
            finished: false,
        })
    }

    /// Works for about `budget`, or naps while nothing is there. After an error the job is cancelled.
    pub fn step(&mut self, budget: Duration) -> Result<Step> {
        let result = self.work(budget);
        if result.is_err() {
            self.job.cancel();
        }
        result.map_err(|error| if_taken_over(self.transactions.as_deref(), error))
    }

    fn work(&mut self, budget: Duration) -> Result<Step> {
        let started = Instant::now();
        let cpu_ns = self.job.environment.thread_cpu_ns();
        while !self.finished {
            let round_started = Instant::now();
            let round = self.round(self.job.elapsed_ms())?;
            if matches!(round, Round::Blocked | Round::Idle) {
                let left = budget.saturating_sub(started.elapsed()).min(LONGEST_NAP);
                self.bed.nap(left.min(self.until_next_timer(round)));
            }
            let times = &self.job.times[self.index];
            let took_us = round_started.elapsed().as_micros() as u64;
            match round {
                Round::Finished => self.finished = true,
                Round::Worked => times.busy.add(took_us),
                Round::Blocked => times.backpressured.add(took_us),
                // Until all slots are open there is nothing that could be done.
                Round::Idle if !self.running => {}
                Round::Idle => times.idle.add(took_us),
            }
            self.graph.add_full_us(took_us);
            if started.elapsed() >= budget {
                break;
            }
        }
        if let Some((before, after)) = cpu_ns.zip(self.job.environment.thread_cpu_ns()) {
            self.job.times[self.index].on_cpu.add((after - before) / 1000);
        }
        Ok(if self.finished { Step::Finished } else { Step::Working })
    }

    /// One turn for everything in the slot. Nothing in it waits, and `now_ms` is its only clock.
    pub(crate) fn round(&mut self, now_ms: u64) -> Result<Round> {
        if self.job.is_cancelled() {
            if let Some(thread) = &self.job.checkpoints {
                thread.wait_for_end();
            }
            return self.job.take_failure().map_or(Ok(Round::Finished), Err);
        }
        if !self.running {
            let Some(restored) = self.job.barriers.restored() else { return Ok(Round::Idle) };
            self.graph.restore(&restored);
            self.running = true;
        }
        self.serve_sinks(now_ms)?;
        self.commit()?;
        // The other slots may be a barrier ahead: its positions must not take the place of those still to be committed.
        let barrier = self.job.requested_barrier(now_ms)?.min(self.committed + 1);
        let (mut worked, mut blocked) = (false, false);
        for input in 0..self.graph.inputs.len() {
            for _ in 0..self.turns(input) {
                let ran = self.graph.run(input, &self.job, barrier, now_ms)?;
                self.note_passed(barrier)?;
                match ran {
                    Ran::Something => worked = true,
                    Ran::Nothing => break,
                    Ran::Blocked => {
                        blocked = true;
                        break;
                    }
                }
            }
        }
        self.tell_end();
        self.note_passed(barrier)?;
        self.acknowledge()?;
        if self.commit()? == self.job.barriers.last() && self.is_written_out()? {
            self.close()?;
            return Ok(Round::Finished);
        }
        if self.graph.writers.iter().any(|writer| writer.borrow().wants_barrier()) {
            self.job.barriers.hurry();
        }
        Ok(match (worked, blocked) {
            (true, _) => Round::Worked,
            (false, true) => Round::Blocked,
            (false, false) if self.told_end && self.graph.note_unfinished_writes() => Round::Blocked,
            (false, false) => Round::Idle,
        })
    }

    fn serve_sinks(&self, now_ms: u64) -> Result<()> {
        let mut begun_ns = self.job.elapsed_ns();
        for writer in &self.graph.writers {
            let mut writer = writer.borrow_mut();
            writer.poll(now_ms)?;
            let done_ns = self.job.elapsed_ns();
            writer.add_busy_ns(done_ns - begun_ns);
            begun_ns = done_ns;
        }
        Ok(())
    }

    fn turns(&self, input: usize) -> usize {
        match self.graph.inputs[input].origin {
            Origin::Source(_) => 1,
            Origin::Exchange { .. } | Origin::Lookup(_) => MESSAGES_PER_ROUND,
        }
    }

    /// Says once that nothing more will come from this slot's sources.
    fn tell_end(&mut self) {
        let ended = |index: usize| match &self.graph.inputs[index].origin {
            Origin::Source(source) => source.has_ended() && self.graph.is_drained(index),
            Origin::Exchange { .. } | Origin::Lookup(_) => true,
        };
        if !self.told_end && (0..self.graph.inputs.len()).all(ended) {
            self.told_end = true;
            self.job.slot_ended();
        }
    }

    /// Takes down the state as it is when a barrier has passed everything, before anything behind it comes.
    fn note_passed(&mut self, barrier: BarrierId) -> Result<()> {
        if barrier == self.acknowledged || self.passed.is_some() || !self.graph.has_passed(barrier) {
            return Ok(());
        }
        let now_ms = self.job.environment.wall_clock_ms();
        let mut report = std::mem::take(&mut self.graph.report);
        if let Some(state) = &self.state {
            report.files = Some(state.snapshot(barrier, now_ms)?);
            self.job.note_backend(self.index, state.backend.borrow().figures());
        }
        self.passed = Some((barrier, report));
        Ok(())
    }

    /// Tells the others that a barrier has passed this slot, once everything before it is durable.
    fn acknowledge(&mut self) -> Result<()> {
        let Some((barrier, _)) = self.passed else { return Ok(()) };
        let is_near_end = self.job.is_stopping() || self.job.barriers.all_slots_ended();
        if is_near_end || barrier == self.job.barriers.last() {
            for writer in &self.graph.writers {
                writer.borrow_mut().flush()?;
            }
        }
        if !self.graph.writers.iter().all(|writer| writer.borrow().is_durable()) {
            return Ok(());
        }
        if let Some((barrier, mut report)) = self.passed.take() {
            for writer in &self.graph.writers {
                let mut writer = writer.borrow_mut();
                report.staged.push((writer.operator, writer.staged()));
            }
            self.acknowledged = barrier;
            self.job.acknowledge(self.index, barrier, report);
        }
        Ok(())
    }

    /// Commits the positions and files of the last barrier that is committed; gives the last that is complete.
    fn commit(&mut self) -> Result<BarrierId> {
        let completed = self.job.barriers.completed();
        if completed > self.committed {
            let (committed, checkpoint) = self.job.barriers.committed();
            if committed == completed {
                self.commit_barrier(committed, checkpoint)?;
            }
            self.committed = completed;
        }
        Ok(completed)
    }

    /// Sinks have made everything durable, what was held until the last commit too.
    fn is_written_out(&mut self) -> Result<bool> {
        let writers = &self.graph.writers;
        writers
            .iter()
            .filter(|writer| !writer.borrow().is_done())
            .try_for_each(|writer| writer.borrow_mut().flush())?;
        Ok(writers.iter().all(|writer| writer.borrow().is_done()))
    }

    fn commit_barrier(&mut self, barrier: BarrierId, checkpoint: Option<u64>) -> Result<()> {
        for writer in &self.graph.writers {
            writer.borrow_mut().commit(barrier)?;
        }
        if self.transactions.is_some() {
            return Ok(());
        }
        let job = &self.job;
        self.graph.for_each_source(|source| source.commit(job, checkpoint))
    }

    fn close(&mut self) -> Result<()> {
        self.graph.for_each_source(|source| source.close(CLOSE_TIMEOUT_MS))
    }

    fn until_next_timer(&self, round: Round) -> Duration {
        let now_ms = self.job.elapsed_ms();
        let sources = self.graph.sources().filter_map(|source| source.next_timer_ms(now_ms));
        let sinks = self.graph.has_unfinished_writes().then_some(now_ms + SINK_POLL_MS);
        let blocked = (round == Round::Blocked).then_some(now_ms + BLOCKED_POLL_MS);
        let writers = self.graph.writers.iter().filter_map(|writer| writer.borrow().next_poll_ms());
        let next = sources
            .chain(sinks)
            .chain(writers)
            .chain(blocked)
            .chain(self.job.barriers.next_ms())
            .min()
            .unwrap_or(u64::MAX);
        // A barrier that is due is asked for by the next round, whoever has it.
        Duration::from_millis(next.saturating_sub(now_ms).max(1))
    }
}

/// How often a sink is served that still has something to make durable.
const SINK_POLL_MS: u64 = 5;

/// How often a full sink is offered more.
const BLOCKED_POLL_MS: u64 = 2;
