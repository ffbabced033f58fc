//! How long what was made for one response may answer others, and what caches on the way are told about it.

use std::time::{Duration, Instant};

use crate::{
    capture::Freshness,
    error::{Error, ErrorKind},
};

/// A recording's pictures do not change.
const RECORDED: Duration = Duration::from_secs(3600);
/// What clients and caches may assume of them, in seconds.
const RECORDED_MAX_AGE: u64 = 86_400;
/// What may come out better next time: Variants, segments or pictures are missing.
const SECOND_BEST: Duration = Duration::from_secs(10);
/// A live picture whose playlist tells nothing, and files of many live pictures.
const LIVE: Duration = Duration::from_secs(2);

/// Until when a result is fresh, and until when it may still be sent while a newer one is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    /// When what it shows was the newest.
    since: Instant,
    fresh: Duration,
    stale: Duration,
    /// In seconds, for clients.
    max_age: u64,
}

impl Life {
    /// Of a result that was made now.
    pub fn of(fresh: Duration) -> Self {
        Self { since: Instant::now(), fresh, stale: Duration::ZERO, max_age: fresh.as_secs() }
    }

    /// Of one picture. `is_second_best`: notes say what was skipped.
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

    /// Of a file of many pictures.
    pub fn of_pictures(is_live: bool, failures: usize) -> Self {
        if is_live || failures > 0 { Self::of(LIVE) } else { Self::of_picture(false, None, false) }
    }

    /// Of a failure: seconds. Zero if the same request must be tried again: the client or a busy server is the cause.
    pub fn of_failure(error: &Error) -> Self {
        let seconds = match error.kind() {
            ErrorKind::Usage | ErrorKind::NotAllowed | ErrorKind::Internal | ErrorKind::Output => 0,
            // Without a URL nothing but the wait for this server failed
            ErrorKind::Timeout if error.url().is_none() => 0,
            ErrorKind::NotFound | ErrorKind::HttpStatus => 2,
            ErrorKind::Unreachable => 3,
            _ => 5,
        };
        Self::of(Duration::from_secs(seconds))
    }

    /// Whether it may answer without anything else.
    pub fn is_fresh(&self) -> bool {
        self.since.elapsed() < self.fresh
    }

    /// Whether it may answer, fresh or while a newer one is made.
    pub fn is_usable(&self) -> bool {
        !self.left().is_zero()
    }

    /// How long it may still answer.
    pub fn left(&self) -> Duration {
        (self.fresh + self.stale).saturating_sub(self.since.elapsed())
    }

    /// When it is no longer fresh.
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

    /// `Age` in seconds (RFC 9111, section 5.1). Rounded up, because `max-age` is rounded down: no cache keeps it longer than this.
    pub fn age(&self) -> u64 {
        let age = self.since.elapsed();
        if self.max_age == RECORDED_MAX_AGE { age.as_secs() } else { (age + Duration::from_nanos(999_999_999)).as_secs() }
    }
}
