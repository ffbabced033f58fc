//! Sends events to webhooks: signed, retried, in the order of each channel, and without blocking the watch.
//!
//! ```text
//! WebhookSender::send -> EventQueue (a lane for each channel) -> Receiver::deliver -> fetch::Poster
//! ```
//!
//! Events are kept only in memory: if the program ends before a receiver accepts them, they are lost, and counted.

mod config;
mod delivery;
mod queue;
mod signature;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinHandle,
};
use url::Url;

use crate::{
    error::{Error, redacted},
    fetch::Poster,
    hex::encode_hex,
};
pub use config::{WebhookConfig, WebhookTiming};
use delivery::{DeliveryEnd, Receiver};
use queue::EventQueue;
pub use signature::SigningKey;

/// The outcomes of events. An event counts once for each receiver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// Accepted with a status 2xx.
    pub delivered: u64,
    /// Attempts after the first one.
    pub retried: u64,
    /// Refused, too old, or pushed out of a full queue.
    pub dropped: u64,
    /// Waiting, or being delivered.
    pub queued: u64,
}

/// The delivery of events, which runs until this is dropped.
pub struct Webhook {
    sender: WebhookSender,
    closing: watch::Sender<bool>,
    deliveries: Vec<JoinHandle<()>>,
}

/// Takes events for all receivers. Cheap to clone.
#[derive(Clone)]
pub struct WebhookSender(Arc<[Arc<Outbox>]>);

/// The events of one receiver.
struct Outbox {
    queue: Mutex<EventQueue>,
    /// Notified of each new event.
    has_news: Notify,
    delivered: AtomicU64,
    retried: AtomicU64,
    dropped: AtomicU64,
}

impl Webhook {
    /// Starts the delivery on the current tokio runtime.
    pub fn start(config: &WebhookConfig, poster: &Poster) -> Self {
        let (closing, is_closing) = watch::channel(false);
        let start = |url: &Url| {
            let receiver = Arc::new(Receiver {
                url: url.clone(),
                key: config.key.clone(),
                poster: poster.clone(),
                timing: config.timing,
                permits: Semaphore::new(config.parallel.max(1)),
                is_closing: is_closing.clone(),
            });
            let outbox = Arc::new(Outbox::new(config.capacity));
            (Arc::clone(&outbox), tokio::spawn(deliver_all(outbox, receiver)))
        };
        let (outboxes, deliveries): (Vec<_>, _) = config.urls.iter().map(start).unzip();
        Self { sender: WebhookSender(outboxes.into()), closing, deliveries }
    }

    /// The sender of events.
    pub fn sender(&self) -> WebhookSender {
        self.sender.clone()
    }

    /// Delivers the waiting events, for at most `grace`. Returns how many events were lost, which is also logged.
    pub async fn shutdown(self, grace: Duration) -> u64 {
        // Receivers exist as long as the deliveries, which `self` ends
        let _ = self.closing.send(true);
        let emptied = join_all(self.sender.0.iter().map(|outbox| outbox.emptied()));
        let _ = tokio::time::timeout(grace, emptied).await;
        let lost = self.sender.counts().queued;
        if lost > 0 {
            tracing::warn!("webhook: {lost} events were not delivered before the end");
        }
        lost
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.deliveries.iter().for_each(JoinHandle::abort);
    }
}

impl WebhookSender {
    /// Queues an event of a channel for each receiver, and returns at once.
    pub fn send(&self, channel: &str, event_json: &Bytes) {
        let id = match message_id() {
            Ok(id) => id,
            Err(error) => return tracing::error!("webhook: {}", error.one_line()),
        };
        for outbox in self.0.iter() {
            let has_dropped = outbox.lock().push(channel, id.clone(), event_json.clone(), Instant::now());
            if has_dropped && outbox.dropped.fetch_add(1, Relaxed) == 0 {
                tracing::warn!("webhook: the queue is full; it drops the oldest events");
            }
            outbox.has_news.notify_one();
        }
    }

    /// The outcomes of all events until now.
    pub fn counts(&self) -> WebhookCounts {
        self.0.iter().fold(WebhookCounts::default(), |sum, outbox| WebhookCounts {
            delivered: sum.delivered + outbox.delivered.load(Relaxed),
            retried: sum.retried + outbox.retried.load(Relaxed),
            dropped: sum.dropped + outbox.dropped.load(Relaxed),
            queued: sum.queued + outbox.lock().len() as u64,
        })
    }
}

impl Outbox {
    fn new(capacity: usize) -> Self {
        let counter = AtomicU64::default;
        let queue = Mutex::new(EventQueue::new(capacity));
        Self { queue, has_news: Notify::new(), delivered: counter(), retried: counter(), dropped: counter() }
    }

    fn lock(&self) -> MutexGuard<'_, EventQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no event is left.
    async fn emptied(&self) {
        while self.lock().len() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Delivers the events of an outbox: those of one channel one after the other, those of different channels at the same time.
async fn deliver_all(outbox: Arc<Outbox>, receiver: Arc<Receiver>) {
    let mut deliveries = FuturesUnordered::new();
    loop {
        while let Some(event) = { outbox.lock().take() } {
            let outbox = Arc::clone(&outbox);
            deliveries.push(Arc::clone(&receiver).deliver(event, move || _ = outbox.retried.fetch_add(1, Relaxed)));
        }
        tokio::select! {
            () = outbox.has_news.notified() => {}
            Some((event, end)) = deliveries.next(), if !deliveries.is_empty() => {
                match end {
                    DeliveryEnd::Delivered => outbox.delivered.fetch_add(1, Relaxed),
                    DeliveryEnd::Dropped(failure) => {
                        let to = redacted(&receiver.url);
                        tracing::warn!("webhook: event {} was dropped: {}: {}, {to}", event.id, failure.error.kind(), failure.error.message());
                        outbox.dropped.fetch_add(1, Relaxed)
                    }
                };
                outbox.lock().finish(&event.channel);
            }
        }
    }
}

/// A message ID that is unique across all runs.
fn message_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(format!("msg_{}", encode_hex(&bytes)))
}
