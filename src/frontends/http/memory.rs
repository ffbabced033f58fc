//! What the HTTP frontend remembers between requests. `hlsnap serve` has a memory; the Lambda function has none, so it links none.

use std::{any::Any, fmt, sync::Arc, time::Instant};

use futures_util::future::BoxFuture;

use super::{job_permits::JobPermits, life::Life};
use crate::{
    capture::{self, FinishedSnapshot},
    error::Error,
    fetch::Client,
    request::SnapshotRequest,
};

/// A result, and how long it may answer.
#[derive(Debug, Clone)]
pub(in crate::frontends) struct Remembered {
    /// A type for each kind of key.
    pub value: Result<Arc<dyn Any + Send + Sync>, Arc<Error>>,
    pub(super) life: Life,
    /// After a failed attempt to make a newer one: when to try again.
    pub retry_at: Option<Instant>,
    /// About how many bytes it takes.
    pub size: usize,
}

/// Results by key.
pub(in crate::frontends) trait Memory: fmt::Debug + Send + Sync {
    /// What is remembered, and usable.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Remembered>>;
    /// Remembers a result for its life.
    fn keep(&self, key: String, remembered: Remembered) -> BoxFuture<'_, ()>;
}

/// A memory of results, and of the streams and frames that they came from.
pub(in crate::frontends) trait PictureMemory: fmt::Debug + Send + Sync {
    /// The results.
    fn results(&self) -> Arc<dyn Memory>;
    /// Takes a snapshot, as [`capture`](crate::capture::capture()) does, from a stream and a frame that are remembered if possible.
    fn snapshot<'a>(&'a self, request: SnapshotRequest, jobs: &'a Jobs) -> BoxFuture<'a, Result<FinishedSnapshot, Error>>;
}

/// What jobs need. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::frontends) struct Jobs {
    pub client: Client,
    pub(super) permits: JobPermits,
}

impl Jobs {
    /// Takes a snapshot that shares nothing.
    pub async fn snapshot(&self, mut request: SnapshotRequest) -> Result<FinishedSnapshot, Error> {
        let _permit = self.permits.acquire(&mut request.limits.timeout).await?;
        capture::capture(&request, &self.client).await
    }
}
