//! Finds violations of RFC 8216bis between reloads of a live playlist (sections 4.4.3, 6.2.1 and 6.2.2).
//!
//! Each violation is reported when it begins. One that every reload repeats, such as segments that are all too long, is reported again only
//! after a reload without it.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use chrono::{DateTime, Utc};

use crate::{
    hls::{MediaPlaylist, PlaylistType, Segment},
    time::{TIME_TOLERANCE, seconds_between},
};

/// How many of the newest segments are remembered: enough to compare windows, without growing with the EVENT playlist of a whole day.
const MAX_SEGMENTS: usize = 256;
/// Packagers correct drifting clocks by less than this, in seconds.
const DATE_TOLERANCE: f64 = 1.0;

/// Follows one Media Playlist.
#[derive(Debug, Default)]
pub struct PlaylistMonitor {
    previous: Option<Remembered>,
    /// The rules that the previous version broke.
    broken: BTreeSet<Rule>,
}

/// The rules whose violations can last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Uri,
    Date,
    ShortWindow,
    LongSegment,
    Late,
}

/// The remembered facts of a playlist.
#[derive(Debug)]
struct Remembered {
    media_sequence: u64,
    discontinuity_sequence: u64,
    next: (u64, u64),
    target_duration: Option<f64>,
    ended: bool,
    /// When this version was first loaded, in seconds.
    seen: f64,
    segments: VecDeque<RememberedSegment>,
}

#[derive(Debug)]
struct RememberedSegment {
    number: u64,
    discontinuity: u64,
    uri: Option<u64>,
    date: Option<DateTime<Utc>>,
    duration: f64,
}

impl RememberedSegment {
    fn of(segment: &Segment) -> Self {
        Self {
            number: segment.media_sequence_number,
            discontinuity: segment.discontinuity_sequence_number,
            uri: (!segment.gap).then(|| uri_hash(segment)),
            date: segment.program_date_time,
            duration: segment.duration,
        }
    }
}

/// A hash without the query: tokens there often change with each reload, although the segment stays the same.
fn uri_hash(segment: &Segment) -> u64 {
    let mut hasher = DefaultHasher::new();
    segment.url.path().hash(&mut hasher);
    segment.byte_range.map(|range| (range.offset, range.length)).hash(&mut hasher);
    hasher.finish()
}

impl Remembered {
    fn of(playlist: &MediaPlaylist, seen: f64) -> Self {
        let segments = playlist.complete_segments();
        let newest = segments.iter().skip(segments.len().saturating_sub(MAX_SEGMENTS));
        Self {
            media_sequence: playlist.media_sequence,
            discontinuity_sequence: playlist.discontinuity_sequence,
            next: playlist.next(),
            target_duration: playlist.target_duration,
            ended: playlist.ended,
            seen,
            segments: newest.map(RememberedSegment::of).collect(),
        }
    }

    fn segment(&self, number: u64) -> Option<&RememberedSegment> {
        let index = number.checked_sub(self.segments.front()?.number)?;
        self.segments.get(usize::try_from(index).ok()?)
    }

    /// Whether the segment that follows the remembered ones has this number or a higher one.
    fn is_before(&self, number: u64) -> bool {
        self.segments.back().is_none_or(|last| last.number < number)
    }
}

/// Violations found in one reload.
#[derive(Default)]
struct Found {
    messages: Vec<String>,
    /// In the order of the rules.
    lasting: Vec<(Rule, String)>,
}

impl PlaylistMonitor {
    /// Compares a playlist with the previous one. `seconds`: when it was requested, by a clock that never steps. Returns new violations,
    /// one sentence each.
    pub fn observe(&mut self, playlist: &MediaPlaylist, seconds: f64) -> Vec<String> {
        // A delta update lacks what would be compared
        if playlist.skipped > 0 {
            return Vec::new();
        }
        let mut found = Found::default();
        let Some(previous) = self.previous.take() else {
            check_durations(playlist, None, &mut found);
            return self.finish(playlist, seconds, found);
        };
        if is_unchanged(playlist, &previous) {
            let late = check_lateness(playlist, &previous, seconds);
            self.previous = Some(previous);
            return late.filter(|_| self.broken.insert(Rule::Late)).into_iter().collect();
        }
        check_header(playlist, &previous, &mut found);
        if playlist.media_sequence < previous.media_sequence {
            let (from, to) = (previous.media_sequence, playlist.media_sequence);
            found.messages.push(format!("the Media Sequence Number went back from {from} to {to}"));
            check_durations(playlist, None, &mut found);
        } else {
            check_window(playlist, &previous, &mut found);
            check_segments(playlist, &previous, &mut found);
            check_discontinuities(playlist, &previous, &mut found);
            check_durations(playlist, Some(&previous), &mut found);
        }
        self.finish(playlist, seconds, found)
    }

    fn finish(&mut self, playlist: &MediaPlaylist, seconds: f64, found: Found) -> Vec<String> {
        self.previous = Some(Remembered::of(playlist, seconds));
        let broken = found.lasting.iter().map(|(rule, _)| *rule).collect();
        let before = std::mem::replace(&mut self.broken, broken);
        let begun = found.lasting.into_iter().filter(|(rule, _)| !before.contains(rule)).map(|(_, message)| message);
        found.messages.into_iter().chain(begun).collect()
    }
}

fn is_unchanged(playlist: &MediaPlaylist, previous: &Remembered) -> bool {
    (playlist.media_sequence, playlist.next(), playlist.ended) == (previous.media_sequence, previous.next, previous.ended)
        && playlist.target_duration == previous.target_duration
        && playlist.discontinuity_sequence == previous.discontinuity_sequence
        && playlist.complete_segments().last().map(uri_hash) == previous.segments.back().and_then(|segment| segment.uri)
}

/// A new version is due 1.5 target durations after the previous one (section 6.2.1). The previous one may have appeared before it was first
/// loaded, so the measured time is a minimum.
fn check_lateness(playlist: &MediaPlaylist, previous: &Remembered, seconds: f64) -> Option<String> {
    let due = 1.5 * playlist.target_duration?;
    let unchanged = seconds - previous.seen;
    (playlist.is_live() && unchanged > due)
        .then(|| format!("the playlist has not changed for {unchanged:.0} s, more than 1.5 target durations"))
}

fn check_header(playlist: &MediaPlaylist, previous: &Remembered, found: &mut Found) {
    if let (Some(from), Some(to)) = (previous.target_duration, playlist.target_duration)
        && (from - to).abs() > TIME_TOLERANCE
    {
        found.messages.push(format!("the target duration changed from {from} to {to} s"));
    }
    if previous.ended && !playlist.ended {
        found.messages.push("EXT-X-ENDLIST was taken back".to_owned());
    } else if previous.ended && playlist.next() != previous.next {
        found.messages.push("the playlist changed after EXT-X-ENDLIST".to_owned());
    }
}

fn check_window(playlist: &MediaPlaylist, previous: &Remembered, found: &mut Found) {
    let removed = playlist.media_sequence - previous.media_sequence;
    if playlist.next().0 < previous.next.0 {
        found.messages.push(format!("segments were removed from the end: the last one was {}", previous.next.0.saturating_sub(1)));
    }
    if removed == 0 {
        return;
    }
    match playlist.playlist_type {
        Some(PlaylistType::Event) => found.messages.push(format!("{removed} segments were removed from an EVENT playlist")),
        Some(PlaylistType::Vod) => found.messages.push(format!("{removed} segments were removed from a VOD playlist")),
        None => {
            let (duration, least) = (playlist.duration(), playlist.target_duration.map_or(0.0, |target| 3.0 * target));
            if duration + TIME_TOLERANCE < least {
                let message = format!("segments were removed early: {duration:.1} s are left, less than three target durations");
                found.lasting.push((Rule::ShortWindow, message));
            }
        }
    }
}

/// Known segments must not change, and dates must go forward.
fn check_segments(playlist: &MediaPlaylist, previous: &Remembered, found: &mut Found) {
    let segments = playlist.complete_segments();
    let (mut uri, mut date) = (None, None);
    for segment in segments {
        let number = segment.media_sequence_number;
        let Some(before) = previous.segment(number) else { continue };
        if !segment.gap && before.uri.is_some_and(|before| before != uri_hash(segment)) {
            uri.get_or_insert_with(|| format!("the URI of segment {number} changed"));
        }
        if let (Some(before), Some(now)) = (before.date, segment.program_date_time)
            && seconds_between(before, now).abs() > DATE_TOLERANCE
        {
            date.get_or_insert_with(|| format!("the date of segment {number} changed by {:.1} s", seconds_between(before, now)));
        }
    }
    let mut last =
        previous.segments.back().filter(|last| segments.first().is_some_and(|first| first.media_sequence_number <= last.number + 1));
    let new: Vec<_> =
        segments.iter().filter(|segment| previous.is_before(segment.media_sequence_number)).map(RememberedSegment::of).collect();
    for segment in &new {
        if let Some(back) = last.and_then(|last| jump_back(last, segment)) {
            let number = segment.number;
            date.get_or_insert_with(|| format!("Program Date Time jumps back by {back:.1} s at segment {number} without a discontinuity"));
        }
        last = Some(segment);
    }
    found.lasting.extend(uri.map(|message| (Rule::Uri, message)));
    found.lasting.extend(date.map(|message| (Rule::Date, message)));
}

/// Seconds from the start of a segment back into the one before.
fn jump_back(last: &RememberedSegment, segment: &RememberedSegment) -> Option<f64> {
    let back = last.duration - seconds_between(last.date?, segment.date?);
    (last.discontinuity == segment.discontinuity && back > DATE_TOLERANCE).then_some(back)
}

fn check_discontinuities(playlist: &MediaPlaylist, previous: &Remembered, found: &mut Found) {
    let (from, to) = (previous.discontinuity_sequence, playlist.discontinuity_sequence);
    if to < from {
        found.messages.push(format!("the Discontinuity Sequence Number went back from {from} to {to}"));
        return;
    }
    let common = playlist.complete_segments().iter().find_map(|segment| Some((segment, previous.segment(segment.media_sequence_number)?)));
    let Some((segment, before)) = common else { return };
    let (number, now) = (segment.media_sequence_number, segment.discontinuity_sequence_number);
    if now < before.discontinuity {
        let message = format!("a discontinuity left the playlist, but EXT-X-DISCONTINUITY-SEQUENCE did not count it (segment {number})");
        found.messages.push(message);
    } else if now > before.discontinuity {
        let message = format!("EXT-X-DISCONTINUITY-SEQUENCE counted a discontinuity that has not left the playlist (segment {number})");
        found.messages.push(message);
    }
}

/// A segment's duration, rounded, may not exceed the target duration (section 4.4.3.1).
fn check_durations(playlist: &MediaPlaylist, previous: Option<&Remembered>, found: &mut Found) {
    let Some(target_duration) = playlist.target_duration else { return };
    let is_new = |segment: &&Segment| previous.is_none_or(|previous| previous.is_before(segment.media_sequence_number));
    let mut new = playlist.complete_segments().iter().filter(is_new);
    if let Some(segment) = new.find(|segment| segment.duration.round() > target_duration) {
        let (number, duration) = (segment.media_sequence_number, segment.duration);
        let message = format!("segment {number} lasts {duration:.1} s, longer than the target duration of {target_duration} s");
        found.lasting.push((Rule::LongSegment, message));
    }
}

#[cfg(test)]
mod tests;
