//! The context that every step of one job shares, and the clock that times the steps.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use url::Url;

use crate::{
    error::Error,
    fetch::Job,
    protection::Keyring,
    read::{ByteSpan, DownloadCache, SegmentReader},
    report::TimingFacts,
    request::{SnapshotRequest, Source},
};

/// One job's request, network access, keys, downloads and timing. Clones share all of them.
#[derive(Clone)]
pub(super) struct JobContext<'a> {
    pub request: &'a SnapshotRequest,
    /// Deadline and network access.
    pub job: Job,
    pub keyring: Keyring,
    pub downloads: DownloadCache,
    /// Whether one connection carries several requests at once (HTTP/2).
    pub is_multiplexed: bool,
    pub timing: Arc<JobTiming>,
}

impl<'a> JobContext<'a> {
    pub fn new(request: &'a SnapshotRequest, job: Job) -> Self {
        Self {
            request,
            keyring: Keyring::new(request, &job),
            job,
            downloads: DownloadCache::default(),
            is_multiplexed: false,
            timing: Arc::new(JobTiming::start()),
        }
    }

    /// The same context with a shorter deadline if other candidates follow, so that a hang leaves time for them.
    pub fn with_time_share(&self, share: TimeShare, others_follow: bool) -> Self {
        let job = self.job.within(if others_follow { share.0 } else { 1.0 });
        Self { keyring: self.keyring.with_job(&job), job, ..self.clone() }
    }

    /// Whether a playlist can change while the job runs. Local files and text from stdin do not.
    pub fn may_reload(&self, playlist: &Url) -> bool {
        matches!(playlist.scheme(), "http" | "https") && !matches!(self.request.source, Source::Text { .. })
    }

    /// Opens a reader of `spans`. `first_request` is the size in bytes of the first request for media; `None` requests all of it.
    pub async fn open_reader(&self, spans: Vec<ByteSpan>, first_request: Option<u64>) -> Result<SegmentReader, Error> {
        SegmentReader::open(&self.job, spans, first_request, self.is_multiplexed, &self.keyring, &self.downloads).await
    }
}

/// The fraction of the remaining time that one candidate gets while others follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeShare(f64);

impl TimeShare {
    pub const SEGMENT: Self = Self(0.4);
    pub const VARIANT: Self = Self(0.5);
    /// Waiting for a live playlist to change, while it lists other segments.
    pub const RELOAD: Self = Self(0.7);
    /// An I-frame Playlist is a shortcut, so it must not cost much.
    pub const SHORTCUT: Self = Self(0.25);
}

/// Times the steps of a job.
pub(super) struct JobTiming {
    start: Instant,
    steps: Mutex<TimingFacts>,
}

impl JobTiming {
    fn start() -> Self {
        Self { start: Instant::now(), steps: Mutex::default() }
    }

    /// All playlists that the next step needs are parsed.
    pub fn playlists_loaded(&self) {
        let elapsed = self.start.elapsed();
        self.update(|steps| steps.playlists = elapsed);
    }

    pub fn first_byte_received(&self, at: Instant) {
        let elapsed = at.saturating_duration_since(self.start);
        self.update(|steps| steps.first_byte = elapsed);
    }

    /// The frame was decoded, and then took `encode` to become a file.
    pub fn frame_decoded(&self, at: Instant, encode: Duration) {
        let elapsed = at.saturating_duration_since(self.start);
        self.update(|steps| (steps.frame, steps.encode) = (elapsed, encode));
    }

    /// The times of all steps; the job is done now.
    pub fn finish(&self) -> TimingFacts {
        TimingFacts { total: self.start.elapsed(), ..*self.steps.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    fn update(&self, update: impl FnOnce(&mut TimingFacts)) {
        update(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
