//! Why an attempt at a request returned no body, and whether another one may.

use std::time::Duration;

use crate::error::Error;

/// Why an attempt returned no body.
pub(super) enum AttemptError {
    /// Another attempt may succeed, no sooner than the origin's `Retry-After`.
    Transient { error: Error, retry_after: Option<Duration> },
    /// Another attempt fails the same way.
    Final(Error),
    /// The response does not reliably hold the requested range, and why.
    Unusable(&'static str),
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        if error.kind().is_transient() { Self::Transient { error, retry_after: None } } else { Self::Final(error) }
    }
}
