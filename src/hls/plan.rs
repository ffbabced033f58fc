//! Which segment holds the moment, and what is to be looked for in it.

use chrono::{DateTime, Utc};

use super::{media::MediaPlaylist, multivariant::StartOffset};
use crate::{
    error::{Error, ErrorKind},
    request::{Position, Precision},
};

/// What to fetch and what to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where to look, in the order in which it is to be tried; at least one place.
    pub candidates: Vec<PlaylistIndex>,
    /// What is looked for.
    pub goal: Goal,
    /// What was done to the moment.
    pub note: Option<String>,
}

/// Where a search begins: a segment, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaylistIndex {
    /// Its index in the playlist.
    pub segment: usize,
    /// The index of the Partial Segment to begin with; 0 is the segment's start.
    pub part: usize,
}

impl From<usize> for PlaylistIndex {
    fn from(segment: usize) -> Self {
        Self { segment, part: 0 }
    }
}

/// What is looked for. Moments are seconds from the start of the playlist's first segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The first clean key frame of the segment.
    FirstKeyFrame,
    /// The newest frame there is.
    LastFrame,
    /// The last key frame at or before the moment.
    KeyFrameAtOrBefore(f64),
    /// The last frame at or before the moment.
    FrameAt(f64),
}

/// So far past the end a moment is still the end: durations are rounded.
const PAST_THE_END: f64 = 0.5;

/// Plans for a moment. Without one it is the newest of a live stream, and of a recording EXT-X-START or the first. `start` is the
/// Multivariant Playlist's EXT-X-START, which the Media Playlist's own overrides.
///
/// Fails with `not_found` where the playlist has no segments with media, or none at that moment.
pub fn plan(
    playlist: &MediaPlaylist,
    at: Option<Position>,
    precision: Option<Precision>,
    start: Option<&StartOffset>,
) -> Result<Plan, Error> {
    if !playlist.segments.iter().any(|segment| !segment.gap) {
        let what = if playlist.segments.is_empty() { "no segments" } else { "nothing but gaps" };
        return Err(
            Error::new(ErrorKind::NotFound, format!("the playlist has {what}")).with_hint("the stream may be about to start: try again")
        );
    }
    let exact = precision.map_or_else(|| at.is_some_and(|at| at.is_time()), |precision| precision == Precision::Exact);
    let moment = match at {
        None if playlist.is_live() => return Ok(newest(playlist, exact)),
        None => match playlist.start.as_ref().or(start) {
            Some(start) => {
                let moment = if start.time_offset < 0.0 { playlist.duration() + start.time_offset } else { start.time_offset };
                // A start beyond the playlist is its nearer end (section 4.4.2.2)
                let last = playlist.segments.iter().rfind(|segment| !segment.gap).map_or(0.0, |segment| segment.start);
                return at_moment(playlist, moment.clamp(0.0, last.max(0.0)), exact || start.precise);
            }
            None => return Ok(first(playlist, exact)),
        },
        Some(Position::Live) => return Ok(newest(playlist, exact)),
        Some(Position::Start) => return Ok(first(playlist, exact)),
        Some(Position::FromStart(time)) => time.as_secs_f64(),
        Some(Position::FromEnd(time)) => playlist.duration() - time.as_secs_f64(),
        Some(Position::Percent(percent)) => playlist.duration() * percent / 100.0,
        Some(Position::ProgramDateTime(date)) => {
            let (moment, note) = by_date(playlist, date)?;
            let plan = at_moment(playlist, moment, exact)?;
            return Ok(Plan { note: note.or(plan.note), ..plan });
        }
    };
    at_moment(playlist, moment, exact)
}

fn with_media(playlist: &MediaPlaylist) -> impl DoubleEndedIterator<Item = usize> {
    playlist.segments.iter().enumerate().filter(|(_, segment)| !segment.gap).map(|(index, _)| index)
}

/// The newest parts that need no others, and segments, from the newest on.
fn newest(playlist: &MediaPlaylist, exact: bool) -> Plan {
    let tells_independence = playlist.segments.iter().flat_map(|segment| &segment.parts).any(|part| part.independent);
    let places = with_media(playlist).rev().flat_map(|index| {
        let segment = playlist.segments.get(index);
        let parts = segment.map(|segment| segment.parts.as_slice()).unwrap_or_default();
        // An origin that calls no part independent may still begin its segments with a key frame
        let starts_well = segment.is_some_and(|segment| segment.complete || !tells_independence);
        let usable = parts.iter().enumerate().filter(|(part, tag)| *part > 0 && tag.independent && !tag.gap).map(|(part, _)| part);
        let first = parts.first().is_some_and(|part| part.independent && !part.gap) || starts_well;
        let order: Vec<usize> = first.then_some(0).into_iter().chain(usable).collect();
        order.into_iter().rev().map(move |part| PlaylistIndex { segment: index, part })
    });
    let goal = if exact { Goal::LastFrame } else { Goal::FirstKeyFrame };
    Plan { candidates: places.collect(), goal, note: None }
}

fn first(playlist: &MediaPlaylist, exact: bool) -> Plan {
    let candidates: Vec<_> = with_media(playlist).map(PlaylistIndex::from).collect();
    let start = candidates.first().and_then(|place| playlist.segments.get(place.segment)).map_or(0.0, |segment| segment.start);
    let goal = if exact && !playlist.i_frames_only { Goal::FrameAt(start) } else { Goal::FirstKeyFrame };
    Plan { candidates, goal, note: None }
}

fn at_moment(playlist: &MediaPlaylist, moment: f64, exact: bool) -> Result<Plan, Error> {
    let end = playlist.duration();
    if moment < -ROUNDING || moment > end + PAST_THE_END {
        let window = if playlist.is_live() { "the window" } else { "the recording" };
        return Err(Error::new(ErrorKind::NotFound, format!("there is no picture at {moment:.3} s: {window} goes from 0 to {end:.3} s")));
    }
    let moment = moment.max(0.0);
    let ended = playlist.segments.partition_point(|segment| segment.end() <= moment + ROUNDING);
    // Where no segment tells its duration, every moment is the start
    let holder = if end > 0.0 { ended.min(playlist.segments.len().saturating_sub(1)) } else { 0 };
    let usable = |index: &usize| playlist.segments.get(*index).is_some_and(|segment| !segment.gap);
    let index = (0..=holder).rev().find(usable).or_else(|| (holder..playlist.segments.len()).find(usable));
    let Some((index, segment)) = index.and_then(|index| Some((index, playlist.segments.get(index)?))) else {
        return Err(Error::new(ErrorKind::NotFound, "the playlist has nothing but gaps"));
    };
    let (moment, note) = if index == holder {
        (moment.max(segment.start), None)
    } else {
        let nearest = if index < holder { segment.end() } else { segment.start };
        (nearest, Some(format!("there is a gap at {moment:.3} s; the nearest picture was taken")))
    };
    let goal = match exact {
        // Each entry is one key frame, but for images that hold several
        _ if playlist.i_frames_only && segment.tiles.is_none() => Goal::FirstKeyFrame,
        true => Goal::FrameAt(moment),
        false => Goal::KeyFrameAtOrBefore(moment),
    };
    Ok(Plan { candidates: vec![index.into()], goal, note })
}

/// Half a millisecond: playlists round to that.
const ROUNDING: f64 = 0.0005;

/// The moment of a date, and what was done to it.
fn by_date(playlist: &MediaPlaylist, date: DateTime<Utc>) -> Result<(f64, Option<String>), Error> {
    let dated = || playlist.segments.iter().filter_map(|segment| Some((segment, segment.program_date_time?)));
    let seconds_in = |from: DateTime<Utc>| (date - from).as_seconds_f64();
    if let Some((segment, from)) = dated().find(|(segment, from)| (0.0..segment.duration).contains(&seconds_in(*from))) {
        return Ok((segment.start + seconds_in(from), None));
    }
    let no_picture = |message: String| {
        let error = Error::new(ErrorKind::NotFound, message);
        Err(error.with_hint("give a time from the start, or back from the live edge"))
    };
    let (Some((_, first)), Some((newest, last))) = (dated().min_by_key(|(_, from)| *from), dated().max_by_key(|(_, from)| *from)) else {
        return no_picture("the playlist has no EXT-X-PROGRAM-DATE-TIME".to_owned());
    };
    if (0.0..=newest.duration + PAST_THE_END).contains(&seconds_in(last)) {
        return Ok((newest.end(), None));
    }
    let before = dated().filter(|(_, from)| *from <= date).max_by_key(|(_, from)| *from);
    match before {
        Some((segment, _)) if date < last => {
            let note = format!("no segment holds {date}; the nearest picture before it was taken");
            // The very end is where the next segment starts
            Ok(((segment.end() - 2.0 * ROUNDING).max(segment.start), Some(note)))
        }
        _ => no_picture(format!("there is no picture at {date}: the playlist goes from {first} to {:.0} s after {last}", newest.duration)),
    }
}
