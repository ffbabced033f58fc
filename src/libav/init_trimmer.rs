//! Trims a Media Initialization Section to its header boxes, and decides whether a segment needs it.

use bytes::{Bytes, BytesMut};

use super::{
    boxes::BoxHeader,
    container::{self, Container},
};

/// The boxes that begin a file's first fragment, after its init (ISO/IEC 14496-12).
const MEDIA_BOXES: [&[u8; 4]; 3] = [b"sidx", b"moof", b"mdat"];

/// Removes everything from the first media box on. If EXT-X-MAP names a whole file, or a segment with a fragment, the stream would
/// otherwise begin with that file's first picture. Anything but MP4 is left unchanged.
#[derive(Debug, Default)]
pub struct InitTrimmer {
    /// Bytes that are not returned yet: less than a box's header.
    pending: BytesMut,
    /// The remaining bytes of the current box.
    pass_through: u64,
    has_movie: bool,
    state: TrimState,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum TrimState {
    #[default]
    Boxes,
    /// No MP4, or box sizes that do not lead from box to box.
    Unchanged,
    Ended,
}

impl InitTrimmer {
    /// Adds bytes and returns those that belong to the init.
    pub fn push(&mut self, bytes: &[u8]) -> Bytes {
        self.pending.extend_from_slice(bytes);
        let mut ready = BytesMut::new();
        loop {
            let count = match self.state {
                TrimState::Ended => return ready.freeze(),
                TrimState::Unchanged => self.pending.len(),
                TrimState::Boxes => usize::try_from(self.pass_through).unwrap_or(usize::MAX).min(self.pending.len()),
            };
            self.pass_through = self.pass_through.saturating_sub(count as u64);
            ready.extend_from_slice(&self.pending.split_to(count));
            if self.state == TrimState::Unchanged || self.pass_through > 0 {
                return ready.freeze();
            }
            let Some(header) = BoxHeader::read(&self.pending) else { return ready.freeze() };
            if self.has_movie && MEDIA_BOXES.contains(&&header.name) {
                self.state = TrimState::Ended;
            } else if header.is_open_ended() || !(self.has_movie || container::is_mp4(&self.pending)) {
                self.state = TrimState::Unchanged;
            } else {
                self.has_movie |= header.name == *b"moov";
                self.pass_through = header.size;
            }
        }
    }

    /// Returns the pending bytes at the end of the input.
    pub fn finish(&mut self) -> Bytes {
        let pending = std::mem::take(&mut self.pending).freeze();
        if self.state == TrimState::Ended { Bytes::new() } else { pending }
    }

    /// Whether media has begun, so that nothing more belongs to the init.
    pub fn has_ended(&self) -> bool {
        self.state == TrimState::Ended
    }
}

/// Whether media with these first bytes needs the init; `None` if more bytes are needed to decide. `is_all`: the media has no more bytes.
/// EXT-X-MAP cannot be unset, so a transport stream may follow the init of movie fragments.
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

    fn trimmed(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut init = InitTrimmer::default();
        let mut trimmed: Vec<u8> = bytes.chunks(piece).flat_map(|piece| init.push(piece)).collect();
        trimmed.extend(init.finish());
        trimmed
    }

    #[test]
    fn an_init_ends_where_media_begins() {
        let init = [boxed(b"ftyp", 16), boxed(b"moov", 300)].concat();
        for media in MEDIA_BOXES {
            let file = [init.clone(), boxed(media, 20), boxed(b"moof", 9), boxed(b"mdat", 50)].concat();
            for piece in [1, 7, 64, 10_000] {
                assert_eq!(trimmed(&file, piece), init, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn all_other_bytes_are_unchanged() {
        let ts = [&[0x47, 0x40, 0, 0x10][..], &[0xff; 184]].concat().repeat(3);
        let movie_last = [boxed(b"ftyp", 16), boxed(b"mdat", 30), boxed(b"moov", 20)].concat();
        let endless = [boxed(b"ftyp", 16), vec![0, 0, 0, 0], b"moov".to_vec(), vec![1; 50]].concat();
        for bytes in [ts, movie_last, endless, boxed(b"moov", 30), b"abc".to_vec(), Vec::new(), vec![0xff; 40]] {
            for piece in [1, 5, 1000] {
                assert_eq!(trimmed(&bytes, piece), bytes, "in pieces of {piece}");
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
