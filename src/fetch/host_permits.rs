//! Permits for jobs of many channels. They limit how many jobs run at a time, how many of these use one host, and how many start a second.
//!
//! A job first waits for its host and only then for one of the permits that all hosts share, so jobs that wait for a busy host do not block
//! other hosts. A host is known only while a job waits for it or runs, so memory does not grow with the number of hosts.

use std::{
    collections::{HashMap, hash_map::Entry},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::error::Error;

/// After a pause, the jobs of one second divided by this may start at once: timers have a resolution of a millisecond.
const BURSTS_PER_SECOND: f64 = 10.0;

/// A host and its port.
type HostAndPort = (String, u16);

/// Permits of jobs. Clones share them.
#[derive(Debug, Clone)]
pub struct HostPermits {
    per_host: usize,
    jobs: Arc<Semaphore>,
    hosts: Hosts,
    /// Locked while a job waits for it, so that jobs start in their order of arrival.
    rate: Option<Arc<tokio::sync::Mutex<DefaultDirectRateLimiter>>>,
}

/// The permits of the hosts with waiting or running jobs.
type Hosts = Arc<Mutex<HashMap<HostAndPort, HostState>>>;

#[derive(Debug)]
struct HostState {
    permits: Arc<Semaphore>,
    /// How many jobs wait or run.
    users: usize,
}

/// The permit of one job. Dropping it lets the next job start.
#[derive(Debug)]
#[must_use]
pub struct HostPermit {
    _job: OwnedSemaphorePermit,
    _host: OwnedSemaphorePermit,
    _use: HostUse,
}

/// Counts a job as a user of its host until it is dropped.
#[derive(Debug)]
struct HostUse {
    hosts: Hosts,
    host: HostAndPort,
}

impl HostPermits {
    /// Permits for `jobs` jobs at a time, `per_host` of them for one host and port (each at least 1). At most `rate` jobs start a second.
    ///
    /// Fails with `usage` if `rate` is not a positive number.
    pub fn new(jobs: usize, per_host: usize, rate: Option<f64>) -> Result<Self, Error> {
        let rate = rate.map(limiter).transpose()?.map(|limiter| Arc::new(tokio::sync::Mutex::new(limiter)));
        Ok(Self { rate, ..Self::without_rate(jobs, per_host) })
    }

    /// Other permits that count against the same rate: for `jobs` jobs at the same time, `per_host` of them for one host and port.
    #[must_use]
    pub fn sharing_rate(&self, jobs: usize, per_host: usize) -> Self {
        Self { rate: self.rate.clone(), ..Self::without_rate(jobs, per_host) }
    }

    fn without_rate(jobs: usize, per_host: usize) -> Self {
        Self {
            per_host: per_host.clamp(1, Semaphore::MAX_PERMITS),
            jobs: Arc::new(Semaphore::new(jobs.clamp(1, Semaphore::MAX_PERMITS))),
            hosts: Arc::default(),
            rate: None,
        }
    }

    /// Waits until a job for the host of `url` may start. Fails with `internal` only.
    pub async fn acquire(&self, url: &Url) -> Result<HostPermit, Error> {
        let closed = |e| Error::internal("a semaphore of jobs is closed").with_source(e);
        let (host, permits) = self.use_host(url);
        let host_permit = permits.acquire_owned().await.map_err(closed)?;
        let job = Arc::clone(&self.jobs).acquire_owned().await.map_err(closed)?;
        if let Some(rate) = &self.rate {
            let limiter = rate.lock().await;
            while let Err(early) = limiter.check() {
                tokio::time::sleep(early.wait_time_from(DefaultClock::default().now())).await;
            }
        }
        Ok(HostPermit { _job: job, _host: host_permit, _use: host })
    }

    /// Counts a job as a user of its host.
    fn use_host(&self, url: &Url) -> (HostUse, Arc<Semaphore>) {
        let host = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or_default());
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || HostState { permits: Arc::new(Semaphore::new(self.per_host)), users: 0 };
        let state = hosts.entry(host.clone()).or_insert_with(new);
        state.users += 1;
        (HostUse { hosts: Arc::clone(&self.hosts), host }, Arc::clone(&state.permits))
    }
}

impl Drop for HostUse {
    fn drop(&mut self) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut state) = hosts.entry(std::mem::take(&mut self.host)) {
            state.get_mut().users -= 1;
            if state.get().users == 0 {
                state.remove();
            }
        }
    }
}

/// Lets jobs start at an even pace of `rate` a second.
fn limiter(rate: f64) -> Result<DefaultDirectRateLimiter, Error> {
    let invalid = || Error::usage(format!("{rate} is not a rate"), "give jobs a second, such as 10 or 0.5");
    if !rate.is_finite() || rate <= 0.0 {
        return Err(invalid());
    }
    let period = Duration::try_from_secs_f64(rate.recip()).map_err(|_| invalid())?;
    let quota = Quota::with_period(period).ok_or_else(invalid)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let burst = NonZeroU32::new((rate / BURSTS_PER_SECOND) as u32).unwrap_or(NonZeroU32::MIN);
    Ok(RateLimiter::direct(quota.allow_burst(burst)))
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn a_busy_host_does_not_block_jobs_of_other_hosts() {
        run(async {
            let permits = HostPermits::new(3, 2, None).expect("permits");
            let (busy, other) = (url("http://a/x"), url("http://a:81/x"));
            let held = join_all([permits.acquire(&busy), permits.acquire(&busy)]).await;
            let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(permits.acquire(&busy))).collect();
            assert!(waiting.iter_mut().all(|waiting| waiting.now_or_never().is_none()), "two jobs of one host are the most");
            let third = permits.acquire(&other).now_or_never();
            assert!(third.is_some(), "another port is another host, and a permit is left");
            assert!(permits.acquire(&url("https://b/")).now_or_never().is_none(), "three jobs are the most");
            drop(held);
            assert!(join_all(waiting.iter_mut().take(1)).await.iter().all(Result::is_ok));
        });
    }

    #[test]
    fn hosts_without_jobs_are_forgotten() {
        run(async {
            let permits = HostPermits::new(2, 1, None).expect("permits");
            for number in 0..100 {
                drop(permits.acquire(&url(&format!("http://host-{number}/"))).await);
            }
            let held = permits.acquire(&url("http://a/")).await;
            // A job that is given up while it waits
            assert!(permits.acquire(&url("http://a/")).now_or_never().is_none());
            assert_eq!(permits.hosts.lock().map(|hosts| hosts.len()).ok(), Some(1));
            drop(held);
            assert_eq!(permits.hosts.lock().map(|hosts| hosts.len()).ok(), Some(0));
        });
    }

    #[test]
    fn a_rate_bounds_the_jobs_that_start() {
        run(async {
            let permits = HostPermits::new(100, 100, Some(0.001)).expect("permits");
            let host = url("http://a/");
            assert!(permits.acquire(&host).now_or_never().is_some());
            assert!(permits.acquire(&host).now_or_never().is_none(), "the next one may start after a thousand seconds");
            let fast = HostPermits::new(100, 100, Some(100.0)).expect("permits");
            let started = (0..100).filter_map(|_| fast.acquire(&host).now_or_never()).count();
            assert!((10..100).contains(&started), "{started} jobs started at once");
        });
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert!(HostPermits::new(1, 1, Some(rate)).is_err(), "{rate}");
        }
    }
}
