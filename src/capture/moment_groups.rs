//! Captures the pictures of many moments: groups of moments at the same time, each as one plan says ([`moments`](super::moments)). What a
//! group does not get by one pass, each moment gets by a search of its own, as a single snapshot does.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};

use super::{
    content_choice::is_blank,
    context::JobContext,
    facts::{self, Capture},
    moments::{GroupKind, GroupRun, MomentGroup, group_moments},
    playlist_search::PlaylistSearch,
    presentation::{MomentCapture, Presentation},
    variants::Track,
};
use crate::{
    error::Error,
    render::ImageKind,
    request::{Position, Precision, SnapshotRequest},
};

impl Presentation {
    /// Lets pictures be pixels instead of files.
    pub(crate) fn with_pixels(mut self) -> Self {
        self.context.image_kind = ImageKind::Rgb;
        self
    }

    /// Captures the pictures at ascending moments, in seconds from the start of the playlist, in order. At most `parallel` groups are read
    /// at the same time.
    pub(crate) fn captures(&self, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> {
        self.captures_in(self.context.clone(), moments, parallel)
    }

    /// As [`captures`](Self::captures), the key frames at or before the moments.
    pub(crate) fn key_frames(&self, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> {
        let request = SnapshotRequest { precision: Some(Precision::KeyFrame), ..(*self.context.request).clone() };
        self.captures_in(JobContext { request: Arc::new(request), ..self.context.clone() }, moments, parallel)
    }

    fn captures_in(&self, context: JobContext, moments: &[f64], parallel: usize) -> impl Stream<Item = MomentCapture> {
        let moments = moments.to_vec();
        stream::once(async move {
            match self.track().await {
                Ok(track) => {
                    let context = JobContext { key_frame_bytes: Some(Arc::default()), is_playlist_fixed: true, ..context };
                    let group_jobs = GroupJobs { presentation: self, context, track: track.map(Arc::new), follows: false };
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
        let group_jobs = GroupJobs { presentation: self, context, track: Some(track), follows: true };
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
        let context = self.context.of_one_picture(self.presentation.picture_timeout());
        if let Some(track) = &self.track
            && run.touching.len() > 1
            && let Err(error) = PlaylistSearch::new(&context, &track.loaded.playlist, None).prefetch(&run.touching).await
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

    async fn capture_group(&self, context: &JobContext, group: MomentGroup) -> Vec<MomentCapture> {
        let captures = match group.kind {
            GroupKind::OneKeyFrame(_) => {
                let first = group.moments.first().copied().unwrap_or_default();
                let shared = self.capture_moment(context, first).await;
                group.moments.iter().map(|_| shared.clone()).collect()
            }
            GroupKind::OnePass(segment) if group.moments.len() > 1 => self.capture_in_one_pass(context, segment, &group.moments).await,
            GroupKind::OnePass(_) | GroupKind::Separate(_) => {
                let mut captures = Vec::new();
                for moment in &group.moments {
                    captures.push(self.capture_moment(context, *moment).await);
                }
                captures
            }
        };
        group.moments.into_iter().zip(captures).map(|(moment, capture)| MomentCapture { moment, capture }).collect()
    }

    /// Captures what one pass over a segment gives, and the other moments by searches of their own.
    async fn capture_in_one_pass(&self, context: &JobContext, segment: usize, moments: &[f64]) -> Vec<Result<Capture, Error>> {
        let Some(track) = &self.track else { return Vec::new() };
        let bandwidth = track.variant.as_ref().and_then(|variant| variant.bandwidth);
        let search = PlaylistSearch::new(context, &track.loaded.playlist, bandwidth);
        let precision = if context.request.is_exact() { Precision::Exact } else { Precision::KeyFrame };
        let pass = search.capture_moments(segment, moments, precision).await.unwrap_or_else(|error| {
            tracing::debug!("one pass over a segment failed: {}", error.one_line());
            Vec::new()
        });
        let is_right = |capture: &Capture| context.request.skip_black.is_none() || !is_blank(&capture.picture.verdict);
        let mut pass = pass.into_iter();
        let mut captures = Vec::new();
        for moment in moments {
            captures.push(match pass.next().flatten().filter(is_right) {
                Some(capture) => Ok(Capture { variant: track.variant.as_ref().map(facts::variant_report), ..capture }),
                None => self.capture_moment(context, *moment).await,
            });
        }
        captures
    }

    async fn capture_moment(&self, context: &JobContext, moment: f64) -> Result<Capture, Error> {
        let at = std::time::Duration::try_from_secs_f64(moment.max(0.0)).unwrap_or_default();
        let context = context.at(Some(Position::FromStart(at)));
        match &self.track {
            Some(track) if self.follows => track.capture(&context).await,
            _ => self.presentation.capture_in(&context).await,
        }
    }
}
