//! Observes the outcomes of jobs and the answers of caches. `hlsnap serve` turns them into metrics; the Lambda function has no observer, so
//! it links no metrics.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::error::{Error, ErrorKind};

/// Receives outcomes and answers. Implementations return at once.
pub(in crate::frontends) trait Observe: fmt::Debug + Send + Sync {
    /// A job ended. `duration` includes its wait for a permit; `outcome` is the size of its file in bytes, or why it failed.
    fn picture(&self, kind: PictureKind, duration: Duration, outcome: Result<usize, ErrorKind>);
    /// A cache answered: `picture`, `frame` or `playlist`, with `hit`, `miss` or `stale`.
    fn cache(&self, cache: &'static str, result: &'static str);
    /// The caches now hold `bytes`.
    fn cache_bytes(&self, bytes: u64);
}

/// The kind of a job's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::frontends) enum PictureKind {
    Snapshot,
    Sheet,
    Storyboard,
    Animation,
    Report,
    Inspect,
}

impl PictureKind {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Sheet => "sheet",
            Self::Storyboard => "storyboard",
            Self::Animation => "animation",
            Self::Report => "report",
            Self::Inspect => "inspect",
        }
    }
}

/// Passes outcomes and answers on to an observer, if there is one. Clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::frontends) struct Observer(Option<Arc<dyn Observe>>);

impl Observer {
    pub fn new(observe: Arc<dyn Observe>) -> Self {
        Self(Some(observe))
    }

    /// Whether there is an observer, as in `hlsnap serve`.
    pub fn is_active(&self) -> bool {
        self.0.is_some()
    }

    /// As [`Observe::cache`].
    pub fn cache(&self, cache: &'static str, result: &'static str) {
        if let Some(observe) = &self.0 {
            observe.cache(cache, result);
        }
    }

    /// As [`Observe::cache_bytes`].
    pub fn cache_bytes(&self, bytes: u64) {
        if let Some(observe) = &self.0 {
            observe.cache_bytes(bytes);
        }
    }

    /// Runs a job, and reports its end. `bytes` returns the size of its result. A job whose clients are all gone is not reported.
    pub async fn job<T>(
        &self,
        kind: PictureKind,
        bytes: impl FnOnce(&T) -> usize,
        job: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let start = Instant::now();
        let result = job.await;
        if let Some(observe) = &self.0 {
            observe.picture(kind, start.elapsed(), result.as_ref().map(bytes).map_err(Error::kind));
        }
        result
    }
}
