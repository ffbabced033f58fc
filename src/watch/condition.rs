//! A condition with hysteresis: it takes time to begin and to end, and longer to end the more often it flaps.

use std::collections::VecDeque;

use super::clock::{Moment, Tick};

/// A condition ends after at least this many samples in a row without it.
const MIN_CLEAR_SAMPLES: u32 = 2;
/// A condition flaps if it began more than this many times recently.
const STEADY_BEGINNINGS: usize = 2;
/// Each further beginning doubles the time and the samples that it takes to end, at most this many times.
const MAX_DOUBLINGS: usize = 3;
/// "Recently", as a multiple of the time that the condition must hold to begin.
const RECENT: f64 = 30.0;

/// What one sample says about a condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// Nothing: the sample does not show it.
    None,
    /// Nothing new, such as the same segment again: the condition stays as it was.
    Unchanged,
    /// The condition does not hold.
    Against,
    /// It has held since this moment.
    For(Moment),
}

/// The requirements for a condition to begin.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Seconds for which it must hold.
    pub seconds: f64,
    /// Samples in a row that must find it.
    pub samples: u32,
}

/// A condition of a channel.
#[derive(Debug, Default)]
pub struct Condition {
    /// Since when it holds, even if not for long enough.
    began: Option<Moment>,
    /// Samples in a row that found it.
    samples: u32,
    is_active: bool,
    /// While active: since when samples do not find it.
    clear_since: Option<Moment>,
    clear_samples: u32,
    /// The last moments at which it became active, in seconds of the clock.
    beginnings: VecDeque<f64>,
    /// Seconds for which it held while active, and the moment up to which they are counted.
    held_seconds: f64,
    counted_to: f64,
    /// The last sample with evidence, in seconds of the clock.
    observed: Option<f64>,
}

impl Condition {
    /// Whether it has held for long enough, and has not ended yet.
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// Since when it holds.
    pub fn began(&self) -> Option<Moment> {
        self.began
    }

    /// Seconds for which it was observed to hold, while active.
    pub fn held_seconds(&self) -> f64 {
        self.held_seconds
    }

    /// Takes the evidence of a sample.
    pub fn observe(&mut self, evidence: Evidence, tick: &Tick, need: Need) {
        if evidence == Evidence::None {
            return;
        }
        let now = tick.now;
        let is_gap = tick.is_gap || self.observed.is_some_and(|observed| tick.is_long_since(observed));
        self.observed = Some(now.seconds);
        if is_gap {
            self.forget_gap(now);
        }
        // The condition may have begun at any time between the previous sample and this one, and intervals vary a little
        let slack = tick.interval.min(need.seconds) / 4.0;
        match evidence {
            Evidence::None | Evidence::Unchanged => return,
            Evidence::For(since) => {
                self.clear_since = None;
                self.clear_samples = 0;
                let began = *self.began.get_or_insert(if is_gap { now } else { since });
                self.samples = self.samples.saturating_add(1);
                if self.is_active {
                    self.held_seconds += (now.seconds - self.counted_to).max(0.0);
                } else if self.samples >= need.samples && now.seconds - began.seconds + slack >= need.seconds {
                    self.is_active = true;
                    self.held_seconds += now.seconds - began.seconds;
                    self.remember_beginning(tick, need);
                }
            }
            Evidence::Against if self.is_active => {
                let clear_since = *self.clear_since.get_or_insert(now);
                self.clear_samples += 1;
                let factor = 1_u32 << self.beginnings.len().saturating_sub(STEADY_BEGINNINGS).min(MAX_DOUBLINGS);
                let seconds = need.seconds / 2.0 * f64::from(factor);
                if self.clear_samples >= MIN_CLEAR_SAMPLES * factor && now.seconds - clear_since.seconds + slack >= seconds {
                    self.end();
                }
            }
            Evidence::Against => self.end(),
        }
        self.counted_to = now.seconds;
    }

    fn end(&mut self) {
        self.is_active = false;
        self.began = None;
        self.samples = 0;
        self.clear_since = None;
        self.clear_samples = 0;
    }

    fn remember_beginning(&mut self, tick: &Tick, need: Need) {
        let now = tick.now;
        self.beginnings.push_back(now.seconds);
        let duration = need.seconds.max(f64::from(need.samples) * tick.interval);
        self.beginnings.retain(|seconds| now.seconds - seconds <= RECENT * duration);
        if self.beginnings.len() > STEADY_BEGINNINGS + MAX_DOUBLINGS {
            self.beginnings.pop_front();
        }
    }

    /// Unobserved time counts neither for nor against the condition.
    fn forget_gap(&mut self, now: Moment) {
        self.counted_to = now.seconds;
        self.clear_since = None;
        self.clear_samples = 0;
        if !self.is_active {
            self.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::time::time_delta;

    const TEN: Need = Need { seconds: 10.0, samples: 2 };

    /// Whether the condition is active after each sample. Samples: `#` for, `.` against, `?` nothing, `=` nothing new; `~` is a gap.
    fn run(condition: &mut Condition, samples: &str, interval: f64) -> String {
        let (mut seconds, mut is_gap, mut active) = (0.0, false, String::new());
        for sample in samples.chars() {
            if sample == '~' {
                (seconds, is_gap) = (seconds + 3600.0, true);
                continue;
            }
            let now = Moment { time: DateTime::UNIX_EPOCH + time_delta(seconds), seconds };
            let evidence = match sample {
                '#' => Evidence::For(now),
                '.' => Evidence::Against,
                '=' => Evidence::Unchanged,
                _ => Evidence::None,
            };
            condition.observe(evidence, &Tick { now, interval, is_gap }, TEN);
            active.push(if condition.is_active() { '#' } else { '.' });
            (seconds, is_gap) = (seconds + interval, false);
        }
        active
    }

    fn states(samples: &str, interval: f64) -> String {
        run(&mut Condition::default(), samples, interval)
    }

    #[test]
    fn one_sample_decides_nothing_in_either_direction() {
        assert_eq!(states("..#....", 10.0), ".......");
        assert_eq!(states("..##.##..", 10.0), "...#####.");
        assert_eq!(states("..#?#.?.", 10.0), "....###.");
    }

    #[test]
    fn with_frequent_samples_the_time_decides() {
        assert_eq!(states("#####.", 2.0), "......");
        assert_eq!(states("######...", 2.0), ".....####");
        assert_eq!(states("######....", 2.0), ".....####.");
        // Jitter of 5 % of the interval
        let mut condition = Condition::default();
        for (seconds, is_active) in [(0.0, false), (9.5, true)] {
            let now = Moment { time: DateTime::UNIX_EPOCH, seconds };
            condition.observe(Evidence::For(now), &Tick { now, interval: 9.5, is_gap: false }, TEN);
            assert_eq!(condition.is_active(), is_active);
        }
    }

    #[test]
    fn time_in_a_gap_does_not_count() {
        assert_eq!(states("#~#.", 10.0), "...");
        assert_eq!(states("#~##", 10.0), "..#");
        assert_eq!(states("##.~.#", 10.0), ".####");
        // Nor does the time of samples without evidence
        assert_eq!(states("#?????#.", 10.0), "........");
        assert_eq!(states("#====##.", 10.0), ".....###");
        let mut condition = Condition::default();
        run(&mut condition, "###~##..", 10.0);
        assert!((condition.held_seconds() - 30.0).abs() < 0.01, "{}", condition.held_seconds());
    }

    #[test]
    fn a_flapping_condition_lasts() {
        assert_eq!(states("#.#.#.#.#.#.", 10.0), "............");
        let changes = |samples: &str| {
            let states = states(samples, 10.0);
            states.chars().zip(states.chars().skip(1)).filter(|(one, other)| one != other).count()
        };
        let flapping = "##..".repeat(40);
        assert!(changes(&flapping) <= 6, "{} changes", changes(&flapping));
        // It still ends
        assert!(states(&(flapping + &".".repeat(16)), 10.0).ends_with('.'));
    }
}
