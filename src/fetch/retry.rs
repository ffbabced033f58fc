//! What is worth a second try, and how long to wait for it.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::{StatusCode, header::HeaderMap, header::RETRY_AFTER};

use crate::request::Limits;

/// The waits before the second, third, … try.
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

    /// How long to wait before the next try; `None` where there is none. `asked` is what the origin wants.
    pub fn next_wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.0.next().map(|wait| asked.map_or(wait, |asked| asked.max(wait)))
    }
}

/// Statuses that may be gone at the next try (RFC 9110, 15).
pub(super) fn is_transient_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok(),
    }
}
