//! Takes an AV1 key frame out of its access unit, to be stored as a picture (AV1 Image File Format, 2.1).

use super::{
    av1::KEY_FRAME,
    av1_sequence::Av1Sequence,
    bits::BitReader,
    obu::{FRAME, FRAME_HEADER, Obu, PADDING, SEQUENCE_HEADER, TEMPORAL_DELIMITER, TILE_LIST, obus},
};

/// A key frame that a decoder shows without any other frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Av1KeyFrame {
    /// Its sequence header.
    pub sequence: Av1Sequence,
    /// The sequence header, metadata and the frame. All units state their sizes.
    pub obus: Vec<u8>,
}

impl Av1KeyFrame {
    /// Takes the key frame out of its access unit, which begins with the sequence header (AV1 Codec ISO Media File Format Binding, 2.4).
    /// Fails with a reason that continues "the key frame ...".
    pub fn extract(unit: &[u8]) -> Result<Self, &'static str> {
        let unreadable = "has headers that cannot be read";
        let obus = obus(unit).ok_or(unreadable)?;
        let header = obus.iter().find(|obu| obu.kind == SEQUENCE_HEADER).ok_or("has no sequence header")?;
        let sequence = Av1Sequence::parse(header.body).ok_or(unreadable)?;
        require_single_shown_frame(&obus)?;
        let mut stored = Vec::with_capacity(unit.len());
        header.write(&mut stored);
        // A picture has one sequence header, and no temporal delimiters
        let is_left_out = |obu: &&Obu<'_>| matches!(obu.kind, SEQUENCE_HEADER | TEMPORAL_DELIMITER | PADDING | TILE_LIST);
        obus.iter().filter(|obu| !is_left_out(obu)).for_each(|obu| obu.write(&mut stored));
        Ok(Self { sequence, obus: stored })
    }
}

fn require_single_shown_frame(units: &[Obu<'_>]) -> Result<(), &'static str> {
    if units.iter().any(|unit| unit.spatial_id() > 0) {
        return Err("has several spatial layers");
    }
    let is_reduced = units.iter().any(|unit| unit.kind == SEQUENCE_HEADER && unit.body.first().is_some_and(|first| first >> 3 & 1 == 1));
    let mut frames = units.iter().filter(|unit| matches!(unit.kind, FRAME_HEADER | FRAME));
    let (first, second) = (frames.next().ok_or("has no frame header")?, frames.next());
    let mut bits = BitReader::new(first.body);
    let mut flags = || Some((bits.bit()?, bits.bits(2)?, bits.bit()?));
    match flags().ok_or("has headers that cannot be read")? {
        // A reduced header belongs to a still picture
        _ if is_reduced => {}
        (true, ..) => return Err("is shown later than it is coded"),
        (false, KEY_FRAME, true) => {}
        (false, KEY_FRAME, false) => return Err("is hidden"),
        (false, ..) => return Err("depends on other frames"),
    }
    if second.is_some() { Err("shares its access unit with other frames") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence header OBU that ffmpeg wrote with libsvtav1: 8 bits, 4:2:0.
    const HEADER: [u8; 16] = [0x0a, 0x0e, 0, 0, 0, 3, 0xbf, 0xfc, 0x79, 0xf7, 0xf3, 0x20, 0x20, 0x20, 0x20, 0x80];
    const SHOWN_KEY_FRAME: [u8; 4] = [0x32, 2, 0b0001_0000, 9];

    fn extract(parts: &[&[u8]]) -> Result<Vec<u8>, &'static str> {
        Av1KeyFrame::extract(&parts.concat()).map(|frame| frame.obus)
    }

    #[test]
    fn the_sequence_header_comes_first_and_once() {
        let metadata = [0x2a, 1, 7];
        let expected = [&HEADER[..], &metadata, &SHOWN_KEY_FRAME].concat();
        assert_eq!(extract(&[&[0x12, 0], &HEADER, &metadata, &HEADER, &SHOWN_KEY_FRAME, &[0x7a, 1, 0]]), Ok(expected.clone()));
        assert_eq!(extract(&[&metadata, &SHOWN_KEY_FRAME, &HEADER]), Ok(expected));
    }

    #[test]
    fn frames_that_cannot_stand_alone_are_refused_with_the_reason() {
        let frame = |first: u8| extract(&[&HEADER, &[0x32, 2, first, 9]]);
        assert_eq!(frame(0b1000_0000), Err("is shown later than it is coded"));
        assert_eq!(frame(0b0000_0000), Err("is hidden"));
        assert_eq!(frame(0b0011_0000), Err("depends on other frames"));
        assert_eq!(frame(0b0101_0000), Err("depends on other frames"));
        assert_eq!(extract(&[&HEADER, &SHOWN_KEY_FRAME, &SHOWN_KEY_FRAME]), Err("shares its access unit with other frames"));
        assert_eq!(extract(&[&HEADER, &[0x36, 0b0000_1000, 2, 0b0001_0000, 9]]), Err("has several spatial layers"));
        assert_eq!(extract(&[&HEADER, &[0x32, 200]]), Err("has headers that cannot be read"));
        assert_eq!(extract(&[&HEADER]), Err("has no frame header"));
        assert_eq!(extract(&[&SHOWN_KEY_FRAME]), Err("has no sequence header"));
    }
}
