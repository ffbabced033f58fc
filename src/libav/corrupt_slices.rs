//! The proof that a key fitted: what it opened must be a picture's data to the last byte.
//!
//! Decoders conceal, or read noise as a picture: entropy coding gives a meaning to nearly every row of bits. But noise does not end where
//! the bytes do. So a picture is decoded again from data that was changed where it must not matter and where it must:
//!
//! - with bytes added behind each slice, where nothing is read: the picture must stay the same, or be none, since decoders that
//!   `vendor/changes` has changed complain. With a wrong key decoders read on;
//! - with the last bytes of the largest slice changed: the picture must change, or be none. With a wrong key decoders had ended before.
//!
//! Where the data is so short that noise may end by chance where it should, the packets behind it are looked at as well.
//!
//! H.264's decoder tells by itself when it reads too far (and its CAVLC slices end where their bytes do), and dav1d looks at the bits
//! after a tile's end, which is as good as bytes added. For whatever ends by a flag in the entropy-coded data, both ways are gone.

/// How the data of a packet is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SliceLayout {
    /// NAL units with start codes, or behind lengths of so many bytes.
    Nals { codec: NalCodec, length: Option<usize> },
    /// VP9: one frame, or some with an index behind them.
    Vp9,
    /// AV1: open bitstream units. Its decoder can be strict.
    Av1,
    /// Anything else is its own frame.
    Whole,
}

/// Codecs of NAL units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NalCodec {
    H264,
    Hevc,
}

/// Bytes behind a slice that nothing reads.
const ADDED: [u8; 16] = [0xa5, 0x5a, 0x9c, 0x36, 0xe7, 0x71, 0xb4, 0x4d, 0xc9, 0x2e, 0xf2, 0x8b, 0x17, 0xd8, 0x63, 0xaa];
/// So many of HEVC's last bytes are changed, more where fewer did not matter: at least three may hold nothing but the end of the arithmetic
/// code. A wrong key goes unseen where its noise happens to end among these, so they are few.
const SPOILT_HEVC: &[usize] = &[4, 6, 8, 12, 16];
/// H.264's decoder sees nearly all by itself, and some encoders put more behind the code.
const SPOILT_H264: &[usize] = &[8, 16, 32];
/// VP9 encoders put zeros behind the code.
const SPOILT_FRAME: &[usize] = &[8, 16, 24];
/// What the changed bytes are mixed with, one after the other.
const MIXES: [u8; 2] = [0x5a, 0xc3];
/// In so many bytes noise may by chance end where the bytes do: once in some thousands.
const FEW_BYTES: usize = 16 << 10;

impl SliceLayout {
    /// By libavcodec's name of the codec, and the stream's extradata.
    pub fn of(codec: &str, extradata: &[u8]) -> Self {
        let length = |at: usize| extradata.get(at).filter(|_| extradata.first() == Some(&1)).map(|byte| usize::from(byte & 3) + 1);
        match codec {
            // avcC and hvcC (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1)
            "h264" => Self::Nals { codec: NalCodec::H264, length: length(4) },
            "hevc" => Self::Nals { codec: NalCodec::Hevc, length: length(21) },
            "vp9" => Self::Vp9,
            "av1" => Self::Av1,
            _ => Self::Whole,
        }
    }

    /// The packet with bytes added where nothing is read; `None` where that cannot be, or need not.
    pub fn with_trailing_bytes(self, packet: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Nals { codec: NalCodec::H264, .. } | Self::Av1 => None,
            Self::Vp9 if index_size(packet) > 0 => None,
            Self::Vp9 | Self::Whole => Some([packet, &ADDED].concat()),
            Self::Nals { length, .. } => {
                let mut extended = Vec::with_capacity(packet.len() + ADDED.len());
                let mut copied = 0;
                for SliceBytes { start, end } in self.slices(packet) {
                    extended.extend_from_slice(packet.get(copied..start)?);
                    if let Some(length) = length {
                        let size = (end - start + ADDED.len()).to_be_bytes();
                        let (at, from) = (extended.len().checked_sub(length)?, size.len().checked_sub(length)?);
                        if size.iter().take(from).any(|byte| *byte != 0) {
                            return None;
                        }
                        extended.truncate(at);
                        extended.extend_from_slice(size.get(from..)?);
                    }
                    extended.extend_from_slice(packet.get(start..end)?);
                    extended.extend_from_slice(&ADDED);
                    copied = end;
                }
                extended.extend_from_slice(packet.get(copied..)?);
                Some(extended)
            }
        }
    }

    /// The packet with its last bytes changed, in several ways; none where there are too few for it.
    pub fn corrupted_copies(self, packet: &[u8]) -> Vec<Vec<u8>> {
        let Some(SliceBytes { start, end }) = self.slices(packet).into_iter().max_by_key(|slice| slice.end - slice.start) else {
            return Vec::new();
        };
        let end = start + packet.get(start..end).map_or(0, without_padding);
        let most = (end - start) / 2;
        let spoil = |count: usize, mix: u8| {
            let mut changed = packet.to_vec();
            for byte in changed.get_mut(end - count..end).unwrap_or_default() {
                // No zero comes in, so no start code does
                *byte = if *byte == mix { mix } else { *byte ^ mix };
            }
            changed
        };
        let counts = match self {
            Self::Nals { codec: NalCodec::Hevc, .. } => SPOILT_HEVC,
            Self::Nals { codec: NalCodec::H264, .. } => SPOILT_H264,
            Self::Vp9 | Self::Av1 | Self::Whole => SPOILT_FRAME,
        };
        let counts = || counts.iter().filter(|count| **count <= most);
        MIXES.into_iter().flat_map(|mix| counts().map(move |count| (*count, mix))).map(|(count, mix)| spoil(count, mix)).collect()
    }

    /// Whether the proof by one packet alone is weak: its data is short, and its decoder takes any data.
    pub fn is_inconclusive(self, packet: &[u8]) -> bool {
        let takes_any = matches!(self, Self::Nals { codec: NalCodec::Hevc, .. } | Self::Vp9 | Self::Whole);
        takes_any && self.slices(packet).iter().all(|slice| slice.end - slice.start < FEW_BYTES)
    }

    /// Where slices' NAL units, or frames, are.
    fn slices(self, packet: &[u8]) -> Vec<SliceBytes> {
        let Self::Nals { codec, length } = self else {
            return match self {
                Self::Av1 => tile_groups(packet),
                Self::Vp9 => vec![SliceBytes { start: 0, end: packet.len() - index_size(packet) }],
                _ => vec![SliceBytes { start: 0, end: packet.len() }],
            };
        };
        let units = match length {
            Some(length) => by_lengths(packet, length),
            None => by_start_codes(packet),
        };
        let is_slice = |slice: &SliceBytes| match (codec, packet.get(slice.start)) {
            (NalCodec::H264, Some(header)) => matches!(header & 0x1f, 1..=5),
            (NalCodec::Hevc, Some(header)) => header >> 1 & 0x3f < 32,
            (_, None) => false,
        };
        units.into_iter().filter(is_slice).collect()
    }
}

struct SliceBytes {
    start: usize,
    end: usize,
}

fn by_lengths(packet: &[u8], length: usize) -> Vec<SliceBytes> {
    let mut units = Vec::new();
    let mut at = 0_usize;
    while let Some(bytes) = packet.get(at..at + length) {
        let size = bytes.iter().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        let start = at + length;
        let end = start.saturating_add(size).min(packet.len());
        units.push(SliceBytes { start, end });
        at = end;
    }
    units
}

/// Byte stream format (ITU-T H.264, annex B), without the zeros behind a unit.
fn by_start_codes(packet: &[u8]) -> Vec<SliceBytes> {
    let starts: Vec<usize> = packet.windows(3).enumerate().filter(|(_, three)| *three == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    let ends = starts.iter().skip(1).map(|next| next - 3).chain([packet.len()]);
    let trimmed = |(start, end): (&usize, usize)| {
        let zeros = packet.get(*start..end).unwrap_or_default().iter().rev().take_while(|byte| **byte == 0).count();
        SliceBytes { start: *start, end: (end - zeros).max(*start) }
    };
    starts.iter().zip(ends).map(trimmed).collect()
}

/// The size without `cabac_zero_words` (ITU-T H.264, 7.3.2.10) and zeros.
fn without_padding(unit: &[u8]) -> usize {
    let mut rest = unit;
    loop {
        rest = match rest {
            [front @ .., 0, 0, 3] | [front @ .., 0] => front,
            _ => return rest.len(),
        };
    }
}

/// The open bitstream units that hold tiles (AV1 bitstream specification, 5.3): OBU_TILE_GROUP and OBU_FRAME.
fn tile_groups(packet: &[u8]) -> Vec<SliceBytes> {
    let mut units = Vec::new();
    let mut at = 0_usize;
    while let Some(header) = packet.get(at) {
        let mut start = at + 1 + usize::from(header >> 2 & 1);
        let mut size = packet.len().saturating_sub(start);
        if header >> 1 & 1 == 1 {
            let digits = packet.get(start..).unwrap_or_default().iter().take(8);
            let count = digits.clone().take_while(|byte| **byte & 0x80 != 0).count() + 1;
            let told = digits.take(count).enumerate().fold(0_u64, |sum, (place, byte)| sum | u64::from(byte & 0x7f) << (7 * place));
            size = usize::try_from(told).unwrap_or(usize::MAX);
            start += count;
        }
        let end = start.saturating_add(size).min(packet.len());
        if matches!(header >> 3 & 15, 4 | 6) && start < end {
            units.push(SliceBytes { start, end });
        }
        at = end.max(at + 1);
    }
    units
}

/// The size of a superframe's index (VP9 bitstream specification, annex B), 0 where there is none.
fn index_size(packet: &[u8]) -> usize {
    let Some(last) = packet.last().filter(|last| **last & 0xe0 == 0xc0) else { return 0 };
    let size = 2 + (usize::from(last >> 3 & 3) + 1) * (usize::from(last & 7) + 1);
    let begins = packet.len().checked_sub(size).and_then(|at| packet.get(at));
    if begins == Some(last) { size } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AVC: [u8; 7] = [1, 100, 0, 31, 0xff, 0xe1, 0];

    #[test]
    fn framing_by_extradata() {
        assert_eq!(SliceLayout::of("h264", &AVC), SliceLayout::Nals { codec: NalCodec::H264, length: Some(4) });
        assert_eq!(SliceLayout::of("h264", &[0, 0, 0, 1, 0x67]), SliceLayout::Nals { codec: NalCodec::H264, length: None });
        assert_eq!(SliceLayout::of("hevc", &[]), SliceLayout::Nals { codec: NalCodec::Hevc, length: None });
    }

    #[test]
    fn slices_are_lengthened_and_nothing_else() {
        let (unit, parameters) = ([0x26, 1, 9, 9, 9], [0x42, 1, 7]);
        let hevc = |length| SliceLayout::Nals { codec: NalCodec::Hevc, length };
        let packet = [&[0, 0, 0, 3][..], &parameters, &[0, 0, 0, 5], &unit].concat();
        let wanted = [&[0, 0, 0, 3][..], &parameters, &[0, 0, 0, 21], &unit, &ADDED].concat();
        assert_eq!(hevc(Some(4)).with_trailing_bytes(&packet), Some(wanted));
        let packet = [&[0, 0, 1][..], &parameters, &[0, 0, 0, 1], &unit, &[0, 0, 1], &unit].concat();
        let wanted = [&[0, 0, 1][..], &parameters, &[0, 0, 0, 1], &unit, &ADDED, &[0, 0, 1], &unit, &ADDED].concat();
        assert_eq!(hevc(None).with_trailing_bytes(&packet), Some(wanted));
        // A length of one byte cannot hold more
        let long = [&[250][..], &[2; 250]].concat();
        assert_eq!(hevc(Some(1)).with_trailing_bytes(&long), None);
    }

    #[test]
    fn only_the_end_of_the_largest_slice_is_spoilt() {
        let slice = |size: usize| [&[0x65][..], &vec![MIXES[0]; size], &[9, 0, 0, 3, 0, 0, 3]].concat();
        let packet = [&[0, 0, 0, 1][..], &slice(100), &[0, 0, 0, 1], &slice(40), &[0, 0]].concat();
        let framing = SliceLayout::Nals { codec: NalCodec::H264, length: None };
        let spoilt = framing.corrupted_copies(&packet);
        assert_eq!(spoilt.len(), SPOILT_H264.len() * MIXES.len());
        for (changed, count) in spoilt.iter().zip(SPOILT_H264.iter().cycle()) {
            let differs: Vec<usize> = (0..packet.len()).filter(|at| packet[*at] != changed[*at]).collect();
            assert_eq!((differs.last(), changed.len()), (Some(&105), packet.len()));
            assert!(differs.iter().all(|at| (106 - count..106).contains(at)), "{differs:?}");
            assert!(changed[..106].windows(3).filter(|three| three[..2] == [0, 0]).count() <= 2, "no start code came in");
        }
        assert!(framing.corrupted_copies(b"nothing").is_empty());
    }

    #[test]
    fn tiles_are_found_among_units() {
        let frame = |size: usize| vec![0x40; size];
        // A temporal delimiter, a frame with its size in two bytes, metadata; then a tile group that tells no size
        let packet = [&[0x12, 0][..], &[0x32, 0x82, 1], &frame(130), &[0x2a, 1, 9], &[0x20], &frame(7)].concat();
        let found: Vec<_> = tile_groups(&packet).iter().map(|slice| (slice.start, slice.end)).collect();
        assert_eq!(found, [(5, 135), (139, 146)]);
        for cut in 0..packet.len() {
            assert!(tile_groups(&packet[..cut]).iter().all(|slice| slice.end <= cut));
        }
        assert_eq!(SliceLayout::Av1.corrupted_copies(&packet).len(), SPOILT_FRAME.len() * MIXES.len());
        assert!(tile_groups(&[0xff; 40]).len() <= 1);
    }

    #[test]
    fn a_superframes_index_is_left_alone() {
        let index = [0xc1_u8, 50, 14, 0xc1];
        let packet = [&[0x82; 64][..], &index].concat();
        assert_eq!((index_size(&packet), index_size(&[0x82; 64]), index_size(&[0xc9])), (4, 0, 0));
        assert_eq!(SliceLayout::Vp9.with_trailing_bytes(&packet), None);
        assert!(SliceLayout::Vp9.corrupted_copies(&packet).iter().all(|changed| changed[64..] == index && changed[..64] != packet[..64]));
    }
}
