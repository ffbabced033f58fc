//! The changes of the board, as server-sent events: a bounded log of changes of state, and their text.
//!
//! An id is `BOOT-VERSION`. The version counts all changes of the board, so a client that returns with its last id gets the changes that it
//! missed. After a restart of the program, or if the log no longer holds all of them, a `reset` makes the client load everything again.

use std::{collections::VecDeque, fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;

use super::{history::Change, view::ChannelView};
use crate::report::Verdict;

/// Changes are sent at most this often.
pub(super) const PACE: Duration = Duration::from_secs(1);
/// A client that lags by more messages is dropped.
pub(super) const MAX_LAG: usize = 30;
const MAX_EVENTS: usize = 2048;

/// The newest changes of state, each with the version of the board that contains it first.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    events: VecDeque<(u64, Arc<str>)>,
    /// The version of the newest event that was dropped.
    dropped: u64,
}

/// A change of state for clients: the contract's event.
#[derive(Debug, Serialize)]
pub(super) struct StateEvent<'a> {
    pub channel: &'a str,
    pub name: &'a str,
    #[serde(flatten)]
    pub change: &'a Change,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'a Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
}

impl EventLog {
    pub fn push(&mut self, version: u64, event: &StateEvent<'_>) {
        // Serializing text and numbers does not fail
        let text = serde_json::to_string(event).unwrap_or_default();
        self.events.push_back((version, text.into()));
        if self.events.len() > MAX_EVENTS {
            self.dropped = self.events.pop_front().map_or(self.dropped, |(version, _)| version);
        }
    }

    /// The events after a version; `None` if some of them were dropped.
    pub fn since(&self, version: u64) -> Option<Vec<Arc<str>>> {
        let first = self.events.partition_point(|(of, _)| *of <= version);
        (version >= self.dropped).then(|| self.events.range(first..).map(|(_, event)| Arc::clone(event)).collect())
    }
}

/// Events and views as one message. Only its last event has the id, so a client that loses the connection within it gets it again.
pub(super) fn message(id: &str, events: &[Arc<str>], views: &[Arc<ChannelView>]) -> Bytes {
    let mut text = events.iter().fold(String::new(), |mut text, event| {
        // Writing to a string does not fail
        let _ = write!(text, "event: state\ndata: {event}\n\n");
        text
    });
    let views: Vec<&ChannelView> = views.iter().map(AsRef::as_ref).collect();
    let views = serde_json::to_string(&views).unwrap_or_default();
    let _ = write!(text, "event: channels\nid: {id}\ndata: {views}\n\n");
    text.into()
}

/// Makes clients load everything again.
pub(super) fn reset(id: &str) -> Bytes {
    format!("event: reset\nid: {id}\ndata: {{}}\n\n").into()
}
