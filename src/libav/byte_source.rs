//! The growing byte source that libavformat reads from, through an AVIOContext.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{error::Error, media::StreamStart};

/// Supplies the bytes of a [`ByteSource`]: blocking, in order, from offset 0.
///
/// An upstream that filters another one returns that from [`inner`](Self::inner) and [`inner_mut`](Self::inner_mut). All methods about the
/// download then default to the inner one's.
pub trait Upstream: Send + 'static {
    /// The upstream that this one filters.
    fn inner(&self) -> Option<&dyn Upstream> {
        None
    }

    /// See [`inner`](Self::inner).
    fn inner_mut(&mut self) -> Option<&mut dyn Upstream> {
        None
    }

    /// Returns the next bytes, at least one; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error>;

    /// Continues at `offset`. Returns `false` if this upstream cannot seek.
    fn seek_to(&mut self, _offset: u64) -> Result<bool, Error> {
        Ok(false)
    }

    /// The total size in bytes, if it is known.
    fn size(&self) -> Option<u64> {
        None
    }

    /// Fails if the job is over, for example after its deadline. Checked before each read, and between packets.
    fn check_deadline(&self) -> Result<(), Error> {
        self.inner().map_or(Ok(()), Upstream::check_deadline)
    }

    /// Waits for permission to decode. Called before each packet is decoded. Reading on may release the permit.
    fn acquire_permit(&mut self) -> Result<(), Error> {
        self.inner_mut().map_or(Ok(()), Upstream::acquire_permit)
    }

    /// Stops the download. A later [`next_chunk`](Self::next_chunk) resumes it.
    fn stop_download(&mut self) {
        if let Some(inner) = self.inner_mut() {
            inner.stop_download();
        }
    }

    /// The offset at which a resource starts, after `from` and up to `to`.
    fn resource_start(&self, from: u64, to: u64) -> Option<u64> {
        self.inner()?.resource_start(from, to)
    }

    /// Maps an offset in this upstream's bytes to one in the downloaded bytes.
    fn download_offset(&self, position: u64) -> u64 {
        position
    }

    /// The first timestamps of a transport stream's elementary streams.
    fn stream_starts(&self) -> Vec<StreamStart> {
        Vec::new()
    }
}

/// A forward seek over more bytes than this is passed to the upstream; over a shorter distance the bytes are read.
const MAX_READ_THROUGH: u64 = 512 << 10;

/// The bytes of an [`Upstream`]. It keeps everything that has arrived, so seeking back and reading again cost no download.
///
/// Handles are cheap to clone and share one buffer; each has its own position. libav sees only an I/O error: the first original error is
/// kept for [`ByteSource::take_error`].
#[derive(Clone)]
pub struct ByteSource {
    shared: Arc<Mutex<SharedBuffer>>,
    position: u64,
}

struct SharedBuffer {
    upstream: Box<dyn Upstream>,
    /// Contiguous ranges in the order of their arrival; the last one grows.
    ranges: Vec<BufferedRange>,
    /// Whether the upstream has no more bytes after the last range.
    has_ended: bool,
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

    /// The bytes of this range from `position` on.
    fn from(&self, position: u64) -> Option<&[u8]> {
        let skip = usize::try_from(position.checked_sub(self.offset)?).ok()?;
        self.bytes.get(skip..).filter(|rest| !rest.is_empty())
    }
}

impl ByteSource {
    /// A source that has not read anything yet.
    pub fn new(upstream: impl Upstream) -> Self {
        let shared = SharedBuffer {
            upstream: Box::new(upstream),
            ranges: vec![BufferedRange { offset: 0, bytes: Vec::new() }],
            has_ended: false,
            error: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)), position: 0 }
    }

    /// Another handle on the same bytes, at the start.
    #[must_use]
    pub fn from_start(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), position: 0 }
    }

    /// Another source, which reads what has arrived so far from the start.
    #[must_use]
    pub fn arrived(&self) -> Self {
        let shared = self.lock();
        let first = shared.ranges.first().filter(|range| range.offset == 0);
        Self::new(ArrivedBytes(first.map(|range| Bytes::copy_from_slice(&range.bytes))))
    }

    /// The first `count` bytes, or fewer if the source ends before.
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

    /// The total size in bytes, once the end has been read.
    pub fn size_at_end(&self) -> Option<u64> {
        let shared = self.lock();
        shared.ranges.last().filter(|_| shared.has_ended).map(BufferedRange::end)
    }

    /// The total size in bytes, if it is known.
    pub fn size(&self) -> Option<u64> {
        self.size_at_end().or_else(|| self.lock().upstream.size())
    }

    /// See [`Upstream::check_deadline`].
    pub fn check_deadline(&self) -> Result<(), Error> {
        self.lock().upstream.check_deadline()
    }

    /// See [`Upstream::acquire_permit`].
    pub fn acquire_permit(&self) -> Result<(), Error> {
        self.lock().upstream.acquire_permit()
    }

    /// See [`Upstream::download_offset`].
    pub fn download_offset(&self, position: u64) -> u64 {
        self.lock().upstream.download_offset(position)
    }

    /// See [`Upstream::stream_starts`].
    pub fn stream_starts(&self) -> Vec<StreamStart> {
        self.lock().upstream.stream_starts()
    }

    /// Stops the download; a later read resumes it.
    pub fn stop_download(&self) {
        self.lock().upstream.stop_download();
    }

    fn lock(&self) -> MutexGuard<'_, SharedBuffer> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes in one chunk.
struct ArrivedBytes(Option<Bytes>);

impl Upstream for ArrivedBytes {
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.0.take().filter(|bytes| !bytes.is_empty()))
    }
}

impl SharedBuffer {
    fn append_next_chunk(&mut self) -> Result<(), Error> {
        match self.upstream.next_chunk()? {
            Some(bytes) => {
                if let Some(range) = self.ranges.last_mut() {
                    range.bytes.extend_from_slice(&bytes);
                }
            }
            None => self.has_ended = true,
        }
        Ok(())
    }

    /// Seeks so that `position` is the next byte to arrive, unless it is near enough to be read up to.
    fn seek_upstream(&mut self, position: u64) -> Result<(), Error> {
        let end = self.ranges.last().map_or(0, BufferedRange::end);
        let is_near = position >= end && position - end <= MAX_READ_THROUGH;
        if !is_near && self.upstream.seek_to(position)? {
            self.ranges.push(BufferedRange { offset: position, bytes: Vec::new() });
            self.has_ended = false;
        } else if position < end {
            return Err(Error::internal("a byte before the buffered range was requested"));
        }
        Ok(())
    }

    fn read(&mut self, position: u64, target: &mut [u8]) -> Result<usize, Error> {
        self.upstream.check_deadline()?;
        loop {
            if let Some(rest) = self.ranges.iter().find_map(|range| range.from(position)) {
                let count = rest.len().min(target.len());
                if let (Some(to), Some(from)) = (target.get_mut(..count), rest.get(..count)) {
                    to.copy_from_slice(from);
                }
                return Ok(count);
            }
            let next = self.ranges.last().map_or(0, BufferedRange::end);
            if position != next {
                self.seek_upstream(position)?;
            }
            if self.has_ended {
                return Ok(0);
            }
            self.append_next_chunk()?;
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

    /// The bytes 0, 1, 2, … in chunks of `piece` bytes.
    struct Counter {
        next: u64,
        end: u64,
        piece: u64,
        can_seek: bool,
    }

    impl Upstream for Counter {
        fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
            let end = self.end.min(self.next + self.piece);
            let bytes: Vec<u8> = (self.next..end).map(|byte| byte.to_le_bytes()[0]).collect();
            self.next = end;
            Ok((!bytes.is_empty()).then(|| bytes.into()))
        }

        fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
            self.next = if self.can_seek { offset } else { self.next };
            Ok(self.can_seek)
        }

        fn size(&self) -> Option<u64> {
            Some(self.end)
        }
    }

    fn source(can_seek: bool, piece: u64) -> ByteSource {
        ByteSource::new(Counter { next: 0, end: 3_000_000, piece, can_seek })
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
        for can_seek in [true, false] {
            for piece in [1, 1000, 70_000] {
                if piece == 1 && !can_seek {
                    continue;
                }
                let mut source = source(can_seek, piece);
                for offset in [0, 10, 300, 2_900_000, 5, 301, 2_900_100, 0] {
                    assert_eq!(read(&mut source, offset, 50), wanted(offset, 50), "can_seek: {can_seek}, piece {piece}, offset {offset}");
                }
            }
        }
    }

    #[test]
    fn the_end_of_the_bytes_is_no_error() {
        let mut source = source(true, 1000);
        source.seek(SeekFrom::End(-10)).expect("the size is known");
        let mut rest = Vec::new();
        source.read_to_end(&mut rest).expect("readable");
        assert_eq!(rest, wanted(2_999_990, 10));
        assert_eq!(source.from_start().peek(4).expect("kept"), wanted(0, 4));
    }
}
