//! The board: the wall's data of all channels. The watch writes it and HTTP handlers read it, each under a short lock.

mod feed;
mod history;
mod json;
mod subscription;
mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ring::digest;
use tokio::sync::broadcast::{Receiver, Sender};

use super::{ChannelState, Sample, Transition};
use crate::{channels::Channel, hex::encode_hex};
use feed::{EventLog, StateEvent};
use history::{Change, History};

pub use subscription::Subscription;
pub use view::{ChannelDetail, ChannelView};

/// The newest picture of a channel.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The encoded picture.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
    /// The entity tag, in quotes.
    pub etag: String,
    /// The parameter `v` of its URL.
    pub version: String,
    /// When it was taken.
    pub time: DateTime<Utc>,
}

/// The wall's data of all channels.
#[derive(Debug)]
pub struct Board {
    every: Duration,
    /// Different at each start of the program.
    boot: String,
    state: Mutex<BoardState>,
}

#[derive(Debug)]
struct BoardState {
    channels: Vec<Entry>,
    /// Places in `channels` by the channels' own ids, and by those in URLs.
    by_id: HashMap<String, usize>,
    by_public_id: HashMap<String, usize>,
    /// Counts all changes.
    version: u64,
    /// The version of the last change of the list itself.
    list_version: u64,
    events: EventLog,
    /// Sends to all clients; `None` once the board is closed.
    sender: Option<Sender<Bytes>>,
    /// The version that clients have been sent, and when.
    sent_version: u64,
    sent: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    /// Shared with handlers that serialize it outside the lock.
    view: Arc<ChannelView>,
    version: u64,
    picture: Option<Picture>,
    history: History,
}

/// The id that URLs and pages show. An id that is a URL may hold a secret.
fn public_id(id: &str) -> String {
    if !id.contains("://") {
        return id.to_owned();
    }
    let digest = digest::digest(&digest::SHA256, id.as_bytes());
    encode_hex(digest.as_ref().get(..8).unwrap_or_default())
}

/// The path of a channel's picture, relative to the wall.
fn picture_path(public_id: &str, version: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(public_id.as_bytes()).collect();
    // Unlike in a query, a plus sign is no blank in a path
    format!("pictures/{}.jpg?v={version}", id.replace('+', "%20"))
}

impl Board {
    /// A board of channels without findings. `every` is the interval between the rounds of a channel.
    pub fn new(channels: &[Channel], every: Duration) -> Arc<Self> {
        let boot = format!("{:x}", Utc::now().timestamp_micros());
        let state = BoardState {
            channels: Vec::new(),
            by_id: HashMap::new(),
            by_public_id: HashMap::new(),
            version: 0,
            list_version: 0,
            events: EventLog::default(),
            sender: Some(Sender::new(feed::MAX_LAG)),
            sent_version: 0,
            sent: None,
        };
        let board = Self { every, boot, state: Mutex::new(state) };
        board.replace_channels(channels);
        Arc::new(board)
    }

    /// Replaces the list of channels. Channels that stay keep their findings.
    pub fn replace_channels(&self, channels: &[Channel]) {
        let mut state = self.lock();
        state.version += 1;
        let version = state.version;
        let mut earlier: HashMap<String, Entry> = state.channels.drain(..).map(|entry| (entry.id.clone(), entry)).collect();
        let entry = |channel: &Channel| {
            let mut view = ChannelView::new(channel, public_id(&channel.id));
            let Entry { id, picture, history, .. } = match earlier.remove(&channel.id) {
                Some(entry) => {
                    view.keep_findings(&entry.view);
                    entry
                }
                None => Entry { id: channel.id.clone(), view: Arc::new(view.clone()), version, picture: None, history: History::default() },
            };
            Entry { id, view: Arc::new(view), version, picture, history }
        };
        state.channels = channels.iter().map(entry).collect();
        let places = |id: fn(&Entry) -> &str| state.channels.iter().enumerate().map(|(at, entry)| (id(entry).to_owned(), at)).collect();
        (state.by_id, state.by_public_id) = (places(|entry| &entry.id), places(|entry| &entry.view.id));
        state.list_version = version;
        state.send(feed::reset(&self.event_id(version)));
    }

    /// Adds the findings of a round. Ignores unknown channels, because the list may have changed since the round started.
    pub fn update(&self, id: &str, sample: &Sample, channel_state: ChannelState, transition: Option<&Transition>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some(entry) = state.by_id.get(id).and_then(|at| state.channels.get_mut(*at)) else { return };
        state.version += 1;
        entry.version = state.version;
        let change = transition.map(|transition| Change::new(transition, sample.time));
        entry.history.push(sample, channel_state, change.clone());
        let view = Arc::make_mut(&mut entry.view);
        let reason = view.message.take();
        view.enter(sample);
        if let Some(picture) = &sample.picture {
            let version = format!("{}-{}", self.boot, state.version);
            view.picture = Some(picture_path(&view.id, &version));
            let etag = format!("\"{version}\"");
            entry.picture = Some(Picture { bytes: picture.file.clone(), media_type: picture.media_type, etag, version, time: sample.time });
        }
        if channel_state != ChannelState::Ok && view.message.is_none() {
            // Keep the reason as long as the state lasts
            view.message = change.as_ref().and_then(Change::message).cloned().or(reason.filter(|_| view.state == Some(channel_state)));
        }
        view.state = Some(channel_state);
        view.since = change.as_ref().map(Change::since).or(view.since).or(Some(sample.time));
        if let Some(change) = &change {
            let event = StateEvent {
                channel: &view.id,
                name: &view.name,
                change,
                picture: view.picture.as_ref(),
                verdict: sample.picture.as_ref().map(|picture| &picture.verdict),
                age_seconds: view.age_seconds.filter(|_| sample.picture.is_some()),
            };
            state.events.push(state.version, &event);
        }
    }

    /// All channels in the order of the list, and the event id of this state.
    pub fn channels(&self) -> (Vec<Arc<ChannelView>>, String) {
        let state = self.lock();
        (state.channels.iter().map(|entry| Arc::clone(&entry.view)).collect(), self.event_id(state.version))
    }

    /// One channel and its last hour, by its id in URLs.
    pub fn detail(&self, public_id: &str) -> Option<ChannelDetail> {
        let state = self.lock();
        let entry = state.entry(public_id)?;
        Some(ChannelDetail { view: ChannelView::clone(&entry.view), history: entry.history.view() })
    }

    /// The newest picture of a channel, by its id in URLs.
    pub fn picture(&self, public_id: &str) -> Option<Picture> {
        self.lock().entry(public_id)?.picture.clone()
    }

    /// The channel's own id, by its id in URLs.
    pub fn channel_id(&self, public_id: &str) -> Option<String> {
        self.lock().entry(public_id).map(|entry| entry.id.clone())
    }

    /// The interval between the rounds of a channel.
    pub fn every(&self) -> Duration {
        self.every
    }

    /// The changes that a client missed after the event with an id, and a receiver of those that follow. `None` once the board is closed.
    fn changes_after(&self, after: Option<&str>) -> Option<(Bytes, Receiver<Bytes>)> {
        let mut state = self.lock();
        // Send pending changes to the other clients first, so that the next message has none that this client has already
        self.send_now(&mut state);
        let receiver = state.sender.as_ref()?.subscribe();
        let id = self.event_id(state.version);
        let after = after.and_then(|id| id.split_once('-')).filter(|(boot, _)| *boot == self.boot);
        let after = after.and_then(|(_, version)| version.parse().ok());
        let after = after.filter(|after| (state.list_version..=state.version).contains(after));
        let missed = after.and_then(|after| Some((state.events.since(after)?, state.views_since(after))));
        drop(state);
        Some((missed.map_or_else(|| feed::reset(&id), |(events, views)| feed::message(&id, &events, &views)), receiver))
    }

    /// Ends all streams. With `for_good`, no new one can start.
    pub fn close(&self, for_good: bool) {
        self.lock().sender = (!for_good).then(|| Sender::new(feed::MAX_LAG));
    }

    /// Sends the changes to all clients, unless it did so a moment ago. The clients' timers call it, so that it needs no task.
    fn send_changes(&self) {
        let mut state = self.lock();
        let is_early = state.sent.is_some_and(|sent| sent.elapsed() < feed::PACE.mul_f64(0.9));
        if !is_early {
            self.send_now(&mut state);
        }
    }

    /// Sends under the lock, so that messages keep their order.
    fn send_now(&self, state: &mut BoardState) {
        if state.sent_version == state.version {
            return;
        }
        let id = self.event_id(state.version);
        let views = state.views_since(state.sent_version);
        let events = state.events.since(state.sent_version);
        (state.sent, state.sent_version) = (Some(Instant::now()), state.version);
        state.send(events.map_or_else(|| feed::reset(&id), |events| feed::message(&id, &events, &views)));
    }

    fn event_id(&self, version: u64) -> String {
        format!("{}-{version}", self.boot)
    }

    fn lock(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BoardState {
    fn entry(&self, public_id: &str) -> Option<&Entry> {
        self.channels.get(*self.by_public_id.get(public_id)?)
    }

    fn views_since(&self, version: u64) -> Vec<Arc<ChannelView>> {
        self.channels.iter().filter(|entry| entry.version > version).map(|entry| Arc::clone(&entry.view)).collect()
    }

    /// Sends to all clients, if there are any.
    fn send(&self, message: Bytes) {
        let _ = self.sender.as_ref().map(|sender| sender.send(message));
    }
}
