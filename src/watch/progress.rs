//! Decides whether a live playlist advances as fast as time does.

use std::collections::VecDeque;

use super::{
    clock::{Moment, Tick},
    condition::Evidence,
    sample::PlaylistSample,
};
use crate::time::seconds_between;

/// A playlist may be late after this many target durations without a change; before that, no change is normal (section 6.3.4).
const LATE: f64 = 1.5;
/// A next segment this far below the highest means that the stream restarted its numbers; a closer one may come from a stale cache.
const RESTART: u64 = 20;
/// Target durations by which the age of a healthy playlist varies between its updates.
const SAWTOOTH: f64 = 1.25;
/// A latency that is stable for this many seconds is the channel's own.
const STABLE: f64 = 60.0;
/// How many ages are remembered.
const MAX_AGES: usize = 64;

/// Why a channel is stale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Staleness {
    /// The playlist has EXT-X-ENDLIST.
    Ended,
    /// It does not advance.
    Standing,
    /// Its dates are this many seconds further behind the clock than usual.
    Behind(f64),
}

/// Follows a playlist.
#[derive(Debug, Default)]
pub struct Progress {
    /// The next Partial Segment: the highest one seen, and the one of the previous sample.
    highest: (u64, u64),
    previous: (u64, u64),
    /// When `highest` was first seen.
    advanced: Option<Moment>,
    latency: Latency,
}

impl Progress {
    /// After a gap, the time until now does not count.
    pub fn restart(&mut self, now: Moment) {
        self.advanced = self.advanced.map(|_| now);
        self.latency = Latency::default();
    }

    /// Compares a playlist with earlier ones. `limit` is in seconds.
    pub fn observe(&mut self, playlist: &PlaylistSample, tick: &Tick, limit: f64) -> (Evidence, Option<Staleness>) {
        let now = tick.now;
        let has_advanced = self.has_advanced(playlist.next);
        if has_advanced {
            self.advanced = Some(now);
        }
        let behind = self.latency.observe(playlist, now, limit);
        if playlist.has_ended {
            return (Evidence::For(now), Some(Staleness::Ended));
        }
        if let Some(seconds) = behind {
            return (Evidence::For(now), Some(Staleness::Behind(seconds)));
        }
        match self.advanced {
            _ if has_advanced => (Evidence::Against, None),
            Some(advanced) if now.seconds - advanced.seconds > LATE * playlist.target_duration => {
                (Evidence::For(advanced), Some(Staleness::Standing))
            }
            _ => (Evidence::Unchanged, None),
        }
    }

    fn has_advanced(&mut self, next: (u64, u64)) -> bool {
        let previous = std::mem::replace(&mut self.previous, next);
        let has_restarted = next.0.saturating_add(RESTART) < self.highest.0;
        // Two steps in a row below the highest: an encoder that restarted from a recent number
        let continues_below = next > previous && previous < self.highest && next < self.highest;
        let has_advanced = self.advanced.is_none() || next > self.highest || has_restarted || continues_below;
        if has_advanced {
            self.highest = next;
        }
        has_advanced
    }
}

/// The age of a playlist's end by its dates, compared with the channel's own latency.
#[derive(Debug, Default)]
struct Latency {
    /// The usual age for the channel, in seconds.
    usual: f64,
    /// Seconds of the clock, and age.
    ages: VecDeque<(f64, f64)>,
}

impl Latency {
    /// Seconds by which the playlist is later than usual, if that exceeds `limit`.
    fn observe(&mut self, playlist: &PlaylistSample, now: Moment, limit: f64) -> Option<f64> {
        let age = seconds_between(playlist.end_date?, now.time);
        let swing = SAWTOOTH * playlist.target_duration;
        match self.ages.back() {
            // Dates that jump back are a change of the dates, not a delay: no playlist ages faster than time
            Some((seconds, last)) if age - last > now.seconds - seconds + swing => self.begin_at(age),
            None => self.begin_at(age),
            _ => {}
        }
        self.usual = self.usual.min(age);
        if self.ages.back().is_none_or(|(seconds, _)| now.seconds - seconds >= 1.0) {
            self.ages.push_back((now.seconds, age));
        }
        while self.ages.len() > MAX_AGES || self.ages.get(1).is_some_and(|(seconds, _)| now.seconds - seconds >= STABLE) {
            self.ages.pop_front();
        }
        let (lowest, highest) = self.ages.iter().fold((age, age), |(low, high), (_, age)| (low.min(*age), high.max(*age)));
        let covered = self.ages.front().map_or(0.0, |(seconds, _)| now.seconds - seconds);
        if covered >= STABLE && highest - lowest <= swing {
            self.usual = lowest;
        }
        let behind = age - self.usual;
        (behind > limit + swing).then_some(behind)
    }

    fn begin_at(&mut self, age: f64) {
        self.ages.clear();
        self.usual = age;
    }
}
