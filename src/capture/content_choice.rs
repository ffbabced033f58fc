//! Chooses a better picture than the first one found: not black or flat (`--skip-black`), or the best of several (`--best`).
//!
//! Every key frame is a candidate: the later ones of the same segment or file, then those of other segments.

use std::collections::VecDeque;

use super::{facts::Capture, failure_scope::allows_another_segment, file_search::FileSearch, playlist_search::PlaylistSearch};
use crate::{
    error::{Error, ErrorKind},
    hls::{Goal, SearchStart},
    report::Verdict,
    request::SnapshotRequest,
};

/// Yields further key frames.
pub(super) enum KeyFrames<'a> {
    /// Of a playlist: those of the current segment after a time in seconds, then those of other segments.
    Playlist { search: &'a PlaylistSearch<'a>, current: Option<(SearchStart, f64)>, others: VecDeque<usize> },
    /// Of a file, after a time in seconds.
    File { search: &'a FileSearch<'a>, after: f64 },
}

impl<'a> KeyFrames<'a> {
    /// The key frames after a capture from the segment at `index`. At the live edge, where no segment follows, the key frames of earlier segments.
    pub fn after_in_playlist(search: &'a PlaylistSearch<'a>, index: SearchStart, capture: &Capture) -> Self {
        let segments = &search.playlist.segments;
        let has_media = |index: &usize| segments.get(*index).is_some_and(|segment| !segment.gap);
        let later: VecDeque<usize> = (index.segment + 1..segments.len()).filter(has_media).collect();
        let others = if later.is_empty() { (0..index.segment).rev().filter(has_media).collect() } else { later };
        Self::Playlist { search, current: Some((index, seconds(capture))), others }
    }

    /// The key frames after a capture from the same file.
    pub fn after_in_file(search: &'a FileSearch<'a>, capture: &Capture) -> Self {
        Self::File { search, after: seconds(capture) }
    }

    async fn next(&mut self) -> Result<Option<Capture>, Error> {
        match self {
            Self::File { search, after } => {
                let next = search.key_frame_after(*after).await?;
                *after = next.as_ref().map_or(f64::INFINITY, seconds);
                Ok(next)
            }
            Self::Playlist { search, current, others } => loop {
                if let Some((index, after)) = *current {
                    let next = search.key_frame_after(index, after).await?;
                    *current = next.as_ref().map(|next| (index, seconds(next)));
                    if next.is_some() {
                        return Ok(next);
                    }
                }
                let Some(index) = others.pop_front() else { return Ok(None) };
                match search.capture_at(index.into(), Goal::FirstKeyFrame, false).await {
                    Ok(capture) => {
                        *current = Some((index.into(), seconds(&capture)));
                        return Ok(Some(capture));
                    }
                    Err(error) if allows_another_segment(&error, search.playlist, &search.context.job, Goal::FirstKeyFrame) => {}
                    Err(error) => return Err(error),
                }
            },
        }
    }
}

/// When a capture is presented, in seconds. Rounded, so that sums of decimal durations compare as equal.
fn seconds(capture: &Capture) -> f64 {
    capture.presentation.rounded_seconds()
}

/// Replaces a capture by a better one if the request asks for that.
pub(super) async fn apply_content_choice(
    request: &SnapshotRequest,
    mut key_frames: KeyFrames<'_>,
    capture: Capture,
) -> Result<Capture, Error> {
    let max = request.limits.max_segments;
    let capture = match request.skip_black {
        Some(limit) if is_blank(&capture.picture.verdict) => skip_blank(&mut key_frames, limit.as_secs_f64(), max, capture).await?,
        _ => capture,
    };
    match request.best {
        Some(count) => best_of(&mut key_frames, count.min(max), capture).await,
        None => Ok(capture),
    }
}

pub(super) fn is_blank(verdict: &Verdict) -> bool {
    verdict.black || verdict.flat
}

/// The first capture that is not blank, within `limit` seconds and `max` further key frames; `first` if all are.
async fn skip_blank(key_frames: &mut KeyFrames<'_>, limit: f64, max: usize, mut first: Capture) -> Result<Capture, Error> {
    let start = seconds(&first);
    let mut seen = 1;
    while seen <= max
        && let Some(next) = key_frames.next().await?
        && (seconds(&next) - start).abs() <= limit
    {
        seen += 1;
        if !is_blank(&next.picture.verdict) {
            return Ok(next);
        }
    }
    first.notes.push(format!("all {seen} key frames compared are black or of a single color"));
    Ok(first)
}

/// The best of `count` captures, fewer if the request's limits end the search.
async fn best_of(key_frames: &mut KeyFrames<'_>, count: usize, first: Capture) -> Result<Capture, Error> {
    let mut best = first;
    for _ in 1..count {
        match key_frames.next().await {
            Ok(Some(next)) if score(&next.picture.verdict) > score(&best.picture.verdict) => best = next,
            Ok(Some(_)) => {}
            Ok(None) => break,
            // The byte limit ends the comparison, not the job
            Err(error) if error.kind() == ErrorKind::TooLarge => break,
            Err(error) => return Err(error),
        }
    }
    Ok(best)
}

/// Prefers sharp pictures of medium brightness. Cross-fades are not sharp.
fn score(verdict: &Verdict) -> f64 {
    if is_blank(verdict) { 0.0 } else { verdict.sharpness * (1.0 - (verdict.mean_luma - 0.45).abs()) }
}
