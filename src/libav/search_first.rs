//! Searches for the first whole frame: a key frame, or the end of a gradual refresh.

use super::{
    access_unit_reader::ReadStep,
    field_pictures::parity,
    search::{SearchOutcome, SearchPass},
};
use crate::{
    error::Error,
    media::{EntryPoint, is_whole_from},
    time::TIME_TOLERANCE,
};

/// Reordering ends within this many access units after the first shown one.
const REORDER_WINDOW: usize = 16;

impl SearchPass<'_> {
    /// The first key frame, or the first one that is shown later than `after`. Without `after`, a gradual refresh that completes earlier wins.
    pub(super) fn first_key_frame(&mut self, after: Option<f64>) -> Result<SearchOutcome, Error> {
        let (mut key_frames, mut lacks_parameters, mut tried_pending) = (0, false, false);
        loop {
            match self.read_next()? {
                ReadStep::Payload if !tried_pending && after.is_none() => {
                    let Some(found) = self.pending_key_frame(&mut tried_pending)? else { continue };
                    return Ok(found);
                }
                ReadStep::Payload => continue,
                ReadStep::End => break,
                ReadStep::AccessUnit => tried_pending = false,
            }
            let index = self.reader.units.len() - 1;
            let Some(unit) = self.reader.units.get(index).filter(|unit| unit.facts.is_key()) else { continue };
            if unit.facts.lacks_parameters {
                lacks_parameters = true;
                continue;
            }
            if after.is_some_and(|after| self.reader.playlist_times().get(index).is_none_or(|time| *time <= after + TIME_TOLERANCE)) {
                continue;
            }
            if !self.is_shown(index) {
                return self.first_shown(index);
            }
            if after.is_none()
                && let Some(found) = self.first_recovered_before(index)?
            {
                return Ok(found);
            }
            key_frames += 1;
            let reader = &self.reader;
            let needs_more = |packet| reader.key_verification.needs_more_packets(&reader.demuxer, packet);
            if !reader.packets.get(index).is_some_and(needs_more) {
                reader.source.stop_download();
            }
            if let Some(frame) = self.decode_key_frame(index)? {
                self.find_audio_start()?;
                return Ok(self.found(frame, index));
            }
        }
        let end = self.reader.units.len();
        if after.is_none()
            && let Some(found) = self.first_recovered_before(end)?
        {
            return Ok(found);
        }
        // An earlier segment may have the parameter sets
        if lacks_parameters && key_frames == 0 && after.is_none() {
            return Ok(SearchOutcome::NeedsEarlier);
        }
        Err(self.not_found_error(&format!("none of {key_frames} key frames is whole")))
    }

    /// The key frame that is being assembled, if it is complete already. Nothing after it is read then.
    fn pending_key_frame(&mut self, tried: &mut bool) -> Result<Option<SearchOutcome>, Error> {
        let Some((packet, unit)) = self.reader.pending()? else { return Ok(None) };
        let facts = &unit.facts;
        let may_be_whole = facts.is_key() && facts.is_shown && !facts.is_single_field && !facts.lacks_parameters;
        if !may_be_whole || self.reader.key_verification.needs_more_packets(&self.reader.demuxer, &packet) || self.has_refresh() {
            return Ok(None);
        }
        *tried = true;
        // Do not download more while the frame is decoded
        self.reader.source.stop_download();
        // A field picture needs its other field, which is still to come
        let Some(frame) = self.reader.decode_single(&packet)?.filter(|frame| parity(frame).is_none()) else { return Ok(None) };
        self.reader.key_verification.verify(&self.reader.demuxer, std::slice::from_ref(&packet), self.reader.limits.pixels)?;
        self.reader.append(packet, unit);
        Ok(Some(self.found(frame, self.reader.units.len() - 1)))
    }

    fn is_refresh(&self, index: usize) -> bool {
        self.reader.units.get(index).is_some_and(|unit| matches!(unit.facts.entry, Some(EntryPoint::Gradual(_))))
    }

    fn has_refresh(&self) -> bool {
        (0..self.reader.units.len()).any(|index| self.is_refresh(index))
    }

    /// The first frame before unit `end` that a gradual refresh completes.
    fn first_recovered_before(&mut self, end: usize) -> Result<Option<SearchOutcome>, Error> {
        for entry in 0..end {
            if !self.is_refresh(entry) {
                continue;
            }
            let Some(target) = (entry..end).find(|target| is_whole_from(&self.reader.units, entry, *target)) else { continue };
            // This also verifies the key of encrypted units
            if let Some(found) = self.decode_target(target)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first shown frame, if an edit list drops the key frame `entry` that it depends on.
    fn first_shown(&mut self, entry: usize) -> Result<SearchOutcome, Error> {
        let mut units_after = 0;
        while units_after < REORDER_WINDOW && self.read_next()? != ReadStep::End {
            let shown = self.reader.units.iter().skip(entry).position(|unit| unit.facts.is_shown);
            units_after = shown.map_or(0, |shown| self.reader.units.len() - entry - shown);
        }
        let times = self.reader.playlist_times();
        let shown = (entry..times.len()).filter(|index| self.is_shown(*index));
        let first = shown.min_by(|one, other| times.get(*one).partial_cmp(&times.get(*other)).unwrap_or(std::cmp::Ordering::Equal));
        match first.map(|first| self.decode_target(first)).transpose()?.flatten() {
            Some(found) => Ok(found),
            None => Err(self.not_found_error("the first frame that is shown is not whole")),
        }
    }
}
