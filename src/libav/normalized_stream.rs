//! Detects the container by the first bytes, and normalizes transport streams ([`TransportReader`]). Everything else is passed on unchanged.

use bytes::Bytes;

use super::{byte_source::Upstream, container};
use crate::{
    error::Error,
    media::{StreamStart, TransportReader, find_transport_stream},
};

/// A transport stream is found after at most this many other bytes: some origins put whole images before it.
const MAX_PREFIX_BYTES: usize = 256 << 10;

/// Filters an upstream so that the demuxers can read it.
pub struct NormalizedStream<U> {
    upstream: U,
    transport: TransportReader,
    format: StreamFormat,
    has_ended: bool,
}

enum StreamFormat {
    /// Not detected yet; the bytes read until now.
    Unknown(Vec<u8>),
    /// A transport stream.
    Transport,
    /// Anything else.
    Other,
}

impl<U: Upstream> NormalizedStream<U> {
    /// Filters `upstream` from its first byte on.
    pub fn new(upstream: U) -> Self {
        Self { upstream, transport: TransportReader::default(), format: StreamFormat::Unknown(Vec::new()), has_ended: false }
    }

    /// Detects the format. Returns the bytes that this took.
    fn detect_format(&mut self) -> Result<Option<Bytes>, Error> {
        let StreamFormat::Unknown(head) = &mut self.format else { return Ok(None) };
        while !is_sufficient(head) {
            let Some(bytes) = self.upstream.next_chunk()? else {
                self.has_ended = true;
                break;
            };
            head.extend_from_slice(&bytes);
        }
        let head = std::mem::take(head);
        let is_transport = !container::is_mp4(&head) && find_transport_stream(&head, MAX_PREFIX_BYTES).is_some();
        self.format = if is_transport { StreamFormat::Transport } else { StreamFormat::Other };
        Ok(Some(if is_transport { self.normalize(&head).into() } else { head.into() }))
    }

    fn normalize(&mut self, bytes: &[u8]) -> Vec<u8> {
        let upstream = &self.upstream;
        self.transport.push(bytes, |from, to| upstream.resource_start(from, to))
    }
}

/// Whether these first bytes suffice to detect the format.
fn is_sufficient(head: &[u8]) -> bool {
    if container::is_mp4(head) || head.len() >= MAX_PREFIX_BYTES {
        return true;
    }
    // An image may precede a transport stream; a playlist, a page or audio does not
    let may_precede = head.len() < container::BOX_HEADER_BYTES || container::may_precede_transport_stream(head);
    let is_enough = head.len() >= container::PROBE_BYTES;
    is_enough && (!may_precede || find_transport_stream(head, head.len().saturating_sub(container::PROBE_BYTES)).is_some())
}

impl<U: Upstream> Upstream for NormalizedStream<U> {
    fn inner(&self) -> Option<&dyn Upstream> {
        Some(&self.upstream)
    }

    fn inner_mut(&mut self) -> Option<&mut dyn Upstream> {
        Some(&mut self.upstream)
    }

    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(head) = self.detect_format()?.filter(|head| !head.is_empty()) {
            return Ok(Some(head));
        }
        let is_transport = matches!(self.format, StreamFormat::Transport);
        while !self.has_ended {
            match self.upstream.next_chunk()? {
                Some(bytes) if is_transport => {
                    let normalized = self.normalize(&bytes);
                    if !normalized.is_empty() {
                        return Ok(Some(normalized.into()));
                    }
                }
                Some(bytes) => return Ok(Some(bytes)),
                None => self.has_ended = true,
            }
        }
        let upstream = &self.upstream;
        let rest = if is_transport { self.transport.finish(|from, to| upstream.resource_start(from, to)) } else { Vec::new() };
        Ok((!rest.is_empty()).then(|| rest.into()))
    }

    fn seek_to(&mut self, offset: u64) -> Result<bool, Error> {
        let has_sought = matches!(self.format, StreamFormat::Other) && self.upstream.seek_to(offset)?;
        self.has_ended &= !has_sought;
        Ok(has_sought)
    }

    fn size(&self) -> Option<u64> {
        if matches!(self.format, StreamFormat::Transport) { None } else { self.upstream.size() }
    }

    fn download_offset(&self, position: u64) -> u64 {
        if matches!(self.format, StreamFormat::Transport) { self.transport.input_offset(position) } else { position }
    }

    fn stream_starts(&self) -> Vec<StreamStart> {
        self.transport.stream_starts().to_vec()
    }
}
