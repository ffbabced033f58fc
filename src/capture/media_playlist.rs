//! Captures a picture from one Media Playlist: plans which segments may hold it, and tries them in order.

use super::{
    content_choice::{KeyFrames, apply_content_choice},
    context::{JobContext, TimeShare},
    facts::Capture,
    failure_scope::{FailedInitsAndKeys, allows_another_segment},
    playlist_search::PlaylistSearch,
};
use crate::{
    error::{Error, ErrorKind},
    hls::{self, MediaPlaylist, Plan, SearchStart, Segment, StartOffset, Variant},
    request::Position,
};

/// The Variant of a Media Playlist, and EXT-X-START of its Multivariant Playlist.
#[derive(Clone, Copy)]
pub(super) struct SelectedVariant<'a> {
    pub variant: &'a Variant,
    pub start: Option<&'a StartOffset>,
}

/// Captures a picture from a Media Playlist. After `max_gone` segments at the live edge that are gone, the playlist itself is outdated and
/// no further segment is tried.
pub(super) async fn capture_playlist(
    context: &JobContext,
    playlist: &MediaPlaylist,
    selected: Option<SelectedVariant<'_>>,
    max_gone: usize,
) -> Result<Capture, Error> {
    let request = &context.request;
    let plan = hls::plan(playlist, request.at, request.precision, selected.and_then(|selected| selected.start))
        .map_err(|e| e.with_url(&playlist.url))?;
    let search = PlaylistSearch::new(context, playlist, selected.and_then(|selected| selected.variant.bandwidth));
    // The Variant may have what its I-frame Playlist lacks
    let is_shortcut = playlist.i_frames_only && selected.is_some();
    let wants_newest = playlist.is_live() && matches!(request.at, None | Some(Position::Live));
    let mut failures = CandidateFailures::default();
    for (tried, index) in plan.candidates.iter().copied().enumerate() {
        if failures.count >= request.limits.max_segments || !search.is_near(index, plan.candidates.first()) {
            break;
        }
        let segment = playlist.segments.get(index.segment);
        if segment.is_some_and(|segment| failures.shared.blocks(segment)) {
            continue;
        }
        match capture_candidate(&search, &plan, tried, index).await {
            Ok(capture) => {
                let key_frames = KeyFrames::after_in_playlist(&search, index, &capture);
                let mut capture = apply_content_choice(request, key_frames, capture).await?;
                capture.notes.extend(failures.notes);
                capture.notes.extend(plan.note.clone());
                capture.notes.extend(playlist.notes());
                return Ok(capture);
            }
            Err(error) if !is_shortcut && allows_another_segment(&error, playlist, &context.job, plan.goal) => {
                failures.add(error, segment);
                if wants_newest && failures.gone >= max_gone {
                    break;
                }
            }
            Err(error) => return Err(failures.first.unwrap_or(error)),
        }
    }
    let none = || Error::new(ErrorKind::NotFound, "no segment covers that position").with_url(&playlist.url);
    Err(failures.first.unwrap_or_else(none))
}

/// Captures the frame of the plan from one candidate, within its share of the time.
async fn capture_candidate(search: &PlaylistSearch<'_>, plan: &Plan, tried: usize, index: SearchStart) -> Result<Capture, Error> {
    let others_follow = search.playlist.is_live() && tried + 1 < plan.candidates.len();
    let context = search.context.with_time_share(TimeShare::SEGMENT, others_follow);
    search.with_context(context).capture_at(index, plan.goal, tried == 0).await
}

/// Failures of the candidates that were tried.
#[derive(Default)]
struct CandidateFailures {
    /// The failure to report if no candidate succeeds.
    first: Option<Error>,
    notes: Vec<String>,
    /// Failures that count towards `max_segments`.
    count: usize,
    /// Segments that the origin no longer has.
    gone: usize,
    shared: FailedInitsAndKeys,
}

impl CandidateFailures {
    fn add(&mut self, error: Error, segment: Option<&Segment>) {
        tracing::info!("skipping a segment: {}", error.one_line());
        let number = segment.map_or(0, |segment| segment.media_sequence_number);
        self.notes.push(format!("the segment with Media Sequence Number {number} was skipped: {}: {}", error.kind(), error.message()));
        // A segment without a key frame is not a failure: GOPs may be long
        self.count += usize::from(error.kind() != ErrorKind::Undecodable);
        self.gone += usize::from(error.is_gone());
        if let Some(segment) = segment {
            self.shared.add(&error, segment);
        }
        // If another segment has video, missing video is not the cause
        if self.first.as_ref().is_none_or(|first| first.kind() == ErrorKind::NoVideo) {
            self.first = Some(error);
        }
    }
}
