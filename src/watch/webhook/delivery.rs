//! Delivers one event to one receiver: attempts, and waits between them, until it is accepted, refused, or too old.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::Utc;
use tokio::sync::{Semaphore, watch};
use url::Url;

use super::{config::WebhookTiming, queue::QueuedEvent, signature::SigningKey};
use crate::fetch::{PostFailure, Poster};

/// One receiver, with all that its deliveries need.
pub(super) struct Receiver {
    pub url: Url,
    pub key: Option<SigningKey>,
    pub poster: Poster,
    pub timing: WebhookTiming,
    /// One for each attempt at the same time.
    pub permits: Semaphore,
    /// Whether the program is ending: then waits between attempts are cut short.
    pub is_closing: watch::Receiver<bool>,
}

/// The end of a delivery.
#[derive(Debug)]
pub(super) enum DeliveryEnd {
    Delivered,
    /// The receiver refused the event for good, or did not accept it in time.
    Dropped(PostFailure),
}

impl Receiver {
    /// Delivers an event. `count_retry` is called before each attempt but the first.
    pub async fn deliver(self: Arc<Self>, event: QueuedEvent, count_retry: impl Fn()) -> (QueuedEvent, DeliveryEnd) {
        let WebhookTiming { first_wait, longest_wait, give_up_after, .. } = self.timing;
        let mut waits =
            ExponentialBuilder::new().with_min_delay(first_wait).with_max_delay(longest_wait).with_jitter().without_max_times().build();
        loop {
            let failure = match self.attempt(&event).await {
                Ok(()) => return (event, DeliveryEnd::Delivered),
                Err(failure) => failure,
            };
            let wait = waits.next().unwrap_or(longest_wait).max(failure.retry_after.unwrap_or_default());
            if !failure.is_transient || event.queued_at.elapsed() + wait > give_up_after {
                return (event, DeliveryEnd::Dropped(failure));
            }
            tracing::info!("webhook: trying event {} again in {} ms: {}", event.id, wait.as_millis(), failure.error.one_line());
            self.wait(wait).await;
            count_retry();
        }
    }

    async fn attempt(&self, event: &QueuedEvent) -> Result<(), PostFailure> {
        // The semaphore is never closed
        let _permit = self.permits.acquire().await;
        let timestamp = Utc::now().timestamp();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("webhook-id", event.id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
        ];
        headers.extend(self.key.as_ref().map(|key| ("webhook-signature", key.sign(&event.id, timestamp, &event.body))));
        self.poster.post(&self.url, &headers, event.body.clone(), self.timing.attempt).await
    }

    /// Waits, but at most for the first wait once the program is ending.
    async fn wait(&self, wait: Duration) {
        let started = Instant::now();
        let mut is_closing = self.is_closing.clone();
        if tokio::time::timeout(wait, is_closing.wait_for(|closing| *closing)).await.is_ok() {
            tokio::time::sleep(self.timing.first_wait.min(wait).saturating_sub(started.elapsed())).await;
        }
    }
}
