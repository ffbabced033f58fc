//! Parses those parts of H.264's parameter sets that slice headers depend on (ITU-T H.264, 7.3.2.1 and 7.3.2.2).

use super::{
    bits::{BitReader, unescape},
    parameter_sets::{ParameterSets, ParameterSyntax, ParsedParameters},
};

/// `nal_unit_type` (table 7-1).
pub(super) const SPS: u8 = 7;
pub(super) const PPS: u8 = 8;

/// A sequence parameter set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct H264Sps {
    pub frame_number_bits: u32,
    /// `pic_order_cnt_type`.
    pub order_type: u32,
    pub order_bits: u32,
    pub has_separate_planes: bool,
    pub frame_pictures_only: bool,
    pub size: (u32, u32),
    /// The duration of a frame, as a fraction of seconds.
    pub duration: Option<(u32, u32)>,
}

/// A picture parameter set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct H264Pps {
    pub sequence: u32,
    /// `bottom_field_pic_order_in_frame_present_flag`.
    pub has_bottom_order: bool,
}

/// H.264's way of coding parameter sets.
#[derive(Debug, Clone)]
pub(super) struct H264ParameterSyntax;

pub(super) type H264ParameterSets = ParameterSets<H264ParameterSyntax>;

impl H264ParameterSets {
    /// Stores the parameter sets of an `avcC` record (ISO/IEC 14496-15, 5.3.3.1).
    pub fn insert_record(&mut self, record: &[u8]) -> Option<()> {
        let mut rest = record.get(5..)?;
        for mask in [0x1f, 0xff] {
            let (count, after) = rest.split_first()?;
            rest = self.insert_list(u16::from(count & mask), after)?;
        }
        Some(())
    }
}

impl ParameterSyntax for H264ParameterSyntax {
    type Sps = H264Sps;
    type Pps = H264Pps;

    const MAX_BYTES: usize = 4096;

    fn identify(unit: &[u8]) -> Option<(u8, u32)> {
        let (header, payload) = unit.split_first()?;
        let (kind, skipped, limit) = match header & 0x1f {
            SPS => (SPS, 3, 32),
            PPS => (PPS, 0, 256),
            _ => return None,
        };
        let plain = unescape(payload, 16);
        let id = BitReader::new(plain.get(skipped..)?).unsigned()?;
        (id < limit).then_some((kind, id))
    }

    fn parse(kind: u8, unit: &[u8]) -> Option<ParsedParameters<H264Sps, H264Pps>> {
        let plain = unescape(unit.get(1..)?, Self::MAX_BYTES);
        match kind {
            SPS => H264Sps::parse(&plain).map(ParsedParameters::Sequence),
            _ => H264Pps::parse(&plain).map(ParsedParameters::Picture),
        }
    }

    fn sequence_id(picture: &H264Pps) -> u32 {
        picture.sequence
    }
}

impl H264Sps {
    fn parse(plain: &[u8]) -> Option<Self> {
        let profile = *plain.first()?;
        let mut bits = BitReader::new(plain.get(3..)?);
        bits.unsigned()?;
        let mut has_separate_planes = false;
        if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            let chroma = bits.unsigned()?;
            if chroma == 3 {
                has_separate_planes = bits.bit()?;
            }
            bits.skip_exp_golomb(2)?;
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
                bits.skip_exp_golomb(2)?;
                let count = bits.unsigned().filter(|count| *count < 256)?;
                bits.skip_exp_golomb(count as usize)?;
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
        Some(Self { frame_number_bits, order_type, order_bits, has_separate_planes, frame_pictures_only, size, duration })
    }
}

/// The frame duration of the VUI's timing information (E.1.1): two ticks.
fn read_duration(mut bits: BitReader<'_>, frame_pictures_only: bool) -> Option<(u32, u32)> {
    const EXTENDED_ASPECT_RATIO: u32 = 255;
    bits.skip(if frame_pictures_only { 1 } else { 2 })?;
    if bits.bit()? {
        bits.skip_exp_golomb(4)?;
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
        bits.skip_exp_golomb(2)?;
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
    fn parse(plain: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(plain);
        bits.unsigned()?;
        let sequence = bits.unsigned().filter(|id| *id < 32)?;
        bits.bit()?;
        Some(Self { sequence, has_bottom_order: bits.bit()? })
    }
}
