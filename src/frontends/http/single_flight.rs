//! Runs a limited number of jobs at the same time, and shares one job between equal requests.

use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use ring::digest;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    capture::{self, Inspection},
    error::{Error, ErrorKind},
    fetch::Client,
    report::SnapshotFacts,
    request::SnapshotRequest,
};

/// A snapshot that several responses share.
#[derive(Debug)]
pub(super) struct SharedSnapshot {
    pub picture: Bytes,
    pub facts: SnapshotFacts,
    /// A digest of the picture's bytes, in quotes.
    pub etag: String,
}

type FlightResult = Result<Arc<SharedSnapshot>, Arc<Error>>;
type Flight = BoxFuture<'static, FlightResult>;

/// The jobs in progress.
pub(super) struct SingleFlight {
    jobs: Arc<Semaphore>,
    /// Weak: a job ends when its last request is dropped.
    flights: Mutex<HashMap<String, WeakShared<Flight>>>,
}

impl fmt::Debug for SingleFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

impl SingleFlight {
    pub fn new(jobs: usize) -> Self {
        Self { jobs: Arc::new(Semaphore::new(jobs)), flights: Mutex::default() }
    }

    /// Makes the picture, or joins the job with the same `key`.
    pub async fn join(&self, key: String, request: SnapshotRequest, client: Client) -> FlightResult {
        self.shared(key, request, client).await
    }

    /// Reads the playlists only.
    pub async fn inspect(&self, mut request: SnapshotRequest, client: &Client) -> Result<Inspection, Error> {
        let _permit = acquire(&self.jobs, &mut request).await?;
        capture::inspect(&request, client).await
    }

    fn shared(&self, key: String, request: SnapshotRequest, client: Client) -> Shared<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let running = flights.get(&key).and_then(WeakShared::upgrade).filter(|flight| flight.peek().is_none());
        if let Some(flight) = running {
            return flight;
        }
        flights.retain(|_, flight| flight.upgrade().is_some_and(|flight| flight.peek().is_none()));
        let jobs = Arc::clone(&self.jobs);
        // A panic fails one picture, not the server
        let job = AssertUnwindSafe(async move { capture_shared(request, &client, &jobs).await }).catch_unwind();
        let flight = job
            .map(|result| result.unwrap_or_else(|_| Err(Error::internal("hlsnap panicked"))).map(Arc::new).map_err(Arc::new))
            .boxed()
            .shared();
        flights.extend(flight.downgrade().map(|weak| (key, weak)));
        flight
    }
}

/// Waits for a permit within the request's timeout, and subtracts the wait from it.
async fn acquire<'a>(jobs: &'a Semaphore, request: &mut SnapshotRequest) -> Result<SemaphorePermit<'a>, Error> {
    let start = Instant::now();
    let busy =
        || Error::new(ErrorKind::Timeout, "too many pictures are being made at the same time").with_hint("try again, or raise --jobs");
    let permit = tokio::time::timeout(request.limits.timeout, jobs.acquire()).await.map_err(|_| busy())?;
    request.limits.timeout = request.limits.timeout.saturating_sub(start.elapsed());
    permit.map_err(|e| Error::internal("the semaphore of jobs is closed").with_source(e))
}

async fn capture_shared(mut request: SnapshotRequest, client: &Client, jobs: &Semaphore) -> Result<SharedSnapshot, Error> {
    let _permit = acquire(jobs, &mut request).await?;
    let snapshot = capture::capture(&request, client).await?;
    let digest = digest::digest(&digest::SHA256, &snapshot.picture);
    let etag = URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default());
    Ok(SharedSnapshot { picture: snapshot.picture.into(), facts: snapshot.facts, etag: format!("\"{etag}\"") })
}
