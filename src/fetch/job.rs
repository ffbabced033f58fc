//! One picture's budget for the network: a deadline, bytes and requests.

use std::{
    future::Future,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use url::Url;

use super::{client::Client, header_rules::HeaderRules, lanes::Route, meter::Meter, validators::Validators};
use crate::{
    error::{Error, ErrorKind},
    report::Cost,
    request::{Limits, RequestHeaders},
};

/// The deadline, byte budget, meter, headers and cookies of one picture. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Job {
    pub(super) client: Client,
    pub(super) meter: Arc<Meter>,
    pub(super) headers: Arc<HeaderRules>,
    pub(super) limits: Limits,
    deadline: Instant,
    allotted: TimeLimit,
    /// The limit for one response of unknown size, in bytes: it may be endless.
    pub(super) max_unsized_bytes: u64,
    /// The version of the resource that the caller has. It makes requests without a range conditional.
    pub(super) known_version: Option<Arc<Validators>>,
    /// The connection for its requests.
    pub(super) route: Route,
    /// Whether its first connection opens lanes.
    pub(super) opens_lanes: bool,
    /// The folder of a local playlist: only files below it may be read. `None` for every other playlist.
    pub(super) local_root: Option<Arc<Path>>,
}

/// Later deadlines could overflow.
const LONGEST_JOB: Duration = Duration::from_secs(86_400);

/// The time from the start of a job to its deadline, in seconds.
#[derive(Debug, Clone, Copy)]
enum TimeLimit {
    Whole(f64),
    /// The share of one candidate.
    Share(f64),
}

impl Job {
    /// Starts a job now. The caller's headers go only to the origin of `playlist`, unless `headers` says otherwise.
    ///
    /// Fails with `usage` if a header is invalid.
    pub fn new(client: &Client, playlist: &Url, headers: &RequestHeaders, limits: &Limits) -> Result<Self, Error> {
        let local = Some(playlist).filter(|url| url.scheme() == "file");
        let local_root = local.and_then(|url| {
            let folder = url.to_file_path().ok()?.parent()?.canonicalize().ok()?;
            Some(Arc::from(folder))
        });
        Ok(Self {
            client: client.clone(),
            meter: Arc::new(Meter::new(limits, client.traffic())),
            headers: Arc::new(HeaderRules::new(headers, playlist)?),
            limits: *limits,
            deadline: Instant::now() + limits.timeout.min(LONGEST_JOB),
            allotted: TimeLimit::Whole(limits.timeout.as_secs_f64()),
            max_unsized_bytes: limits.max_segment_bytes,
            known_version: None,
            route: Route::Main,
            opens_lanes: false,
            local_root,
        })
    }

    /// The same job with a share (0 to 1) of the time left. A response of unknown size may then use half of the bytes left.
    #[must_use]
    pub fn within(&self, share: f64) -> Self {
        let mut job = self.clone();
        if share < 1.0 {
            let left = self.deadline.saturating_duration_since(Instant::now()).mul_f64(share.max(0.0));
            job.deadline = Instant::now() + left;
            job.allotted = TimeLimit::Share(left.as_secs_f64());
            job.max_unsized_bytes = job.max_unsized_bytes.min(self.meter.bytes_left() / 2);
        }
        job
    }

    /// The same job with a deadline at most `timeout` from now.
    #[must_use]
    pub fn for_at_most(&self, timeout: Duration) -> Self {
        let deadline = Instant::now() + timeout;
        if deadline >= self.deadline {
            return self.clone();
        }
        Self { deadline, allotted: TimeLimit::Share(timeout.as_secs_f64()), ..self.clone() }
    }

    /// The same job with as many bytes and requests left as at its start. The cost still counts all.
    #[must_use]
    pub fn with_fresh_budget(&self) -> Self {
        Self { meter: Arc::new(self.meter.renewed()), ..self.clone() }
    }

    /// The same job with a fresh budget, which ends `timeout` from now.
    #[must_use]
    pub fn renewed(&self, timeout: Duration) -> Self {
        let allotted = TimeLimit::Whole(timeout.as_secs_f64());
        Self { deadline: Instant::now() + timeout.min(LONGEST_JOB), allotted, ..self.with_fresh_budget() }
    }

    /// Starts another job with the same headers and cookies, which ends `timeout` from now. Its cost counts from 0.
    #[must_use]
    pub fn restarted(&self, timeout: Duration) -> Self {
        let allotted = TimeLimit::Whole(timeout.as_secs_f64());
        let meter = Arc::new(self.meter.restarted());
        Self { meter, deadline: Instant::now() + timeout.min(LONGEST_JOB), allotted, ..self.clone() }
    }

    /// The same job, which sends each request once.
    #[must_use]
    pub fn without_retries(&self) -> Self {
        Self { limits: Limits { retries: 0, ..self.limits }, ..self.clone() }
    }

    /// The same job for a resource of which the caller has the version `known`. [`Body::is_unchanged`](super::Body::is_unchanged) tells
    /// whether that is still current.
    #[must_use]
    pub fn if_changed_from(&self, known: &Validators) -> Self {
        Self { known_version: Some(Arc::new(known.clone())), ..self.clone() }
    }

    /// The same job, which waits for a response at least this long.
    #[must_use]
    pub fn waiting_for(&self, wait: Duration) -> Self {
        let mut job = self.clone();
        job.limits.idle_timeout = job.limits.idle_timeout.max(wait);
        job
    }

    /// The cost of the job until now.
    pub fn cost(&self) -> Cost {
        self.meter.cost()
    }

    /// The limits of the job.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether the budget of bytes or requests is used up.
    pub fn is_spent(&self) -> bool {
        self.meter.is_spent()
    }

    /// When the job must be done.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Fails with `timeout` once the deadline has passed.
    pub fn check_deadline(&self) -> Result<(), Error> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(self.timeout()) }
    }

    /// The error for a deadline that has passed.
    pub fn timeout(&self) -> Error {
        let what = match self.allotted {
            TimeLimit::Whole(seconds) => format!("not done within {seconds} s"),
            TimeLimit::Share(seconds) => format!("not done within {seconds:.1} s, its share of the time"),
        };
        Error::new(ErrorKind::Timeout, what).with_hint("raise --timeout if the origin is slow")
    }

    /// Waits before a retry. Fails with `error` at once if the deadline would pass meanwhile.
    pub(super) async fn wait_before_retry(&self, wait: Duration, error: Error) -> Result<(), Error> {
        if Instant::now() + wait >= self.deadline {
            return Err(error);
        }
        tracing::info!("retrying in {} ms: {}", wait.as_millis(), error.one_line());
        self.meter.count_retry();
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Runs one network step under the deadline and the idle timeout.
    pub(super) async fn in_time<T>(&self, url: &Url, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let idle_timeout = self.limits.idle_timeout;
        let end = self.deadline.min(Instant::now() + idle_timeout);
        if let Ok(result) = tokio::time::timeout_at(end.into(), step).await {
            return result.map_err(|e| e.with_url(url));
        }
        self.check_deadline().map_err(|e| e.with_url(url))?;
        let what = format!("no data for {} s", idle_timeout.as_secs_f64());
        Err(Error::new(ErrorKind::Timeout, what).with_url(url).with_hint("check whether the origin is overloaded"))
    }

    /// Runs `work` under the deadline.
    pub(super) async fn before_deadline<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout_at(self.deadline.into(), work).await.unwrap_or_else(|_| Err(self.timeout()))
    }
}
