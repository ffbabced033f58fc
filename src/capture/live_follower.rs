//! Follows a live stream: reloads its playlist by the protocol's rules, through discontinuities, restarts of the encoder and outages, and
//! captures pictures at moments of one continuous timeline.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    context::JobContext,
    facts::Capture,
    forget::forget_unneeded,
    key_frame_bytes::KeyFrameBytes,
    live_timeline::{LiveTimeline, PlaylistChange},
    open,
    playlist_cache::LoadedPlaylist,
    presentation::{MomentCapture, Presentation},
    reload::{BlockUntil, ReloadPace, has_changed, reload_url, target_duration, without_directives},
    variants::Track,
};
use crate::{
    error::{Error, ErrorKind},
    hls::MediaPlaylist,
    request::Position,
};
use futures_util::{Stream, StreamExt, stream};

/// A live stream that is followed. What it keeps does not grow with time.
pub(crate) struct LiveFollower {
    presentation: Presentation,
    track: Arc<Track>,
    timeline: LiveTimeline,
    key_frame_bytes: Arc<KeyFrameBytes>,
    /// The longest time without a new segment; `None` is no limit.
    max_silence: Option<Duration>,
}

/// An interruption of the stream.
#[derive(Debug, Clone)]
pub(crate) enum Interruption {
    Began(Error),
    /// With its length.
    Ended(Duration),
}

/// A playlist that has not changed for this many target durations is an interruption.
const TARGETS_UNTIL_STALLED: f64 = 3.0;
/// After this many failed reloads, every other attempt opens the stream anew: its Variants may have moved.
const FAILURES_UNTIL_REOPENED: u32 = 3;
/// A failure at most this many target durations from the live edge gets a second try.
const SEGMENTS_NEAR_EDGE: f64 = 2.0;
/// The longest wait for a segment that its origin does not have yet, in seconds.
const MAX_WAIT_FOR_SEGMENT: f64 = 5.0;
/// A job ends at some time; each reload starts another one.
const LONGEST_BATCH: Duration = Duration::from_secs(86_400);

impl LiveFollower {
    /// Follows the stream of `track`. Fails with `timeout` later if it has no new segment for longer than `max_silence`.
    pub fn new(presentation: Presentation, track: Track, max_silence: Option<Duration>) -> Self {
        let timeline = LiveTimeline::new(track.playlist());
        let mut follower = Self { presentation, track: Arc::new(track), timeline, key_frame_bytes: Arc::default(), max_silence };
        follower.renew();
        follower
    }

    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    pub fn playlist(&self) -> &MediaPlaylist {
        self.track.playlist()
    }

    pub fn timeline(&self) -> &LiveTimeline {
        &self.timeline
    }

    /// Whether no segment will follow.
    pub fn has_ended(&self) -> bool {
        !self.playlist().is_live()
    }

    /// The newest picture, and its moment on the timeline.
    pub async fn newest(&self) -> MomentCapture {
        let context = self.context().of_one_picture(self.presentation.picture_timeout()).at(Some(Position::Live));
        let capture = self.track.capture(&context).await;
        let start = self.playlist().complete_segments().last().map_or(0.0, |segment| segment.start);
        let moment = capture.as_ref().map_or(start, |capture| capture.presentation.seconds);
        self.on_timeline(self.timeline.moment_of(moment), capture)
    }

    /// The pictures at ascending moments on the timeline, in order; their segments must be available.
    pub fn captures(&self, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> {
        let captures = self.captures_once(moments, parallel);
        captures.then(async |captured| match captured.capture {
            Err(error) if self.may_be_too_early(captured.moment, &error) => self.try_again(captured.moment, error).await,
            capture => MomentCapture { capture, ..captured },
        })
    }

    fn captures_once(&self, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> + use<'_> {
        let in_playlist: Vec<f64> = moments.iter().map(|moment| self.timeline.playlist_seconds(*moment)).collect();
        let captures = self.presentation.captures_of_live_track(self.context(), Arc::clone(&self.track), &in_playlist, parallel);
        stream::iter(moments.to_vec()).zip(captures).map(|(moment, captured)| self.on_timeline(moment, captured.capture))
    }

    /// Playlists may list a segment before every cache has it.
    fn may_be_too_early(&self, moment: f64, error: &Error) -> bool {
        let near = SEGMENTS_NEAR_EDGE * target_duration(self.playlist());
        (error.is_gone() || error.kind().is_transient()) && self.timeline.is_near_edge(moment, near)
    }

    async fn try_again(&self, moment: f64, error: Error) -> MomentCapture {
        tracing::info!("trying again: {}", error.one_line());
        let wait = target_duration(self.playlist()) / 2.0;
        tokio::time::sleep(Duration::from_secs_f64(wait.clamp(0.0, MAX_WAIT_FOR_SEGMENT))).await;
        let again = pin!(self.captures_once(&[moment], 1)).next().await;
        again.unwrap_or(MomentCapture { moment, capture: Err(error) })
    }

    /// Waits until the playlist has changed. Reports an outage when it begins and when it ends, and goes on through it.
    ///
    /// Fails with `timeout` after the longest silence, and if the stream has become something that may not be read.
    pub async fn advance(&mut self, report: &mut dyn FnMut(Interruption)) -> Result<(), Error> {
        self.renew();
        let changed_at = self.track.loaded.requested_at;
        let mut pace = ReloadPace::after(&self.track.loaded);
        let mut has_begun = false;
        let mut failures = 0;
        loop {
            self.wait_until(pace.due(), changed_at).await?;
            let requested_at = Instant::now();
            let problem = match self.load_newer(failures).await {
                Ok(true) => {
                    if has_begun {
                        report(Interruption::Ended(changed_at.elapsed()));
                    }
                    return Ok(());
                }
                Ok(false) => {
                    failures = 0;
                    pace.unchanged(requested_at);
                    self.stalled_since(changed_at)
                }
                Err(error) if matches!(error.kind(), ErrorKind::Usage | ErrorKind::NotAllowed | ErrorKind::Internal) => return Err(error),
                Err(error) => {
                    failures += 1;
                    pace.failed(requested_at, failures);
                    Some(error)
                }
            };
            if let Some(error) = problem.filter(|_| !has_begun) {
                has_begun = true;
                report(Interruption::Began(error));
            }
        }
    }

    /// Waits for the next reload. Fails with `timeout` if the longest silence ends before.
    async fn wait_until(&self, due: Instant, changed_at: Instant) -> Result<(), Error> {
        let end = self.max_silence.and_then(|silence| changed_at.checked_add(silence));
        tokio::time::sleep_until(end.map_or(due, |end| end.min(due)).into()).await;
        match (end, self.max_silence) {
            (Some(end), Some(silence)) if end <= due => {
                let message = format!("the live stream has had no new segment for {} s", silence.as_secs_f64());
                Err(Error::new(ErrorKind::Timeout, message).with_url(&self.playlist().url).with_hint("raise --timeout to wait longer"))
            }
            _ => Ok(()),
        }
    }

    fn stalled_since(&self, changed_at: Instant) -> Option<Error> {
        let seconds = changed_at.elapsed().as_secs_f64();
        let is_stalled = seconds > TARGETS_UNTIL_STALLED * target_duration(self.playlist());
        let stalled = || Error::new(ErrorKind::Timeout, format!("the playlist has not changed for {seconds:.0} s"));
        is_stalled.then(|| stalled().with_url(&self.playlist().url))
    }

    /// Loads the playlist again, and returns whether it brings anything new.
    async fn load_newer(&mut self, failures: u32) -> Result<bool, Error> {
        let (track, reopened) = self.load_again(failures).await?;
        Ok(self.accept(track, reopened).await)
    }

    /// Loads the playlist again, or after some failures opens the whole stream again.
    async fn load_again(&self, failures: u32) -> Result<(Track, Option<Presentation>), Error> {
        let timeout = self.presentation.picture_timeout();
        if failures >= FAILURES_UNTIL_REOPENED && failures % 2 == 1 {
            return self.open_again(timeout).await;
        }
        // The origin may hold a response back for three target durations
        let hold = Duration::from_secs_f64((3.0 * target_duration(self.playlist())).clamp(0.0, 3600.0));
        let mut context = self.presentation.context.renewed(timeout.saturating_add(hold));
        context.job = context.job.waiting_for(hold);
        // An origin that cannot block after all answers the plain URL
        let mut url = reload_url(self.playlist(), BlockUntil::NextSegment);
        if failures > 0 {
            url = without_directives(&url);
        }
        let requested_at = Instant::now();
        let playlist = open::reload_media_playlist(&context, &url, &self.presentation.variables()).await?;
        let playlist = MediaPlaylist { url: without_directives(&playlist.url), ..playlist };
        let loaded = Arc::new(LoadedPlaylist { playlist, requested_at });
        Ok((Track { loaded, url: self.track.url.clone(), variant: self.track.variant.clone(), notes: Vec::new() }, None))
    }

    async fn open_again(&self, timeout: Duration) -> Result<(Track, Option<Presentation>), Error> {
        let old = &self.presentation;
        let reopened = async {
            let mut opened = Presentation::open_within(&old.context.request, old.context.job.renewed(timeout), &old.base).await?;
            opened.context.has_limits_per_picture = old.context.has_limits_per_picture;
            opened.context.image_kind = old.context.image_kind;
            opened.context.keeps_frames = old.context.keeps_frames;
            opened.context.timing = Arc::clone(&old.context.timing);
            let track = opened.track().await?;
            let not_a_playlist = || Error::new(ErrorKind::BadPlaylist, "the live stream has become a media file").with_url(&old.base);
            Ok((track.ok_or_else(not_a_playlist)?, Some(opened)))
        };
        let job = old.context.job.renewed(timeout);
        tokio::time::timeout(timeout, Box::pin(reopened)).await.unwrap_or_else(|_| Err(job.timeout().with_url(&old.base)))
    }

    /// Makes a playlist the newest one, if it brings anything new.
    async fn accept(&mut self, track: Track, reopened: Option<Presentation>) -> bool {
        if !has_changed(self.playlist(), track.playlist()) {
            return false;
        }
        let change = self.timeline.update(track.playlist());
        if change == PlaylistChange::Outdated {
            return false;
        }
        tracing::debug!("the playlist has changed: {change:?}, it starts at {:.3} s", self.timeline.window_start());
        if let Some(reopened) = reopened {
            self.presentation = reopened;
        }
        self.track = Arc::new(track);
        self.renew();
        forget_unneeded(&self.presentation.context, self.playlist(), change == PlaylistChange::Restarted).await;
        true
    }

    /// Starts another job, so that its deadline is in the future.
    fn renew(&mut self) {
        self.presentation.context = self.presentation.context.renewed(LONGEST_BATCH);
    }

    fn context(&self) -> JobContext {
        JobContext { key_frame_bytes: Some(Arc::clone(&self.key_frame_bytes)), ..self.presentation.context.clone() }
    }

    /// A capture whose times count on the timeline.
    fn on_timeline(&self, moment: f64, capture: Result<Capture, Error>) -> MomentCapture {
        let capture = capture.map(|mut capture| {
            capture.presentation.seconds = self.timeline.moment_of(capture.presentation.seconds);
            capture
        });
        MomentCapture { moment, capture }
    }
}
