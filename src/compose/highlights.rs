//! Chooses the scenes of an animation: places of the stream that are neither black nor alike.

use std::pin::pin;

use futures_util::StreamExt;

use super::{collection::Collection, frame_moments::frame_moments};
use crate::{
    capture::{Capture, TimeRange},
    error::{Error, ErrorKind},
    request::{Pace, PicturesRequest, Precision},
};

/// The number of places to compare for each scene.
const CANDIDATES: usize = 3;
/// The length of a scene unless the request has a length, in seconds.
const SCENE_SECONDS: f64 = 1.0;

/// A place that may become a scene.
struct Candidate {
    seconds: f64,
    hash: u64,
    is_blank: bool,
}

/// The moments of the frames of `scenes` scenes, in order of time. They share the length of the request, if it has one.
///
/// Fails as a snapshot does if no place has a picture.
pub(super) async fn moments(collection: &Collection, request: &PicturesRequest, scenes: usize, interval: f64) -> Result<Vec<f64>, Error> {
    // The length is that of all scenes, which come from the whole range
    let start = collection.range.start;
    let whole =
        TimeRange { start, end: if request.moments.to.is_some() { collection.range.end } else { collection.track.playlist().duration() } };
    let candidates = Box::pin(candidates(collection, request, whole.moments(Pace::Count(scenes * CANDIDATES))?)).await?;
    let seconds = request.moments.length.map_or(SCENE_SECONDS, |length| length.as_secs_f64() / scenes as f64);
    let mut moments: Vec<f64> = Vec::new();
    for candidate in chosen(candidates, scenes) {
        let scene = TimeRange { start: candidate.seconds, end: candidate.seconds + seconds };
        let after_last = moments.last().copied();
        moments.extend(frame_moments(scene, interval)?.into_iter().filter(|moment| after_last.is_none_or(|last| *moment > last)));
    }
    moments.retain(|moment| *moment < whole.end);
    Ok(moments)
}

/// The key frames at moments.
async fn candidates(collection: &Collection, request: &PicturesRequest, moments: Vec<f64>) -> Result<Vec<Candidate>, Error> {
    let mut captures = pin!(collection.presentation.captures_with(Precision::KeyFrame, &moments, request.parallel));
    let (mut candidates, mut failure) = (Vec::new(), None);
    while let Some(captured) = captures.next().await {
        match captured.capture {
            Ok(capture) => candidates.push(candidate(&capture)),
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    let none = || Error::new(ErrorKind::NotFound, "the range has no picture");
    if candidates.is_empty() { Err(failure.unwrap_or_else(none)) } else { Ok(candidates) }
}

fn candidate(capture: &Capture) -> Candidate {
    let verdict = &capture.picture.verdict;
    Candidate {
        seconds: capture.presentation.seconds.max(0.0),
        hash: u64::from_str_radix(&verdict.hash, 16).unwrap_or_default(),
        is_blank: verdict.black || verdict.flat,
    }
}

/// The candidates that differ most from each other, in order of time: each next one is the farthest from those chosen before it. Blank ones
/// come last.
fn chosen(candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    let (mut left, blank): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| !candidate.is_blank);
    if left.is_empty() {
        left = blank;
    }
    let mut chosen: Vec<Candidate> = Vec::new();
    while chosen.len() < count && !left.is_empty() {
        let distance = |candidate: &Candidate| chosen.iter().map(|other| (candidate.hash ^ other.hash).count_ones()).min().unwrap_or(64);
        let best = left.iter().map(distance).enumerate().rev().max_by_key(|(_, distance)| *distance);
        let Some((index, _)) = best else { break };
        chosen.push(left.remove(index));
    }
    chosen.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(seconds: f64, hash: u64, is_blank: bool) -> Candidate {
        Candidate { seconds, hash, is_blank }
    }

    #[test]
    fn scenes_are_neither_blank_nor_alike() {
        let candidates = vec![
            candidate(0.0, 0, true),
            candidate(1.0, 0x0f, false),
            candidate(2.0, 0x0e, false),
            candidate(3.0, 0xffff_0000, false),
            candidate(4.0, 0xffff_0001, false),
            candidate(5.0, 0xff_0000_0000, false),
        ];
        let seconds = |count| chosen_seconds(count, &candidates);
        assert_eq!(seconds(3), [1.0, 3.0, 5.0]);
        assert_eq!(seconds(9).len(), 5, "blank ones are left out");
    }

    fn chosen_seconds(count: usize, candidates: &[Candidate]) -> Vec<f64> {
        let copies = candidates.iter().map(|one| candidate(one.seconds, one.hash, one.is_blank)).collect();
        chosen(copies, count).iter().map(|candidate| candidate.seconds).collect()
    }

    #[test]
    fn only_blank_places_are_better_than_none() {
        assert_eq!(chosen(vec![candidate(1.0, 0, true)], 2).len(), 1);
    }
}
