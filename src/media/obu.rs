//! Splits AV1's low-overhead bitstream into open bitstream units (AV1 bitstream specification, 5.3).

use super::bits::BitReader;

/// `obu_type` (6.2.2).
pub(super) const SEQUENCE_HEADER: u32 = 1;
pub(super) const TEMPORAL_DELIMITER: u32 = 2;
pub(super) const FRAME_HEADER: u32 = 3;
pub(super) const FRAME: u32 = 6;
pub(super) const TILE_LIST: u32 = 8;
pub(super) const PADDING: u32 = 15;

/// An open bitstream unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Obu<'a> {
    /// `obu_type`.
    pub kind: u32,
    /// The header without the size: one byte, or two with an extension.
    pub header: &'a [u8],
    /// What follows the size.
    pub body: &'a [u8],
}

impl Obu<'_> {
    /// `spatial_id` of the extension (5.3.3).
    pub fn spatial_id(&self) -> u8 {
        self.header.get(1).map_or(0, |extension| extension >> 3 & 3)
    }

    /// Writes the unit with its size.
    pub fn write(&self, to: &mut Vec<u8>) {
        const HAS_SIZE: u8 = 2;
        to.extend(self.header.first().map(|first| first | HAS_SIZE));
        to.extend(self.header.iter().skip(1));
        let mut rest = self.body.len();
        while rest > 0x7f {
            to.push(0x80 | u8::try_from(rest & 0x7f).unwrap_or(0));
            rest >>= 7;
        }
        to.push(u8::try_from(rest).unwrap_or(0));
        to.extend_from_slice(self.body);
    }
}

/// All units of a temporal unit; `None` if they do not fill it exactly.
pub(super) fn obus(unit: &[u8]) -> Option<Vec<Obu<'_>>> {
    let (mut rest, mut found) = (unit, Vec::new());
    while !rest.is_empty() {
        let mut bits = BitReader::new(rest);
        bits.bit()?;
        let kind = bits.bits(4)?;
        let (has_extension, has_size) = (bits.bit()?, bits.bit()?);
        let (header, after) = rest.split_at_checked(if has_extension { 2 } else { 1 })?;
        let (size, length) = if has_size { leb128(after)? } else { (after.len(), 0) };
        let (body, after) = after.get(length..)?.split_at_checked(size)?;
        found.push(Obu { kind, header, body });
        rest = after;
    }
    Some(found)
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
    fn units_are_split_by_their_sizes_and_written_as_they_were() {
        let long = [&[0x2a, 0x82, 1][..], &[7; 130]].concat();
        let bytes = [&[0x12, 0][..], &long, &[0x36, 0b0000_1000, 2, 5, 6]].concat();
        let found = obus(&bytes).expect("units");
        assert_eq!(
            found.iter().map(|unit| (unit.kind, unit.body.len(), unit.spatial_id())).collect::<Vec<_>>(),
            [(2, 0, 0), (5, 130, 0), (6, 2, 1)]
        );
        let mut written = Vec::new();
        for unit in found {
            unit.write(&mut written);
        }
        assert_eq!(written, bytes);
        // Without a size, the unit extends to the end, and is written with one
        let mut sized = Vec::new();
        obus(&[0x30, 5, 6]).expect("units").first().expect("a unit").write(&mut sized);
        assert_eq!(sized, [0x32, 2, 5, 6]);
    }

    #[test]
    fn truncated_units_are_refused() {
        for bytes in [&[0x32, 200, 0][..], &[0x32], &[0x36, 0], &[0x32, 0x80, 0x80]] {
            assert_eq!(obus(bytes), None, "{bytes:?}");
        }
    }
}
