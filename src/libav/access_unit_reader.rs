//! Reads access units, with their timestamps and headers, from the demuxer's packets.

use ffmpeg_next as ff;
use ffmpeg_sys_next as ffi;

use super::{
    anchor_state::AnchorState,
    byte_source::ByteSource,
    container::{self, Container},
    decrypt_samples::DecryptSamples,
    demuxer::{DemuxMode, Demuxer},
    key_verification::{EXTRA_PACKETS, KeyVerification, with_data},
    search_state::{DecodeLimits, DomainState},
};
use crate::{
    error::Error,
    media::{AccessUnit, AccessUnitAssembler, HeaderReader, MediaClock, PesPayload, TimedUnit, UnitFacts},
};

/// The result of reading on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadStep {
    /// One more access unit is complete.
    AccessUnit,
    /// More bytes of the next access unit arrived.
    Payload,
    /// The input has ended.
    End,
}

/// The access units of one pass over the bytes, in decoding order.
pub(super) struct AccessUnitReader<'a> {
    pub demuxer: Demuxer,
    pub source: &'a ByteSource,
    pub key_verification: KeyVerification<'a>,
    pub container: Container,
    pub limits: DecodeLimits,
    pub clock: MediaClock,
    pub(super) decryptor: &'a dyn DecryptSamples,
    /// Reads headers in decoding order, once the codec is known.
    headers: Option<HeaderReader>,
    assembler: Option<AccessUnitAssembler>,
    /// Whether packets are PES payloads that need the assembler.
    needs_assembler: bool,
    /// Whether the demuxer has returned its last packet.
    pub(super) has_ended: bool,
    /// Whether the video stream has any packet.
    pub has_packets: bool,
    /// The packets of the stored access units. Their pts is the access unit's index, counted from the first one read.
    pub packets: Vec<ff::Packet>,
    /// Timestamps and headers of the stored access units.
    pub units: Vec<TimedUnit>,
    /// The number of access units that were discarded before the stored ones.
    pub discarded: usize,
    pub(super) anchoring: AnchorState,
}

impl<'a> AccessUnitReader<'a> {
    pub fn open(
        source: &'a ByteSource,
        container: Container,
        mode: DemuxMode,
        limits: DecodeLimits,
        decryptor: &'a dyn DecryptSamples,
        domain_state: &DomainState,
    ) -> Result<Self, Error> {
        let demuxer = Demuxer::open(source, container, mode, limits.pixels)?;
        Ok(Self {
            demuxer,
            source,
            key_verification: KeyVerification::new(decryptor),
            container,
            limits,
            clock: if container == Container::Ts { MediaClock::MPEG_TS } else { MediaClock::default() },
            decryptor,
            headers: None,
            assembler: None,
            needs_assembler: container == Container::Ts && mode == DemuxMode::Packets,
            has_ended: false,
            has_packets: false,
            packets: Vec::new(),
            units: Vec::new(),
            discarded: 0,
            anchoring: AnchorState::new(domain_state.anchor),
        })
    }

    /// Reads on by one packet or one access unit.
    pub fn read_next(&mut self, domain_state: &DomainState) -> Result<ReadStep, Error> {
        if let Some(unit) = self.assembler.as_mut().and_then(AccessUnitAssembler::next_unit) {
            let (packet, unit) = self.process_assembled(&unit)?;
            self.append(packet, unit);
            return Ok(ReadStep::AccessUnit);
        }
        if self.has_ended {
            return Ok(ReadStep::End);
        }
        let packet = self.demuxer.next_packet()?;
        self.has_packets |= packet.is_some();
        let Some(packet) = packet.filter(|packet| self.container == Container::Ts || !self.is_truncated(packet)) else {
            self.has_ended = true;
            let Some(assembler) = &mut self.assembler else { return Ok(ReadStep::End) };
            assembler.finish();
            return self.read_next(domain_state);
        };
        if self.headers.is_none() {
            let mut headers = HeaderReader::new(self.demuxer.codec(), self.demuxer.extradata());
            if let Some(earlier) = &domain_state.headers {
                headers.inherit(earlier);
            }
            let can_split = headers.can_split();
            if self.needs_assembler && can_split {
                self.assembler = Some(AccessUnitAssembler::new(headers.clone()));
            }
            self.headers = Some(headers);
            if self.needs_assembler && !can_split {
                // Restart with libavformat's parser for codecs that the assembler cannot split
                self.demuxer = Demuxer::open(self.source, self.container, DemuxMode::Parsed, self.limits.pixels)?;
                return self.read_next(domain_state);
            }
        }
        if let Some(assembler) = &mut self.assembler {
            let position = u64::try_from(packet.position()).ok();
            let data = packet.data().unwrap_or_default();
            assembler.push(&PesPayload { data, pts: packet.pts(), dts: packet.dts(), position, is_damaged: packet.is_corrupt() });
            return Ok(ReadStep::Payload);
        }
        let (packet, unit) = self.process(packet)?;
        self.append(packet, unit);
        Ok(ReadStep::AccessUnit)
    }

    /// The next access unit as it has arrived, if that may be all of it.
    pub fn pending(&mut self) -> Result<Option<(ff::Packet, TimedUnit)>, Error> {
        let Some(unit) = self.assembler.as_ref().and_then(AccessUnitAssembler::pending) else { return Ok(None) };
        // The complete unit is read again later, so restore the state, but keep new parameter sets
        let before = self.headers.clone();
        let pending = self.process_assembled(&unit);
        if let Some(after) = std::mem::replace(&mut self.headers, before)
            && let Some(headers) = &mut self.headers
        {
            headers.inherit(&after);
        }
        pending.map(Some)
    }

    /// Converts an assembled access unit to a packet, then as [`process`](Self::process).
    fn process_assembled(&mut self, unit: &AccessUnit) -> Result<(ff::Packet, TimedUnit), Error> {
        let mut packet = ff::Packet::copy(&unit.data);
        packet.set_pts(unit.pts);
        packet.set_dts(unit.dts);
        packet.set_position(unit.position.and_then(|position| isize::try_from(position).ok()).unwrap_or(-1));
        if unit.is_damaged {
            packet.set_flags(ff::packet::Flags::CORRUPT);
        }
        self.process(packet)
    }

    /// Decrypts a packet and reads its headers.
    fn process(&mut self, packet: ff::Packet) -> Result<(ff::Packet, TimedUnit), Error> {
        let mut packet = self.key_verification.decrypt(&self.demuxer, self.container, packet)?;
        // SAFETY: the packet is valid.
        let is_shown = unsafe { (*ff::packet::Ref::as_ptr(&packet)).flags } & ffi::AV_PKT_FLAG_DISCARD == 0;
        let mut facts = match &mut self.headers {
            Some(headers) => headers.facts(packet.data().unwrap_or_default(), packet.is_key()),
            None => UnitFacts::from_container(packet.is_key()),
        };
        facts.is_shown &= is_shown;
        let seconds = |ticks: Option<i64>| ticks.and_then(|ticks| self.demuxer.seconds(ticks));
        let unit = TimedUnit { pts: seconds(packet.pts()), dts: seconds(packet.dts()), facts };
        // The pts carries the access unit's index instead; see `append`
        packet.set_pts(None);
        packet.set_dts(None);
        // Clears AV_PKT_FLAG_DISCARD, which these flags omit: frames that an edit list drops are decoded all the same
        packet.set_flags(packet.flags());
        Ok((packet, unit))
    }

    /// Stores an access unit.
    pub fn append(&mut self, mut packet: ff::Packet, unit: TimedUnit) {
        packet.set_pts(i64::try_from(self.discarded + self.packets.len()).ok());
        self.packets.push(packet);
        self.units.push(unit);
    }

    /// Discards the access units before `index`.
    pub fn discard_before(&mut self, index: usize) {
        let count = index.min(self.packets.len());
        self.fix_anchor_before(count);
        self.packets.drain(..count);
        self.units.drain(..count);
        self.discarded += count;
    }

    /// Discards all access units, to continue at another position of the file.
    pub fn discard_all(&mut self) {
        self.discard_before(self.packets.len());
        self.has_ended = false;
    }

    /// The packet with the parameter sets that it lacks; `None` if it lacks none.
    pub fn with_missing_parameters(&self, packet: &ff::Packet) -> Result<Option<ff::Packet>, Error> {
        let data = packet.data().unwrap_or_default();
        let missing = self.headers.as_ref().map(|headers| headers.missing_parameters(data)).unwrap_or_default();
        if missing.is_empty() { Ok(None) } else { with_data(packet, &[&missing, data].concat()).map(Some) }
    }

    /// The header reader, with the parameter sets that it has read.
    pub fn headers(&self) -> Option<&HeaderReader> {
        self.headers.as_ref()
    }

    /// Whether a sample extends to the end of the bytes, and its box beyond it.
    fn is_truncated(&self, packet: &ff::Packet) -> bool {
        let sample_end = u64::try_from(packet.position()).unwrap_or(0).saturating_add(packet.size() as u64);
        self.source.size().is_some_and(|end| sample_end >= end && container::is_truncated_mp4(self.source.from_start(), end))
    }

    /// The packet's offset in the downloaded bytes.
    pub fn download_offset(&self, packet: &ff::Packet) -> Option<u64> {
        u64::try_from(packet.position()).ok().map(|position| self.source.download_offset(position))
    }

    /// Verifies the key of access unit `index`, with some units after it if it alone is inconclusive.
    pub fn verify_key(&mut self, index: usize, domain_state: &DomainState) -> Result<(), Error> {
        let Some(packet) = self.packets.get(index) else { return Ok(()) };
        let more = if self.key_verification.needs_more_packets(&self.demuxer, packet) { EXTRA_PACKETS } else { 0 };
        while self.packets.len() <= index + more && self.read_next(domain_state)? != ReadStep::End {}
        let run = self.packets.get(index..(index + more + 1).min(self.packets.len())).unwrap_or_default();
        self.key_verification.verify(&self.demuxer, run, self.limits.pixels)
    }
}
