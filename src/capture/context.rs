//! The context that every step of one job shares, and the clock that times the steps.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use url::Url;

use super::{
    domain_states::SharedHeaders,
    key_frame_bytes::{self, KeyFrameBytes},
    playlist_cache::PlaylistCache,
};
use crate::{
    error::Error,
    fetch::Job,
    libav::SoundReader,
    protection::Keyring,
    read::{self, ByteSpan, DownloadCache, SegmentReader},
    render::ImageKind,
    report::TimingFacts,
    request::{Position, Precision, SnapshotRequest, Source},
};

/// One job's request, network access, keys, playlists, downloads and timing. Clones share all of them.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub(super) struct JobContext {
    pub request: Arc<SnapshotRequest>,
    /// Deadline and network access.
    pub job: Job,
    pub keyring: Keyring,
    pub playlists: PlaylistCache,
    pub downloads: DownloadCache,
    /// The form of pictures.
    pub image_kind: ImageKind,
    /// The parameter sets that other pictures' searches have read.
    pub headers: SharedHeaders,
    /// Whether the playlist stays as it is: moments are counted from its start, which a reload of a live playlist moves.
    pub is_playlist_fixed: bool,
    /// How many bytes hold a key frame, if the job takes many; `None` if it takes one.
    pub key_frame_bytes: Option<Arc<KeyFrameBytes>>,
    /// Whether the limits hold for each of many pictures, instead of all together.
    pub has_limits_per_picture: bool,
    /// Whether captures keep their frames, for pictures of other sizes and formats.
    pub keeps_frames: bool,
    /// Whether one connection carries several requests at once (HTTP/2).
    pub is_multiplexed: bool,
    /// Reads the sound in the downloaded bytes; `None` if the caller does not need it.
    pub sound_reader: Option<SoundReader>,
    /// Whether to read on after the picture, in the same request, until the sound is known.
    pub reads_on_for_sound: bool,
    pub timing: Arc<JobTiming>,
}

impl JobContext {
    pub fn new(request: &SnapshotRequest, job: Job) -> Self {
        Self {
            request: Arc::new(request.clone()),
            keyring: Keyring::new(request, &job),
            job,
            playlists: PlaylistCache::default(),
            downloads: DownloadCache::default(),
            image_kind: ImageKind::of(&request.encoding),
            headers: SharedHeaders::default(),
            is_playlist_fixed: false,
            key_frame_bytes: None,
            has_limits_per_picture: false,
            keeps_frames: false,
            is_multiplexed: false,
            sound_reader: None,
            reads_on_for_sound: false,
            timing: Arc::new(JobTiming::start()),
        }
    }

    /// The same context with a shorter deadline if other candidates follow, so that a hang leaves time for them.
    pub fn with_time_share(&self, share: TimeShare, others_follow: bool) -> Self {
        self.with_job(self.job.within(if others_follow { share.0 } else { 1.0 }))
    }

    /// The context of one of many pictures: it ends within `timeout`.
    pub fn of_one_picture(&self, timeout: Duration) -> Self {
        self.without_media().for_at_most(timeout)
    }

    /// The same context with no downloads but inits, for other pictures.
    pub fn without_media(&self) -> Self {
        let job = if self.has_limits_per_picture { self.job.with_fresh_budget() } else { self.job.clone() };
        let (downloads, timing) = (self.downloads.for_another_picture(), Arc::new(JobTiming::start()));
        Self { downloads, timing, ..self.with_job(job) }
    }

    /// The same context with a deadline at most `timeout` from now.
    pub fn for_at_most(&self, timeout: Duration) -> Self {
        self.with_job(self.job.for_at_most(timeout))
    }

    /// The same context with as much time, and as many bytes and requests, as at the start.
    pub fn renewed(&self, timeout: Duration) -> Self {
        self.with_job(self.job.renewed(timeout))
    }

    /// The same context for another moment.
    pub fn at(&self, at: Option<Position>) -> Self {
        Self { request: Arc::new(SnapshotRequest { at, ..(*self.request).clone() }), ..self.clone() }
    }

    /// The same context for another request of the same stream, which shares no media.
    #[cfg(feature = "fleet")]
    pub fn for_request(&self, request: &SnapshotRequest) -> Self {
        let (request, image_kind) = (Arc::new(request.clone()), ImageKind::of(&request.encoding));
        Self { request, image_kind, downloads: DownloadCache::default(), headers: SharedHeaders::default(), ..self.clone() }
    }

    /// The same context for another job.
    pub fn with_job(&self, job: Job) -> Self {
        Self { keyring: self.keyring.with_job(&job), job, ..self.clone() }
    }

    /// Whether a playlist can change while the job runs. Local files and text from stdin do not.
    pub fn may_reload(&self, playlist: &Url) -> bool {
        !self.is_playlist_fixed && matches!(playlist.scheme(), "http" | "https") && !matches!(self.request.source, Source::Text { .. })
    }

    /// The job for the first playlist, which opens further connections if the media will be one key frame.
    pub fn opening_job(&self) -> Job {
        if self.wants_one_key_frame() { self.job.opening_lanes() } else { self.job.clone() }
    }

    /// Opens further connections to the host of a playlist, if a key frame of its stream of `bits` per second will arrive sooner over them.
    pub fn open_lanes(&self, playlist: &Url, bits: Option<u64>) {
        let key_frame = key_frame_bytes::estimate(bits);
        let routes = read::routes_for(key_frame).min(self.job.max_routes(playlist, key_frame));
        if self.wants_one_key_frame() {
            self.job.open_lanes(playlist, routes.saturating_sub(1));
        }
    }

    fn wants_one_key_frame(&self) -> bool {
        let is_time = self.request.at.is_some_and(|at| at.is_time());
        self.key_frame_bytes.is_none() && !is_time && self.request.precision != Some(Precision::Exact)
    }

    /// Opens a reader of `spans`. `first_request` is the size in bytes of the first request for media; `None` requests all of it.
    pub async fn open_reader(&self, spans: Vec<ByteSpan>, first_request: Option<u64>) -> Result<SegmentReader, Error> {
        // The searches of many pictures share the line already
        let job = if self.key_frame_bytes.is_some() { self.job.without_lanes() } else { self.job.clone() };
        SegmentReader::open(&job, spans, first_request, self.is_multiplexed, &self.keyring, &self.downloads).await
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

    /// The times of all steps, for a picture whose frame was decoded at `decoded_at` and took `encode` to become a file. The job is done now.
    pub fn finish(&self, decoded_at: Instant, encode: Duration) -> TimingFacts {
        let frame = decoded_at.saturating_duration_since(self.start);
        TimingFacts { frame, encode, ..self.finish_steps() }
    }

    /// The times of the steps that many pictures share; the job is done now.
    pub fn finish_steps(&self) -> TimingFacts {
        TimingFacts { total: self.start.elapsed(), ..*self.steps.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    fn update(&self, update: impl FnOnce(&mut TimingFacts)) {
        update(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
