//! The interface of the HTTP frontend's memory. `hlsnap serve` has a memory; the Lambda function has none, so it does not link one.

use std::{any::Any, fmt, sync::Arc, time::Instant};

use futures_util::future::BoxFuture;

use super::{job_permits::JobPermits, life::Life};
use crate::{
    capture::{self, FinishedSnapshot},
    error::Error,
    fetch::Client,
    request::SnapshotRequest,
};

/// A remembered result, and its life.
#[derive(Debug, Clone)]
pub(in crate::frontends) struct Remembered {
    /// The value's type depends on the kind of key.
    pub value: Result<Arc<dyn Any + Send + Sync>, Arc<Error>>,
    pub(super) life: Life,
    /// After a failed attempt to make a newer one: when to try again.
    pub retry_at: Option<Instant>,
    /// Its approximate size in bytes.
    pub size: usize,
}

/// Results by key.
pub(in crate::frontends) trait Memory: fmt::Debug + Send + Sync {
    /// The remembered result, if it is usable.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<Remembered>>;
    /// Remembers a result for its life.
    fn keep(&self, key: String, remembered: Remembered) -> BoxFuture<'_, ()>;
}

/// A memory of results, and of the streams and frames that they come from.
pub(in crate::frontends) trait PictureMemory: fmt::Debug + Send + Sync {
    /// The results.
    fn results(&self) -> Arc<dyn Memory>;
    /// Takes a snapshot, as [`capture`](crate::capture::capture()) does, from a remembered stream and frame if possible.
    fn snapshot<'a>(&'a self, request: SnapshotRequest, jobs: &'a Jobs) -> BoxFuture<'a, Result<FinishedSnapshot, Error>>;
}

/// The resources of jobs. Cheap to clone.
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
