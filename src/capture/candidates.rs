//! What follows a failure: the next candidate, the next Variant, or the end of the job. And how much time a candidate gets.
//!
//! Segments, Parts, Variants and optional playlists are candidates. A hang or an endless body costs one candidate its share of the deadline, and
//! leaves the rest to the others.

use std::sync::Arc;

use url::Url;

use super::JobContext;
use crate::{
    error::{Error, ErrorKind},
    fetch::Job,
    hls::{Init, Segment},
    protection::Keyring,
};

/// The share of the time left that a candidate gets while others follow.
pub(super) const SEGMENT: f64 = 0.4;
/// See [`SEGMENT`].
pub(super) const VARIANT: f64 = 0.5;
/// Waiting for a live playlist to move on, while other segments of it are left.
pub(super) const RELOAD: f64 = 0.7;
/// An optional playlist is a shortcut: it may not cost much.
pub(super) const OPTIONAL: f64 = 0.25;

/// A job within a share of the time left, and a keyring that keeps to it.
pub(super) struct TimeShare {
    job: Job,
    keyring: Keyring,
}

impl TimeShare {
    /// `share` of the time that `work` has left; all of it unless others follow.
    pub fn of(work: &JobContext<'_>, share: f64, others_follow: bool) -> Self {
        let job = work.job.within(if others_follow { share } else { 1.0 });
        Self { keyring: work.keyring.within(&job), job }
    }

    /// The same work within this share.
    pub fn work<'a>(&'a self, work: &JobContext<'a>) -> JobContext<'a> {
        JobContext { job: &self.job, keyring: &self.keyring, ..*work }
    }
}

/// What a failure of one candidate means for those that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureScope {
    /// Another segment or Part may do.
    Candidate,
    /// Another Variant may do.
    Variant,
    /// Nothing else may do: policy, the request itself, or the job's budget is against it.
    Job,
}

impl FailureScope {
    /// The scope of a failure in a segment.
    pub fn of(error: &Error, job: &Job) -> Self {
        use ErrorKind::{BadPlaylist, Encrypted, HttpStatus, NoVideo, NotFound, Timeout, TooLarge, Undecodable, Unreachable, Unsupported};
        if job.is_spent() {
            return Self::Job;
        }
        match error.kind() {
            // Keys change: that of another segment may be there, and right
            HttpStatus | Unreachable | Timeout | NoVideo | Undecodable | TooLarge | Encrypted => Self::Candidate,
            Unsupported | BadPlaylist | NotFound => Self::Variant,
            _ => Self::Job,
        }
    }

    /// Whether another Variant may do better.
    pub fn gives_way_to_variant(self) -> bool {
        self != Self::Job
    }
}

/// Inits and keys that failed. Segments that share one of them would fail in the same way.
#[derive(Default)]
pub(super) struct FailedShared {
    inits: Vec<Arc<Init>>,
    keys: Vec<Url>,
}

impl FailedShared {
    /// Remembers the init or key of a segment if its failure is due to that.
    pub fn add(&mut self, error: &Error, segment: &Segment) {
        // A slow one may be there by the next try
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
