//! Pictures being taken: at most so many at once, and each for all who ask for it meanwhile.

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
    report::Report,
    request::SnapshotRequest,
};

/// A picture for everybody who asked for it.
#[derive(Debug)]
pub(super) struct SharedSnapshot {
    pub picture: Bytes,
    pub report: Report,
    /// By the picture's bytes, in quotes.
    pub etag: String,
}

type FlightResult = Result<Arc<SharedSnapshot>, Arc<Error>>;
type Flight = BoxFuture<'static, FlightResult>;

/// The pictures that are being taken now.
pub(super) struct SingleFlight {
    jobs: Arc<Semaphore>,
    /// A flight that nobody waits for any more ends by itself.
    under_way: Mutex<HashMap<String, WeakShared<Flight>>>,
}

impl fmt::Debug for SingleFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

impl SingleFlight {
    pub fn new(jobs: usize) -> Self {
        Self { jobs: Arc::new(Semaphore::new(jobs)), under_way: Mutex::default() }
    }

    /// Takes the picture, or waits for it where the `same` is being taken already.
    pub async fn join(&self, same: String, request: SnapshotRequest, client: Client) -> FlightResult {
        self.shared(same, request, client).await
    }

    /// Reads the playlists alone.
    pub async fn inspect(&self, mut request: SnapshotRequest, client: &Client) -> Result<Inspection, Error> {
        let _place = place(&self.jobs, &mut request).await?;
        capture::inspect(&request, client).await
    }

    fn shared(&self, same: String, request: SnapshotRequest, client: Client) -> Shared<Flight> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let there = under_way.get(&same).and_then(WeakShared::upgrade).filter(|flight| flight.peek().is_none());
        if let Some(flight) = there {
            return flight;
        }
        under_way.retain(|_, flight| flight.upgrade().is_some_and(|flight| flight.peek().is_none()));
        let jobs = Arc::clone(&self.jobs);
        // A panic is one picture's failure, not the server's
        let work = AssertUnwindSafe(async move { take(request, &client, &jobs).await }).catch_unwind();
        let flight =
            work.map(|done| done.unwrap_or_else(|_| Err(Error::internal("it panicked"))).map(Arc::new).map_err(Arc::new)).boxed().shared();
        under_way.extend(flight.downgrade().map(|weak| (same, weak)));
        flight
    }
}

/// Waits for a place among those that may work at once, within the request's time, which becomes less by the wait.
async fn place<'a>(jobs: &'a Semaphore, request: &mut SnapshotRequest) -> Result<SemaphorePermit<'a>, Error> {
    let began = Instant::now();
    let busy = || Error::new(ErrorKind::Timeout, "too many pictures are being taken at once").with_hint("try again, or raise --jobs");
    let place = tokio::time::timeout(request.limits.timeout, jobs.acquire()).await.map_err(|_| busy())?;
    request.limits.timeout = request.limits.timeout.saturating_sub(began.elapsed());
    place.map_err(|e| Error::internal("no picture may be taken any more").with_source(e))
}

async fn take(mut request: SnapshotRequest, client: &Client, jobs: &Semaphore) -> Result<SharedSnapshot, Error> {
    let _place = place(jobs, &mut request).await?;
    let taken = capture::take(&request, client).await?;
    let digest = digest::digest(&digest::SHA256, &taken.picture);
    let etag = URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default());
    Ok(SharedSnapshot { picture: taken.picture.into(), report: Report::new(taken.facts, None), etag: format!("\"{etag}\"") })
}
