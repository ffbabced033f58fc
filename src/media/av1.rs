//! Reads AV1's open bitstream units (AV1 bitstream specification, 5.3 to 5.9).

use super::{
    bits::BitReader,
    unit_facts::{EntryPoint, UnitFacts},
};

/// `obu_type` (6.2.2).
const SEQUENCE_HEADER: u32 = 1;
const FRAME_HEADER: u32 = 3;
const FRAME: u32 = 6;
/// `frame_type` (6.8.2).
const KEY_FRAME: u32 = 0;
const INTRA_ONLY_FRAME: u32 = 2;

/// Reads the frame headers of a temporal unit; `None` if they are invalid, or if the sequence has reduced still picture headers.
pub(super) fn facts(unit: &[u8]) -> Option<UnitFacts> {
    let mut facts = UnitFacts { is_reference: true, ..UnitFacts::default() };
    let (mut rest, mut frames) = (unit, 0);
    while !rest.is_empty() {
        let mut header = BitReader::new(rest);
        header.bit()?;
        let kind = header.bits(4)?;
        let (has_extension, has_size) = (header.bit()?, header.bit()?);
        let head = if has_extension { 2 } else { 1 };
        let after = rest.get(head..)?;
        let (size, length) = if has_size { leb128(after)? } else { (after.len(), 0) };
        let body = after.get(length..)?.get(..size)?;
        rest = after.get(length + size..)?;
        // With reduced_still_picture_header the frame header has no frame_type
        if kind == SEQUENCE_HEADER && body.first()? >> 3 & 1 == 1 {
            return None;
        }
        if kind == FRAME_HEADER || kind == FRAME {
            let mut bits = BitReader::new(body);
            if bits.bit()? {
                // show_existing_frame
                facts.is_shown = true;
            } else {
                let (frame_type, is_shown) = (bits.bits(2)?, bits.bit()?);
                facts.is_shown |= is_shown;
                facts.entry = match frame_type {
                    KEY_FRAME if frames == 0 => Some(EntryPoint::Closed),
                    INTRA_ONLY_FRAME if frames == 0 => Some(EntryPoint::Intra),
                    _ => facts.entry,
                };
            }
            frames += 1;
        }
    }
    (frames > 0).then_some(facts)
}

/// A number in `leb128()` (4.10.5), and its size in bytes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        value |= usize::from(byte & 0x7f).checked_shl(u32::try_from(7 * index).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_inter_frames_and_hidden_frames_are_recognized() {
        let unit = |first: u8| facts(&[0x12, 0, 0x32, 2, first, 0]).map(|facts| (facts.entry, facts.is_shown));
        assert_eq!(unit(0b0001_0000), Some((Some(EntryPoint::Closed), true)));
        assert_eq!(unit(0b0000_0000), Some((Some(EntryPoint::Closed), false)));
        assert_eq!(unit(0b0011_0000), Some((None, true)));
        assert_eq!(unit(0b0101_0000), Some((Some(EntryPoint::Intra), true)));
        assert_eq!(unit(0b1000_0000), Some((None, true)));
        assert_eq!(facts(&[0x32, 200, 0]), None);
        assert_eq!(facts(&[0x12, 0]), None);
    }
}
