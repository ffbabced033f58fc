//! A better picture than the first that came: past what is black or flat (`--skip-black`), or the best of some (`--best`).
//!
//! Every key frame is looked at: those behind the first one in its segment or file, then those of other segments.

use std::collections::VecDeque;

use super::{
    facts::{Capture, JobClock},
    file::FileSearch,
    media_playlist::{PlaylistSearch, another_segment_may_do},
};
use crate::{
    error::{Error, ErrorKind},
    hls::{Goal, PlaylistIndex},
    report::Verdict,
};

/// Where further key frames come from.
pub(super) enum KeyFrames<'a> {
    /// A playlist: the segment that is looked into, and those that follow.
    Playlist { search: &'a PlaylistSearch<'a>, current: Option<(PlaylistIndex, f64)>, others: VecDeque<usize> },
    /// A file, behind a moment.
    File { search: &'a FileSearch<'a>, after: f64 },
}

impl<'a> KeyFrames<'a> {
    /// Those that follow a picture of the segment at `place`. At the live edge, where nothing follows, those of the segments before.
    pub fn of_playlist(search: &'a PlaylistSearch<'a>, place: PlaylistIndex, taken: &Capture) -> Self {
        let segments = &search.playlist.segments;
        let has_media = |index: &usize| segments.get(*index).is_some_and(|segment| !segment.gap);
        let behind: VecDeque<usize> = (place.segment + 1..segments.len()).filter(has_media).collect();
        let others = if behind.is_empty() { (0..place.segment).rev().filter(has_media).collect() } else { behind };
        Self::Playlist { search, current: Some((place, time(taken))), others }
    }

    async fn next(&mut self, clock: &mut JobClock) -> Result<Option<Capture>, Error> {
        match self {
            Self::File { search, after } => {
                let next = search.key_frame_after(*after, clock).await?;
                *after = next.as_ref().map_or(f64::INFINITY, time);
                Ok(next)
            }
            Self::Playlist { search, current, others } => loop {
                if let Some((place, after)) = *current {
                    let next = search.key_frame_after(place, after, clock).await?;
                    *current = next.as_ref().map(|next| (place, time(next)));
                    if next.is_some() {
                        return Ok(next);
                    }
                }
                let Some(index) = others.pop_front() else { return Ok(None) };
                match search.at(index.into(), Goal::FirstKeyFrame, false, clock).await {
                    Ok(taken) => {
                        *current = Some((index.into(), time(&taken)));
                        return Ok(Some(taken));
                    }
                    Err(error) if another_segment_may_do(&error, search.playlist, search.work.job, Goal::FirstKeyFrame) => {}
                    Err(error) => return Err(error),
                }
            },
        }
    }
}

fn time(taken: &Capture) -> f64 {
    taken.frame.presentation_seconds.unwrap_or(0.0)
}

/// Goes on from the picture that was found, as the request says.
pub(super) async fn apply_content_choice(
    request: &crate::request::SnapshotRequest,
    mut key_frames: KeyFrames<'_>,
    taken: Capture,
    clock: &mut JobClock,
) -> Result<Capture, Error> {
    let most = request.limits.max_segments;
    let taken = match request.skip_black {
        Some(seconds) if is_blank(&taken.made.verdict) => skip_blank(&mut key_frames, seconds.as_secs_f64(), most, taken, clock).await?,
        _ => taken,
    };
    match request.best {
        Some(count) => best_of(&mut key_frames, count.min(most), taken, clock).await,
        None => Ok(taken),
    }
}

fn is_blank(verdict: &Verdict) -> bool {
    verdict.black || verdict.flat
}

async fn skip_blank(
    key_frames: &mut KeyFrames<'_>,
    seconds: f64,
    most: usize,
    mut taken: Capture,
    clock: &mut JobClock,
) -> Result<Capture, Error> {
    let start = time(&taken);
    let mut seen = 1;
    while seen <= most
        && let Some(next) = key_frames.next(clock).await?
        && (time(&next) - start).abs() <= seconds
    {
        seen += 1;
        if !is_blank(&next.made.verdict) {
            return Ok(next);
        }
    }
    taken.notes.push(format!("nothing but black or one colour was found in {seen} key frames"));
    Ok(taken)
}

/// The best of what the request's limits let be compared.
async fn best_of(key_frames: &mut KeyFrames<'_>, count: usize, first: Capture, clock: &mut JobClock) -> Result<Capture, Error> {
    let mut best = first;
    for _ in 1..count {
        match key_frames.next(clock).await {
            Ok(Some(next)) if score(&next.made.verdict) > score(&best.made.verdict) => best = next,
            Ok(Some(_)) => {}
            Ok(None) => break,
            // What is there already is good enough where no more may be downloaded
            Err(error) if error.kind() == ErrorKind::TooLarge => break,
            Err(error) => return Err(error),
        }
    }
    Ok(best)
}

/// Sharp, neither dark nor glaring; what is in transition is not sharp.
fn score(verdict: &Verdict) -> f64 {
    if is_blank(verdict) { 0.0 } else { verdict.sharpness * (1.0 - (verdict.mean_luma - 0.45).abs()) }
}
