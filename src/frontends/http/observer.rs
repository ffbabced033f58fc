//! What an operator can observe: the outcome of jobs, and what the caches answer. `hlsnap serve` turns it into metrics; the Lambda
//! function observes nothing, so that it links no metrics.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::error::{Error, ErrorKind};

/// Receives what happens. Implementations return at once.
pub(in crate::frontends) trait Observe: fmt::Debug + Send + Sync {
    /// A job ended: how long it took, with its wait for a permit, and the bytes of its file or why it failed.
    fn picture(&self, kind: PictureKind, duration: Duration, outcome: Result<usize, ErrorKind>);
    /// A cache answered: `picture`, `frame` or `playlist`, with `hit`, `miss` or `stale`.
    fn cache(&self, cache: &'static str, result: &'static str);
    /// The caches now hold so many bytes.
    fn cache_bytes(&self, bytes: u64);
}

/// What a job makes.
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

/// Passes on what happens, if anybody observes. Clones share the observer.
#[derive(Debug, Clone, Default)]
pub(in crate::frontends) struct Observer(Option<Arc<dyn Observe>>);

impl Observer {
    pub fn new(observe: Arc<dyn Observe>) -> Self {
        Self(Some(observe))
    }

    /// Whether somebody observes, as `hlsnap serve` does.
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

    /// Runs a job, and reports its end. `bytes` is the size of what it made. A job that nobody waits for any more is not reported.
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
