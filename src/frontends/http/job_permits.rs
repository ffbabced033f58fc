//! Limits the number of jobs that run at the same time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, ErrorKind};

/// Permits of jobs. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct JobPermits {
    jobs: usize,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl JobPermits {
    pub fn new(jobs: usize) -> Self {
        Self { jobs, permits: Arc::new(Semaphore::new(jobs)), waiting: Arc::default() }
    }

    /// How many jobs run at the same time.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// How many jobs run.
    pub fn running(&self) -> usize {
        self.jobs.saturating_sub(self.permits.available_permits())
    }

    /// How many jobs wait for a permit.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Waits for a permit within a request's timeout, and subtracts the wait from it. Fails with `timeout`.
    pub async fn acquire(&self, timeout: &mut Duration) -> Result<OwnedSemaphorePermit, Error> {
        let start = Instant::now();
        let busy =
            || Error::new(ErrorKind::Timeout, "too many pictures are being made at the same time").with_hint("try again, or raise --jobs");
        let _waiting = Waiting::new(&self.waiting);
        let permit = tokio::time::timeout(*timeout, Arc::clone(&self.permits).acquire_owned()).await.map_err(|_| busy())?;
        *timeout = timeout.saturating_sub(start.elapsed());
        permit.map_err(|e| Error::internal("the semaphore of jobs is closed").with_source(e))
    }
}

/// Counts one job that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
