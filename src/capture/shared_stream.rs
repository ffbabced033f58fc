//! Streams and frames that the requests of a server share: a stream is opened once, and many sizes and formats of one moment cost one download
//! and one decoding.
//!
//! ```text
//! SharedStream::open -> frame_key -> capture -> SharedFrame   (kept)  -> render, for every other request with this key
//!                                            -> CapturedPicture       -> finish, for the request that captured
//! ```
//!
//! Nothing is kept here: the caller decides how long, by [`Freshness`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{
    context::JobContext,
    decode_permit::DecodePermit,
    facts::{Capture, FinishedSnapshot, with_metadata},
    freshness::Freshness,
    kept_frame::KeptFrame,
    open,
    presentation::{Opened, Presentation},
    variants,
};
use crate::{
    error::Error,
    fetch::{Client, Job},
    report::{SnapshotFacts, TimingFacts},
    request::{Format, SnapshotRequest},
};

/// A capture that starts this soon after the stream was opened belongs to the same job.
const SAME_JOB: Duration = Duration::from_secs(1);
/// How long a Multivariant Playlist is kept: Variants come and go, and their URLs may expire.
const KEEP_VARIANTS: Duration = Duration::from_secs(60);
/// How long a recording's Media Playlist is kept, and the fact that a URL leads to a media file.
const KEEP_RECORDING: Duration = Duration::from_secs(600);

/// A stream that was opened, for all requests of its URL.
pub(crate) struct SharedStream {
    presentation: Presentation,
    opened_at: Instant,
    /// Whether a capture already belongs to the job that opened the stream.
    is_claimed: AtomicBool,
}

/// A frame, for pictures of any size and format.
pub(crate) struct SharedFrame {
    frame: Arc<KeptFrame>,
    /// The facts of the first picture.
    pub facts: SnapshotFacts,
    /// As in [`FinishedSnapshot`].
    pub freshness: Option<Freshness>,
}

/// The picture of the request that captured a frame.
pub(crate) struct CapturedPicture {
    presentation: Presentation,
    capture: Capture,
}

impl SharedStream {
    /// Requests with the same key share a stream. Headers and keys need not be part of it: they are the operator's.
    pub fn key(request: &SnapshotRequest) -> String {
        let limits = &request.limits;
        let bounds = (limits.timeout, limits.max_bytes, limits.max_playlist_bytes, limits.retries);
        format!("{} {bounds:?}", open::base_url(&request.source).map_or_else(|_| String::new(), String::from))
    }

    /// Opens the stream of a request. Fails as [`Presentation::open`] does.
    pub async fn open(request: &SnapshotRequest, client: &Client) -> Result<Self, Error> {
        let presentation = Presentation::open(request, client).await?;
        Ok(Self { presentation, opened_at: Instant::now(), is_claimed: AtomicBool::new(false) })
    }

    /// Requests of this stream with the same key get the same frame. Fails if no Variant matches the request.
    pub fn frame_key(&self, request: &SnapshotRequest) -> Result<String, Error> {
        let SnapshotRequest { at, skip_black, best, .. } = request;
        let playlists = match &*self.presentation.opened {
            Opened::Multivariant(multivariant) => variants::candidate_playlists(request, multivariant)?,
            Opened::Media(_) | Opened::File(_) => Vec::new(),
        };
        let playlists: Vec<_> = playlists.into_iter().map(url::Url::as_str).collect();
        let is_avif = request.encoding.format == Format::Avif;
        let choice = (at, request.is_exact(), skip_black, best, is_avif);
        Ok(format!("{} {choice:?} {}", Self::key(request), playlists.join(" ")))
    }

    /// Until when it may serve further captures.
    pub fn end(&self) -> Instant {
        match &*self.presentation.opened {
            Opened::Multivariant(_) => self.opened_at + KEEP_VARIANTS,
            Opened::Media(loaded) => Freshness::of(loaded).map_or(self.opened_at + KEEP_RECORDING, |freshness| freshness.due),
            // Its response stays open until the first capture
            Opened::File(file) if file.has_response() => self.opened_at + SAME_JOB,
            Opened::File(_) => self.opened_at + KEEP_RECORDING,
        }
    }

    /// Whether it was opened before the job that captures now.
    pub fn may_have_changed(&self) -> bool {
        self.opened_at.elapsed() >= SAME_JOB
    }

    /// Its approximate size in bytes.
    pub fn size(&self) -> usize {
        /// Bytes of a Variant, with its URL and names.
        const VARIANT: usize = 1024;
        let opened = match &*self.presentation.opened {
            Opened::Multivariant(multivariant) => {
                let renditions = multivariant.renditions.len() + multivariant.views.len();
                (multivariant.variants.len() + multivariant.i_frame_variants.len() + multivariant.image_variants.len() + renditions)
                    * VARIANT
            }
            Opened::Media(loaded) => loaded.playlist.size(),
            Opened::File(_) => VARIANT,
        };
        opened + self.presentation.context.playlists.size()
    }

    /// Captures a request's picture, and keeps its frame. Fails as [`snapshot`](super::snapshot()) does.
    pub async fn capture(&self, request: &SnapshotRequest, client: &Client) -> Result<(SharedFrame, CapturedPicture), Error> {
        let presentation = self.presentation_for(request, client)?;
        let Presentation { context, base, .. } = &presentation;
        let captured = tokio::time::timeout_at(context.job.deadline().into(), Box::pin(presentation.capture_in(context))).await;
        let capture = captured.unwrap_or_else(|_| Err(context.job.timeout().with_url(base)))?;
        self.presentation.context.playlists.add_recordings(&context.playlists);
        let frame = capture.kept.clone().ok_or_else(|| Error::internal("the frame was not kept"))?;
        let facts = capture.facts(context, base);
        let frame = SharedFrame { frame, facts, freshness: capture.freshness };
        Ok((frame, CapturedPicture { presentation, capture }))
    }

    /// The same stream for another request, in a job of its own unless it was just opened.
    fn presentation_for(&self, request: &SnapshotRequest, client: &Client) -> Result<Presentation, Error> {
        request.check_encoding()?;
        let Presentation { context, base, opened } = &self.presentation;
        let is_same_job = !self.may_have_changed() && !self.is_claimed.swap(true, Relaxed);
        let context = if is_same_job {
            context.for_request(request)
        } else {
            if let Opened::File(file) = &**opened {
                // The response belongs to another job
                file.drop_response();
            }
            let (playlists, is_multiplexed) = (context.playlists.of_recordings(), context.is_multiplexed);
            let job = Job::new(client, base, &request.headers, &request.limits)?;
            JobContext { playlists, is_multiplexed, ..JobContext::new(request, job) }
        };
        Ok(Presentation { context: JobContext { keeps_frames: true, ..context }, base: base.clone(), opened: Arc::clone(opened) })
    }
}

impl SharedFrame {
    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.frame.size()
    }

    /// Makes the picture of a request with the same [`frame_key`](SharedStream::frame_key). Its facts have the cost of the frame.
    pub async fn render(&self, request: &SnapshotRequest, client: &Client) -> Result<FinishedSnapshot, Error> {
        request.check_encoding()?;
        let job = Job::new(client, &open::base_url(&request.source)?, &request.headers, &request.limits)?;
        let (start, permit) = (Instant::now(), DecodePermit::new(&job).acquired().await?);
        let (frame, encoded_request) = (Arc::clone(&self.frame), request.clone());
        let work = move || {
            let encoded = frame.encode(&encoded_request);
            drop(permit);
            encoded
        };
        let encoded =
            tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal("the encoding thread failed").with_source(e))??;
        let picture = with_metadata(encoded.file, &request.encoding, &self.facts);
        let (encode, timing) = (start.elapsed(), self.facts.timing);
        let facts = SnapshotFacts {
            format: request.encoding.format,
            size: encoded.size,
            bytes: picture.len() as u64,
            verdict: encoded.verdict,
            timing: TimingFacts { encode, total: timing.frame + encode, ..timing },
            ..self.facts.clone()
        };
        Ok(FinishedSnapshot { picture, facts, freshness: self.freshness, pixels: None })
    }
}

impl CapturedPicture {
    /// Encodes the picture, as [`snapshot`](super::snapshot()) does.
    pub async fn finish(self) -> Result<FinishedSnapshot, Error> {
        let Self { presentation, capture } = self;
        presentation.finish(capture).await
    }
}
