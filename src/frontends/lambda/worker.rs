//! Makes the picture of one request, and writes it to its output or returns it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lambda_runtime::Context;
use serde_json::Value;
use tokio::{sync::Semaphore, time::Instant};

use super::metrics::Metrics;
use crate::{
    capture,
    error::{Error, ErrorKind},
    fetch::Client,
    frontends::{
        deliver::{Delivery, stores},
        remote_source,
        report_facts::PictureCost,
        settings::Settings,
    },
    report::Report,
    request::{Options, SnapshotRequest},
    store::Stores,
};

/// Memory of the program and of one 1080p picture, in MiB, rounded up. `deploy/README.md` has the formula.
const PROGRAM_MIB: usize = 64;
const PICTURE_MIB: usize = 24;
const MAX_JOBS: usize = 32;

/// The time by which the invocation must respond.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// The context's deadline minus the time to respond: a tenth of what remains, at most a second.
    pub fn new(context: &Context) -> Self {
        let deadline = Duration::from_millis(context.deadline);
        // Emulators such as cargo-lambda's give a duration instead of a time; Lambda's own limit is 15 minutes
        let remaining = if deadline < Duration::from_secs(86_400) {
            deadline
        } else {
            let end = SystemTime::UNIX_EPOCH.checked_add(deadline);
            end.and_then(|end| end.duration_since(SystemTime::now()).ok()).unwrap_or_default()
        };
        let margin = (remaining / 10).min(Duration::from_secs(1));
        Self(Instant::now().checked_add(remaining.saturating_sub(margin)))
    }

    /// The time until the deadline.
    pub fn remaining(self) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}

/// A finished picture; its bytes are here unless it was written to an output.
#[derive(Debug)]
pub(super) struct Completed {
    pub report: Report,
    pub picture: Option<Vec<u8>>,
}

/// The state that requests of every event share.
#[derive(Debug)]
pub(super) struct Worker {
    pub settings: Settings,
    pub client: Client,
    stores: Stores,
    jobs: usize,
    permits: Arc<Semaphore>,
}

impl Worker {
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|text| text.parse::<usize>().ok());
        let by_memory = memory.unwrap_or_default().saturating_sub(PROGRAM_MIB) / PICTURE_MIB;
        let jobs = settings.jobs.unwrap_or(by_memory.clamp(1, MAX_JOBS));
        let client = Client::new(&settings.network)?;
        let stores = stores(&settings.network);
        Ok(Self { client, stores, jobs, permits: Arc::new(Semaphore::new(jobs)), settings })
    }

    /// How many pictures are made at the same time.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// Makes one picture. Without an output it is returned; with `must_store`, for asynchronous events, that is `usage`.
    pub async fn run(&self, request: &Value, deadline: Deadline, must_store: bool, metrics: &mut Metrics) -> Result<Completed, Error> {
        let result = self.run_uncounted(request, deadline, must_store).await;
        match &result {
            Ok(completed) => metrics.count_picture(PictureCost::new(completed.report.cost, completed.report.timing_ms.total)),
            Err(error) => {
                metrics.count_failure();
                tracing::warn!(kind = error.kind().name(), "no picture: {}", error.one_line());
            }
        }
        result
    }

    async fn run_uncounted(&self, request: &Value, deadline: Deadline, must_store: bool) -> Result<Completed, Error> {
        let options = self.options(request)?;
        let delivery = options.output.is_some().then(|| self.delivery(&options)).transpose()?;
        if delivery.is_none() && must_store {
            return Err(Error::usage(
                "the request names no output, and nobody waits for the picture",
                "name an output in the message, or for all messages by HLSNAP_OUTPUT",
            ));
        }
        let mut request = options.request(remote_source(&options)?, delivery.as_ref().and_then(|delivery| delivery.output.format()));
        let _permit = tokio::time::timeout(deadline.remaining(), self.permits.acquire()).await.map_err(|_| out_of_time())?;
        request.limits.timeout = request.limits.timeout.min(deadline.remaining());
        if request.limits.timeout.is_zero() {
            return Err(out_of_time());
        }
        match delivery {
            Some(delivery) => {
                delivery.check(&self.stores)?;
                let report = delivery.capture(&request, &self.client, &self.stores).await?;
                Ok(Completed { report, picture: None })
            }
            None => self.capture(&request).await,
        }
    }

    async fn capture(&self, request: &SnapshotRequest) -> Result<Completed, Error> {
        let snapshot = capture::snapshot(request, &self.client).await?;
        Ok(Completed { report: snapshot.report, picture: Some(snapshot.picture) })
    }

    fn options(&self, request: &Value) -> Result<Options, Error> {
        let Value::Object(object) = request else {
            return Err(Error::usage("a request is not an object", "send {\"url\": …}"));
        };
        let mut options = self.settings.defaults.clone();
        options.set_all(object)?;
        Ok(options)
    }

    fn delivery(&self, options: &Options) -> Result<Delivery, Error> {
        let delivery = Delivery::new(options, "-")?;
        let names = [options.output.as_deref(), options.report_output.as_deref()].into_iter().flatten();
        delivery.outputs().zip(names).try_for_each(|(output, name)| self.settings.check_output(output, name))?;
        Ok(delivery)
    }
}

pub(super) fn out_of_time() -> Error {
    Error::new(ErrorKind::Timeout, "the function's time ran out before this picture was started")
        .with_hint("send fewer requests in one event, or give the function more time or memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_time_or_from_emulators_a_duration() {
        let remaining = |deadline: u128| {
            let mut context = Context::default();
            context.deadline = u64::try_from(deadline).expect("milliseconds");
            Deadline::new(&context).remaining().as_secs()
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_millis();
        assert!((57..=59).contains(&remaining(now + 60_000)), "{}", remaining(now + 60_000));
        assert!((598..=599).contains(&remaining(600_000)), "{}", remaining(600_000));
        assert_eq!(remaining(now - 5_000), 0);
    }
}
