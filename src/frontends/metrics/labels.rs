//! The labels of families. Each has a bounded number of values, or values that are removed again.

use prometheus_client::encoding::EncodeLabelSet;

/// One route and one status of a response.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Response {
    pub route: &'static str,
    pub status: u16,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    pub kind: &'static str,
}

/// What was made, and how that ended: `ok`, or the kind of the error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub kind: &'static str,
    pub result: &'static str,
}

/// Which cache, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CacheAnswer {
    pub cache: &'static str,
    pub result: &'static str,
}

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultOnly {
    pub result: &'static str,
}

/// One channel by its id alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ChannelId {
    pub channel: String,
}

/// One channel as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ChannelName {
    pub channel: String,
    pub name: String,
    pub group: String,
}

/// One channel, and one of its states.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ChannelState {
    pub channel: String,
    pub name: String,
    pub group: String,
    pub state: &'static str,
}
