//! A better picture than the first that came: past what is black or flat (`--skip-black`), or the most telling of some (`--best`).

use super::{
    playlist::{InPlaylist, another_segment_may_do},
    told::{Clock, Taken},
};
use crate::{
    error::{Error, ErrorKind},
    hls::{Goal, Place},
    report::Verdict,
};

/// Goes on from the picture that was found at a place, as the request says. Each segment that is looked into costs its key frame's bytes.
pub(super) async fn better(search: &InPlaylist<'_>, place: Place, taken: Taken, clock: &mut Clock) -> Result<Taken, Error> {
    let request = search.work.request;
    let taken = match request.skip_black {
        Some(seconds) if is_dull(&taken.made.verdict) => past_the_dull(search, place, seconds.as_secs_f64(), taken, clock).await?,
        _ => taken,
    };
    match request.best {
        Some(count) => most_telling(search, place, count, taken, clock).await,
        None => Ok(taken),
    }
}

fn is_dull(verdict: &Verdict) -> bool {
    verdict.black || verdict.flat
}

/// The segments behind a place, or where none is, as at the live edge, those before it; the nearest first. With the seconds between.
fn others(search: &InPlaylist<'_>, place: Place) -> Vec<(usize, f64)> {
    let segments = &search.playlist.segments;
    let here = segments.get(place.segment).map_or(0.0, |segment| segment.start);
    let far = |index: usize| segments.get(index).filter(|segment| !segment.gap).map(|segment| (index, (segment.start - here).abs()));
    let behind: Vec<_> = (place.segment + 1..segments.len()).filter_map(far).collect();
    if behind.is_empty() { (0..place.segment).rev().filter_map(far).collect() } else { behind }
}

/// The first key frame of another segment; `None` where it has none that is clean.
async fn key_frame(search: &InPlaylist<'_>, index: usize, clock: &mut Clock) -> Result<Option<Taken>, Error> {
    match search.at(index.into(), Goal::FirstKeyFrame, false, clock).await {
        Ok(taken) => Ok(Some(taken)),
        Err(error) if another_segment_may_do(&error, search.playlist, Goal::FirstKeyFrame) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn past_the_dull(search: &InPlaylist<'_>, place: Place, most: f64, mut taken: Taken, clock: &mut Clock) -> Result<Taken, Error> {
    let mut seen = 1;
    let reachable = others(search, place).into_iter().take_while(|(_, far)| *far <= most);
    for (index, _) in reachable.take(search.work.request.limits.segments) {
        let Some(next) = key_frame(search, index, clock).await? else { continue };
        seen += 1;
        if !is_dull(&next.made.verdict) {
            return Ok(next);
        }
    }
    taken.notes.push(format!("nothing but black or one colour was found in {seen} key frames"));
    Ok(taken)
}

/// The best is what the request's limits let be compared.
async fn most_telling(search: &InPlaylist<'_>, place: Place, count: usize, first: Taken, clock: &mut Clock) -> Result<Taken, Error> {
    let mut best = first;
    for (index, _) in others(search, place).into_iter().take(count.saturating_sub(1).min(search.work.request.limits.segments)) {
        match key_frame(search, index, clock).await {
            Ok(Some(next)) if worth(&next.made.verdict) > worth(&best.made.verdict) => best = next,
            Ok(_) => {}
            // What is there already is good enough where no more may be downloaded
            Err(error) if error.kind() == ErrorKind::TooLarge => break,
            Err(error) => return Err(error),
        }
    }
    Ok(best)
}

/// Sharp, neither dark nor glaring; what is in transition is not sharp.
fn worth(verdict: &Verdict) -> f64 {
    if is_dull(verdict) { 0.0 } else { verdict.sharpness * (1.0 - (verdict.mean_luma - 0.45).abs()) }
}
