//! Makes the changed packets by which [`key_verification`](super::key_verification) recognizes a wrong key.
//!
//! Decoders conceal errors, or decode noise to a picture: entropy coding accepts nearly any bits. But a decoder that reads noise does
//! not stop exactly where the data ends. So a picture is decoded again from changed data:
//!
//! - With bytes added after each slice, which no decoder may read: the picture must stay the same, or decoding must fail, since the decoders
//!   of `vendor/changes` report the bytes. With a wrong key, decoders read them.
//! - With the last bytes of the largest slice changed: the picture must change, or decoding must fail. With a wrong key, decoders stop before
//!   these bytes.
//!
//! If the data is so short that noise may end with it by chance, the packets after it are checked as well.
//!
//! Two decoders need no added bytes: H.264's reports reads beyond the data, and dav1d checks the bits after a tile. A codec whose slices end by a flag in the entropy-coded data would pass neither check.

use std::ops::Range;

use crate::media::{NalFraming, nal_unit_ranges};

/// How a packet holds its slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SliceLayout {
    /// NAL units.
    Nal { codec: SliceCodec, framing: NalFraming },
    /// VP9: one frame, or a superframe with an index after the frames.
    Vp9,
    /// AV1: open bitstream units. Its decoder can be strict.
    Av1,
    /// One frame, for any other codec.
    Frame,
}

/// Codecs with NAL units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SliceCodec {
    H264,
    Hevc,
}

/// The bytes added after a slice.
const TRAILING_BYTES: [u8; 16] = [0xa5, 0x5a, 0x9c, 0x36, 0xe7, 0x71, 0xb4, 0x4d, 0xc9, 0x2e, 0xf2, 0x8b, 0x17, 0xd8, 0x63, 0xaa];
/// How many of HEVC's last bytes to change, one count after the other. Three or more may hold only the end of the arithmetic code. The counts
/// are small because noise of a wrong key that ends by chance within these bytes stays undetected.
const HEVC_COUNTS: &[usize] = &[4, 6, 8, 12, 16];
/// H.264's decoder detects nearly all by itself, and some encoders append more data after the code.
const H264_COUNTS: &[usize] = &[8, 16, 32];
/// VP9 encoders append zeros to the code.
const FRAME_COUNTS: &[usize] = &[8, 16, 24];
/// The values that the last bytes are XORed with, one after the other.
const XOR_VALUES: [u8; 2] = [0x5a, 0xc3];
/// In data shorter than this, noise may end with the data by chance: once in some thousand times.
const MIN_CONCLUSIVE_BYTES: usize = 16 << 10;

impl SliceLayout {
    /// The layout for libavcodec's name of a codec and the stream's extradata.
    pub fn new(codec: &str, extradata: &[u8]) -> Self {
        match codec {
            "h264" => Self::Nal { codec: SliceCodec::H264, framing: NalFraming::of_h264(extradata) },
            "hevc" => Self::Nal { codec: SliceCodec::Hevc, framing: NalFraming::of_hevc(extradata) },
            "vp9" => Self::Vp9,
            "av1" => Self::Av1,
            _ => Self::Frame,
        }
    }

    /// The packet with bytes added after each slice; `None` if that is impossible or unnecessary.
    pub fn with_trailing_bytes(self, packet: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Nal { codec: SliceCodec::H264, .. } | Self::Av1 => None,
            Self::Vp9 if superframe_index_size(packet) > 0 => None,
            Self::Vp9 | Self::Frame => Some([packet, &TRAILING_BYTES].concat()),
            Self::Nal { framing, .. } => {
                let mut extended = Vec::with_capacity(packet.len() + TRAILING_BYTES.len());
                let mut copied = 0;
                for Range { start, end } in self.slices(packet) {
                    extended.extend_from_slice(packet.get(copied..start)?);
                    if let NalFraming::Lengths(size) = framing {
                        let length = (end - start + TRAILING_BYTES.len()).to_be_bytes();
                        let (overflow, length) = length.split_at_checked(length.len().checked_sub(size)?)?;
                        if overflow.iter().any(|byte| *byte != 0) {
                            return None;
                        }
                        extended.truncate(extended.len().checked_sub(size)?);
                        extended.extend_from_slice(length);
                    }
                    extended.extend_from_slice(packet.get(start..end)?);
                    extended.extend_from_slice(&TRAILING_BYTES);
                    copied = end;
                }
                extended.extend_from_slice(packet.get(copied..)?);
                Some(extended)
            }
        }
    }

    /// Copies of the packet with the last bytes of its largest slice changed in several ways; none if the slice is too short.
    pub fn corrupted_copies(self, packet: &[u8]) -> Vec<Vec<u8>> {
        let Some(Range { start, end }) = self.slices(packet).into_iter().max_by_key(Range::len) else { return Vec::new() };
        let end = start + packet.get(start..end).map_or(0, size_without_padding);
        let max_count = (end - start) / 2;
        let corrupt = |count: usize, value: u8| {
            let mut changed = packet.to_vec();
            for byte in changed.get_mut(end - count..end).unwrap_or_default() {
                // Never a zero, so no start code appears
                *byte = if *byte == value { value } else { *byte ^ value };
            }
            changed
        };
        let counts = match self {
            Self::Nal { codec: SliceCodec::Hevc, .. } => HEVC_COUNTS,
            Self::Nal { codec: SliceCodec::H264, .. } => H264_COUNTS,
            Self::Vp9 | Self::Av1 | Self::Frame => FRAME_COUNTS,
        };
        let counts = || counts.iter().filter(|count| **count <= max_count);
        XOR_VALUES.into_iter().flat_map(|value| counts().map(move |count| corrupt(*count, value))).collect()
    }

    /// Whether one packet is too little to verify a key: its data is short, and its decoder accepts any data.
    pub fn is_inconclusive(self, packet: &[u8]) -> bool {
        let accepts_any_data = matches!(self, Self::Nal { codec: SliceCodec::Hevc, .. } | Self::Vp9 | Self::Frame);
        accepts_any_data && self.slices(packet).iter().all(|slice| slice.len() < MIN_CONCLUSIVE_BYTES)
    }

    /// The ranges of the packet's slices, tile groups or frames.
    fn slices(self, packet: &[u8]) -> Vec<Range<usize>> {
        let (codec, framing) = match self {
            Self::Nal { codec, framing } => (codec, framing),
            Self::Av1 => return tile_groups(packet),
            Self::Vp9 => return vec![Range { start: 0, end: packet.len() - superframe_index_size(packet) }],
            Self::Frame => return vec![Range { start: 0, end: packet.len() }],
        };
        let is_slice = |unit: &Range<usize>| match (codec, packet.get(unit.start)) {
            (SliceCodec::H264, Some(header)) => matches!(header & 0x1f, 1..=5),
            (SliceCodec::Hevc, Some(header)) => header >> 1 & 0x3f < 32,
            (_, None) => false,
        };
        nal_unit_ranges(packet, framing).into_iter().filter(is_slice).collect()
    }
}

/// The size of a NAL unit without zeros and `cabac_zero_words` at its end (ITU-T H.264, 7.3.2.10).
fn size_without_padding(unit: &[u8]) -> usize {
    let mut rest = unit;
    loop {
        rest = match rest {
            [front @ .., 0, 0, 3] | [front @ .., 0] => front,
            _ => return rest.len(),
        };
    }
}

/// The ranges of the open bitstream units that hold tiles: OBU_TILE_GROUP and OBU_FRAME (AV1 bitstream specification, 5.3).
fn tile_groups(packet: &[u8]) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut at = 0_usize;
    while let Some(header) = packet.get(at) {
        let mut start = at + 1 + usize::from(header >> 2 & 1);
        let mut size = packet.len().saturating_sub(start);
        if header >> 1 & 1 == 1 {
            let digits = packet.get(start..).unwrap_or_default().iter().take(8);
            let count = digits.clone().take_while(|byte| **byte & 0x80 != 0).count() + 1;
            let value = digits.take(count).enumerate().fold(0_u64, |sum, (index, byte)| sum | u64::from(byte & 0x7f) << (7 * index));
            size = usize::try_from(value).unwrap_or(usize::MAX);
            start += count;
        }
        let end = start.saturating_add(size).min(packet.len());
        if matches!(header >> 3 & 15, 4 | 6) && start < end {
            units.push(start..end);
        }
        at = end.max(at + 1);
    }
    units
}

/// The size of a superframe's index in bytes (VP9 bitstream specification, annex B), 0 without one.
fn superframe_index_size(packet: &[u8]) -> usize {
    let Some(last) = packet.last().filter(|last| **last & 0xe0 == 0xc0) else { return 0 };
    let size = 2 + (usize::from(last >> 3 & 3) + 1) * (usize::from(last & 7) + 1);
    let first = packet.len().checked_sub(size).and_then(|at| packet.get(at));
    if first == Some(last) { size } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_added_to_slices_alone() {
        let (unit, parameters) = ([0x26, 1, 9, 9, 9], [0x42, 1, 7]);
        let hevc = |framing| SliceLayout::Nal { codec: SliceCodec::Hevc, framing };
        let packet = [&[0, 0, 0, 3][..], &parameters, &[0, 0, 0, 5], &unit].concat();
        let wanted = [&[0, 0, 0, 3][..], &parameters, &[0, 0, 0, 21], &unit, &TRAILING_BYTES].concat();
        assert_eq!(hevc(NalFraming::Lengths(4)).with_trailing_bytes(&packet), Some(wanted));
        let packet = [&[0, 0, 1][..], &parameters, &[0, 0, 0, 1], &unit, &[0, 0, 1], &unit].concat();
        let wanted = [&[0, 0, 1][..], &parameters, &[0, 0, 0, 1], &unit, &TRAILING_BYTES, &[0, 0, 1], &unit, &TRAILING_BYTES].concat();
        assert_eq!(hevc(NalFraming::StartCodes).with_trailing_bytes(&packet), Some(wanted));
        // A length field of one byte cannot hold more
        let long = [&[250][..], &[2; 250]].concat();
        assert_eq!(hevc(NalFraming::Lengths(1)).with_trailing_bytes(&long), None);
    }

    #[test]
    fn only_the_end_of_the_largest_slice_is_corrupted() {
        let slice = |size: usize| [&[0x65][..], &vec![XOR_VALUES[0]; size], &[9, 0, 0, 3, 0, 0, 3]].concat();
        let packet = [&[0, 0, 0, 1][..], &slice(100), &[0, 0, 0, 1], &slice(40), &[0, 0]].concat();
        let layout = SliceLayout::Nal { codec: SliceCodec::H264, framing: NalFraming::StartCodes };
        let copies = layout.corrupted_copies(&packet);
        assert_eq!(copies.len(), H264_COUNTS.len() * XOR_VALUES.len());
        for (changed, count) in copies.iter().zip(H264_COUNTS.iter().cycle()) {
            let differs: Vec<usize> = (0..packet.len()).filter(|at| packet[*at] != changed[*at]).collect();
            assert_eq!((differs.last(), changed.len()), (Some(&105), packet.len()));
            assert!(differs.iter().all(|at| (106 - count..106).contains(at)), "{differs:?}");
            assert!(changed[..106].windows(3).filter(|three| three[..2] == [0, 0]).count() <= 2, "no start code appears");
        }
        assert!(layout.corrupted_copies(b"nothing").is_empty());
    }

    #[test]
    fn tile_groups_are_found_among_other_units() {
        let frame = |size: usize| vec![0x40; size];
        // A temporal delimiter, a frame with a size of two bytes, metadata; then a tile group without a size
        let packet = [&[0x12, 0][..], &[0x32, 0x82, 1], &frame(130), &[0x2a, 1, 9], &[0x20], &frame(7)].concat();
        let found: Vec<_> = tile_groups(&packet).iter().map(|slice| (slice.start, slice.end)).collect();
        assert_eq!(found, [(5, 135), (139, 146)]);
        for cut in 0..packet.len() {
            assert!(tile_groups(&packet[..cut]).iter().all(|slice| slice.end <= cut));
        }
        assert_eq!(SliceLayout::Av1.corrupted_copies(&packet).len(), FRAME_COUNTS.len() * XOR_VALUES.len());
        assert!(tile_groups(&[0xff; 40]).len() <= 1);
    }

    #[test]
    fn a_superframes_index_is_unchanged() {
        let index = [0xc1_u8, 50, 14, 0xc1];
        let packet = [&[0x82; 64][..], &index].concat();
        assert_eq!((superframe_index_size(&packet), superframe_index_size(&[0x82; 64]), superframe_index_size(&[0xc9])), (4, 0, 0));
        assert_eq!(SliceLayout::Vp9.with_trailing_bytes(&packet), None);
        assert!(SliceLayout::Vp9.corrupted_copies(&packet).iter().all(|changed| changed[64..] == index && changed[..64] != packet[..64]));
    }
}
