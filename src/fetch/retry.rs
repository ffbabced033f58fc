//! Which responses are worth a retry, and when.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::{StatusCode, header::HeaderMap, header::RETRY_AFTER};

use crate::request::Limits;

/// The waits before the second, third, … attempt: 100 ms to 3 s, doubling, with jitter.
#[derive(Debug)]
pub(super) struct Retries(ExponentialBackoff);

impl Retries {
    pub fn new(limits: &Limits) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(3))
            .with_jitter()
            .with_max_times(usize::try_from(limits.retries).unwrap_or(usize::MAX));
        Self(builder.build())
    }

    /// The wait before the next attempt, at least the origin's `Retry-After`. `None` if no attempts are left.
    pub fn next_wait(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        self.0.next().map(|wait| retry_after.map_or(wait, |least| least.max(wait)))
    }
}

/// Whether a status may be different at the next attempt (RFC 9110, 15).
pub(super) fn is_transient_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The `Retry-After` header, in seconds or as a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}
