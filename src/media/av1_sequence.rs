//! Reads AV1's sequence header (AV1 bitstream specification, 5.5).

use super::bits::BitReader;

/// What a sequence header says about all of its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Av1Sequence {
    /// `seq_profile`: 0 is Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx` of the first operating point (annex A.3).
    pub level: u8,
    /// `seq_tier` of the first operating point.
    pub is_high_tier: bool,
    /// `BitDepth`: 8, 10 or 12.
    pub bit_depth: u8,
    /// `mono_chrome`: whether there is no chroma.
    pub is_monochrome: bool,
    /// `subsampling_x` and `subsampling_y`.
    pub subsampling: (bool, bool),
    /// `chroma_sample_position` (6.4.2).
    pub chroma_sample_position: u8,
}

/// `SELECT_SCREEN_CONTENT_TOOLS`, as a flag that is not 0.
const SELECTS_SCREEN_CONTENT_TOOLS: bool = true;

impl Av1Sequence {
    /// Parses the body of a sequence header OBU; `None` if it is truncated.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut bits = BitReader::new(body);
        let profile = u8::try_from(bits.bits(3)?).ok()?;
        // still_picture
        bits.bit()?;
        let is_reduced = bits.bit()?;
        let (level, is_high_tier) = if is_reduced { (bits.bits(5)?, false) } else { first_operating_point(&mut bits)? };
        let [width_bits, height_bits] = [bits.bits(4)? + 1, bits.bits(4)? + 1];
        bits.skip((width_bits + height_bits) as usize)?;
        if !is_reduced && bits.bit()? {
            // delta_frame_id_length_minus_2, additional_frame_id_length_minus_1
            bits.skip(4 + 3)?;
        }
        // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        bits.skip(3)?;
        if !is_reduced {
            skip_inter_tools(&mut bits)?;
        }
        // enable_superres, enable_cdef, enable_restoration
        bits.skip(3)?;
        let color = ColorConfig::parse(&mut bits, profile)?;
        let ColorConfig { bit_depth, is_monochrome, subsampling, chroma_sample_position } = color;
        let level = u8::try_from(level).ok()?;
        Some(Self { profile, level, is_high_tier, bit_depth, is_monochrome, subsampling, chroma_sample_position })
    }

    /// The fields of `av1C` before its OBUs (AV1 Codec ISO Media File Format Binding, 2.3.3).
    pub fn configuration(self) -> [u8; 4] {
        let flags =
            [self.is_high_tier, self.bit_depth > 8, self.bit_depth > 10, self.is_monochrome, self.subsampling.0, self.subsampling.1];
        let flags = flags.into_iter().fold(0, |byte, flag| byte << 1 | u8::from(flag));
        [0x81, self.profile << 5 | self.level, flags << 2 | self.chroma_sample_position, 0]
    }
}

/// Reads up to the end of the operating points; returns level and tier of the first one.
fn first_operating_point(bits: &mut BitReader<'_>) -> Option<(u32, bool)> {
    let mut delay_bits = None;
    if bits.bit()? {
        // timing_info: num_units_in_display_tick, time_scale
        bits.skip(32 + 32)?;
        // equal_picture_interval, num_ticks_per_picture_minus_1
        if bits.bit()? {
            bits.unsigned()?;
        }
        if bits.bit()? {
            // decoder_model_info: buffer_delay_length_minus_1, num_units_in_decoding_tick and two lengths
            delay_bits = Some(bits.bits(5)? as usize + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let has_display_delay = bits.bit()?;
    let mut first = None;
    for _ in 0..=bits.bits(5)? {
        // operating_point_idc
        bits.skip(12)?;
        let level = bits.bits(5)?;
        let is_high_tier = level > 7 && bits.bit()?;
        if let Some(delay_bits) = delay_bits
            && bits.bit()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if has_display_delay && bits.bit()? {
            bits.skip(4)?;
        }
        first = first.or(Some((level, is_high_tier)));
    }
    first
}

/// Skips the flags that only sequences of several frames have.
fn skip_inter_tools(bits: &mut BitReader<'_>) -> Option<()> {
    // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
    bits.skip(4)?;
    let has_order_hint = bits.bit()?;
    if has_order_hint {
        // enable_jnt_comp, enable_ref_frame_mvs
        bits.skip(2)?;
    }
    // seq_choose_screen_content_tools, else seq_force_screen_content_tools
    let uses_screen_content_tools = if bits.bit()? { SELECTS_SCREEN_CONTENT_TOOLS } else { bits.bit()? };
    // seq_choose_integer_mv, else seq_force_integer_mv
    if uses_screen_content_tools && !bits.bit()? {
        bits.skip(1)?;
    }
    if has_order_hint {
        bits.skip(3)?;
    }
    Some(())
}

/// `color_config()` (5.5.2).
struct ColorConfig {
    bit_depth: u8,
    is_monochrome: bool,
    subsampling: (bool, bool),
    chroma_sample_position: u8,
}

impl ColorConfig {
    fn parse(bits: &mut BitReader<'_>, profile: u8) -> Option<Self> {
        let is_high = bits.bit()?;
        let bit_depth = match (is_high, profile) {
            (false, _) => 8,
            (true, 2) if bits.bit()? => 12,
            (true, _) => 10,
        };
        let is_monochrome = profile != 1 && bits.bit()?;
        // "Unspecified" each
        let mut description = [2; 3];
        if bits.bit()? {
            for code in &mut description {
                *code = bits.bits(8)?;
            }
        }
        let subsampled = |subsampling| Self { bit_depth, is_monochrome, subsampling, chroma_sample_position: 0 };
        // sRGB: BT.709 primaries, the transfer of sRGB, the identity matrix
        if !is_monochrome && description == [1, 13, 0] {
            return Some(subsampled((false, false)));
        }
        // color_range
        bits.bit()?;
        if is_monochrome {
            return Some(subsampled((true, true)));
        }
        let subsampling = match (profile, bit_depth) {
            (0, _) => (true, true),
            (1, _) => (false, false),
            (_, 12) => {
                let x = bits.bit()?;
                (x, x && bits.bit()?)
            }
            _ => (true, false),
        };
        let chroma_sample_position = if subsampling == (true, true) { u8::try_from(bits.bits(2)?).ok()? } else { 0 };
        Some(Self { chroma_sample_position, ..subsampled(subsampling) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies of sequence headers, and the configurations that ffmpeg 5.1 wrote beside them: encoder, pixel format, bytes.
    const REFERENCES: [(&str, &[u8], [u8; 4]); 8] = [
        ("libsvtav1 yuv420p", &[0, 0, 0, 0x03, 0xbe, 0x7c, 0x78, 0x05, 0xf0, 0, 0x80], [0x81, 0, 0x0c, 0]),
        ("libsvtav1 yuv420p10le", &[0, 0, 0, 0x03, 0xbe, 0x7c, 0x78, 0x05, 0xf0, 0xa1, 0x22, 0x01, 0x20, 0x80], [0x81, 0, 0x4c, 0]),
        ("libaom yuv444p", &[0x20, 0, 0, 0x03, 0xbe, 0x7c, 0x79, 0xb5, 0xf2, 0x04], [0x81, 0x20, 0, 0]),
        ("libaom gbrp", &[0x20, 0, 0, 0x03, 0xbe, 0x7c, 0x79, 0xb5, 0xf2, 0x40, 0x43, 0x40, 0x08], [0x81, 0x20, 0, 0]),
        ("libaom yuv422p", &[0x40, 0, 0, 0x03, 0xbe, 0x7c, 0x79, 0xb5, 0xf2, 0x02], [0x81, 0x40, 0x08, 0]),
        ("libaom yuv422p12le", &[0x40, 0, 0, 0x03, 0xbe, 0x7c, 0x79, 0xb5, 0xf2, 0xc4, 0x40], [0x81, 0x40, 0x68, 0]),
        ("libaom gray10le", &[0, 0, 0, 0x03, 0xbe, 0x7c, 0x79, 0xb5, 0xf2, 0xd4], [0x81, 0, 0x5c, 0]),
        ("librav1e yuv420p", &[0, 0, 0, 0xf9, 0xdf, 0x3e, 0x3c, 0x42, 0x15, 0x10, 0x20, 0x20, 0x21, 0x40], [0x81, 0x1f, 0x0c, 0]),
    ];

    #[test]
    fn the_configuration_is_the_one_that_encoders_write_into_av1c() {
        for (name, header, expected) in REFERENCES {
            let sequence = Av1Sequence::parse(header).expect("a sequence header");
            assert_eq!(sequence.configuration(), expected, "{name}");
        }
    }

    #[test]
    fn truncated_headers_are_refused() {
        for (name, header, _) in REFERENCES {
            for length in 0..header.len() - 2 {
                assert_eq!(Av1Sequence::parse(&header[..length]), None, "{length} bytes of {name}");
            }
        }
    }
}
