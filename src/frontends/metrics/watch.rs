//! The metrics of `hlsnap watch`. Callers report in plain types.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};

use super::{
    Metrics,
    labels::{ChannelId, ChannelName, ChannelState, ResultOnly},
    seconds,
};
use crate::error::ErrorKind;

type Seconds = Gauge<f64, AtomicU64>;
type SecondsTotal = Counter<f64, AtomicU64>;

/// The states of a channel, in the contract's words.
const STATES: [&str; 7] = ["ok", "black", "flat", "frozen", "silent", "stale", "down"];

/// The facts about a channel after a round.
#[derive(Debug, Clone, Copy)]
pub(in crate::frontends) struct ChannelFacts<'a> {
    /// `None` shows the id.
    pub name: Option<&'a str>,
    pub group: Option<&'a str>,
    /// One of the contract's states.
    pub state: &'static str,
    /// Age of the newest picture in seconds.
    pub age: Option<f64>,
    /// When the newest picture was taken, in seconds since 1970.
    pub last_picture: Option<f64>,
    /// How long the channel has been black since its last round.
    pub black_for: Duration,
    /// How long the channel has been frozen since its last round.
    pub frozen_for: Duration,
}

/// The outcomes of all events until now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::frontends) struct DeliveryCounts {
    pub delivered: u64,
    pub retried: u64,
    pub dropped: u64,
    /// Waiting events.
    pub queued: u64,
}

/// The metrics of a watch. Those of a channel exist from its first round until [`remove`](Self::remove).
pub(in crate::frontends) struct WatchMetrics {
    up: Family<ChannelName, Gauge>,
    states: Family<ChannelState, Gauge>,
    ages: Family<ChannelId, Seconds>,
    black: Family<ChannelId, SecondsTotal>,
    frozen: Family<ChannelId, SecondsTotal>,
    last_pictures: Family<ChannelId, Seconds>,
    channels: Gauge,
    rounds: Family<ResultOnly, Counter>,
    lateness: Histogram,
    durations: Histogram,
    deliveries: Family<ResultOnly, Counter>,
    webhook_queue: Gauge,
    last_deliveries: Mutex<DeliveryCounts>,
    /// The labels that each id has now: name and group may change when the list is read again.
    shown: Mutex<HashMap<String, ChannelName>>,
}

impl fmt::Debug for WatchMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchMetrics").finish_non_exhaustive()
    }
}

impl WatchMetrics {
    /// Registers the metrics.
    pub fn new(metrics: &mut Metrics) -> Arc<Self> {
        let this = Self {
            up: Family::default(),
            states: Family::default(),
            ages: Family::default(),
            black: Family::default(),
            frozen: Family::default(),
            last_pictures: Family::default(),
            channels: Gauge::default(),
            rounds: Family::default(),
            lateness: Histogram::new([0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
            durations: seconds(),
            deliveries: Family::default(),
            webhook_queue: Gauge::default(),
            last_deliveries: Mutex::default(),
            shown: Mutex::default(),
        };
        this.register(metrics);
        Arc::new(this)
    }

    fn register(&self, metrics: &mut Metrics) {
        let registry = &mut metrics.registry;
        registry.register("hlsnap_channel_up", "0 if the channel is down, 1 otherwise", self.up.clone());
        registry.register("hlsnap_channel_state", "1 for the state of the channel, 0 for the others", self.states.clone());
        registry.register("hlsnap_channel_age_seconds", "Age of the newest picture", self.ages.clone());
        registry.register("hlsnap_channel_black_seconds", "How long the channel has been black", self.black.clone());
        registry.register("hlsnap_channel_frozen_seconds", "How long the channel has been frozen", self.frozen.clone());
        registry.register(
            "hlsnap_channel_last_picture_timestamp_seconds",
            "When the newest picture was taken, in seconds since 1970",
            self.last_pictures.clone(),
        );
        registry.register("hlsnap_watch_channels", "Channels of the list", self.channels.clone());
        registry.register("hlsnap_watch_rounds", "Rounds by how they ended", self.rounds.clone());
        registry.register("hlsnap_watch_lateness_seconds", "How much later than planned rounds began", self.lateness.clone());
        registry.register("hlsnap_watch_round_duration_seconds", "How long rounds took", self.durations.clone());
        registry.register("hlsnap_webhook_deliveries", "Events delivered and dropped, and attempts retried", self.deliveries.clone());
        registry.register("hlsnap_webhook_queue", "Events that wait for their delivery", self.webhook_queue.clone());
    }

    /// Sets the number of channels of the list.
    pub fn channels(&self, count: usize) {
        self.channels.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a round of any channel. `lateness` is the time from its due moment to its start; `failure` is why it has no picture.
    pub fn round(&self, lateness: Duration, duration: Duration, failure: Option<ErrorKind>) {
        self.lateness.observe(lateness.as_secs_f64());
        self.durations.observe(duration.as_secs_f64());
        self.rounds.get_or_create(&ResultOnly { result: failure.map_or("ok", ErrorKind::name) }).inc();
    }

    /// Sets the metrics of a channel. `id` is its shown id.
    pub fn channel(&self, id: &str, facts: &ChannelFacts<'_>) {
        let channel = ChannelName {
            channel: id.to_owned(),
            name: facts.name.unwrap_or(id).to_owned(),
            group: facts.group.unwrap_or_default().to_owned(),
        };
        self.show(&channel);
        self.up.get_or_create(&channel).set((facts.state != "down").into());
        for state in STATES {
            self.states.get_or_create(&with_state(&channel, state)).set((facts.state == state).into());
        }
        let id = ChannelId { channel: channel.channel };
        if let Some(age) = facts.age {
            self.ages.get_or_create(&id).set(age);
        }
        if let Some(time) = facts.last_picture {
            self.last_pictures.get_or_create(&id).set(time);
        }
        self.black.get_or_create(&id).inc_by(facts.black_for.as_secs_f64());
        self.frozen.get_or_create(&id).inc_by(facts.frozen_for.as_secs_f64());
    }

    /// Removes the families of a channel that left the list.
    pub fn remove(&self, id: &str) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(channel) = shown {
            self.hide(&channel);
        }
        let id = ChannelId { channel: id.to_owned() };
        self.ages.remove(&id);
        self.last_pictures.remove(&id);
        self.black.remove(&id);
        self.frozen.remove(&id);
    }

    /// Sets the outcomes of all events until now.
    pub fn webhook(&self, counts: DeliveryCounts) {
        let mut last = self.last_deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, counts);
        for (result, count, before) in [
            ("delivered", counts.delivered, before.delivered),
            ("retried", counts.retried, before.retried),
            ("dropped", counts.dropped, before.dropped),
        ] {
            self.deliveries.get_or_create(&ResultOnly { result }).inc_by(count.saturating_sub(before));
        }
        self.webhook_queue.set(i64::try_from(counts.queued).unwrap_or(i64::MAX));
    }

    /// Remembers a channel's labels, and removes families with the labels it had before.
    fn show(&self, channel: &ChannelName) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.get(&channel.channel) == Some(channel) {
            return;
        }
        if let Some(before) = shown.insert(channel.channel.clone(), channel.clone()) {
            self.hide(&before);
        }
    }

    fn hide(&self, channel: &ChannelName) {
        self.up.remove(channel);
        for state in STATES {
            self.states.remove(&with_state(channel, state));
        }
    }
}

fn with_state(channel: &ChannelName, state: &'static str) -> ChannelState {
    let ChannelName { channel, name, group } = channel.clone();
    ChannelState { channel, name, group, state }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: ChannelFacts<'_> = ChannelFacts {
        name: Some("News \"24\""),
        group: Some("news"),
        state: "black",
        age: Some(3.5),
        last_picture: Some(1_700_000_000.5),
        black_for: Duration::from_millis(10_500),
        frozen_for: Duration::ZERO,
    };

    fn lines(metrics: &Metrics, wanted: &str) -> Vec<String> {
        let text = metrics.text().unwrap_or_default();
        text.lines().filter(|line| !line.starts_with('#') && line.contains(wanted)).map(str::to_owned).collect()
    }

    #[test]
    fn a_channel_has_its_families_until_it_leaves_the_list() {
        let mut metrics = Metrics::new();
        let watch = WatchMetrics::new(&mut metrics);
        watch.channel("a", &FACTS);
        watch.channel("a", &FACTS);
        watch.channel("b", &ChannelFacts { name: None, group: None, state: "down", age: None, last_picture: None, ..FACTS });
        let of_a = lines(&metrics, "channel=\"a\"");
        for wanted in [
            r#"hlsnap_channel_up{channel="a",name="News \"24\"",group="news"} 1"#,
            r#"hlsnap_channel_state{channel="a",name="News \"24\"",group="news",state="black"} 1"#,
            r#"hlsnap_channel_state{channel="a",name="News \"24\"",group="news",state="ok"} 0"#,
            r#"hlsnap_channel_age_seconds{channel="a"} 3.5"#,
            r#"hlsnap_channel_black_seconds_total{channel="a"} 21.0"#,
            r#"hlsnap_channel_frozen_seconds_total{channel="a"} 0.0"#,
            r#"hlsnap_channel_last_picture_timestamp_seconds{channel="a"} 1700000000.5"#,
        ] {
            assert!(of_a.iter().any(|line| line == wanted), "{wanted} is not in {of_a:#?}");
        }
        assert_eq!(of_a.len(), 1 + STATES.len() + 4);
        assert_eq!(lines(&metrics, r#"up{channel="b",name="b",group=""} 0"#).len(), 1);
        watch.channel("a", &ChannelFacts { name: Some("Other"), ..FACTS });
        assert_eq!(lines(&metrics, "News").len(), 0, "the former name is gone");
        watch.remove("a");
        assert_eq!(lines(&metrics, "channel=\"a\"").len(), 0);
        assert_eq!(lines(&metrics, "channel=\"b\"").len(), 1 + STATES.len() + 2);
    }

    #[test]
    fn rounds_and_deliveries_are_counted() {
        let mut metrics = Metrics::new();
        let watch = WatchMetrics::new(&mut metrics);
        watch.channels(2);
        watch.round(Duration::from_millis(20), Duration::from_millis(300), None);
        watch.round(Duration::ZERO, Duration::from_secs(9), Some(ErrorKind::Timeout));
        watch.webhook(DeliveryCounts { delivered: 4, retried: 0, dropped: 0, queued: 9 });
        watch.webhook(DeliveryCounts { delivered: 5, retried: 1, dropped: 0, queued: 3 });
        for wanted in [
            "hlsnap_watch_channels 2",
            r#"hlsnap_watch_rounds_total{result="ok"} 1"#,
            r#"hlsnap_watch_rounds_total{result="timeout"} 1"#,
            r#"hlsnap_watch_lateness_seconds_bucket{le="0.05"} 2"#,
            "hlsnap_watch_round_duration_seconds_count 2",
            r#"hlsnap_webhook_deliveries_total{result="delivered"} 5"#,
            r#"hlsnap_webhook_deliveries_total{result="retried"} 1"#,
            "hlsnap_webhook_queue 3",
        ] {
            assert_eq!(lines(&metrics, wanted).len(), 1, "{wanted}: {:#?}", lines(&metrics, "hlsnap_w"));
        }
    }
}
