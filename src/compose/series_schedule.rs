//! The moments of a live series, at a regular interval, each once.

use crate::{
    capture::LiveTimeline,
    error::{Error, ErrorKind},
};

/// A moment of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NumberedMoment {
    /// From 0.
    pub index: u64,
    /// In seconds from the start of the playlist; of a live stream, of the first one.
    pub seconds: f64,
}

/// The moments of a live series that are still to come, on the stream's timeline.
#[derive(Debug, Clone)]
pub(super) struct LiveSchedule {
    start: f64,
    interval: f64,
    /// The series ends before this moment.
    end: f64,
    /// The number of moments in all.
    max: u64,
    next: u64,
}

/// Moments that no playlist has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hole {
    pub first: NumberedMoment,
    pub moments: u64,
    /// Where the stream goes on.
    pub until: f64,
}

/// More moments are captured in several steps, so that memory stays flat.
const MAX_AT_ONCE: usize = 64;

impl LiveSchedule {
    /// A moment every `interval` seconds from `start` on.
    pub fn new(start: f64, interval: f64, end: f64, max: Option<usize>) -> Self {
        Self { start, interval, end, max: max.map_or(u64::MAX, |max| max as u64), next: 0 }
    }

    /// The next moments whose segments are available.
    pub fn take_available(&mut self, timeline: &LiveTimeline) -> Vec<NumberedMoment> {
        let mut taken = Vec::new();
        while taken.len() < MAX_AT_ONCE
            && let Some(moment) = self.peek()
            && timeline.is_available(moment.seconds)
        {
            taken.push(moment);
            self.next += 1;
        }
        taken
    }

    /// Passes over the moments before the start of the window: they were missed.
    pub fn take_hole(&mut self, timeline: &LiveTimeline) -> Option<Hole> {
        let until = timeline.window_start();
        let first = self.peek().filter(|first| first.seconds < until)?;
        let last = until.min(self.end);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float outside of the range is saturated")]
        let passed = ((last - first.seconds) / self.interval).ceil().max(1.0) as u64;
        let moments = passed.min(self.max - self.next);
        self.next += moments;
        Some(Hole { first, moments, until })
    }

    /// Whether no moment is left.
    pub fn is_done(&self) -> bool {
        self.peek().is_none()
    }

    /// Counts the first moment as taken.
    pub fn take_first(&mut self) -> Option<NumberedMoment> {
        let first = self.peek();
        self.next += u64::from(first.is_some());
        first
    }

    fn peek(&self) -> Option<NumberedMoment> {
        let seconds = self.start + self.next as f64 * self.interval;
        (self.next < self.max && seconds < self.end).then_some(NumberedMoment { index: self.next, seconds })
    }
}

impl Hole {
    /// Why its moments have no pictures.
    pub fn error(&self) -> Error {
        let (from, until, moments) = (self.first.seconds, self.until, self.moments);
        let message = format!("the stream has nothing from {from:.3} s to {until:.3} s: {moments} moments were missed");
        Error::new(ErrorKind::NotFound, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(taken: &[NumberedMoment]) -> Vec<(u64, f64)> {
        taken.iter().map(|moment| (moment.index, moment.seconds)).collect()
    }

    #[test]
    fn each_moment_is_taken_once_and_as_soon_as_it_is_available() {
        let mut schedule = LiveSchedule::new(4.0, 2.0, f64::INFINITY, Some(4));
        assert_eq!(moments(&schedule.take_available(&LiveTimeline::with_window(0.0, 6.5))), [(0, 4.0), (1, 6.0)]);
        assert_eq!(moments(&schedule.take_available(&LiveTimeline::with_window(2.0, 6.5))), []);
        assert_eq!(moments(&schedule.take_available(&LiveTimeline::with_window(4.0, 30.0))), [(2, 8.0), (3, 10.0)]);
        assert!(schedule.is_done());
    }

    #[test]
    fn moments_before_the_window_are_one_hole() {
        let mut schedule = LiveSchedule::new(0.0, 2.0, 100.0, None);
        assert_eq!(schedule.take_hole(&LiveTimeline::with_window(0.0, 6.0)), None);
        let hole = schedule.take_hole(&LiveTimeline::with_window(7.0, 9.0)).expect("a hole");
        assert_eq!((hole.first.index, hole.moments), (0, 4));
        assert_eq!(moments(&schedule.take_available(&LiveTimeline::with_window(7.0, 9.0))), [(4, 8.0)]);
        // The series ends within the hole
        let hole = schedule.take_hole(&LiveTimeline::with_window(1000.0, 1002.0)).expect("a hole");
        assert_eq!((hole.moments, schedule.is_done()), (45, true));
    }
}
