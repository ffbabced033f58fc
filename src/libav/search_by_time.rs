//! Searches for the frame at a given time, and for the last frame.

use super::{
    access_unit_reader::ReadStep,
    field_pictures::parity,
    search::{SearchOutcome, SearchPass, SearchTime, undecodable},
};
use crate::{
    error::{Error, ErrorKind},
    media::{EntryPoint, entries_for, is_whole_from},
    time::TIME_TOLERANCE,
};

/// Depth of B-pyramids: after this many consecutive access units that are shown later than a given time, none that is shown earlier follows.
const MAX_PYRAMID_DEPTH: usize = 4;
/// The same without decoding times: H.264 and HEVC reorder at most 16 pictures.
const MAX_REORDER_DEPTH: usize = 16;
/// At most this many access units of video are read to find the start of audio.
const MAX_UNITS_BEFORE_AUDIO: usize = 500;
/// A time this many seconds past the container's duration still means its end.
const END_TOLERANCE: f64 = 0.5;
/// In a file with an index, this many key frames are tried, each before the previous one.
const MAX_SEEKS: usize = 8;
/// Less than the duration of any frame, in seconds.
const JUST_BEFORE: f64 = 0.001;
/// From this time on, in seconds, seek by the file's index. Read up to earlier times.
const MIN_SEEK_TIME: f64 = 1.0;

impl SearchPass<'_> {
    /// Converts a time to seconds from the start.
    pub(super) fn resolve_time(&self, time: SearchTime) -> Result<f64, Error> {
        if let SearchTime::FromStart(seconds) = time
            && !self.has_index
        {
            return Ok(seconds);
        }
        let duration = self.reader.demuxer.duration().filter(|_| self.has_index);
        let no_duration = || Error::new(ErrorKind::Unsupported, "the file states no duration").with_hint("give a time from the start");
        let seconds = match time {
            SearchTime::FromStart(seconds) => seconds,
            SearchTime::FromEnd(back) => duration.ok_or_else(no_duration)? - back,
            SearchTime::Fraction(fraction) => duration.ok_or_else(no_duration)? * fraction,
        };
        match duration {
            Some(end) if seconds > end + END_TOLERANCE || seconds < -TIME_TOLERANCE => {
                Err(Error::new(ErrorKind::NotFound, format!("there is no picture at {seconds:.3} s: the file lasts {end:.3} s")))
            }
            _ => Ok(seconds),
        }
    }

    /// The frame that is shown at `time`: the last one that begins at or before it.
    pub(super) fn frame_at(&mut self, time: f64) -> Result<SearchOutcome, Error> {
        self.read_up_to(time)?;
        self.find_audio_start()?;
        for _ in 0..MAX_SEEKS {
            if let Some(target) = self.decodable_unit_at(time) {
                return self.decode_target(target)?.ok_or_else(|| undecodable("the frame at that time is not whole"));
            }
            if !self.seek_before_last_seek()? {
                break;
            }
            self.read_up_to(time)?;
        }
        Ok(SearchOutcome::NeedsEarlier)
    }

    /// The access unit that is shown at `time`, if the stored units suffice to decode it.
    pub(super) fn decodable_unit_at(&mut self, time: f64) -> Option<usize> {
        let times = self.reader.playlist_times();
        let begun = times.iter().enumerate().filter(|(index, start)| self.is_shown(*index) && **start <= time + TIME_TOLERANCE);
        let (target, _) = begun.max_by(|one, other| one.1.total_cmp(other.1))?;
        (!entries_for(&self.reader.units, target).is_empty()).then_some(target)
    }

    /// The last key frame at or before `time`.
    pub(super) fn key_frame_at(&mut self, time: f64) -> Result<SearchOutcome, Error> {
        let keys = self.key_frames_until(time)?;
        for key in &keys {
            if let Some(frame) = self.decode_key_frame(*key)? {
                return Ok(self.found(frame, *key));
            }
        }
        if keys.is_empty() { Ok(SearchOutcome::NeedsEarlier) } else { Err(undecodable("the key frame is not whole")) }
    }

    /// The stored key frames at or before `time`, the last one first.
    pub(super) fn key_frames_until(&mut self, time: f64) -> Result<Vec<usize>, Error> {
        self.read_up_to(time)?;
        self.find_audio_start()?;
        let times = self.reader.playlist_times();
        let is_candidate = |index: &usize| {
            let unit = self.reader.units.get(*index);
            unit.is_some_and(|unit| unit.facts.is_key() && unit.facts.is_shown && !unit.facts.lacks_parameters)
                && times.get(*index).is_some_and(|start| *start <= time + TIME_TOLERANCE)
        };
        Ok((0..times.len()).rev().filter(is_candidate).collect())
    }

    /// The last whole frame.
    pub(super) fn last_frame(&mut self) -> Result<SearchOutcome, Error> {
        if self.has_index && self.read_next()? == ReadStep::AccessUnit {
            let end = self.reader.demuxer.duration().unwrap_or(0.0);
            self.seek(end);
        }
        while self.read_next()? != ReadStep::End {
            self.discard_before_last_entries(2, f64::INFINITY);
        }
        let times = self.reader.playlist_times();
        let mut targets: Vec<usize> = (0..times.len()).filter(|index| self.is_shown(*index)).collect();
        targets.sort_by(|one, other| times.get(*other).partial_cmp(&times.get(*one)).unwrap_or(std::cmp::Ordering::Equal));
        // For each entry, the first damaged unit of an earlier attempt
        let mut first_damaged = vec![usize::MAX; times.len()];
        for target in targets {
            for entry in entries_for(&self.reader.units, target) {
                let Some(first_damaged) = first_damaged.get_mut(entry).filter(|damaged| target < **damaged) else { continue };
                let mut frame = None;
                *first_damaged = self.reader.decode_range(entry, times.len() - 1, |decoded| {
                    if decoded.index == target {
                        frame = Some(decoded.frame);
                    }
                })?;
                let requires_references = self.reader.requires_references(entry);
                let frame = match frame.filter(|frame| target < *first_damaged && frame.is_whole(requires_references)) {
                    Some(field) if parity(&field).is_some() => self.decode_frame(entry, target)?,
                    frame => frame,
                };
                if let Some(frame) = frame {
                    return self.verified(frame, entry, target);
                }
            }
        }
        let has_entry = self.reader.units.iter().any(|unit| unit.facts.entry.is_some() && !unit.facts.lacks_parameters);
        if self.reader.units.is_empty() || has_entry {
            Err(self.not_found_error("no frame is whole"))
        } else {
            Ok(SearchOutcome::NeedsEarlier)
        }
    }

    /// Reads every access unit that a frame at or before `time` may need, and no more. Discards those that it cannot need.
    pub(super) fn read_up_to(&mut self, time: f64) -> Result<(), Error> {
        self.read_to(time, true)
    }

    /// As [`read_up_to`](Self::read_up_to), and discards nothing.
    pub(super) fn read_on_to(&mut self, time: f64) -> Result<(), Error> {
        self.read_to(time, false)
    }

    fn read_to(&mut self, time: f64, discards: bool) -> Result<(), Error> {
        let mut has_sought = !self.has_index || self.sought_time.is_some();
        let mut later_units = self.later_units(time);
        if self.has_read_beyond(time, later_units) {
            return Ok(());
        }
        loop {
            match self.read_next()? {
                ReadStep::End => return Ok(()),
                ReadStep::Payload => continue,
                ReadStep::AccessUnit => {}
            }
            if !has_sought {
                has_sought = true;
                if time > MIN_SEEK_TIME && self.seek(time) {
                    continue;
                }
            }
            let Some((shown, _)) = self.reader.last_times() else { continue };
            later_units = if shown > time + TIME_TOLERANCE { later_units + 1 } else { 0 };
            if self.has_read_beyond(time, later_units) {
                return Ok(());
            }
            if discards && shown <= time + TIME_TOLERANCE {
                self.discard_before_last_entries(1, time);
            }
        }
    }

    /// Whether no frame at or before `time` follows, after `later_units` access units that are shown later.
    fn has_read_beyond(&mut self, time: f64, later_units: usize) -> bool {
        if later_units <= MAX_PYRAMID_DEPTH {
            return false;
        }
        let Some((shown, decoded)) = self.reader.last_times() else { return false };
        let has_decoding_time = self.reader.units.last().is_some_and(|unit| unit.dts.is_some());
        let depth = if has_decoding_time { MAX_PYRAMID_DEPTH } else { MAX_REORDER_DEPTH };
        later_units > depth && decoded.min(shown) > time + TIME_TOLERANCE
    }

    /// How many of the last stored access units are shown later than `time`.
    fn later_units(&mut self, time: f64) -> usize {
        if self.reader.units.is_empty() {
            return 0;
        }
        self.reader.playlist_times().iter().rev().take_while(|shown| **shown > time + TIME_TOLERANCE).count()
    }

    /// Lets the next read seek by the container's index again.
    pub(super) fn seek_again(&mut self) {
        self.sought_time = None;
    }

    /// Reads on until the start of audio is known: some packagers write the fragments of each track one after the other.
    pub(super) fn find_audio_start(&mut self) -> Result<(), Error> {
        if !self.has_index && !self.reader.is_anchor_final() {
            let limit = self.reader.units.len() + MAX_UNITS_BEFORE_AUDIO;
            while !self.reader.knows_audio_start() && self.reader.units.len() < limit && self.read_next()? != ReadStep::End {}
        }
        Ok(())
    }

    /// Seeks to the last key frame at or before `time` by the container's index, and discards the stored units. Returns whether that succeeded.
    fn seek(&mut self, time: f64) -> bool {
        if !self.reader.demuxer.has_index() {
            return false;
        }
        // Determines the anchor
        self.reader.playlist_times();
        let Some(anchor) = self.reader.anchor() else { return false };
        self.seek_to_media_time(anchor.media + time - anchor.playlist)
    }

    fn seek_to_media_time(&mut self, media: f64) -> bool {
        let has_sought = self.reader.demuxer.seek(media);
        if has_sought {
            self.reader.discard_all();
            self.sought_time = Some(media);
        }
        has_sought
    }

    /// Seeks to the key frame before the one of the last seek. A picture that is shown before a key frame but decoded after it depends on that.
    fn seek_before_last_seek(&mut self) -> Result<bool, Error> {
        let (Some(sought), Some(first)) = (self.sought_time, self.reader.units.first().and_then(|unit| unit.dts.or(unit.pts))) else {
            return Ok(false);
        };
        let before = first.min(sought) - JUST_BEFORE;
        Ok(self.seek_to_media_time(before) && self.read_next()? == ReadStep::AccessUnit)
    }

    /// Discards the access units before the last `count` closed entry points that are shown at or before `time`.
    fn discard_before_last_entries(&mut self, count: usize, time: f64) {
        let is_closed = |index: &usize| {
            let unit = self.reader.units.get(*index);
            unit.is_some_and(|unit| unit.facts.entry == Some(EntryPoint::Closed) && unit.facts.is_shown && !unit.facts.lacks_parameters)
        };
        let last = self.reader.units.len().saturating_sub(1);
        if !is_closed(&last) || last == 0 || !self.reader.can_anchor() {
            return;
        }
        let entries: Vec<usize> = (0..=last).filter(is_closed).collect();
        let from = entries.len().checked_sub(count).and_then(|at| entries.get(at)).copied();
        let Some(from) = from.filter(|from| *from > 0) else { return };
        let is_reached = time.is_infinite() || self.reader.playlist_times().get(from).is_some_and(|start| *start <= time + TIME_TOLERANCE);
        if is_reached && is_whole_from(&self.reader.units, from, last) {
            self.reader.discard_before(from);
        }
    }
}
