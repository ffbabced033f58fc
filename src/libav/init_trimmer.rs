//! What of a Media Initialization Section is one: media behind it is not, and a transport stream needs none of it.

use bytes::{Bytes, BytesMut};

use super::{
    container::{self, Container},
    fragment_stream::BoxHeader,
};

/// The boxes that follow an init (ISO/IEC 14496-12): with them a file's own first fragment begins.
const MEDIA: [&[u8; 4]; 3] = [b"sidx", b"moof", b"mdat"];

/// Cuts an init off at its first media. A playlist may name a whole file, or a segment with a fragment in it, as EXT-X-MAP; read on, the
/// stream would begin with that file's first picture. What is no MP4 is left as it is.
#[derive(Debug, Default)]
pub struct InitTrimmer {
    /// Bytes that have come and are not given on: less than a box's header.
    held: BytesMut,
    /// Bytes of the current box still to come.
    passing: u64,
    has_movie: bool,
    state: TrimState,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum TrimState {
    #[default]
    Boxes,
    /// No MP4, or no sizes that lead from box to box.
    Unknown,
    Over,
}

impl InitTrimmer {
    /// The bytes of these that belong to the init.
    pub fn push(&mut self, bytes: &[u8]) -> Bytes {
        self.held.extend_from_slice(bytes);
        let mut ready = BytesMut::new();
        loop {
            let count = match self.state {
                TrimState::Over => return ready.freeze(),
                TrimState::Unknown => self.held.len(),
                TrimState::Boxes => usize::try_from(self.passing).unwrap_or(usize::MAX).min(self.held.len()),
            };
            self.passing = self.passing.saturating_sub(count as u64);
            ready.extend_from_slice(&self.held.split_to(count));
            if self.state == TrimState::Unknown || self.passing > 0 {
                return ready.freeze();
            }
            let Some(header) = BoxHeader::of(&self.held) else { return ready.freeze() };
            let name = self.held.get(4..8).unwrap_or_default();
            if self.has_movie && MEDIA.iter().any(|media| *media == name) {
                self.state = TrimState::Over;
            } else if header.size < header.length as u64 || !(self.has_movie || container::is_mp4(&self.held)) {
                self.state = TrimState::Unknown;
            } else {
                self.has_movie |= name == b"moov";
                self.passing = header.size;
            }
        }
    }

    /// What was held back, at the end of what came.
    pub fn rest(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held).freeze();
        if self.state == TrimState::Over { Bytes::new() } else { held }
    }

    /// Whether media has come, so that nothing more of the init will.
    pub fn has_ended(&self) -> bool {
        self.state == TrimState::Over
    }
}

/// Whether media that begins like this needs the init before it; `None` if more of its bytes would tell. EXT-X-MAP cannot be unset, so
/// a transport stream may follow the init of another stream's fragments.
pub fn needs_init(init: &[u8], media: &[u8], is_all: bool) -> Option<bool> {
    if !container::is_mp4(init) || container::is_mp4(media) {
        return Some(true);
    }
    if media.len() < container::PROBE_BYTES && !is_all {
        return None;
    }
    Some(container::detect_container(media.get(..media.len().min(container::PROBE_BYTES)).unwrap_or_default()).ok() != Some(Container::Ts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8], content: usize) -> Vec<u8> {
        [u32::try_from(content + 8).expect("small").to_be_bytes().as_slice(), name, &vec![7; content]].concat()
    }

    fn kept(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut init = InitTrimmer::default();
        let mut kept: Vec<u8> = bytes.chunks(piece).flat_map(|piece| init.push(piece)).collect();
        kept.extend(init.rest());
        kept
    }

    #[test]
    fn an_init_ends_where_media_begins() {
        let init = [boxed(b"ftyp", 16), boxed(b"moov", 300)].concat();
        for media in MEDIA {
            let file = [init.clone(), boxed(media, 20), boxed(b"moof", 9), boxed(b"mdat", 50)].concat();
            for piece in [1, 7, 64, 10_000] {
                assert_eq!(kept(&file, piece), init, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn everything_else_stays() {
        let ts = [&[0x47, 0x40, 0, 0x10][..], &[0xff; 184]].concat().repeat(3);
        let movie_last = [boxed(b"ftyp", 16), boxed(b"mdat", 30), boxed(b"moov", 20)].concat();
        let endless = [boxed(b"ftyp", 16), vec![0, 0, 0, 0], b"moov".to_vec(), vec![1; 50]].concat();
        for bytes in [ts, movie_last, endless, boxed(b"moov", 30), b"abc".to_vec(), Vec::new(), vec![0xff; 40]] {
            for piece in [1, 5, 1000] {
                assert_eq!(kept(&bytes, piece), bytes, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_transport_stream_needs_no_movie_header() {
        let init = boxed(b"ftyp", 16);
        let ts = [&[0x47, 0x40, 0, 0x10][..], &[0xff; 184]].concat().repeat(20);
        assert_eq!(needs_init(&init, &ts, false), Some(false));
        assert_eq!(needs_init(&init, &ts[..400], false), None);
        assert_eq!(needs_init(&init, &ts[..400], true), Some(false));
        assert_eq!(needs_init(&init, &boxed(b"moof", 9), false), Some(true));
        assert_eq!(needs_init(&init, &[9; 4000], false), Some(true));
        assert_eq!(needs_init(&ts[..188], &ts, false), Some(true), "tables of a transport stream");
    }
}
