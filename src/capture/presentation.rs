//! A stream that is opened once, and gives pictures of any number of moments.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
use futures_util::{Stream, StreamExt};
use url::Url;

use super::{
    context::JobContext,
    facts::{Capture, FinishedSnapshot, Snapshot},
    file::capture_file,
    live,
    open::{self, OpenedStream},
    playlist_cache::LoadedPlaylist,
    variants::{self, Track},
};
use crate::{
    error::{Error, redacted},
    fetch::{Body, Client, Job},
    hls::{MultivariantPlaylist, Variables},
    report::{Cost, Report, TimingFacts},
    request::SnapshotRequest,
};

/// A stream opened once: its playlists, keys, inits and connections serve every picture that is taken of it.
///
/// It takes the pictures that its request describes, at any moment. Its limits hold for all pictures together.
pub struct Presentation {
    pub(super) context: JobContext,
    pub(super) base: Url,
    pub(super) opened: Arc<Opened>,
}

/// The resource at the requested URL.
pub(super) enum Opened {
    Multivariant(Box<MultivariantPlaylist>),
    Media(Arc<LoadedPlaylist>),
    File(Box<OpenedFile>),
}

/// A media file. The response that was opened serves the first picture.
pub(super) struct OpenedFile {
    url: Url,
    first: Mutex<Option<(Body, BytesMut)>>,
}

#[cfg(feature = "fleet")]
impl OpenedFile {
    /// Whether the opened response is still unused.
    pub fn has_response(&self) -> bool {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub fn drop_response(&self) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The picture of one moment.
pub(crate) struct MomentCapture {
    /// The requested moment, in seconds from the start of the playlist.
    pub moment: f64,
    pub capture: Result<Capture, Error>,
}

impl Presentation {
    /// Opens the stream of a request; its moment does not matter. Needs a tokio runtime with I/O and time enabled.
    ///
    /// Fails as [`snapshot`](super::snapshot()) does before it loads media.
    pub async fn open(request: &SnapshotRequest, client: &Client) -> Result<Self, Error> {
        let base = open::base_url(&request.source)?;
        let job = Job::new(client, &base, &request.headers, &request.limits)?;
        let opened = Self::open_within(request, job.clone(), &base);
        tokio::time::timeout_at(job.deadline().into(), opened).await.unwrap_or_else(|_| Err(job.timeout().with_url(&base)))
    }

    pub(super) async fn open_within(request: &SnapshotRequest, job: Job, base: &Url) -> Result<Self, Error> {
        request.check_encoding()?;
        let mut context = JobContext::new(request, job);
        let (stream, is_multiplexed) = open::open_stream(&context, base).await?;
        context.is_multiplexed = is_multiplexed;
        let opened = match stream {
            OpenedStream::Multivariant(multivariant) => Opened::Multivariant(multivariant),
            OpenedStream::Media(loaded) => {
                context.timing.playlists_loaded();
                Opened::Media(loaded)
            }
            OpenedStream::File(body, head) => {
                context.timing.playlists_loaded();
                Opened::File(Box::new(OpenedFile { url: body.url().clone(), first: Mutex::new(Some((*body, head))) }))
            }
        };
        Ok(Self { context, base: base.clone(), opened: Arc::new(opened) })
    }

    /// The length of the playlist in seconds, of a live stream that of its window; `None` for a media file. Fails if no Variant's playlist can
    /// be loaded.
    pub async fn duration(&self) -> Result<Option<f64>, Error> {
        Ok(self.track().await?.map(|track| track.playlist().duration()))
    }

    /// Takes pictures at moments in seconds from the start of the playlist, which must ascend: key frames, unless the request is for exact
    /// ones. The results come in order; at most `parallel` segments are read at the same time. A picture that cannot be had does not end the stream.
    pub fn snapshots(&self, moments: &[f64], parallel: usize) -> impl Stream<Item = Result<Snapshot, Error>> {
        let captures = self.captures(moments, parallel);
        captures.then(async |MomentCapture { capture, .. }| {
            let FinishedSnapshot { picture, facts, .. } = self.finish(capture?).await?;
            Ok(Snapshot { picture, report: Report::new(facts, None) })
        })
    }

    /// Whether the playlist of a track is live and can be loaded again.
    pub(crate) fn can_follow(&self, track: &Track) -> bool {
        track.playlist().is_live() && self.context.may_reload(&track.playlist().url)
    }

    /// Lets the limits hold for each picture, instead of all together.
    pub(crate) fn with_limits_per_picture(mut self) -> Self {
        self.context.has_limits_per_picture = true;
        self
    }

    /// Lets captures keep their frames, if `keeps_frames`.
    pub(crate) fn with_frames(mut self, keeps_frames: bool) -> Self {
        self.context.keeps_frames = keeps_frames;
        self
    }

    /// The variables of the Multivariant Playlist, which Media Playlists import.
    pub(super) fn variables(&self) -> Variables {
        match &*self.opened {
            Opened::Multivariant(multivariant) => multivariant.variables.clone(),
            Opened::Media(_) | Opened::File { .. } => Variables::default(),
        }
    }

    /// The Multivariant Playlist, if that is what was opened.
    #[cfg(feature = "fleet")]
    pub(super) fn multivariant(&self) -> Option<&MultivariantPlaylist> {
        if let Opened::Multivariant(multivariant) = &*self.opened { Some(multivariant) } else { None }
    }

    /// What the pictures cost until now.
    pub fn cost(&self) -> Cost {
        self.context.job.cost()
    }

    /// The requested URL, redacted.
    pub(crate) fn redacted_url(&self) -> String {
        redacted(&self.base)
    }

    /// The times of the steps that all pictures share.
    pub(crate) fn timing(&self) -> TimingFacts {
        self.context.timing.finish_steps()
    }

    /// Captures the picture of a context's moment.
    pub(super) async fn capture_in(&self, context: &JobContext) -> Result<Capture, Error> {
        match &*self.opened {
            Opened::Multivariant(multivariant) => Box::pin(variants::capture_best_variant(context, multivariant)).await,
            Opened::Media(loaded) => {
                let newest = context.playlists.newest(&loaded.playlist.url).unwrap_or_else(|| Arc::clone(loaded));
                Box::pin(live::capture_with_reloads(context, newest, None, &Variables::default())).await
            }
            Opened::File(file) => {
                let first = file.first.lock().unwrap_or_else(PoisonError::into_inner).take();
                Box::pin(capture_file(context, &file.url, first)).await
            }
        }
    }

    /// The playlist that pictures come from if nothing fails; `None` for a media file.
    pub(crate) async fn track(&self) -> Result<Option<Track>, Error> {
        match &*self.opened {
            Opened::Multivariant(multivariant) => variants::open_best_track(&self.context, multivariant).await.map(Some),
            Opened::Media(loaded) => {
                let url = loaded.playlist.url.clone();
                Ok(Some(Track { loaded: Arc::clone(loaded), url, variant: None, notes: Vec::new() }))
            }
            Opened::File(_) => Ok(None),
        }
    }

    /// Encodes a picture and completes the facts about it.
    pub(crate) async fn finish(&self, capture: Capture) -> Result<FinishedSnapshot, Error> {
        capture.finish(&self.context, &self.base).await
    }

    /// The longest that one of many pictures may take.
    pub(super) fn picture_timeout(&self) -> Duration {
        self.context.request.limits.picture_timeout
    }
}
