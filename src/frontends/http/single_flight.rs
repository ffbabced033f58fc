//! Shares one job between equal requests.

use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

use crate::error::Error;

/// What several responses share.
pub(super) type FlightResult<T> = Result<Arc<T>, Arc<Error>>;
pub(super) type Flight<T> = BoxFuture<'static, FlightResult<T>>;

/// The jobs in progress.
pub(super) struct SingleFlight<T> {
    /// Weak: a job ends when its last request is dropped.
    flights: Mutex<HashMap<String, WeakShared<Flight<T>>>>,
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        Self { flights: Mutex::default() }
    }
}

impl<T: Send + Sync + 'static> SingleFlight<T> {
    /// The running job with this `key`, or else this one.
    pub fn start(&self, key: String, job: impl Future<Output = FlightResult<T>> + Send + 'static) -> Shared<Flight<T>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = running(&flights, &key) {
            return flight;
        }
        flights.retain(|_, flight| flight.upgrade().is_some_and(|flight| flight.peek().is_none()));
        // A panic fails one job, not the server
        let flight = AssertUnwindSafe(job)
            .catch_unwind()
            .map(|result| result.unwrap_or_else(|_| Err(Arc::new(Error::internal("hlsnap panicked")))))
            .boxed()
            .shared();
        flights.extend(flight.downgrade().map(|weak| (key, weak)));
        flight
    }

    /// Whether a job with this key is running.
    pub fn is_running(&self, key: &str) -> bool {
        running(&self.flights.lock().unwrap_or_else(PoisonError::into_inner), key).is_some()
    }
}

fn running<T>(flights: &HashMap<String, WeakShared<Flight<T>>>, key: &str) -> Option<Shared<Flight<T>>> {
    flights.get(key).and_then(WeakShared::upgrade).filter(|flight| flight.peek().is_none())
}
