//! Runs the rounds of all channels, each in a task of its own.

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::task::JoinHandle;
use url::Url;

use super::{
    event::Event,
    pace::Pace,
    round::{ChannelHistory, Round, RoundPicture, RoundStart},
    state::{ChannelState, KnownState, StateMachine},
    thresholds::Thresholds,
};
use crate::{
    capture::{ChannelProbe, Probe},
    channels::Channel,
    error::{Error, ErrorKind},
    fetch::{Client, HostPermits},
    report::Cost,
    request::{SnapshotRequest, Source},
};

/// How channels are watched, unless their own options say otherwise.
#[derive(Debug, Clone)]
pub(crate) struct WatchConfig {
    /// From one round of a channel to the next.
    pub every: Duration,
    /// When a state is reported.
    pub thresholds: Thresholds,
    /// Rounds at the same time.
    pub jobs: usize,
    /// Of these, rounds of one host and port.
    pub per_host: usize,
    /// Rounds that begin in a second; `None` is no limit.
    pub rate: Option<f64>,
    /// What an earlier watch has reported, by the channels' ids.
    pub known_states: HashMap<String, KnownState>,
}

/// The shortest time that a round may take, unless the channel's timeout is shorter.
const MIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What happens to the rounds.
pub(crate) trait WatchSink: Send + Sync + 'static {
    /// Stores the picture of a round, and returns the name of its destination, if it has one. The channel's next round waits for it.
    fn store<'a>(&'a self, channel: &'a Channel, picture: RoundPicture) -> BoxFuture<'a, Option<String>>;

    /// A round is over. Returns at once.
    fn round(&self, round: &Round);
}

/// Channels that are watched until it is dropped.
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    channels: HashMap<String, WatchedChannel>,
    /// How many channels were started.
    started: u64,
}

struct Shared {
    config: WatchConfig,
    client: Client,
    sink: Arc<dyn WatchSink>,
    start: Instant,
    permits: HostPermits,
    /// For channels whose last round failed, so that a hanging host cannot delay the others.
    failing_permits: HostPermits,
}

struct WatchedChannel {
    channel: Arc<Channel>,
    task: JoinHandle<()>,
}

/// How a new list differs from the old one, in channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ListChange {
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
}

impl Watcher {
    /// Starts to watch. Needs a tokio runtime with I/O and time enabled. Fails with `usage` if a channel's request is invalid.
    pub fn start(config: WatchConfig, client: Client, channels: Vec<Channel>, sink: Arc<dyn WatchSink>) -> Result<Self, Error> {
        let shared = Shared {
            permits: HostPermits::new(config.jobs, config.per_host, config.rate)?,
            failing_permits: HostPermits::new(config.jobs.div_ceil(2), config.per_host.div_ceil(2), config.rate)?,
            config,
            client,
            sink,
            start: Instant::now(),
        };
        let mut watcher = Self { shared: Arc::new(shared), channels: HashMap::new(), started: 0 };
        watcher.replace(channels)?;
        Ok(watcher)
    }

    /// Watches another list. Channels that are the same go on as they are. Changes nothing if a channel's request is invalid.
    pub fn replace(&mut self, channels: Vec<Channel>) -> Result<ListChange, Error> {
        let mut change = ListChange::default();
        let mut fresh = Vec::new();
        for channel in channels {
            let known = self.channels.get(&channel.id);
            if known.is_some_and(|known| *known.channel == channel) {
                fresh.push((channel.id, None));
                continue;
            }
            let probe = self.shared.probe(&channel)?;
            change.changed += usize::from(known.is_some());
            change.added += usize::from(known.is_none());
            fresh.push((channel.id.clone(), Some((channel, probe))));
        }
        let ids: HashSet<String> = fresh.iter().map(|(id, _)| id.clone()).collect();
        change.removed = self.channels.keys().filter(|id| !ids.contains(*id)).count();
        self.channels.retain(|id, _| ids.contains(id));
        for (id, (channel, probe)) in fresh.into_iter().filter_map(|(id, new)| Some((id, new?))) {
            self.channels.insert(id, self.shared.spawn(Arc::new(channel), probe, self.started));
            self.started += 1;
        }
        Ok(change)
    }
}

impl Drop for WatchedChannel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A channel's probe, and the URL that decides on its host.
type ChannelSource = (ChannelProbe, Url);

impl Shared {
    fn probe(&self, channel: &Channel) -> Result<ChannelSource, Error> {
        let request = self.request(channel)?;
        let Source::Url(url) = &request.source else {
            return Err(Error::usage(
                format!("line {}: a channel has no URL", channel.line),
                "give the http:// or https:// URL of a playlist",
            ));
        };
        self.client.check(url)?;
        let url = url.clone();
        Ok((ChannelProbe::new(request, self.client.clone())?, url))
    }

    fn request(&self, channel: &Channel) -> Result<SnapshotRequest, Error> {
        let url = channel.options.url.as_deref().unwrap_or_default();
        let mut request = channel.options.request(Source::parse(url)?, None);
        // The next round is due then
        request.limits.timeout = request.limits.timeout.min(self.every(channel).max(MIN_TIMEOUT));
        Ok(request)
    }

    fn every(&self, channel: &Channel) -> Duration {
        channel.watch.every.unwrap_or(self.config.every)
    }

    fn spawn(self: &Arc<Self>, channel: Arc<Channel>, source: ChannelSource, index: u64) -> WatchedChannel {
        let task = tokio::spawn(Arc::clone(self).watch(Arc::clone(&channel), source, index));
        WatchedChannel { channel, task }
    }

    /// Runs the rounds of one channel until the task is aborted.
    async fn watch(self: Arc<Self>, channel: Arc<Channel>, (mut probe, url): ChannelSource, index: u64) {
        let mut pace = Pace::new(self.every(&channel), index, self.start.elapsed());
        let thresholds = self.config.thresholds.clone().with(&channel.watch);
        let mut machine = StateMachine::new(thresholds, channel.is_static);
        if let Some(known) = self.config.known_states.get(&channel.id) {
            machine.restore(*known);
        }
        let mut history = ChannelHistory::new(machine, index);
        let mut is_failing = false;
        loop {
            tokio::time::sleep_until((self.start + pace.due()).into()).await;
            let permits = if is_failing { &self.failing_permits } else { &self.permits };
            // Fails if the semaphore is closed, which never happens
            let Ok(permit) = permits.acquire(&url).await else { return };
            let start = RoundStart { time: Utc::now(), elapsed: self.start.elapsed() };
            // A panic fails one round, not the channel
            let probed = AssertUnwindSafe(probe.sample(history.listens())).catch_unwind().await;
            let probed = probed.unwrap_or_else(|_| Probe::failed(Error::internal("hlsnap panicked"), Cost::default()));
            drop(permit);
            let duration = self.start.elapsed().saturating_sub(start.elapsed);
            is_failing = probed.failure.as_ref().is_some_and(|error| error.kind() == ErrorKind::Timeout);

            let (sample, picture) = history.sample(start, probed);
            let stored = match picture {
                Some(picture) => self.sink.store(&channel, picture).await,
                None => None,
            };
            let before = (history.machine.black_seconds(), history.machine.frozen_seconds());
            let transition = history.machine.observe(&sample);
            let round = Round {
                event: transition.clone().map(|transition| Event::new(&channel, transition, &sample, stored)),
                transition,
                state: history.machine.state(),
                black_seconds: history.machine.black_seconds() - before.0,
                frozen_seconds: history.machine.frozen_seconds() - before.1,
                lateness: start.elapsed.saturating_sub(pace.due()),
                channel: Arc::clone(&channel),
                sample,
                duration,
            };
            self.sink.round(&round);
            pace.advance(self.start.elapsed(), round.state == ChannelState::Down);
        }
    }
}
