//! HEVC's parameter sets, as far as slice segment headers need them (ITU-T H.265, 7.3.2.1 to 7.3.2.3).

use std::collections::BTreeMap;

use super::bits::{BitReader, unescape};

pub(super) const VPS: u8 = 32;
pub(super) const SPS: u8 = 33;
pub(super) const PPS: u8 = 34;

/// The longest parameter set that is kept, in bytes.
const LONGEST: usize = 8192;
/// Parameter sets that are kept: HEVC has 16, 16 and 64 of them.
const MOST: usize = 96;

/// A sequence parameter set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HevcSps {
    pub order_bits: u32,
    /// Bits of a slice segment address: the picture's coding tree blocks, rounded up to a power of two.
    pub address_bits: u32,
    pub has_separate_planes: bool,
    pub size: (u32, u32),
}

/// A picture parameter set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HevcPps {
    pub sequence: u32,
    pub has_dependent_segments: bool,
    pub has_output_flag: bool,
    pub extra_bits: u32,
}

/// The parameter sets that a stream has had so far.
#[derive(Debug, Clone, Default)]
pub(super) struct HevcParameterSets {
    sequences: BTreeMap<u32, HevcSps>,
    pictures: BTreeMap<u32, HevcPps>,
    /// The NAL units, by kind and number.
    raw: BTreeMap<(u8, u32), Vec<u8>>,
}

impl HevcParameterSets {
    /// Those of an `hvcC` box (ISO/IEC 14496-15, 8.3.3.1).
    pub fn read_box(&mut self, bytes: &[u8]) -> Option<()> {
        let (arrays, mut rest) = bytes.get(22..)?.split_first()?;
        for _ in 0..*arrays {
            let (head, after) = rest.split_at_checked(3)?;
            let [_, high, low] = head else { return None };
            rest = after;
            for _ in 0..u16::from_be_bytes([*high, *low]) {
                let (length, after) = rest.split_at_checked(2)?;
                let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
                let (unit, after) = after.split_at_checked(length)?;
                self.see(unit);
                rest = after;
            }
        }
        Some(())
    }

    /// Keeps a NAL unit if it is a parameter set that can be read.
    pub fn see(&mut self, unit: &[u8]) {
        let Some((kind, id)) = number_of(unit).filter(|_| unit.len() <= LONGEST) else { return };
        let plain = unescape(unit.get(2..).unwrap_or_default(), LONGEST);
        let is_read = match kind {
            SPS => HevcSps::read(&plain).map(|sequence| self.sequences.insert(id, sequence)).is_some(),
            PPS => HevcPps::read(&plain).map(|picture| self.pictures.insert(id, picture)).is_some(),
            _ => true,
        };
        if is_read && (self.raw.len() < MOST || self.raw.contains_key(&(kind, id))) {
            self.raw.insert((kind, id), unit.to_vec());
        }
    }

    /// The picture parameter set of this number, with its sequence parameter set.
    pub fn active(&self, picture: u32) -> Option<(&HevcSps, &HevcPps)> {
        let picture = self.pictures.get(&picture)?;
        Some((self.sequences.get(&picture.sequence)?, picture))
    }

    /// The known parameter sets that are not among `units`, as a byte stream.
    pub fn missing(&self, units: &[&[u8]]) -> Vec<u8> {
        let there: Vec<_> = units.iter().filter_map(|unit| number_of(unit)).collect();
        let missing = self.raw.iter().filter(|(number, _)| !there.contains(number));
        missing.flat_map(|(_, raw)| [&[0, 0, 0, 1], raw.as_slice()].concat()).collect()
    }

    /// Adds those of another part of the stream that are not known here.
    pub fn inherit(&mut self, other: &Self) {
        for (id, sequence) in &other.sequences {
            self.sequences.entry(*id).or_insert_with(|| sequence.clone());
        }
        for (id, picture) in &other.pictures {
            self.pictures.entry(*id).or_insert_with(|| picture.clone());
        }
        for (number, raw) in &other.raw {
            self.raw.entry(*number).or_insert_with(|| raw.clone());
        }
    }
}

/// A NAL unit's type; `None` for those of other layers.
pub(super) fn kind_of(unit: &[u8]) -> Option<u8> {
    match unit {
        [first, second, ..] if first & 1 == 0 && second >> 3 == 0 => Some(first >> 1 & 0x3f),
        _ => None,
    }
}

/// The kind and the identifier of a parameter set of the base layer.
fn number_of(unit: &[u8]) -> Option<(u8, u32)> {
    let kind = kind_of(unit)?;
    let plain = unescape(unit.get(2..)?, 256);
    let mut bits = BitReader::new(&plain);
    let id = match kind {
        VPS => bits.bits(4)?,
        SPS => {
            bits.bits(4)?;
            let layers = bits.bits(3)?;
            bits.bit()?;
            skip_profile(&mut bits, layers)?;
            bits.unsigned()?
        }
        PPS => bits.unsigned()?,
        _ => return None,
    };
    (id < 64).then_some((kind, id))
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
    fn read(plain: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(plain);
        bits.bits(4)?;
        let layers = bits.bits(3)?;
        bits.bit()?;
        skip_profile(&mut bits, layers)?;
        bits.unsigned()?;
        let has_separate_planes = bits.unsigned()? == 3 && bits.bit()?;
        let size = (bits.unsigned()?, bits.unsigned()?);
        if bits.bit()? {
            bits.skip_numbers(4)?;
        }
        bits.skip_numbers(2)?;
        let order_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4;
        let all_layers = bits.bit()?;
        for _ in 0..=if all_layers { layers } else { 0 } {
            bits.skip_numbers(3)?;
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
    fn read(plain: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(plain);
        bits.unsigned()?;
        let sequence = bits.unsigned().filter(|id| *id < 16)?;
        Some(Self { sequence, has_dependent_segments: bits.bit()?, has_output_flag: bits.bit()?, extra_bits: bits.bits(3)? })
    }
}
