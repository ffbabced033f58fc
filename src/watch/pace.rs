//! The times of each channel's rounds: at an even pace, spread over the interval, so that the load is even too.

use std::time::Duration;

/// The times of one channel's rounds, counted from the start of the watch.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    every: Duration,
    due: Duration,
    /// Rounds that failed since the channel went down.
    failures: u32,
}

/// The longest interval between the rounds of a channel that is down, unless its own interval is longer.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

impl Pace {
    /// The pace of channel number `index`, from `now` on.
    pub fn new(every: Duration, index: u64, now: Duration) -> Self {
        let every = every.max(Duration::from_millis(1));
        Self { every, due: now + every.mul_f64(spread(index)), failures: 0 }
    }

    /// When the next round is due.
    pub fn due(&self) -> Duration {
        self.due
    }

    /// Ends a round at `now`, and sets the time of the next one. Skips times that have passed, so rounds never run at the same time or
    /// faster. The interval of a channel that is down doubles with each failure.
    pub fn advance(&mut self, now: Duration, is_down: bool) {
        self.failures = if is_down { self.failures.saturating_add(1) } else { 0 };
        let longest = MAX_BACKOFF.as_nanos() / self.every.as_nanos();
        self.due += multiple(self.every, (1 << self.failures.min(32)).min(longest.max(1)));
        if let Some(late) = now.checked_sub(self.due) {
            self.due += multiple(self.every, late.as_nanos() / self.every.as_nanos() + 1);
        }
    }
}

fn multiple(every: Duration, count: u128) -> Duration {
    every * u32::try_from(count).unwrap_or(u32::MAX)
}

/// The place of an index in the interval, 0 to 1. Van der Corput's sequence spreads any number of indices from 0 on evenly.
fn spread(index: u64) -> f64 {
    index.reverse_bits() as f64 / 2_f64.powi(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(10);

    fn seconds(count: f64) -> Duration {
        Duration::from_secs_f64(count)
    }

    #[test]
    fn channels_are_spread_over_the_interval() {
        let mut due: Vec<_> = (0..1000).map(|index| Pace::new(EVERY, index, Duration::ZERO).due()).collect();
        due.sort_unstable();
        let widest = due.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().expect("many");
        assert!(due[999] < EVERY && widest < seconds(0.02), "{widest:?}");
    }

    #[test]
    fn rounds_keep_their_pace_and_skip_moments_that_have_passed() {
        let mut pace = Pace::new(EVERY, 1, seconds(100.0));
        assert_eq!(pace.due(), seconds(105.0));
        pace.advance(seconds(106.0), false);
        assert_eq!(pace.due(), seconds(115.0));
        pace.advance(seconds(137.0), false);
        assert_eq!(pace.due(), seconds(145.0));
        pace.advance(seconds(155.0), false);
        assert_eq!(pace.due(), seconds(165.0), "a moment that is now has passed");
    }

    #[test]
    fn the_pace_of_a_channel_that_is_down_slows_and_comes_back() {
        let mut pace = Pace::new(EVERY, 0, Duration::ZERO);
        let mut waits = Vec::new();
        for is_down in [true, true, true, true, false, true] {
            let before = pace.due();
            pace.advance(before, is_down);
            waits.push(pace.due().saturating_sub(before).as_secs());
        }
        assert_eq!(waits, [20, 40, 60, 60, 10, 20]);
        let mut slow = Pace::new(seconds(90.0), 0, Duration::ZERO);
        slow.advance(Duration::ZERO, true);
        assert_eq!(slow.due(), seconds(90.0));
    }
}
