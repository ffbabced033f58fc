//! Decoding a run of access units, and what of it may be shown.

use super::{
    access_unit_reader::{AccessUnitReader, ReadStep},
    decoder::{DecodeMode, Decoder},
    field_pictures::{FieldPairs, parity},
    frame::Frame,
    search::DomainState,
};
use crate::{
    error::{Error, ErrorKind},
    media::{EntryPoint, is_whole_from},
};

/// The other field of a field picture follows within so many units.
const FIELDS_BEHIND: usize = 3;

/// A frame and the unit that it came of.
pub(super) struct DecodedFrame {
    pub frame: Frame,
    pub index: usize,
}

impl AccessUnitReader<'_> {
    /// The frame of unit `target`, decoded from unit `entry` on; `None` unless it is whole. The other field of a field picture is read too.
    pub fn decode_frame(&mut self, entry: usize, target: usize, memory: &DomainState) -> Result<Option<Frame>, Error> {
        let frame = if entry == target { self.key_frame(target)? } else { self.whole_frame(entry, target)? };
        match frame {
            Some(field) if parity(&field).is_some() => self.joined(entry, target, memory),
            frame => Ok(frame),
        }
    }

    /// The frame that the field of unit `target` is a part of.
    fn joined(&mut self, entry: usize, target: usize, memory: &DomainState) -> Result<Option<Frame>, Error> {
        while self.packets.len() <= target + FIELDS_BEHIND && self.read_next(memory)? != ReadStep::End {}
        let (mut pairs, mut joined, mut failure) = (FieldPairs::default(), None, None);
        let mut each = |frame: Frame, first: usize, last: usize| {
            if first == target || last == target {
                joined.get_or_insert(frame);
            }
        };
        let end = (target + FIELDS_BEHIND).min(self.packets.len().saturating_sub(1));
        let strict = self.requires_references(entry);
        let broken = self.decode_range(entry, end, |DecodedFrame { frame, index }| {
            if frame.is_whole(strict) && failure.is_none() {
                failure = pairs.push((frame, index, index), &mut each).err();
            }
        })?;
        match failure {
            Some(error) => return Err(error),
            None => pairs.finish(&mut each)?,
        }
        Ok(joined.filter(|_| target < broken))
    }

    fn whole_frame(&self, entry: usize, target: usize) -> Result<Option<Frame>, Error> {
        let mut wanted = None;
        let broken = self.decode_range(entry, target, |decoded| {
            if decoded.index == target {
                wanted = Some(decoded.frame);
            }
        })?;
        Ok(wanted.filter(|frame| target < broken && frame.is_whole(self.requires_references(entry))))
    }

    /// The frame of a unit that needs no other.
    fn key_frame(&self, index: usize) -> Result<Option<Frame>, Error> {
        let Some(packet) = self.packets.get(index) else { return Ok(None) };
        self.decode_single(packet)
    }

    /// The frame of one packet by itself; `None` unless it is whole.
    pub fn decode_single(&self, packet: &ffmpeg_next::Packet) -> Result<Option<Frame>, Error> {
        if packet.is_corrupt() {
            tracing::debug!("a key frame is damaged: bytes of it are missing");
            return Ok(None);
        }
        let mut decoder = Decoder::new(&self.demuxer, DecodeMode::KeyFrame, self.limits.pixels)?;
        let extended = self.with_missing_parameters(packet)?;
        decoder.send(extended.as_ref().unwrap_or(packet))?;
        decoder.drain();
        let frame = decoder.receive();
        let complained = decoder.has_complained();
        if complained || !frame.as_ref().is_some_and(|frame| frame.is_whole(true)) {
            tracing::debug!("a key frame is not whole: frame {}, complaints {complained}", frame.is_some());
        }
        Ok(frame.filter(|frame| !complained && frame.is_whole(true)))
    }

    /// Only announced random access points promise that nothing behind them refers to what lies before.
    pub fn requires_references(&self, entry: usize) -> bool {
        self.units.get(entry).is_none_or(|unit| unit.facts.entry == Some(EntryPoint::Intra))
    }

    /// Decodes the units from `entry` to `last` and shows every frame. Gives the index of the first unit that is damaged: those behind it may
    /// refer to it.
    pub fn decode_range(&self, entry: usize, last: usize, mut each: impl FnMut(DecodedFrame)) -> Result<usize, Error> {
        let mut decoder = Decoder::new(&self.demuxer, DecodeMode::EveryFrame, self.limits.pixels)?;
        let counts_references = self.requires_references(entry);
        let is_gradual = self.units.get(entry).is_some_and(|unit| matches!(unit.facts.entry, Some(EntryPoint::Gradual(_))));
        let is_reference = |index: usize| self.units.get(index).is_none_or(|unit| unit.facts.is_reference);
        // Leading pictures lack references by nature
        let counts = |index: usize| is_gradual || is_whole_from(&self.units, entry, index);
        let (mut broken, mut shown) = (usize::MAX, 0);
        let mut receive = |decoder: &mut Decoder, broken: &mut usize| -> Result<(), Error> {
            while let Some(frame) = decoder.receive() {
                self.demuxer.check_deadline()?;
                shown += 1;
                if shown > self.limits.frames {
                    let what = format!("more than {} frames would have to be decoded", self.limits.frames);
                    return Err(Error::new(ErrorKind::TooLarge, what).with_hint("take the key frame before it: --key-frame"));
                }
                let number = frame.access_unit_index().and_then(|number| usize::try_from(number).ok());
                let Some(index) = number.and_then(|number| number.checked_sub(self.discarded)) else { continue };
                let is_trusted = is_whole_from(&self.units, entry, index);
                if is_trusted && is_reference(index) && !frame.is_whole(counts_references) {
                    *broken = (*broken).min(index);
                }
                if is_trusted {
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
            receive(&mut decoder, &mut broken)?;
            // A gap before a picture that nothing refers to may be another picture's
            let is_damaged = packet.is_corrupt() || (decoder.has_complained() && is_reference(index));
            if is_damaged && counts(index) {
                broken = broken.min(index);
            }
        }
        decoder.drain();
        receive(&mut decoder, &mut broken)?;
        Ok(if decoder.has_complained() { broken.min(last) } else { broken })
    }
}
