//! Rewrites the sample offsets of movie fragments.
//!
//! A `tfhd` may give its samples' position as an offset in the whole file (`base-data-offset-present`, ISO/IEC 14496-12, 8.8.7). In a
//! segment that is downloaded alone the samples lie elsewhere. Packagers of streams count from the `moof` itself, so its offset in this
//! stream replaces theirs.

use bytes::{Bytes, BytesMut};

use super::{
    boxes::{BoxContent, BoxHeader, boxes, u32_at},
    byte_source::Upstream,
    sample_entries,
};
use crate::error::Error;

/// Maximum size of a `moof` or `moov`, in bytes; larger ones pass unchanged.
const MAX_BOX_BYTES: u64 = 4 << 20;
const BASE_DATA_OFFSET_PRESENT: u32 = 0x00_00_01;

/// Filters an upstream of an init and movie fragments, so that all offsets fit the resulting stream.
pub struct FragmentStream<U> {
    upstream: U,
    /// Bytes that are not returned yet: less than a box's header, or an incomplete `moof` or `moov`.
    pending: BytesMut,
    /// The remaining bytes of the current box, which are passed on.
    pass_through: u64,
    /// The offset of the first pending byte in the resulting stream.
    position: u64,
    /// A `moov` with several sample entries, and the bytes after it. The first fragment decides the entries' order.
    held_movie: Option<BytesMut>,
    /// The bytes are not a sequence of boxes: pass everything on.
    is_opaque: bool,
}

impl<U: Upstream> FragmentStream<U> {
    /// Filters `upstream` from its first byte on.
    pub fn new(upstream: U) -> Self {
        Self { upstream, pending: BytesMut::new(), pass_through: 0, position: 0, held_movie: None, is_opaque: false }
    }

    /// Takes the bytes that are ready to be returned.
    fn take_ready(&mut self) -> Bytes {
        let mut ready = BytesMut::new();
        loop {
            self.pass_on(&mut ready);
            if self.is_opaque || self.pass_through > 0 {
                return ready.freeze();
            }
            let Some(header) = BoxHeader::read(&self.pending) else { return ready.freeze() };
            if header.is_open_ended() {
                self.is_opaque = true;
                continue;
            }
            let is_movie = header.name == *b"moov";
            if (is_movie || header.name == *b"moof") && header.size <= MAX_BOX_BYTES {
                let size = usize::try_from(header.size).unwrap_or(usize::MAX);
                let Some(content) = self.pending.get_mut(..size) else { return ready.freeze() };
                if is_movie {
                    sample_entries::rename(content);
                    if sample_entries::has_several(content) {
                        self.held_movie = Some(BytesMut::new());
                    }
                } else {
                    rebase(content, self.position);
                    if let Some(mut movie) = self.held_movie.take() {
                        let end = BoxHeader::read(&movie).and_then(|moov| usize::try_from(moov.size).ok()).unwrap_or(0);
                        if let Some(moov) = movie.get_mut(..end) {
                            sample_entries::put_first(moov, content);
                        }
                        ready = movie;
                    }
                }
            }
            self.pass_through = header.size;
            if is_movie && self.held_movie.is_some() && !ready.is_empty() {
                // Bytes before the held `moov` need not wait
                return ready.freeze();
            }
        }
    }

    /// Moves bytes of the current box to `ready`, or to the held `moov`.
    fn pass_on(&mut self, ready: &mut BytesMut) {
        let all = self.pending.len();
        let count = if self.is_opaque { all } else { usize::try_from(self.pass_through).unwrap_or(usize::MAX).min(all) };
        self.pass_through = self.pass_through.saturating_sub(count as u64);
        self.position += count as u64;
        if count > 0 && ready.is_empty() {
            *ready = self.pending.split_to(count);
        } else {
            ready.extend_from_slice(&self.pending.split_to(count));
        }
        if let Some(movie) = &mut self.held_movie {
            movie.extend_from_slice(&ready.split());
            if self.is_opaque || movie.len() as u64 > MAX_BOX_BYTES {
                *ready = self.held_movie.take().unwrap_or_default();
            }
        }
    }
}

impl<U: Upstream> Upstream for FragmentStream<U> {
    fn inner(&self) -> Option<&dyn Upstream> {
        Some(&self.upstream)
    }

    fn inner_mut(&mut self) -> Option<&mut dyn Upstream> {
        Some(&mut self.upstream)
    }

    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let ready = self.take_ready();
            if !ready.is_empty() {
                return Ok(Some(ready));
            }
            let Some(bytes) = self.upstream.next_chunk()? else { break };
            self.pending.extend_from_slice(&bytes);
        }
        // The demuxer judges a truncated box
        let mut rest = self.held_movie.take().unwrap_or_default();
        self.position -= rest.len() as u64;
        rest.extend_from_slice(&std::mem::take(&mut self.pending));
        let rest = rest.freeze();
        self.position += rest.len() as u64;
        Ok((!rest.is_empty()).then_some(rest))
    }
}

/// Rewrites the offsets in a `moof` at `position`. Several offsets keep their distances.
fn rebase(moof: &mut [u8], position: u64) {
    let fields = base_data_offset_fields(moof);
    let read = |moof: &[u8], at: usize| moof.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(u64::from_be_bytes);
    let Some(origin) = fields.iter().filter_map(|at| read(moof, *at)).min() else {
        return;
    };
    for at in fields {
        if let Some(old) = read(moof, at)
            && let Some(target) = moof.get_mut(at..at + 8)
        {
            target.copy_from_slice(&position.saturating_add(old - origin).to_be_bytes());
        }
    }
}

/// The positions of the base data offsets in a `moof`'s `tfhd` boxes.
fn base_data_offset_fields(moof: &[u8]) -> Vec<usize> {
    let start = BoxHeader::read(moof).map_or(moof.len(), |header| header.length);
    let trafs = boxes(moof, start, moof.len()).into_iter().filter(|traf| traf.name == *b"traf");
    let tfhds = trafs.flat_map(|traf| boxes(moof, traf.start, traf.end)).filter(|tfhd| tfhd.name == *b"tfhd");
    let has_offset = |tfhd: &BoxContent| u32_at(moof, tfhd.start).is_some_and(|flags| flags & BASE_DATA_OFFSET_PRESENT != 0);
    // Version and flags, and track_ID precede the offset
    tfhds.filter(has_offset).map(|tfhd| tfhd.start + 8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<Bytes>);

    impl Upstream for Pieces {
        fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
            Ok(if self.0.is_empty() { None } else { Some(self.0.remove(0)) })
        }
    }

    fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
        [u32::try_from(content.len() + 8).expect("small").to_be_bytes().as_slice(), name, content].concat()
    }

    fn moof(flags: u32, base: u64) -> Vec<u8> {
        let tfhd = boxed(b"tfhd", &[&flags.to_be_bytes()[..], &1_u32.to_be_bytes(), &base.to_be_bytes()].concat());
        boxed(b"moof", &[boxed(b"mfhd", &[0; 8]), boxed(b"traf", &tfhd)].concat())
    }

    fn filtered(stream: &[u8], piece: usize) -> Vec<u8> {
        let mut fragments = FragmentStream::new(Pieces(stream.chunks(piece).map(Bytes::copy_from_slice).collect()));
        let mut output = Vec::new();
        while let Some(bytes) = fragments.next_chunk().expect("no errors here") {
            output.extend_from_slice(&bytes);
        }
        output
    }

    #[test]
    fn file_offsets_become_stream_offsets() {
        let init = boxed(b"moov", &[7; 100]);
        let stream = [init.clone(), moof(1, 500_000), boxed(b"mdat", &[9; 50]), moof(1, 700_000), boxed(b"mdat", &[9; 5])].concat();
        let second = init.len() + moof(1, 0).len() + 58;
        let wanted =
            [init.clone(), moof(1, init.len() as u64), boxed(b"mdat", &[9; 50]), moof(1, second as u64), boxed(b"mdat", &[9; 5])].concat();
        for piece in [1, 7, 64, 10_000] {
            assert_eq!(filtered(&stream, piece), wanted, "in pieces of {piece}");
        }
    }

    #[test]
    fn all_other_bytes_are_unchanged() {
        let relative = [moof(0x02_00_00, 5), boxed(b"mdat", b"media")].concat();
        let endless = [&[0, 0, 0, 0], b"mdat".as_slice(), &[1; 30]].concat();
        // Sizes that do not lead to the next box: to the end of the file, or smaller than the header
        let rest = [&[0, 0, 0, 0], b"moof".as_slice(), &[1; 30]].concat();
        let large = |size: u64| [&[0, 0, 0, 1], b"moof".as_slice(), &size.to_be_bytes(), &[1; 30]].concat();
        for stream in [rest, large(0), large(15), relative, endless, vec![0xff; 40], b"abc".to_vec(), Vec::new()] {
            assert_eq!(filtered(&stream, 5), stream);
        }
    }
}
