//! How long a result may answer further requests, and the `Cache-Control` that follows from it.

use std::time::{Duration, Instant};

use crate::{
    capture::Freshness,
    error::{Error, ErrorKind},
};

/// The life of a recording's picture, which does not change.
const RECORDED: Duration = Duration::from_secs(3600);
/// The `max-age` of a recording's picture, in seconds.
const RECORDED_MAX_AGE: u64 = 86_400;
/// The life of a result that may be better next time, because Variants, segments or pictures were skipped.
const SECOND_BEST: Duration = Duration::from_secs(10);
/// The life of a live picture without known freshness, and of files of many live pictures.
const LIVE: Duration = Duration::from_secs(2);

/// How long a result is fresh, and how long it may be sent after that while a newer one is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    /// When its content was the newest.
    since: Instant,
    fresh: Duration,
    stale: Duration,
    /// The `max-age` for clients, in seconds.
    max_age: u64,
}

impl Life {
    /// The life of a result that was made now.
    pub fn of(fresh: Duration) -> Self {
        Self { since: Instant::now(), fresh, stale: Duration::ZERO, max_age: fresh.as_secs() }
    }

    /// The life of one picture. `is_second_best`: its notes name something that was skipped.
    pub fn of_picture(is_live: bool, freshness: Option<Freshness>, is_second_best: bool) -> Self {
        match freshness {
            Some(freshness) => {
                let fresh = freshness.due.saturating_duration_since(freshness.since);
                let stale = if is_second_best { Duration::ZERO } else { freshness.interval };
                Self { since: freshness.since, fresh, stale, max_age: fresh.as_secs() }
            }
            None if is_live => Self::of(LIVE),
            None if is_second_best => Self::of(SECOND_BEST),
            None => Self { max_age: RECORDED_MAX_AGE, ..Self::of(RECORDED) },
        }
    }

    /// The life of a file of many pictures.
    pub fn of_pictures(is_live: bool, failures: usize) -> Self {
        if is_live || failures > 0 { Self::of(LIVE) } else { Self::of_picture(false, None, false) }
    }

    /// The life of a failure: seconds, or zero if the client, a busy server or a bug is the cause.
    pub fn of_failure(error: &Error) -> Self {
        let seconds = match error.kind() {
            ErrorKind::Usage | ErrorKind::NotAllowed | ErrorKind::Internal | ErrorKind::Output => 0,
            // Without a URL, the request timed out while it waited for a permit
            ErrorKind::Timeout if error.url().is_none() => 0,
            ErrorKind::NotFound | ErrorKind::HttpStatus => 2,
            ErrorKind::Unreachable => 3,
            _ => 5,
        };
        Self::of(Duration::from_secs(seconds))
    }

    /// Whether it may answer, and no newer one is needed.
    pub fn is_fresh(&self) -> bool {
        self.since.elapsed() < self.fresh
    }

    /// Whether it may answer, fresh or while a newer one is made.
    pub fn is_usable(&self) -> bool {
        !self.left().is_zero()
    }

    /// The time for which it may still answer.
    pub fn left(&self) -> Duration {
        (self.fresh + self.stale).saturating_sub(self.since.elapsed())
    }

    /// The moment at which it stops being fresh.
    pub fn end_of_freshness(&self) -> Instant {
        self.since + self.fresh
    }

    /// `Cache-Control`.
    pub fn cache_control(&self) -> String {
        match self.stale.as_secs() {
            0 => format!("public, max-age={}", self.max_age),
            stale => format!("public, max-age={}, stale-while-revalidate={stale}", self.max_age),
        }
    }

    /// `Age` in seconds (RFC 9111, section 5.1). Rounded up, because `max-age` is rounded down: no cache keeps it longer than the server.
    pub fn age(&self) -> u64 {
        let age = self.since.elapsed();
        if self.max_age == RECORDED_MAX_AGE { age.as_secs() } else { (age + Duration::from_nanos(999_999_999)).as_secs() }
    }
}
