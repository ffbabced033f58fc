//! Parses those parts of HEVC's parameter sets that slice segment headers depend on (ITU-T H.265, 7.3.2.1 to 7.3.2.3).

use super::{
    bits::{BitReader, unescape},
    parameter_sets::{ParameterSets, ParameterSyntax, ParsedParameters},
};

/// `nal_unit_type` (table 7-1).
pub(super) const VPS: u8 = 32;
pub(super) const SPS: u8 = 33;
pub(super) const PPS: u8 = 34;

/// A sequence parameter set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HevcSps {
    pub order_bits: u32,
    /// Bits of a slice segment address: the number of the picture's coding tree blocks, rounded up to a power of two.
    pub address_bits: u32,
    pub has_separate_planes: bool,
    pub size: (u32, u32),
}

/// A picture parameter set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HevcPps {
    pub sequence: u32,
    pub has_dependent_segments: bool,
    pub has_output_flag: bool,
    pub extra_bits: u32,
}

/// HEVC's way of coding parameter sets.
#[derive(Debug, Clone)]
pub(super) struct HevcParameterSyntax;

pub(super) type HevcParameterSets = ParameterSets<HevcParameterSyntax>;

impl HevcParameterSets {
    /// Stores the parameter sets of an `hvcC` record (ISO/IEC 14496-15, 8.3.3.1).
    pub fn insert_record(&mut self, record: &[u8]) -> Option<()> {
        let (arrays, mut rest) = record.get(22..)?.split_first()?;
        for _ in 0..*arrays {
            let ([_, high, low], after) = rest.split_first_chunk::<3>()?;
            rest = self.insert_list(u16::from_be_bytes([*high, *low]), after)?;
        }
        Some(())
    }
}

impl ParameterSyntax for HevcParameterSyntax {
    type Sps = HevcSps;
    type Pps = HevcPps;

    const MAX_BYTES: usize = 8192;

    /// Only parameter sets of the base layer count.
    fn identify(unit: &[u8]) -> Option<(u8, u32)> {
        let kind = kind_of(unit)?;
        let plain = unescape(unit.get(2..)?, 256);
        let mut bits = BitReader::new(&plain);
        let id = match kind {
            VPS => bits.bits(4)?,
            SPS => {
                skip_to_sps_id(&mut bits)?;
                bits.unsigned()?
            }
            PPS => bits.unsigned()?,
            _ => return None,
        };
        (id < 64).then_some((kind, id))
    }

    fn parse(kind: u8, unit: &[u8]) -> Option<ParsedParameters<HevcSps, HevcPps>> {
        let plain = unescape(unit.get(2..)?, Self::MAX_BYTES);
        match kind {
            SPS => HevcSps::parse(&plain).map(ParsedParameters::Sequence),
            PPS => HevcPps::parse(&plain).map(ParsedParameters::Picture),
            _ => Some(ParsedParameters::Other),
        }
    }

    fn sequence_id(picture: &HevcPps) -> u32 {
        picture.sequence
    }
}

/// A NAL unit's type; `None` for other layers than the base layer.
pub(super) fn kind_of(unit: &[u8]) -> Option<u8> {
    match unit {
        [first, second, ..] if first & 1 == 0 && second >> 3 == 0 => Some(first >> 1 & 0x3f),
        _ => None,
    }
}

/// Skips what precedes a sequence parameter set's identifier. Returns `sps_max_sub_layers_minus1`.
fn skip_to_sps_id(bits: &mut BitReader<'_>) -> Option<u32> {
    bits.bits(4)?;
    let layers = bits.bits(3)?;
    bits.bit()?;
    skip_profile(bits, layers)?;
    Some(layers)
}

/// `profile_tier_level()` (7.3.3); `layers` is `max_sub_layers_minus1`.
fn skip_profile(bits: &mut BitReader<'_>, layers: u32) -> Option<()> {
    bits.skip(88 + 8)?;
    let mut present = Vec::new();
    for _ in 0..layers {
        present.push((bits.bit()?, bits.bit()?));
    }
    if layers > 0 {
        bits.skip(2 * (8 - usize::try_from(layers).ok()?))?;
    }
    for (profile, level) in present {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}

impl HevcSps {
    fn parse(plain: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(plain);
        let layers = skip_to_sps_id(&mut bits)?;
        bits.unsigned()?;
        let has_separate_planes = bits.unsigned()? == 3 && bits.bit()?;
        let size = (bits.unsigned()?, bits.unsigned()?);
        if bits.bit()? {
            bits.skip_exp_golomb(4)?;
        }
        bits.skip_exp_golomb(2)?;
        let order_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4;
        let all_layers = bits.bit()?;
        for _ in 0..=if all_layers { layers } else { 0 } {
            bits.skip_exp_golomb(3)?;
        }
        let smallest = bits.unsigned().filter(|log| *log < 8)? + 3;
        let block = smallest + bits.unsigned().filter(|log| *log < 8)?;
        let blocks = |pixels: u32| u64::from(pixels).div_ceil(1 << block);
        let count = blocks(size.0).checked_mul(blocks(size.1)).filter(|count| *count > 0)?;
        let address_bits = u64::BITS - (count - 1).leading_zeros();
        Some(Self { order_bits, address_bits, has_separate_planes, size })
    }
}

impl HevcPps {
    fn parse(plain: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(plain);
        bits.unsigned()?;
        let sequence = bits.unsigned().filter(|id| *id < 16)?;
        Some(Self { sequence, has_dependent_segments: bits.bit()?, has_output_flag: bits.bit()?, extra_bits: bits.bits(3)? })
    }
}
