//! Reads H.264's access unit boundaries (ITU-T H.264, 7.4.1.2) and slice headers (7.3.3).

use super::{
    bits::{BitReader, unescape},
    h264_parameters::{H264ParameterSets, H264Sps, PPS, SPS},
    nal::{NalFraming, nal_units},
    sei::recovery_point_message,
    unit_facts::{EntryPoint, RecoveryPoint, UnitFacts},
    unit_role::UnitRole,
};

/// `nal_unit_type` (table 7-1).
const SLICE: u8 = 1;
const SLICE_PARTITION_A: u8 = 2;
const IDR: u8 = 5;
const SEI: u8 = 6;
const DELIMITER: u8 = 9;
/// Maximum size of a slice header up to its picture order count, in bytes.
const MAX_SLICE_HEADER_BYTES: usize = 40;

/// Reads the headers of one H.264 stream in decoding order.
#[derive(Debug, Clone)]
pub struct H264Reader {
    pub(super) framing: NalFraming,
    pub(super) parameters: H264ParameterSets,
    /// The first slice of the current access unit, later of its second field.
    current: Option<H264SliceHeader>,
    has_both_fields: bool,
    order: OrderCount,
    period: u32,
}

/// The beginning of a slice header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of the syntax")]
struct H264SliceHeader {
    kind: u8,
    reference_level: u8,
    first_macroblock: u32,
    is_intra: bool,
    picture_parameters: u32,
    frame_number: u32,
    is_field: bool,
    is_bottom: bool,
    idr_number: u32,
    order_low: u32,
    order_bottom: i32,
    /// Whether its parameter sets were known, so that all fields are set.
    is_complete: bool,
}

/// The state of the picture order count of types 0 (8.2.1.1) and 2 (8.2.1.3).
#[derive(Debug, Clone, Copy, Default)]
struct OrderCount {
    low: i64,
    high: i64,
    frame_number: i64,
    frame_number_offset: i64,
    is_set: bool,
}

impl H264Reader {
    pub(super) fn new(extradata: &[u8]) -> Self {
        let mut parameters = H264ParameterSets::default();
        let framing = NalFraming::of_h264(extradata);
        match framing {
            NalFraming::Lengths(_) => _ = parameters.insert_record(extradata),
            NalFraming::StartCodes => nal_units(extradata, framing).into_iter().for_each(|unit| parameters.insert(unit)),
        }
        Self { framing, parameters, current: None, has_both_fields: false, order: OrderCount::default(), period: 0 }
    }

    pub(super) fn start_unit(&mut self) {
        (self.current, self.has_both_fields) = (None, false);
    }

    pub(super) fn role(&mut self, unit: &[u8], is_complete: bool) -> UnitRole {
        let Some(header) = unit.first() else { return if is_complete { UnitRole::Continues } else { UnitRole::Incomplete } };
        match header & 0x1f {
            SLICE | SLICE_PARTITION_A | IDR => {
                if !is_complete && unit.len() < MAX_SLICE_HEADER_BYTES {
                    return UnitRole::Incomplete;
                }
                let Some(slice) = self.read_slice_header(unit) else { return UnitRole::Picture };
                let role = self.current.map_or(UnitRole::Picture, |current| self.role_after(current, slice));
                match role {
                    UnitRole::SecondField => (self.current, self.has_both_fields) = (Some(slice), true),
                    UnitRole::NewPicture => {}
                    _ => self.current = Some(slice),
                }
                role
            }
            SPS | PPS => {
                if !is_complete {
                    return UnitRole::Incomplete;
                }
                self.parameters.insert(unit);
                UnitRole::MayStartNext
            }
            SEI | DELIMITER => UnitRole::MayStartNext,
            _ => UnitRole::Continues,
        }
    }

    /// The role of a slice after another one (7.4.1.2.4).
    fn role_after(&self, one: H264SliceHeader, other: H264SliceHeader) -> UnitRole {
        let same_frame = one.frame_number == other.frame_number && (one.kind == IDR || other.kind != IDR);
        if one.is_field && other.is_field && one.is_bottom != other.is_bottom && same_frame && !self.has_both_fields {
            return UnitRole::SecondField;
        }
        let differs = one.frame_number != other.frame_number
            || one.picture_parameters != other.picture_parameters
            || (one.is_field, one.is_bottom) != (other.is_field, other.is_bottom)
            || (one.reference_level == 0) != (other.reference_level == 0)
            || (one.order_low, one.order_bottom) != (other.order_low, other.order_bottom)
            || (one.kind == IDR) != (other.kind == IDR)
            || one.idr_number != other.idr_number;
        if differs || other.first_macroblock == 0 { UnitRole::NewPicture } else { UnitRole::Picture }
    }

    fn read_slice_header(&self, unit: &[u8]) -> Option<H264SliceHeader> {
        let (header, payload) = unit.split_first()?;
        let plain = unescape(payload, MAX_SLICE_HEADER_BYTES);
        let mut bits = BitReader::new(&plain);
        let mut slice = H264SliceHeader { kind: header & 0x1f, reference_level: header >> 5 & 3, ..H264SliceHeader::default() };
        slice.first_macroblock = bits.unsigned()?;
        slice.is_intra = matches!(bits.unsigned()? % 5, 2 | 4);
        slice.picture_parameters = bits.unsigned()?;
        let Some((sequence, picture)) = self.parameters.active(slice.picture_parameters) else { return Some(slice) };
        if sequence.has_separate_planes {
            bits.bits(2)?;
        }
        slice.frame_number = bits.bits(sequence.frame_number_bits)?;
        if !sequence.frame_pictures_only && bits.bit()? {
            (slice.is_field, slice.is_bottom) = (true, bits.bit()?);
        }
        if slice.kind == IDR {
            slice.idr_number = bits.unsigned()?;
        }
        if sequence.order_type == 0 {
            slice.order_low = bits.bits(sequence.order_bits)?;
            if picture.has_bottom_order && !slice.is_field {
                slice.order_bottom = bits.signed()?;
            }
        }
        slice.is_complete = true;
        Some(slice)
    }

    pub(super) fn facts(&mut self, units: &[&[u8]]) -> UnitFacts {
        let mut facts = UnitFacts { is_shown: true, ..UnitFacts::default() };
        let (mut first, mut all_intra, mut fields, mut recovery) = (None::<H264SliceHeader>, true, [false; 2], None);
        for unit in units {
            match unit.first().map(|header| header & 0x1f) {
                Some(SPS | PPS) => self.parameters.insert(unit),
                Some(SEI) => recovery = recovery.or_else(|| recovery_point(unit)),
                Some(SLICE | SLICE_PARTITION_A | IDR) => {
                    let Some(slice) = self.read_slice_header(unit) else { continue };
                    let first = first.get_or_insert(slice);
                    facts.is_reference |= slice.reference_level > 0;
                    // A second field may refer to the first one
                    all_intra &= slice.is_intra || (slice.is_field && slice.is_bottom != first.is_bottom);
                    fields = [fields[0] || !slice.is_bottom || !slice.is_field, fields[1] || slice.is_bottom || !slice.is_field];
                }
                _ => {}
            }
        }
        let Some(slice) = first else { return UnitFacts { is_shown: false, ..facts } };
        facts.is_single_field = fields != [true; 2];
        let is_idr = slice.kind == IDR;
        facts.entry = match recovery {
            _ if is_idr => Some(EntryPoint::Closed),
            Some(0) => Some(EntryPoint::Open),
            _ if all_intra => Some(EntryPoint::Intra),
            Some(frames) => Some(EntryPoint::Gradual(RecoveryPoint::Frames(frames))),
            None => None,
        };
        let Some((sequence, _)) = self.parameters.active(slice.picture_parameters).filter(|_| slice.is_complete) else {
            return UnitFacts { lacks_parameters: true, ..facts };
        };
        (facts.size, facts.duration) = (Some(sequence.size), sequence.duration);
        facts.frame_number = Some((slice.frame_number, 1 << sequence.frame_number_bits));
        facts.order = self.order.next(sequence, slice, is_idr);
        self.period += u32::from(is_idr);
        facts.period = self.period;
        facts
    }
}

impl OrderCount {
    /// The picture order count of the frame; `None` for type 1, which is derived from decoding order.
    fn next(&mut self, sequence: &H264Sps, slice: H264SliceHeader, is_idr: bool) -> Option<i64> {
        let number = i64::from(slice.frame_number);
        if is_idr || !self.is_set {
            *self = Self { frame_number: number, low: if is_idr { 0 } else { slice.order_low.into() }, is_set: true, ..Self::default() };
        }
        if number < self.frame_number {
            self.frame_number_offset += 1 << sequence.frame_number_bits;
        }
        self.frame_number = number;
        match sequence.order_type {
            0 => {
                let (low, modulus) = (i64::from(slice.order_low), 1_i64 << sequence.order_bits);
                let high = match low - self.low {
                    back if back <= -modulus / 2 => self.high + modulus,
                    ahead if ahead > modulus / 2 => self.high - modulus,
                    _ => self.high,
                };
                if slice.reference_level > 0 {
                    (self.low, self.high) = (low, high);
                }
                Some(high + low + i64::from(slice.order_bottom.min(0)))
            }
            2 => Some(2 * (self.frame_number_offset + number) - i64::from(slice.reference_level == 0)),
            _ => None,
        }
    }
}

/// `recovery_frame_cnt` of a SEI's recovery point message (D.1.8).
fn recovery_point(unit: &[u8]) -> Option<u32> {
    BitReader::new(&recovery_point_message(unit.get(1..)?)?).unsigned()
}
