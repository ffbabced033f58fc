//! The growing byte source behind an AVIOContext.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{error::Error, media::StreamStart};

/// Where a [`Source`] gets its bytes from: blocking, in order, from offset 0.
pub trait Upstream: Send + 'static {
    /// The next bytes, at least one; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error>;

    /// Goes on at `offset`. `Ok(false)`: this upstream only goes forward.
    fn seek_to(&mut self, offset: u64) -> Result<bool, Error>;

    /// The size of the whole, where it is known.
    fn size(&self) -> Option<u64>;

    /// Fails once nothing more is wanted, as when time is over: asked before each read, and between packets.
    fn check_deadline(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Waits until it is this one's turn to decode: asked before each packet is. Reading on may give the turn back.
    fn acquire_permit(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Stops what is under way. A later [`Upstream::next`] goes on where this one stopped.
    fn pause(&mut self);

    /// The offset at which a resource starts, behind offset `from` and not behind `to`.
    fn resource_start(&self, _from: u64, _to: u64) -> Option<u64> {
        None
    }

    /// The offset in what was downloaded that an offset in what this upstream gives comes from.
    fn download_offset(&self, position: u64) -> u64 {
        position
    }

    /// The first timestamps of the elementary streams of a transport stream.
    fn stream_starts(&self) -> Vec<StreamStart> {
        Vec::new()
    }
}

/// A forward jump over more than this is asked of the upstream; a shorter one is read through.
const READ_THROUGH: u64 = 512 << 10;

/// Bytes of an [`Upstream`] with all that has arrived kept, so that a seek inside that is free and a second look costs nothing.
///
/// Handles are cheap to clone and share one content; each has its own position. The first error is kept: libav sees a sentinel, and
/// the caller takes the original with [`Source::take_error`].
#[derive(Clone)]
pub struct ByteSource {
    shared: Arc<Mutex<SharedBuffer>>,
    position: u64,
}

struct SharedBuffer {
    upstream: Box<dyn Upstream>,
    /// Runs of bytes without a hole in them, in the order of their arrival; the last one grows.
    runs: Vec<BufferedRange>,
    ended: bool,
    error: Option<Error>,
}

struct BufferedRange {
    offset: u64,
    bytes: Vec<u8>,
}

impl BufferedRange {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// What this run holds from `position` on.
    fn from(&self, position: u64) -> Option<&[u8]> {
        let skip = usize::try_from(position.checked_sub(self.offset)?).ok()?;
        self.bytes.get(skip..).filter(|rest| !rest.is_empty())
    }
}

impl ByteSource {
    /// A source that has read nothing yet.
    pub fn new(upstream: impl Upstream) -> Self {
        let shared = SharedBuffer {
            upstream: Box::new(upstream),
            runs: vec![BufferedRange { offset: 0, bytes: Vec::new() }],
            ended: false,
            error: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)), position: 0 }
    }

    /// Another handle on the same bytes, from the start.
    #[must_use]
    pub fn from_start(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), position: 0 }
    }

    /// The first `count` bytes, fewer where there are no more.
    pub fn peek(&self, count: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.lock().read(filled as u64, rest)? {
                0 => break,
                more => filled += more,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// The first error of the upstream since the last call.
    pub fn take_error(&self) -> Option<Error> {
        self.lock().error.take()
    }

    /// The size of the whole, once its end has been seen.
    pub fn size_at_end(&self) -> Option<u64> {
        let shared = self.lock();
        shared.runs.last().filter(|_| shared.ended).map(BufferedRange::end)
    }

    /// The size of the whole, where it is known before its end has been seen.
    pub fn size(&self) -> Option<u64> {
        self.size_at_end().or_else(|| self.lock().upstream.size())
    }

    /// Fails once nothing more is wanted.
    pub fn check_deadline(&self) -> Result<(), Error> {
        self.lock().upstream.check_deadline()
    }

    /// Waits for the turn to decode.
    pub fn acquire_permit(&self) -> Result<(), Error> {
        self.lock().upstream.acquire_permit()
    }

    /// See [`Upstream::origin`].
    pub fn download_offset(&self, position: u64) -> u64 {
        self.lock().upstream.download_offset(position)
    }

    /// See [`Upstream::starts`].
    pub fn stream_starts(&self) -> Vec<StreamStart> {
        self.lock().upstream.stream_starts()
    }

    /// Stops the download; a later read goes on where it stopped.
    pub fn pause(&self) {
        self.lock().upstream.pause();
    }

    fn lock(&self) -> MutexGuard<'_, SharedBuffer> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedBuffer {
    fn grow(&mut self) -> Result<(), Error> {
        match self.upstream.next_chunk()? {
            Some(bytes) => {
                if let Some(run) = self.runs.last_mut() {
                    run.bytes.extend_from_slice(&bytes);
                }
            }
            None => self.ended = true,
        }
        Ok(())
    }

    /// Makes `position` the next byte to arrive, or arrives at it by reading.
    fn go_to(&mut self, position: u64) -> Result<(), Error> {
        let end = self.runs.last().map_or(0, BufferedRange::end);
        let near = position >= end && position - end <= READ_THROUGH;
        if !near && self.upstream.seek_to(position)? {
            self.runs.push(BufferedRange { offset: position, bytes: Vec::new() });
            self.ended = false;
        } else if position < end {
            return Err(Error::internal("a byte that has been passed is not kept"));
        }
        Ok(())
    }

    fn read(&mut self, position: u64, target: &mut [u8]) -> Result<usize, Error> {
        self.upstream.check_deadline()?;
        loop {
            if let Some(rest) = self.runs.iter().find_map(|run| run.from(position)) {
                let count = rest.len().min(target.len());
                if let (Some(to), Some(from)) = (target.get_mut(..count), rest.get(..count)) {
                    to.copy_from_slice(from);
                }
                return Ok(count);
            }
            let next = self.runs.last().map_or(0, BufferedRange::end);
            if position != next {
                self.go_to(position)?;
            }
            if self.ended {
                return Ok(0);
            }
            self.grow()?;
        }
    }
}

impl Read for ByteSource {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let mut shared = self.lock();
        if shared.error.is_some() {
            return Err(io::ErrorKind::Other.into());
        }
        match shared.read(self.position, target) {
            Ok(count) => {
                drop(shared);
                self.position += count as u64;
                Ok(count)
            }
            Err(error) => {
                shared.error = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }
}

impl Seek for ByteSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(step) => self.position.checked_add_signed(step),
            SeekFrom::End(step) => {
                let size = self.lock().upstream.size();
                size.ok_or(io::ErrorKind::Unsupported)?.checked_add_signed(step)
            }
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts 0, 1, 2, … in pieces of `piece` bytes.
    struct Counter {
        next: u64,
        end: u64,
        piece: u64,
        jumps: bool,
    }

    impl Upstream for Counter {
        fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
            let end = self.end.min(self.next + self.piece);
            let bytes: Vec<u8> = (self.next..end).map(|byte| byte.to_le_bytes()[0]).collect();
            self.next = end;
            Ok((!bytes.is_empty()).then(|| bytes.into()))
        }

        fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
            self.next = if self.jumps { offset } else { self.next };
            Ok(self.jumps)
        }

        fn size(&self) -> Option<u64> {
            Some(self.end)
        }

        fn pause(&mut self) {}
    }

    fn source(jumps: bool, piece: u64) -> ByteSource {
        ByteSource::new(Counter { next: 0, end: 3_000_000, piece, jumps })
    }

    fn read(source: &mut ByteSource, offset: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        source.seek(SeekFrom::Start(offset)).and_then(|_| source.read_exact(&mut bytes)).expect("the bytes are there");
        bytes
    }

    fn wanted(offset: u64, count: u64) -> Vec<u8> {
        (offset..offset + count).map(|byte| byte.to_le_bytes()[0]).collect()
    }

    #[test]
    fn every_order_of_reads_gives_the_same_bytes() {
        for jumps in [true, false] {
            for piece in [1, 1000, 70_000] {
                if piece == 1 && !jumps {
                    continue;
                }
                let mut source = source(jumps, piece);
                for offset in [0, 10, 300, 2_900_000, 5, 301, 2_900_100, 0] {
                    assert_eq!(read(&mut source, offset, 50), wanted(offset, 50), "jumps {jumps}, piece {piece}, offset {offset}");
                }
            }
        }
    }

    #[test]
    fn the_end_is_an_end_and_not_an_error() {
        let mut source = source(true, 1000);
        source.seek(SeekFrom::End(-10)).expect("the size is known");
        let mut rest = Vec::new();
        source.read_to_end(&mut rest).expect("readable");
        assert_eq!(rest, wanted(2_999_990, 10));
        assert_eq!(source.from_start().peek(4).expect("kept"), wanted(0, 4));
    }
}
