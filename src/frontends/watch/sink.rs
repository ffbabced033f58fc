//! Handles each round: stores its picture, updates the wall and the metrics, and prints and posts a change of state.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};

use super::{channel_metrics::ChannelMetrics, event_printer::EventPrinter, state_file::StateFile};
use crate::{
    channels::Channel,
    error::Error,
    frontends::deliver::Delivery,
    store::{ChannelName, Stores},
    watch::{Board, Event, KnownState, Round, RoundPicture, WatchSink, WebhookSender},
};

/// The time limit for storing one picture, because the channel's next round waits for it.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// The destinations of rounds.
pub(super) struct RoundSink {
    pub printer: Arc<EventPrinter>,
    pub webhooks: WebhookSender,
    /// With `--listen`.
    pub board: Option<Arc<Board>>,
    pub metrics: Option<Arc<ChannelMetrics>>,
    pub stores: Arc<Stores>,
    /// With `--state`.
    pub states: Option<Arc<StateFile>>,
    /// Whether the last picture could not be stored.
    pub is_store_failing: AtomicBool,
}

/// The outputs of a channel's pictures; `None` if it has none. Fails with `usage`.
pub(super) fn delivery(channel: &Channel) -> Result<Option<Delivery>, Error> {
    let output = channel.options.output.as_deref();
    output.map(|output| Delivery::of_channel(&channel.options, output)).transpose()
}

impl RoundSink {
    async fn try_store(&self, channel: &Channel, picture: RoundPicture) -> Result<Option<String>, Error> {
        let Some(delivery) = delivery(channel)? else { return Ok(None) };
        let RoundPicture { file, facts } = picture;
        let id = channel.shown_id();
        let name = ChannelName { line: channel.line, id: &id, name: channel.name.as_deref() };
        let report = delivery.deliver(file, facts, Some(name), &self.stores, STORE_TIMEOUT).await?;
        Ok(report.output)
    }

    fn send(&self, event: &Event) {
        match serde_json::to_vec(event) {
            Ok(json) => {
                let json = Bytes::from(json);
                self.webhooks.send(&event.channel, &json);
                self.printer.print(json);
            }
            Err(error) => tracing::error!("an event cannot be written as JSON: {error}"),
        }
    }
}

impl WatchSink for RoundSink {
    fn store<'a>(&'a self, channel: &'a Channel, picture: RoundPicture) -> BoxFuture<'a, Option<String>> {
        async move {
            let stored = self.try_store(channel, picture).await;
            let was_failing = self.is_store_failing.swap(stored.is_err(), Relaxed);
            stored.unwrap_or_else(|error| {
                // Warn once: on a full disk all pictures fail
                if !was_failing {
                    tracing::warn!("pictures cannot be stored: {}", error.one_line());
                }
                None
            })
        }
        .boxed()
    }

    fn round(&self, round: &Round) {
        if let Some(metrics) = &self.metrics {
            metrics.add(round);
        }
        if let Some(board) = &self.board {
            board.update(&round.channel.id, &round.sample, round.state, round.transition.as_ref());
        }
        if let Some(event) = &round.event {
            self.send(event);
            if let Some(states) = &self.states {
                states.set(&round.channel.id, KnownState { state: event.to, since: event.since });
            }
        }
    }
}
