//! Finds NAL units in a byte stream (ITU-T H.264, annex B) or after length fields (ISO/IEC 14496-15, 5.3.3).

use std::ops::Range;

use memchr::memmem;

/// How the NAL units of an access unit are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NalFraming {
    /// Start codes.
    StartCodes,
    /// A length field of this many bytes before each NAL unit.
    Lengths(usize),
}

impl NalFraming {
    /// The framing that H.264's extradata announces: lengths if it is an `avcC` record (ISO/IEC 14496-15, 5.3.3.1).
    pub fn of_h264(extradata: &[u8]) -> Self {
        let is_record = extradata.len() > 6 && extradata.first() == Some(&1);
        Self::new(extradata, is_record, 4)
    }

    /// The framing that HEVC's extradata announces: lengths if it is an `hvcC` record (ISO/IEC 14496-15, 8.3.3.1).
    pub fn of_hevc(extradata: &[u8]) -> Self {
        let is_record = extradata.len() > 22 && !extradata.starts_with(&[0, 0, 1]) && !extradata.starts_with(&[0, 0, 0, 1]);
        Self::new(extradata, is_record, 21)
    }

    fn new(extradata: &[u8], is_record: bool, length_size_at: usize) -> Self {
        match extradata.get(length_size_at) {
            Some(byte) if is_record => Self::Lengths(usize::from(byte & 3) + 1),
            _ => Self::StartCodes,
        }
    }
}

/// The offset of the first start code (00 00 01) at or after `from`.
pub(super) fn start_code(bytes: &[u8], from: usize) -> Option<usize> {
    memmem::find(bytes.get(from..)?, &[0, 0, 1]).map(|at| from + at)
}

/// The NAL units of an access unit, without start codes, length fields and trailing zeros.
pub(super) fn nal_units(bytes: &[u8], framing: NalFraming) -> Vec<&[u8]> {
    nal_unit_ranges(bytes, framing).into_iter().filter_map(|range| bytes.get(range)).collect()
}

/// The byte ranges of the NAL units, without start codes, length fields and trailing zeros. Empty and truncated units are left out.
pub fn nal_unit_ranges(bytes: &[u8], framing: NalFraming) -> Vec<Range<usize>> {
    match framing {
        NalFraming::StartCodes => after_start_codes(bytes),
        NalFraming::Lengths(size) => after_lengths(bytes, size),
    }
}

fn after_start_codes(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut code = start_code(bytes, 0);
    while let Some(at) = code {
        let (start, next) = (at + 3, start_code(bytes, at + 3));
        let unit = bytes.get(start..next.unwrap_or(bytes.len())).unwrap_or_default();
        ranges.extend(unit.iter().rposition(|byte| *byte != 0).map(|last| start..start + last + 1));
        code = next;
    }
    ranges
}

fn after_lengths(bytes: &[u8], size: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at..at + size).filter(|length| !length.is_empty()) {
        let start = at + size;
        let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let Some(end) = start.checked_add(length).filter(|end| *end <= bytes.len()) else { break };
        ranges.extend((length > 0).then_some(start..end));
        at = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings_give_the_same_units() {
        let wanted: Vec<&[u8]> = vec![&[0x67, 1], &[0x65, 0, 0, 3, 1]];
        let stream = [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0];
        assert_eq!(nal_units(&stream, NalFraming::StartCodes), wanted);
        assert_eq!(nal_units(&[0, 2, 0x67, 1, 0, 5, 0x65, 0, 0, 3, 1], NalFraming::Lengths(2)), wanted);
        assert_eq!(nal_units(&[0, 9, 1], NalFraming::Lengths(2)), Vec::<&[u8]>::new());
    }

    #[test]
    fn the_extradata_announces_the_framing() {
        assert_eq!(NalFraming::of_h264(&[1, 100, 0, 31, 0xff, 0xe1, 0]), NalFraming::Lengths(4));
        assert_eq!(NalFraming::of_h264(&[0, 0, 0, 1, 0x67, 1, 2]), NalFraming::StartCodes);
        assert_eq!(NalFraming::of_hevc(&[[1; 21].as_slice(), &[0xfd, 0]].concat()), NalFraming::Lengths(2));
        assert_eq!(NalFraming::of_hevc(&[]), NalFraming::StartCodes);
    }
}
