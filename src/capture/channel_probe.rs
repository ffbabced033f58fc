//! Samples a live channel repeatedly: each sample is one reload of its Media Playlist and one key frame.
//!
//! A probe keeps the state for the next sample, but no playlist, because thousands of long playlists would fill the memory.

use std::{sync::Arc, time::Instant};

use url::Url;

use super::{
    context::JobContext,
    facts::{Capture, FinishedSnapshot},
    forget::forget_unneeded,
    open,
    playlist_cache::{LoadedPlaylist, PlaylistCache},
    presentation::Presentation,
    sound_probe::probe_audio_playlist,
    variants::Track,
};
use crate::{
    error::{Error, ErrorKind},
    fetch::{Client, Job, Validators},
    hls::{MediaPlaylist, Variables, Variant},
    libav::{self, SoundFacts},
    read::SegmentSpan,
    render,
    report::Cost,
    request::{Position, Precision, ReferencePicture, SnapshotRequest},
};

/// A channel that is sampled. It sends nothing between samples.
pub(crate) struct ChannelProbe {
    client: Client,
    request: SnapshotRequest,
    base: Url,
    /// `None` before the first sample and after a failure: then the stream is opened again, because its Variants may have moved.
    stream: Option<ProbedStream>,
}

/// The findings of one sample.
pub(crate) struct Probe {
    pub playlist: ProbedPlaylist,
    /// The newest key frame. `None` after a failure, and if the newest segment is still that of the last sample.
    pub picture: Option<ProbedPicture>,
    pub failure: Option<Error>,
    pub cost: Cost,
}

/// The Media Playlist of a sample.
pub(crate) enum ProbedPlaylist {
    /// It could not be loaded.
    Missing,
    /// Not changed since the last sample (304).
    Unchanged,
    Loaded(Arc<LoadedPlaylist>),
}

/// The newest key frame of a sample.
pub(crate) struct ProbedPicture {
    pub finished: FinishedSnapshot,
    pub fingerprint: ReferencePicture,
    /// Hash of the first bytes of its segment, if that is complete.
    pub start_hash: Option<u64>,
    /// Bits of its segment per pixel and second, if the segment is complete and its size known.
    pub bits_per_pixel_second: Option<f64>,
    /// Facts about its sound, if it was read.
    pub sound: Option<SoundFacts>,
}

/// An open stream.
struct ProbedStream {
    context: JobContext,
    /// The Media Playlist's URL after redirects, and in its Multivariant Playlist.
    url: Url,
    listed_url: Url,
    variant: Option<Variant>,
    variables: Variables,
    /// The version of the playlist for the next, conditional request. `None` makes it unconditional.
    known: Option<Validators>,
    /// The Media Playlist of its audio, if that is not in the Variant's segments.
    audio: Option<Url>,
    /// Media Sequence Number and part index after the newest segment.
    next: (u64, u64),
}

impl ChannelProbe {
    /// A probe of the stream of `request`, which must have a URL. Its moment does not matter.
    pub fn new(mut request: SnapshotRequest, client: Client) -> Result<Self, Error> {
        (request.at, request.precision) = (Some(Position::Live), Some(Precision::KeyFrame));
        let base = open::base_url(&request.source)?;
        Ok(Self { client, request, base, stream: None })
    }

    /// Takes a sample within the request's timeout. With `listens`, it reads the sound even if the picture's bytes do not contain it. That
    /// takes more bytes, and two more requests if the audio has a playlist of its own.
    pub async fn sample(&mut self, listens: bool) -> Probe {
        let stream = self.stream.take();
        let job = match &stream {
            Some(stream) => Ok(stream.context.job.restarted(self.request.limits.timeout)),
            None => Job::new(&self.client, &self.base, &self.request.headers, &self.request.limits),
        };
        let job = match job {
            Ok(job) => job,
            Err(error) => return Probe::failed(error, Cost::default()),
        };
        let round = Round { request: &self.request, base: &self.base, job: &job, listens };
        let sample = async {
            match stream {
                Some(stream) => Box::pin(round.reload(stream)).await,
                None => Box::pin(round.open()).await,
            }
        };
        let timeout = || Err(job.timeout().with_url(&self.base));
        match tokio::time::timeout_at(job.deadline().into(), sample).await.unwrap_or_else(|_| timeout()) {
            Ok((probe, stream)) => {
                self.stream = stream.filter(|_| probe.failure.is_none());
                Probe { cost: job.cost(), ..probe }
            }
            Err(error) => Probe::failed(error, job.cost()),
        }
    }
}

impl Probe {
    /// A sample without playlist and picture.
    pub fn failed(error: Error, cost: Cost) -> Self {
        Self { playlist: ProbedPlaylist::Missing, picture: None, failure: Some(error), cost }
    }

    fn new(playlist: ProbedPlaylist, picture: Result<Option<ProbedPicture>, Error>) -> Self {
        let (picture, failure) = match picture {
            Ok(picture) => (picture, None),
            Err(error) => (None, Some(error)),
        };
        Self { playlist, picture, failure, cost: Cost::default() }
    }
}

/// One sample in progress.
struct Round<'a> {
    request: &'a SnapshotRequest,
    base: &'a Url,
    job: &'a Job,
    listens: bool,
}

/// A sample, and the stream for the next one.
type Sampled = (Probe, Option<ProbedStream>);

impl Round<'_> {
    /// Opens the stream. If the best Variant has no picture, tries the others.
    async fn open(&self) -> Result<Sampled, Error> {
        let presentation = Presentation::open_within(self.request, self.job.clone(), self.base).await?;
        let Some(track) = presentation.track().await? else {
            return Err(Error::new(ErrorKind::Unsupported, "the channel is a single media file")
                .with_url(self.base)
                .with_hint("give the URL of a playlist"));
        };
        let context =
            JobContext { key_frame_bytes: Some(Arc::default()), sound_reader: Some(libav::read_sound), ..presentation.context.clone() };
        let audio = track.variant.as_ref().and_then(|variant| presentation.audio_playlist(variant));
        let context = self.context(&context, audio.as_ref());
        let picture = match self.picture(&context, &track).await {
            Err(error) if track.variant.is_some() && !self.job.is_spent() => {
                let other = presentation.capture_in(&context).await.map_err(|_| error);
                match other {
                    Ok(capture) => self.finish(&context, track.playlist(), capture).await,
                    Err(error) => Err(error),
                }
            }
            picture => picture,
        };
        let playlist = track.playlist();
        let stream = ProbedStream {
            audio,
            url: playlist.url.clone(),
            next: playlist.next(),
            variables: presentation.variables(),
            // The cached playlists belong to this sample
            context: JobContext { playlists: PlaylistCache::default(), ..context },
            listed_url: track.url,
            variant: track.variant,
            known: None,
        };
        let picture = self.with_sound(&stream, picture).await;
        Ok((Probe::new(ProbedPlaylist::Loaded(track.loaded), picture.map(Some)), Some(stream)))
    }

    /// Reloads the playlist of an open stream, and takes the newest key frame if it has a newer segment.
    async fn reload(&self, mut stream: ProbedStream) -> Result<Sampled, Error> {
        let context = self.context(&stream.context, stream.audio.as_ref());
        let requested_at = Instant::now();
        let known = stream.known.take();
        let reloaded = open::reload_if_changed(&context, &stream.url, &stream.variables, known.as_ref()).await?;
        // After a 304 the next request is unconditional: a cache may be stuck
        let Some((playlist, version)) = reloaded else {
            return Ok((Probe::new(ProbedPlaylist::Unchanged, Ok(None)), Some(stream)));
        };
        stream.known = Some(version).filter(Validators::can_be_named);
        let next = playlist.next();
        let is_restarted = next < stream.next;
        let is_same = next == stream.next;
        stream.next = next;
        let loaded = Arc::new(LoadedPlaylist { playlist, requested_at });
        if is_same {
            return Ok((Probe::new(ProbedPlaylist::Loaded(loaded), Ok(None)), Some(stream)));
        }
        forget_unneeded(&context, &loaded.playlist, is_restarted).await;
        let track =
            Track { loaded: Arc::clone(&loaded), url: stream.listed_url.clone(), variant: stream.variant.clone(), notes: Vec::new() };
        let picture = self.picture(&context, &track).await;
        let picture = self.with_sound(&stream, picture).await;
        Ok((Probe::new(ProbedPlaylist::Loaded(loaded), picture.map(Some)), Some(stream)))
    }

    /// Adds the sound of the audio playlist, if there is one, because the picture's segment has none.
    async fn with_sound(&self, stream: &ProbedStream, picture: Result<ProbedPicture, Error>) -> Result<ProbedPicture, Error> {
        let Some(audio) = &stream.audio else { return picture };
        let mut picture = picture?;
        picture.sound = None;
        if self.listens {
            let context = stream.context.with_job(self.job.clone());
            match probe_audio_playlist(&context, audio, &stream.variables).await {
                Ok(sound) => picture.sound = Some(sound),
                Err(error) => tracing::info!("the sound is unknown: {}", error.one_line()),
            }
        }
        Ok(picture)
    }

    /// The context of this sample, with no media yet.
    fn context(&self, context: &JobContext, audio: Option<&Url>) -> JobContext {
        let context = context.with_job(self.job.clone()).without_media();
        JobContext { reads_on_for_sound: self.listens && audio.is_none(), ..context }
    }

    /// The newest key frame of a playlist.
    async fn picture(&self, context: &JobContext, track: &Track) -> Result<ProbedPicture, Error> {
        let capture = track.capture(context).await?;
        self.finish(context, track.playlist(), capture).await
    }

    async fn finish(&self, context: &JobContext, playlist: &MediaPlaylist, capture: Capture) -> Result<ProbedPicture, Error> {
        let fingerprint = render::fingerprint(&capture.picture.image);
        let segment = SegmentFacts::of(context, playlist, &capture);
        let sound = capture.sound;
        let finished = capture.finish(context, self.base).await?;
        context.downloads.finish_rests().await;
        Ok(ProbedPicture {
            finished,
            fingerprint,
            start_hash: segment.start_hash,
            bits_per_pixel_second: segment.bits_per_pixel_second,
            sound,
        })
    }
}

/// Facts about a picture's segment that show whether its encoder works.
#[derive(Default)]
struct SegmentFacts {
    start_hash: Option<u64>,
    bits_per_pixel_second: Option<f64>,
}

impl SegmentFacts {
    fn of(context: &JobContext, playlist: &MediaPlaylist, capture: &Capture) -> Self {
        let number = capture.segment.media_sequence_number;
        let index = playlist.segments.iter().position(|segment| Some(segment.media_sequence_number) == number);
        let found = index.and_then(|index| Some((index, playlist.segments.get(index).filter(|segment| segment.complete)?)));
        let Some((index, segment)) = found else { return Self::default() };
        let spans = SegmentSpan::new(playlist, index.into(), index).byte_spans(&context.keyring).unwrap_or_default();
        let Some(start) = spans.iter().find(|span| !span.is_init).and_then(|span| context.downloads.media_start(span)) else {
            return Self::default();
        };
        let (width, height) = capture.frame.coded_size;
        let pixel_seconds = f64::from(width) * f64::from(height) * segment.duration;
        let bits = start.size.map(|bytes| bytes as f64 * 8.0);
        Self { start_hash: Some(start.hash), bits_per_pixel_second: bits.map(|bits| bits / pixel_seconds).filter(|bits| bits.is_finite()) }
    }
}
