//! H.264's parameter sets, as far as slice headers need them (ITU-T H.264, 7.3.2.1 and 7.3.2.2).

use std::collections::BTreeMap;

use super::bits::{BitReader, unescape};

/// The longest parameter set that is kept, in bytes.
const LONGEST: usize = 4096;
/// Parameter sets that are kept of each kind: H.264 has 32 and 256 of them.
const MOST: usize = 288;

pub(super) const SPS: u8 = 7;
pub(super) const PPS: u8 = 8;

/// A sequence parameter set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct H264Sps {
    pub frame_number_bits: u32,
    /// `pic_order_cnt_type`.
    pub order_type: u32,
    pub order_bits: u32,
    pub has_separate_planes: bool,
    pub frame_pictures_only: bool,
    pub size: (u32, u32),
    /// How long a frame lasts, as a fraction of seconds.
    pub duration: Option<(u32, u32)>,
    raw: Vec<u8>,
}

/// A picture parameter set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct H264Pps {
    pub sequence: u32,
    /// `bottom_field_pic_order_in_frame_present_flag`.
    pub has_bottom_order: bool,
    raw: Vec<u8>,
}

/// The parameter sets that a stream has had so far.
#[derive(Debug, Clone, Default)]
pub(super) struct H264ParameterSets {
    sequences: BTreeMap<u32, H264Sps>,
    pictures: BTreeMap<u32, H264Pps>,
}

impl H264ParameterSets {
    /// Those of an `avcC` box (ISO/IEC 14496-15, 5.3.3.1), or of a byte stream.
    pub fn read_box(&mut self, bytes: &[u8]) -> Option<()> {
        let mut rest = bytes.get(5..)?;
        for mask in [0x1f, 0xff] {
            let (count, after) = rest.split_first()?;
            rest = after;
            for _ in 0..count & mask {
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
        let Some((header, payload)) = unit.split_first().filter(|_| unit.len() <= LONGEST) else { return };
        let plain = unescape(payload, LONGEST);
        match header & 0x1f {
            SPS => {
                if let Some((id, sequence)) = H264Sps::read(&plain, unit)
                    && self.sequences.len() < MOST
                {
                    self.sequences.insert(id, sequence);
                }
            }
            PPS => {
                if let Some((id, picture)) = H264Pps::read(&plain, unit)
                    && self.pictures.len() < MOST
                {
                    self.pictures.insert(id, picture);
                }
            }
            _ => {}
        }
    }

    /// The picture parameter set of this number, with its sequence parameter set.
    pub fn active(&self, picture: u32) -> Option<(&H264Sps, &H264Pps)> {
        let picture = self.pictures.get(&picture)?;
        Some((self.sequences.get(&picture.sequence)?, picture))
    }

    /// The known parameter sets that are not among `units`, as a byte stream.
    pub fn missing(&self, units: &[&[u8]]) -> Vec<u8> {
        let all = self.sequences.values().map(|sequence| &sequence.raw).chain(self.pictures.values().map(|picture| &picture.raw));
        let mut stream = Vec::new();
        for raw in all {
            let same_kind_and_number = |unit: &&&[u8]| unit.first().zip(raw.first()).is_some_and(|(one, other)| one & 0x1f == other & 0x1f);
            let is_there = units.iter().filter(same_kind_and_number).any(|unit| number_of(unit) == number_of(raw));
            if !is_there {
                stream.extend_from_slice(&[0, 0, 0, 1]);
                stream.extend_from_slice(raw);
            }
        }
        stream
    }

    /// Adds those of another part of the stream that are not known here.
    pub fn inherit(&mut self, other: &Self) {
        for (id, sequence) in &other.sequences {
            self.sequences.entry(*id).or_insert_with(|| sequence.clone());
        }
        for (id, picture) in &other.pictures {
            self.pictures.entry(*id).or_insert_with(|| picture.clone());
        }
    }
}

/// The identifier of a parameter set.
fn number_of(unit: &[u8]) -> Option<u32> {
    let (header, payload) = unit.split_first()?;
    let plain = unescape(payload, 16);
    let skipped = if header & 0x1f == SPS { 3 } else { 0 };
    BitReader::new(plain.get(skipped..)?).unsigned()
}

impl H264Sps {
    fn read(plain: &[u8], raw: &[u8]) -> Option<(u32, Self)> {
        let profile = *plain.first()?;
        let mut bits = BitReader::new(plain.get(3..)?);
        let id = bits.unsigned().filter(|id| *id < 32)?;
        let mut has_separate_planes = false;
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            let chroma = bits.unsigned()?;
            if chroma == 3 {
                has_separate_planes = bits.bit()?;
            }
            bits.skip_numbers(2)?;
            bits.bit()?;
            if bits.bit()? {
                for list in 0..if chroma == 3 { 12 } else { 8 } {
                    if bits.bit()? {
                        skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        let frame_number_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4;
        let order_type = bits.unsigned()?;
        let mut order_bits = 0;
        match order_type {
            0 => order_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4,
            1 => {
                bits.bit()?;
                bits.skip_numbers(2)?;
                let count = bits.unsigned().filter(|count| *count < 256)?;
                bits.skip_numbers(count as usize)?;
            }
            _ => {}
        }
        bits.unsigned()?;
        bits.bit()?;
        let (across, down) = (bits.unsigned()?.checked_add(1)?, bits.unsigned()?.checked_add(1)?);
        let frame_pictures_only = bits.bit()?;
        let duration = read_duration(bits, frame_pictures_only);
        let lines = if frame_pictures_only { down } else { down.checked_mul(2)? };
        let size = (across.checked_mul(16)?, lines.checked_mul(16)?);
        Some((
            id,
            Self { frame_number_bits, order_type, order_bits, has_separate_planes, frame_pictures_only, size, duration, raw: raw.to_vec() },
        ))
    }
}

/// The frame duration that the VUI tells (E.1.1): two ticks.
fn read_duration(mut bits: BitReader<'_>, frame_pictures_only: bool) -> Option<(u32, u32)> {
    const EXTENDED_ASPECT_RATIO: u32 = 255;
    bits.skip(if frame_pictures_only { 1 } else { 2 })?;
    if bits.bit()? {
        bits.skip_numbers(4)?;
    }
    let has_vui = bits.bit()?;
    if !has_vui {
        return None;
    }
    if bits.bit()? && bits.bits(8)? == EXTENDED_ASPECT_RATIO {
        bits.skip(32)?;
    }
    if bits.bit()? {
        bits.bit()?;
    }
    if bits.bit()? {
        bits.skip(4)?;
        if bits.bit()? {
            bits.skip(24)?;
        }
    }
    if bits.bit()? {
        bits.skip_numbers(2)?;
    }
    if !bits.bit()? {
        return None;
    }
    let (units, scale) = (bits.bits(32)?, bits.bits(32)?);
    units.checked_mul(2).filter(|duration| *duration > 0 && scale > 0).map(|duration| (duration, scale))
}

fn skip_scaling_list(bits: &mut BitReader<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

impl H264Pps {
    fn read(plain: &[u8], raw: &[u8]) -> Option<(u32, Self)> {
        let mut bits = BitReader::new(plain);
        let id = bits.unsigned().filter(|id| *id < 256)?;
        let sequence = bits.unsigned().filter(|id| *id < 32)?;
        bits.bit()?;
        Some((id, Self { sequence, has_bottom_order: bits.bit()?, raw: raw.to_vec() }))
    }
}
