//! The picture at a moment: the units that it takes, found on their times alone, and the frame that is shown then.

use super::{
    access_unit_reader::ReadStep,
    field_pictures::parity,
    search::{ROUNDING, SearchOutcome, SearchPass, SearchTime, undecodable},
};
use crate::{
    error::{Error, ErrorKind},
    media::{EntryPoint, entries_for, is_whole_from},
};

/// So many units in a row may be shown after a moment before one comes that is shown at it: the depth of B-pyramids.
const DEEPEST_PYRAMID: usize = 4;
/// The same where decoding times are missing: H.264 and HEVC reorder at most 16 pictures.
const DEEPEST_REORDER: usize = 16;
/// Units of video that may stand before the first sound.
const MOST_BEFORE_SOUND: usize = 500;
/// So far past the end that a container tells, a moment is still its end.
const PAST_THE_END: f64 = 0.5;
/// Key frames that are tried, each before the one before, in a file with an index.
const SEEKS_BACK: usize = 8;
/// Less than any frame lasts.
const JUST_BEFORE: f64 = 0.001;
/// In a file with an index, a moment this far in is sought instead of read up to.
const WORTH_A_SEEK: f64 = 1.0;

impl SearchPass<'_> {
    /// Seconds after the start.
    pub(super) fn resolve_time(&self, moment: SearchTime) -> Result<f64, Error> {
        if let SearchTime::FromStart(seconds) = moment
            && !self.has_index
        {
            return Ok(seconds);
        }
        let duration = self.reader.demuxer.duration().filter(|_| self.has_index);
        let needed = || Error::new(ErrorKind::Unsupported, "this file does not tell its duration").with_hint("give a time from the start");
        let seconds = match moment {
            SearchTime::FromStart(seconds) => seconds,
            SearchTime::FromEnd(back) => duration.ok_or_else(needed)? - back,
            SearchTime::Fraction(part) => duration.ok_or_else(needed)? * part,
        };
        match duration {
            Some(end) if seconds > end + PAST_THE_END || seconds < -ROUNDING => {
                Err(Error::new(ErrorKind::NotFound, format!("there is no picture at {seconds:.3} s: the file lasts {end:.3} s")))
            }
            _ => Ok(seconds),
        }
    }

    /// The frame that is shown at `moment`: the last one that begins at or before it.
    pub(super) fn frame_at(&mut self, moment: f64) -> Result<SearchOutcome, Error> {
        self.read_up_to(moment)?;
        self.find_audio_start()?;
        for _ in 0..SEEKS_BACK {
            if let Some(target) = self.decodable_at(moment) {
                return self.decode_target(target)?.ok_or_else(|| undecodable("the frame at that moment is not whole"));
            }
            if !self.seek_before()? {
                break;
            }
            self.read_up_to(moment)?;
        }
        Ok(SearchOutcome::NeedsEarlier)
    }

    /// The unit that is shown at a moment, if it can be decoded from what was read.
    fn decodable_at(&mut self, moment: f64) -> Option<usize> {
        let times = self.reader.playlist_times();
        let shown = |index: &usize| self.reader.units.get(*index).is_some_and(|unit| unit.facts.is_shown);
        let begun = times.iter().enumerate().filter(|(index, time)| shown(index) && **time <= moment + ROUNDING);
        let (target, _) = begun.max_by(|one, other| one.1.total_cmp(other.1))?;
        (!entries_for(&self.reader.units, target).is_empty()).then_some(target)
    }

    /// The last key frame at or before `moment`.
    pub(super) fn key_frame_at(&mut self, moment: f64) -> Result<SearchOutcome, Error> {
        self.read_up_to(moment)?;
        self.find_audio_start()?;
        let times = self.reader.playlist_times();
        let usable = |index: &usize| {
            let unit =
                self.reader.units.get(*index).filter(|unit| unit.facts.is_key() && unit.facts.is_shown && !unit.facts.lacks_parameters);
            unit.is_some() && times.get(*index).is_some_and(|time| *time <= moment + ROUNDING)
        };
        let keys: Vec<usize> = (0..times.len()).rev().filter(usable).collect();
        for key in &keys {
            if let Some(frame) = self.reader.decode_frame(*key, *key, self.memory)? {
                self.reader.verify_key(*key, self.memory)?;
                return Ok(self.found(frame, *key));
            }
            if let Some(packet) = self.reader.packets.get(*key) {
                self.reader.key_verification.count_failed_key_frame(packet)?;
            }
        }
        if keys.is_empty() { Ok(SearchOutcome::NeedsEarlier) } else { Err(undecodable("the key frame is not whole")) }
    }

    /// The newest frame that is whole.
    pub(super) fn last_frame(&mut self) -> Result<SearchOutcome, Error> {
        if self.has_index && self.reader.read_next(self.memory)? == ReadStep::Unit {
            // Without an end in sight the last key frame is asked for by the duration
            let end = self.reader.demuxer.duration().unwrap_or(0.0);
            self.seek(end);
        }
        while self.reader.read_next(self.memory)? != ReadStep::End {
            self.forget_up_to_last(2, f64::INFINITY);
        }
        let times = self.reader.playlist_times();
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by(|one, other| times.get(*other).partial_cmp(&times.get(*one)).unwrap_or(std::cmp::Ordering::Equal));
        let mut broken_from = vec![usize::MAX; times.len()];
        for target in order {
            if !self.reader.units.get(target).is_some_and(|unit| unit.facts.is_shown) {
                continue;
            }
            for entry in entries_for(&self.reader.units, target) {
                // What lies behind damage is known from the first decoding
                if broken_from.get(entry).is_some_and(|broken| target >= *broken) {
                    continue;
                }
                let mut best = None;
                let end = times.len() - 1;
                let broken = self.reader.decode_range(entry, end, |decoded| {
                    if decoded.index == target {
                        best = Some(decoded.frame);
                    }
                })?;
                if let Some(slot) = broken_from.get_mut(entry) {
                    *slot = broken;
                }
                let strict = self.reader.requires_references(entry);
                let frame = best.filter(|frame| target < broken && frame.is_whole(strict));
                let frame = match frame {
                    Some(field) if parity(&field).is_some() => self.reader.decode_frame(entry, target, self.memory)?,
                    frame => frame,
                };
                if let Some(frame) = frame {
                    let run = self.reader.packets.get(entry..=target).unwrap_or_default();
                    self.reader.key_verification.verify(&self.reader.demuxer, run, self.reader.limits.pixels)?;
                    return Ok(self.found(frame, target));
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

    /// Reads every unit that a frame at or before `moment` may need, and no more.
    fn read_up_to(&mut self, moment: f64) -> Result<(), Error> {
        let mut is_sought = !self.has_index || self.sought_from.is_some();
        let mut late = 0;
        loop {
            match self.reader.read_next(self.memory)? {
                ReadStep::End => return Ok(()),
                ReadStep::Payload => continue,
                ReadStep::Unit => {}
            }
            if !is_sought {
                is_sought = true;
                if moment > WORTH_A_SEEK && self.seek(moment) {
                    continue;
                }
            }
            let Some((shown, decoded)) = self.reader.last_times() else { continue };
            late = if shown > moment + ROUNDING { late + 1 } else { 0 };
            let has_decoding_time = self.reader.units.last().is_some_and(|unit| unit.dts.is_some());
            let deepest = if has_decoding_time { DEEPEST_PYRAMID } else { DEEPEST_REORDER };
            if late > deepest && decoded.min(shown) > moment + ROUNDING {
                return Ok(());
            }
            if shown <= moment + ROUNDING {
                self.forget_up_to_last(1, moment);
            }
        }
    }

    /// Reads on until it is known where sound starts: some packagers write a fragment of each track, one behind the other.
    pub(super) fn find_audio_start(&mut self) -> Result<(), Error> {
        if !self.has_index && !self.reader.is_settled() {
            let most = self.reader.units.len() + MOST_BEFORE_SOUND;
            while !self.reader.knows_audio_start() && self.reader.units.len() < most && self.reader.read_next(self.memory)? != ReadStep::End
            {
            }
        }
        Ok(())
    }

    /// Goes to the key frame before `moment` by the container's index; what was read before is forgotten.
    fn seek(&mut self, moment: f64) -> bool {
        if !self.reader.demuxer.has_index() {
            return false;
        }
        self.reader.playlist_times();
        let Some(anchor) = self.reader.known_anchor() else { return false };
        self.seek_to(anchor.media + moment - anchor.playlist)
    }

    fn seek_to(&mut self, media: f64) -> bool {
        let sought = self.reader.demuxer.seek(media);
        if sought {
            self.reader.discard_all();
            self.sought_from = Some(media);
        }
        sought
    }

    /// Goes to the key frame before the one that was sought last: a picture that is shown before a key frame, but decoded after it, needs it.
    fn seek_before(&mut self) -> Result<bool, Error> {
        let (Some(target), Some(first)) = (self.sought_from, self.reader.units.first().and_then(|unit| unit.dts.or(unit.pts))) else {
            return Ok(false);
        };
        let before = first.min(target) - JUST_BEFORE;
        Ok(self.seek_to(before) && self.reader.read_next(self.memory)? == ReadStep::Unit)
    }

    /// Forgets the units before the last `count` points after which everything is whole and that are shown at or before `moment`.
    fn forget_up_to_last(&mut self, count: usize, moment: f64) {
        let closed = |index: &usize| {
            self.reader
                .units
                .get(*index)
                .is_some_and(|unit| unit.facts.entry == Some(EntryPoint::Closed) && unit.facts.is_shown && !unit.facts.lacks_parameters)
        };
        let last = self.reader.units.len().saturating_sub(1);
        if !closed(&last) || last == 0 || !self.reader.is_anchored() {
            return;
        }
        let points: Vec<usize> = (0..=last).filter(closed).collect();
        let Some(from) = points.len().checked_sub(count).and_then(|at| points.get(at)).copied().filter(|from| *from > 0) else { return };
        let is_reached = moment.is_infinite() || self.reader.playlist_times().get(from).is_some_and(|time| *time <= moment + ROUNDING);
        if is_reached && is_whole_from(&self.reader.units, from, last) {
            self.reader.discard_before(from);
        }
    }
}
