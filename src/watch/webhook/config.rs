//! The receivers of webhooks, and the limits of their delivery.

use std::time::Duration;

use url::Url;

use super::signature::SigningKey;

/// Where events are posted, and how.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The receivers; each gets every event.
    pub urls: Vec<Url>,
    /// The key that signs events; `None` sends them unsigned.
    pub key: Option<SigningKey>,
    /// How many events wait for one receiver; further ones replace the oldest.
    pub capacity: usize,
    /// How many events of different channels one receiver gets at a time.
    pub parallel: usize,
    /// Times of attempts.
    pub timing: WebhookTiming,
}

/// The times of attempts.
#[derive(Debug, Clone, Copy)]
pub struct WebhookTiming {
    /// The longest that one attempt may take.
    pub attempt: Duration,
    /// The wait before the second attempt; each further one doubles it, with jitter.
    pub first_wait: Duration,
    /// The longest of these waits, unless the receiver's `Retry-After` is longer.
    pub longest_wait: Duration,
    /// An event is dropped this long after it was queued, but not before one attempt.
    pub give_up_after: Duration,
}

impl WebhookConfig {
    /// The usual limits.
    pub fn new(urls: Vec<Url>, key: Option<SigningKey>) -> Self {
        let timing = WebhookTiming {
            attempt: Duration::from_secs(10),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            give_up_after: Duration::from_secs(15 * 60),
        };
        Self { urls, key, capacity: 10_000, parallel: 8, timing }
    }
}
