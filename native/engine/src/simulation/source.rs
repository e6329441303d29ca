use std::sync::Arc;

use millrace_io::{Error, Poll, Position, Receiver, Record, Restored, Result, Source, SourcePlace, Split};
use millrace_plan::KafkaSource as Config;

use super::broker::{self, InputRecord};
use super::process::{Process, topics};
use super::world::SIMULATED;

/// The partitions of one slot. They end where the input does.
pub struct SimulatedSource {
    process: Arc<Process>,
    group: String,
    splits: Vec<Split>,
    /// By split: the index of the next record.
    next: Vec<usize>,
    paused: Vec<bool>,
    ended: Vec<bool>,
}

impl SimulatedSource {
    pub fn open(
        process: &Arc<Process>,
        config: &Config,
        place: &SourcePlace<'_>,
        restored: Option<&[Restored]>,
    ) -> Self {
        let state = process.world.lock();
        let group = config.group().unwrap().to_owned();
        let (mut splits, mut next) = (Vec::new(), Vec::new());
        let all =
            topics(config).iter().flat_map(|topic| (0..state.broker.inputs[topic].len()).map(move |p| (topic, p)));
        for (topic, partition) in all.enumerate().filter(|(i, _)| i % place.slots == place.slot).map(|(_, split)| split)
        {
            let committed = state.broker.position(&(group.clone(), topic.clone(), partition as i32)).cloned();
            let (start, metadata) = match restored {
                Some(restored) => {
                    let known = |at: &&Restored| at.resource == *topic && at.partition == partition as i32;
                    (restored.iter().find(known).map_or(0, |at| at.offset), None)
                }
                None => committed.map_or((0, None), |position| (position.offset, Some(position.metadata))),
            };
            next.push(state.broker.inputs[topic][partition].records.partition_point(|record| record.offset < start));
            let (name, resource) = (format!("{topic}, partition {partition}"), topic.clone());
            splits.push(Split { name, resource, partition: partition as i32, start, metadata });
        }
        drop(state);
        let count = splits.len();
        let (paused, ended) = (vec![false; count], vec![false; count]);
        SimulatedSource { process: process.clone(), group, splits, next, paused, ended }
    }

    /// Some records of a split, and whether they were all that is there, and the last.
    fn take(&mut self, split: usize) -> (Vec<InputRecord>, bool, bool) {
        let mut state = self.process.world.lock();
        let count = state.random.below(12) as usize;
        let Split { resource, partition, .. } = &self.splits[split];
        let input = &state.broker.inputs[resource][*partition as usize];
        let end = (self.next[split] + count).min(input.there.max(self.next[split]));
        let records = input.records[self.next[split]..end].to_vec();
        self.next[split] = end;
        (records, end == input.there, end == input.records.len())
    }
}

impl<R: Receiver> Source<R> for SimulatedSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn poll(&mut self, _max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error> {
        if self.process.is_dead() || self.process.world.lock().fault().is_some() {
            return Err(Error(format!("{SIMULATED} the source fails")).into());
        }
        let mut some = false;
        for split in 0..self.splits.len() {
            if self.paused[split] || self.ended[split] {
                continue;
            }
            let (records, is_all, is_end) = self.take(split);
            for record in &records {
                some = true;
                let (offset, timestamp) = (record.offset, Some(record.timestamp));
                receiver.record(Record { split, offset, timestamp, key: None, value: Some(&record.value) })?;
            }
            if is_end {
                self.ended[split] = true;
                receiver.end(split)?;
            } else if is_all {
                receiver.caught_up(split);
            }
        }
        Ok(match some {
            _ if self.ended.iter().all(|&ended| ended) => Poll::End,
            true => Poll::More,
            false => Poll::Empty { retry_after_ms: None },
        })
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        self.paused[split] = paused;
        Ok(())
    }

    fn commit(&mut self, positions: &[Position]) -> Result<()> {
        let mut state = self.process.world.lock();
        let queue = state.commits.entry(self.process.number).or_default();
        queue.extend(positions.iter().map(|Position { split, offset, metadata }| {
            let Split { resource, partition, .. } = &self.splits[*split];
            let position = broker::Position { offset: *offset, metadata: metadata.clone() };
            ((self.group.clone(), resource.clone(), *partition), position)
        }));
        Ok(())
    }

    fn close(&mut self, _timeout_ms: u64) -> Result<()> {
        self.process.world.lock().commit_of(self.process.number, u64::MAX);
        Ok(())
    }
}
