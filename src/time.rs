//! Media time with its unit: never a bare integer.

/// The unit of a stream's timestamps in seconds, as a fraction (`AVStream.time_base`).
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

/// A moment on a stream's own clock: a pts or dts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    ticks: i64,
    base: TimeBase,
}

impl Timestamp {
    /// `ticks` of `base` after the clock's zero.
    pub fn new(ticks: i64, base: TimeBase) -> Self {
        Self { ticks, base }
    }

    /// Seconds after the clock's zero.
    pub fn seconds(self) -> f64 {
        self.ticks as f64 * f64::from(self.base.numerator) / f64::from(self.base.denominator)
    }

    /// `seconds` later.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a float outside of the range is saturated")]
    pub fn plus(self, seconds: f64) -> Self {
        let ticks = seconds * f64::from(self.base.denominator) / f64::from(self.base.numerator);
        Self { ticks: self.ticks.saturating_add(ticks.round() as i64), base: self.base }
    }

    /// Seconds from `earlier` to `self`; negative where `earlier` is the later one.
    pub fn since(self, earlier: Self) -> f64 {
        if self.base == earlier.base {
            Self { ticks: self.ticks.saturating_sub(earlier.ticks), base: self.base }.seconds()
        } else {
            self.seconds() - earlier.seconds()
        }
    }
}
