//! The watermark of several inputs: partitions of a source, inputs of a union, senders of an exchange.

use crate::batch::{END_OF_TIME, Millis, NO_WATERMARK};

/// What one input has said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    pub time: Millis,
    /// Nothing comes from this input for now: it holds nobody back.
    pub idle: bool,
}

impl Watermark {
    pub const NONE: Watermark = Watermark { time: NO_WATERMARK, idle: false };
    pub const END: Watermark = Watermark { time: END_OF_TIME, idle: false };
}

/// Combines inputs: the least watermark of those that are active; when all are idle, the greatest of them, as whatever
/// the slower ones still have to say is unknown. The combination never goes back.
#[derive(Debug, Clone)]
pub struct Combined {
    inputs: Vec<Watermark>,
    current: Watermark,
}

impl Combined {
    pub fn new(inputs: usize) -> Self {
        // Without inputs there is nothing to wait for, but nothing to tell either.
        Combined { inputs: vec![Watermark::NONE; inputs], current: Watermark { time: NO_WATERMARK, idle: inputs == 0 } }
    }

    /// Adds inputs that are at these watermarks. All at once: the first alone must not decide how far time has come.
    pub fn add_inputs(&mut self, watermarks: impl IntoIterator<Item = Watermark>) {
        self.inputs.extend(watermarks);
        self.combine();
    }

    pub fn current(&self) -> Watermark {
        self.current
    }

    pub fn input(&self, input: usize) -> Watermark {
        self.inputs.get(input).copied().unwrap_or(Watermark::NONE)
    }

    /// Takes what `input` says; gives the combination when that changed it.
    pub fn update(&mut self, input: usize, watermark: Watermark) -> Option<Watermark> {
        let slot = self.inputs.get_mut(input)?;
        *slot = Watermark { time: slot.time.max(watermark.time), idle: watermark.idle };
        self.combine()
    }

    fn combine(&mut self) -> Option<Watermark> {
        // What has ended has nothing to say about how far the others are, unless all have.
        let running = || self.inputs.iter().filter(|w| w.time != END_OF_TIME);
        let next = match running().filter(|w| !w.idle).map(|w| w.time).min() {
            Some(time) => Watermark { time, idle: false },
            None => match running().map(|w| w.time).max() {
                Some(time) => Watermark { time, idle: true },
                None if self.inputs.is_empty() => Watermark { time: NO_WATERMARK, idle: true },
                None => Watermark::END,
            },
        };
        let next = Watermark { time: next.time.max(self.current.time), idle: next.idle };
        let changed = next != self.current;
        self.current = next;
        changed.then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(time: Millis) -> Watermark {
        Watermark { time, idle: false }
    }

    fn idle(time: Millis) -> Watermark {
        Watermark { time, idle: true }
    }

    #[test]
    fn the_slowest_active_input_decides() {
        let mut combined = Combined::new(2);
        assert_eq!(combined.update(0, active(10)), None);
        assert_eq!(combined.update(1, active(5)), Some(active(5)));
        assert_eq!(combined.update(1, active(20)), Some(active(10)));
    }

    #[test]
    fn an_idle_input_holds_nobody_back() {
        let mut combined = Combined::new(2);
        combined.update(0, active(10));
        assert_eq!(combined.update(1, idle(NO_WATERMARK)), Some(active(10)));
    }

    #[test]
    fn when_all_are_idle_the_fastest_decides() {
        let mut combined = Combined::new(2);
        combined.update(0, active(10));
        combined.update(1, active(30));
        combined.update(1, idle(30));
        assert_eq!(combined.update(0, idle(10)), Some(idle(30)));
    }

    #[test]
    fn an_input_that_comes_back_behind_does_not_turn_time_back() {
        let mut combined = Combined::new(2);
        combined.update(0, active(10));
        combined.update(1, idle(NO_WATERMARK));
        assert_eq!(combined.update(1, active(3)), None);
        assert_eq!(combined.current(), active(10));
    }

    #[test]
    fn inputs_that_are_added_ahead_of_one_another_wait_for_the_slowest() {
        let mut combined = Combined::new(0);
        combined.add_inputs([active(30), active(10), active(20)]);
        assert_eq!(combined.current(), active(10));
        combined.add_inputs([active(NO_WATERMARK)]);
        assert_eq!(combined.current(), active(10), "time does not turn back");
        assert_eq!(combined.update(1, active(40)), None);
    }

    #[test]
    fn an_input_that_has_ended_does_not_let_idle_ones_be_overtaken() {
        let mut combined = Combined::new(2);
        combined.update(0, Watermark::END);
        combined.update(1, active(10));
        assert_eq!(combined.update(1, idle(10)), Some(idle(10)));
        assert_eq!(combined.update(1, active(20)), Some(active(20)));
    }

    #[test]
    fn the_end_of_all_inputs_is_the_end() {
        let mut combined = Combined::new(2);
        combined.update(0, Watermark::END);
        assert_eq!(combined.update(1, Watermark::END), Some(Watermark::END));
    }
}
