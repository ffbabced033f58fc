//! The times for which a condition must hold before it becomes a channel's state.

use std::time::Duration;

use crate::channels::WatchOptions;

/// The times for which a condition must hold before it becomes the state of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Black pictures.
    pub black_for: Duration,
    /// Pictures of a single color.
    pub flat_for: Duration,
    /// The same picture.
    pub frozen_for: Duration,
    /// Sound that is missing or silent. `Duration::MAX` ignores the sound.
    pub silent_for: Duration,
    /// A playlist that does not advance, or falls behind. `None` is three target durations.
    pub stale_after: Option<Duration>,
    /// Failures in a row.
    pub down_after: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            black_for: Duration::from_secs(10),
            flat_for: Duration::from_secs(10),
            frozen_for: Duration::from_secs(20),
            silent_for: Duration::from_secs(20),
            stale_after: None,
            down_after: 3,
        }
    }
}

impl Thresholds {
    /// Overrides these thresholds with those in a channel's options.
    #[must_use]
    pub fn with(self, options: &WatchOptions) -> Self {
        Self {
            black_for: options.black_for.unwrap_or(self.black_for),
            flat_for: options.flat_for.unwrap_or(self.flat_for),
            frozen_for: options.frozen_for.unwrap_or(self.frozen_for),
            silent_for: options.silent_for.unwrap_or(self.silent_for),
            stale_after: options.stale_after.or(self.stale_after),
            down_after: options.down_after.unwrap_or(self.down_after),
        }
    }

    /// Seconds after which a playlist with this target duration, in seconds, is stale.
    pub(super) fn stale_seconds(&self, target_duration: f64) -> f64 {
        self.stale_after.map_or(3.0 * target_duration, |stale_after| stale_after.as_secs_f64())
    }
}
