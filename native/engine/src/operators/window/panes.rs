//! How windows cut time. A pane is the longest stretch that no window begins or ends within; windows that overlap share
//! panes.

use millrace_plan::Window;

use crate::batch::{END_OF_TIME, Millis, NO_WATERMARK};

/// One pane's part of the events. Nearly all of a pane's events count in every window over it; one that comes when its
/// partition has already moved past some of these windows counts only in the later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaneId {
    pub start: Millis,
    /// The end of the first window that the events count in.
    pub from: Millis,
}

/// Tumbling and hopping windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Panes {
    size: Millis,
    slide: Millis,
    offset: Millis,
    length: Millis,
}

impl Panes {
    pub fn new(window: Window) -> Self {
        let length = greatest_common_divisor(window.size_ms, window.slide_ms);
        Panes { size: window.size_ms, slide: window.slide_ms, offset: window.offset_ms, length }
    }

    pub fn size(&self) -> Millis {
        self.size
    }

    /// One window is one pane.
    pub fn is_tumbling(&self) -> bool {
        self.size == self.length
    }

    pub fn start_of(&self, time: Millis) -> Millis {
        (time - self.offset).div_euclid(self.length) * self.length + self.offset
    }

    pub fn length(&self) -> Millis {
        self.length
    }

    /// The end of the first window over the pane.
    pub fn first_end(&self, start: Millis) -> Millis {
        let least_start = start + self.length - self.size;
        -(-(least_start - self.offset)).div_euclid(self.slide) * self.slide + self.offset + self.size
    }

    /// The end of the last window over the pane.
    pub fn last_end(&self, start: Millis) -> Millis {
        (start - self.offset).div_euclid(self.slide) * self.slide + self.offset + self.size
    }

    /// The ends of the windows over the pane that its events count in.
    pub fn ends(&self, pane: PaneId) -> impl Iterator<Item = Millis> {
        let (slide, last) = (self.slide, self.last_end(pane.start));
        std::iter::successors(Some(pane.from), move |end| Some(end + slide)).take_while(move |&end| end <= last)
    }

    /// The pane of an event whose partition had reached the watermark `reached`; `None`: all its windows are over.
    pub fn assign(&self, start: Millis, reached: Millis) -> Option<PaneId> {
        let first = self.first_end(start);
        if first > reached {
            return Some(PaneId { start, from: first });
        }
        let from = first + ((reached - first).div_euclid(self.slide) + 1) * self.slide;
        (from <= self.last_end(start)).then_some(PaneId { start, from })
    }
}

fn greatest_common_divisor(a: Millis, b: Millis) -> Millis {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Tells when everything that follows from an event has been emitted, through all windows downstream.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    /// The windows on each way from here to a sink, first to last.
    pub paths: Vec<Vec<Panes>>,
}

/// When an event settles, and up to which time (exclusive) later events settle with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub at: Millis,
    pub until: Millis,
}

impl Settlement {
    /// The least watermark at which nothing is to be emitted any more for an event at `time`.
    pub fn settles_at(&self, time: Millis) -> Millis {
        self.settles(time).at
    }

    pub fn settles(&self, time: Millis) -> Settled {
        let mut settled = Settled { at: NO_WATERMARK, until: END_OF_TIME };
        for path in &self.paths {
            if let Some(first) = path.first() {
                settled.until = settled.until.min(first.start_of(time) + first.length());
            }
            settled.at = settled.at.max(Self::along(path, time));
        }
        settled
    }

    fn along(path: &[Panes], time: Millis) -> Millis {
        let mut settled = NO_WATERMARK;
        let mut time = time;
        for panes in path {
            settled = panes.last_end(panes.start_of(time));
            time = settled - 1;
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panes(size_ms: i64, slide_ms: i64, offset_ms: i64) -> Panes {
        Panes::new(Window { size_ms, slide_ms, offset_ms })
    }

    #[test]
    fn a_tumbling_window_is_one_pane() {
        let tumbling = panes(10, 10, 0);
        assert_eq!(tumbling.start_of(19), 10);
        assert_eq!(tumbling.start_of(-1), -10);
        assert_eq!((tumbling.first_end(10), tumbling.last_end(10)), (20, 20));
    }

    #[test]
    fn an_offset_moves_the_windows() {
        let tumbling = panes(10, 10, 3);
        assert_eq!(tumbling.start_of(12), 3);
        assert_eq!(tumbling.last_end(3), 13);
    }

    #[test]
    fn hopping_windows_share_panes() {
        let hopping = panes(60, 10, 0);
        assert_eq!(hopping.start_of(25), 20);
        assert_eq!((hopping.first_end(20), hopping.last_end(20)), (30, 80));
        let pane = hopping.assign(20, NO_WATERMARK).unwrap();
        assert_eq!(hopping.ends(pane).collect::<Vec<_>>(), [30, 40, 50, 60, 70, 80]);
    }

    #[test]
    fn a_slide_that_does_not_divide_the_size_makes_smaller_panes() {
        let hopping = panes(10, 4, 0);
        assert_eq!(hopping.length(), 2);
        let ends = |start| hopping.ends(hopping.assign(start, NO_WATERMARK).unwrap()).collect::<Vec<_>>();
        assert_eq!(ends(0), [2, 6, 10]);
        assert_eq!(ends(2), [6, 10]);
        assert_eq!(ends(4), [6, 10, 14]);
    }

    #[test]
    fn an_event_counts_in_the_windows_that_its_partition_has_not_passed() {
        let hopping = panes(60, 10, 0);
        assert_eq!(hopping.assign(20, 29).map(|p| p.from), Some(30));
        assert_eq!(hopping.assign(20, 30).map(|p| p.from), Some(40));
        assert_eq!(hopping.assign(20, 79).map(|p| p.from), Some(80));
        assert_eq!(hopping.assign(20, 80), None);
    }

    #[test]
    fn an_event_settles_with_the_last_window_on_its_way() {
        let settlement = Settlement { paths: vec![vec![panes(10, 10, 0)], vec![panes(10, 10, 0), panes(60, 60, 0)]] };
        assert_eq!(settlement.settles(25), Settled { at: 60, until: 30 });
        assert_eq!(Settlement::default().settles_at(25), NO_WATERMARK);
    }
}
