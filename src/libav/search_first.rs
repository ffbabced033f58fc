//! The first picture that is whole: a key frame, or where a refresh is complete.

use super::{
    access_unit_reader::ReadStep,
    field_pictures::parity,
    search::{ROUNDING, SearchOutcome, SearchPass},
};
use crate::{
    error::Error,
    media::{EntryPoint, is_whole_from},
};

/// Units behind the first one that is shown within which reordering ends.
const REORDERED: usize = 16;

impl SearchPass<'_> {
    /// The first key frame, or the first one that is shown later than `after`. Without any, the first frame that is whole.
    pub(super) fn first_key_frame(&mut self, after: Option<f64>) -> Result<SearchOutcome, Error> {
        let (mut seen, mut lacks_parameters, mut tried_early) = (0, false, false);
        loop {
            match self.reader.read_next(self.memory)? {
                ReadStep::Payload if !tried_early && after.is_none() => {
                    let Some(found) = self.pending_key_frame(&mut tried_early)? else { continue };
                    return Ok(found);
                }
                ReadStep::Payload => continue,
                ReadStep::End => break,
                ReadStep::Unit => tried_early = false,
            }
            let index = self.reader.units.len() - 1;
            let Some(unit) = self.reader.units.get(index).filter(|unit| unit.facts.is_key()) else { continue };
            if unit.facts.lacks_parameters {
                lacks_parameters = true;
                continue;
            }
            if after.is_some_and(|after| self.reader.playlist_times().get(index).is_none_or(|time| *time <= after + ROUNDING)) {
                continue;
            }
            if !self.reader.units.get(index).is_some_and(|unit| unit.facts.is_shown) {
                return self.first_shown(index);
            }
            if after.is_none()
                && let Some(found) = self.recovered_before(index)?
            {
                return Ok(found);
            }
            seen += 1;
            let waits = self
                .reader
                .packets
                .get(index)
                .is_some_and(|packet| self.reader.key_verification.needs_more_packets(&self.reader.demuxer, packet));
            if !waits {
                self.reader.source.pause();
            }
            if let Some(frame) = self.reader.decode_frame(index, index, self.memory)? {
                self.reader.verify_key(index, self.memory)?;
                self.find_audio_start()?;
                return Ok(self.found(frame, index));
            }
            if let Some(key) = self.reader.packets.get(index) {
                self.reader.key_verification.count_failed_key_frame(key)?;
            }
        }
        let end = self.reader.units.len();
        if after.is_none()
            && let Some(found) = self.recovered_before(end)?
        {
            return Ok(found);
        }
        // The parameter sets may stand in an earlier segment
        if lacks_parameters && seen == 0 && after.is_none() {
            return Ok(SearchOutcome::NeedsEarlier);
        }
        Err(self.not_found_error(&format!("none of {seen} key frames is whole")))
    }

    /// The key frame that is being assembled, if all of it has come already: nothing behind it is read then.
    fn pending_key_frame(&mut self, tried: &mut bool) -> Result<Option<SearchOutcome>, Error> {
        let Some((packet, timed)) = self.reader.pending()? else { return Ok(None) };
        let facts = &timed.facts;
        let may_be_whole = facts.is_key() && facts.is_shown && !facts.is_single_field && !facts.lacks_parameters;
        if !may_be_whole || self.reader.key_verification.needs_more_packets(&self.reader.demuxer, &packet) || self.has_refresh() {
            return Ok(None);
        }
        *tried = true;
        // What the origin would send while the frame is decoded is not wanted
        self.reader.source.pause();
        // The other field of a field picture is still to come
        let Some(frame) = self.reader.decode_single(&packet)?.filter(|frame| parity(frame).is_none()) else { return Ok(None) };
        let run = [packet];
        self.reader.key_verification.verify(&self.reader.demuxer, &run, self.reader.limits.pixels)?;
        let [packet] = run;
        self.reader.append(packet, timed);
        let index = self.reader.units.len() - 1;
        Ok(Some(self.found(frame, index)))
    }

    fn has_refresh(&self) -> bool {
        self.reader.units.iter().any(|unit| matches!(unit.facts.entry, Some(EntryPoint::Gradual(_))))
    }

    /// The first frame before unit `end` that a gradual refresh completes.
    fn recovered_before(&mut self, end: usize) -> Result<Option<SearchOutcome>, Error> {
        if !self.has_refresh() {
            return Ok(None);
        }
        for entry in 0..end {
            if !self.reader.units.get(entry).is_some_and(|unit| matches!(unit.facts.entry, Some(EntryPoint::Gradual(_)))) {
                continue;
            }
            let Some(target) = (entry..end).find(|target| is_whole_from(&self.reader.units, entry, *target)) else { continue };
            // This proves the key of encrypted units too
            if let Some(found) = self.decode_target(target)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first frame that is shown, where an edit list leaves out the key frame that it needs.
    fn first_shown(&mut self, entry: usize) -> Result<SearchOutcome, Error> {
        let mut behind = 0;
        while behind < REORDERED && self.reader.read_next(self.memory)? != ReadStep::End {
            let shown = self.reader.units.iter().skip(entry).position(|unit| unit.facts.is_shown);
            behind = shown.map_or(0, |shown| self.reader.units.len() - entry - shown);
        }
        let times = self.reader.playlist_times();
        let shown = (entry..times.len()).filter(|index| self.reader.units.get(*index).is_some_and(|unit| unit.facts.is_shown));
        let first = shown.min_by(|one, other| times.get(*one).partial_cmp(&times.get(*other)).unwrap_or(std::cmp::Ordering::Equal));
        match first.map(|first| self.decode_target(first)).transpose()?.flatten() {
            Some(found) => Ok(found),
            None => Err(self.not_found_error("the first frame that is shown is not whole")),
        }
    }
}
