//! Which epochs of a sink are durable, when what was written is confirmed in any order.

use std::collections::VecDeque;

/// Counts what each epoch has on its way.
#[derive(Debug, Default)]
pub struct Epochs {
    /// Epochs of which everything is stored, all from the first on.
    durable: u64,
    /// What is on its way, of the epochs from `durable` up to the current one, which is not in it.
    closed: VecDeque<u64>,
    current: u64,
}

impl Epochs {
    pub fn current(&self) -> u64 {
        self.durable + self.closed.len() as u64
    }

    pub fn add(&mut self, count: usize) {
        self.current += count as u64;
    }

    pub fn begin(&mut self) {
        self.closed.push_back(std::mem::take(&mut self.current));
        self.advance();
    }

    pub fn settle(&mut self, epoch: u64) {
        let Some(index) = epoch.checked_sub(self.durable) else { return };
        match self.closed.get_mut(index as usize) {
            Some(on_their_way) => *on_their_way -= 1,
            None => self.current -= 1,
        }
        self.advance();
    }

    fn advance(&mut self) {
        while self.closed.front() == Some(&0) {
            self.closed.pop_front();
            self.durable += 1;
        }
    }

    pub fn durable(&self) -> u64 {
        self.durable
    }
}

#[cfg(test)]
mod tests {
    use super::Epochs;

    #[test]
    fn an_epoch_is_durable_only_after_all_epochs_before_it() {
        let mut epochs = Epochs::default();
        epochs.add(2);
        epochs.begin();
        epochs.add(1);
        epochs.begin();
        epochs.settle(1);
        assert_eq!(epochs.durable(), 0);
        epochs.settle(0);
        assert_eq!(epochs.durable(), 0);
        epochs.settle(0);
        assert_eq!(epochs.durable(), 2);
    }

    #[test]
    fn records_confirmed_before_their_epoch_ends_do_not_count_for_the_next() {
        let mut epochs = Epochs::default();
        epochs.add(1);
        epochs.settle(0);
        epochs.begin();
        assert_eq!(epochs.durable(), 1);
        epochs.add(1);
        epochs.begin();
        assert_eq!((epochs.durable(), epochs.current()), (1, 2));
    }

    #[test]
    fn an_epoch_without_records_is_durable_at_once() {
        let mut epochs = Epochs::default();
        epochs.begin();
        epochs.begin();
        assert_eq!(epochs.durable(), 2);
    }
}
