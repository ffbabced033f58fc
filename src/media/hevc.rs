//! Reads HEVC's access unit boundaries (ITU-T H.265, 7.4.2.4) and slice segment headers (7.3.6.1).

use super::{
    bits::{BitReader, unescape},
    hevc_parameters::{HevcParameterSets, PPS, VPS, kind_of},
    nal::{NalFraming, nal_units},
    sei::recovery_point_message,
    unit_facts::{EntryPoint, RecoveryPoint, UnitFacts},
    unit_role::UnitRole,
};

/// `nal_unit_type` (table 7-1).
const RADL: [u8; 2] = [6, 7];
const RASL: [u8; 2] = [8, 9];
const BLA: [u8; 3] = [16, 17, 18];
const IDR: [u8; 2] = [19, 20];
const LAST_IRAP: u8 = 23;
const LAST_SLICE: u8 = 31;
/// Below this, no picture of the same sub-layer refers to pictures of even types.
const SUB_LAYER_NON_REFERENCE: u8 = 16;
const DELIMITER: u8 = 35;
const PREFIX_SEI: u8 = 39;
/// `slice_type` of an I slice.
const INTRA: u32 = 2;
/// Maximum size of a slice segment header up to its picture order count, in bytes.
const MAX_SLICE_HEADER_BYTES: usize = 48;

/// Reads the headers of one HEVC stream in decoding order.
#[derive(Debug, Clone)]
pub struct HevcReader {
    pub(super) framing: NalFraming,
    pub(super) parameters: HevcParameterSets,
    /// The low and high part of `prevTid0Pic`'s picture order count (8.3.1).
    order: Option<(i64, i64)>,
    period: u32,
}

/// The beginning of a slice segment header.
#[derive(Debug, Clone, Copy)]
struct HevcSliceHeader {
    kind: u8,
    picture_parameters: u32,
    /// `None` for a dependent segment, or if parameter sets are missing.
    is_intra: Option<bool>,
    order_low: u32,
    is_complete: bool,
}

impl HevcReader {
    pub(super) fn new(extradata: &[u8]) -> Self {
        let mut parameters = HevcParameterSets::default();
        let framing = NalFraming::of_hevc(extradata);
        match framing {
            NalFraming::Lengths(_) => _ = parameters.insert_record(extradata),
            NalFraming::StartCodes => nal_units(extradata, framing).into_iter().for_each(|unit| parameters.insert(unit)),
        }
        Self { framing, parameters, order: None, period: 0 }
    }

    pub(super) fn role(&mut self, unit: &[u8], is_complete: bool) -> UnitRole {
        if unit.len() < 3 {
            return if is_complete { UnitRole::Continues } else { UnitRole::Incomplete };
        }
        match kind_of(unit) {
            Some(0..=LAST_SLICE) if unit.get(2).is_some_and(|first| first & 0x80 != 0) => UnitRole::NewPicture,
            Some(0..=LAST_SLICE) => UnitRole::Picture,
            Some(VPS..=PPS) => {
                if !is_complete {
                    return UnitRole::Incomplete;
                }
                self.parameters.insert(unit);
                UnitRole::MayStartNext
            }
            Some(DELIMITER | PREFIX_SEI) => UnitRole::MayStartNext,
            _ => UnitRole::Continues,
        }
    }

    fn read_slice_header(&self, unit: &[u8]) -> Option<HevcSliceHeader> {
        let kind = kind_of(unit).filter(|kind| *kind <= LAST_SLICE)?;
        let plain = unescape(unit.get(2..)?, MAX_SLICE_HEADER_BYTES);
        let mut bits = BitReader::new(&plain);
        let is_first = bits.bit()?;
        if (BLA[0]..=LAST_IRAP).contains(&kind) {
            bits.bit()?;
        }
        let picture_parameters = bits.unsigned()?;
        let mut segment = HevcSliceHeader { kind, picture_parameters, is_intra: None, order_low: 0, is_complete: false };
        let Some((sequence, picture)) = self.parameters.active(picture_parameters) else { return Some(segment) };
        if !is_first {
            let is_dependent = picture.has_dependent_segments && bits.bit()?;
            bits.bits(sequence.address_bits)?;
            if is_dependent {
                return Some(HevcSliceHeader { is_complete: true, ..segment });
            }
        }
        bits.bits(picture.extra_bits)?;
        segment.is_intra = Some(bits.unsigned()? == INTRA);
        if picture.has_output_flag {
            bits.bit()?;
        }
        if sequence.has_separate_planes {
            bits.bits(2)?;
        }
        if !IDR.contains(&kind) {
            segment.order_low = bits.bits(sequence.order_bits)?;
        }
        Some(HevcSliceHeader { is_complete: true, ..segment })
    }

    pub(super) fn facts(&mut self, units: &[&[u8]]) -> UnitFacts {
        let mut facts = UnitFacts { is_shown: true, ..UnitFacts::default() };
        let (mut first, mut all_intra, mut recovery) = (None::<HevcSliceHeader>, true, None);
        for unit in units {
            match kind_of(unit) {
                Some(VPS..=PPS) => self.parameters.insert(unit),
                Some(PREFIX_SEI) => recovery = recovery.or_else(|| recovery_point(unit)),
                Some(0..=LAST_SLICE) => {
                    let Some(segment) = self.read_slice_header(unit) else { continue };
                    first.get_or_insert(segment);
                    all_intra &= segment.is_intra != Some(false);
                }
                _ => {}
            }
        }
        let Some(segment) = first else { return UnitFacts { is_shown: false, ..facts } };
        let kind = segment.kind;
        facts.is_reference = kind >= SUB_LAYER_NON_REFERENCE || kind % 2 == 1;
        facts.is_decodable_leading = RADL.contains(&kind);
        facts.is_skipped_leading = RASL.contains(&kind);
        let Some((sequence, _)) = self.parameters.active(segment.picture_parameters).filter(|_| segment.is_complete) else {
            let entry = (BLA[0]..=LAST_IRAP).contains(&kind).then_some(EntryPoint::Open);
            return UnitFacts { lacks_parameters: true, entry, ..facts };
        };
        facts.size = Some(sequence.size);
        let is_idr = IDR.contains(&kind) || BLA.contains(&kind);
        let (low, modulus) = (i64::from(segment.order_low), 1_i64 << sequence.order_bits);
        let high = match self.order.filter(|_| !is_idr) {
            None => 0,
            Some((before, high)) if before - low >= modulus / 2 => high + modulus,
            Some((before, high)) if low - before > modulus / 2 => high - modulus,
            Some((_, high)) => high,
        };
        // Leading pictures and those of even types do not count (8.3.1)
        if facts.is_reference && !facts.is_decodable_leading && !facts.is_skipped_leading {
            self.order = Some((low, high));
        }
        self.period += u32::from(is_idr);
        (facts.period, facts.order) = (self.period, Some(high + low));
        facts.entry = match recovery {
            _ if IDR.contains(&kind) => Some(EntryPoint::Closed),
            _ if (BLA[0]..=LAST_IRAP).contains(&kind) => Some(EntryPoint::Open),
            Some(0) => Some(EntryPoint::Open),
            _ if all_intra => Some(EntryPoint::Intra),
            Some(count) => Some(EntryPoint::Gradual(RecoveryPoint::Order(high + low + i64::from(count)))),
            None => None,
        };
        facts
    }
}

/// `recovery_poc_cnt` of a SEI's recovery point message (D.2.8).
fn recovery_point(unit: &[u8]) -> Option<i32> {
    BitReader::new(&recovery_point_message(unit.get(2..)?)?).signed()
}
