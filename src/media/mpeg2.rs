//! Reads the headers of MPEG-1 and MPEG-2 video (ISO/IEC 13818-2, 6.2 and 6.3).

use super::{
    bits::BitReader,
    nal::start_code,
    unit_facts::{EntryPoint, UnitFacts},
    unit_role::UnitRole,
};

/// Start codes (table 6-1).
const PICTURE: u8 = 0x00;
const LAST_SLICE: u8 = 0xaf;
const SEQUENCE: u8 = 0xb3;
const EXTENSION: u8 = 0xb5;
const GROUP: u8 = 0xb8;
/// `extension_start_code_identifier` of the picture coding extension.
const PICTURE_CODING: u32 = 8;
const INTRA: u32 = 1;
const BIDIRECTIONAL: u32 = 3;
const FRAME_PICTURE: u32 = 3;
/// Bytes of a picture coding extension that are read, from the start code's last byte on.
const EXTENSION_BYTES: usize = 6;
/// Maximum size of a sequence header with its extensions, in bytes; longer ones are not stored.
const MAX_SEQUENCE_BYTES: usize = 1024;
/// `temporal_reference` has 10 bits.
const ORDERS: i64 = 1024;

/// Frame durations by `frame_rate_code` (table 6-4).
const DURATIONS: [(u32, u32); 8] = [(1001, 24_000), (1, 24), (1, 25), (1001, 30_000), (1, 30), (1, 50), (1001, 60_000), (1, 60)];

/// Reads the headers of one MPEG-1 or MPEG-2 stream in decoding order.
#[derive(Debug, Clone, Default)]
pub struct Mpeg2Reader {
    /// `picture_structure` of the current picture, once its headers are complete.
    structure: Option<u32>,
    has_both_fields: bool,
    /// Whether neither an extension nor a slice has followed the last picture header yet.
    is_header_open: bool,
    /// The sequence header with its extensions, as a byte stream.
    sequence: Vec<u8>,
    size: Option<(u32, u32)>,
    /// The duration of a frame, as a fraction of seconds.
    duration: Option<(u32, u32)>,
    order: Option<i64>,
    period: u32,
}

impl Mpeg2Reader {
    pub(super) fn start_unit(&mut self) {
        (self.structure, self.has_both_fields, self.is_header_open) = (None, false, true);
    }

    pub(super) fn role(&mut self, unit: &[u8], is_complete: bool) -> UnitRole {
        let Some(code) = unit.first() else { return if is_complete { UnitRole::Continues } else { UnitRole::Incomplete } };
        match *code {
            SEQUENCE | GROUP => UnitRole::MayStartNext,
            PICTURE => {
                self.is_header_open = true;
                UnitRole::MayStartNext
            }
            EXTENSION if unit.len() < EXTENSION_BYTES && !is_complete => UnitRole::Incomplete,
            EXTENSION => match picture_structure(unit) {
                Some(structure) => self.role_of_picture(structure),
                None => UnitRole::Continues,
            },
            code if code <= LAST_SLICE && self.is_header_open => self.role_of_picture(FRAME_PICTURE),
            code if code <= LAST_SLICE => UnitRole::Picture,
            _ => UnitRole::Continues,
        }
    }

    /// The role of a picture whose headers are complete.
    fn role_of_picture(&mut self, structure: u32) -> UnitRole {
        self.is_header_open = false;
        let is_second = self.structure.is_some_and(|first| first != FRAME_PICTURE && structure == FRAME_PICTURE - first);
        match self.structure {
            None => {
                self.structure = Some(structure);
                UnitRole::NewPicture
            }
            Some(_) if is_second && !self.has_both_fields => {
                self.has_both_fields = true;
                UnitRole::SecondField
            }
            Some(_) => UnitRole::NewPicture,
        }
    }

    pub(super) fn facts(&mut self, unit: &[u8]) -> UnitFacts {
        let mut facts = UnitFacts { is_shown: true, ..UnitFacts::default() };
        let (mut is_closed, mut has_group, mut kind, mut temporal, mut fields) = (false, false, None, 0, [false; 2]);
        let mut code = start_code(unit, 0);
        while let Some(at) = code {
            let rest = unit.get(at + 3..).unwrap_or_default();
            let mut bits = BitReader::new(rest.get(1..).unwrap_or_default());
            match rest.first() {
                Some(&SEQUENCE) => {
                    self.store_sequence(unit, at);
                    self.size = bits.bits(12).zip(bits.bits(12));
                    bits.bits(4);
                    self.duration = bits.bits(4).and_then(|code| DURATIONS.get(code.checked_sub(1)? as usize).copied());
                }
                Some(&GROUP) => {
                    // Time code, then closed_gop and broken_link
                    has_group = true;
                    is_closed = bits.bits(25).is_some() && bits.bit() == Some(true);
                }
                Some(&PICTURE) if kind.is_none() => (temporal, kind) = (bits.bits(10).unwrap_or(0), bits.bits(3)),
                Some(&EXTENSION) => {
                    let structure = picture_structure(rest).unwrap_or(0);
                    fields = [fields[0] || structure & 1 != 0, fields[1] || structure & 2 != 0];
                }
                // After the headers only a second field is of interest
                Some(1..=LAST_SLICE) if fields != [true, false] && fields != [false, true] => break,
                _ => {}
            }
            code = start_code(unit, at + 3);
        }
        let Some(kind) = kind else { return UnitFacts { is_shown: false, ..facts } };
        facts.is_single_field = fields == [true, false] || fields == [false, true];
        facts.is_reference = kind != BIDIRECTIONAL;
        facts.lacks_parameters = self.sequence.is_empty();
        (facts.size, facts.duration) = (self.size, self.duration);
        facts.entry = (kind == INTRA).then_some(if is_closed { EntryPoint::Closed } else { EntryPoint::Open });
        let temporal = i64::from(temporal);
        self.period += u32::from(has_group);
        let order = match self.order.filter(|_| !has_group) {
            // Without a GOP header, which restarts it, the temporal reference wraps
            Some(before) => before + (temporal - before + ORDERS / 2).rem_euclid(ORDERS) - ORDERS / 2,
            None => temporal,
        };
        self.order = Some(order);
        (facts.order, facts.period) = (Some(order), self.period);
        facts
    }

    /// Stores the sequence header at `from` with the extensions that follow it.
    fn store_sequence(&mut self, unit: &[u8], from: usize) {
        let mut end = start_code(unit, from + 3);
        while let Some(at) = end.filter(|at| unit.get(at + 3) == Some(&EXTENSION)) {
            end = start_code(unit, at + 3);
        }
        let header = unit.get(from..end.unwrap_or(unit.len())).unwrap_or_default();
        if header.len() <= MAX_SEQUENCE_BYTES {
            self.sequence = header.to_vec();
        }
    }

    /// The stored sequence header, or nothing if `unit` has one.
    pub(super) fn missing(&self, unit: &[u8]) -> Vec<u8> {
        let mut code = start_code(unit, 0);
        while let Some(at) = code.filter(|at| unit.get(at + 3).is_some_and(|code| !(1..=LAST_SLICE).contains(code))) {
            if unit.get(at + 3) == Some(&SEQUENCE) {
                return Vec::new();
            }
            code = start_code(unit, at + 3);
        }
        self.sequence.clone()
    }

    pub(super) fn inherit(&mut self, other: &Self) {
        if self.sequence.is_empty() {
            self.sequence.clone_from(&other.sequence);
            self.size = self.size.or(other.size);
        }
    }
}

/// `picture_structure` of a picture coding extension: 1 for a top field, 2 for a bottom field, 3 for a frame.
fn picture_structure(unit: &[u8]) -> Option<u32> {
    let mut bits = BitReader::new(unit.get(1..)?);
    if bits.bits(4)? != PICTURE_CODING {
        return None;
    }
    bits.bits(18)?;
    bits.bits(2).filter(|structure| *structure > 0)
}
