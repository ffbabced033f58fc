//! Runs the rounds of all channels, each in a task of its own.

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

/// The defaults of all channels, and the limits of the watch.
#[derive(Debug, Clone)]
pub(crate) struct WatchConfig {
    /// The time from one round of a channel to the next.
    pub every: Duration,
    /// The times before a state is reported.
    pub thresholds: Thresholds,
    /// How many rounds run at a time.
    pub jobs: usize,
    /// How many of these with one host and port.
    pub per_host: usize,
    /// How many rounds start in a second; `None` is no limit.
    pub rate: Option<f64>,
    /// The states that an earlier watch has reported, by the channels' ids.
    pub known_states: HashMap<String, KnownState>,
}

/// A short interval does not cut the timeout of a round below this.
const MIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Receives the results of rounds.
pub(crate) trait WatchSink: Send + Sync + 'static {
    /// Stores the picture of a round, and returns the name of its destination, if it has one. The channel's next round starts after that.
    fn store<'a>(&'a self, channel: &'a Channel, picture: RoundPicture) -> BoxFuture<'a, Option<String>>;

    /// Receives a finished round. Returns at once.
    fn round(&self, round: &Round);
}

/// Watches channels until it is dropped.
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    channels: HashMap<String, WatchedChannel>,
    /// How many channels have been started.
    started: u64,
}

struct Shared {
    config: WatchConfig,
    client: Client,
    sink: Arc<dyn WatchSink>,
    start: Instant,
    permits: HostPermits,
    /// For channels whose last round timed out, so that a hanging host cannot delay the others.
    failing_permits: HostPermits,
    /// What has been reported, by the channels' ids.
    known_states: Mutex<HashMap<String, KnownState>>,
}

struct WatchedChannel {
    channel: Arc<Channel>,
    task: JoinHandle<()>,
}

/// A list whose channels can be watched.
pub(crate) struct PreparedList {
    ids: HashSet<String>,
    /// New and changed channels, by their ids.
    fresh: Vec<(String, (Channel, ChannelSource))>,
    change: ListChange,
}

/// The difference between a new list and the old one, in channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ListChange {
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
}

impl Watcher {
    /// Starts the watch. Needs a tokio runtime with I/O and time enabled. Fails with `usage` if a channel's request is invalid.
    pub fn start(config: WatchConfig, client: Client, channels: Vec<Channel>, sink: Arc<dyn WatchSink>) -> Result<Self, Error> {
        let permits = HostPermits::new(config.jobs, config.per_host, config.rate)?;
        let shared = Shared {
            failing_permits: permits.sharing_rate(config.jobs.div_ceil(2), config.per_host.div_ceil(2)),
            permits,
            known_states: Mutex::new(config.known_states.clone()),
            config,
            client,
            sink,
            start: Instant::now(),
        };
        let mut watcher = Self { shared: Arc::new(shared), channels: HashMap::new(), started: 0 };
        let list = watcher.prepare(channels)?;
        watcher.replace(list);
        Ok(watcher)
    }

    /// Prepares another list. Fails with `usage` if a channel's request is invalid.
    pub fn prepare(&self, channels: Vec<Channel>) -> Result<PreparedList, Error> {
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
        let fresh = fresh.into_iter().filter_map(|(id, new)| Some((id, new?))).collect();
        Ok(PreparedList { ids, fresh, change })
    }

    /// Watches the channels of a prepared list. Unchanged channels go on; changed ones go on from their last state.
    pub fn replace(&mut self, list: PreparedList) -> ListChange {
        let PreparedList { ids, fresh, change } = list;
        self.channels.retain(|id, _| ids.contains(id));
        for (id, (channel, probe)) in fresh {
            self.channels.insert(id, self.shared.spawn(Arc::new(channel), probe, self.started));
            self.started += 1;
        }
        change
    }
}

impl Drop for WatchedChannel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A channel's probe, and the URL whose host counts for `per_host`.
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
        // The next round is due after that
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

    fn known_states(&self) -> MutexGuard<'_, HashMap<String, KnownState>> {
        self.known_states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the rounds of one channel until the task is aborted.
    async fn watch(self: Arc<Self>, channel: Arc<Channel>, (mut probe, url): ChannelSource, index: u64) {
        let mut pace = Pace::new(self.every(&channel), index, self.start.elapsed());
        let thresholds = self.config.thresholds.clone().with(&channel.watch);
        let mut machine = StateMachine::new(thresholds, channel.is_static);
        if let Some(known) = self.known_states().get(&channel.id) {
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
            if let Some(transition) = &transition {
                self.known_states().insert(channel.id.clone(), KnownState { state: transition.to, since: transition.since });
            }
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
