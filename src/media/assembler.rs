//! Assembles access units from PES payloads, each of which may hold a part of one, exactly one, or several.
//!
//! A PES packet's timestamps belong to the first access unit that starts in it (ISO/IEC 13818-1, 2.4.3.7). Further access units in it have none.

use std::collections::VecDeque;

use super::{header_reader::HeaderReader, nal::start_code, unit_role::UnitRole};

/// Maximum size of an access unit, in bytes; larger ones are dropped.
const MAX_ACCESS_UNIT_BYTES: usize = 32 << 20;

/// The payload of one PES packet.
#[derive(Debug, Clone)]
pub struct PesPayload<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// Presentation time, in the stream's time base.
    pub pts: Option<i64>,
    /// Decoding time, in the stream's time base.
    pub dts: Option<i64>,
    /// The PES packet's offset in the demuxer's input, in bytes.
    pub position: Option<u64>,
    /// Whether bytes are known to be missing or wrong.
    pub is_damaged: bool,
}

/// One access unit: a picture, or both fields of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessUnit {
    /// Its bytes, with start codes.
    pub data: Vec<u8>,
    /// Presentation time, in the stream's time base.
    pub pts: Option<i64>,
    /// Decoding time, in the stream's time base.
    pub dts: Option<i64>,
    /// The offset in the demuxer's input, in bytes; unique.
    pub position: Option<u64>,
    /// Whether bytes are known to be missing or wrong.
    pub is_damaged: bool,
}

/// Cuts an elementary stream into access units.
#[derive(Debug)]
pub struct AccessUnitAssembler {
    headers: HeaderReader,
    buffer: Vec<u8>,
    /// The offset of the buffer's first byte in the elementary stream. All offsets here count from the stream's start.
    base: usize,
    /// The payloads that the buffer's bytes came in.
    payloads: VecDeque<PayloadStart>,
    /// All start codes before this offset are processed.
    scanned: usize,
    has_picture: bool,
    /// The next access unit starts here, if the next picture data belongs to a new picture.
    next_start: Option<usize>,
    ready: VecDeque<AccessUnit>,
}

/// The start of a payload in the elementary stream, with the facts from its PES packet.
#[derive(Debug, Clone)]
struct PayloadStart {
    offset: usize,
    pts: Option<i64>,
    dts: Option<i64>,
    position: Option<u64>,
    is_damaged: bool,
}

impl AccessUnitAssembler {
    /// An assembler for a codec that [`HeaderReader::can_split`].
    pub fn new(headers: HeaderReader) -> Self {
        Self {
            headers,
            buffer: Vec::new(),
            base: 0,
            payloads: VecDeque::new(),
            scanned: 0,
            has_picture: false,
            next_start: None,
            ready: VecDeque::new(),
        }
    }

    /// Adds a payload.
    pub fn push(&mut self, payload: &PesPayload<'_>) {
        if self.buffer.len().saturating_add(payload.data.len()) > MAX_ACCESS_UNIT_BYTES {
            self.discard(self.end());
        }
        let PesPayload { data, pts, dts, position, is_damaged } = payload;
        self.payloads.push_back(PayloadStart { offset: self.end(), pts: *pts, dts: *dts, position: *position, is_damaged: *is_damaged });
        self.buffer.extend_from_slice(data);
        self.scan(false);
    }

    /// Ends the stream: the remaining bytes are the last access unit.
    pub fn finish(&mut self) {
        self.scan(true);
        if self.has_picture {
            self.end_unit(self.next_start.unwrap_or(self.end()));
        }
        self.discard(self.end());
    }

    /// The next complete access unit.
    pub fn next_unit(&mut self) -> Option<AccessUnit> {
        self.ready.pop_front()
    }

    /// The unfinished current access unit, if it has picture data. It is complete if each PES packet holds a whole access unit.
    pub fn pending(&self) -> Option<AccessUnit> {
        let end = self.next_start.unwrap_or(self.end());
        (self.has_picture && self.ready.is_empty()).then(|| self.unit(end))
    }

    fn end(&self) -> usize {
        self.base + self.buffer.len()
    }

    /// The offset of the first start code at or after `from`.
    fn start_code(&self, from: usize) -> Option<usize> {
        start_code(&self.buffer, from.checked_sub(self.base)?).map(|at| at + self.base)
    }

    fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.buffer.get(from.saturating_sub(self.base)..to.saturating_sub(self.base)).unwrap_or_default()
    }

    /// The role of the data between the start code `at` and the `following` one.
    fn role(&mut self, at: usize, following: Option<usize>, has_ended: bool) -> UnitRole {
        let to = following.map_or(self.buffer.len(), |following| following - self.base);
        let bytes = self.buffer.get(at + 3 - self.base..to).unwrap_or_default();
        // The zeros before a start code belong to no unit
        let length = following.map_or(bytes.len(), |_| bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        self.headers.role(bytes.get(..length).unwrap_or_default(), has_ended || following.is_some())
    }

    /// Processes every start code whose header is complete. `has_ended`: the stream ends with the buffer.
    fn scan(&mut self, has_ended: bool) {
        while let Some(at) = self.start_code(self.scanned) {
            let following = self.start_code(at + 3);
            let role = self.role(at, following, has_ended);
            match role {
                // Read the header again once more of it has arrived
                UnitRole::Incomplete => return,
                UnitRole::MayStartNext if self.has_picture => self.next_start = self.next_start.or(Some(self.with_zero_byte(at))),
                UnitRole::Continues | UnitRole::MayStartNext => {}
                UnitRole::NewPicture if self.has_picture => {
                    self.end_unit(self.next_start.unwrap_or_else(|| self.with_zero_byte(at)));
                    // Count it as the first picture of the new access unit
                    self.role(at, following, has_ended);
                    self.has_picture = true;
                }
                UnitRole::NewPicture | UnitRole::Picture | UnitRole::SecondField => (self.has_picture, self.next_start) = (true, None),
            }
            self.scanned = at + 3;
        }
        // A start code may begin in the last two bytes
        self.scanned = self.scanned.max(self.end().saturating_sub(2)).max(self.base);
    }

    /// The zero byte before a NAL unit's start code belongs to that NAL unit (ITU-T H.264, B.1). In MPEG-2 it may end the slice before.
    fn with_zero_byte(&self, at: usize) -> usize {
        match at.checked_sub(1) {
            Some(before) if self.headers.has_nal_units() && self.bytes(before, at) == [0] => before,
            _ => at,
        }
    }

    /// The current access unit, up to `end`.
    fn unit(&self, end: usize) -> AccessUnit {
        let first = self.payloads.iter().rfind(|payload| payload.offset <= self.base).or(self.payloads.front());
        let first_code = self.start_code(self.base).unwrap_or(self.base);
        // The timestamps are those of the payload in which the unit's first start code begins
        let timed = self.payloads.iter().rfind(|payload| payload.offset <= first_code);
        let is_damaged = self.payloads.iter().any(|payload| payload.offset < end && payload.is_damaged);
        let position = first.and_then(|payload| Some(payload.position? + (self.base.saturating_sub(payload.offset)) as u64));
        AccessUnit {
            data: self.bytes(self.base, end).to_vec(),
            pts: timed.and_then(|payload| payload.pts),
            dts: timed.and_then(|payload| payload.dts),
            position,
            is_damaged,
        }
    }

    /// Ends the current access unit at `end`.
    fn end_unit(&mut self, end: usize) {
        let unit = self.unit(end);
        let used = self.start_code(self.base).unwrap_or(self.base);
        self.ready.push_back(unit);
        // A payload's timestamps belong to the first access unit that starts in it
        if let Some(payload) = self.payloads.iter_mut().rfind(|payload| payload.offset <= used) {
            (payload.pts, payload.dts) = (None, None);
        }
        self.discard(end);
    }

    /// Discards all bytes before `end`.
    fn discard(&mut self, end: usize) {
        let count = end.saturating_sub(self.base).min(self.buffer.len());
        self.buffer.drain(..count);
        self.base += count;
        // Keep the payload that the remaining bytes begin in
        while self.payloads.get(1).is_some_and(|next| next.offset <= self.base) {
            self.payloads.pop_front();
        }
        if self.buffer.is_empty() {
            self.payloads.clear();
        }
        self.scanned = self.scanned.max(self.base);
        (self.next_start, self.has_picture) = (None, false);
        self.headers.start_unit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{EntryPoint, UnitFacts};

    /// The video elementary stream of a fixture.
    fn elementary(name: &str, pid: u16) -> Vec<u8> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let file = std::fs::read(path).unwrap();
        let mut stream = Vec::new();
        for packet in file.chunks_exact(188).filter(|packet| u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) == pid) {
            let start = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
            let is_header = packet[1] & 0x40 != 0;
            let start = if is_header { start + 9 + usize::from(packet[start + 8]) } else { start };
            stream.extend_from_slice(&packet[start..]);
        }
        stream
    }

    /// The access units of a stream in chunks of `piece` bytes, and their facts.
    fn units(codec: &str, stream: &[u8], piece: usize) -> (Vec<AccessUnit>, Vec<UnitFacts>) {
        let mut assembler = AccessUnitAssembler::new(HeaderReader::new(codec, &[]));
        let mut units = Vec::new();
        for (index, data) in (0..).zip(stream.chunks(piece)) {
            assembler.push(&PesPayload {
                data,
                pts: Some(index),
                dts: None,
                position: Some(index.unsigned_abs() * 1_000_000),
                is_damaged: false,
            });
            units.extend(std::iter::from_fn(|| assembler.next_unit()));
        }
        assembler.finish();
        units.extend(std::iter::from_fn(|| assembler.next_unit()));
        let mut headers = HeaderReader::new(codec, &[]);
        let facts = units.iter().map(|unit| headers.facts(&unit.data, false)).collect();
        (units, facts)
    }

    #[test]
    fn payloads_of_any_size_give_the_same_units() {
        for (name, codec, pid, count) in
            [("damage/h264.ts", "h264", 256, 25), ("codecs/hevc-ts-0.ts", "hevc", 256, 12), ("codecs/mpeg2-0.ts", "mpeg2video", 256, 12)]
        {
            let stream = elementary(name, pid);
            let (whole, facts) = units(codec, &stream, stream.len());
            assert_eq!(whole.len(), count, "{name}");
            assert_eq!(whole.iter().map(|unit| unit.data.len()).sum::<usize>(), stream.len(), "{name}: no byte is lost");
            assert_eq!((whole[0].pts, whole[1].pts), (Some(0), None), "{name}: one packet has one timestamp");
            assert!(facts[0].is_key() && facts[0].size.is_some(), "{name}: {:?}", facts[0]);
            assert!(facts.iter().all(|facts| facts.is_shown && !facts.lacks_parameters && facts.order.is_some()), "{name}");
            for piece in [1, 7, 188, 4000] {
                let (pieces, _) = units(codec, &stream, piece);
                let data = |units: &[AccessUnit]| units.iter().map(|unit| unit.data.clone()).collect::<Vec<_>>();
                assert!(data(&pieces) == data(&whole), "{name} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_stream_from_its_middle_on_lacks_parameters() {
        let stream = elementary("damage/h264.ts", 256);
        let (whole, _) = units("h264", &stream, stream.len());
        let rest = &stream[whole[0].data.len()..];
        let (_, facts) = units("h264", rest, 500);
        assert!(facts[0].lacks_parameters && facts[0].entry != Some(EntryPoint::Closed), "{:?}", facts[0]);
    }
}
