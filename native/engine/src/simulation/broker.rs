//! Kafka as far as a job sees it: topics, the positions of groups, and transactions.

use std::collections::BTreeMap;

/// What a producer is told that another one has taken its id from; as the real one says it.
pub const FENCED: &str = "another worker of this job has taken over";

#[derive(Clone)]
pub struct InputRecord {
    pub offset: i64,
    pub timestamp: i64,
    pub value: Vec<u8>,
}

/// A partition that is read. What it will hold is known from the start; more and more of it is there.
#[derive(Default)]
pub struct Input {
    pub records: Vec<InputRecord>,
    pub there: usize,
}

struct Stored {
    /// `None`: it is visible at once.
    transaction: Option<usize>,
    value: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Committed,
    Aborted,
}

#[derive(Default)]
struct Producer {
    epoch: u64,
    ongoing: Option<usize>,
    /// Positions that the ongoing transaction commits.
    positions: Vec<(Place, Position)>,
}

/// A group, a topic and a partition.
pub type Place = (String, String, i32);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub offset: i64,
    pub metadata: String,
}

#[derive(Default)]
pub struct Broker {
    pub inputs: BTreeMap<String, Vec<Input>>,
    /// By topic and partition.
    outputs: BTreeMap<(String, u64), Vec<Stored>>,
    positions: BTreeMap<Place, Position>,
    /// By transactional id.
    producers: BTreeMap<String, Producer>,
    transactions: Vec<Fate>,
    /// What ought not to have happened.
    pub complaints: Vec<String>,
}

impl Broker {
    /// Fences whoever has the id, and aborts what it has open. Gives the new owner's epoch.
    pub fn take_over(&mut self, id: &str) -> u64 {
        let producer = self.producers.entry(id.into()).or_default();
        if let Some(ongoing) = producer.ongoing.take() {
            self.transactions[ongoing] = Fate::Aborted;
        }
        producer.positions.clear();
        producer.epoch += 1;
        producer.epoch
    }

    pub fn is_fenced(&self, id: &str, epoch: u64) -> bool {
        self.producers.get(id).is_some_and(|producer| producer.epoch != epoch)
    }

    fn ongoing(&mut self, id: &str, epoch: u64) -> Result<(usize, &mut Producer), String> {
        let Some(producer) = self.producers.get_mut(id).filter(|producer| producer.epoch == epoch) else {
            return Err(FENCED.into());
        };
        let transaction = *producer.ongoing.get_or_insert_with(|| {
            self.transactions.push(Fate::Open);
            self.transactions.len() - 1
        });
        Ok((transaction, producer))
    }

    pub fn append(&mut self, owner: Option<(&str, u64)>, to: (String, u64), value: Vec<u8>) -> Result<(), String> {
        let transaction = owner.map(|(id, epoch)| self.ongoing(id, epoch).map(|(number, _)| number)).transpose()?;
        self.outputs.entry(to).or_default().push(Stored { transaction, value });
        Ok(())
    }

    /// Adds positions to the ongoing transaction.
    pub fn add_positions(&mut self, id: &str, epoch: u64, positions: Vec<(Place, Position)>) -> Result<(), String> {
        self.ongoing(id, epoch)?.1.positions.extend(positions);
        Ok(())
    }

    /// Commits the ongoing transaction, its positions included.
    pub fn commit(&mut self, id: &str, epoch: u64) -> Result<(), String> {
        let (number, producer) = self.ongoing(id, epoch)?;
        producer.ongoing = None;
        let positions = std::mem::take(&mut producer.positions);
        self.transactions[number] = Fate::Committed;
        for (place, position) in positions {
            let before = self.positions.get(&place).map_or(i64::MIN, |before| before.offset);
            if position.offset < before {
                self.complaints.push(format!("{place:?} went back from {before} to {position:?}"));
            }
            self.set_position(place, position);
        }
        Ok(())
    }

    pub fn set_position(&mut self, place: Place, position: Position) {
        self.positions.insert(place, position);
    }

    pub fn position(&self, place: &Place) -> Option<&Position> {
        self.positions.get(place)
    }

    /// What a reader of committed records sees of each partition of a topic.
    pub fn committed(&self, topic: &str) -> Vec<Vec<&[u8]>> {
        let visible = |stored: &&Stored| stored.transaction.is_none_or(|t| self.transactions[t] == Fate::Committed);
        let of_topic = self.outputs.iter().filter(|((name, _), _)| name == topic);
        of_topic.map(|(_, log)| log.iter().filter(visible).map(|stored| stored.value.as_slice()).collect()).collect()
    }
}
