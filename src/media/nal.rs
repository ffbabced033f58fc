//! NAL units in a byte stream (ITU-T H.264, annex B) and behind lengths (ISO/IEC 14496-15, 5.3.3).

use memchr::memmem;

/// The offset of the first start code (00 00 01) at or after `from`.
pub(super) fn start_code(bytes: &[u8], from: usize) -> Option<usize> {
    memmem::find(bytes.get(from..)?, &[0, 0, 1]).map(|at| from + at)
}

/// How the NAL units of an access unit are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NalFraming {
    /// By start codes.
    StartCodes,
    /// Each follows its length of so many bytes.
    Lengths(usize),
}

/// The NAL units of an access unit, without start codes, lengths and trailing zeros.
pub(super) fn nal_units(bytes: &[u8], framing: NalFraming) -> Vec<&[u8]> {
    match framing {
        NalFraming::StartCodes => by_start_codes(bytes),
        NalFraming::Lengths(size) => by_lengths(bytes, size),
    }
}

fn by_start_codes(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut code = start_code(bytes, 0);
    while let Some(at) = code {
        let next = start_code(bytes, at + 3);
        let unit = bytes.get(at + 3..next.unwrap_or(bytes.len())).unwrap_or_default();
        let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        found.extend(unit.get(..end).filter(|unit| !unit.is_empty()));
        code = next;
    }
    found
}

fn by_lengths(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_at_checked(size) {
        let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let Some((unit, after)) = after.split_at_checked(length) else { break };
        if !unit.is_empty() {
            found.push(unit);
        }
        rest = after;
        if size == 0 {
            break;
        }
    }
    found
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
}
