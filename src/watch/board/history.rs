//! The last hour of one channel, in a few kilobytes: one point for each round, and the changes of state.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::json;
use crate::{
    error::ErrorKind,
    watch::{ChannelState, Sample, Transition},
};

const SECONDS: i64 = 3600;
/// At a faster pace some points are left out, but none that begins or ends a state.
const SECONDS_PER_POINT: i64 = 5;
const MAX_CHANGES: usize = 64;
const MAX_POINTS: usize = 720 + 2 * MAX_CHANGES;

/// The last hour.
#[derive(Debug, Default)]
pub(super) struct History {
    points: VecDeque<Point>,
    changes: VecDeque<Change>,
}

/// One round in 8 bytes.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// Seconds since 1970.
    seconds: u32,
    /// Age of the picture in seconds by Program Date Time, at most 65,534.
    age: u16,
    /// Mean luma, 0 to 254.
    luma: u8,
    state: ChannelState,
}

const NONE_8: u8 = u8::MAX;
const NONE_16: u16 = u16::MAX;

/// A change of state.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Change {
    #[serde(serialize_with = "json::date")]
    time: DateTime<Utc>,
    from: ChannelState,
    to: ChannelState,
    #[serde(serialize_with = "json::date")]
    since: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::kind_name")]
    kind: Option<ErrorKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// The history as JSON.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HistoryView {
    /// Length of the history.
    seconds: i64,
    /// One for each round: seconds since 1970, state, mean luma (0 to 1), age of the picture in seconds.
    points: Vec<(u32, ChannelState, Option<f64>, Option<u16>)>,
    /// Newest last.
    changes: Vec<Change>,
}

impl Change {
    /// The change that a sample of this time caused.
    pub fn new(transition: &Transition, time: DateTime<Utc>) -> Self {
        let Transition { from, to, since, kind, message } = transition.clone();
        Self { time, from, to, since, kind, message }
    }

    /// When the state began.
    pub fn since(&self) -> DateTime<Utc> {
        self.since
    }

    pub fn message(&self) -> Option<&String> {
        self.message.as_ref()
    }
}

impl Point {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the type's range")]
    fn new(sample: &Sample, state: ChannelState) -> Self {
        let luma = sample.picture.as_ref().map(|picture| (picture.verdict.mean_luma.clamp(0.0, 1.0) * 254.0).round() as u8);
        Self {
            seconds: u32::try_from(sample.time.timestamp()).unwrap_or(0),
            age: sample.age_seconds().map_or(NONE_16, |age| age.clamp(0.0, 65534.0) as u16),
            luma: luma.unwrap_or(NONE_8),
            state,
        }
    }
}

impl History {
    /// Adds a round, and drops rounds and changes that are older than an hour.
    pub fn push(&mut self, sample: &Sample, state: ChannelState, change: Option<Change>) {
        let point = Point::new(sample, state);
        // If the clock was set back, the round is not early
        let passed = |last: &Point| i64::from(point.seconds) - i64::from(last.seconds);
        let is_early = |last: &Point| (0..SECONDS_PER_POINT).contains(&passed(last)) && last.state == state;
        if !self.points.back().is_some_and(is_early) {
            self.points.push_back(point);
        }
        self.changes.extend(change);
        let oldest = sample.time.timestamp() - SECONDS;
        while self.points.len() > MAX_POINTS || self.points.front().is_some_and(|point| i64::from(point.seconds) < oldest) {
            self.points.pop_front();
        }
        while self.changes.len() > MAX_CHANGES || self.changes.front().is_some_and(|change| change.time.timestamp() < oldest) {
            self.changes.pop_front();
        }
    }

    pub fn view(&self) -> HistoryView {
        let luma = |luma: u8| (luma != NONE_8).then(|| (f64::from(luma) / 2.54).round() / 100.0);
        let point = |point: &Point| (point.seconds, point.state, luma(point.luma), Some(point.age).filter(|age| *age != NONE_16));
        HistoryView { seconds: SECONDS, points: self.points.iter().map(point).collect(), changes: self.changes.iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn push(history: &mut History, seconds: i64, state: ChannelState) {
        let time = DateTime::UNIX_EPOCH + TimeDelta::seconds(1_800_000_000 + seconds);
        let sample = Sample { time, seconds: 0.0, playlist: None, picture: None, failure: None, requests: 0, bytes: 0 };
        let transition = Transition { from: ChannelState::Ok, to: state, since: time, kind: None, message: None };
        history.push(&sample, state, (state != ChannelState::Ok).then(|| Change::new(&transition, time)));
    }

    #[test]
    fn a_history_holds_an_hour_and_no_more() {
        let mut history = History::default();
        for round in 0..1000 {
            push(&mut history, 10 * round, ChannelState::Ok);
        }
        assert_eq!(history.view().points.len(), 361);
        assert_eq!(size_of::<Point>(), 8);
    }

    #[test]
    fn a_fast_pace_leaves_points_out_but_no_change_of_state() {
        let mut history = History::default();
        for second in 0..4000 {
            push(&mut history, second, if second % 100 == 0 { ChannelState::Black } else { ChannelState::Ok });
        }
        let view = history.view();
        assert!(view.points.len() <= MAX_POINTS, "{}", view.points.len());
        assert_eq!(view.points.iter().filter(|point| point.1 == ChannelState::Black).count(), view.changes.len());
        assert!((35..=37).contains(&view.changes.len()), "{}", view.changes.len());
    }
}
