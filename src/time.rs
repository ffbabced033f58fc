//! Media time with its unit, and the rounding of times.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Tolerance when comparing playlist times, in seconds: playlists round durations to a millisecond.
pub const TIME_TOLERANCE: f64 = 0.0005;

/// Milliseconds with three decimals.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Seconds with three decimals, rounded.
pub fn round_to_millisecond(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

/// Seconds with six decimals, rounded.
pub fn round_to_microsecond(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// Seconds with three decimals, cut off.
pub fn seconds_between(earlier: DateTime<Utc>, later: DateTime<Utc>) -> f64 {
    (later - earlier).num_milliseconds() as f64 / 1000.0
}

/// Seconds as chrono counts them, rounded to microseconds.
#[expect(clippy::cast_possible_truncation, reason = "a float outside of the range is saturated")]
pub fn time_delta(seconds: f64) -> TimeDelta {
    TimeDelta::microseconds((seconds * 1e6).round() as i64)
}

/// A date of RFC 3339 with milliseconds, in UTC.
pub fn rfc3339(date: DateTime<Utc>) -> String {
    date.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Duration of one timestamp tick in seconds, as a fraction (`AVStream.time_base`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBase {
    numerator: i32,
    denominator: i32,
}

impl TimeBase {
    /// `numerator / denominator` seconds; `None` unless both are positive.
    pub fn new(numerator: i32, denominator: i32) -> Option<Self> {
        (numerator > 0 && denominator > 0).then_some(Self { numerator, denominator })
    }
}

/// A presentation or decoding timestamp (pts, dts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    ticks: i64,
    base: TimeBase,
}

impl Timestamp {
    /// `ticks` units of `base`.
    pub fn new(ticks: i64, base: TimeBase) -> Self {
        Self { ticks, base }
    }

    /// The timestamp in seconds.
    pub fn seconds(self) -> f64 {
        self.ticks as f64 * f64::from(self.base.numerator) / f64::from(self.base.denominator)
    }
}
