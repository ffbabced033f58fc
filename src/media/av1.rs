//! Reads AV1's frame headers (AV1 bitstream specification, 5.9).

use super::{
    bits::BitReader,
    obu::{FRAME, FRAME_HEADER, SEQUENCE_HEADER, obus},
    unit_facts::{EntryPoint, UnitFacts},
};

/// `frame_type` (6.8.2).
pub(super) const KEY_FRAME: u32 = 0;
const INTRA_ONLY_FRAME: u32 = 2;

/// Reads the frame headers of a temporal unit; `None` if they are invalid, or if the sequence has reduced still picture headers.
pub(super) fn facts(unit: &[u8]) -> Option<UnitFacts> {
    let mut facts = UnitFacts { is_reference: true, ..UnitFacts::default() };
    let mut frames = 0;
    for obu in obus(unit)? {
        // With reduced_still_picture_header the frame header has no frame_type
        if obu.kind == SEQUENCE_HEADER && obu.body.first()? >> 3 & 1 == 1 {
            return None;
        }
        if obu.kind == FRAME_HEADER || obu.kind == FRAME {
            let mut bits = BitReader::new(obu.body);
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
