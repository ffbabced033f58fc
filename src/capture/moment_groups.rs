//! Captures the pictures of many moments: groups of moments at the same time, each as one plan says ([`moments`](super::moments)). What a
//! group does not get by one pass, each moment gets by a search of its own, as a single snapshot does.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};

use super::{
    content_choice::is_blank,
    context::JobContext,
    facts::{self, Capture},
    failure_scope::FailedInitsAndKeys,
    moments::{GroupKind, GroupRun, MomentGroup, group_moments},
    playlist_search::PlaylistSearch,
    presentation::{MomentCapture, Presentation},
    variants::Track,
};
use crate::{
    error::{Error, ErrorKind},
    hls::Segment,
    render::ImageKind,
    request::{Position, Precision, SnapshotRequest},
};

/// The longest that a frame more may take in a pass over a segment.
const TIME_OF_A_FRAME: Duration = Duration::from_secs(1);

impl Presentation {
    /// Lets pictures be pixels instead of files.
    pub(crate) fn with_pixels(mut self) -> Self {
        self.context.image_kind = ImageKind::Rgb;
        self
    }

    /// Captures the pictures at ascending moments, in seconds from the start of the playlist, in order. At most `parallel` groups are read
    /// at the same time.
    pub(crate) fn captures(&self, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> {
        let precision = self.context.request.precision.unwrap_or(Precision::KeyFrame);
        self.captures_with(precision, moments, parallel)
    }

    /// As [`captures`](Self::captures), with another precision than the request's.
    pub(crate) fn captures_with(&self, precision: Precision, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> {
        // Each moment is a time, for which another precision would be the default
        let request = SnapshotRequest { precision: Some(precision), ..(*self.context.request).clone() };
        let context = JobContext { request: Arc::new(request), ..self.context.clone() };
        let moments = moments.to_vec();
        stream::once(async move {
            match self.track().await {
                Ok(track) => {
                    let context = JobContext { key_frame_bytes: Some(Arc::default()), is_playlist_fixed: true, ..context };
                    let group_jobs =
                        GroupJobs { presentation: self, context, track: track.map(Arc::new), follows: false, failures: Arc::default() };
                    group_jobs.captures(&moments, parallel).left_stream()
                }
                Err(error) => {
                    let failed = moments.into_iter().map(move |moment| MomentCapture { moment, capture: Err(error.clone()) });
                    stream::iter(failed).right_stream()
                }
            }
        })
        .flatten()
    }

    /// As [`captures`](Self::captures), at moments of a live playlist that was reloaded, and of no other.
    pub(super) fn captures_of_live_track(
        &self,
        context: JobContext,
        track: Arc<Track>,
        moments: &[f64],
        parallel: usize,
    ) -> impl Stream<Item = MomentCapture> + use<'_> {
        let group_jobs = GroupJobs { presentation: self, context, track: Some(track), follows: true, failures: Arc::default() };
        group_jobs.captures(moments, parallel)
    }
}

/// What all groups share.
#[derive(Clone)]
struct GroupJobs<'a> {
    presentation: &'a Presentation,
    context: JobContext,
    track: Option<Arc<Track>>,
    /// Whether moments are those of the track's playlist alone: windows of other live playlists start at other times.
    follows: bool,
    failures: Arc<Mutex<SharedFailures>>,
}

/// Inits and keys that failed, and the last failure of one: all pictures that need one fail alike.
#[derive(Default)]
struct SharedFailures {
    inits_and_keys: FailedInitsAndKeys,
    last: Option<Error>,
}

impl SharedFailures {
    fn add(&mut self, error: &Error, segment: &Segment) {
        self.inits_and_keys.add(error, segment);
        if self.inits_and_keys.blocks(segment) {
            self.last = Some(error.clone());
        }
    }
}

impl<'a> GroupJobs<'a> {
    fn captures(self, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> + use<'a> {
        let precision = if self.context.request.is_exact() { Precision::Exact } else { Precision::KeyFrame };
        let runs = match &self.track {
            Some(track) => group_moments(&track.loaded.playlist, moments, precision),
            // A file is one connection's work
            None => moments.iter().map(|moment| GroupRun::separate(*moment)).collect(),
        };
        // The first run fetches the init that the others share
        let alone = usize::from(self.shares_init());
        let mut runs = runs.into_iter();
        let first: Vec<_> = runs.by_ref().take(alone).collect();
        let jobs = self.clone();
        let first = stream::iter(first).then(move |run| Box::pin(jobs.clone().capture_run(run)));
        let others = stream::iter(runs).map(move |run| Box::pin(self.clone().capture_run(run))).buffered(parallel.max(1));
        first.chain(others).flat_map(stream::iter)
    }

    fn shares_init(&self) -> bool {
        self.track.as_ref().is_some_and(|track| {
            let playlist = &track.loaded.playlist;
            playlist.i_frames_only || playlist.segments.first().is_some_and(|segment| segment.init.is_some())
        })
    }

    /// Captures the groups of a run one after the other, in order.
    async fn capture_run(self, run: GroupRun) -> Vec<MomentCapture> {
        let context = self.context.without_media();
        if let Some(track) = self.usable_track()
            && run.touching.len() > 1
            && let Err(error) = self.prefetch(&context, track, &run.touching).await
        {
            tracing::debug!("each picture takes a request of its own: {}", error.one_line());
        }
        let mut captured = Vec::new();
        for group in run.groups {
            captured.extend(self.capture_group(&context, group).await);
        }
        context.downloads.finish_rests().await;
        captured
    }

    /// The track, unless its playlist failed too often.
    fn usable_track(&self) -> Option<&Track> {
        self.track.as_deref().filter(|track| !self.context.playlists.is_excluded(&track.url))
    }

    async fn prefetch(&self, context: &JobContext, track: &Track, segments: &[usize]) -> Result<(), Error> {
        let context = context.for_at_most(self.presentation.picture_timeout());
        PlaylistSearch::new(&context, &track.loaded.playlist, None).prefetch(segments).await
    }

    async fn capture_group(&self, context: &JobContext, group: MomentGroup) -> Vec<MomentCapture> {
        // Another Variant has another init
        let track = self.usable_track().filter(|track| track.variant.is_none() || track.playlist().is_live());
        let segment = group.segment().zip(track).and_then(|(index, track)| track.playlist().segments.get(index));
        let moments = group.moments;
        if let Some(error) = segment.and_then(|segment| self.known_failure(segment)) {
            return moments.into_iter().map(|moment| MomentCapture { moment, capture: Err(error.clone()) }).collect();
        }
        let captures = match group.kind {
            GroupKind::OneKeyFrame(_) => self.capture_one_key_frame(context, &moments).await,
            GroupKind::OnePass(segment) if moments.len() > 1 => {
                let pass = self.capture_in_one_pass(context, segment, &moments).await;
                self.capture_others(context, &moments, pass).await
            }
            GroupKind::OnePass(_) | GroupKind::Separate(_) => self.capture_others(context, &moments, Vec::new()).await,
        };
        if let (Some(segment), Some(Err(error))) = (segment, captures.first()) {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).add(error, segment);
        }
        moments.into_iter().zip(captures).map(|(moment, capture)| MomentCapture { moment, capture }).collect()
    }

    /// The failure of an init or key that a segment needs.
    fn known_failure(&self, segment: &Segment) -> Option<Error> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.last.clone().filter(|_| failures.inits_and_keys.blocks(segment))
    }

    /// Captures the one picture of moments that share an I-frame. A Variant, which replaces it, may have more key frames.
    async fn capture_one_key_frame(&self, context: &JobContext, moments: &[f64]) -> Vec<Result<Capture, Error>> {
        let shared = self.capture_moment(context, moments.first().copied().unwrap_or_default()).await;
        match &shared {
            Ok(capture) if !capture.segment.i_frame => self.capture_others(context, moments, vec![shared.ok()]).await,
            _ => moments.iter().map(|_| shared.clone()).collect(),
        }
    }

    /// Captures what one pass over a segment gives.
    async fn capture_in_one_pass(&self, context: &JobContext, segment: usize, moments: &[f64]) -> Vec<Option<Capture>> {
        let Some(track) = self.usable_track() else { return Vec::new() };
        let count = u32::try_from(moments.len()).unwrap_or(u32::MAX);
        let timeout = self.presentation.picture_timeout().saturating_add(TIME_OF_A_FRAME.saturating_mul(count));
        let bandwidth = track.variant.as_ref().and_then(|variant| variant.bandwidth);
        let search = PlaylistSearch::new(&context.for_at_most(timeout), &track.loaded.playlist, bandwidth);
        let precision = if context.request.is_exact() { Precision::Exact } else { Precision::KeyFrame };
        let pass = search.capture_moments(segment, moments, precision).await.unwrap_or_else(|error| {
            tracing::debug!("one pass over a segment failed: {}", error.one_line());
            Vec::new()
        });
        let is_right = |capture: &Capture| context.request.skip_black.is_none() || !is_blank(&capture.picture.verdict);
        let variant = track.variant.as_ref().map(facts::variant_report);
        pass.into_iter().map(|capture| Some(Capture { variant: variant.clone(), ..capture.filter(is_right)? })).collect()
    }

    /// Completes the pictures of moments that are close to each other: those that `captured` lacks take a search each.
    async fn capture_others(&self, context: &JobContext, moments: &[f64], captured: Vec<Option<Capture>>) -> Vec<Result<Capture, Error>> {
        let mut captured = captured.into_iter();
        let mut results = Vec::new();
        // What the origin refuses or delays for one moment, it does for its neighbors
        let mut refused: Option<Error> = None;
        for moment in moments {
            let capture = match (captured.next().flatten(), &refused) {
                (Some(capture), _) => Ok(capture),
                (None, Some(error)) => Err(error.clone()),
                (None, None) => self.capture_moment(context, *moment).await,
            };
            let is_refused = |error: &&Error| matches!(error.kind(), ErrorKind::HttpStatus | ErrorKind::Unreachable | ErrorKind::Timeout);
            refused = capture.as_ref().err().filter(is_refused).cloned();
            results.push(capture);
        }
        results
    }

    /// Captures the picture of a moment by a search of its own.
    async fn capture_moment(&self, context: &JobContext, moment: f64) -> Result<Capture, Error> {
        let at = Position::FromStart(Duration::try_from_secs_f64(moment.max(0.0)).unwrap_or_default());
        let context = context.for_at_most(self.presentation.picture_timeout()).at(Some(at));
        match self.track.as_deref().filter(|track| self.follows || track.playlist().is_live()) {
            // Moments count from the start of this window: another Variant's, or a later one, begins elsewhere
            Some(track) => track.capture(&context).await,
            None => Box::pin(self.presentation.capture_in(&context)).await,
        }
    }
}
