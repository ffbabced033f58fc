//! Turns rounds into Prometheus's metrics.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    channels::Channel,
    frontends::metrics::{ChannelFacts, WatchMetrics},
    watch::Round,
};

/// The metrics of the channels of a list.
pub(super) struct ChannelMetrics {
    metrics: Arc<WatchMetrics>,
    /// The list's ids.
    ids: Mutex<HashSet<String>>,
}

impl ChannelMetrics {
    pub fn new(metrics: Arc<WatchMetrics>, channels: &[Channel]) -> Self {
        let this = Self { metrics, ids: Mutex::default() };
        this.replace_channels(channels);
        this
    }

    /// Removes the families of channels that left the list.
    pub fn replace_channels(&self, channels: &[Channel]) {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh: HashSet<String> = channels.iter().map(Channel::shown_id).collect();
        ids.difference(&fresh).for_each(|id| self.metrics.remove(id));
        self.metrics.channels(channels.len());
        *ids = fresh;
    }

    pub fn add(&self, round: &Round) {
        self.metrics.round(round.lateness, round.duration, round.sample.failure.as_ref().map(|failure| failure.kind));
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let id = round.channel.shown_id();
        // The channel may have left the list during the round
        if !ids.contains(&id) {
            return;
        }
        let picture = round.sample.picture.as_ref();
        let facts = ChannelFacts {
            name: round.channel.name.as_deref(),
            group: round.channel.group.as_deref(),
            state: round.state.name(),
            age: round.sample.age_seconds(),
            last_picture: picture.map(|_| round.sample.time.timestamp_millis() as f64 / 1000.0),
            black_for: seconds(round.black_seconds),
            frozen_for: seconds(round.frozen_seconds),
        };
        self.metrics.channel(&id, &facts);
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
