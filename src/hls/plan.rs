//! Plans which segment to search for a picture, and what to look for in it.

use chrono::{DateTime, Utc};

use super::{media::MediaPlaylist, multivariant::StartOffset, segment::Segment};
use crate::{
    error::{Error, ErrorKind},
    request::{Position, Precision},
    time::TIME_TOLERANCE,
};

/// The candidates of a search, and its goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Places to search, in the order in which to try them; at least one.
    pub candidates: Vec<SearchStart>,
    /// The frame to search for.
    pub goal: Goal,
    /// How the moment was adjusted, for the report.
    pub note: Option<String>,
}

/// A segment or a part of it, where a search starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchStart {
    /// Index of the segment in the playlist.
    pub segment: usize,
    /// Index of the first Partial Segment to read; 0 is the start of the segment.
    pub part: usize,
}

impl From<usize> for SearchStart {
    fn from(segment: usize) -> Self {
        Self { segment, part: 0 }
    }
}

/// The frame to search for. Moments are seconds from the start of the playlist's first segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The first clean key frame of the segment.
    FirstKeyFrame,
    /// The newest frame.
    LastFrame,
    /// The last key frame at or before the moment.
    KeyFrameAtOrBefore(f64),
    /// The last frame at or before the moment.
    FrameAt(f64),
}

/// Seconds after the end that still count as the end: durations are rounded.
const END_TOLERANCE: f64 = 0.5;

/// Plans a search. Without a position it is the newest picture of a live stream, and EXT-X-START or the first picture of a recording. `start`
/// is EXT-X-START of the Multivariant Playlist, which that of the Media Playlist overrides.
///
/// Fails with `not_found` if the playlist has no segment with media, or none at that position.
pub fn plan(
    playlist: &MediaPlaylist,
    at: Option<Position>,
    precision: Option<Precision>,
    start: Option<&StartOffset>,
) -> Result<Plan, Error> {
    check_has_media(playlist)?;
    let exact = precision.map_or_else(|| at.is_some_and(|at| at.is_time()), |precision| precision == Precision::Exact);
    match at {
        None if playlist.is_live() => Ok(newest(playlist, exact)),
        None => match playlist.start.as_ref().or(start) {
            Some(start) => at_moment(playlist, start_moment(playlist, start), exact || start.precise),
            None => Ok(first(playlist, exact)),
        },
        Some(Position::Live) => Ok(newest(playlist, exact)),
        Some(Position::Start) => Ok(first(playlist, exact)),
        Some(time @ (Position::FromStart(_) | Position::FromEnd(_) | Position::Percent(_))) => {
            at_moment(playlist, moment_of(playlist, time)?, exact)
        }
        Some(Position::ProgramDateTime(date)) => {
            let (moment, note) = moment_of_date(playlist, date)?;
            let plan = at_moment(playlist, moment, exact)?;
            Ok(Plan { note: note.or(plan.note), ..plan })
        }
    }
}

/// A position in seconds from the start of the playlist. It may lie outside. Fails with `not_found` for a date that the playlist lacks.
pub fn moment_of(playlist: &MediaPlaylist, at: Position) -> Result<f64, Error> {
    Ok(match at {
        Position::Start => media_indices(playlist).next().and_then(|first| playlist.segments.get(first)).map_or(0.0, |first| first.start),
        Position::Live => playlist.duration(),
        Position::FromStart(time) => time.as_secs_f64(),
        Position::FromEnd(time) => playlist.duration() - time.as_secs_f64(),
        Position::Percent(percent) => playlist.duration() * percent / 100.0,
        Position::ProgramDateTime(date) => moment_of_date(playlist, date)?.0,
    })
}

/// Fails with `not_found` if the playlist has no segment with media.
pub fn check_has_media(playlist: &MediaPlaylist) -> Result<(), Error> {
    if playlist.segments.iter().any(|segment| !segment.gap) {
        return Ok(());
    }
    let content = if playlist.segments.is_empty() { "no segments" } else { "only gaps" };
    Err(Error::new(ErrorKind::NotFound, format!("the playlist has {content}")).with_hint("the stream may be about to start: try again"))
}

/// Indices of the segments with media.
fn media_indices(playlist: &MediaPlaylist) -> impl DoubleEndedIterator<Item = usize> {
    playlist.segments.iter().enumerate().filter(|(_, segment)| !segment.gap).map(|(index, _)| index)
}

/// Starts of segments and independent parts, from the newest on.
fn newest(playlist: &MediaPlaylist, exact: bool) -> Plan {
    let marks_independent_parts = playlist.segments.iter().flat_map(|segment| &segment.parts).any(|part| part.independent);
    let mut candidates = Vec::new();
    for (index, segment) in playlist.segments.iter().enumerate().rev().filter(|(_, segment)| !segment.gap) {
        let is_usable = |part: usize| segment.parts.get(part).is_some_and(|part| part.independent && !part.gap);
        candidates.extend((1..segment.parts.len()).rev().filter(|part| is_usable(*part)).map(|part| SearchStart { segment: index, part }));
        // An origin that marks no part as independent may still start its segments with key frames
        if is_usable(0) || segment.complete || !marks_independent_parts {
            candidates.push(index.into());
        }
    }
    Plan { candidates, goal: if exact { Goal::LastFrame } else { Goal::FirstKeyFrame }, note: None }
}

fn first(playlist: &MediaPlaylist, exact: bool) -> Plan {
    let candidates: Vec<_> = media_indices(playlist).map(SearchStart::from).collect();
    let start = candidates.first().and_then(|first| playlist.segments.get(first.segment)).map_or(0.0, |segment| segment.start);
    let goal = if exact && !playlist.i_frames_only { Goal::FrameAt(start) } else { Goal::FirstKeyFrame };
    Plan { candidates, goal, note: None }
}

/// The moment of EXT-X-START. An offset beyond the playlist means its nearer end (section 4.4.2.2).
fn start_moment(playlist: &MediaPlaylist, start: &StartOffset) -> f64 {
    let moment = if start.time_offset < 0.0 { playlist.duration() + start.time_offset } else { start.time_offset };
    let last = playlist.segments.iter().rfind(|segment| !segment.gap).map_or(0.0, |segment| segment.start);
    moment.clamp(0.0, last.max(0.0))
}

/// The segment that contains the moment. In a gap it is the segment before it, else the one after it.
fn at_moment(playlist: &MediaPlaylist, moment: f64, exact: bool) -> Result<Plan, Error> {
    let end = playlist.duration();
    if moment < -TIME_TOLERANCE || moment > end + END_TOLERANCE {
        let range = if playlist.is_live() { "the live window" } else { "the recording" };
        return Err(Error::new(ErrorKind::NotFound, format!("there is no picture at {moment:.3} s: {range} lasts from 0 to {end:.3} s")));
    }
    let moment = moment.max(0.0);
    let containing = index_of_moment(playlist, moment);
    let has_media = |index: &usize| playlist.segments.get(*index).is_some_and(|segment| !segment.gap);
    let index = (0..=containing).rev().find(has_media).or_else(|| (containing..playlist.segments.len()).find(has_media));
    let Some((index, segment)) = index.and_then(|index| Some((index, playlist.segments.get(index)?))) else {
        return Err(Error::new(ErrorKind::NotFound, "the playlist has only gaps"));
    };
    let (moment, note) = if index == containing {
        (moment.max(segment.start), None)
    } else {
        let nearest = if index < containing { segment.end() } else { segment.start };
        (nearest, Some(format!("there is a gap at {moment:.3} s; the picture is the nearest one")))
    };
    Ok(Plan { candidates: vec![index.into()], goal: goal_at(playlist, segment, moment, exact), note })
}

/// Index of the segment that contains the moment. If no segment has a duration, every moment is in the first.
fn index_of_moment(playlist: &MediaPlaylist, moment: f64) -> usize {
    if playlist.duration() <= 0.0 {
        return 0;
    }
    let ended = playlist.segments.partition_point(|segment| segment.end() <= moment + TIME_TOLERANCE);
    ended.min(playlist.segments.len().saturating_sub(1))
}

fn goal_at(playlist: &MediaPlaylist, segment: &Segment, moment: f64, exact: bool) -> Goal {
    match exact {
        // Each segment is one key frame, unless it is an image with tiles
        _ if playlist.i_frames_only && segment.tiles.is_none() => Goal::FirstKeyFrame,
        true => Goal::FrameAt(moment),
        false => Goal::KeyFrameAtOrBefore(moment),
    }
}

/// Converts a date to a moment, with a note if no segment contains it.
fn moment_of_date(playlist: &MediaPlaylist, date: DateTime<Utc>) -> Result<(f64, Option<String>), Error> {
    let dated = || playlist.segments.iter().filter_map(|segment| Some((segment, segment.program_date_time?)));
    let seconds_since = |from: DateTime<Utc>| (date - from).as_seconds_f64();
    if let Some((segment, from)) = dated().find(|(segment, from)| (0.0..segment.duration).contains(&seconds_since(*from))) {
        return Ok((segment.start + seconds_since(from), None));
    }
    let not_found = |message: String| {
        let error = Error::new(ErrorKind::NotFound, message);
        Err(error.with_hint("use a time from the start, or from the live edge"))
    };
    let (Some((_, first)), Some((newest, last))) = (dated().min_by_key(|(_, from)| *from), dated().max_by_key(|(_, from)| *from)) else {
        return not_found("the playlist has no EXT-X-PROGRAM-DATE-TIME".to_owned());
    };
    if (0.0..=newest.duration + END_TOLERANCE).contains(&seconds_since(last)) {
        return Ok((newest.end(), None));
    }
    let before = dated().filter(|(_, from)| *from <= date).max_by_key(|(_, from)| *from);
    match before {
        Some((segment, _)) if date < last => {
            let note = format!("no segment contains {date}; the picture is the nearest one before it");
            // At its very end the next segment starts
            Ok(((segment.end() - 2.0 * TIME_TOLERANCE).max(segment.start), Some(note)))
        }
        _ => not_found(format!("there is no picture at {date}: the playlist covers {first} to {:.0} s after {last}", newest.duration)),
    }
}
