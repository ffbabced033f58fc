//! The clock of a channel's samples: when each was taken, and whether the time before it was unobserved.

use chrono::{DateTime, Utc};

use crate::time::seconds_between;

/// An interval this many times as long as usual is a gap: the watch was suspended, or backed off.
const GAP: f64 = 3.0;
/// Seconds that an interval may always exceed the usual one by.
const JITTER: f64 = 2.0;

/// When a sample was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// By the calendar.
    pub time: DateTime<Utc>,
    /// In seconds, by a clock that never steps.
    pub seconds: f64,
}

/// One tick of the clock.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// The time of the sample.
    pub now: Moment,
    /// The usual interval between samples, in seconds.
    pub interval: f64,
    /// Whether nothing is known about the time since the previous sample.
    pub is_gap: bool,
}

impl Tick {
    /// Whether more than one sample is missing since a moment, in seconds.
    pub fn is_long_since(&self, seconds: f64) -> bool {
        self.now.seconds - seconds > GAP * self.interval + JITTER
    }
}

/// Measures the intervals between samples.
#[derive(Debug, Default)]
pub struct SampleClock {
    last: Option<Moment>,
    interval: Option<f64>,
}

impl SampleClock {
    /// Takes the time of a sample. Time that runs backwards is a gap, and so is a calendar that jumps.
    pub fn tick(&mut self, now: Moment) -> Tick {
        let Some(last) = self.last.replace(now) else { return Tick { now, interval: 0.0, is_gap: false } };
        let step = now.seconds - last.seconds;
        let usual = self.interval.unwrap_or(step);
        let limit = GAP * usual + JITTER;
        let is_gap = !(0.0..=limit).contains(&step) || (seconds_between(last.time, now.time) - step).abs() > limit;
        // One long interval may not make the next one look usual
        let interval = if step > 0.0 { step.min(2.0 * usual + JITTER) } else { usual };
        self.interval = (interval > 0.0).then_some(interval);
        Tick { now, interval: interval.min(usual).max(0.0), is_gap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::time_delta;

    fn gaps(seconds: &[f64]) -> Vec<bool> {
        let mut clock = SampleClock::default();
        let moment = |seconds: f64| Moment { time: DateTime::UNIX_EPOCH + time_delta(seconds), seconds };
        seconds.iter().map(|seconds| clock.tick(moment(*seconds)).is_gap).collect()
    }

    #[test]
    fn a_late_round_is_no_gap_and_a_suspended_watch_is_one() {
        assert_eq!(gaps(&[0.0, 10.0, 21.0, 30.0, 45.0, 55.0]), [false; 6]);
        assert_eq!(gaps(&[0.0, 10.0, 20.0, 3620.0, 3630.0]), [false, false, false, true, false]);
        assert_eq!(gaps(&[0.0, 2.0, 4.0, 24.0, 26.0, 28.0]), [false, false, false, true, false, false]);
        assert_eq!(gaps(&[100.0, 90.0, 100.0]), [false, true, false]);
    }

    #[test]
    fn a_calendar_that_jumps_is_a_gap() {
        let mut clock = SampleClock::default();
        let moment = |time: f64, seconds: f64| Moment { time: DateTime::UNIX_EPOCH + time_delta(time), seconds };
        let ticks = [(0.0, 0.0), (10.0, 10.0), (3620.0, 20.0), (3630.0, 30.0), (30.0, 40.0)];
        let gaps = ticks.map(|(time, seconds)| clock.tick(moment(time, seconds)).is_gap);
        assert_eq!(gaps, [false, false, true, false, true]);
    }
}
