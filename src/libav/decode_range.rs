//! Decodes ranges of access units, and decides which frames are whole.

use super::{
    access_unit_reader::{AccessUnitReader, ReadStep},
    decoder::{DecodeMode, Decoder},
    field_pictures::{FieldJoiner, parity},
    frame::Frame,
    search_state::DomainState,
};
use crate::{
    error::{Error, ErrorKind},
    media::{EntryPoint, is_whole_from},
};

/// The other field of a field picture follows within this many access units.
const MAX_UNITS_TO_OTHER_FIELD: usize = 3;

/// A frame and the index of its access unit.
pub(super) struct DecodedFrame {
    pub frame: Frame,
    pub index: usize,
}

impl AccessUnitReader<'_> {
    /// The frame of unit `target`, decoded from unit `entry` on; `None` unless it is whole. Reads on for the other field of a field picture.
    pub fn decode_frame(&mut self, entry: usize, target: usize, domain_state: &DomainState) -> Result<Option<Frame>, Error> {
        let frame = if entry == target {
            self.packets.get(target).map(|packet| self.decode_single(packet)).transpose()?.flatten()
        } else {
            self.decode_target_of(entry, target)?
        };
        match frame {
            Some(field) if parity(&field).is_some() => self.decode_field_pair(entry, target, domain_state),
            frame => Ok(frame),
        }
    }

    /// The frame that the field of unit `target` belongs to.
    fn decode_field_pair(&mut self, entry: usize, target: usize, domain_state: &DomainState) -> Result<Option<Frame>, Error> {
        let last = target + MAX_UNITS_TO_OTHER_FIELD;
        while self.packets.len() <= last && self.read_next(domain_state)? != ReadStep::End {}
        let (mut joiner, mut pair, mut failure) = (FieldJoiner::default(), None, None);
        let mut each = |frame: Frame, first: usize, last: usize| {
            if first == target || last == target {
                pair.get_or_insert(frame);
            }
        };
        let last = last.min(self.packets.len().saturating_sub(1));
        let requires_references = self.requires_references(entry);
        let first_damaged = self.decode_range(entry, last, |DecodedFrame { frame, index }| {
            if frame.is_whole(requires_references) && failure.is_none() {
                failure = joiner.push((frame, index, index), &mut each).err();
            }
        })?;
        match failure {
            Some(error) => return Err(error),
            None => joiner.finish(&mut each)?,
        }
        Ok(pair.filter(|_| target < first_damaged))
    }

    /// The frame of unit `target` from the range that starts at `entry`; `None` unless it is whole.
    fn decode_target_of(&self, entry: usize, target: usize) -> Result<Option<Frame>, Error> {
        let mut found = None;
        let first_damaged = self.decode_range(entry, target, |decoded| {
            if decoded.index == target {
                found = Some(decoded.frame);
            }
        })?;
        Ok(found.filter(|frame| target < first_damaged && frame.is_whole(self.requires_references(entry))))
    }

    /// The frame of one packet that is decoded alone; `None` unless it is whole.
    pub fn decode_single(&self, packet: &ffmpeg_next::Packet) -> Result<Option<Frame>, Error> {
        if packet.is_corrupt() {
            tracing::debug!("a key frame is damaged: bytes are missing");
            return Ok(None);
        }
        let mut decoder = Decoder::new(&self.demuxer, DecodeMode::KeyFrame, self.limits.pixels)?;
        let extended = self.with_missing_parameters(packet)?;
        decoder.send(extended.as_ref().unwrap_or(packet))?;
        decoder.drain();
        let frame = decoder.receive();
        let (has_frame, has_failed) = (frame.is_some(), decoder.take_failure());
        let frame = frame.filter(|frame| !has_failed && frame.is_whole(true));
        if frame.is_none() {
            tracing::debug!("a key frame is not whole: has a frame: {has_frame}, decoder errors: {has_failed}");
        }
        Ok(frame)
    }

    /// Whether missing references count as damage. Only announced random access points promise that no later picture refers to earlier ones.
    pub fn requires_references(&self, entry: usize) -> bool {
        self.units.get(entry).is_none_or(|unit| unit.facts.entry == Some(EntryPoint::Intra))
    }

    /// Decodes the units from `entry` to `last`, and passes every frame that can be whole to `each`. Returns the index of the first damaged unit:
    /// later ones may refer to it.
    pub fn decode_range(&self, entry: usize, last: usize, mut each: impl FnMut(DecodedFrame)) -> Result<usize, Error> {
        let mut decoder = Decoder::new(&self.demuxer, DecodeMode::EveryFrame, self.limits.pixels)?;
        let requires_references = self.requires_references(entry);
        let is_gradual = self.units.get(entry).is_some_and(|unit| matches!(unit.facts.entry, Some(EntryPoint::Gradual(_))));
        let is_reference = |index: usize| self.units.get(index).is_none_or(|unit| unit.facts.is_reference);
        // The leading pictures of an open entry always lack references
        let damage_counts = |index: usize| is_gradual || is_whole_from(&self.units, entry, index);
        let (mut first_damaged, mut frames) = (usize::MAX, 0);
        let mut receive = |decoder: &mut Decoder, first_damaged: &mut usize| -> Result<(), Error> {
            while let Some(frame) = decoder.receive() {
                self.demuxer.check_deadline()?;
                frames += 1;
                if frames > self.limits.frames {
                    return Err(too_many_frames(self.limits.frames));
                }
                let index = frame.access_unit_index().and_then(|index| usize::try_from(index).ok());
                let Some(index) = index.and_then(|index| index.checked_sub(self.discarded)) else { continue };
                if is_whole_from(&self.units, entry, index) {
                    if is_reference(index) && !frame.is_whole(requires_references) {
                        *first_damaged = (*first_damaged).min(index);
                    }
                    each(DecodedFrame { frame, index });
                }
            }
            Ok(())
        };
        for index in entry..=last {
            self.demuxer.check_deadline()?;
            let Some(packet) = self.packets.get(index) else { break };
            let extended = if index == entry { self.with_missing_parameters(packet)? } else { None };
            decoder.send(extended.as_ref().unwrap_or(packet))?;
            receive(&mut decoder, &mut first_damaged)?;
            // An error at a picture that nothing refers to may come from a gap before it, and damages no other picture
            let is_damaged = packet.is_corrupt() || (decoder.take_failure() && is_reference(index));
            if is_damaged && damage_counts(index) {
                first_damaged = first_damaged.min(index);
            }
        }
        decoder.drain();
        receive(&mut decoder, &mut first_damaged)?;
        Ok(if decoder.take_failure() { first_damaged.min(last) } else { first_damaged })
    }
}

fn too_many_frames(limit: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("more than {limit} frames would have to be decoded"))
        .with_hint("use the key frame before it: --key-frame")
}
