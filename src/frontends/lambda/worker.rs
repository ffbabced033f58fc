//! The work of one request of an event: a picture, brought to its place or kept.

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
    frontends::{deliver::Delivery, settings::Settings, stores},
    report::Report,
    request::{Options, SnapshotRequest, Source},
    store::Stores,
};

/// What the program itself takes, and what one picture at 1080p takes at most, in MiB: see the README's measurements.
const PROGRAM_MIB: usize = 64;
const PICTURE_MIB: usize = 24;
const MOST_JOBS: usize = 32;

/// When everything must be answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// The context's, less what it takes to answer: a tenth, but at most a second.
    pub fn of(context: &Context) -> Self {
        let given = Duration::from_millis(context.deadline);
        // Emulators (cargo-lambda's) tell how long instead of until when; Lambda itself gives a quarter of an hour at most
        let left = if given < Duration::from_secs(86_400) {
            given
        } else {
            let end = SystemTime::UNIX_EPOCH.checked_add(given);
            end.and_then(|end| end.duration_since(SystemTime::now()).ok()).unwrap_or_default()
        };
        let margin = (left / 10).min(Duration::from_secs(1));
        Self(Instant::now().checked_add(left.saturating_sub(margin)))
    }

    /// What is left of it.
    pub fn left(self) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}

/// A picture that was taken; it is here where it has gone nowhere else.
#[derive(Debug)]
pub(super) struct Done {
    pub report: Report,
    pub picture: Option<Vec<u8>>,
}

/// What works need, whatever event they are of.
#[derive(Debug)]
pub(super) struct Worker {
    pub settings: Settings,
    pub client: Client,
    stores: Stores,
    jobs: usize,
    places: Arc<Semaphore>,
}

impl Worker {
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|text| text.parse::<usize>().ok());
        let by_memory = memory.unwrap_or_default().saturating_sub(PROGRAM_MIB) / PICTURE_MIB;
        let jobs = settings.jobs.unwrap_or(by_memory.clamp(1, MOST_JOBS));
        let client = Client::new(&settings.reach)?;
        let stores = stores(&settings.reach);
        Ok(Self { client, stores, jobs, places: Arc::new(Semaphore::new(jobs)), settings })
    }

    /// Pictures at once.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// Takes one picture. Where its request and the operator name no output it is given back, but for those that nobody waits for:
    /// then `must_store`, and it is `usage`.
    pub async fn one(&self, request: &Value, deadline: Deadline, must_store: bool, metrics: &mut Metrics) -> Result<Done, Error> {
        let done = self.take(request, deadline, must_store).await;
        metrics.count(done.as_ref().map(|done| &done.report));
        if let Err(error) = &done {
            tracing::warn!(kind = error.kind().name(), "no picture: {}", error.one_line());
        }
        done
    }

    async fn take(&self, request: &Value, deadline: Deadline, must_store: bool) -> Result<Done, Error> {
        let asked = self.asked(request)?;
        let delivery = asked.output.is_some().then(|| self.delivery(&asked)).transpose()?;
        if delivery.is_none() && must_store {
            return Err(Error::new(ErrorKind::Usage, "the request names no output, and nobody waits for the picture")
                .with_hint("name an output in the message, or for all by HLSNAP_OUTPUT"));
        }
        let mut request = asked.request(source(&asked)?, delivery.as_ref().and_then(|delivery| delivery.output.format()));
        let asked_time = request.limits.timeout;
        let _place = tokio::time::timeout(deadline.left(), self.places.acquire()).await.map_err(|_| out_of_time())?;
        request.limits.timeout = asked_time.min(deadline.left());
        if request.limits.timeout.is_zero() {
            return Err(out_of_time());
        }
        match delivery {
            Some(delivery) => {
                delivery.check(&self.stores)?;
                let report = delivery.make(&request, &self.client, &self.stores).await?;
                Ok(Done { report, picture: None })
            }
            None => self.keep(&request).await,
        }
    }

    async fn keep(&self, request: &SnapshotRequest) -> Result<Done, Error> {
        let taken = capture::take(request, &self.client).await?;
        Ok(Done { report: Report::new(taken.facts, None), picture: Some(taken.picture) })
    }

    fn asked(&self, request: &Value) -> Result<Options, Error> {
        let Value::Object(named) = request else {
            return Err(Error::new(ErrorKind::Usage, "a request is no object").with_hint("send {\"url\": …}"));
        };
        let mut asked = self.settings.defaults.clone();
        asked.set_all(named)?;
        Ok(asked)
    }

    fn delivery(&self, asked: &Options) -> Result<Delivery, Error> {
        let delivery = Delivery::of(asked, "-")?;
        let names = [asked.output.as_deref(), asked.report_output.as_deref()].into_iter().flatten();
        delivery.outputs().zip(names).try_for_each(|(output, name)| self.settings.check_output(output, name))?;
        Ok(delivery)
    }
}

/// The function's own files are nobody's.
fn source(asked: &Options) -> Result<Source, Error> {
    match asked.source()? {
        Source::Url(url) => Ok(Source::Url(url)),
        Source::File(_) | Source::Text { .. } => {
            Err(Error::new(ErrorKind::NotAllowed, "the url is no http:// or https:// URL").with_hint("give the playlist's whole URL"))
        }
    }
}

pub(super) fn out_of_time() -> Error {
    Error::new(ErrorKind::Timeout, "the function's time was over before this picture's turn came")
        .with_hint("send fewer requests in one event, or give the function more time or memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_moment_and_with_emulators_a_length() {
        let left = |deadline: u128| {
            let mut context = Context::default();
            context.deadline = u64::try_from(deadline).expect("milliseconds");
            Deadline::of(&context).left().as_secs()
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_millis();
        assert!((57..=59).contains(&left(now + 60_000)), "{}", left(now + 60_000));
        assert!((598..=599).contains(&left(600_000)), "{}", left(600_000));
        assert_eq!(left(now - 5_000), 0);
    }
}
