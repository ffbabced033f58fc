//! What all requests of the function share, and the time that they have.

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use serde::Serialize;
use serde_json::Value;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    error::{Error, ErrorKind},
    fetch::Client,
    frontends::{deliver::stores, report_facts::PictureCost, settings::Settings},
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

/// A finished request; the picture's bytes are here unless it was written to an output.
#[derive(Debug)]
pub(super) struct Completed {
    /// The report, as JSON.
    pub report: Value,
    pub cost: PictureCost,
    pub picture: Option<Vec<u8>>,
}

impl Completed {
    pub fn new(report: &impl Serialize, cost: PictureCost, picture: Option<Vec<u8>>) -> Result<Self, Error> {
        let report = serde_json::to_value(report).map_err(|e| Error::internal("the report cannot be written as JSON").with_source(e))?;
        Ok(Self { report, cost, picture })
    }
}

/// The state that requests of every event share.
#[derive(Debug)]
pub(super) struct Worker {
    pub settings: Settings,
    pub client: Client,
    pub stores: Stores,
    jobs: usize,
    permits: Semaphore,
}

impl Worker {
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|text| text.parse::<usize>().ok());
        let by_memory = memory.unwrap_or_default().saturating_sub(PROGRAM_MIB) / PICTURE_MIB;
        let jobs = settings.jobs.unwrap_or(by_memory.clamp(1, MAX_JOBS));
        let client = Client::new(&settings.network)?;
        let stores = stores(&settings.network);
        Ok(Self { client, stores, jobs, permits: Semaphore::new(jobs), settings })
    }

    /// How many pictures are made at the same time.
    pub fn jobs(&self) -> usize {
        self.jobs
    }

    /// Waits for a permit. Fails with `timeout` if no time is left then.
    pub async fn permit(&self, deadline: Deadline) -> Result<SemaphorePermit<'_>, Error> {
        let permit = tokio::time::timeout(deadline.remaining(), self.permits.acquire()).await.map_err(|_| out_of_time())?;
        if deadline.remaining().is_zero() {
            return Err(out_of_time());
        }
        permit.map_err(|e| Error::internal("the semaphore of jobs is closed").with_source(e))
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
