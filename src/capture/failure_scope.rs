//! Classifies failures: whether another segment, another Variant or nothing else may give the picture.

use std::sync::Arc;

use url::Url;

use crate::{
    error::{Error, ErrorKind},
    fetch::Job,
    hls::{Goal, Init, MediaPlaylist, Segment},
};

/// How far a candidate's failure reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureScope {
    /// Another segment or Partial Segment may succeed.
    Segment,
    /// Another Variant may succeed.
    Variant,
    /// No other candidate can succeed: the request, a policy or the job's budget forbids it.
    Job,
}

impl FailureScope {
    /// The scope of a segment's failure.
    pub fn of(error: &Error, job: &Job) -> Self {
        use ErrorKind::{BadPlaylist, Encrypted, HttpStatus, NoVideo, NotFound, Timeout, TooLarge, Undecodable, Unreachable, Unsupported};
        if job.is_spent() {
            return Self::Job;
        }
        match error.kind() {
            // Keys rotate: another segment's may exist and be right
            HttpStatus | Unreachable | Timeout | NoVideo | Undecodable | TooLarge | Encrypted => Self::Segment,
            Unsupported | BadPlaylist | NotFound => Self::Variant,
            _ => Self::Job,
        }
    }

    /// Whether another Variant may succeed.
    pub fn allows_another_variant(self) -> bool {
        self != Self::Job
    }
}

/// Whether another segment may succeed. An explicit time has only one segment; the start and the live edge may use the next complete one.
///
/// In a recording only a segment that is gone or shows nothing is skipped: other failures may be transient.
pub(super) fn allows_another_segment(error: &Error, playlist: &MediaPlaylist, job: &Job, goal: Goal) -> bool {
    let is_skippable = matches!(error.kind(), ErrorKind::NoVideo | ErrorKind::Undecodable) || error.is_gone();
    let is_skipped = (playlist.is_live() || is_skippable) && FailureScope::of(error, job) == FailureScope::Segment;
    matches!(goal, Goal::FirstKeyFrame | Goal::LastFrame) && is_skipped
}

/// Inits and keys that failed: segments that share one of them would fail too.
#[derive(Default)]
pub(super) struct FailedInitsAndKeys {
    inits: Vec<Arc<Init>>,
    keys: Vec<Url>,
}

impl FailedInitsAndKeys {
    /// Remembers the init or key of a segment if it caused the failure.
    pub fn add(&mut self, error: &Error, segment: &Segment) {
        // A slow one may arrive at the next attempt
        if error.kind() == ErrorKind::Timeout {
            return;
        }
        // An init may share its resource with the media
        let mut media = segment.parts.iter().map(|part| &part.url).chain([&segment.url]);
        let Some(failed) = error.full_url().filter(|failed| media.all(|url| url != *failed)) else { return };
        self.inits.extend(segment.init.iter().filter(|init| init.url == *failed).cloned());
        self.keys.extend(key_url(segment).filter(|url| *url == failed).cloned());
    }

    /// Whether a segment needs one of them.
    pub fn blocks(&self, segment: &Segment) -> bool {
        let has_init = segment.init.as_ref().is_some_and(|init| self.inits.contains(init));
        has_init || key_url(segment).is_some_and(|url| self.keys.contains(url))
    }
}

fn key_url(segment: &Segment) -> Option<&Url> {
    segment.key.as_ref()?.usable_format()?.url.as_ref()
}
