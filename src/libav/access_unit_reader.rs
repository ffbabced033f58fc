//! Access units with their times and headers, out of the demuxer's packets.

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    byte_source::ByteSource,
    container::{self, Container},
    decrypt_samples::DecryptSamples,
    demuxer::{DemuxMode, Demuxer},
    key_verification::{EXTRA_PACKETS, KeyVerification, with_data},
    search::{DecodeLimits, DomainState},
};
use crate::{
    error::Error,
    media::{AccessUnit, AccessUnitAssembler, Anchor, HeaderReader, MediaClock, PesPayload, TimedUnit, presentation_times, segment_start},
};

/// Access units at the start that tell where a segment starts.
const TELLING: usize = 16;

/// What one step of reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadStep {
    /// One more access unit.
    Unit,
    /// Bytes of the next one.
    Payload,
    /// The end.
    End,
}

/// The access units of one pass over the bytes, in decoding order.
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts about the pass")]
pub(super) struct AccessUnitReader<'a> {
    pub demuxer: Demuxer,
    pub source: &'a ByteSource,
    pub key_verification: KeyVerification<'a>,
    pub container: Container,
    pub limits: DecodeLimits,
    pub clock: MediaClock,
    decryptor: &'a dyn DecryptSamples,
    /// Reads headers in decoding order, once the codec is known.
    syntax: Option<HeaderReader>,
    assembler: Option<AccessUnitAssembler>,
    splits: bool,
    ended: bool,
    /// Whether any packet of the video came.
    pub has_packets: bool,
    /// The access units that are kept, and how many before them were forgotten.
    pub packets: Vec<ff::Packet>,
    pub units: Vec<TimedUnit>,
    pub discarded: usize,
    /// The anchor, and whether it is final.
    anchor: Option<Anchor>,
    is_anchored: bool,
    /// Whether the anchor is another segment's.
    is_remembered: bool,
    /// How far the clock had stepped back before the first unit that is kept.
    drift: f64,
}

impl<'a> AccessUnitReader<'a> {
    pub fn open(
        source: &'a ByteSource,
        container: Container,
        mode: DemuxMode,
        bounds: DecodeLimits,
        unlock: &'a dyn DecryptSamples,
        memory: &DomainState,
    ) -> Result<Self, Error> {
        let demuxer = Demuxer::open(source, container, mode, bounds.pixels)?;
        Ok(Self {
            demuxer,
            source,
            key_verification: KeyVerification::new(unlock),
            container,
            limits: bounds,
            clock: if container == Container::Ts { MediaClock::MPEG_TS } else { MediaClock::default() },
            decryptor: unlock,
            syntax: None,
            assembler: None,
            splits: container == Container::Ts && mode == DemuxMode::Packets,
            ended: false,
            has_packets: false,
            packets: Vec::new(),
            units: Vec::new(),
            discarded: 0,
            anchor: memory.anchor,
            is_anchored: memory.anchor.is_some_and(|anchor| anchor.is_sure),
            is_remembered: memory.anchor.is_some(),
            drift: 0.0,
        })
    }

    /// Reads on by one packet or one access unit.
    pub fn read_next(&mut self, memory: &DomainState) -> Result<ReadStep, Error> {
        if let Some(unit) = self.assembler.as_mut().and_then(AccessUnitAssembler::next_unit) {
            let (packet, timed) = self.unit_of(&unit)?;
            self.append(packet, timed);
            return Ok(ReadStep::Unit);
        }
        if self.ended {
            return Ok(ReadStep::End);
        }
        let packet = self.demuxer.next_packet()?;
        self.has_packets |= packet.is_some();
        let Some(packet) = packet.filter(|packet| self.container == Container::Ts || !self.is_cut(packet)) else {
            self.ended = true;
            let Some(assembler) = &mut self.assembler else { return Ok(ReadStep::End) };
            assembler.finish();
            return self.read_next(memory);
        };
        if self.syntax.is_none() {
            let mut syntax = HeaderReader::of(self.demuxer.codec(), self.demuxer.extradata());
            if let Some(earlier) = &memory.syntax {
                syntax.inherit(earlier);
            }
            let splits = syntax.can_split();
            if self.splits && splits {
                self.assembler = Some(AccessUnitAssembler::new(syntax.clone()));
            }
            self.syntax = Some(syntax);
            if self.splits && !splits {
                // libavformat's parser cuts what is not cut here, from the first packet on
                self.demuxer = Demuxer::open(self.source, self.container, DemuxMode::Parsed, self.limits.pixels)?;
                return self.read_next(memory);
            }
        }
        if let Some(assembler) = &mut self.assembler {
            let position = u64::try_from(packet.position()).ok();
            let data = packet.data().unwrap_or_default();
            assembler.push(&PesPayload { data, pts: packet.pts(), dts: packet.dts(), position, is_damaged: packet.is_corrupt() });
            return Ok(ReadStep::Payload);
        }
        let (packet, timed) = self.described(packet)?;
        self.append(packet, timed);
        Ok(ReadStep::Unit)
    }

    /// What has come of the next access unit, if that may be all of it.
    pub fn pending(&mut self) -> Result<Option<(ff::Packet, TimedUnit)>, Error> {
        let Some(unit) = self.assembler.as_ref().and_then(AccessUnitAssembler::pending) else { return Ok(None) };
        // It is read again when it is complete; what it says of parameter sets stays
        let before = self.syntax.clone();
        let pending = self.unit_of(&unit);
        if let Some(after) = std::mem::replace(&mut self.syntax, before)
            && let Some(syntax) = &mut self.syntax
        {
            syntax.inherit(&after);
        }
        pending.map(Some)
    }

    /// A packet of an assembled access unit.
    fn unit_of(&mut self, unit: &AccessUnit) -> Result<(ff::Packet, TimedUnit), Error> {
        let mut packet = ff::Packet::copy(&unit.data);
        packet.set_pts(unit.pts);
        packet.set_dts(unit.dts);
        packet.set_position(unit.position.and_then(|position| isize::try_from(position).ok()).unwrap_or(-1));
        if unit.is_damaged {
            packet.set_flags(ff::packet::Flags::CORRUPT);
        }
        self.described(packet)
    }

    /// Decrypts a packet and reads its headers.
    fn described(&mut self, packet: ff::Packet) -> Result<(ff::Packet, TimedUnit), Error> {
        let mut packet = self.key_verification.decrypt(&self.demuxer, self.container, packet)?;
        // SAFETY: the packet is valid.
        let is_shown = unsafe { (*ff::packet::Ref::as_ptr(&packet)).flags } & ffi::AV_PKT_FLAG_DISCARD == 0;
        let mut facts = match &mut self.syntax {
            Some(syntax) => syntax.facts(packet.data().unwrap_or_default(), packet.is_key()),
            None => crate::media::UnitFacts::from_container(packet.is_key()),
        };
        facts.is_shown &= is_shown;
        let seconds = |ticks: Option<i64>| ticks.and_then(|ticks| self.demuxer.seconds(ticks));
        let timed = TimedUnit { pts: seconds(packet.pts()), dts: seconds(packet.dts()), facts };
        // Decoded frames carry the number of their access unit
        packet.set_pts(None);
        packet.set_dts(None);
        // A frame that an edit list leaves out is decoded all the same: these flags leave AV_PKT_FLAG_DISCARD out
        packet.set_flags(packet.flags());
        Ok((packet, timed))
    }

    /// Adds a unit to those that are kept.
    pub fn append(&mut self, mut packet: ff::Packet, timed: TimedUnit) {
        packet.set_pts(i64::try_from(self.discarded + self.packets.len()).ok());
        self.packets.push(packet);
        self.units.push(timed);
    }

    /// Forgets the access units before `index`.
    pub fn discard_before(&mut self, index: usize) {
        let count = index.min(self.packets.len());
        let media = presentation_times(&self.units, self.clock);
        let raw = self.units.get(count).and_then(|unit| unit.pts);
        self.anchor(&media);
        self.is_anchored = true;
        self.drift += media.get(count).zip(raw).map_or(0.0, |(time, raw)| self.clock.difference(*time, raw));
        self.packets.drain(..count);
        self.units.drain(..count);
        self.discarded += count;
    }

    /// Forgets everything that was read: another part of the file follows.
    pub fn discard_all(&mut self) {
        self.discard_before(self.packets.len());
        self.ended = false;
    }

    /// A packet with the parameter sets that it lacks, if it lacks any.
    pub fn with_missing_parameters(&self, packet: &ff::Packet) -> Result<Option<ff::Packet>, Error> {
        let data = packet.data().unwrap_or_default();
        let missing = self.syntax.as_ref().map(|syntax| syntax.missing_parameters(data)).unwrap_or_default();
        if missing.is_empty() { Ok(None) } else { with_data(packet, &[&missing, data].concat()).map(Some) }
    }

    /// What the stream's headers said, for other segments.
    pub fn headers(&self) -> Option<&HeaderReader> {
        self.syntax.as_ref()
    }

    /// Whether a sample ends where the bytes do, and the box that it lies in does not.
    fn is_cut(&self, packet: &ff::Packet) -> bool {
        let behind = u64::try_from(packet.position()).unwrap_or(0).saturating_add(packet.size() as u64);
        self.source.size().is_some_and(|end| behind >= end && container::is_truncated_mp4(self.source.from_start(), end))
    }

    /// Where an access unit lies in what was downloaded.
    pub fn download_offset(&self, packet: &ff::Packet) -> Option<u64> {
        u64::try_from(packet.position()).ok().map(|position| self.source.download_offset(position))
    }

    /// The presentation times of all units that are kept, in playlist time.
    pub fn playlist_times(&mut self) -> Vec<f64> {
        let media = presentation_times(&self.units, self.clock);
        let anchor = self.anchor(&media);
        let first = media.first().copied();
        // Differences from the first are free of wraps
        let start = first.map_or(0.0, |first| anchor.playlist_time(first, self.clock) + self.drift - first);
        media.iter().map(|time| start + time).collect()
    }

    /// The presentation and decoding time of the last unit in playlist time, as far as the container tells them.
    pub fn last_times(&mut self) -> Option<(f64, f64)> {
        let anchor = if self.is_anchored { self.anchor } else { None };
        let anchor = anchor.unwrap_or_else(|| self.anchor(&presentation_times(&self.units, self.clock)));
        let unit = self.units.last()?;
        let time = |seconds: f64| anchor.playlist_time(seconds, self.clock) + self.drift;
        Some((time(unit.pts?), time(unit.dts.or(unit.pts)?)))
    }

    /// Where the media's clock lies in the playlist: known from an earlier segment, or told by the first units.
    fn anchor(&mut self, media: &[f64]) -> Anchor {
        if let Some(anchor) = self.anchor.filter(|_| self.is_anchored) {
            return anchor;
        }
        let place = |position: Option<u64>| self.decryptor.resource_time(position);
        let video = self.packets.first().map(|packet| place(self.download_offset(packet)));
        let sound: Vec<(f64, f64)> =
            self.demuxer.audio_starts().into_iter().map(|(time, position)| (time, place(Some(position)))).collect();
        // Streams that start in a later segment say nothing of the first one
        let start = sound.iter().map(|(_, start)| *start).chain(video).reduce(f64::min).unwrap_or(0.0);
        let is_first = |other: f64| other <= start;
        let others = sound
            .iter()
            .filter(|(_, own)| is_first(*own))
            .map(|(time, _)| *time)
            .reduce(|one, other| if self.clock.difference(other, one) < 0.0 { other } else { one });
        // What an edit list leaves out is not shown
        let shown = self.units.iter().zip(media).filter(|(unit, _)| unit.facts.is_shown).take(TELLING);
        let shown = shown.filter(|_| video.is_some_and(is_first));
        let (units, times): (Vec<TimedUnit>, Vec<f64>) = shown.map(|(unit, time)| (unit.clone(), *time)).unzip();
        let is_trimmed = self.units.first().is_some_and(|unit| !unit.facts.is_shown);
        let media = segment_start(&units, &times, others, is_trimmed, self.clock).unwrap_or(0.0);
        let is_sure = self.units.first().is_none_or(|unit| unit.facts.is_key() || !unit.facts.is_shown);
        let anchor = match self.anchor {
            // What another segment told is as good as what this one tells
            Some(known) if !is_sure && self.is_remembered => known,
            _ => Anchor { media, playlist: start, is_sure },
        };
        self.is_anchored = self.discarded > 0 || (self.units.len() >= TELLING && self.knows_audio_start());
        self.is_remembered &= self.anchor == Some(anchor);
        self.anchor = Some(anchor);
        anchor
    }

    /// Whether it is known where sound starts. In a transport stream it is interleaved, so sound that did not come yet is not early.
    pub fn knows_audio_start(&self) -> bool {
        self.container == Container::Ts || self.ended || !self.demuxer.has_audio_without_index()
    }

    /// Whether enough was read to know where the media's clock lies in the playlist.
    pub fn is_anchored(&self) -> bool {
        self.is_anchored || (self.units.len() >= TELLING && self.knows_audio_start())
    }

    /// Whether the anchor will not change any more.
    pub fn is_settled(&self) -> bool {
        self.is_anchored
    }

    /// Where the media's clock lies in the playlist, as far as it is known.
    pub fn known_anchor(&self) -> Option<Anchor> {
        self.anchor
    }

    /// Proves the key of unit `index` by itself, and by some of those behind it where it alone would be too few.
    pub fn verify_key(&mut self, index: usize, memory: &DomainState) -> Result<(), Error> {
        let Some(packet) = self.packets.get(index) else { return Ok(()) };
        let more = if self.key_verification.needs_more_packets(&self.demuxer, packet) { EXTRA_PACKETS } else { 0 };
        while self.packets.len() <= index + more && self.read_next(memory)? != ReadStep::End {}
        let run = self.packets.get(index..(index + more + 1).min(self.packets.len())).unwrap_or_default();
        self.key_verification.verify(&self.demuxer, run, self.limits.pixels)
    }
}
