//! Reads VP9's uncompressed header (VP9 bitstream specification, 6.2 and annex B).

use super::{
    bits::BitReader,
    unit_facts::{EntryPoint, UnitFacts},
};

/// Reads the frame headers of a packet; `None` if they are invalid.
pub(super) fn facts(packet: &[u8]) -> Option<UnitFacts> {
    let mut facts = UnitFacts { is_reference: true, ..UnitFacts::default() };
    for (index, frame) in frames(packet).into_iter().enumerate() {
        let mut bits = BitReader::new(frame);
        if bits.bits(2)? != 2 {
            return None;
        }
        let profile = bits.bits(1)? | bits.bits(1)? << 1;
        if profile == 3 {
            bits.bit()?;
        }
        if bits.bit()? {
            // show_existing_frame
            facts.is_shown = true;
            continue;
        }
        let is_inter = bits.bit()?;
        let is_shown = bits.bit()?;
        let is_error_resilient = bits.bit()?;
        facts.is_shown |= is_shown;
        if index == 0 && !is_inter {
            facts.entry = Some(EntryPoint::Closed);
        } else if index == 0 && !is_shown && bits.bit()? || index == 0 && is_shown && is_error_resilient && bits.clone().bit()? {
            // intra_only is coded unless the frame is shown and not error resilient
            facts.entry = Some(EntryPoint::Intra);
        }
    }
    Some(facts)
}

/// The frames of a superframe (annex B); any other packet is one frame.
fn frames(packet: &[u8]) -> Vec<&[u8]> {
    let whole = || vec![packet];
    let Some(marker) = packet.last().filter(|marker| **marker & 0xe0 == 0xc0) else { return whole() };
    let (count, size) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let Some(start) = packet.len().checked_sub(2 + count * size).filter(|start| packet.get(*start) == Some(marker)) else {
        return whole();
    };
    let sizes = packet.get(start + 1..packet.len() - 1).unwrap_or_default().chunks_exact(size);
    let mut rest = packet.get(..start).unwrap_or_default();
    let mut found = Vec::new();
    for bytes in sizes {
        let length = bytes.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let Some((frame, after)) = rest.split_at_checked(length) else { return whole() };
        found.extend((!frame.is_empty()).then_some(frame));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_and_hidden_frames_are_recognized() {
        let key = facts(&[0b1000_0010, 0x49]).expect("a header");
        assert_eq!((key.entry, key.is_shown), (Some(EntryPoint::Closed), true));
        let inter = facts(&[0b1000_0110, 0]).expect("a header");
        assert_eq!((inter.entry, inter.is_shown), (None, true));
        let hidden = facts(&[0b1000_0100, 0]).expect("a header");
        assert_eq!((hidden.entry, hidden.is_shown), (None, false));
        let intra_only = facts(&[0b1000_0100, 0b1000_0000]).expect("a header");
        assert_eq!((intra_only.entry, intra_only.is_shown), (Some(EntryPoint::Intra), false));
        assert_eq!(facts(&[0]), None);
        // A hidden frame and a shown one in a superframe
        let superframe = [0b1000_0100, 0, 0b1000_0110, 0, 0xc1, 2, 2, 0xc1];
        assert_eq!(facts(&superframe).map(|facts| facts.is_shown), Some(true));
    }
}
