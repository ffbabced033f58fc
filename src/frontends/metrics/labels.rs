//! The labels of the metrics. Each has a bounded number of values, or values that are removed when their channel leaves the list.

use prometheus_client::encoding::EncodeLabelSet;

/// One route and one status of a response.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Response {
    pub route: &'static str,
    pub status: u16,
}

/// The kind of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    pub kind: &'static str,
}

/// The kind of a job, and its result: `ok`, or the kind of the error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub kind: &'static str,
    pub result: &'static str,
}

/// A cache and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CacheAnswer {
    pub cache: &'static str,
    pub result: &'static str,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ResultOnly {
    pub result: &'static str,
}

/// One channel by its id alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ChannelId {
    pub channel: String,
}

/// One channel with its name and group.
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
