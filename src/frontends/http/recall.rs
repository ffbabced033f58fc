//! Answers from memory, or makes the result once for all equal requests at the same time.
//!
//! ```text
//! fresh -> answer        stale -> answer, and make a newer one        missing -> make it, answer, remember
//! ```

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{http::HeaderValue, response::Response};
use futures_util::TryFutureExt;

use super::{
    life::Life,
    memory::{Memory, Remembered},
    observer::Observer,
    single_flight::{FlightResult, SingleFlight},
};
use crate::error::Error;

const HIT: &str = "hit";
const STALE: &str = "stale";
const MISS: &str = "miss";

/// The wait after a failed attempt to make a newer result, if the failure itself is not remembered.
const RETRY: Duration = Duration::from_secs(1);

/// A result from which responses are made.
pub(super) trait Answer: Send + Sync + 'static {
    /// Its life.
    fn life(&self) -> Life;
    /// Its approximate size in bytes.
    fn size(&self) -> usize;
}

/// A result that may have come from memory.
pub(super) struct Recalled<T> {
    pub value: Arc<T>,
    /// `None` without a memory.
    pub life: Option<Life>,
    /// `hit`, `stale` or `miss`; `None` if nothing is remembered.
    cache: Option<&'static str>,
}

/// The header of a response that says whether memory answered.
pub(in crate::frontends) const CACHE_HEADER: &str = "x-hlsnap-cache";

impl<T> Recalled<T> {
    /// A response with [`CACHE_HEADER`], if there is a memory.
    pub fn respond(&self, response: impl FnOnce(&T, Option<Life>) -> Response) -> Response {
        let mut response = response(&self.value, self.life);
        if let Some(cache) = self.cache {
            response.headers_mut().insert(CACHE_HEADER, HeaderValue::from_static(cache));
        }
        response
    }
}

impl<T: Answer> Recalled<T> {
    /// Remembers the result under another key as well, for the rest of its life.
    pub async fn keep(&self, memory: &Arc<dyn Memory>, key: String) {
        memory.keep(key, remembered(&self.value, self.life.unwrap_or_else(|| self.value.life()))).await;
    }
}

/// The sources of results of one type.
pub(super) struct Recall<'a, T> {
    pub memory: Option<Arc<dyn Memory>>,
    pub flights: &'a SingleFlight<T>,
    pub observer: &'a Observer,
}

impl<T: Answer> Recall<'_, T> {
    /// The result with this key. `make` prepares the job that makes it. It fails if the request is invalid or forbidden; such a failure is
    /// not remembered. The caller has authorized the request.
    pub async fn result<F: Future<Output = Result<T, Error>> + Send + 'static>(
        &self,
        key: String,
        make: impl FnOnce() -> Result<F, Error>,
    ) -> Result<Recalled<T>, Arc<Error>> {
        let Some(memory) = &self.memory else {
            let value = self.flights.start(key, make()?.map_ok(Arc::new).map_err(Arc::new)).await?;
            return Ok(Recalled { value, life: None, cache: None });
        };
        if let Some(remembered) = memory.get(&key).await
            && let Some(known) = recalled(&remembered)
        {
            let is_fresh = remembered.life.is_fresh();
            self.observer.cache("picture", if is_fresh { HIT } else { STALE });
            if !is_fresh && remembered.retry_at.is_none_or(|at| Instant::now() >= at) && !self.flights.is_running(&key) {
                let job = remember(Arc::clone(memory), key.clone(), make()?, Some(remembered));
                tokio::spawn(self.flights.start(key, job));
            }
            return known;
        }
        self.observer.cache("picture", MISS);
        let job = remember(Arc::clone(memory), key.clone(), make()?, None);
        let value = self.flights.start(key, job).await?;
        let life = Some(value.life());
        Ok(Recalled { value, life, cache: Some(MISS) })
    }
}

/// `None` if another type is remembered under this key.
fn recalled<T: Answer>(remembered: &Remembered) -> Option<Result<Recalled<T>, Arc<Error>>> {
    match &remembered.value {
        Ok(value) => {
            let value = Arc::downcast(Arc::clone(value)).ok()?;
            let cache = if remembered.life.is_fresh() { HIT } else { STALE };
            Some(Ok(Recalled { value, life: Some(remembered.life), cache: Some(cache) }))
        }
        Err(error) => Some(Err(Arc::clone(error))),
    }
}

fn remembered<T: Answer>(value: &Arc<T>, life: Life) -> Remembered {
    Remembered { value: Ok(Arc::clone(value) as Arc<dyn Any + Send + Sync>), life, retry_at: None, size: value.size() }
}

/// Runs a job and remembers its result. If it fails, keeps `old` as long as that is usable.
async fn remember<T: Answer>(
    memory: Arc<dyn Memory>,
    key: String,
    job: impl Future<Output = Result<T, Error>>,
    old: Option<Remembered>,
) -> FlightResult<T> {
    let result = job.await.map(Arc::new).map_err(Arc::new);
    let remembered = match &result {
        Ok(value) => remembered(value, value.life()),
        Err(error) => {
            let life = Life::of_failure(error);
            match old.filter(|old| old.life.is_usable()) {
                Some(old) => Remembered { retry_at: Some(Instant::now() + life.left().max(RETRY)), ..old },
                None => Remembered { value: Err(Arc::clone(error)), life, retry_at: None, size: 0 },
            }
        }
    };
    if remembered.life.is_usable() {
        memory.keep(key, remembered).await;
    }
    result
}
