//! Movie fragments that count from the start of their file, made to count from themselves.
//!
//! A `tfhd` may give the place of its samples as an offset in the whole file (`base-data-offset-present`, ISO/IEC 14496-12, 8.8.7). A
//! segment that is fetched alone lies elsewhere, and its samples would be looked for in the wrong place. Such offsets are those of
//! the `moof` itself wherever fragments are meant for streaming, so they are set to where it lies now.

use bytes::{Bytes, BytesMut};

use super::{byte_source::Upstream, sample_entries};
use crate::error::Error;

/// A larger `moof` is passed on as it is.
const LARGEST_MOOF: u64 = 4 << 20;
const BASE_DATA_OFFSET_PRESENT: u32 = 0x00_00_01;

/// An upstream of an init and movie fragments, with offsets that fit the stream that it makes.
pub struct FragmentStream<U> {
    upstream: U,
    /// Bytes that have come and are not given on yet: less than a box's header, or a part of a `moof`.
    held: BytesMut,
    /// Bytes of the current box that are passed on unseen.
    passing: u64,
    /// The offset in our stream of the first held byte.
    position: u64,
    /// A movie header whose order of sample entries the first fragment decides, and what came behind it.
    waiting: Option<BytesMut>,
    /// Nothing is looked at any more: the bytes are no boxes.
    lost: bool,
}

impl<U: Upstream> FragmentStream<U> {
    /// Follows the boxes of `upstream` from its first byte on.
    pub fn new(upstream: U) -> Self {
        Self { upstream, held: BytesMut::new(), passing: 0, position: 0, waiting: None, lost: false }
    }

    /// The bytes that may be given on.
    fn ready(&mut self) -> Bytes {
        let mut ready = BytesMut::new();
        loop {
            let count = if self.lost { self.held.len() } else { usize::try_from(self.passing).unwrap_or(usize::MAX).min(self.held.len()) };
            self.passing = self.passing.saturating_sub(count as u64);
            self.position += count as u64;
            if count > 0 && ready.is_empty() {
                ready = self.held.split_to(count);
            } else {
                ready.extend_from_slice(&self.held.split_to(count));
            }
            if let Some(waiting) = &mut self.waiting {
                waiting.extend_from_slice(&ready.split());
                if self.lost || waiting.len() as u64 > LARGEST_MOOF {
                    ready = self.waiting.take().unwrap_or_default();
                }
            }
            if self.lost || self.passing > 0 {
                return ready.freeze();
            }
            match BoxHeader::of(&self.held) {
                // A size of 0 is the rest of the file; less than its header is no box
                Some(header) if header.size < header.length as u64 => self.lost = true,
                Some(header) if header.is_fragment && header.size <= LARGEST_MOOF => {
                    let size = usize::try_from(header.size).unwrap_or(usize::MAX);
                    let Some(moof) = self.held.get_mut(..size) else {
                        return ready.freeze();
                    };
                    rebase(moof, self.position);
                    self.passing = header.size;
                    if let Some(mut waiting) = self.waiting.take() {
                        let end = BoxHeader::of(&waiting).and_then(|moov| usize::try_from(moov.size).ok()).unwrap_or(0);
                        if let Some(moov) = waiting.get_mut(..end) {
                            sample_entries::put_first(moov, moof);
                        }
                        ready = waiting;
                    }
                }
                Some(header) if header.is_movie && header.size <= LARGEST_MOOF => {
                    let Some(moov) = self.held.get_mut(..usize::try_from(header.size).unwrap_or(usize::MAX)) else {
                        return ready.freeze();
                    };
                    sample_entries::rename(moov);
                    if sample_entries::has_several(moov) {
                        self.waiting = Some(BytesMut::new());
                    }
                    self.passing = header.size;
                    if self.waiting.is_some() && !ready.is_empty() {
                        // What stands before it does not wait
                        return ready.freeze();
                    }
                }
                Some(header) => self.passing = header.size,
                None => return ready.freeze(),
            }
        }
    }
}

impl<U: Upstream> Upstream for FragmentStream<U> {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            // What is held may be ready already
            let ready = self.ready();
            if !ready.is_empty() {
                return Ok(Some(ready));
            }
            let Some(bytes) = self.upstream.next_chunk()? else { break };
            self.held.extend_from_slice(&bytes);
        }
        // What is cut off in mid-box is the demuxer's to judge
        let mut rest = self.waiting.take().unwrap_or_default();
        self.position -= rest.len() as u64;
        rest.extend_from_slice(&std::mem::take(&mut self.held));
        let rest = rest.freeze();
        self.position += rest.len() as u64;
        Ok((!rest.is_empty()).then_some(rest))
    }

    fn seek_to(&mut self, _offset: u64) -> Result<bool, Error> {
        Ok(false)
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn check_deadline(&self) -> Result<(), Error> {
        self.upstream.check_deadline()
    }

    fn acquire_permit(&mut self) -> Result<(), Error> {
        self.upstream.acquire_permit()
    }

    fn pause(&mut self) {
        self.upstream.pause();
    }

    fn resource_start(&self, from: u64, to: u64) -> Option<u64> {
        self.upstream.resource_start(from, to)
    }
}

/// A box's size and whether it is a `moof` or a `moov` (ISO/IEC 14496-12, 4.2).
pub(super) struct BoxHeader {
    pub size: u64,
    pub length: usize,
    /// A `moof`.
    is_fragment: bool,
    /// A `moov`.
    is_movie: bool,
}

impl BoxHeader {
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let name = bytes.get(4..8)?;
        let (is_fragment, is_movie) = (name == b"moof", name == b"moov");
        match u32_at(bytes, 0)? {
            1 => Some(Self { size: u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?), length: 16, is_fragment, is_movie }),
            size => Some(Self { size: size.into(), length: 8, is_fragment, is_movie }),
        }
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Sets the offsets of a `moof` that lies at `position`. Several in one `moof` keep their distances.
fn rebase(moof: &mut [u8], position: u64) {
    let places = tfhd_offsets(moof);
    let read = |moof: &[u8], at: usize| moof.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(u64::from_be_bytes);
    let Some(origin) = places.iter().filter_map(|at| read(moof, *at)).min() else {
        return;
    };
    for at in places {
        if let Some(old) = read(moof, at)
            && let Some(target) = moof.get_mut(at..at + 8)
        {
            target.copy_from_slice(&position.saturating_add(old - origin).to_be_bytes());
        }
    }
}

/// Where in a `moof` its `traf`s' `tfhd`s hold a base data offset.
fn tfhd_offsets(moof: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let start = BoxHeader::of(moof).map_or(moof.len(), |header| header.length);
    for (at, name, end) in boxes(moof, start, moof.len()) {
        if name != *b"traf" {
            continue;
        }
        for (at, name, _) in boxes(moof, at, end) {
            // version and flags, track_ID, then the offset
            if name == *b"tfhd" && u32_at(moof, at).is_some_and(|flags| flags & BASE_DATA_OFFSET_PRESENT != 0) {
                places.push(at + 8);
            }
        }
    }
    places
}

/// The boxes between two places: where their content begins, their type, where they end.
pub(super) fn boxes(bytes: &[u8], start: usize, end: usize) -> Vec<(usize, [u8; 4], usize)> {
    let mut found = Vec::new();
    let mut at = start;
    while let Some(header) = bytes.get(at..end).and_then(BoxHeader::of) {
        let Some(next) = usize::try_from(header.size).ok().filter(|size| *size >= header.length).and_then(|size| at.checked_add(size))
        else {
            break;
        };
        let name = bytes.get(at + 4..at + 8).and_then(|name| name.try_into().ok()).unwrap_or_default();
        found.push((at + header.length, name, next.min(end)));
        at = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pieces(Vec<Bytes>);

    impl Upstream for Pieces {
        fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
            Ok(if self.0.is_empty() { None } else { Some(self.0.remove(0)) })
        }

        fn seek_to(&mut self, _: u64) -> Result<bool, Error> {
            Ok(true)
        }

        fn size(&self) -> Option<u64> {
            None
        }

        fn pause(&mut self) {}
    }

    fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
        [u32::try_from(content.len() + 8).expect("small").to_be_bytes().as_slice(), name, content].concat()
    }

    fn moof(flags: u32, base: u64) -> Vec<u8> {
        let tfhd = boxed(b"tfhd", &[&flags.to_be_bytes()[..], &1_u32.to_be_bytes(), &base.to_be_bytes()].concat());
        boxed(b"moof", &[boxed(b"mfhd", &[0; 8]), boxed(b"traf", &tfhd)].concat())
    }

    fn through(stream: &[u8], piece: usize) -> Vec<u8> {
        let mut fragments = FragmentStream::new(Pieces(stream.chunks(piece).map(Bytes::copy_from_slice).collect()));
        let mut given = Vec::new();
        while let Some(bytes) = fragments.next_chunk().expect("no errors here") {
            given.extend_from_slice(&bytes);
        }
        given
    }

    #[test]
    fn offsets_in_the_file_become_offsets_in_the_stream() {
        let init = boxed(b"moov", &[7; 100]);
        let stream = [init.clone(), moof(1, 500_000), boxed(b"mdat", &[9; 50]), moof(1, 700_000), boxed(b"mdat", &[9; 5])].concat();
        let second = init.len() + moof(1, 0).len() + 58;
        let wanted =
            [init.clone(), moof(1, init.len() as u64), boxed(b"mdat", &[9; 50]), moof(1, second as u64), boxed(b"mdat", &[9; 5])].concat();
        for piece in [1, 7, 64, 10_000] {
            assert_eq!(through(&stream, piece), wanted, "in pieces of {piece}");
        }
    }

    #[test]
    fn everything_else_goes_through_as_it_is() {
        let relative = [moof(0x02_00_00, 5), boxed(b"mdat", b"media")].concat();
        let endless = [&[0, 0, 0, 0], b"mdat".as_slice(), &[1; 30]].concat();
        // To the end of the file, as a box may be, and nonsense: each is a box that does not move on
        let rest = [&[0, 0, 0, 0], b"moof".as_slice(), &[1; 30]].concat();
        let large = |size: u64| [&[0, 0, 0, 1], b"moof".as_slice(), &size.to_be_bytes(), &[1; 30]].concat();
        for stream in [rest, large(0), large(15), relative, endless, vec![0xff; 40], b"abc".to_vec(), Vec::new()] {
            assert_eq!(through(&stream, 5), stream);
        }
    }
}
