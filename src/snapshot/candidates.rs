//! What follows a failure: the next candidate, the next Variant, or the end of the job. And how much time a candidate gets.
//!
//! Segments, Parts, Variants and optional playlists are candidates. A hang or an endless body costs one candidate its share of the deadline, and
//! leaves the rest to the others.

use super::{Work, keys::Keyring};
use crate::{
    error::{Error, ErrorKind},
    fetch::Job,
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
pub(super) struct Share {
    job: Job,
    keyring: Keyring,
}

impl Share {
    /// `share` of the time that `work` has left; all of it unless others follow.
    pub fn of(work: &Work<'_>, share: f64, others_follow: bool) -> Self {
        let job = work.job.within(if others_follow { share } else { 1.0 });
        Self { keyring: work.keyring.within(&job), job }
    }

    /// The same work within this share.
    pub fn work<'a>(&'a self, work: &Work<'a>) -> Work<'a> {
        Work { job: &self.job, keyring: &self.keyring, ..*work }
    }
}

/// What a failure of one candidate means for those that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Another segment or Part may do.
    Candidate,
    /// Another Variant may do.
    Variant,
    /// Nothing else may do: policy, the request itself, or the job's budget is against it.
    Job,
}

impl Scope {
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

/// Whether the origin no longer has the resource: a live window moves on, and recordings lose their start.
pub(super) fn is_gone(error: &Error) -> bool {
    error.kind() == ErrorKind::HttpStatus && matches!(error.origin_status(), Some(403 | 404 | 410))
}
